#include "daemon/control/waker.hpp"

#include <utility>

namespace faultlun::daemon::control {

void Waker::wake() {
  if (is_awake_.exchange(true)) return;
  const std::lock_guard lock(mutex_);
  if (tell_) tell_();
}

void Waker::attach(std::function<void()> tell) {
  const std::lock_guard lock(mutex_);
  tell_ = std::move(tell);
  if (is_awake_.load()) tell_();
}

void Waker::detach() {
  const std::lock_guard lock(mutex_);
  tell_ = nullptr;
}

}  // namespace faultlun::daemon::control
