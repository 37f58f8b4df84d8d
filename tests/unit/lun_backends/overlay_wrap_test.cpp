#include "lun_backends/overlay_wrap.hpp"

#include "tests/unit/lun_backends/device_bench.hpp"

#include <vector>

namespace overlay_wrap_test {

using namespace faultlun::lun_backends;

namespace {

/// Where each byte of the range is to be read.
std::vector<std::uint64_t> sources(const WrapMap& map, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::uint64_t> from;
  map.for_each_source(offset, length, [&](std::uint64_t at, std::uint64_t run) {
    CHECK(run != 0);
    for (std::uint64_t i = 0; i < run; ++i)
      from.push_back(at + i);
  });
  return from;
}

using Addresses = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("what was written last to a cell shows at each of its addresses") {
  WrapMap map(100);
  CHECK_FALSE(map.redirects(0, 1000));
  map.note(210, 2);
  CHECK(sources(map, 9, 4) == Addresses{9, 210, 211, 12});
  CHECK(sources(map, 110, 1) == Addresses{210});
  CHECK(map.redirects(0, 11));
  CHECK_FALSE(map.redirects(0, 10));
  CHECK_FALSE(map.redirects(205, 10));
  map.note(11, 1);
  CHECK(sources(map, 210, 2) == Addresses{210, 11});
}

TEST_CASE("a write across the end of the capacity goes on at its beginning") {
  WrapMap map(10);
  map.note(18, 4);
  CHECK(sources(map, 0, 3) == Addresses{20, 21, 2});
  CHECK(sources(map, 7, 4) == Addresses{7, 18, 19, 20});
}

TEST_CASE("a write that goes around several times leaves its last round") {
  WrapMap map(10);
  map.note(5, 1u << 20);
  const std::uint64_t end = 5 + (1u << 20);
  CHECK(sources(map, end - 10, 10).front() == end - 10);
  CHECK_FALSE(map.redirects(end - 10, 10));
  CHECK(sources(map, 0, 10) == sources(map, 10, 10));
}

TEST_CASE("writes in sequence are one run") {
  WrapMap map(1000);
  for (std::uint64_t at = 2000; at < 2500; at += 10)
    map.note(at, 10);
  CHECK(map.runs() == 1);
}

TEST_CASE("random writes agree with an address per cell") {
  constexpr std::uint64_t kCells = 50, kBytes = 400;
  bench::Dice dice(7);
  WrapMap map(kCells);
  std::vector<std::uint64_t> last(kCells, kBytes);  // kBytes: not written
  for (int step = 0; step < 2000; ++step) {
    const auto offset = dice.below(kBytes),
               length = dice.below(std::min(kBytes - offset, std::uint64_t{70}));
    map.note(offset, length);
    for (auto at = offset; at < offset + length; ++at)
      last[at % kCells] = at;
    Addresses expected;
    for (std::uint64_t at = 0; at < kBytes; ++at)
      expected.push_back(last[at % kCells] == kBytes ? at : last[at % kCells]);
    REQUIRE(sources(map, 0, kBytes) == expected);
  }
}

TEST_CASE("beyond its limit a wrap forgets, and what is forgotten is read where it is") {
  WrapMap map(1000, 4);
  for (std::uint64_t at = 0; at < 100; at += 2) {
    map.note(3000 + at, 1);
    CHECK(map.runs() <= 4);
  }
  for (const auto from : sources(map, 0, 1000))
    CHECK((from < 1000 || (from >= 3000 && from < 3100)));
  map.note(5000, 1000);
  CHECK(map.runs() == 1);
  map.note(7500, 10);
  map.note(8200, 10);
  CHECK(map.runs() <= 4);
  CHECK(sources(map, 0, 1) != Addresses{7500});
}

}  // namespace overlay_wrap_test
