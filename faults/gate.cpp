#include "faults/gate.hpp"

#include "faults/draw.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {

namespace {

constexpr std::string_view kRunKey = "run";

/// Matches from the beginning of one burst, or of one single firing, to the next.
std::uint64_t period_of(const Gate& gate) {
  return std::max<std::uint64_t>(1, gate.every.value_or(gate.burst.value_or(1)));
}

}  // namespace

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
  const std::uint64_t period = period_of(gate);
  // Bursts of `burst` at the beginning of each period; one alone without `every`, unless `repeat`
  // asks for more: then they follow each other.
  const bool alone = gate.burst && !gate.every;
  const std::uint64_t most = gate.repeat.value_or(alone ? 1 : UINT64_MAX);
  if (after_skip / period >= most) return Outcome::exhausted;
  const std::uint64_t place = after_skip % period;
  const bool due = gate.burst ? place < *gate.burst : place == period - 1;
  return due ? Outcome::fired : Outcome::gated;
}

std::uint64_t draw_index(const Gate& gate, std::uint64_t index) {
  if (!gate.burst || index < gate.skip) return index;
  const std::uint64_t period = period_of(gate);
  return gate.skip + (index - gate.skip) / period * period;
}

std::uint64_t run_gate_draw(const Rule& rule, std::uint64_t seed) {
  return draw(seed, rule.id, kRunKey, 0, kSlotDecide);
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
