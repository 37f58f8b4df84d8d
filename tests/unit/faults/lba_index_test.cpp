// The index by LBA: rule_set.hpp declares it, lba_index.cpp builds it.
#include "faults/rule_set.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace faultlun::faults::lba_index_test {
namespace {

std::set<std::uint32_t> found(const LbaIndex& index, std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint32_t> rules;
  index.collect(first, last, rules);
  return {rules.begin(), rules.end()};
}

TEST_CASE("a range is found from its first block to its last and not beyond") {
  LbaIndex index;
  CHECK(index.build({{10, 19, 7}}).empty());
  CHECK(found(index, 0, 9).empty());
  CHECK(found(index, 0, 10) == std::set<std::uint32_t>{7});
  CHECK(found(index, 19, 19) == std::set<std::uint32_t>{7});
  CHECK(found(index, 20, UINT64_MAX).empty());
}

TEST_CASE("ranges may reach both ends of what 64 bits can say") {
  LbaIndex index;
  CHECK(index.build({{0, UINT64_MAX, 1}, {UINT64_MAX, UINT64_MAX, 2}, {0, 0, 3}}).empty());
  CHECK(found(index, 0, 0) == std::set<std::uint32_t>{1, 3});
  CHECK(found(index, 1, UINT64_MAX - 1) == std::set<std::uint32_t>{1});
  CHECK(found(index, UINT64_MAX, UINT64_MAX) == std::set<std::uint32_t>{1, 2});
}

TEST_CASE("an index without ranges finds nothing") {
  LbaIndex index;
  CHECK(index.empty());
  CHECK(found(index, 0, UINT64_MAX).empty());
  CHECK(index.build({}).empty());
  CHECK(index.empty());
}

TEST_CASE("ranges that make the index too large come back, the widest of them") {
  std::vector<LbaIndex::Range> ranges;
  for (std::uint32_t i = 0; i < 2000; ++i)
    ranges.push_back({i, 1'000'000 - i, i});
  LbaIndex index;
  const auto back = index.build(ranges);
  CHECK_FALSE(back.empty());
  CHECK(back.size() < ranges.size());
  const auto narrowest_back = std::ranges::max(back, {}, &LbaIndex::Range::first).first;
  const auto inside = found(index, 500'000, 500'000);
  CHECK(inside.size() == ranges.size() - back.size());
  for (const auto rule : inside)
    CHECK(rule > narrowest_back);
}

TEST_CASE("what is found touches the command, and nothing that does is left out") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    made::Dice dice(seed);
    const std::uint64_t space = dice.one_in(3) ? UINT64_MAX : 1 + dice.below(100'000);
    std::vector<LbaIndex::Range> ranges;
    for (std::uint32_t i = 0; i < 1 + dice.below(100); ++i) {
      const auto first = dice.below(space);
      ranges.push_back({first, first + dice.below(std::min<std::uint64_t>(space - first, 50)), i});
    }
    LbaIndex index;
    REQUIRE(index.build(ranges).empty());
    for (int i = 0; i < 300; ++i) {
      const auto first =
          dice.one_in(2) ? dice.below(space) : ranges[dice.below(ranges.size())].first;
      const auto last = first + dice.below(std::min<std::uint64_t>(UINT64_MAX - first, 1000) + 1);
      std::set<std::uint32_t> expected;
      for (const auto& each : ranges)
        if (each.first <= last && each.last >= first) expected.insert(each.rule);
      REQUIRE(found(index, first, last) == expected);
    }
  }
}

}  // namespace
}  // namespace faultlun::faults::lba_index_test
