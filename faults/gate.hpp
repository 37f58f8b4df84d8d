// When a rule that matches fires: the arithmetic of skip, every, burst, repeat, nth and times on
// the number of the match, and the two gates that look at the clock.  Pure: predict and decide
// share it.
#pragma once

#include "faults/rule.hpp"

#include <cstdint>

namespace faultlun::faults {

/// Why a rule that matched did, or did not, fire.  Stable names, in the journal and in metrics.
enum class Outcome : std::uint8_t {
  fired,
  observed,  ///< fired, but the rule only observes
  // Not this time.
  gated,      ///< skip, every, burst, repeat or nth
  chance,     ///< p said no
  budget,     ///< budget_bytes have not passed yet
  closed,     ///< outside of the window, or in the down part of the cycle
  healed,     ///< no block of the command is bad (any more)
  run_gate,   ///< off for this run
  exhausted,  ///< times, nth, repeat or once_per is used up
  // Fired without effect.
  masked,      ///< an earlier rule ended the list with a terminal effect
  crowded,     ///< max_active commands are under its effects already
  impossible,  ///< the effect cannot be applied to this command
};
std::string_view name_of(Outcome outcome);
/// The rule fired, with or without effect: its counters advance all the same (D4).
inline bool counts_as_fired(Outcome outcome) {
  return outcome == Outcome::fired || outcome == Outcome::observed || outcome == Outcome::masked ||
         outcome == Outcome::crowded;
}

/// The verdict of skip, every, burst, repeat and nth on match number `index` (from 0): fired, gated
/// or exhausted.
Outcome count_gate(const Gate& gate, std::uint64_t index);

/// The index of the draw that decides about match number `index`: bursts are drawn once, as a
/// whole.
std::uint64_t draw_index(const Gate& gate, std::uint64_t index);

/// The one draw of run_gate.
std::uint64_t run_gate_draw(const Rule& rule, std::uint64_t seed);

/// `since_arm`: of the rule; marks and states are translated into it by the caller.
bool window_open(const Gate& gate, Time since_start);
bool cycle_up(const Gate& gate, Time since_arm);

}  // namespace faultlun::faults
