// Inverse distribution functions and the checks of their parameters.
#include "faults/distribution.hpp"

#include "faults/draw.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

namespace faultlun::faults {
namespace {

using std::chrono::nanoseconds;
using Wide = __int128;

constexpr Ratio kMaxSigma{8, 1};
constexpr Ratio kMinParetoShape{1, 100};
constexpr Ratio kMaxParetoShape{1000, 1};
constexpr nanoseconds kMaxQuantum = std::chrono::hours(1);
constexpr std::uint64_t kLimit = kMaxDelay.count();

/// x * ratio.  The ratios here are small enough for every x.
Fixed times(Fixed x, const Ratio& ratio) {
  return static_cast<Fixed>(static_cast<Wide>(x) * ratio.numerator /
                            static_cast<Wide>(ratio.denominator));
}

nanoseconds times(nanoseconds duration, Fixed factor) {
  const Wide product = static_cast<Wide>(duration.count()) * factor >> kFractionBits;
  constexpr Wide kBound = 4 * static_cast<Wide>(kLimit);
  return nanoseconds(static_cast<std::int64_t>(std::clamp(product, -kBound, kBound)));
}

nanoseconds times_power(nanoseconds duration, Fixed power) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  return nanoseconds(static_cast<std::int64_t>(times_exp(count, power, kLimit)));
}

/// 1 - p for p.
std::uint64_t upper(std::uint64_t quantile) {
  return kQuantiles - 1 - quantile;
}

nanoseconds value(const Constant& c, std::uint64_t, std::uint64_t) {
  return c.value;
}

nanoseconds value(const Uniform& u, std::uint64_t quantile, std::uint64_t) {
  const auto width = static_cast<std::uint64_t>((u.max - u.min).count());
  return u.min + nanoseconds(static_cast<std::int64_t>(uniform_up_to(quantile, width)));
}

nanoseconds value(const Normal& n, std::uint64_t quantile, std::uint64_t) {
  return std::max(n.min, n.mean + times(n.sd, inverse_normal(quantile)));
}

nanoseconds value(const Lognormal& l, std::uint64_t quantile, std::uint64_t) {
  return times_power(l.median, times(inverse_normal(quantile), l.sigma));
}

nanoseconds value(const Exponential& e, std::uint64_t quantile, std::uint64_t) {
  return e.min + times(e.mean - e.min, minus_log(upper(quantile)));
}

nanoseconds value(const Pareto& p, std::uint64_t quantile, std::uint64_t) {
  const Ratio inverse{p.shape.denominator, p.shape.numerator};
  return std::min(p.cap, times_power(p.scale, times(minus_log(upper(quantile)), inverse)));
}

nanoseconds value(const Bimodal& b, std::uint64_t quantile, std::uint64_t) {
  const bool slow_is_above = b.slow >= b.fast;
  return b.p_slow.covers(slow_is_above ? upper(quantile) : quantile) ? b.slow : b.fast;
}

nanoseconds value(const Empirical& e, std::uint64_t quantile, std::uint64_t) {
  const auto beyond = [](std::uint64_t k, const Percentile& point) {
    return static_cast<Wide>(k) * kBillion < static_cast<Wide>(point.parts_per_billion)
                                                 << kQuantileBits;
  };
  const auto above = std::upper_bound(e.points.begin(), e.points.end(), quantile, beyond);
  if (above == e.points.begin()) return above->value;
  const auto below = above - 1;
  if (above == e.points.end()) return below->value;
  const Wide into = static_cast<Wide>(quantile) * kBillion -
                    (static_cast<Wide>(below->parts_per_billion) << kQuantileBits);
  const Wide width = static_cast<Wide>(above->parts_per_billion - below->parts_per_billion)
                     << kQuantileBits;
  // into < width < 2^83: the fraction first, in 53 bits, so that the product fits.
  const Wide fraction = (into << 43) / (width >> 10);
  const Wide rise = (above->value - below->value).count() * fraction >> kQuantileBits;
  return below->value + nanoseconds(static_cast<std::int64_t>(rise));
}

nanoseconds value(const Trace& t, std::uint64_t, std::uint64_t index) {
  if (!t.loop && index >= t.values.size()) return nanoseconds(0);
  return t.values[static_cast<std::size_t>(index % t.values.size())];
}

nanoseconds round_to(nanoseconds delay, nanoseconds quantum) {
  if (quantum.count() == 0) return delay;
  return (delay + quantum / 2) / quantum * quantum;
}

void require_order(Complaints& complaints, std::string_view low_name, nanoseconds low,
                   std::string_view high_name, nanoseconds high) {
  if (low <= high) return;
  complaints.push_back({std::string(low_name),
                        "is " + duration_text(low) + ", above " + std::string(high_name) + " of " +
                            duration_text(high) + ": lower it or raise " + std::string(high_name)});
}

bool require_size(Complaints& complaints, std::string_view field, std::size_t size,
                  std::size_t max) {
  if (size >= 1 && size <= max) return true;
  complaints.push_back({std::string(field), "has " + std::to_string(size) + " entries: give 1 to " +
                                                std::to_string(max)});
  return false;
}

std::string entry(std::string_view list, std::size_t at, std::string_view field) {
  return std::string(list) + "[" + std::to_string(at) + "]" + std::string(field);
}

void check_shape(Complaints& complaints, const Constant& c) {
  require_range(complaints, "value", c.value);
}

void check_shape(Complaints& complaints, const Uniform& u) {
  require_range(complaints, "min", u.min);
  require_range(complaints, "max", u.max);
  require_order(complaints, "min", u.min, "max", u.max);
}

void check_shape(Complaints& complaints, const Normal& n) {
  require_range(complaints, "mean", n.mean);
  require_range(complaints, "sd", n.sd);
  require_range(complaints, "min", n.min);
}

void check_shape(Complaints& complaints, const Lognormal& l) {
  require_range(complaints, "median", l.median);
  require_range(complaints, "sigma", l.sigma, {0, 1}, kMaxSigma);
}

void check_shape(Complaints& complaints, const Exponential& e) {
  require_range(complaints, "min", e.min);
  require_range(complaints, "mean", e.mean);
  require_order(complaints, "min", e.min, "mean", e.mean);
}

void check_shape(Complaints& complaints, const Pareto& p) {
  require_range(complaints, "scale", p.scale);
  require_range(complaints, "shape", p.shape, kMinParetoShape, kMaxParetoShape);
  require_range(complaints, "cap", p.cap);
  require_order(complaints, "scale", p.scale, "cap", p.cap);
}

void check_shape(Complaints& complaints, const Bimodal& b) {
  require_probability(complaints, "p_slow", b.p_slow);
  require_range(complaints, "fast", b.fast);
  require_range(complaints, "slow", b.slow);
}

void check_shape(Complaints& complaints, const Empirical& e) {
  if (!require_size(complaints, "points", e.points.size(), kMaxPercentiles)) return;
  for (std::size_t i = 0; i < e.points.size(); ++i) {
    const Percentile& point = e.points[i];
    require_range(complaints, entry("points", i, ".value"), point.value);
    if (point.parts_per_billion > kBillion) {
      complaints.push_back({entry("points", i, ".percent"), "is above 100: give 0 to 100"});
    }
    if (i == 0) continue;
    const Percentile& last = e.points[i - 1];
    if (point.parts_per_billion <= last.parts_per_billion) {
      complaints.push_back({entry("points", i, ".percent"),
                            "is not above the one before: list the points by rising percent"});
    }
    if (point.value < last.value) {
      complaints.push_back({entry("points", i, ".value"),
                            "is below the one before: a higher percentile is no shorter delay"});
    }
  }
}

void check_shape(Complaints& complaints, const Trace& t) {
  if (!require_size(complaints, "values", t.values.size(), kMaxTraceValues)) return;
  for (std::size_t i = 0; i < t.values.size(); ++i) {
    require_range(complaints, entry("values", i, ""), t.values[i]);
  }
}

std::uint64_t quantile_of_score(const Ratio& correlation, std::optional<Fixed>& score,
                                std::uint64_t quantile) {
  const Fixed fresh = inverse_normal(quantile);
  if (score) {
    const Fixed r = times(kFixedOne, correlation);
    score = multiply(r, *score) + multiply(square_root(kFixedOne - multiply(r, r)), fresh);
  } else {
    score = fresh;
  }
  return normal_quantile(*score);
}

}  // namespace

Complaints check(const Distribution& distribution) {
  Complaints complaints;
  std::visit([&](const auto& shape) { check_shape(complaints, shape); }, distribution.shape);
  const Ratio& correlation = distribution.correlation;
  require_probability(complaints, "correlation", correlation);
  if (correlation.denominator != 0 && compare(correlation, {1, 1}) == 0) {
    complaints.push_back(
        {"correlation", "is 1, so that all delays are the first: give less, or use const"});
  }
  if (correlation.numerator != 0 && std::holds_alternative<Trace>(distribution.shape)) {
    complaints.push_back({"correlation",
                          "means nothing to a trace, which has no chance in it: "
                          "leave it out"});
  }
  require_range(complaints, "quantize", distribution.quantize, nanoseconds(0), kMaxQuantum);
  return complaints;
}

Sample sample(const Distribution& distribution, const DistributionState& state, std::uint64_t draw,
              std::uint64_t index) {
  Sample result{.delay = nanoseconds(0), .state = state};
  std::uint64_t k = quantile(draw);
  if (distribution.correlation.numerator != 0) {
    k = quantile_of_score(distribution.correlation, result.state.score, k);
  }
  const nanoseconds exact =
      std::visit([&](const auto& shape) { return value(shape, k, index); }, distribution.shape);
  const nanoseconds bounded = std::clamp(exact, nanoseconds(0), kMaxDelay);
  result.delay = std::min(round_to(bounded, distribution.quantize), kMaxDelay);
  return result;
}

}  // namespace faultlun::faults
