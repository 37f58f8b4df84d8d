// A token bucket: so many a second, and so many at once after a rest.  Pure: the time is an
// argument.
#pragma once

#include "daemon/clock.hpp"

#include <cstdint>

namespace faultlun::daemon::control {

class RateLimit {
 public:
  /// Both at least 1.  The bucket is full at first.
  RateLimit(std::uint32_t per_second, std::uint32_t burst);

  /// Whether one more is within the limit at this time, which does not go back.
  bool take(TimePoint now);
  /// Whole seconds until the next one is, at least 1: for Retry-After.
  static constexpr unsigned kRetrySeconds = 1;

 private:
  Duration interval_;    ///< between two at the steady rate
  Duration span_;        ///< that a burst may run ahead
  TimePoint full_at_{};  ///< when the bucket would be full again
};

}  // namespace faultlun::daemon::control
