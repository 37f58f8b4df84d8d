#include "protocol/scsi/logical_unit.hpp"

#include <doctest/doctest.h>

namespace lun_test {

using namespace faultlun::scsi;

namespace {

using Lun = std::array<std::uint8_t, 8>;

}  // namespace

TEST_CASE("B1.09 LUNs below 256 are written peripheral, the others flat") {
  Lun octets{};
  put_lun(octets, 0);
  CHECK(octets == Lun{});
  put_lun(octets, 255);
  CHECK(octets == Lun{0x00, 0xff});
  put_lun(octets, 256);
  CHECK(octets == Lun{0x41, 0x00});
  put_lun(octets, 16383);
  CHECK(octets == Lun{0x7f, 0xff});
}

TEST_CASE("B1.09 every LUN that is written is read back") {
  for (std::uint16_t lun = 0; lun < 16384; ++lun) {
    Lun octets{};
    put_lun(octets, lun);
    CHECK(parse_lun(octets) == lun);
  }
}

TEST_CASE("B1.09 a small LUN may come flat or extended flat as well") {
  CHECK(parse_lun(Lun{0x40, 0x05}) == 5);
  CHECK(parse_lun(Lun{0xd2, 0x00, 0x01, 0x2c}) == 300);
  CHECK(parse_lun(Lun{0xd2, 0x00, 0x3f, 0xff}) == 16383);
}

TEST_CASE("formats that name no unit of ours are refused") {
  CHECK_FALSE(parse_lun(Lun{0x01, 0x00}).has_value());              // another bus
  CHECK_FALSE(parse_lun(Lun{0x80, 0x00}).has_value());              // logical unit method
  CHECK_FALSE(parse_lun(Lun{0x00, 0x01, 0x00, 0x01}).has_value());  // a second level
  CHECK_FALSE(parse_lun(Lun{0x40, 0x01, 0, 0, 0, 0, 0, 1}).has_value());
  CHECK_FALSE(parse_lun(Lun{0xd2, 0x00, 0x40, 0x00}).has_value());  // 16384
  CHECK_FALSE(parse_lun(Lun{0xc1, 0x01}).has_value());              // well known
  CHECK_FALSE(parse_lun(Lun{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}).has_value());
}

TEST_CASE("the REPORT LUNS well-known LUN is told from all others") {
  CHECK(is_report_luns_well_known(Lun{0xc1, 0x01}));
  CHECK_FALSE(is_report_luns_well_known(Lun{0xc1, 0x02}));
  CHECK_FALSE(is_report_luns_well_known(Lun{0xc1, 0x01, 0, 0, 0, 0, 0, 1}));
}

}  // namespace lun_test
