// Rules that are used up, on their way from the sessions that noticed to the book that does what
// life.on_exhaust says.  Safe for all threads.
#pragma once

#include "faults/decide.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::daemon {

struct UsedUp {
  std::string rule;
  std::uint64_t serial = 0;  ///< of its lifetime
};

/// Bounded: a lifetime comes once, however many sessions notice, and there are no more than
/// kMaxRules at a time.  One that finds no room (nobody takes any) is told of by the next session.
class UsedUpRules {
 public:
  static constexpr std::size_t kMost = faults::kMaxRules;

  /// Called on the thread that adds the first of those that wait; before any is added.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  /// What a decision says about rules that are used up.
  void note(const faults::Decision& decision) {
    for (const auto& verdict : decision.verdicts)
      if (verdict.last) add(*verdict.rule);
  }

  std::vector<UsedUp> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  void add(const faults::InstalledRule& rule) {
    auto& told = rule.lifetime->told_exhausted;
    if (told.exchange(true)) return;
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= kMost) {
        told.store(false);
        return;
      }
      first = waiting_.empty();
      waiting_.push_back({rule.rule.id, rule.lifetime->serial});
    }
    if (first && wake_) wake_();
  }

  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<UsedUp> waiting_;
};

}  // namespace faultlun::daemon
