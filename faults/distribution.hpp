// How long a delay is: a distribution turned into nanoseconds by one draw.  fault-landscape 8.7.
// Every sample is the inverse of the distribution function at the draw's quantile: one draw, one
// sample, and a larger quantile never means a shorter delay.  Integers only
// (faults/fixed_point.hpp), so the same draw is the same delay on every machine.
#pragma once

#include "faults/complaint.hpp"
#include "faults/fixed_point.hpp"
#include "faults/ratio.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::faults {

inline constexpr std::size_t kMaxPercentiles = 1024;
inline constexpr std::size_t kMaxTraceValues = 65'536;
inline constexpr std::uint32_t kBillion = 1'000'000'000;

/// Always `value`.
struct Constant {
  std::chrono::nanoseconds value{0};
  friend bool operator==(const Constant&, const Constant&) = default;
};

/// Every nanosecond from `min` to `max`, both included.
struct Uniform {
  std::chrono::nanoseconds min{0};
  std::chrono::nanoseconds max{0};
  friend bool operator==(const Uniform&, const Uniform&) = default;
};

/// Gaussian; what would be less than `min` is `min`.
struct Normal {
  std::chrono::nanoseconds mean{0};
  std::chrono::nanoseconds sd{0};
  std::chrono::nanoseconds min{0};
  friend bool operator==(const Normal&, const Normal&) = default;
};

/// median * e^(sigma * z).
struct Lognormal {
  std::chrono::nanoseconds median{0};
  Ratio sigma;  ///< 0 to 8
  friend bool operator==(const Lognormal&, const Lognormal&) = default;
};

/// `min` and an exponential time beyond it; `mean` is the mean of the whole.
struct Exponential {
  std::chrono::nanoseconds min{0};
  std::chrono::nanoseconds mean{0};
  friend bool operator==(const Exponential&, const Exponential&) = default;
};

/// At least `scale`; longer than x with probability (scale / x)^shape; cut off at `cap`.
struct Pareto {
  std::chrono::nanoseconds scale{0};
  Ratio shape{1, 1};  ///< 0.01 to 1000
  std::chrono::nanoseconds cap = kMaxDelay;
  friend bool operator==(const Pareto&, const Pareto&) = default;
};

/// `slow` with probability `p_slow`, else `fast`.
struct Bimodal {
  Ratio p_slow;
  std::chrono::nanoseconds fast{0};
  std::chrono::nanoseconds slow{0};
  friend bool operator==(const Bimodal&, const Bimodal&) = default;
};

/// One line of a percentile table: this part of all delays is no longer than `value`.
struct Percentile {
  std::uint32_t parts_per_billion = 0;  ///< 99.9 % is 999,000,000
  std::chrono::nanoseconds value{0};
  friend bool operator==(const Percentile&, const Percentile&) = default;
};

/// A percentile table, straight lines between its points; the first value holds below the first
/// point, the last above the last.
struct Empirical {
  std::vector<Percentile> points;  ///< 1 to kMaxPercentiles, parts rising, values not falling
  friend bool operator==(const Empirical&, const Empirical&) = default;
};

/// The `index`-th value of a recording; after the last the first again, or else no delay.
struct Trace {
  std::vector<std::chrono::nanoseconds> values;  ///< 1 to kMaxTraceValues
  bool loop = true;
  friend bool operator==(const Trace&, const Trace&) = default;
};

using Shape = std::variant<Constant, Uniform, Normal, Lognormal, Exponential, Pareto, Bimodal,
                           Empirical, Trace>;

/// The value of "dist" for each Shape, in the variant's order.
inline constexpr std::array<std::string_view, 9> kShapeNames = {
    "const",  "uniform", "normal",    "lognormal", "exponential",
    "pareto", "bimodal", "empirical", "trace"};
static_assert(kShapeNames.size() == std::variant_size_v<Shape>);

struct Distribution {
  Shape shape;
  /// Of each normal score with the one before: 0 (independent) to below 1.  0 for a trace.
  Ratio correlation;
  /// Delays are rounded to the nearest multiple, halves up; 0: they are not.
  std::chrono::nanoseconds quantize{0};
  friend bool operator==(const Distribution&, const Distribution&) = default;
};

/// The normal score of the last sample; only a correlated distribution has one.
struct DistributionState {
  std::optional<Fixed> score;
  friend bool operator==(const DistributionState&, const DistributionState&) = default;
};

struct Sample {
  std::chrono::nanoseconds delay{0};  ///< 0 to kMaxDelay
  DistributionState state;            ///< for the next sample
};

/// Everything that is wrong with the parameters.  sample() is for distributions without complaint.
Complaints check(const Distribution& distribution);

/// The delay of `draw`.  `index` is the draw's index; only a trace looks at it.
/// With correlation r the score of this sample is r * the last + sqrt(1 - r^2) * the draw's: an
/// AR(1) process whose every member has the asked distribution (up to scores of 7).
Sample sample(const Distribution& distribution, const DistributionState& state, std::uint64_t draw,
              std::uint64_t index);

}  // namespace faultlun::faults
