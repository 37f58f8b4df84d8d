#include "daemon/control/deferred.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace faultlun::daemon::control {
namespace {

Response default_late(std::chrono::milliseconds timeout) {
  return problem(504, "this took longer than " + std::to_string(timeout.count()) +
                          " ms; it may still be done: look at the state before trying again");
}

}  // namespace

Deferred::Deferred(std::chrono::milliseconds timeout, std::optional<Response> late)
    : timeout_(std::clamp(timeout, std::chrono::milliseconds(0), kMaxTimeout)),
      late_(late ? std::move(*late) : default_late(timeout_)) {}

bool Deferred::complete(Response response) {
  {
    const std::lock_guard lock(mutex_);
    if (is_completed_ || is_abandoned_) return false;
    is_completed_ = true;
    response_ = std::move(response);
  }
  waker_.wake();
  return true;
}

bool Deferred::is_abandoned() const {
  const std::lock_guard lock(mutex_);
  return is_abandoned_;
}

std::optional<Response> Deferred::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(response_, std::nullopt);
}

Response Deferred::abandon() {
  const std::lock_guard lock(mutex_);
  is_abandoned_ = !is_completed_;
  return response_ ? std::move(*response_) : late_;
}

}  // namespace faultlun::daemon::control
