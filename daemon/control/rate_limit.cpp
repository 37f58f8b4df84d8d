#include "daemon/control/rate_limit.hpp"

#include <algorithm>

namespace faultlun::daemon::control {

RateLimit::RateLimit(std::uint32_t per_second, std::uint32_t burst)
    : interval_(Duration(std::chrono::seconds(1)) / std::max<std::uint32_t>(1, per_second)),
      span_(interval_ * std::max<std::uint32_t>(1, burst)) {}

bool RateLimit::take(TimePoint now) {
  const TimePoint next = std::max(full_at_, now) + interval_;
  if (next - now > span_) return false;
  full_at_ = next;
  return true;
}

}  // namespace faultlun::daemon::control
