#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace inquiry_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

bytes::Buffer vpd(UnitBench& bench, std::uint8_t page) {
  const Reply reply = bench.ask({0x12, 0x01, page, 0x08, 0x00, 0});
  REQUIRE(say(reply) == "GOOD");
  REQUIRE(reply.data_in.size() >= 4);
  CHECK(reply.data_in[1] == page);
  CHECK(bytes::be16(&reply.data_in[2]) == reply.data_in.size() - 4);
  return reply.data_in;
}

bytes::Buffer standard(UnitBench& bench) {
  return bench.ask({0x12, 0, 0, 0x02, 0x00, 0}).data_in;
}

struct Designator {
  int protocol, code_set, association, type;
  bytes::Buffer value;
};
std::vector<Designator> designators(UnitBench& bench) {
  const auto page = vpd(bench, 0x83);
  std::vector<Designator> out;
  for (std::size_t at = 4; at + 4 <= page.size();) {
    const std::size_t length = page[at + 3];
    REQUIRE(at + 4 + length <= page.size());
    const auto begin = page.begin() + static_cast<std::ptrdiff_t>(at) + 4;
    out.push_back({page[at] >> 4,
                   page[at] & 15,
                   page[at + 1] >> 4 & 3,
                   page[at + 1] & 15,
                   {begin, begin + static_cast<std::ptrdiff_t>(length)}});
    at += 4 + length;
  }
  return out;
}

}  // namespace

TEST_CASE("B6.03 standard INQUIRY: SPC-4, format 2, CMDQUE, HISUP, the right length and names") {
  UnitBench bench;
  const auto data = standard(bench);
  REQUIRE(data.size() == 96);
  CHECK(bytes::to_hex(bytes::View(data).first(8)) == "00 00 06 12 5b 00 00 02");
  CHECK(bytes::text(bytes::View(data).subspan(8, 28)) == "FAULTLUNVIRTUAL DISK    0001");
}

TEST_CASE("B6.03 A14.01 version descriptors: SAM-5, SPC-4, SBC-3, iSCSI with its level") {
  UnitBench bench;
  CHECK(bytes::to_hex(bytes::View(standard(bench)).subspan(58, 10)) ==
        "00 a0 04 60 04 c0 09 61 00 00");
  bench.ports.iscsi_protocol_level = 2;
  CHECK(bytes::be16(&standard(bench)[64]) == 0x0962);
}

TEST_CASE("RMB is set exactly for a removable medium") {
  UnitBench fixed, removable(removable_disk());
  CHECK(standard(fixed)[1] == 0x00);
  CHECK(standard(removable)[1] == 0x80);
}

TEST_CASE("B6.02 INQUIRY data is cut to the ALLOCATION LENGTH and its length field stays") {
  UnitBench bench;
  for (const std::uint8_t length : Octets{0, 4, 5, 36, 95}) {
    const Reply reply = bench.ask({0x12, 0, 0, 0, length, 0});
    CHECK(say(reply) == "GOOD");
    CHECK(reply.data_in.size() == length);
    CHECK(reply.data_in_length == length);
    if (length >= 5) CHECK(reply.data_in[4] == 91);
  }
}

TEST_CASE("B6.04 a PAGE CODE without EVPD, an unknown page and CMDDT are refused with a pointer") {
  UnitBench bench;
  CHECK(bench.said({0x12, 0x00, 0x80, 0, 0xff, 0}) == "5/24/00 cdb 2");
  CHECK(bench.said({0x12, 0x01, 0x81, 0, 0xff, 0}) == "5/24/00 cdb 2");
  CHECK(bench.said({0x12, 0x02, 0x00, 0, 0xff, 0}) == "5/24/00 cdb 1.1");
}

TEST_CASE("B6.05 page 00h lists, strictly ascending, exactly the pages that are served") {
  UnitBench bench;
  const auto data = vpd(bench, 0x00);
  const bytes::Buffer listed(data.begin() + 4, data.end());
  bytes::Buffer served;
  for (int page = 0; page < 256; ++page) {
    if (bench.said({0x12, 0x01, static_cast<std::uint8_t>(page), 0, 0xff, 0}) == "GOOD") {
      served.push_back(static_cast<std::uint8_t>(page));
    }
  }
  CHECK(listed == served);
  CHECK(bytes::to_hex(listed) == "00 80 83 86 b0 b1 b2");
}

TEST_CASE("B6.07 page 80h is the serial number, cut to 36 characters") {
  UnitBench bench;
  const auto data = vpd(bench, 0x80);
  CHECK(bytes::text(bytes::View(data).subspan(4)) == "SN0001");
  auto profile = small_disk();
  profile.serial = std::string(50, 'x');
  UnitBench talkative(profile);
  CHECK(vpd(talkative, 0x80).size() == 4 + 36);
}

TEST_CASE("B6.06 page 83h names the unit by NAA 6 and T10 vendor id") {
  UnitBench bench;
  const auto list = designators(bench);
  REQUIRE(list.size() >= 2);
  CHECK(list[0].type == 3);
  CHECK(list[0].association == 0);
  CHECK(list[0].code_set == 1);
  CHECK(bytes::to_hex(list[0].value) == "60 01 12 23 34 45 56 67 88 99 aa bb cc dd ee ff");
  CHECK(list[1].type == 1);
  CHECK(bytes::text(list[1].value) == "FAULTLUNVIRTUAL DISK    SN0001");
}

TEST_CASE("B6.06 page 83h names the target port: relative port, port group, SCSI name string") {
  UnitBench bench;
  bench.ports.relative_target_port = 3;
  bench.ports.target_port_group = 7;
  const auto list = designators(bench);
  REQUIRE(list.size() == 6);
  CHECK(list[2].type == 4);
  CHECK(list[2].association == 1);
  CHECK(list[2].protocol == 5);
  CHECK(bytes::to_hex(list[2].value) == "00 00 00 03");
  CHECK(list[3].type == 5);
  CHECK(bytes::to_hex(list[3].value) == "00 00 00 07");
  CHECK(list[4].type == 8);
  CHECK(list[4].code_set == 3);
  CHECK(list[4].association == 1);
  CHECK(list[4].value.size() % 4 == 0);
  CHECK(std::string(bytes::text(list[4].value)).c_str() == bench.ports.target_port);
  CHECK(list[4].value.back() == 0);
  CHECK(list[5].association == 2);
  CHECK(std::string(bytes::text(list[5].value)).c_str() == bench.ports.target_name);
}

TEST_CASE("B6.06 ports differ in nothing but the designators of association 1") {
  UnitBench bench;
  const auto before = designators(bench);
  bench.ports.relative_target_port = 9;
  bench.ports.target_port_group = 9;
  bench.ports.target_port = "iqn.2026-11.example:disk,t,0x0009";
  const auto after = designators(bench);
  REQUIRE(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK((before[i].value == after[i].value) == (before[i].association != 1));
  }
}

TEST_CASE("the longest name of a target fits its designator") {
  UnitBench bench;
  bench.ports.target_name = "iqn." + std::string(219, 'n');
  bench.ports.target_port = bench.ports.target_name + ",t,0x0001";
  const auto list = designators(bench);
  CHECK(std::string(bytes::text(list[4].value)).c_str() == bench.ports.target_port);
}

TEST_CASE("B6.08 page 86h claims ordering only when the host honours it") {
  UnitBench bench;
  auto data = vpd(bench, 0x86);
  REQUIRE(data.size() == 64);
  CHECK(data[4] == 0x00);
  CHECK(data[5] == 0x11);
  CHECK(data[6] == 0x01);
  CHECK(data[13] == kMaxSenseBytes);
  auto profile = small_disk();
  profile.orders_tasks = true;
  UnitBench ordering(profile);
  CHECK(vpd(ordering, 0x86)[5] == 0x17);
}

TEST_CASE("B6.09 page B0h: the limits, in blocks of 512") {
  UnitBench bench;
  const auto data = vpd(bench, 0xb0);
  REQUIRE(data.size() == 64);
  CHECK(data[4] == 0);    // WSNZ
  CHECK(data[5] == 255);  // COMPARE AND WRITE
  CHECK(bytes::be16(&data[6]) == 8);
  CHECK(bytes::be32(&data[8]) == 65536);
  CHECK(bytes::be32(&data[12]) == 2048);
  CHECK(bytes::be32(&data[20]) == 0x100000);
  CHECK(bytes::be32(&data[24]) == 256);
  CHECK(bytes::be32(&data[28]) == 8);
  CHECK(bytes::be32(&data[32]) == 0x80000000);
  CHECK(bytes::be64(&data[36]) == 0x40000);
}

TEST_CASE("B6.09 B8.29 page B0h with 4096-byte blocks, and without thin provisioning") {
  auto profile = thick_disk();
  profile.block_size = 4096;
  profile.physical_block_exponent = 0;
  UnitBench bench(profile);
  const auto data = vpd(bench, 0xb0);
  CHECK(bytes::be16(&data[6]) == 1);
  CHECK(bytes::be32(&data[8]) == 8192);
  CHECK(bytes::be32(&data[20]) == 0);
  CHECK(bytes::be32(&data[24]) == 0);
  CHECK(bytes::be64(&data[36]) == 0x8000);
}

TEST_CASE("page B1h has length 3Ch, as Windows wants, and tells a disk from flash") {
  UnitBench bench;
  const auto data = vpd(bench, 0xb1);
  CHECK(data[3] == 0x3c);
  CHECK(bytes::be16(&data[4]) == 1);
  auto profile = small_disk();
  profile.rotational = true;
  UnitBench spinning(profile);
  CHECK(bytes::be16(&vpd(spinning, 0xb1)[4]) == 7200);
}

TEST_CASE("page B2h: UNMAP and WRITE SAME unmap on a thin unit, nothing on a thick one") {
  UnitBench thin, thick(thick_disk());
  CHECK(bytes::to_hex(vpd(thin, 0xb2)) == "00 b2 00 04 00 e4 02 00");
  CHECK(bytes::to_hex(vpd(thick, 0xb2)) == "00 b2 00 04 00 00 00 00");
}

}  // namespace inquiry_test
