// Why rules match an event, and why not: POST /v1/explain.  Looks and never touches: no counter
// moves.  Pure.
#pragma once

#include "faults/decide.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace faultlun::faults {

/// What the gate would say of the next event that matches, with the counters as they are.
struct Forecast {
  Outcome outcome = Outcome::fired;
  std::uint64_t index = 0;
  std::uint64_t draw = 0;
  bool drawn = false;
  /// It also depends on what an event does not say: marks, other sessions, blocks that healed.
  bool certain = true;
};

/// One rule and one event.
struct Explained {
  const InstalledRule* rule = nullptr;
  bool armed = true;
  bool site = true;                       ///< the rule is decided where such events are
  bool can_strike = true;                 ///< one of its effects is about such commands
  std::vector<std::string_view> missing;  ///< clauses that do not hold
  std::optional<Forecast> next;           ///< of rules that match

  bool matches() const { return armed && site && can_strike && missing.empty(); }
  /// How many things are in the way.
  std::size_t obstacles() const {
    return missing.size() + (armed ? 0 : 1) + (site ? 0 : 1) + (can_strike ? 0 : 1);
  }
};

/// Every rule of the set: those that match, in order of evaluation; then the others, those with the
/// fewest obstacles first.  `state`: counters of the session; null: those of a new one.
std::vector<Explained> explain(const RuleSet& rules, const RuleState* state, std::uint64_t seed,
                               const Facts& facts, const Past& past);

}  // namespace faultlun::faults
