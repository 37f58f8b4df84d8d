#include "daemon/clock.hpp"

namespace faultlun::daemon {

TimePoint SystemClock::now() const {
  return std::chrono::steady_clock::now();
}

}  // namespace faultlun::daemon
