#include "faults/distribution.hpp"

#include "faults/draw.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace faultlun::faults::distribution_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::uint64_t kMedian = std::uint64_t{1} << 63;
constexpr std::uint64_t kLowest = 0;
constexpr std::uint64_t kHighest = ~std::uint64_t{0};

nanoseconds at(const Shape& shape, std::uint64_t draw, std::uint64_t index = 0) {
  Distribution distribution;
  distribution.shape = shape;
  REQUIRE(check(distribution).empty());
  return sample(distribution, {}, draw, index).delay;
}

/// 100,000 delays of seed 5, sorted.
std::vector<nanoseconds> many(const Distribution& distribution) {
  REQUIRE(check(distribution).empty());
  const Drawer drawer(5, "delay", "*");
  DistributionState state;
  std::vector<nanoseconds> delays;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Sample next = sample(distribution, state, drawer.at(i, kSlotLatency), i);
    state = next.state;
    delays.push_back(next.delay);
  }
  std::sort(delays.begin(), delays.end());
  return delays;
}

nanoseconds mean(const std::vector<nanoseconds>& delays) {
  nanoseconds sum{0};
  for (const nanoseconds delay : delays)
    sum += delay;
  return sum / static_cast<std::int64_t>(delays.size());
}

nanoseconds percentile(const std::vector<nanoseconds>& sorted, std::size_t percent) {
  return sorted[sorted.size() * percent / 100];
}

/// Within `permille` of `expected`.
bool close(nanoseconds actual, nanoseconds expected, int permille) {
  return std::abs((actual - expected).count()) * 1000 <= expected.count() * permille;
}

Distribution plain(const Shape& shape) {
  Distribution distribution;
  distribution.shape = shape;
  return distribution;
}

const std::vector<Shape>& all_shapes() {
  static const std::vector<Shape> shapes = {
      Constant{5ms},
      Uniform{1ms, 3ms},
      Normal{5ms, 1ms, 2ms},
      Lognormal{900us, {3, 5}},
      Exponential{100us, 1ms},
      Pareto{1ms, {3, 1}, 1s},
      Bimodal{{1, 100}, 1ms, 80ms},
      Empirical{{{500'000'000, 1ms}, {990'000'000, 10ms}, {1'000'000'000, 200ms}}},
      Trace{{1ms, 7ms, 3ms}, true}};
  return shapes;
}

TEST_CASE("a constant is itself whatever the draw") {
  CHECK(at(Constant{5ms}, kLowest) == 5ms);
  CHECK(at(Constant{5ms}, kHighest) == 5ms);
  CHECK(at(Constant{kMaxDelay}, kMedian) == kMaxDelay);
}

TEST_CASE("a uniform delay reaches both of its ends") {
  CHECK(at(Uniform{10ns, 19ns}, kLowest) == 10ns);
  CHECK(at(Uniform{10ns, 19ns}, kMedian) == 15ns);
  CHECK(at(Uniform{10ns, 19ns}, kHighest) == 19ns);
  CHECK(at(Uniform{3ns, 3ns}, kMedian) == 3ns);
  CHECK(at(Uniform{0ns, kMaxDelay}, kHighest) <= kMaxDelay);
}

TEST_CASE("a normal delay is its mean at the median and never less than min") {
  CHECK(at(Normal{5ms, 1ms, 0ms}, kMedian) == 5ms);
  CHECK(at(Normal{5ms, 1ms, 0ms}, kHighest) == 13'292'361ns);  // 8.292361 standard deviations
  CHECK(at(Normal{5ms, 1ms, 4ms}, kLowest) == 4ms);
  CHECK(at(Normal{5ms, 1ms, 0ms}, kLowest) == 0ms);
}

TEST_CASE("a lognormal delay is its median at the median, and stops at the longest delay") {
  CHECK(at(Lognormal{900us, {3, 5}}, kMedian) == 900us);
  CHECK(at(Lognormal{1s, {8, 1}}, kHighest) == kMaxDelay);
  CHECK(at(Lognormal{1s, {8, 1}}, kLowest) == 0ns);
  CHECK(at(Lognormal{900us, {0, 1}}, kHighest) == 900us);
}

TEST_CASE("an exponential delay starts at min and has its median at ln 2 of the rest") {
  CHECK(at(Exponential{1ms, 2ms}, kLowest) == 1ms);
  CHECK(at(Exponential{1ms, 2ms}, kMedian) == 1'693'147ns);
  CHECK(at(Exponential{0ms, 1ms}, kHighest) == 37'429'947ns);
}

TEST_CASE("a Pareto delay starts at scale, doubles at the median for shape 1, ends at cap") {
  CHECK(at(Pareto{1ms, {1, 1}, 1s}, kLowest) == 1ms);
  CHECK(at(Pareto{1ms, {1, 1}, 1s}, kMedian) == 1'999'999ns);  // rounded down
  CHECK(at(Pareto{1ms, {1, 1}, 1s}, kHighest) == 1s);
  CHECK(at(Pareto{1ms, {1, 100}, kMaxDelay}, kHighest) == kMaxDelay);
}

TEST_CASE("a bimodal delay is one of two values") {
  const Bimodal tail{{1, 4}, 1ms, 80ms};
  CHECK(at(tail, kLowest) == 1ms);
  CHECK(at(tail, kMedian) == 1ms);
  CHECK(at(tail, (kMedian / 2) * 3) == 80ms);
  CHECK(at(tail, (kMedian / 2) * 3 - 1) == 1ms);
  CHECK(at(Bimodal{{1, 4}, 80ms, 1ms}, kLowest) == 1ms);
  CHECK(at(Bimodal{{0, 1}, 1ms, 80ms}, kHighest) == 1ms);
  CHECK(at(Bimodal{{1, 1}, 1ms, 80ms}, kLowest) == 80ms);
}

TEST_CASE("a percentile table is met at its points, interpolated between, flat outside") {
  const Empirical table{{{250'000'000, 10ms}, {500'000'000, 20ms}, {750'000'000, 100ms}}};
  CHECK(at(table, kLowest) == 10ms);
  CHECK(at(table, kMedian / 2) == 10ms);
  CHECK(at(table, kMedian / 4 * 3) == 15ms);
  CHECK(at(table, kMedian) == 20ms);
  CHECK(at(table, kMedian / 4 * 5) == 60ms);
  CHECK(at(table, kHighest) == 100ms);
  CHECK(at(Empirical{{{0, 0ns}, {kBillion, kMaxDelay}}}, kMedian) == kMaxDelay / 2);
  CHECK(at(Empirical{{{500'000'000, 7ms}}}, kMedian) == 7ms);
}

TEST_CASE("a trace gives its values in turn and starts again only when it loops") {
  const Trace loop{{1ms, 7ms, 3ms}, true};
  CHECK(at(loop, kMedian, 0) == 1ms);
  CHECK(at(loop, kLowest, 2) == 3ms);
  CHECK(at(loop, kLowest, 4) == 7ms);
  CHECK(at(loop, kLowest, kHighest) == 1ms);  // 2^64 - 1 is divisible by 3
  const Trace once{{1ms, 7ms, 3ms}, false};
  CHECK(at(once, kMedian, 2) == 3ms);
  CHECK(at(once, kMedian, 3) == 0ms);
}

TEST_CASE("a larger draw is never a shorter delay") {
  for (const Shape& shape : all_shapes()) {
    nanoseconds last{0};
    for (std::uint64_t i = 0; i < 4096; ++i) {
      const nanoseconds delay = at(shape, i << 52);
      CHECK(delay >= last);
      last = delay;
    }
  }
}

TEST_CASE("a hundred thousand delays have the mean and the percentiles that were asked") {
  CHECK(close(mean(many(plain(Uniform{1ms, 3ms}))), 2ms, 5));

  const auto normal = many(plain(Normal{5ms, 1ms, 0ms}));
  CHECK(close(mean(normal), 5ms, 5));
  CHECK(close(percentile(normal, 84), 5'994'458ns, 10));
  CHECK(close(percentile(normal, 99), 7'326'348ns, 10));

  const auto lognormal = many(plain(Lognormal{900us, {3, 5}}));
  CHECK(close(percentile(lognormal, 50), 900us, 10));
  CHECK(close(mean(lognormal), 1'077'496ns, 10));  // 900 us * e^(0.6^2 / 2)
  CHECK(close(percentile(lognormal, 99), 3'634'391ns, 25));

  const auto exponential = many(plain(Exponential{100us, 1ms}));
  CHECK(close(mean(exponential), 1ms, 10));
  CHECK(close(percentile(exponential, 90), 2'172'327ns, 15));

  const auto pareto = many(plain(Pareto{1ms, {3, 1}, 1s}));
  CHECK(close(mean(pareto), 1'500us, 10));
  CHECK(close(percentile(pareto, 99), 4'641'589ns, 30));

  const auto bimodal = many(plain(Bimodal{{1, 100}, 1ms, 80ms}));
  const auto slow = std::count(bimodal.begin(), bimodal.end(), nanoseconds(80ms));
  CHECK(std::abs(slow - 1000) < 100);
}

TEST_CASE("correlated delays have the asked distribution, and follow each other") {
  Distribution distribution = plain(Exponential{0ms, 1ms});
  distribution.correlation = {9, 10};
  CHECK(close(mean(many(distribution)), 1ms, 40));
  CHECK(close(percentile(many(distribution), 50), 693'147ns, 50));

  // How often a delay is on the same side of the median as the one before: 1/2 + asin(r) / pi.
  const Drawer drawer(5, "delay", "*");
  DistributionState state;
  int same = 0;
  bool last_above = false;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Sample next = sample(distribution, state, drawer.at(i, kSlotLatency), i);
    state = next.state;
    const bool above = next.delay > 693'147ns;
    same += above == last_above ? 1 : 0;
    last_above = above;
  }
  CHECK(std::abs(same - 85'643) < 1000);
}

TEST_CASE(
    "a correlated sample depends on draw and state alone, an uncorrelated one keeps no state") {
  Distribution distribution = plain(Normal{5ms, 1ms, 0ms});
  CHECK(sample(distribution, {}, 123, 0).state == DistributionState{});
  distribution.correlation = {1, 2};
  const Sample first = sample(distribution, {}, kHighest, 0);
  REQUIRE(first.state.score.has_value());
  const Sample second = sample(distribution, first.state, kMedian, 1);
  CHECK(second.delay == sample(distribution, first.state, kMedian, 99).delay);
  CHECK(second.delay == 9'146'180ns);  // half of 8.29 standard deviations are left
}

TEST_CASE("quantize rounds to the nearest multiple, halves up") {
  Distribution distribution = plain(Constant{15ms});
  const auto rounded = [&](nanoseconds value, nanoseconds quantum) {
    distribution.shape = Constant{value};
    distribution.quantize = quantum;
    REQUIRE(check(distribution).empty());
    return sample(distribution, {}, 0, 0).delay;
  };
  CHECK(rounded(15ms, 10ms) == 20ms);
  CHECK(rounded(14'999'999ns, 10ms) == 10ms);
  CHECK(rounded(1ns, 3ns) == 0ns);
  CHECK(rounded(2ns, 3ns) == 3ns);
  CHECK(rounded(7ns, 1ns) == 7ns);
  CHECK(rounded(kMaxDelay, 7ms) <= kMaxDelay);
}

TEST_CASE("a thousand delays of each distribution are the same bits on every machine") {
  // FNV-1a over the nanoseconds: a change here breaks every recorded run.
  constexpr std::uint64_t kGolden[] = {0x0122f70e745d3e65, 0x212a497b10a0ca31, 0xa79b8fc75f6e36d2,
                                       0x01ae8fa8bf823e07, 0xbf8c1f25fe6b7d4b, 0xc9c6a28ddb2e19d7,
                                       0x0075d26609facda5, 0x1d71531903d49b27, 0x7ee792fafedc4765};
  for (std::size_t i = 0; i < all_shapes().size(); ++i) {
    Distribution distribution = plain(all_shapes()[i]);
    if (i + 1 < all_shapes().size()) distribution.correlation = {3, 10};
    const Drawer drawer(42, "golden", "*");
    DistributionState state;
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::uint64_t n = 0; n < 1000; ++n) {
      for (Distribution one : {distribution, plain(all_shapes()[i])}) {
        const Sample next = sample(one, state, drawer.at(n, kSlotLatency), n);
        state = next.state;
        hash = (hash ^ static_cast<std::uint64_t>(next.delay.count())) * 0x100000001b3;
      }
    }
    CAPTURE(kShapeNames[i]);
    CHECK(hash == kGolden[i]);
  }
}

std::string complaint(const Distribution& distribution) {
  const Complaints complaints = check(distribution);
  REQUIRE(complaints.size() == 1);
  return complaints[0].field + " " + complaints[0].message;
}

TEST_CASE("each bad parameter is refused by name, with reason and remedy") {
  const std::string range = ": give a duration from 0ns to 10000h";
  CHECK(complaint(plain(Constant{-1ns})) == "value is -1ns, below the least of 0ns" + range);
  CHECK(complaint(plain(Constant{kMaxDelay + 1h})) ==
        "value is 10001h, above the most of 10000h" + range);
  CHECK(complaint(plain(Uniform{3ms, 1ms})) ==
        "min is 3ms, above max of 1ms: lower it or raise max");
  CHECK(complaint(plain(Normal{1ms, -1ms, 0ms})).starts_with("sd is -1ms"));
  CHECK(complaint(plain(Lognormal{1ms, {9, 1}})) == "sigma is 9: give a number from 0 to 8");
  CHECK(complaint(plain(Exponential{3ms, 1ms})).starts_with("min is 3ms, above mean of 1ms"));
  CHECK(complaint(plain(Pareto{1ms, {0, 1}, 1s})) == "shape is 0: give a number from 0.01 to 1000");
  CHECK(complaint(plain(Pareto{2s, {1, 1}, 1s})).starts_with("scale is 2s, above cap of 1s"));
  CHECK(complaint(plain(Bimodal{{3, 2}, 1ms, 2ms})) == "p_slow is 1.5: give a number from 0 to 1");
  CHECK(complaint(plain(Empirical{})) == "points has 0 entries: give 1 to 1024");
  CHECK(complaint(plain(Empirical{{{5, 1ms}, {5, 2ms}}})).starts_with("points[1].percent is not"));
  CHECK(complaint(plain(Empirical{{{5, 2ms}, {6, 1ms}}})).starts_with("points[1].value is below"));
  CHECK(complaint(plain(Empirical{{{kBillion + 1, 2ms}}})) ==
        "points[0].percent is above 100: give 0 to 100");
  CHECK(complaint(plain(Trace{})) == "values has 0 entries: give 1 to 65536");
  CHECK(complaint(plain(Trace{{1ms, -1ns}, true})).starts_with("values[1] is -1ns"));
}

TEST_CASE("lists are bounded") {
  Trace trace{std::vector<nanoseconds>(kMaxTraceValues, nanoseconds(1)), true};
  CHECK(check(plain(trace)).empty());
  trace.values.emplace_back(1);
  CHECK(complaint(plain(trace)) == "values has 65537 entries: give 1 to 65536");
  Empirical table;
  for (std::uint32_t i = 0; i < kMaxPercentiles; ++i)
    table.points.push_back({i, 1ms});
  CHECK(check(plain(table)).empty());
  table.points.push_back({kMaxPercentiles, 1ms});
  CHECK(complaint(plain(table)) == "points has 1025 entries: give 1 to 1024");
}

TEST_CASE("correlation and quantum have their ranges, and all complaints come at once") {
  Distribution distribution = plain(Constant{1ms});
  distribution.correlation = {1, 1};
  CHECK(complaint(distribution).starts_with("correlation is 1, so that all delays are the first"));
  distribution.correlation = {1, 2};
  CHECK(check(distribution).empty());
  distribution.shape = Trace{{1ms}, true};
  CHECK(complaint(distribution).starts_with("correlation means nothing to a trace"));
  distribution.correlation = {2, 1};
  distribution.quantize = 2h;
  distribution.shape = Uniform{-1ms, -1ms};
  CHECK(check(distribution).size() == 4);
}

}  // namespace
}  // namespace faultlun::faults::distribution_test
