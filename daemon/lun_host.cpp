#include "daemon/lun_host.hpp"

namespace faultlun::daemon {

bool LunHost::begin_turn(std::function<void()> turn) {
  const std::lock_guard lock(turn_mutex_);
  if (!turn_taken_) return turn_taken_ = true;
  turns_.push_back(std::move(turn));
  return false;
}

void LunHost::end_turn() {
  std::function<void()> next;
  {
    const std::lock_guard lock(turn_mutex_);
    if (turns_.empty()) {
      turn_taken_ = false;
      return;
    }
    next = std::move(turns_.front());
    turns_.pop_front();
  }
  next();
}

}  // namespace faultlun::daemon
