// Modifiers and shapers: integer arithmetic in 128 bits where 64 could overflow.
#include "faults/timing.hpp"

#include "faults/fixed_point.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <string>
#include <utility>

namespace faultlun::faults {
namespace {

using std::chrono::nanoseconds;
using Wide = __int128;

constexpr nanoseconds kZero{0};
constexpr nanoseconds kTick{1};
constexpr nanoseconds kHour = std::chrono::hours(1);
constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kGib = std::uint64_t{1} << 30;
constexpr Wide kSecond = 1'000'000'000;  // ns

nanoseconds bounded(Wide count) {
  return nanoseconds(static_cast<std::int64_t>(std::min<Wide>(count, kMaxDelay.count())));
}

void require_factor(Complaints& complaints, std::string_view field, std::uint32_t permille) {
  require_range(complaints, field, std::uint64_t{permille}, 0, kMaxFactorPermille);
}

}  // namespace

nanoseconds scaled(nanoseconds duration, std::uint32_t permille) {
  return bounded(static_cast<Wide>(duration.count()) * permille / kPermille);
}

Complaints check(const SizeTerm& term) {
  Complaints complaints;
  require_range(complaints, "per_kib", term.per_kib, kZero, kHour);
  return complaints;
}

nanoseconds size_term(const SizeTerm& term, std::uint64_t bytes) {
  return bounded((static_cast<Wide>(term.per_kib.count()) * bytes + kKib / 2) / kKib);
}

Complaints check(const Lanes& lanes) {
  Complaints complaints;
  require_range(complaints, "lanes", std::uint64_t{lanes.count}, 1, kMaxLanes);
  return complaints;
}

Service serve(const Lanes& lanes, LanesState& state, nanoseconds now, nanoseconds service) {
  state.free_at.resize(lanes.count, kZero);
  const auto lane = std::min_element(state.free_at.begin(), state.free_at.end());
  const nanoseconds latest = now + kMaxDelay;
  const nanoseconds begin = std::min(std::max(now, *lane), latest);
  *lane = std::min(begin + std::min(service, kMaxDelay), latest);
  return {begin, *lane};
}

Complaints check(const Seek& seek) {
  Complaints complaints;
  require_range(complaints, "per_gib", seek.per_gib, kZero, kHour);
  require_range(complaints, "max", seek.max);
  return complaints;
}

nanoseconds seek_term(const Seek& seek, SeekState& state, std::uint64_t offset_bytes,
                      std::uint64_t bytes) {
  const std::uint64_t head = state.head_bytes.value_or(offset_bytes);
  const std::uint64_t distance = head > offset_bytes ? head - offset_bytes : offset_bytes - head;
  state.head_bytes = offset_bytes + bytes;
  const Wide travel = static_cast<Wide>(seek.per_gib.count()) * distance / kGib;
  return std::min(bounded(travel), seek.max);
}

Complaints check(const Ramp& ramp) {
  Complaints complaints;
  require_factor(complaints, "from", ramp.from_permille);
  require_factor(complaints, "to", ramp.to_permille);
  require_range(complaints, "over", ramp.over, kTick);
  if (ramp.shape == Ramp::Shape::exponential) {
    for (const auto& [field, permille] :
         {std::pair("from", ramp.from_permille), std::pair("to", ramp.to_permille)}) {
      if (permille != 0) continue;
      complaints.push_back({field,
                            "is 0, which no exponential ramp reaches or leaves: give at "
                            "least 1 permille, or make it linear"});
    }
  }
  return complaints;
}

std::uint32_t ramp_factor(const Ramp& ramp, nanoseconds now) {
  if (now <= kZero) return ramp.from_permille;
  if (now >= ramp.over) return ramp.to_permille;
  const Wide from = ramp.from_permille;
  const Wide to = ramp.to_permille;
  const Wide over = ramp.over.count();
  if (ramp.shape == Ramp::Shape::linear) {
    const Wide weighted = from * (over - now.count()) + to * now.count();
    return static_cast<std::uint32_t>((weighted + over / 2) / over);
  }
  // from * (to / from)^(now / over), the logarithm as a difference of two.  The numbers as
  // quantiles with 32 more bits: the half that minus_log() adds is then less than 1e-9 of them.
  constexpr std::uint64_t kExtra = std::uint64_t{1} << 32;
  const Wide rise = minus_log(ramp.from_permille * kExtra) - minus_log(ramp.to_permille * kExtra);
  const auto power = static_cast<Fixed>(rise * now.count() / over);
  const std::uint64_t factor =
      times_exp(ramp.from_permille * kExtra, power, kMaxFactorPermille * kExtra);
  return static_cast<std::uint32_t>((factor + kExtra / 2) / kExtra);
}

Complaints check(const Wave& wave) {
  Complaints complaints;
  require_range(complaints, "period", wave.period, kTick);
  require_range(complaints, "duty", std::uint64_t{wave.duty_permille}, 0, kPermille);
  return complaints;
}

bool is_active(const Wave& wave, nanoseconds now) {
  return now % wave.period < scaled(wave.period, wave.duty_permille);
}

Complaints check(const Burst& burst) {
  Complaints complaints;
  require_probability(complaints, "p", burst.p);
  require_probability(complaints, "r", burst.r);
  require_probability(complaints, "h", burst.h);
  require_probability(complaints, "k", burst.k);
  return complaints;
}

bool step(const Burst& burst, BurstState& state, std::uint64_t active_draw,
          std::uint64_t step_draw) {
  const bool active = !(state.bad ? burst.h : burst.k).fires(active_draw);
  const bool changes = (state.bad ? burst.r : burst.p).fires(step_draw);
  state.bad = state.bad != changes;
  return active;
}

Complaints check(const UntilIdle& until) {
  Complaints complaints;
  require_range(complaints, "until_idle", until.idle, kTick);
  return complaints;
}

bool is_active(const UntilIdle& until, UntilIdleState& state, nanoseconds now) {
  if (state.last_match && now - *state.last_match >= until.idle) state.over = true;
  state.last_match = now;
  return !state.over;
}

Complaints check(const Stall& stall) {
  Complaints complaints;
  require_range(complaints, "every", stall.every, kTick);
  require_range(complaints, "for", stall.length, kTick);
  require_range(complaints, "jitter", stall.jitter);
  if (complaints.empty() && stall.length + stall.jitter > stall.every) {
    complaints.push_back({"for", "and jitter are " + duration_text(stall.length + stall.jitter) +
                                     " together, above every of " + duration_text(stall.every) +
                                     ", so that stalls would meet: shorten them or raise every"});
  }
  return complaints;
}

Drawer stall_drawer(std::uint64_t seed, std::string_view rule) {
  return {seed, rule, "stall"};
}

std::optional<nanoseconds> stall_end(const Stall& stall, const Drawer& drawer, nanoseconds now) {
  const std::int64_t period = now / stall.every;
  if (period < 1) return std::nullopt;
  nanoseconds begin = period * stall.every;
  if (stall.jitter > kZero) {
    const auto width = static_cast<std::uint64_t>(stall.jitter.count());
    const std::uint64_t draw = drawer.at(static_cast<std::uint64_t>(period), kSlotLatency);
    begin += nanoseconds(static_cast<std::int64_t>(uniform_up_to(quantile(draw), width)));
  }
  const nanoseconds end = begin + stall.length;
  if (now < begin || now >= end) return std::nullopt;
  return end;
}

Complaints check(const TokenBucket& bucket) {
  Complaints complaints;
  require_range(complaints, "rate", bucket.rate, 1, kMaxRate);
  if (!complaints.empty()) return complaints;
  const std::uint64_t most =
      bucket.rate * static_cast<std::uint64_t>(kMaxBurstTime / std::chrono::seconds(1));
  require_range(complaints, "burst", bucket.burst, 1, most);
  return complaints;
}

nanoseconds admit(const TokenBucket& bucket, TokenBucketState& state, nanoseconds now,
                  std::uint64_t tokens) {
  // Everything below in units of 1/rate ns, in which a token is exactly a second's nanoseconds.
  const Wide rate = bucket.rate;
  const Wide here = now.count() * rate;
  const Wide full_at = std::max(here, state.full_at.count() * rate + state.fraction);
  const Wide to_spare = (bucket.burst - std::min(bucket.burst, tokens)) * kSecond;
  const Wide ready = std::max(here, full_at - to_spare);
  const Wide latest = here + kMaxDelay.count() * rate;
  const Wide filled = std::min(full_at + tokens * kSecond, latest);
  state.full_at = nanoseconds(static_cast<std::int64_t>(filled / rate));
  state.fraction = static_cast<std::uint64_t>(filled % rate);
  return nanoseconds(static_cast<std::int64_t>((ready + rate - 1) / rate));
}

Complaints check(const Cliff& cliff) {
  Complaints complaints;
  require_range(complaints, "budget_bytes", cliff.budget_bytes, 0, kMaxBudgetBytes);
  require_factor(complaints, "factor", cliff.factor_permille);
  require_range(complaints, "extra", cliff.extra);
  require_range(complaints, "idle", cliff.idle);
  return complaints;
}

nanoseconds cliff_service(const Cliff& cliff, CliffState& state, nanoseconds now,
                          std::uint64_t bytes, nanoseconds service) {
  const bool rested =
      cliff.idle > kZero && state.last_match && now - *state.last_match >= cliff.idle;
  if (rested) state.used_bytes = 0;
  const bool slow = state.used_bytes >= cliff.budget_bytes;
  state.used_bytes +=
      std::min(bytes, kMaxBudgetBytes - std::min(state.used_bytes, kMaxBudgetBytes));
  state.last_match = now;
  if (!slow) return service;
  return std::min(scaled(service, cliff.factor_permille) + cliff.extra, kMaxDelay);
}

Complaints check(const Reorder& reorder) {
  Complaints complaints;
  require_range(complaints, "window", std::uint64_t{reorder.window}, 1, kMaxReordered);
  return complaints;
}

std::vector<std::uint32_t> release_order(const Reorder& reorder, const Drawer& drawer,
                                         std::uint64_t release, std::size_t held) {
  assert(held <= kMaxReordered);
  std::vector<std::uint32_t> order(held);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t first = 0; first < held; first += reorder.window) {
    const std::size_t size = std::min<std::size_t>(reorder.window, held - first);
    for (std::size_t i = size - 1; i > 0; --i) {
      const std::uint64_t draw = drawer.at(release * kMaxReordered + first + i, kSlotSize);
      std::swap(order[first + i], order[first + uniform_up_to(quantile(draw), i)]);
    }
  }
  return order;
}

}  // namespace faultlun::faults
