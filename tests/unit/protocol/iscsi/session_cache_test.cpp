#include "protocol/iscsi/session_cache.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

namespace faultlun::iscsi::session_cache_test {
namespace {

/// Counts how many of its kind live.
struct Part {
  explicit Part(int* count) : living(count) { ++*living; }
  ~Part() { --*living; }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  int* living;
};
using Cache = ThreadCache<std::unique_ptr<Part>, 3>;

TEST_CASE("a cache keeps as many spare parts as its limit and frees the rest") {
  int living = 0;
  for (int n = 0; n < 5; ++n)
    Cache::give(std::make_unique<Part>(&living));
  CHECK(living == 3);
  CHECK(Cache::size() == 3);
  for (int n = 0; n < 3; ++n)
    CHECK(Cache::take() != nullptr);
  CHECK(living == 0);
  CHECK(Cache::take() == nullptr);
}

TEST_CASE("each thread has a cache of its own, which ends with it") {
  int living = 0;
  std::thread([&] {
    Cache::give(std::make_unique<Part>(&living));
    CHECK(Cache::size() == 1);
  }).join();
  CHECK(living == 0);
  CHECK(Cache::size() == 0);
}

}  // namespace
}  // namespace faultlun::iscsi::session_cache_test
