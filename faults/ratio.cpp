// Fractions of 64-bit numbers: comparing in 128 bits, reading and printing.
#include "faults/ratio.hpp"

#include "faults/draw.hpp"

#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace faultlun::faults {
namespace {

using Product = unsigned __int128;

constexpr int kMaxPlaces = 19;  // 10^19 is the last power of ten in 64 bits
constexpr Product kMax64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view kHowTo = R"(: write "0.25", "1e-8" or "1/3")";

ParsedRatio refuse(std::string_view text, std::string_view reason) {
  return {std::nullopt, "\"" + std::string(text.substr(0, 60)) + "\" " + std::string(reason) +
                            std::string(kHowTo)};
}

ParsedRatio lowest_terms(std::uint64_t numerator, std::uint64_t denominator) {
  const std::uint64_t divisor = std::gcd(numerator, denominator);
  return {Ratio{numerator / divisor, denominator / divisor}, {}};
}

/// All of `text` as a decimal integer.
template <typename Integer>
std::errc read(std::string_view text, Integer& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return error;
  return end == text.data() + text.size() ? std::errc() : std::errc::invalid_argument;
}

ParsedRatio parse_fraction(std::string_view text, std::size_t slash) {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 0;
  for (const auto& [part, value] : {std::pair(text.substr(0, slash), &numerator),
                                    std::pair(text.substr(slash + 1), &denominator)}) {
    const std::errc error = read(part, *value);
    if (error == std::errc::result_out_of_range) return refuse(text, "does not fit 64 bits");
    if (error != std::errc()) return refuse(text, "is no fraction of two whole numbers");
  }
  if (denominator == 0) return refuse(text, "divides by 0");
  return lowest_terms(numerator, denominator);
}

/// The digits of "12.5" as 125 with -1 added to `exponent`; false unless it is a decimal number.
bool read_digits(std::string_view text, Product& digits, int& exponent, bool& fits) {
  bool point = false;
  bool any = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return false;
    any = true;
    digits = digits * 10 + static_cast<unsigned>(c - '0');
    if (digits > kMax64) fits = false;
    if (!fits) digits = 0;  // go on looking for what is no digit
    if (point) --exponent;
  }
  return any;
}

ParsedRatio parse_decimal(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+') && power.size() > 1 && power[1] != '-') power.remove_prefix(1);
    const std::errc error = read(power, exponent);
    if (error == std::errc::invalid_argument) return refuse(text, "is no number");
    if (error != std::errc() || exponent < -1000 || exponent > 1000) {
      return refuse(text, "has an exponent beyond all use");
    }
  }
  std::string_view mantissa = text.substr(0, e);
  if (mantissa.find('.') != std::string_view::npos) {  // zeros at the end say nothing
    while (mantissa.size() > 2 && mantissa.ends_with('0'))
      mantissa.remove_suffix(1);
  }
  Product digits = 0;
  bool fits = true;
  if (!read_digits(mantissa, digits, exponent, fits)) {
    return refuse(text, text.starts_with('-') ? "is negative" : "is no number");
  }
  if (!fits) return refuse(text, "has more digits than fit 64 bits");
  while (exponent < 0 && digits % 10 == 0 && digits != 0) {  // 10e-20 is 1e-19
    digits /= 10;
    ++exponent;
  }
  if (digits == 0) return {Ratio{0, 1}, {}};
  if (exponent < -kMaxPlaces) return refuse(text, "has more than 19 places");
  Product denominator = 1;
  for (; exponent < 0; ++exponent)
    denominator *= 10;
  for (; exponent > 0 && digits <= kMax64; --exponent)
    digits *= 10;
  if (digits > kMax64) return refuse(text, "does not fit 64 bits");
  return lowest_terms(static_cast<std::uint64_t>(digits), static_cast<std::uint64_t>(denominator));
}

}  // namespace

bool Ratio::covers(std::uint64_t quantile) const {
  return static_cast<Product>(quantile) * denominator < static_cast<Product>(numerator)
                                                            << kQuantileBits;
}

bool Ratio::fires(std::uint64_t draw) const {
  return covers(quantile(draw));
}

int compare(const Ratio& a, const Ratio& b) {
  const Product left = static_cast<Product>(a.numerator) * b.denominator;
  const Product right = static_cast<Product>(b.numerator) * a.denominator;
  return (left > right) - (left < right);
}

ParsedRatio parse_ratio(std::string_view text) {
  if (text.size() > 100) return refuse(text, "is longer than any number needs to be");
  const std::size_t slash = text.find('/');
  return slash == std::string_view::npos ? parse_decimal(text) : parse_fraction(text, slash);
}

std::string ratio_text(const Ratio& ratio) {
  const std::uint64_t divisor = std::gcd(ratio.numerator, ratio.denominator);
  const std::uint64_t numerator = ratio.numerator / divisor;
  const std::uint64_t denominator = ratio.denominator / divisor;
  std::string text = std::to_string(numerator / denominator);
  if (denominator == 1) return text;
  text += '.';
  Product rest = numerator % denominator;
  for (int place = 0; place < kMaxPlaces && rest != 0; ++place) {
    rest *= 10;
    text += static_cast<char>('0' + static_cast<int>(rest / denominator));
    rest %= denominator;
  }
  if (rest == 0 && parse_ratio(text).ratio) return text;
  return std::to_string(numerator) + "/" + std::to_string(denominator);
}

void require_range(Complaints& complaints, std::string_view field, const Ratio& value,
                   const Ratio& min, const Ratio& max) {
  if (value.denominator == 0) {
    complaints.push_back({std::string(field), "divides by 0: give a denominator of 1 or more"});
    return;
  }
  if (compare(value, min) >= 0 && compare(value, max) <= 0) return;
  complaints.push_back({std::string(field), "is " + ratio_text(value) + ": give a number from " +
                                                ratio_text(min) + " to " + ratio_text(max)});
}

void require_probability(Complaints& complaints, std::string_view field, const Ratio& value) {
  require_range(complaints, field, value, {0, 1}, {1, 1});
}

}  // namespace faultlun::faults
