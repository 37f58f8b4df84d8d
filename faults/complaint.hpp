// What is wrong with a parameter: which one, why, and what to do about it.  faults/ knows no
// configuration file; whoever reads one puts the path in front of `field`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::faults {

/// No delay, period or deadline of a fault is longer than this.
inline constexpr std::chrono::nanoseconds kMaxDelay = std::chrono::hours(10'000);

struct Complaint {
  std::string field;    ///< the parameter's name, "" when the whole object is meant
  std::string message;  ///< the reason and the remedy
  friend bool operator==(const Complaint&, const Complaint&) = default;
};

/// Everything that is wrong, so that a reader mends it in one go.  Empty: nothing is.
using Complaints = std::vector<Complaint>;

/// Exact text in the largest unit that needs no fraction: "1500ms", "2h", "0ns".
std::string duration_text(std::chrono::nanoseconds duration);

/// Complains unless `min` <= `value` <= `max`.
void require_range(Complaints& complaints, std::string_view field, std::uint64_t value,
                   std::uint64_t min, std::uint64_t max);
void require_range(Complaints& complaints, std::string_view field, std::chrono::nanoseconds value,
                   std::chrono::nanoseconds min = std::chrono::nanoseconds(0),
                   std::chrono::nanoseconds max = kMaxDelay);

}  // namespace faultlun::faults
