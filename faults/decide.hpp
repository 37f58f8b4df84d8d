// The decision about one command.  Pure: rules, state, seed and facts in, decision out.
// Today a rule set is always empty: the engine behind this call comes with the rules.  The call is
// on the path of every command already, so that its place (in CmdSN order, before the logical unit
// hears of the command) and its cost are settled.
#pragma once

#include "faults/facts.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace faultlun::faults {

/// One rule.  No kind of rule exists yet; the configuration refuses any.
struct Rule {
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// An immutable set of rules, swapped whole (an epoch of the determinism contract).
class RuleSet {
 public:
  bool empty() const { return rules_.empty(); }
  std::size_t size() const { return rules_.size(); }

 private:
  std::vector<Rule> rules_;
};

/// Counters of one session alias, advanced in CmdSN order.
struct RuleState {
  std::uint64_t commands_decided = 0;
};

struct Decision {
  std::optional<scsi::Status> status;  ///< answer this instead of executing the command
};

/// Never touches anything but `state`.
Decision decide(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                const CommandFacts& facts);

}  // namespace faultlun::faults
