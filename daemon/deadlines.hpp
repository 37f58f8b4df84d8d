// Who waits until when.  An entry costs a node of a tree: a command that nothing delays has none.
#pragma once

#include "daemon/clock.hpp"

#include <cstddef>
#include <map>
#include <optional>

namespace faultlun::daemon {

/// Someone with a deadline.  on_time() is called at or after it, once for each arming.
class Timed {
 public:
  virtual ~Timed() = default;
  virtual void on_time(TimePoint now) = 0;

 private:
  friend class Deadlines;
  std::multimap<TimePoint, Timed*>::iterator armed_;
  bool is_armed_ = false;
};

class Deadlines {
 public:
  /// Replaces an earlier deadline.  True when it is the first of all now.
  bool arm(Timed& timed, TimePoint at) {
    if (timed.is_armed_ && timed.armed_->first == at) return false;
    disarm(timed);
    timed.armed_ = waiting_.emplace(at, &timed);
    timed.is_armed_ = true;
    return timed.armed_ == waiting_.begin();
  }
  void disarm(Timed& timed) {
    if (timed.is_armed_) waiting_.erase(timed.armed_);
    timed.is_armed_ = false;
  }
  std::optional<TimePoint> first() const {
    return waiting_.empty() ? std::nullopt : std::optional<TimePoint>(waiting_.begin()->first);
  }
  /// Calls at most `most` that are due, in order; true when more are.
  bool run_due(TimePoint now, std::size_t most) {
    for (; !waiting_.empty() && waiting_.begin()->first <= now; --most) {
      if (most == 0) return true;
      Timed& timed = *waiting_.begin()->second;
      disarm(timed);
      timed.on_time(now);
    }
    return false;
  }

 private:
  std::multimap<TimePoint, Timed*> waiting_;
};

}  // namespace faultlun::daemon
