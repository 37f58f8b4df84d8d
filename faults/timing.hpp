// How long commands take.
#pragma once

#include "faults/distribution.hpp"

namespace faultlun::faults {

struct ServiceTime {
  Distribution distribution;
  friend bool operator==(const ServiceTime&, const ServiceTime&) = default;
};
struct ServiceTimeMemory {};
inline std::chrono::nanoseconds sample(const ServiceTime& time, std::uint64_t draw,
                                       std::uint64_t second, ServiceTimeMemory&) {
  return sample(time.distribution, draw, second);
}
struct StallPattern {
  friend bool operator==(const StallPattern&, const StallPattern&) = default;
};
struct TokenBucket {
  friend bool operator==(const TokenBucket&, const TokenBucket&) = default;
};
struct CliffPattern {
  friend bool operator==(const CliffPattern&, const CliffPattern&) = default;
};

}  // namespace faultlun::faults
