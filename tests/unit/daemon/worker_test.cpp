#include "daemon/worker.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <vector>

namespace faultlun::daemon::worker_test {
namespace {

using namespace std::chrono_literals;

struct Alarm final : Timed {
  explicit Alarm(std::function<void(TimePoint)> use) : use_(std::move(use)) {}
  void on_time(TimePoint now) override { use_(now); }
  std::function<void(TimePoint)> use_;
};

TEST_CASE("jobs posted from another thread run on the worker in order") {
  SystemClock clock;
  Worker worker(clock, Duration::zero());
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i)
    worker.post([&order, i] { order.push_back(i); });
  worker.post([&done] { done.set_value(); });
  worker.start();
  REQUIRE(done.get_future().wait_for(5s) == std::future_status::ready);
  worker.stop_and_join();
  REQUIRE(order.size() == 100);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("deadlines are met in order, never early, and a disarmed one not at all") {
  SystemClock clock;
  for (const Duration spin : {Duration(0), Duration(1ms)}) {
    Worker worker(clock, spin);
    std::promise<void> done;
    std::vector<int> order;
    bool early = false;
    const auto start = clock.now();
    Alarm late([&](TimePoint now) {
      early |= now < start + 40ms;
      order.push_back(2);
      done.set_value();
    });
    Alarm soon([&](TimePoint now) {
      early |= now < start + 10ms;
      order.push_back(1);
    });
    Alarm never([&](TimePoint) { order.push_back(3); });
    worker.post([&] {
      worker.arm(late, start + 40ms);
      worker.arm(never, start + 5ms);
      worker.arm(soon, start + 1h);
      worker.arm(soon, start + 10ms);
      worker.disarm(never);
    });
    worker.start();
    REQUIRE(done.get_future().wait_for(5s) == std::future_status::ready);
    worker.stop_and_join();
    CHECK_FALSE(early);
    CHECK(order == std::vector<int>{1, 2});
  }
}

TEST_CASE("between two reads those that are due come first, and what they made is sent") {
  SystemClock clock;
  Worker worker(clock, Duration::zero());
  std::promise<void> done;
  std::vector<int> order;
  const auto start = clock.now();
  Alarm due([&](TimePoint) {
    order.push_back(1);
    worker.after_turn([&] { order.push_back(2); });
  });
  Alarm later([&](TimePoint) { order.push_back(4); });
  worker.post([&] {
    worker.arm(due, start);
    worker.arm(later, start + 1h);
    worker.meet_deadlines();
    order.push_back(3);
    worker.meet_deadlines();  // nobody is
    worker.disarm(later);
    done.set_value();
  });
  worker.start();
  REQUIRE(done.get_future().wait_for(5s) == std::future_status::ready);
  worker.stop_and_join();
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("so many deadlines are met between two reads, and no more") {
  SystemClock clock;
  Worker worker(clock, Duration::zero());
  std::promise<void> done;
  constexpr std::size_t kMost = Worker::kDeadlinesPerTurn * Worker::kTurnsBetweenReads;
  std::size_t met = 0, met_at_once = 0;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (std::size_t i = 0; i < kMost + 1; ++i)
    alarms.push_back(std::make_unique<Alarm>([&](TimePoint) {
      if (++met == kMost + 1) done.set_value();
    }));
  worker.post([&] {
    for (const auto& each : alarms)
      worker.arm(*each, clock.now());
    worker.meet_deadlines();
    met_at_once = met;
  });
  worker.start();
  REQUIRE(done.get_future().wait_for(5s) == std::future_status::ready);
  worker.stop_and_join();
  CHECK(met_at_once == kMost);
}

TEST_CASE("what is left for the end of a turn runs without anybody's deadline, in one go") {
  SystemClock clock;
  Worker worker(clock, Duration::zero());
  std::promise<void> done;
  std::vector<int> order;
  worker.post([&] {
    worker.after_turn([&] { order.push_back(2); });
    worker.after_turn([&] {
      order.push_back(3);
      done.set_value();
    });
    order.push_back(1);
  });
  worker.start();
  REQUIRE(done.get_future().wait_for(5s) == std::future_status::ready);
  worker.stop_and_join();
  CHECK(order == std::vector<int>{1, 2, 3});
}

}  // namespace
}  // namespace faultlun::daemon::worker_test
