// One thread with its event loop: the home of the connections dealt to it.
#pragma once

#include "daemon/loop.hpp"
#include "protocol/bytes/bytes.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <thread>

namespace faultlun::daemon {

/// Someone with a deadline.  on_time() is called at or after it, once for each arming.
class Timed {
 public:
  virtual ~Timed() = default;
  virtual void on_time(TimePoint now) = 0;

 private:
  friend class Worker;
  std::multimap<TimePoint, Timed*>::iterator armed_;
  bool is_armed_ = false;
};

class Worker final : public Loop {
 public:
  /// Received bytes of all connections of this thread go here first: an idle connection holds no
  /// buffer.
  static constexpr std::size_t kReceiveBufferBytes = 1 << 20;

  /// `spin`: how long the thread looks for work before it sleeps; zero: it sleeps at once.
  Worker(const Clock& clock, Duration spin);
  ~Worker() override;

  void start();
  void stop_and_join();

  void post(std::function<void()> job) override;
  TimePoint now() const override { return clock_.now(); }
  Counters& counters() override { return counters_; }

  boost::asio::io_context& context() { return context_; }
  bytes::Span receive_buffer() { return {receive_buffer_.get(), kReceiveBufferBytes}; }

  /// On this thread only.  arm() replaces an earlier deadline.
  void arm(Timed& timed, TimePoint at);
  void disarm(Timed& timed);

 private:
  void set_timer();
  void run();

  const Clock& clock_;
  const Duration spin_;
  Counters counters_;  // before the context: what it still holds at its end may count
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<std::uint8_t[]> receive_buffer_;
  std::multimap<TimePoint, Timed*> deadlines_;
  TimePoint timer_at_ = TimePoint::max();
  std::thread thread_;
};

}  // namespace faultlun::daemon
