// What the daemon keeps for a rule over all sessions: lanes that are busy, how full its buckets
// are, and how exactly its delays were met.  Hangs on the rule's lifetime.  Time is an argument.
#pragma once

#include "daemon/ordeal.hpp"
#include "faults/latency_histogram.hpp"

#include <chrono>
#include <mutex>
#include <vector>

namespace faultlun::daemon {

/// Behind a lock: commands of every session ask.
class RuleHost {
 public:
  struct Shapers {  ///< of one effect
    faults::ServiceTimeState service;
    faults::TokenBucketState bucket;
    faults::CliffState cliff;
  };
  template <typename Use>
  auto with(std::size_t effect, Use use) {
    const std::lock_guard lock(mutex_);
    if (shapers_.size() <= effect) shapers_.resize(effect + 1);
    return use(shapers_[effect]);
  }
  void add_error(faults::Time late) {
    const std::lock_guard lock(mutex_);
    error_.add(late);
  }
  faults::LatencyHistogram error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Shapers> shapers_;
  faults::LatencyHistogram error_;
};

/// What the lifetime of a rule begins with; null when no effect of it is a matter of time.
std::shared_ptr<void> make_rule_host(const faults::Rule& rule);
RuleHost* host_of(const faults::RuleLifetime& lifetime);

struct Wait {
  faults::Time until{};  ///< since the start of the daemon
  faults::Time asked{};  ///< of this wait
};

/// When a command may go on.  Delays add; those with at_least count from `arrived`, the others from
/// `now`; lanes, buckets and stalls push it further.  `when`: which delays; nothing: all.
Wait due(Ordeal& ordeal, std::optional<faults::When> when, faults::Time now, faults::Time arrived,
         std::uint64_t seed);

/// A command was answered this long after it arrived: achieved minus asked goes into the histograms
/// of the rules that delayed it.
void note_achieved(const Ordeal& ordeal, Duration took);

}  // namespace faultlun::daemon
