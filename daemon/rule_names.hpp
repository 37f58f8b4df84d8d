// Rules by the serial that the journal knows them by, also for a while after they have gone or were
// replaced.  Fed with every set that is published.  Safe for all threads.
#pragma once

#include "faults/rule_set.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace faultlun::daemon {

class RuleNames {
 public:
  /// Rules that are remembered after they have gone; then the oldest is forgotten.
  static constexpr std::size_t kMaxGone = faults::kMaxRules;

  void publish(const faults::RuleSet& rules);
  /// Null when it was forgotten, or never there.
  std::shared_ptr<const faults::Rule> find(std::uint64_t serial) const;
  /// Its ID, or "".
  std::string id_of(std::uint64_t serial) const;
  std::size_t gone() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<const faults::InstalledRule>> current_;
  std::map<std::uint64_t, std::shared_ptr<const faults::Rule>> gone_;  ///< without their counters
};

}  // namespace faultlun::daemon
