#include "faults/decide.hpp"

namespace faultlun::faults {

Decision decide(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                const CommandFacts& facts) {
  (void)rules;
  (void)seed;
  (void)facts;
  ++state.commands_decided;
  return {};
}

}  // namespace faultlun::faults
