// Logarithm by squaring, exponential by Taylor's series, the normal distribution by the published
// rational approximations, all in 128-bit integers.
#include "faults/fixed_point.hpp"

#include "faults/draw.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace faultlun::faults {
namespace {

using Wide = __int128;
using UnsignedWide = unsigned __int128;

/// A published coefficient as Fixed.  Scaling by a power of two is exact and the rest is cut off,
/// at compile time: no rounding that a compiler could do otherwise.
consteval Fixed coefficient(double published) {
  return static_cast<Fixed>(published * static_cast<double>(kFixedOne));
}
static_assert(coefficient(0.425) == 7'476'679'068'876);
static_assert(coefficient(67265.770927008700853) == 1'183'351'956'569'006'080);

constexpr std::uint64_t kLog2OfE = 1'663'314'137'230'540'311;  // log2 e * 2^60
constexpr std::uint64_t kLogOf2 = 6'393'154'322'601'327'829;   // ln 2 * 2^63

/// The polynomial with these coefficients, highest power first.  Rounded towards minus infinity at
/// each step.
template <std::size_t n>
Wide polynomial(const Fixed (&coefficients)[n], Fixed x) {
  Wide sum = 0;
  for (const Fixed c : coefficients)
    sum = (sum * x >> kFractionBits) + c;
  return sum;
}

// clang-format off
// AS 241: numerators and denominators, |p - 1/2| <= 0.425; then r = sqrt(-ln p) up to 5 and beyond.
constexpr Fixed kCentreA[] = {
    coefficient(2509.0809287301226727), coefficient(33430.575583588128105), coefficient(67265.770927008700853),
    coefficient(45921.953931549871457), coefficient(13731.693765509461125), coefficient(1971.5909503065514427),
    coefficient(133.14166789178437745), coefficient(3.3871328727963666080)};
constexpr Fixed kCentreB[] = {
    coefficient(5226.4952788528545610), coefficient(28729.085735721942674), coefficient(39307.895800092710610),
    coefficient(21213.794301586595867), coefficient(5394.1960214247511077), coefficient(687.18700749205790830),
    coefficient(42.313330701600911252), coefficient(1.0)};
constexpr Fixed kTailC[] = {
    coefficient(7.74545014278341407640e-4), coefficient(2.27238449892691845833e-2),
    coefficient(2.41780725177450611770e-1), coefficient(1.27045825245236838258), coefficient(3.64784832476320460504),
    coefficient(5.76949722146069140550), coefficient(4.63033784615654529590), coefficient(1.42343711074968357734)};
constexpr Fixed kTailD[] = {
    coefficient(1.05075007164441684324e-9), coefficient(5.47593808499534494600e-4),
    coefficient(1.51986665636164571966e-2), coefficient(1.48103976427480074590e-1),
    coefficient(6.89767334985100004550e-1), coefficient(1.67638483018380384940), coefficient(2.05319162663775882187),
    coefficient(1.0)};
constexpr Fixed kFarE[] = {
    coefficient(2.01033439929228813265e-7), coefficient(2.71155556874348757815e-5),
    coefficient(1.24266094738807843860e-3), coefficient(2.65321895265761230930e-2),
    coefficient(2.96560571828504891230e-1), coefficient(1.78482653991729133580), coefficient(5.46378491116411436990),
    coefficient(6.65790464350110377720)};
constexpr Fixed kFarF[] = {
    coefficient(2.04426310338993978564e-15), coefficient(1.42151175831644588870e-7),
    coefficient(1.84631831751005468180e-5), coefficient(7.86869131145613259100e-4),
    coefficient(1.48753612908506148525e-2), coefficient(1.36929880922735805310e-1),
    coefficient(5.99832206555887937690e-1), coefficient(1.0)};
// Hart's 5666, as in West's article.
constexpr Fixed kHartP[] = {
    coefficient(3.52624965998911e-2), coefficient(0.700383064443688), coefficient(6.37396220353165),
    coefficient(33.912866078383), coefficient(112.079291497871), coefficient(221.213596169931),
    coefficient(220.206867912376)};
constexpr Fixed kHartQ[] = {
    coefficient(8.83883476483184e-2), coefficient(1.75566716318264), coefficient(16.064177579207),
    coefficient(86.7807322029461), coefficient(296.564248779674), coefficient(637.333633378831),
    coefficient(793.826512519948), coefficient(440.413735824752)};
// clang-format on

/// e^x = mantissa * 2^(exponent - 62), mantissa in [2^62, 2^63).
struct PowerOfE {
  std::uint64_t mantissa;
  std::int64_t exponent;
};

PowerOfE exponential(Fixed x) {
  constexpr int kBits = 62;
  const Wide power = static_cast<Wide>(x) * kLog2OfE >> (kFractionBits + 60 - kBits);
  const auto exponent = static_cast<std::int64_t>(power >> kBits);
  const auto fraction = static_cast<std::uint64_t>(power - (static_cast<Wide>(exponent) << kBits));
  const UnsignedWide y = static_cast<UnsignedWide>(fraction) * kLogOf2 >> 63;
  constexpr UnsignedWide kOne = UnsignedWide{1} << kBits;
  UnsignedWide sum = kOne;  // 1 + y (1 + y/2 (1 + y/3 (..))), y <= ln 2: 21 terms for 62 bits
  for (unsigned n = 21; n > 0; --n)
    sum = kOne + (y * sum >> kBits) / n;
  sum = std::min(sum, 2 * kOne - 1);
  return {static_cast<std::uint64_t>(sum), exponent};
}

/// |z| for |p - 1/2| = offset / 2^54, offset <= 0.425 * 2^54.
Fixed inverse_normal_centre(std::uint64_t offset) {
  const auto square = static_cast<Fixed>(static_cast<UnsignedWide>(offset) * offset >> 64);
  const Fixed r = coefficient(0.180625) - square;
  const Wide z = static_cast<Wide>(offset) * polynomial(kCentreA, r) / polynomial(kCentreB, r);
  return static_cast<Fixed>(z >> (54 - kFractionBits));
}

Fixed quotient(Wide numerator, Wide denominator) {
  return static_cast<Fixed>((numerator << kFractionBits) / denominator);
}

}  // namespace

Fixed multiply(Fixed a, Fixed b) {
  return static_cast<Fixed>(static_cast<Wide>(a) * b >> kFractionBits);
}

Fixed square_root(Fixed x) {
  const UnsignedWide square = static_cast<UnsignedWide>(x) << kFractionBits;
  UnsignedWide root = 0;
  for (UnsignedWide bit = UnsignedWide{1} << 53; bit != 0; bit >>= 1) {
    const UnsignedWide trial = root | bit;
    if (trial * trial <= square) root = trial;
  }
  return static_cast<Fixed>(root);
}

Fixed minus_log(std::uint64_t quantile) {
  constexpr int kLogBits = 52;
  const std::uint64_t p = 2 * quantile + 1;  // times 2^-54
  const auto exponent = static_cast<int>(std::bit_width(p)) - 1;
  std::uint64_t mantissa = p << (63 - exponent);  // in [1, 2), 63 fraction bits
  std::uint64_t log2 = static_cast<std::uint64_t>(exponent);
  for (int bit = 0; bit < kLogBits; ++bit) {  // squaring the mantissa doubles its logarithm
    const UnsignedWide square = static_cast<UnsignedWide>(mantissa) * mantissa >> 63;
    const bool two = (square >> 64) != 0;
    mantissa = static_cast<std::uint64_t>(two ? square >> 1 : square);
    log2 = log2 << 1 | (two ? 1 : 0);
  }
  const std::uint64_t minus_log2 = (std::uint64_t{54} << kLogBits) - log2;
  const UnsignedWide product = static_cast<UnsignedWide>(minus_log2) * kLogOf2;
  return static_cast<Fixed>(product >> (kLogBits + 63 - kFractionBits));
}

Fixed inverse_normal(std::uint64_t quantile) {
  const bool above = quantile >= kQuantiles / 2;
  const std::uint64_t tail = above ? kQuantiles - 1 - quantile : quantile;
  const std::uint64_t offset = kQuantiles - (2 * tail + 1);  // times 2^-54
  Fixed z;
  if (offset <= static_cast<std::uint64_t>(coefficient(0.425)) << (54 - kFractionBits)) {
    z = inverse_normal_centre(offset);
  } else {
    const Fixed r = square_root(minus_log(tail));
    const Fixed near = std::max<Fixed>(r - coefficient(1.6), 0);
    const Fixed far = r - coefficient(5.0);
    z = far <= 0 ? quotient(polynomial(kTailC, near), polynomial(kTailD, near))
                 : quotient(polynomial(kFarE, far), polynomial(kFarF, far));
  }
  return above ? z : -z;
}

std::uint64_t normal_quantile(Fixed z) {
  const Fixed x = std::min(z < 0 ? -z : z, 7 * kFixedOne);
  const PowerOfE bell = exponential(-(multiply(x, x) / 2));
  const auto product =
      static_cast<UnsignedWide>(bell.mantissa) * static_cast<UnsignedWide>(polynomial(kHartP, x));
  const UnsignedWide tail = product / static_cast<UnsignedWide>(polynomial(kHartQ, x));
  const auto shift = static_cast<int>(62 - kQuantileBits - bell.exponent);
  const std::uint64_t below = std::min(static_cast<std::uint64_t>(tail >> shift), kQuantiles / 2);
  return z <= 0 ? std::min(below, kQuantiles / 2 - 1) : kQuantiles - 1 - below;
}

std::uint64_t times_exp(std::uint64_t value, Fixed x, std::uint64_t limit) {
  if (value == 0) return 0;
  const PowerOfE factor = exponential(x);
  if (factor.exponent > 62) return limit;
  const std::int64_t shift = 62 - factor.exponent;
  if (shift >= 128) return 0;
  const UnsignedWide product = static_cast<UnsignedWide>(value) * factor.mantissa >> shift;
  return static_cast<std::uint64_t>(std::min<UnsignedWide>(product, limit));
}

}  // namespace faultlun::faults
