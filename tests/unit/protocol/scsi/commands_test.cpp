#include "protocol/scsi/commands.hpp"

#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace commands_test {

using namespace faultlun;
using namespace faultlun::scsi;

TEST_CASE("every row is found by its name and by a CDB with its opcode and service action") {
  for (const CommandRow& row : command_table()) {
    Cdb cdb;
    cdb.raw[0] = row.opcode;
    if (row.has_action()) cdb.raw[1] = static_cast<std::uint8_t>(row.action);
    CHECK_MESSAGE(find_command(cdb) == &row, row.name);
    CHECK_MESSAGE(find_command(row.name) == &row, row.name);
    const bool has_plan = row.plan != nullptr;
    CHECK_MESSAGE(has_plan, row.name);
  }
  CHECK(find_command("REED(10)") == nullptr);
}

TEST_CASE("opcodes without a row, and service actions without a row, are not found") {
  CHECK(find_opcode(0xff).empty());
  CHECK(find_command(cdb_of({0x7f})) == nullptr);
  CHECK(find_command(cdb_of({0xa3, 0x1f})) == nullptr);
  CHECK(find_opcode(0xa3).size() == 2);
}

TEST_CASE(
    "B6.14 B5.03 every bit outside the CDB USAGE DATA is refused with a pointer to its byte, every "
    "bit inside passes") {
  for (const CommandRow& row : command_table()) {
    for (std::size_t at = 1; at < row.cdb_length; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        Cdb cdb;
        cdb.raw[0] = row.opcode;
        if (row.has_action()) cdb.raw[1] = static_cast<std::uint8_t>(row.action);
        if (row.has_action() && at == 1 && bit < 5) continue;  // would be another service action
        cdb.raw[at] = static_cast<std::uint8_t>(cdb.raw[at] | 1U << bit);
        const auto wrong = check_usage(row, cdb);
        const bool allowed = (row.usage[at] >> bit & 1) != 0;
        CAPTURE(row.name);
        CAPTURE(at);
        CAPTURE(bit);
        REQUIRE(wrong.has_value() != allowed);
        if (allowed) continue;
        CHECK(wrong->in_cdb);
        CHECK(wrong->byte == at);
        const bool protection = row.is(protect_field) && at == 1 && bit >= 5;
        CHECK(wrong->bit == (protection ? 7 : bit));
      }
    }
  }
}

TEST_CASE("B4.01 B6.22 NACA and LINK in the CONTROL byte are refused for every command") {
  for (const CommandRow& row : command_table()) {
    Cdb cdb;
    cdb.raw[0] = row.opcode;
    if (row.has_action()) cdb.raw[1] = static_cast<std::uint8_t>(row.action);
    const auto control = static_cast<std::uint16_t>(row.cdb_length - 1);
    const FieldPointer naca{true, control, 2};
    cdb.raw[control] = 0x04;
    CHECK_MESSAGE(check_usage(row, cdb) == naca, row.name);
    cdb.raw[control] = 0x01;
    CHECK_MESSAGE(check_usage(row, cdb).has_value(), row.name);
  }
}

TEST_CASE("B6.24 CDB lengths follow the group code") {
  CHECK(group_length(0x00) == 6);
  CHECK(group_length(0x28) == 10);
  CHECK(group_length(0x5a) == 10);
  CHECK(group_length(0x7f) == 0);
  CHECK(group_length(0x88) == 16);
  CHECK(group_length(0xa8) == 12);
  CHECK(group_length(0xc0) == 0);
  CHECK(group_length(0xe0) == 0);
}

TEST_CASE("bytes behind the CDB's own length do not matter") {
  Cdb cdb = cdb_of({0x00, 0, 0, 0, 0, 0, 0xff, 0xff});
  CHECK_FALSE(check_usage(*find_command(cdb), cdb).has_value());
}

TEST_CASE("B6.23 READ(6) has a 21-bit LBA, and 0 means 256 blocks") {
  const auto range = range_of(cdb_of({0x08, 0xff, 0xff, 0xfe, 0x00, 0}));
  CHECK(range.lba == 0x1ffffe);
  CHECK(range.blocks == 256);
}

TEST_CASE("describe tells name, range and kind of access") {
  const auto read = describe(cdb_of({0x28, 0, 0, 0, 0x10, 0, 0, 0, 8, 0}));
  CHECK(read.name == "READ(10)");
  CHECK(read.lba == 0x1000);
  CHECK(read.blocks == 8);
  CHECK(read.reads);
  CHECK_FALSE(read.writes);

  const auto write = describe(cdb_of({0x8a, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
  CHECK(write.name == "WRITE(16)");
  CHECK(write.lba == 0x100000000);
  CHECK(write.blocks == 256);
  CHECK(write.writes);

  const auto compare = describe(cdb_of({0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0}));
  CHECK(compare.lba == 7);
  CHECK(compare.blocks == 2);
  CHECK(compare.reads);
  CHECK(compare.writes);
}

TEST_CASE("describe knows no range where there is none, and no name for strangers") {
  const auto inquiry = describe(cdb_of({0x12, 1, 0x83, 0, 0xff, 0}));
  CHECK(inquiry.name == "INQUIRY");
  CHECK(inquiry.blocks == 0);
  CHECK_FALSE(inquiry.reads);
  CHECK(describe(cdb_of({0xc1})).name.empty());
  CHECK(describe(cdb_of({0x9e, 0x1f})).name.empty());
}

}  // namespace commands_test
