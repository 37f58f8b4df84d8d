// How long a command takes: a distribution with its modifiers.  What only draws and the session's
// own commands decide is settled with the decision; what looks at the clock, at other sessions or
// at the head's place is settled when the command is carried out (time is an effect, not a cause:
// D5).
#pragma once

#include "faults/distribution.hpp"
#include "faults/time.hpp"
#include "faults/timing.hpp"

#include <cstdint>
#include <optional>

namespace faultlun::faults {

struct ServiceTime {
  Distribution distribution;
  std::optional<SizeTerm> per_kib;
  std::optional<Burst> burst;
  // Settled late.
  std::optional<Lanes> lanes;
  std::optional<Seek> seek;
  std::optional<Ramp> ramp;
  std::optional<Wave> wave;
  std::optional<UntilIdle> until_idle;
  friend bool operator==(const ServiceTime&, const ServiceTime&) = default;
};

/// Of one session: what the next sample needs of the last.
struct ServiceTimeMemory {
  DistributionState distribution;
  BurstState burst;
};

/// The part of the service time that draws decide.  `active_draw` and `step_draw` are for bursts.
Time draw_service_time(const ServiceTime& time, ServiceTimeMemory& memory, std::uint64_t draw,
                       std::uint64_t index, std::uint64_t active_draw, std::uint64_t step_draw,
                       std::uint64_t bytes);

/// Of all sessions: lanes that are busy, where the head is, when the last command matched.
struct ServiceTimeState {
  LanesState lanes;
  SeekState seek;
  UntilIdleState until_idle;
};

struct Served {
  Time until{};  ///< when the service ends
  Time asked{};  ///< how long it was to take, waiting for a lane included
};
/// `arrived` and `now` since the rule was armed; `drawn` from draw_service_time().  With
/// `inclusive` the time counts from `arrived`, otherwise from `now`.
Served serve_command(const ServiceTime& time, ServiceTimeState& state, Time now, Time arrived,
                     Time drawn, std::uint64_t offset_bytes, std::uint64_t bytes, bool inclusive);

}  // namespace faultlun::faults
