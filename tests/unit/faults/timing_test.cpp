#include "faults/timing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace faultlun::faults::timing_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::uint64_t kLowest = 0;
constexpr std::uint64_t kHighest = ~std::uint64_t{0};
constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

template <typename Parameters>
std::string complaint(const Parameters& parameters) {
  const Complaints complaints = check(parameters);
  REQUIRE(complaints.size() == 1);
  return complaints[0].field + " " + complaints[0].message;
}

TEST_CASE("a scaled duration is rounded down and stops at the longest delay") {
  CHECK(scaled(10ms, 1500) == 15ms);
  CHECK(scaled(3ns, 500) == 1ns);
  CHECK(scaled(10ms, 0) == 0ms);
  CHECK(scaled(kMaxDelay, kMaxFactorPermille) == kMaxDelay);
}

TEST_CASE("the size term grows with the bytes, to the nearest nanosecond") {
  const SizeTerm term{.per_kib = 100ns};
  CHECK(size_term(term, 0) == 0ns);
  CHECK(size_term(term, 512) == 50ns);
  CHECK(size_term(term, 1024) == 100ns);
  CHECK(size_term(term, 65536) == 6400ns);
  CHECK(size_term({.per_kib = 1ns}, 511) == 0ns);
  CHECK(size_term({.per_kib = 1ns}, 512) == 1ns);
  CHECK(size_term({.per_kib = 1h}, kHighest) == kMaxDelay);
  CHECK(check(term).empty());
  CHECK(complaint(SizeTerm{2h}).starts_with("per_kib is 2h, above the most of 1h"));
}

TEST_CASE("one lane serves one command after the other") {
  const Lanes lanes{1};
  LanesState state;
  CHECK(serve(lanes, state, 0ms, 10ms) == Service{0ms, 10ms});
  CHECK(serve(lanes, state, 1ms, 10ms) == Service{10ms, 20ms});
  CHECK(serve(lanes, state, 50ms, 10ms) == Service{50ms, 60ms});
}

TEST_CASE("a command takes the lane that is free first") {
  const Lanes lanes{2};
  LanesState state;
  CHECK(serve(lanes, state, 0ms, 100ms) == Service{0ms, 100ms});
  CHECK(serve(lanes, state, 0ms, 10ms) == Service{0ms, 10ms});
  CHECK(serve(lanes, state, 0ms, 10ms) == Service{10ms, 20ms});
  CHECK(serve(lanes, state, 0ms, 10ms) == Service{20ms, 30ms});
  CHECK(state.free_at == std::vector<nanoseconds>{100ms, 30ms});
}

TEST_CASE("no queue at the lanes is longer than the longest delay") {
  const Lanes lanes{1};
  LanesState state;
  serve(lanes, state, 0ms, kMaxDelay);
  CHECK(serve(lanes, state, 1ms, kMaxDelay) == Service{kMaxDelay, kMaxDelay + 1ms});
  CHECK(serve(lanes, state, 1ms, kMaxDelay) == Service{kMaxDelay + 1ms, kMaxDelay + 1ms});
  CHECK(check(Lanes{kMaxLanes}).empty());
  CHECK(complaint(Lanes{0}) == "lanes is 0, below the least of 1: give a number from 1 to 256");
  CHECK(complaint(Lanes{kMaxLanes + 1}).starts_with("lanes is 257, above the most of 256"));
}

TEST_CASE("the head travels from the end of an access to the next, both ways, up to max") {
  const Seek seek{.per_gib = 1ms, .max = 5ms};
  SeekState state;
  CHECK(seek_term(seek, state, 7 * kGib, 4096) == 0ns);
  CHECK(seek_term(seek, state, 7 * kGib + 4096, kGib - 4096) == 0ns);  // sequential
  CHECK(seek_term(seek, state, 10 * kGib, 0) == 2ms);
  CHECK(seek_term(seek, state, 9 * kGib + kGib / 2, kGib / 2) == 500us);
  CHECK(seek_term(seek, state, 100 * kGib, 0) == 5ms);
  CHECK(state.head_bytes == 100 * kGib);
  CHECK(complaint(Seek{2h, 1ms}).starts_with("per_gib is 2h"));
  CHECK(complaint(Seek{1ms, -1ms}).starts_with("max is -1ms"));
}

TEST_CASE("a linear ramp goes straight from one factor to the other and stays") {
  const Ramp up{1000, 3000, 10s, Ramp::Shape::linear};
  CHECK(ramp_factor(up, -1s) == 1000);
  CHECK(ramp_factor(up, 0s) == 1000);
  CHECK(ramp_factor(up, 5s) == 2000);
  CHECK(ramp_factor(up, 9'999ms) == 3000);
  CHECK(ramp_factor(up, 9'990ms) == 2998);
  CHECK(ramp_factor(up, 100h) == 3000);
  const Ramp down{kMaxFactorPermille, 0, kMaxDelay, Ramp::Shape::linear};
  CHECK(check(down).empty());
  CHECK(ramp_factor(down, kMaxDelay / 4) == 750'000);
}

TEST_CASE("an exponential ramp multiplies by the same in equal times") {
  const Ramp up{1000, 16'000, 4s, Ramp::Shape::exponential};
  CHECK(ramp_factor(up, 0s) == 1000);
  CHECK(ramp_factor(up, 1s) == 2000);
  CHECK(ramp_factor(up, 2s) == 4000);
  CHECK(ramp_factor(up, 3s) == 8000);
  CHECK(ramp_factor(up, 500ms) == 1414);
  CHECK(ramp_factor(up, 4s) == 16'000);
  const Ramp down{kMaxFactorPermille, 1, 2h, Ramp::Shape::exponential};
  CHECK(check(down).empty());
  CHECK(ramp_factor(down, 1h) == 1000);
}

TEST_CASE("a ramp needs a time, bounded factors, and none that is 0 if exponential") {
  CHECK(complaint(Ramp{0, 1, 1s, Ramp::Shape::exponential}).starts_with("from is 0, which no"));
  CHECK(complaint(Ramp{1, 0, 1s, Ramp::Shape::exponential}).starts_with("to is 0, which no"));
  CHECK(complaint(Ramp{1, 1, 0s, Ramp::Shape::linear}).starts_with("over is 0ns, below"));
  CHECK(complaint(Ramp{1'000'001, 1, 1s, Ramp::Shape::linear}).starts_with("from is 1000001"));
}

TEST_CASE("a wave is active in the first part of each period") {
  const Wave wave{10s, 300};
  CHECK(is_active(wave, 0s));
  CHECK(is_active(wave, 3s - 1ns));
  CHECK_FALSE(is_active(wave, 3s));
  CHECK_FALSE(is_active(wave, 10s - 1ns));
  CHECK(is_active(wave, 10s));
  CHECK_FALSE(is_active(Wave{10s, 0}, 0s));
  CHECK(is_active(Wave{10s, 1000}, 10s - 1ns));
  CHECK(complaint(Wave{0s, 1}).starts_with("period is 0ns"));
  CHECK(complaint(Wave{1s, 1001}).starts_with("duty is 1001"));
}

TEST_CASE("a burst judges by the present state, then steps") {
  const Burst burst{.p = {1, 4}, .r = {1, 2}};
  BurstState state;
  CHECK_FALSE(step(burst, state, kLowest, kHighest));  // good, stays
  CHECK_FALSE(state.bad);
  CHECK_FALSE(step(burst, state, kHighest, kLowest));  // good still, k = 1 spares; turns bad
  CHECK(state.bad);
  CHECK(step(burst, state, kLowest, kHighest));  // bad, h = 0 spares nothing
  CHECK(state.bad);
  CHECK(step(burst, state, kHighest, kLowest));
  CHECK_FALSE(state.bad);
}

TEST_CASE("a burst is active with 1 - k in the good and 1 - h in the bad state") {
  const Burst burst{.p = {0, 1}, .r = {0, 1}, .h = {1, 4}, .k = {3, 4}};
  BurstState good;
  BurstState bad{.bad = true};
  const std::uint64_t half = std::uint64_t{1} << 63;
  CHECK_FALSE(step(burst, good, half, half));
  CHECK(step(burst, good, half + half / 2, half));
  CHECK_FALSE(step(burst, bad, half / 2 - 1, half));
  CHECK(step(burst, bad, half / 2, half));
}

TEST_CASE("bursts have the share and the length that p and r ask for") {
  const Burst burst{.p = {1, 100}, .r = {1, 10}};
  const Drawer drawer(9, "burst", "*");
  BurstState state;
  int active = 0;
  int bursts = 0;
  bool last = false;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const bool now = step(burst, state, drawer.at(i, 1), drawer.at(i, 2));
    active += now ? 1 : 0;
    bursts += now && !last ? 1 : 0;
    last = now;
  }
  CHECK(std::abs(active - 18'182) < 1'000);    // p / (p + r)
  CHECK(std::abs(active / bursts - 10) <= 1);  // 1 / r
  CHECK(complaint(Burst{.p = {2, 1}, .r = {1, 1}}) == "p is 2: give a number from 0 to 1");
}

TEST_CASE("until_idle ends for good with the first match after a long enough pause") {
  const UntilIdle until{5s};
  UntilIdleState state;
  CHECK(is_active(until, state, 100s));  // the first match has no pause before it
  CHECK(is_active(until, state, 105s - 1ns));
  CHECK_FALSE(is_active(until, state, 110s - 1ns));
  CHECK_FALSE(is_active(until, state, 110s));
  CHECK(complaint(UntilIdle{0s}).starts_with("until_idle is 0ns"));
}

TEST_CASE("a stall without jitter pauses at every full period but the first") {
  const Stall stall{.every = 20s, .length = 1500ms};
  const Drawer drawer = stall_drawer(1, "tail");
  CHECK_FALSE(stall_end(stall, drawer, 0s).has_value());
  CHECK_FALSE(stall_end(stall, drawer, 20s - 1ns).has_value());
  CHECK(stall_end(stall, drawer, 20s) == 21'500ms);
  CHECK(stall_end(stall, drawer, 21'500ms - 1ns) == 21'500ms);
  CHECK_FALSE(stall_end(stall, drawer, 21'500ms).has_value());
  CHECK(stall_end(stall, drawer, 401s) == 401'500ms);
}

TEST_CASE("jitter moves each stall by its own draw of key stall and slot 1") {
  const Stall stall{.every = 10s, .length = 1s, .jitter = 2s};
  const Drawer drawer = stall_drawer(42, "tail");
  for (std::uint64_t k = 1; k < 50; ++k) {
    const std::uint64_t u = quantile(draw(42, "tail", "stall", k, 1));
    const nanoseconds begin =
        10s * static_cast<int>(k) +
        nanoseconds(static_cast<std::int64_t>(uniform_up_to(u, 2'000'000'000)));
    CHECK_FALSE(stall_end(stall, drawer, begin - 1ns).has_value());
    CHECK(stall_end(stall, drawer, begin) == begin + 1s);
    CHECK_FALSE(stall_end(stall, drawer, begin + 1s).has_value());
  }
}

TEST_CASE("stalls may touch but not meet") {
  CHECK(check(Stall{.every = 3s, .length = 1s, .jitter = 2s}).empty());
  CHECK(complaint(Stall{.every = 3s, .length = 2s, .jitter = 2s}) ==
        "for and jitter are 4s together, above every of 3s, so that stalls would meet: shorten "
        "them or raise every");
  CHECK(check(Stall{.every = 0s, .length = 0s, .jitter = -1s}).size() == 3);
}

TEST_CASE("a full bucket lets its burst pass at once, then one token at a time") {
  const TokenBucket bucket{.rate = 10, .burst = 3};
  TokenBucketState state;
  for (int i = 0; i < 3; ++i)
    CHECK(admit(bucket, state, 0ms, 1) == 0ms);
  CHECK(admit(bucket, state, 0ms, 1) == 100ms);
  CHECK(admit(bucket, state, 0ms, 1) == 200ms);
  CHECK(admit(bucket, state, 250ms, 1) == 300ms);
  CHECK(state.full_at == 600ms);
  for (int i = 0; i < 3; ++i)
    CHECK(admit(bucket, state, 10s, 1) == 10s);
  CHECK(admit(bucket, state, 10s, 1) == 10'100ms);
}

TEST_CASE("a command larger than the bucket waits until it is full and leaves a debt") {
  const TokenBucket bucket{.rate = 1000, .burst = 100};
  TokenBucketState state;
  CHECK(admit(bucket, state, 0ms, 250) == 0ms);    // 150 in debt
  CHECK(admit(bucket, state, 0ms, 100) == 250ms);  // until 100 are there
  CHECK(admit(bucket, state, 0ms, 0) == 250ms);    // nothing overtakes a debt
  CHECK(admit(bucket, state, 0ms, 50) == 300ms);
}

TEST_CASE("a rate that divides no second does not drift") {
  const TokenBucket bucket{.rate = 3, .burst = 1};
  TokenBucketState state;
  CHECK(admit(bucket, state, 0ns, 1) == 0ns);
  CHECK(admit(bucket, state, 0ns, 1) == 333'333'334ns);
  CHECK(admit(bucket, state, 0ns, 1) == 666'666'667ns);
  CHECK(admit(bucket, state, 0ns, 1) == 1s);
  for (int i = 4; i < 3'000'000; ++i)
    admit(bucket, state, 0ns, 1);
  CHECK(admit(bucket, state, 0ns, 1) == 1'000'000s);
}

TEST_CASE("a bucket's backlog stops at the longest delay") {
  const TokenBucket bucket{.rate = 1, .burst = 1};
  TokenBucketState state;
  admit(bucket, state, 5s, kHighest);
  CHECK(state.full_at == 5s + kMaxDelay);
  CHECK(admit(bucket, state, 5s, 1) == 5s + kMaxDelay);
  const TokenBucket fastest{.rate = kMaxRate, .burst = kMaxRate * 3600};
  CHECK(check(fastest).empty());
  TokenBucketState fresh;
  CHECK(admit(fastest, fresh, kMaxDelay, kMaxRate * 3600) == kMaxDelay);
  CHECK(admit(fastest, fresh, kMaxDelay, kMaxRate) == kMaxDelay + 1s);
}

TEST_CASE("a bucket has a rate and a burst of at most an hour") {
  CHECK(complaint(TokenBucket{0, 1}).starts_with("rate is 0, below the least of 1"));
  CHECK(complaint(TokenBucket{kMaxRate + 1, 1}).starts_with("rate is 1000000000001"));
  CHECK(complaint(TokenBucket{1, 3601}) ==
        "burst is 3601, above the most of 3600: give a number from 1 to 3600");
  CHECK(complaint(TokenBucket{1, 0}).starts_with("burst is 0"));
}

TEST_CASE("beyond its budget a unit is slow until it had a rest") {
  const Cliff cliff{.budget_bytes = 100, .factor_permille = 3000, .extra = 1ms, .idle = 10s};
  CliffState state;
  CHECK(cliff_service(cliff, state, 0s, 60, 2ms) == 2ms);
  CHECK(cliff_service(cliff, state, 0s, 60, 2ms) == 2ms);  // crosses the edge
  CHECK(cliff_service(cliff, state, 1s, 1, 2ms) == 7ms);
  CHECK(cliff_service(cliff, state, 11s - 1ns, 1, 2ms) == 7ms);
  CHECK(cliff_service(cliff, state, 21s - 1ns, 60, 2ms) == 2ms);  // rested for 10 s
  CHECK(state.used_bytes == 60);
}

TEST_CASE("a cliff without idle stays down, and one without budget is slow at once") {
  const Cliff cliff{.budget_bytes = 0, .extra = 1ms};
  CliffState state;
  CHECK(cliff_service(cliff, state, 0s, kHighest, 2ms) == 3ms);
  CHECK(cliff_service(cliff, state, 9000h, kHighest, 2ms) == 3ms);
  CHECK(state.used_bytes == kMaxBudgetBytes);
  CHECK(cliff_service({.factor_permille = kMaxFactorPermille}, state, 9000h, 1, kMaxDelay) ==
        kMaxDelay);
  CHECK(complaint(Cliff{.budget_bytes = kMaxBudgetBytes + 1}).starts_with("budget_bytes is"));
  CHECK(complaint(Cliff{.factor_permille = kMaxFactorPermille + 1}).starts_with("factor is"));
}

bool is_permutation_of_all(std::vector<std::uint32_t> order) {
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    if (order[i] != i) return false;
  }
  return true;
}

TEST_CASE("held commands are released in an order that seed, rule and release decide") {
  const Reorder reorder{.window = 8};
  const Drawer drawer(42, "reorder", "*");
  CHECK(release_order(reorder, drawer, 0, 8) == std::vector<std::uint32_t>{6, 3, 1, 4, 5, 2, 0, 7});
  CHECK(release_order(reorder, drawer, 0, 8) != release_order(reorder, drawer, 1, 8));
  CHECK(release_order(reorder, drawer, 0, 0).empty());
  CHECK(release_order(reorder, drawer, 0, 1) == std::vector<std::uint32_t>{0});
  CHECK(release_order({.window = 1}, drawer, 0, 3) == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("no command moves further than its window allows, and none is lost") {
  const Drawer drawer(42, "reorder", "*");
  for (const std::uint32_t window : {2U, 7U, 64U}) {
    const auto order = release_order({.window = window}, drawer, 3, 1000);
    CHECK(order.size() == 1000);
    CHECK(is_permutation_of_all(order));
    for (std::uint32_t i = 0; i < order.size(); ++i)
      CHECK(order[i] / window == i / window);
  }
  const std::uint32_t most = kMaxReordered;
  const auto all = release_order({.window = most}, drawer, 0, kMaxReordered);
  CHECK(is_permutation_of_all(all));
  CHECK(check(Reorder{most}).empty());
  CHECK(complaint(Reorder{0}).starts_with("window is 0"));
  CHECK(complaint(Reorder{most + 1}).starts_with("window is 65537"));
}

TEST_CASE("every order of three commands is as likely as another") {
  const Drawer drawer(7, "fair", "*");
  int seen[3][3] = {};
  for (std::uint64_t release = 0; release < 6000; ++release) {
    const auto order = release_order({.window = 3}, drawer, release, 3);
    ++seen[order[0]][order[1]];
  }
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b)
      CHECK(std::abs(seen[a][b] - (a == b ? 0 : 1000)) < 130);
  }
}

}  // namespace
}  // namespace faultlun::faults::timing_test
