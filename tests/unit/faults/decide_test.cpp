#include "faults/decide.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults {
namespace {

TEST_CASE("an empty rule set lets every command pass and counts it") {
  const RuleSet rules;
  RuleState state;
  scsi::Cdb cdb;
  CommandFacts facts;
  facts.cdb = &cdb;
  for (int opcode = 0; opcode < 256; ++opcode) {
    cdb.raw[0] = static_cast<std::uint8_t>(opcode);
    CHECK_FALSE(decide(rules, state, 0x5eed, facts).status.has_value());
  }
  CHECK(rules.empty());
  CHECK(state.commands_decided == 256);
}

}  // namespace
}  // namespace faultlun::faults
