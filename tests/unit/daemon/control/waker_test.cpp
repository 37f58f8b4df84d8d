#include "daemon/control/waker.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace waker_test {

using namespace faultlun::daemon::control;

TEST_CASE("waking tells once until somebody has looked") {
  Waker waker;
  int told = 0;
  waker.attach([&] { ++told; });
  CHECK(told == 0);
  waker.wake();
  waker.wake();
  CHECK(told == 1);
  waker.clear();
  waker.wake();
  CHECK(told == 2);
}

TEST_CASE("who woke before anybody listened is heard at once") {
  Waker waker;
  waker.wake();
  int told = 0;
  waker.attach([&] { ++told; });
  CHECK(told == 1);
}

TEST_CASE("nobody is told after the end of listening") {
  Waker waker;
  int told = 0;
  waker.attach([&] { ++told; });
  waker.detach();
  waker.wake();
  CHECK(told == 0);
}

TEST_CASE("wakes of many threads are told while somebody looks again and again") {
  Waker waker;
  std::atomic<int> told{0};
  waker.attach([&] { ++told; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        waker.wake();
        waker.clear();
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(told > 0);
  CHECK(told <= 4000);
}

}  // namespace waker_test
