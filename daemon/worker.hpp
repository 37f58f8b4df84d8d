// One thread with its event loop: the home of the connections dealt to it.
#pragma once

#include "daemon/loop.hpp"
#include "protocol/bytes/bytes.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace faultlun::daemon {

class Worker final : public Loop {
 public:
  /// Received bytes of all connections of this thread go here first: an idle connection holds no
  /// buffer.
  static constexpr std::size_t kReceiveBufferBytes = 1 << 20;
  /// Read at once from a connection on which commands wait for a moment: it must not be missed
  /// because of what comes in.
  static constexpr std::size_t kTimelyReceiveBytes = 32 << 10;
  /// Deadlines met in one turn; then what they made is sent, and others have theirs.
  static constexpr std::size_t kDeadlinesPerTurn = 64;
  /// Of these turns between two reads: more than one read makes work for.
  static constexpr std::size_t kTurnsBetweenReads = 4;

  /// `spin`: how long the thread looks for work before it sleeps; zero: it sleeps at once.
  Worker(const Clock& clock, Duration spin);
  ~Worker() override;

  void start();
  void stop_and_join();

  void post(std::function<void()> job) override;
  TimePoint now() const override { return clock_.now(); }
  Counters& counters() override { return counters_; }
  Journal& journal() override { return journal_; }

  boost::asio::io_context& context() { return context_; }
  bytes::Span receive_buffer() { return {receive_buffer_.get(), kReceiveBufferBytes}; }

  /// Runs `job` at the end of this turn; on the thread only.
  void after_turn(std::function<void()> job);
  /// Deadlines that have passed come first; between two pieces of work that take a while.
  void meet_deadlines();

  void arm(Timed& timed, TimePoint at) override;
  void disarm(Timed& timed) override;

 private:
  void set_timer();
  void end_turn();
  void run();

  const Clock& clock_;
  const Duration spin_;
  Journal journal_;
  Counters counters_;  // before the context: what it still holds at its end may count
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<std::uint8_t[]> receive_buffer_;
  Deadlines deadlines_;
  std::vector<std::function<void()>> after_turn_;
  bool end_of_turn_posted_ = false;
  TimePoint timer_at_ = TimePoint::max();
  std::thread thread_;
};

}  // namespace faultlun::daemon
