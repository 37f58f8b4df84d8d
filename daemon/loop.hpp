// What a connection needs of the thread it lives on: a way to get back onto it, and the time.
// A Worker in the daemon, a queue in the simulation.
#pragma once

#include "daemon/clock.hpp"
#include "daemon/deadlines.hpp"
#include "daemon/journal.hpp"
#include "daemon/metrics.hpp"

#include <functional>

namespace faultlun::daemon {

class Loop {
 public:
  virtual ~Loop() = default;
  /// Runs `job` on the loop's thread, later.  May be called from any thread.
  virtual void post(std::function<void()> job) = 0;
  virtual TimePoint now() const = 0;
  /// Counters that only this loop's thread writes.
  virtual Counters& counters() = 0;
  virtual Journal& journal() = 0;
  /// On the loop's thread only.  arm() replaces an earlier deadline.
  virtual void arm(Timed& timed, TimePoint at) = 0;
  virtual void disarm(Timed& timed) = 0;
};

}  // namespace faultlun::daemon
