// Distributions of durations.
#pragma once

#include "faults/complaint.hpp"
#include "faults/ratio.hpp"

#include <chrono>
#include <cstdint>

namespace faultlun::faults {

struct Distribution {
  std::chrono::nanoseconds value{};
  friend bool operator==(const Distribution&, const Distribution&) = default;
};

inline std::chrono::nanoseconds sample(const Distribution& distribution, std::uint64_t,
                                       std::uint64_t) {
  return distribution.value;
}

}  // namespace faultlun::faults
