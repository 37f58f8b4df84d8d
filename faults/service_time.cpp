#include "faults/service_time.hpp"

#include <algorithm>

namespace faultlun::faults {

Time draw_service_time(const ServiceTime& time, ServiceTimeMemory& memory, std::uint64_t draw,
                       std::uint64_t index, std::uint64_t active_draw, std::uint64_t step_draw,
                       std::uint64_t bytes) {
  const auto sampled = sample(time.distribution, memory.distribution, draw, index);
  memory.distribution = sampled.state;
  Time total = sampled.delay;
  if (time.per_kib) total += size_term(*time.per_kib, bytes);
  if (time.burst && !step(*time.burst, memory.burst, active_draw, step_draw)) return Time{};
  return std::min<Time>(total, kMaxDelay);
}

Served serve_command(const ServiceTime& time, ServiceTimeState& state, Time now, Time arrived,
                     Time drawn, std::uint64_t offset_bytes, std::uint64_t bytes, bool inclusive) {
  Time service = drawn;
  if (time.seek) service += seek_term(*time.seek, state.seek, offset_bytes, bytes);
  if (time.ramp) service = scaled(service, ramp_factor(*time.ramp, now));
  const bool resting = (time.wave && !is_active(*time.wave, now)) ||
                       (time.until_idle && !is_active(*time.until_idle, state.until_idle, now));
  if (resting) service = Time{};
  service = std::min<Time>(service, kMaxDelay);
  const Time from = inclusive ? arrived : now;
  if (!time.lanes) return {from + service, service};
  const auto served = serve(*time.lanes, state.lanes, from, service);
  return {served.end, served.end - from};
}

}  // namespace faultlun::faults
