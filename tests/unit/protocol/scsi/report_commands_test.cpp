#include "protocol/scsi/commands.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace report_commands_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

Reply report_luns(UnitBench& bench, std::uint8_t select, std::uint32_t allocation_length = 1024) {
  Cdb cdb = cdb_of({0xa0, 0, select});
  bytes::put_be32(&cdb.raw[6], allocation_length);
  return bench.ask(cdb);
}

Reply opcodes(UnitBench& bench, std::uint8_t options, std::uint8_t opcode = 0,
              std::uint16_t action = 0, std::uint32_t allocation_length = 65535) {
  Cdb cdb = cdb_of({0xa3, 0x0c, options, opcode});
  bytes::put_be16(&cdb.raw[4], action);
  bytes::put_be32(&cdb.raw[6], allocation_length);
  return bench.ask(cdb);
}

std::string sense_data(UnitBench& bench, std::uint8_t descriptor = 0, std::uint8_t length = 252) {
  const Reply reply = bench.ask({0x03, descriptor, 0, 0, length, 0});
  CHECK(say(reply) == "GOOD");
  const auto sense = parse_sense(reply.data_in);
  return sense ? say(*sense) : "none";
}

}  // namespace

TEST_CASE("B6.10 REPORT LUNS lists the target's LUNs, flat above 255") {
  UnitBench bench;
  bench.luns = {0, 5, 255, 256, 16383};
  CHECK(bytes::to_hex(report_luns(bench, 0).data_in) ==
        "00 00 00 28 00 00 00 00 "
        "00 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 ff 00 00 00 00 00 00 "
        "41 00 00 00 00 00 00 00 7f ff 00 00 00 00 00 00");
}

TEST_CASE("B6.10 SELECT REPORT 01h lists the well-known unit, 02h all, others are refused") {
  UnitBench bench;
  CHECK(bytes::to_hex(report_luns(bench, 1).data_in) ==
        "00 00 00 08 00 00 00 00 c1 01 00 00 00 00 00 00");
  CHECK(report_luns(bench, 2).data_in.size() == 8 + 16);
  CHECK(say(report_luns(bench, 3)) == "5/24/00 cdb 2");
  CHECK(say(report_luns(bench, 0x10)) == "5/24/00 cdb 2");
}

TEST_CASE("B6.10 an ALLOCATION LENGTH below 16 is refused, a short one cuts but the length stays") {
  UnitBench bench;
  bench.luns = {0, 1, 2};
  CHECK(say(report_luns(bench, 0, 15)) == "5/24/00 cdb 6");
  const Reply cut = report_luns(bench, 0, 16);
  CHECK(cut.data_in.size() == 16);
  CHECK(bytes::be32(cut.data_in.data()) == 24);
}

TEST_CASE("16384 LUNs are reported whole") {
  UnitBench bench;
  bench.luns.clear();
  for (std::uint16_t lun = 0; lun < 16384; ++lun)
    bench.luns.push_back(lun);
  CHECK(report_luns(bench, 0, 1 << 20).data_in.size() == 8 + 16384 * 8);
}

TEST_CASE("B3.03 REPORT LUNS passes unit attentions by, and clears 6/3F/0E alone") {
  UnitBench bench;
  bench.unit.raise(SenseCode{6, 0x3f, 0x0e});
  bench.unit.raise(SenseCode{6, 0x2a, 0x09});
  CHECK(say(report_luns(bench, 3)) == "5/24/00 cdb 2");  // a refused one clears nothing
  CHECK(say(report_luns(bench, 0)) == "GOOD");
  CHECK(bench.ready() == "6/2A/09");
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.ready(2) == "6/3F/0E");
}

TEST_CASE("B1.08 B5.37 REQUEST SENSE has nothing to tell after an error that was reported") {
  UnitBench bench;
  CHECK(bench.said({0xff}) == "5/20/00");
  CHECK(sense_data(bench) == "0/00/00");
}

TEST_CASE("B5.37 DESC chooses the format, and the ALLOCATION LENGTH cuts") {
  UnitBench bench;
  CHECK(bench.ask({0x03, 0, 0, 0, 252, 0}).data_in.size() == 18);
  CHECK(bench.ask({0x03, 0, 0, 0, 252, 0}).data_in[0] == 0x70);
  CHECK(bench.ask({0x03, 1, 0, 0, 252, 0}).data_in[0] == 0x72);
  CHECK(bench.ask({0x03, 1, 0, 0, 252, 0}).data_in.size() == 8);
  CHECK(bench.ask({0x03, 0, 0, 0, 4, 0}).data_in.size() == 4);
  CHECK(bench.ask({0x03, 0, 0, 0, 0, 0}).data_in.empty());
}

TEST_CASE("B3.04 REQUEST SENSE returns a unit attention as data and clears it") {
  UnitBench bench;
  bench.unit.raise_for(1, SenseCode{6, 0x2a, 0x09});
  CHECK(sense_data(bench, 1) == "6/2A/09");
  CHECK(sense_data(bench) == "0/00/00");
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE("REQUEST SENSE tells why a unit is not ready") {
  UnitBench fixed, removable(removable_disk());
  REQUIRE(fixed.said({0x1b, 0, 0, 0, 0, 0}) == "GOOD");
  CHECK(sense_data(fixed) == "2/04/02");
  REQUIRE(removable.said({0x1b, 0, 0, 0, 2, 0}) == "GOOD");
  CHECK(sense_data(removable) == "2/3A/02");
}

TEST_CASE("B6.14 all commands are listed once, with timeouts when RCTD asks") {
  UnitBench bench(whole_block_disk());
  const auto plain = opcodes(bench, 0x00).data_in;
  CHECK(plain.size() == 4 + 8 * command_table().size());
  CHECK(bytes::be32(plain.data()) == plain.size() - 4);
  const auto timed = opcodes(bench, 0x80).data_in;
  REQUIRE(timed.size() == 4 + 20 * command_table().size());
  for (std::size_t at = 4; at < timed.size(); at += 20) {
    CHECK((timed[at + 5] & 0x02) != 0);
    CHECK(bytes::be16(&timed[at + 8]) == 0x0a);
    CHECK(bytes::be32(&timed[at + 16]) > 0);
  }
}

TEST_CASE("B6.14 SERVACTV is set exactly where a service action is given") {
  UnitBench bench;
  const auto data = opcodes(bench, 0x00).data_in;
  for (std::size_t at = 4; at < data.size(); at += 8) {
    const bool has_action = data[at] == 0x9e || data[at] == 0xa3;
    CHECK(((data[at + 5] & 0x01) != 0) == has_action);
    CHECK((bytes::be16(&data[at + 2]) != 0) == has_action);
  }
}

TEST_CASE("B6.14 one command: CDB size and usage data are those that are enforced") {
  UnitBench bench(whole_block_disk());
  for (const CommandRow& row : command_table()) {
    CAPTURE(row.name);
    const auto action = static_cast<std::uint16_t>(row.has_action() ? row.action : 0);
    const auto right = opcodes(bench, row.has_action() ? 2 : 1, row.opcode, action).data_in;
    REQUIRE(right.size() == 4U + row.cdb_length);
    CHECK(right[1] == 0x03);
    CHECK(bytes::be16(&right[2]) == row.cdb_length);
    CHECK(std::equal(right.begin() + 4, right.end(), row.usage.begin()));
    CHECK(opcodes(bench, 3, row.opcode, action).data_in == right);
    CHECK(say(opcodes(bench, row.has_action() ? 1 : 2, row.opcode, action)) == "5/24/00 cdb 2.2");
    CHECK(opcodes(bench, static_cast<std::uint8_t>(0x83), row.opcode, action).data_in.size() ==
          4U + row.cdb_length + 12);
  }
}

TEST_CASE("B6.14 unknown commands have SUPPORT 001b, unknown reporting options are refused") {
  UnitBench bench;
  CHECK(bytes::to_hex(opcodes(bench, 1, 0xff).data_in) == "00 01 00 00");
  CHECK(bytes::to_hex(opcodes(bench, 2, 0xff, 1).data_in) == "00 01 00 00");
  CHECK(bytes::to_hex(opcodes(bench, 2, 0xa3, 0x1f).data_in) == "00 01 00 00");
  CHECK(bytes::to_hex(opcodes(bench, 3, 0x28, 1).data_in) == "00 01 00 00");
  CHECK(say(opcodes(bench, 4)) == "5/24/00 cdb 2.2");
}

TEST_CASE("B6.14 GET LBA STATUS is listed only where a physical block is one logical block") {
  UnitBench whole(whole_block_disk()), eight;
  CHECK(opcodes(whole, 2, 0x9e, 0x12).data_in[1] == 0x03);
  CHECK(bytes::to_hex(opcodes(eight, 2, 0x9e, 0x12).data_in) == "00 01 00 00");
}

TEST_CASE("B6.14 a thick unit lists no UNMAP and shows no UNMAP bit in WRITE SAME") {
  auto profile = whole_block_disk();
  profile.thin = false;
  UnitBench thick(profile);
  CHECK(opcodes(thick, 0).data_in.size() == 4 + 8 * (command_table().size() - 1));
  CHECK(bytes::to_hex(opcodes(thick, 1, 0x42).data_in) == "00 01 00 00");
  CHECK(opcodes(thick, 1, 0x93).data_in[5] == 0x01);
}

TEST_CASE(
    "B6.15 REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS follows the table and the protocol level") {
  UnitBench bench;
  const Octets cdb = {0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0};
  CHECK(bytes::to_hex(bench.ask(cdb).data_in) == "da 00 00 00");
  bench.ports.iscsi_protocol_level = 2;
  CHECK(bytes::to_hex(bench.ask(cdb).data_in) == "de 07 00 00");
  CHECK(bench.ask({0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 255, 0, 0}).data_in.size() == 16);
  CHECK(bench.said({0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0}) == "5/24/00 cdb 6");
}

}  // namespace report_commands_test
