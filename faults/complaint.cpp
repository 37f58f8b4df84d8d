// The words of complaints about numbers and durations.
#include "faults/complaint.hpp"

namespace faultlun::faults {
namespace {

struct Unit {
  std::int64_t nanoseconds;
  std::string_view name;
};

constexpr Unit kUnits[] = {
    {3'600'000'000'000, "h"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}, {1, "ns"},
};

template <typename Value, typename Text>
void require(Complaints& complaints, std::string_view field, Value value, Value min, Value max,
             Text text, std::string_view what) {
  if (value >= min && value <= max) return;
  const bool low = value < min;
  std::string message =
      "is " + text(value) + (low ? ", below the least of " : ", above the most of ");
  message += text(low ? min : max) + ": give " + std::string(what) + " from " + text(min) + " to ";
  message += text(max);
  complaints.push_back({std::string(field), std::move(message)});
}

}  // namespace

std::string duration_text(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0ns";
  for (const Unit& unit : kUnits) {
    if (count % unit.nanoseconds == 0) {
      return std::to_string(count / unit.nanoseconds) + std::string(unit.name);
    }
  }
  return {};  // not reached: everything is a multiple of 1 ns
}

void require_range(Complaints& complaints, std::string_view field, std::uint64_t value,
                   std::uint64_t min, std::uint64_t max) {
  const auto text = [](std::uint64_t number) { return std::to_string(number); };
  require(complaints, field, value, min, max, text, "a number");
}

void require_range(Complaints& complaints, std::string_view field, std::chrono::nanoseconds value,
                   std::chrono::nanoseconds min, std::chrono::nanoseconds max) {
  require(complaints, field, value, min, max, duration_text, "a duration");
}

}  // namespace faultlun::faults
