#include "faults/ratio.hpp"

#include "faults/draw.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace faultlun::faults::ratio_test {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

/// The smallest draw of a quantile.
std::uint64_t draw_of(std::uint64_t quantile) {
  return quantile << 11;
}

TEST_CASE("0 never fires, 1 always does") {
  for (const std::uint64_t draw : {std::uint64_t{0}, std::uint64_t{1} << 63, kMax}) {
    CHECK_FALSE(Ratio{0, 1}.fires(draw));
    CHECK(Ratio{1, 1}.fires(draw));
    CHECK(Ratio{kMax, kMax}.fires(draw));
  }
}

TEST_CASE("a ratio fires below itself and not at itself, to the last bit") {
  CHECK(Ratio{1, 4}.fires(draw_of(kQuantiles / 4) - 1));
  CHECK_FALSE(Ratio{1, 4}.fires(draw_of(kQuantiles / 4)));
  const std::uint64_t third = kQuantiles / 3;  // rounded down: below 1/3
  CHECK(Ratio{1, 3}.fires(draw_of(third)));
  CHECK_FALSE(Ratio{1, 3}.fires(draw_of(third + 1)));
  CHECK(Ratio{1, kMax}.fires(0));  // u = 0 is below every p but 0
  CHECK_FALSE(Ratio{1, kMax}.fires(draw_of(1)));
  CHECK(Ratio{kMax - 1, kMax}.fires(kMax));
}

TEST_CASE("decimals, exponents and fractions are read exactly and in lowest terms") {
  const auto value = [](std::string_view text) { return parse_ratio(text).ratio.value(); };
  CHECK(value("0.25") == Ratio{1, 4});
  CHECK(value(".5") == Ratio{1, 2});
  CHECK(value("1") == Ratio{1, 1});
  CHECK(value("0") == Ratio{0, 1});
  CHECK(value("0.000") == Ratio{0, 1});
  CHECK(value("1e-8") == Ratio{1, 100'000'000});
  CHECK(value("2.5E-3") == Ratio{1, 400});
  CHECK(value("1.5e+2") == Ratio{150, 1});
  CHECK(value("1/3") == Ratio{1, 3});
  CHECK(value("4/6") == Ratio{2, 3});
  CHECK(value("0/7") == Ratio{0, 1});
  CHECK(value("0.0000000000000000001") == Ratio{1, 10'000'000'000'000'000'000U});
  CHECK(value("18446744073709551615") == Ratio{kMax, 1});
  CHECK(value("0.2500000000000000000000") == Ratio{1, 4});
}

TEST_CASE("what is no ratio is refused with reason and remedy") {
  const auto problem = [](std::string_view text) {
    const ParsedRatio parsed = parse_ratio(text);
    CHECK_FALSE(parsed.ratio.has_value());
    return parsed.problem;
  };
  CHECK(problem("") == R"("" is no number: write "0.25", "1e-8" or "1/3")");
  CHECK(problem(".") == R"("." is no number: write "0.25", "1e-8" or "1/3")");
  CHECK(problem("-0.1") == R"("-0.1" is negative: write "0.25", "1e-8" or "1/3")");
  CHECK(problem("1/0") == R"("1/0" divides by 0: write "0.25", "1e-8" or "1/3")");
  CHECK(problem("1/2/3").find("is no fraction of two whole numbers") != std::string::npos);
  CHECK(problem("1/").find("is no fraction") != std::string::npos);
  CHECK(problem("0.5/2").find("is no fraction") != std::string::npos);
  CHECK(problem("18446744073709551616/1").find("does not fit 64 bits") != std::string::npos);
  CHECK(problem("18446744073709551616").find("more digits than fit") != std::string::npos);
  CHECK(problem("1e20").find("does not fit 64 bits") != std::string::npos);
  CHECK(problem("1e-20").find("more than 19 places") != std::string::npos);
  CHECK(problem("1e99999").find("an exponent beyond all use") != std::string::npos);
  CHECK(problem("1e99999999999").find("an exponent beyond all use") != std::string::npos);
  for (const char* text : {"abc", "1.2.3", "0x1", "1e", "1e+", "1e+-3", " 1", "1 ", "10%", "nan"}) {
    CHECK(problem(text).find("is no number") != std::string::npos);
  }
  CHECK(problem(std::string(101, '1')).find("is longer than any") != std::string::npos);
}

TEST_CASE("a ratio is printed as the decimal it is, or as a fraction, and read back equal") {
  const auto trip = [](Ratio ratio) {
    const std::string text = ratio_text(ratio);
    CHECK(parse_ratio(text).ratio == ratio);
    return text;
  };
  CHECK(trip({1, 4}) == "0.25");
  CHECK(trip({0, 1}) == "0");
  CHECK(trip({3, 2}) == "1.5");
  CHECK(trip({1, 3}) == "1/3");
  CHECK(trip({1, 100'000'000}) == "0.00000001");
  CHECK(trip({1, 10'000'000'000'000'000'000U}) == "0.0000000000000000001");
  CHECK(trip({1, std::uint64_t{1} << 63}) == "1/9223372036854775808");
  CHECK(trip({kMax, 1}) == "18446744073709551615");
  CHECK(trip({kMax, 2}) == "18446744073709551615/2");  // 9223372036854775807.5 has too many digits
  CHECK(ratio_text({2, 8}) == "0.25");
}

TEST_CASE("ratios compare by value, without overflow") {
  CHECK(compare({1, 2}, {2, 4}) == 0);
  CHECK(compare({1, 3}, {1, 2}) == -1);
  CHECK(compare({kMax, 1}, {kMax - 1, 1}) == 1);
  CHECK(compare({1, kMax}, {1, kMax - 1}) == -1);
}

TEST_CASE("a probability is within 0 and 1") {
  Complaints complaints;
  require_probability(complaints, "p", {0, 1});
  require_probability(complaints, "p", {1, 1});
  CHECK(complaints.empty());
  require_probability(complaints, "p", {3, 2});
  require_probability(complaints, "q", {1, 0});
  REQUIRE(complaints.size() == 2);
  CHECK(complaints[0] == Complaint{"p", "is 1.5: give a number from 0 to 1"});
  CHECK(complaints[1] == Complaint{"q", "divides by 0: give a denominator of 1 or more"});
}

}  // namespace
}  // namespace faultlun::faults::ratio_test
