// Probabilities and factors as exact fractions: no floating point, so u < p has one answer on every
// machine.
#pragma once

#include "faults/complaint.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::faults {

struct Ratio {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;  ///< not 0

  /// u < p, exactly, for the draw's u (faults/draw.hpp).
  bool fires(std::uint64_t draw) const;
  /// The same for a quantile, 0 .. 2^53 - 1.
  bool covers(std::uint64_t quantile) const;

  /// As written: 1/2 and 2/4 differ.  parse_ratio() gives lowest terms.
  friend bool operator==(const Ratio&, const Ratio&) = default;
};

/// Compares the values: negative, zero or positive as a < b, a == b, a > b.
int compare(const Ratio& a, const Ratio& b);

struct ParsedRatio {
  std::optional<Ratio> ratio;
  std::string problem;  ///< reason and remedy when there is no ratio
};

/// Exact value of "0.25", "1e-8", "3" or "1/3", in lowest terms.  Numerator and denominator must
/// fit 64 bits.
ParsedRatio parse_ratio(std::string_view text);

/// A decimal where there is a finite one of at most 19 places, else a fraction: "0.25", "1/3".
/// parse_ratio() reads it back equal, in lowest terms.
std::string ratio_text(const Ratio& ratio);

/// Complains unless `min` <= `value` <= `max`.
void require_range(Complaints& complaints, std::string_view field, const Ratio& value,
                   const Ratio& min, const Ratio& max);
/// 0 to 1.
void require_probability(Complaints& complaints, std::string_view field, const Ratio& value);

}  // namespace faultlun::faults
