// How any thread tells the control thread that there is something to do for a client.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

namespace faultlun::daemon::control {

class Waker {
 public:
  /// From any thread, as often as one likes: until the control thread has looked, all but the first
  /// call cost one atomic operation.
  void wake();

  // ---- the server's side ----

  /// `tell` is called under a lock, from the thread that wakes; at once when somebody has already.
  void attach(std::function<void()> tell);
  /// Once this has returned, `tell` is not called any more.
  void detach();
  /// The control thread looks now: whoever wakes after this is heard again.
  void clear() { is_awake_.store(false); }

 private:
  std::atomic<bool> is_awake_{false};
  std::mutex mutex_;
  std::function<void()> tell_;
};

}  // namespace faultlun::daemon::control
