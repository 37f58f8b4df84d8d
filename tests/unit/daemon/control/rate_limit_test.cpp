#include "daemon/control/rate_limit.hpp"

#include <doctest/doctest.h>

namespace rate_limit_test {

using namespace faultlun::daemon;
using namespace faultlun::daemon::control;
using namespace std::chrono_literals;

namespace {

const TimePoint kStart{1000h};

int taken(RateLimit& limit, TimePoint now, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i)
    count += limit.take(now) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("at first there is a whole burst and not one more") {
  RateLimit limit(10, 20);
  CHECK(taken(limit, kStart, 100) == 20);
}

TEST_CASE("after that there are as many as the rate says") {
  RateLimit limit(10, 20);
  taken(limit, kStart, 20);
  CHECK(taken(limit, kStart + 99ms, 5) == 0);
  CHECK(taken(limit, kStart + 100ms, 5) == 1);
  CHECK(taken(limit, kStart + 1100ms, 100) == 10);
}

TEST_CASE("a long rest saves no more than a burst") {
  RateLimit limit(10, 20);
  taken(limit, kStart, 20);
  CHECK(taken(limit, kStart + 1h, 100) == 20);
}

TEST_CASE("a limit of nothing is one of one") {
  RateLimit limit(0, 0);
  CHECK(taken(limit, kStart, 5) == 1);
  CHECK(taken(limit, kStart + 1s, 5) == 1);
}

}  // namespace rate_limit_test
