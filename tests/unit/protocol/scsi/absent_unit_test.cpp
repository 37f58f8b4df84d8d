#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace absent_unit_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

struct Nowhere {
  NexusPorts ports;
  std::vector<std::uint16_t> luns{3, 4};
  Reply absent(Octets cdb) const { return answer_absent_unit({cdb_of(cdb)}, {ports, luns}); }
  Reply well_known(Octets cdb) const {
    return answer_well_known_report_luns({cdb_of(cdb)}, {ports, luns});
  }
};

}  // namespace

TEST_CASE(
    "B1.04 INQUIRY to an absent unit says qualifier 011b and type 1Fh, with a vendor all the "
    "same") {
  const Nowhere target;
  const Reply reply = target.absent({0x12, 0, 0, 0, 0xff, 0});
  CHECK(say(reply) == "GOOD");
  REQUIRE(reply.data_in.size() == 96);
  CHECK(reply.data_in[0] == 0x7f);
  CHECK(bytes::text(bytes::View(reply.data_in).subspan(8, 8)) == "FAULTLUN");
  CHECK(bytes::to_hex(target.absent({0x12, 1, 0, 0, 0xff, 0}).data_in) == "7f 00 00 01 00");
  CHECK(say(target.absent({0x12, 1, 0x83, 0, 0xff, 0})) == "5/24/00 cdb 2");
  CHECK(say(target.absent({0x12, 0, 0x83, 0, 0xff, 0})) == "5/24/00 cdb 2");
  CHECK(say(target.absent({0x12, 0, 0, 0, 0xff, 4})) == "5/24/00 cdb 5.2");
}

TEST_CASE("B1.04 REPORT LUNS to an absent unit is served, REQUEST SENSE has 5/25/00 as data") {
  const Nowhere target;
  CHECK(target.absent({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}).data_in.size() == 8 + 16);
  const auto sense = parse_sense(target.absent({0x03, 1, 0, 0, 0xff, 0}).data_in);
  REQUIRE(sense.has_value());
  CHECK(say(*sense) == "5/25/00");
}

TEST_CASE("B1.04 B5.10 everything else to an absent unit is 5/25/00") {
  const Nowhere target;
  for (int opcode = 0; opcode < 256; ++opcode) {
    if (opcode == 0x12 || opcode == 0xa0 || opcode == 0x03) continue;
    CHECK(say(target.absent({static_cast<std::uint8_t>(opcode)})) == "5/25/00");
  }
}

TEST_CASE("the REPORT LUNS well-known unit answers its four commands and refuses the rest") {
  const Nowhere target;
  CHECK(target.well_known({0x12, 0, 0, 0, 0xff, 0}).data_in.at(0) == 0x1e);
  CHECK(target.well_known({0xa0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0}).data_in.size() == 8 + 24);
  CHECK(say(target.well_known({0x00, 0, 0, 0, 0, 0})) == "GOOD");
  CHECK(say(target.well_known({0x00, 1, 0, 0, 0, 0})) == "5/24/00 cdb 1.0");
  CHECK(bytes::to_hex(
            bytes::View(target.well_known({0x03, 0, 0, 0, 18, 0}).data_in).subspan(12, 2)) ==
        "00 00");
  CHECK(say(target.well_known({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0})) == "5/20/00");
}

}  // namespace absent_unit_test
