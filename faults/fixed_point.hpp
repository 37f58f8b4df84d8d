// The few transcendental functions the distributions need, in integers only: the same bits with
// every compiler, C library and 64-bit processor.  libm rounds as it likes in the last place, and a
// compiler may fuse a * b + c of doubles; an integer does neither.
// Errors stated are largest absolute ones, measured by tests/unit/faults/fixed_point_test.cpp.
#pragma once

#include <cstdint>

namespace faultlun::faults {

/// A number with 44 fraction bits: |x| < 2^19, steps of 5.7e-14.
using Fixed = std::int64_t;
inline constexpr int kFractionBits = 44;
inline constexpr Fixed kFixedOne = Fixed{1} << kFractionBits;

/// Rounded towards minus infinity.  The caller keeps |a * b| below 2^19.
Fixed multiply(Fixed a, Fixed b);

/// The root of x >= 0, rounded down.
Fixed square_root(Fixed x);

// A quantile k in 0 .. 2^53 - 1 (faults/draw.hpp) stands for p = (k + 1/2) / 2^53: neither 0 nor 1,
// and as fine near 1 as near 0.

/// -ln p, 0 to 37.5.  Error below 1e-13.
Fixed minus_log(std::uint64_t quantile);

/// The z below which a normal deviate lies with probability p, -8.3 to 8.3.  Error below 1e-10.
/// Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), PPND16.  Odd about p = 1/2.
Fixed inverse_normal(std::uint64_t quantile);

/// The quantile of z; beyond +-7 (1.3e-12 of all) that of +-7.  Error of the smaller tail, of
/// itself, below 1e-9.  Hart's approximation as given by West, "Better approximations to cumulative
/// normal functions", Wilmott (2005).
std::uint64_t normal_quantile(Fixed z);

/// value * e^x, rounded down, at most `limit`.  value < 2^56.  Error below 1e-12 of the result for
/// |x| <= 64.
std::uint64_t times_exp(std::uint64_t value, Fixed x, std::uint64_t limit);

}  // namespace faultlun::faults
