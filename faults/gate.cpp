#include "faults/gate.hpp"

#include <iterator>

namespace faultlun::faults {

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view kNames[] = {"fired",     "observed", "gated",   "chance",
                                         "budget",    "closed",   "healed",  "run_gate",
                                         "exhausted", "masked",   "crowded", "impossible"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Outcome::impossible) + 1);
  return kNames[static_cast<std::size_t>(outcome)];
}

Outcome count_gate(const Gate& gate, std::uint64_t index) {
  if (gate.nth && index + 1 != *gate.nth)
    return index + 1 < *gate.nth ? Outcome::gated : Outcome::exhausted;
  if (index < gate.skip) return Outcome::gated;
  const std::uint64_t after_skip = index - gate.skip;
  if (!gate.burst) {
    const bool due = !gate.every || (after_skip + 1) % *gate.every == 0;
    return due ? Outcome::fired : Outcome::gated;
  }
  // Bursts of `burst` at the beginning of each period; one alone without `every`, unless `repeat`
  // asks for more: then they follow each other.
  const std::uint64_t period = gate.every.value_or(*gate.burst);
  const std::uint64_t most = gate.repeat.value_or(gate.every ? UINT64_MAX : 1);
  if (after_skip / period >= most) return Outcome::exhausted;
  return after_skip % period < *gate.burst ? Outcome::fired : Outcome::gated;
}

std::uint64_t draw_index(const Gate& gate, std::uint64_t index) {
  if (!gate.burst || index < gate.skip) return index;
  const std::uint64_t period = gate.every.value_or(*gate.burst);
  return gate.skip + (index - gate.skip) / period * period;
}

bool window_open(const Gate& gate, Time since_start) {
  if (!gate.window) return true;
  const Window& window = *gate.window;
  return since_start >= window.after &&
         (!window.length || since_start - window.after < *window.length);
}

bool cycle_up(const Gate& gate, Time since_arm) {
  if (!gate.cycle) return true;
  const Time period = gate.cycle->up + gate.cycle->down;
  return period.count() == 0 || since_arm % period < gate.cycle->up;
}

}  // namespace faultlun::faults
