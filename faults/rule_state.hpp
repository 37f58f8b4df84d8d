// What the rules remember of one session alias: counters that advance in CmdSN order, what was
// tried before, and the hash of all decisions (D2 to D4, D7).  Touched by the thread of its session
// alone.
#pragma once

#include "faults/rule_set.hpp"

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace faultlun::faults {

/// Two runs with equal numbers decided the same, in the same order.
struct DecisionHash {
  std::uint64_t value = 0xcbf29ce484222325;
  std::uint64_t count = 0;
  void add(std::uint64_t word) {
    value = (value ^ word) * 0x9e3779b97f4a7c15;
    value ^= value >> 32;
  }
  friend bool operator==(const DecisionHash&, const DecisionHash&) = default;
};

/// Counters of one rule in one session.
struct RuleCounter {
  std::uint64_t matches = 0;            ///< of commands with a CmdSN of their own
  std::uint64_t immediate_matches = 0;  ///< immediate commands count apart (D2)
  std::uint64_t function_matches = 0;   ///< task management functions
  std::uint64_t fired = 0;              ///< suppressed firings count, too
  std::uint64_t bytes = 0;
  std::optional<Time> last_fired;
  std::uint64_t last_fired_command = 0;  ///< number of the command in the session
  /// When the rule had been armed that was used up here; armed anew, it takes part again.
  std::optional<Time> spent;
  std::vector<std::uint32_t> ladder;                           ///< steps used, by their place
  std::unordered_map<std::uint64_t, std::uint32_t> errors_at;  ///< by LBA, for healing after n
  std::vector<std::uint64_t> once_lbas;                        ///< once_per lba: sorted
  std::vector<ServiceTimeMemory> times;                        ///< per effect: correlation, bursts
};

/// The k-th try of the same operation on the same blocks.
class Attempts {
 public:
  static constexpr std::size_t kMaxTracked = 16384;  ///< then the oldest is forgotten

  struct Try {
    std::uint64_t fresh = 0;    ///< earlier issues that were no retries
    std::uint32_t attempt = 1;  ///< 1: afresh
  };
  /// The command is issued; a retry when the last try of it failed.
  Try begin(std::uint64_t content);
  /// The last begin() of it.
  Try look(std::uint64_t content) const;
  /// What was decided about the last begin() of it.
  void failed(std::uint64_t content);
  std::size_t tracked() const { return entries_.size(); }

 private:
  struct Entry {
    Try last;
    bool failed = false;
  };
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::deque<std::uint64_t> order_;
};

class RuleState {
 public:
  static constexpr std::size_t kMaxOnceLbas = 65536;  ///< per rule; then once_per lba is used up
  static constexpr std::size_t kMaxBlocksCounted =
      65536;  ///< per rule, with errors that heal; then no more do

  /// The counter of a rule of `rules`, which becomes the set in force: counters of rules that it
  /// still has are kept.
  RuleCounter& counter(const RuleSet& rules, std::uint32_t order) {
    if (epoch_ != rules.epoch() || counters_.size() != rules.rules().size()) adopt(rules);
    RuleCounter*& found = counters_[order];
    if (found == nullptr) found = &by_serial_[rules.at(order).lifetime->serial];
    return *found;
  }
  /// The same without making one: null when the rule never matched here.
  const RuleCounter* look(const RuleSet& rules, std::uint32_t order) const {
    return find(rules.at(order).lifetime->serial);
  }
  /// The rule fired in this session, under whatever epoch.
  const RuleCounter* find(std::uint64_t serial) const;

  std::uint64_t commands = 0;  ///< decided so far
  DecisionHash hash;
  Attempts attempts;
  std::vector<std::uint32_t> candidates;  ///< scratch of decide()

 private:
  void adopt(const RuleSet& rules);

  std::uint64_t epoch_ = 0;
  std::unordered_map<std::uint64_t, RuleCounter> by_serial_;
  std::vector<RuleCounter*> counters_;  ///< by order of evaluation; null: not looked up yet
};

}  // namespace faultlun::faults
