#include "daemon/control/deferred.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

namespace deferred_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;

TEST_CASE("the first answer counts, and is taken once") {
  Deferred deferred;
  CHECK_FALSE(deferred.take());
  CHECK(deferred.complete(problem(409, "first")));
  CHECK_FALSE(deferred.complete(problem(500, "second")));
  const auto response = deferred.take();
  REQUIRE(response);
  CHECK(response->status == 409);
  CHECK_FALSE(deferred.take());
}

TEST_CASE("completing wakes the server, from any thread") {
  Deferred deferred;
  int told = 0;
  deferred.waker().attach([&] { ++told; });
  std::thread([&] { deferred.complete(no_content()); }).join();
  CHECK(told == 1);
}

TEST_CASE("what nobody waits for any more cannot be completed") {
  Deferred deferred(20ms);
  CHECK_FALSE(deferred.is_abandoned());
  const auto late = deferred.abandon();
  CHECK(late.status == 504);
  CHECK(late.body.find("longer than 20 ms") != std::string::npos);
  CHECK(deferred.is_abandoned());
  CHECK_FALSE(deferred.complete(no_content()));
}

TEST_CASE("an answer at the last moment goes before the late one") {
  Deferred deferred(20ms, problem(409, "late"));
  REQUIRE(deferred.complete(no_content()));
  CHECK(deferred.abandon().status == 204);
  CHECK_FALSE(deferred.is_abandoned());
  Deferred other(20ms, problem(409, "late"));
  CHECK(other.abandon().status == 409);
}

TEST_CASE("nobody waits longer than a day, nor less than nothing") {
  CHECK(Deferred().timeout() == 30s);
  CHECK(Deferred(24h).timeout() == 24h);
  CHECK(Deferred(25h).timeout() == 24h);
  CHECK(Deferred(-1ms).timeout() == 0ms);
}

}  // namespace deferred_test
