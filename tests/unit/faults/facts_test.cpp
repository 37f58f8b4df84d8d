#include "faults/facts.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::facts_test {
namespace {

TEST_CASE("commands belong to the classes that rules name") {
  struct Row {
    std::uint8_t opcode, byte1;
    OperationClass operation;
  };
  using Class = OperationClass;
  const Row rows[] = {
      {0x28, 0, Class::read},        {0x88, 0, Class::read},     {0x2a, 0, Class::write},
      {0x41, 0, Class::write},       {0x89, 0, Class::write},    {0x35, 0, Class::flush},
      {0x91, 0, Class::flush},       {0x42, 0, Class::unmap},    {0x16, 0, Class::reserve},
      {0x5f, 0, Class::reserve},     {0x12, 0, Class::identify}, {0xa0, 0, Class::identify},
      {0x9e, 0x10, Class::identify}, {0x00, 0, Class::other},    {0xff, 0, Class::other},
  };
  for (const auto& row : rows) {
    CAPTURE(static_cast<unsigned>(row.opcode));
    scsi::Cdb cdb;
    cdb.raw[0] = row.opcode;
    cdb.raw[1] = row.byte1;
    CHECK(name_of(class_of(cdb, scsi::find_command(cdb))) == name_of(row.operation));
  }
}

TEST_CASE("the last block of a range stops at the end of 64 bits") {
  Facts facts;
  facts.lba = 10;
  facts.blocks = 5;
  CHECK(facts.last_lba() == 14);
  facts.blocks = UINT64_MAX;
  CHECK(facts.last_lba() == UINT64_MAX);
}

TEST_CASE("an alias is what stays the same from run to run") {
  SessionFacts session;
  session.initiator = "iqn.a";
  session.isid = "400001370000";
  session.ordinal = 3;
  session.tsih = 77;
  CHECK(session.alias() == "iqn.a,400001370000,3");
}

}  // namespace
}  // namespace faultlun::faults::facts_test
