// What a rule will do, computed without running it: the indexes at which its gate and its draws let
// it fire.  Whether a command with that index comes, and comes at a time when the rule is open, is
// for the caveats to say.
#pragma once

#include "faults/complaint.hpp"
#include "faults/gate.hpp"

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::faults {

/// Indexes that one prediction looks at, those before `from` that have to be counted included.
inline constexpr std::uint64_t kMaxPredictions = 1'000'000;

struct Prediction {
  std::vector<std::uint64_t> indexes;  ///< that fire, ascending
  std::uint64_t end = 0;  ///< indexes from `from` to this one, left out, were asked about
  bool off = false;       ///< run_gate: the rule never fires under this seed
  // Caveats.
  bool timed = false;            ///< window, cycle, after_fault within: not always open (D5)
  bool order_dependent = false;  ///< other sessions and the timing of commands have a say (D4)
  /// Matches, healing or limits depend on what the commands transfer, or what was tried before.
  bool needs_data = false;
  /// times and once_per count firings of other keys of the session, too: immediate commands, task
  /// management functions, other contents or blocks.  Counted here is this key alone.
  bool shares_limit = false;
};

/// The indexes from `from` to `from + n`, left out, that fire in one session under `key`: "*",
/// "immediate", "tmf", "lba:…", "content:…", "attempt:…" or "event", as gate.key has it.  A
/// complaint when the key is not one of the rule's, or that is too much to compute.
std::variant<Prediction, Complaint> predict(const Rule& rule, std::uint64_t seed,
                                            std::string_view key, std::uint64_t from,
                                            std::uint64_t n);

}  // namespace faultlun::faults
