#include "faults/reach.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::reach_test {
namespace {

struct Fixture {
  explicit Fixture(std::uint8_t opcode, std::uint64_t blocks = 8) {
    cdb.raw[0] = opcode;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    facts.lba = 100;
    facts.blocks = blocks;
  }
  bool reached_by(Action action) const {
    const auto rule = made::rule("r", {made::effect(std::move(action))});
    return applies(rule, rule.effects[0], facts);
  }
  scsi::Cdb cdb;
  Facts facts;
};
DataFault lie(DataFault::Kind kind) {
  DataFault made;
  made.kind = kind;
  return made;
}

TEST_CASE("medium errors strike reads, or writes when they are of writes, or what the rule names") {
  const Fixture read(0x28), write(0x2a), inquiry(0x12, 0);
  MediumError error;
  CHECK(read.reached_by(error));
  CHECK_FALSE(write.reached_by(error));
  CHECK_FALSE(inquiry.reached_by(error));
  error.of_writes = true;
  CHECK_FALSE(read.reached_by(error));
  CHECK(write.reached_by(error));
  auto rule = made::rule("r", {made::effect(error)});
  rule.match.operations = {made::opcode(0x28)};
  CHECK(applies(rule, rule.effects[0], read.facts));
}

TEST_CASE("lies of the medium strike the commands that they are about") {
  using Kind = DataFault::Kind;
  Fixture read(0x28), write(0x2a), flush(0x35), unmap(0x42, 0), compare(0x89), ready(0x00, 0);
  CHECK(read.reached_by(lie(Kind::flip)));
  CHECK(write.reached_by(lie(Kind::flip)));
  CHECK_FALSE(ready.reached_by(lie(Kind::flip)));
  CHECK(write.reached_by(lie(Kind::lost_write)));
  CHECK_FALSE(read.reached_by(lie(Kind::lost_write)));
  CHECK(read.reached_by(lie(Kind::stale)));
  CHECK_FALSE(write.reached_by(lie(Kind::stale)));
  CHECK(flush.reached_by(lie(Kind::flush_lie)));
  CHECK_FALSE(write.reached_by(lie(Kind::flush_lie)));
  CHECK(unmap.reached_by(lie(Kind::unmap_lie)));
  CHECK(compare.reached_by(lie(Kind::caw_not_atomic)));
  CHECK_FALSE(write.reached_by(lie(Kind::fua_lie)));
  write.cdb.raw[1] = 0x08;
  CHECK(write.reached_by(lie(Kind::fua_lie)));
}

TEST_CASE("patches strike the command whose data they change") {
  Fixture inquiry(0x12, 0), capacity(0x25, 0);
  Patch patch;
  CHECK(inquiry.reached_by(patch));
  patch.page = Patch::Page::vpd;
  patch.code = std::uint8_t{0x83};
  CHECK_FALSE(inquiry.reached_by(patch));
  inquiry.cdb.raw[1] = 1;
  inquiry.cdb.raw[2] = 0x83;
  CHECK(inquiry.reached_by(patch));
  patch.page = Patch::Page::capacity;
  CHECK(capacity.reached_by(patch));
  patch.only_16 = true;
  CHECK_FALSE(capacity.reached_by(patch));
}

TEST_CASE("silence about data alone leaves commands without data alone") {
  Silence silence;
  CHECK(Fixture(0x00, 0).reached_by(silence));
  silence.data_only = true;
  CHECK_FALSE(Fixture(0x00, 0).reached_by(silence));
  CHECK(Fixture(0x28).reached_by(silence));
}

TEST_CASE("of a function, only what is decided there strikes, and silence that swallows it") {
  Fixture function(0x28, 0);
  function.facts.site = Site::tmf_rx;
  function.facts.cdb = nullptr;
  function.facts.row = nullptr;
  Silence silence;
  CHECK_FALSE(function.reached_by(silence));
  silence.task_management = silence.data_only = true;
  CHECK(function.reached_by(silence));
  CHECK_FALSE(function.reached_by(Patch()));
  const auto rule = made::rule("r", {made::effect(TaskManagementFault(), 0, made::kFunctionFault)});
  CHECK(applies(rule, rule.effects[0], function.facts));
}

TEST_CASE("common blocks are ascending and disjoint") {
  const Fixture read(0x28, 50);
  Match match;
  CHECK(common_blocks(match, read.facts) == std::vector<Stretch>{{100, 149}});
  match.lbas = {{140, UINT64_MAX}, {0, 102}, {90, 20}, {120, 0}, {130, 1}};
  CHECK(common_blocks(match, read.facts) ==
        std::vector<Stretch>{{100, 109}, {130, 130}, {140, 149}});
  CHECK(common_blocks(match, Fixture(0x28, 0).facts).empty());
}

TEST_CASE("what has healed is cut off at both ends") {
  MediumError error;
  error.heal = MediumError::Heal::after;
  error.heal_after = 2;
  RuleCounter counter;
  CHECK(before_healing({5, 9}, counter, error) == Stretch{5, 9});
  counter.errors_at = {{5, 2}, {6, 1}, {8, 3}};
  CHECK(before_healing({5, 9}, counter, error) == Stretch{6, 7});
  CHECK_FALSE(before_healing({8, 8}, counter, error).has_value());
  WriteHistory writes;
  writes.note_write(0, 6, 3);
  writes.note_write(8, 1, 3);
  CHECK(before_rewritten({5, 9}, writes, 3) == Stretch{6, 7});
  CHECK(before_rewritten({5, 9}, writes, 4) == Stretch{5, 9});
  CHECK_FALSE(before_rewritten({0, 5}, writes, 1).has_value());
}

}  // namespace
}  // namespace faultlun::faults::reach_test
