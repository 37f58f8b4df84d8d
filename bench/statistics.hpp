// Figures out of many measurements: percentiles, and a median with the interval in which another
// run would find it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace faultlun::bench {

/// `permille` of the values are at most this; 1000: the largest.  `values` is sorted on the way.
template <typename Number>
Number percentile(std::vector<Number>& values, std::size_t permille) {
  std::ranges::sort(values);
  const auto rank = (values.size() * permille + 999) / 1000;
  return values[rank == 0 ? 0 : rank - 1];
}

template <typename Number>
Number median(std::vector<Number> values) {
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Estimate {
  double value = 0, low = 0, high = 0;  ///< median; 95 % interval by bootstrap
};

inline Estimate estimate(const std::vector<double>& values) {
  constexpr int kDraws = 2000;
  std::mt19937 random(1);
  std::vector<double> medians;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<double> drawn;
    for (std::size_t k = 0; k < values.size(); ++k)
      drawn.push_back(values[random() % values.size()]);
    medians.push_back(median(std::move(drawn)));
  }
  return {median(values), percentile(medians, 25), percentile(medians, 975)};
}

}  // namespace faultlun::bench
