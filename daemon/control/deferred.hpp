// An answer that another thread gives later: a change that every worker adopts first, a drain, a
// scenario that somebody waits for.
#pragma once

#include "daemon/control/message.hpp"
#include "daemon/control/waker.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace faultlun::daemon::control {

class Deferred {
 public:
  static constexpr std::chrono::milliseconds kTimeout = std::chrono::seconds(30);
  static constexpr std::chrono::milliseconds kMaxTimeout = std::chrono::hours(24);

  /// After `timeout` (at most kMaxTimeout) the client is told `late`, by default 504 with the time.
  explicit Deferred(std::chrono::milliseconds timeout = kTimeout,
                    std::optional<Response> late = {});

  /// From any thread.  The first answer counts; false when there was one already, or nobody waits
  /// any more.
  bool complete(Response response);
  /// From any thread: the client is gone or was told that it took too long.
  bool is_abandoned() const;

  // ---- the server's side ----

  std::chrono::milliseconds timeout() const { return timeout_; }
  Waker& waker() { return waker_; }
  /// The answer, once.
  std::optional<Response> take();
  /// Nobody waits any more.  The answer that came at the last moment, or the late one.
  Response abandon();

 private:
  const std::chrono::milliseconds timeout_;
  Waker waker_;
  mutable std::mutex mutex_;
  Response late_;
  std::optional<Response> response_;
  bool is_completed_ = false;
  bool is_abandoned_ = false;
};

}  // namespace faultlun::daemon::control
