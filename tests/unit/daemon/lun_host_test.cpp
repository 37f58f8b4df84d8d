#include "daemon/lun_host.hpp"

#include "lun_backends/open.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace faultlun::daemon::lun_host_test {
namespace {

std::shared_ptr<LunHost> host_of_nothing() {
  lun_backends::BackendSpec spec;
  spec.kind = lun_backends::BackendSpec::Kind::null;
  spec.size_bytes = 1 << 20;
  scsi::LogicalUnitProfile profile;
  profile.blocks = 2048;
  return std::make_shared<LunHost>(std::uint16_t{0}, profile, lun_backends::open(spec));
}

TEST_CASE("commands that must not overlap take turns in the order they came") {
  const auto unit = host_of_nothing();
  auto& host = *unit;
  std::vector<int> order;
  CHECK(host.begin_turn([] {}));
  CHECK_FALSE(host.begin_turn([&] { order.push_back(1); }));
  CHECK_FALSE(host.begin_turn([&] { order.push_back(2); }));
  host.end_turn();
  CHECK(order == std::vector<int>{1});
  host.end_turn();
  CHECK(order == std::vector<int>{1, 2});
  host.end_turn();
  CHECK(host.begin_turn([] {}));
}

TEST_CASE("turns of many threads never overlap, and everybody has one") {
  constexpr int kThreads = 4, kTurns = 2000;
  const auto unit = host_of_nothing();
  std::atomic<int> inside{0}, done{0}, overlaps{0};
  const auto work = [&] {
    if (inside.fetch_add(1) != 0) ++overlaps;
    ++done;
    inside.fetch_sub(1);
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        std::atomic<bool> mine{false};
        if (!unit->begin_turn([&] { mine.store(true); }))
          while (!mine.load())
            std::this_thread::yield();
        work();
        unit->end_turn();
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(done == kThreads * kTurns);
  CHECK(overlaps == 0);
  CHECK(unit->begin_turn([] {}));  // nobody is left waiting
}

TEST_CASE(
    "a hundred thousand that wait have their turns one after the other, not inside each other") {
  constexpr std::size_t kWaiting = 100'000;  // more than four sessions with full command windows
  const auto unit = host_of_nothing();
  std::size_t next = 0, in_order = 0;
  REQUIRE(unit->begin_turn([] {}));
  for (std::size_t n = 0; n < kWaiting; ++n)
    REQUIRE_FALSE(unit->begin_turn([&, n] { in_order += n == next++; }));
  for (std::size_t n = 0; n < kWaiting; ++n)
    unit->end_turn();
  CHECK(next == kWaiting);
  CHECK(in_order == kWaiting);
  unit->end_turn();
  CHECK(unit->begin_turn([] {}));
}

TEST_CASE("every locked use of the unit moves the epoch on, a look does not") {
  const auto unit = host_of_nothing();
  const auto before = unit->epoch();
  unit->look_at_unit([](const auto&) {});
  CHECK(unit->epoch() == before);
  unit->with_unit([](auto&) {});
  CHECK(unit->epoch() == before + 1);
  CHECK_FALSE(unit->retired());
  unit->retire();
  CHECK(unit->retired());
  CHECK(unit->epoch() == before + 2);
}

}  // namespace
}  // namespace faultlun::daemon::lun_host_test
