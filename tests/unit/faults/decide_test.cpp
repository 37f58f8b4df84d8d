#include "faults/decide.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults {
namespace {

TEST_CASE("an empty rule set lets every command pass and counts it") {
  const RuleSet rules;
  RuleState state;
  Decision decision;
  const SessionFacts session;
  scsi::Cdb cdb;
  Facts facts;
  facts.session = &session;
  facts.cdb = &cdb;
  for (int opcode = 0; opcode < 256; ++opcode) {
    cdb.raw[0] = static_cast<std::uint8_t>(opcode);
    decide(rules, state, 0x5eed, facts, {}, decision);
    CHECK(decision.quiet());
  }
  CHECK(rules.ignores_commands());
  CHECK(state.commands == 256);
}

}  // namespace
}  // namespace faultlun::faults
