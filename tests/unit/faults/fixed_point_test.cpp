#include "faults/fixed_point.hpp"

#include "faults/draw.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

namespace faultlun::faults::fixed_point_test {
namespace {

struct Row {
  std::uint64_t quantile;
  Fixed minus_log;
  Fixed normal;
};

// Computed with 50 digits and rounded to 2^-44.
// clang-format off
constexpr Row kExact[] = {
//   quantile, -ln p, z
    {0, 658474604454940, -145880758793186},  // 37.429948, -8.2923611
    {1, 639147612682009, -143564690590509},  // 36.331335, -8.1607078
    {1000, 524749320386485, -129034075730111},  // 29.828545, -7.334738
    {1048576, 402401138778302, -111498530666960},  // 22.873856, -6.3379577
    {1073741824, 280461405592986, -90891403493745},  // 15.942385, -5.1665781
    {27000, 466776813184217, -121030031517864},  // 26.53319, -6.8797608
    {124299, 439916384620450, -117143522655280},  // 25.006351, -6.6588383
    {125200, 439789325473928, -117124844020999},  // 24.999129, -6.6577766
    {9007199, 364567547572430, -105514536788709},  // 20.723266, -5.997807
    {9007199254740, 121522516017151, -54363941650569},  // 6.9077553, -3.0902323
    {674639224180100, 45591933778737, -25336939550639},  // 2.5916014, -1.4402383
    {676440664031048, 45545021254818, -25312083994733},  // 2.5889347, -1.4388254
    {2251799813685248, 24387948313146, -11865749170501},  // 1.3862944, -0.67448975
    {4502698907445022, 12197492945672, -4409707141},  // 0.6933472, -0.00025066283
    {4503599627370495, 12193974156573, 0},  // 0.69314718, -1.3914582e-16
    {4503599627370496, 12193974156573, 0},  // 0.69314718, 1.3914582e-16
    {6755399441055744, 5060956540215, 11865749170501},  // 0.28768207, 0.67448975
    {8998192055486251, 17600988006, 54363941650569},  // 0.0010005003, 3.0902323
    {9007199254740991, 0, 145880758793186},  // 5.5511151e-17, 8.2923611
};
// clang-format on

constexpr Fixed kTenBillionth = kFixedOne / 10'000'000'000;  // 1e-10

TEST_CASE("the logarithm is within 1e-13 of the exact one") {
  for (const Row& row : kExact) {
    CAPTURE(row.quantile);
    CHECK(std::abs(minus_log(row.quantile) - row.minus_log) <= 1);
  }
}

TEST_CASE("the inverse normal is within 1e-10 of the exact one, in the centre and in both tails") {
  for (const Row& row : kExact) {
    CAPTURE(row.quantile);
    CHECK(std::abs(inverse_normal(row.quantile) - row.normal) <= kTenBillionth);
  }
}

TEST_CASE("the inverse normal is odd and never falls, across its joints too") {
  for (const std::uint64_t joint :
       {std::uint64_t{0}, kQuantiles / 1000 * 75, std::uint64_t{125'087}}) {
    const std::uint64_t start = joint < 100 ? 0 : joint - 100;
    Fixed last = inverse_normal(start);
    for (std::uint64_t k = start; k < joint + 100; ++k) {
      const Fixed z = inverse_normal(k);
      CHECK(z >= last);
      CHECK(inverse_normal(kQuantiles - 1 - k) == -z);
      last = z;
    }
  }
}

TEST_CASE("the quantile of a normal deviate is within 1e-9 of its smaller tail") {
  struct Tail {
    Fixed z;
    std::uint64_t below;  // exact, rounded down
  };
  constexpr Tail kTails[] = {{-7 * kFixedOne, 11'527},
                             {-6 * kFixedOne, 8'886'391},
                             {-3 * kFixedOne, 12'158'800'544'474},
                             {-kFixedOne, 1'429'039'484'972'162},
                             {-kFixedOne / 2, 2'779'059'088'872'329}};
  for (const Tail& tail : kTails) {
    const auto error = static_cast<std::int64_t>(normal_quantile(tail.z) - tail.below);
    CHECK(static_cast<std::uint64_t>(std::abs(error)) <= tail.below / 1'000'000'000 + 1);
    CHECK(normal_quantile(-tail.z) == kQuantiles - 1 - normal_quantile(tail.z));
  }
  CHECK(normal_quantile(0) == kQuantiles / 2 - 1);
  CHECK(normal_quantile(1) == kQuantiles / 2 + 204);  // 2^-44 times the density at 0
}

TEST_CASE("beyond 7 a normal deviate counts as 7") {
  CHECK(normal_quantile(-8 * kFixedOne) == normal_quantile(-7 * kFixedOne));
  CHECK(normal_quantile(100'000 * kFixedOne) == normal_quantile(7 * kFixedOne));
}

TEST_CASE("a normal deviate and its quantile lead back to each other") {
  const Drawer drawer(1, "round trip", "*");
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t k = quantile(drawer.at(i, 0));
    const auto error = static_cast<std::int64_t>(normal_quantile(inverse_normal(k)) - k);
    const std::uint64_t tail = std::min(k, kQuantiles - k);
    CHECK(static_cast<std::uint64_t>(std::abs(error)) <= tail / 1'000'000'000 + 1);
  }
}

TEST_CASE("the exponential is exact to a part in 1e12 and rounds down") {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62;
  CHECK(times_exp(1'000'000, 0, kLimit) == 1'000'000);
  CHECK(times_exp(1'000'000, kFixedOne, kLimit) == 2'718'281);
  CHECK(times_exp(1'000'000, -kFixedOne, kLimit) == 367'879);
  CHECK(times_exp(1'000'000, kFixedOne / 2, kLimit) == 1'648'721);
  CHECK(times_exp(1'000'000'000'000'000, -8 * kFixedOne, kLimit) == 335'462'627'902);
  CHECK(times_exp(1, 30 * kFixedOne, kLimit) == 10'686'474'581'524);
  CHECK(times_exp(1'000'000'000, -20 * kFixedOne, kLimit) == 2);
  CHECK(times_exp(1'000'000'000, -21 * kFixedOne, kLimit) == 0);
}

TEST_CASE("the exponential stops at its limit and at 0, however large the power") {
  CHECK(times_exp(1, 40 * kFixedOne, 1000) == 1000);
  CHECK(times_exp(1, 500'000 * kFixedOne, 1000) == 1000);
  CHECK(times_exp(1000, -500'000 * kFixedOne, 1000) == 0);
  CHECK(times_exp(0, 500'000 * kFixedOne, 1000) == 0);
}

TEST_CASE("roots and products of fixed-point numbers are rounded down") {
  CHECK(square_root(0) == 0);
  CHECK(square_root(4 * kFixedOne) == 2 * kFixedOne);
  CHECK(square_root(2 * kFixedOne) == 24'879'108'095'803);
  CHECK(square_root(kFixedOne / 4) == kFixedOne / 2);
  CHECK(square_root((kFixedOne << 18) + 1) == kFixedOne << 9);
  CHECK(multiply(3 * kFixedOne, kFixedOne / 2) == 3 * kFixedOne / 2);
  CHECK(multiply(-1, kFixedOne / 2) == -1);
}

}  // namespace
}  // namespace faultlun::faults::fixed_point_test
