#include "daemon/worker.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace faultlun::daemon {

Worker::Worker(const Clock& clock, Duration spin)
    : clock_(clock),
      spin_(spin),
      work_(context_.get_executor()),
      timer_(context_),
      receive_buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveBufferBytes)) {}

Worker::~Worker() {
  stop_and_join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  if (spin_ == Duration::zero()) {
    context_.run();
    return;
  }
  while (!context_.stopped()) {
    context_.run_one();  // sleeps
    for (auto idle_since = now(); now() - idle_since < spin_ && !context_.stopped();)
      if (context_.poll() != 0) idle_since = now();
  }
}

void Worker::stop_and_join() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> job) {
  boost::asio::post(context_, std::move(job));
}

void Worker::after_turn(std::function<void()> job) {
  after_turn_.push_back(std::move(job));
  if (std::exchange(end_of_turn_posted_, true)) return;
  boost::asio::post(context_, [this] {
    end_of_turn_posted_ = false;
    end_turn();
  });
}

void Worker::end_turn() {
  for (const auto& job : std::exchange(after_turn_, {}))
    job();
}

void Worker::meet_deadlines() {
  for (std::size_t i = 0; i < kTurnsBetweenReads; ++i) {
    const auto first = deadlines_.first();
    if (!first || *first > now()) return;
    deadlines_.run_due(now(), kDeadlinesPerTurn);
    end_turn();
  }
}

void Worker::arm(Timed& timed, TimePoint at) {
  if (deadlines_.arm(timed, at) && at < timer_at_) set_timer();
}

void Worker::disarm(Timed& timed) {
  deadlines_.disarm(timed);  // a timer that fires for nothing costs less than setting it anew
}

void Worker::set_timer() {
  const auto first = deadlines_.first();
  timer_at_ = first.value_or(TimePoint::max());
  if (!first) return;
  timer_.expires_at(timer_at_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set anew
    deadlines_.run_due(now(), kDeadlinesPerTurn);
    end_turn();
    set_timer();
  });
}

}  // namespace faultlun::daemon
