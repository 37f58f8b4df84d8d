// The only source of time.  Everything else is handed a TimePoint.
#pragma once

#include <chrono>

namespace faultlun::daemon {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

}  // namespace faultlun::daemon
