// What becomes of a delay: modifiers of a service time, and shapers that say when a command may go
// on.  fault-landscape 8.7.  All of it is arithmetic: `now` is the time since the rule was armed,
// state goes in and out as a value, a deadline comes back.  Nothing here waits.
// Deadlines are at most kMaxDelay after `now`, whatever the numbers.
#pragma once

#include "faults/complaint.hpp"
#include "faults/draw.hpp"
#include "faults/ratio.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace faultlun::faults {

inline constexpr std::uint32_t kPermille = 1000;
inline constexpr std::uint32_t kMaxFactorPermille = 1'000'000;  ///< a thousandfold
inline constexpr std::uint32_t kMaxLanes = 256;
inline constexpr std::uint64_t kMaxRate = 1'000'000'000'000;  ///< operations or bytes per second
inline constexpr std::chrono::nanoseconds kMaxBurstTime = std::chrono::hours(1);
inline constexpr std::uint64_t kMaxBudgetBytes = std::uint64_t{1} << 50;  ///< 1 PiB
inline constexpr std::size_t kMaxReordered = 65'536;

/// duration * permille / 1000, rounded down, at most kMaxDelay.
std::chrono::nanoseconds scaled(std::chrono::nanoseconds duration, std::uint32_t permille);

// ---- Modifiers of a service time -------------------------------------------------------------

/// `per_kib`: large transfers take longer.
struct SizeTerm {
  std::chrono::nanoseconds per_kib{0};  ///< at most 1 h
  friend bool operator==(const SizeTerm&, const SizeTerm&) = default;
};
Complaints check(const SizeTerm& term);
/// Rounded to the nearest nanosecond, halves up.
std::chrono::nanoseconds size_term(const SizeTerm& term, std::uint64_t bytes);

/// `lanes`: so many commands are served at once, the others queue.  zinject -D.
struct Lanes {
  std::uint32_t count = 1;  ///< 1 to kMaxLanes
  friend bool operator==(const Lanes&, const Lanes&) = default;
};
struct LanesState {
  std::vector<std::chrono::nanoseconds> free_at;  ///< of each lane; empty: all are free
  friend bool operator==(const LanesState&, const LanesState&) = default;
};
struct Service {
  std::chrono::nanoseconds begin{0};
  std::chrono::nanoseconds end{0};
  friend bool operator==(const Service&, const Service&) = default;
};
Complaints check(const Lanes& lanes);
/// Takes the lane that is free first (the lowest of equals).
Service serve(const Lanes& lanes, LanesState& state, std::chrono::nanoseconds now,
              std::chrono::nanoseconds service);

/// `seek`: the head travels from the end of the last access to the beginning of this one.
struct Seek {
  std::chrono::nanoseconds per_gib{0};  ///< at most 1 h
  std::chrono::nanoseconds max = kMaxDelay;
  friend bool operator==(const Seek&, const Seek&) = default;
};
struct SeekState {
  std::optional<std::uint64_t> head_bytes;  ///< empty: the first access travels nowhere
  friend bool operator==(const SeekState&, const SeekState&) = default;
};
Complaints check(const Seek& seek);
/// Rounded down.  A sequential access costs nothing.
std::chrono::nanoseconds seek_term(const Seek& seek, SeekState& state, std::uint64_t offset_bytes,
                                   std::uint64_t bytes);

/// `ramp`: a factor that goes from one value to another, then stays.
struct Ramp {
  enum class Shape : std::uint8_t { linear, exponential };
  std::uint32_t from_permille = kPermille;  ///< at most kMaxFactorPermille
  std::uint32_t to_permille = kPermille;
  std::chrono::nanoseconds over = std::chrono::seconds(1);
  Shape shape = Shape::linear;  ///< exponential: the same factor in equal times; neither end is 0
  friend bool operator==(const Ramp&, const Ramp&) = default;
};
Complaints check(const Ramp& ramp);
/// Permille at `now`, exact at both ends, rounded to the nearest between.
std::uint32_t ramp_factor(const Ramp& ramp, std::chrono::nanoseconds now);

/// `wave`: active during the first part of each period.
struct Wave {
  std::chrono::nanoseconds period = std::chrono::seconds(1);
  std::uint32_t duty_permille = 500;  ///< 0 to 1000
  friend bool operator==(const Wave&, const Wave&) = default;
};
Complaints check(const Wave& wave);
bool is_active(const Wave& wave, std::chrono::nanoseconds now);

/// `burst`: the Gilbert-Elliott chain, a good and a bad state, stepped once per match.  Letters as
/// in netem's gemodel: a match is spared with probability k in the good state, h in the bad one, so
/// it is active with 1 - k and 1 - h.
struct Burst {
  Ratio p;        ///< from good to bad
  Ratio r;        ///< from bad to good
  Ratio h{0, 1};  ///< spared in the bad state
  Ratio k{1, 1};  ///< spared in the good state
  friend bool operator==(const Burst&, const Burst&) = default;
};
struct BurstState {
  bool bad = false;
  friend bool operator==(const BurstState&, const BurstState&) = default;
};
Complaints check(const Burst& burst);
/// Judges the match in the present state, then steps: two independent draws.
bool step(const Burst& burst, BurstState& state, std::uint64_t active_draw,
          std::uint64_t step_draw);

/// `until_idle`: active until nothing matched for so long, then never again.
struct UntilIdle {
  std::chrono::nanoseconds idle = std::chrono::seconds(1);
  friend bool operator==(const UntilIdle&, const UntilIdle&) = default;
};
struct UntilIdleState {
  std::optional<std::chrono::nanoseconds> last_match;
  bool over = false;
  friend bool operator==(const UntilIdleState&, const UntilIdleState&) = default;
};
Complaints check(const UntilIdle& until);
bool is_active(const UntilIdle& until, UntilIdleState& state, std::chrono::nanoseconds now);

// ---- Shapers: when may it go on --------------------------------------------------------------

/// time.stall: everything pauses for `length` once in each period of `every`, from the second
/// period on, beginning 0 to `jitter` into it.
struct Stall {
  std::chrono::nanoseconds every = std::chrono::seconds(20);
  std::chrono::nanoseconds length = std::chrono::seconds(1);
  std::chrono::nanoseconds jitter{0};  ///< length + jitter <= every: stalls never meet
  friend bool operator==(const Stall&, const Stall&) = default;
};
Complaints check(const Stall& stall);
/// The draws stall_end() wants: key "stall".
Drawer stall_drawer(std::uint64_t seed, std::string_view rule);
/// The end of the stall `now` is in, if it is in one.  Stall k uses the draw of index k, slot 1.
std::optional<std::chrono::nanoseconds> stall_end(const Stall& stall, const Drawer& drawer,
                                                  std::chrono::nanoseconds now);

/// time.iops (an operation is a token) and time.bandwidth (a byte is): a bucket of `burst` tokens,
/// full at first, refilled at `rate` per second.  Virtual scheduling (GCRA, ITU-T I.371), exact:
/// times are counted in 1/rate ns, so a million commands drift by nothing.
struct TokenBucket {
  std::uint64_t rate = 1;   ///< tokens per second, 1 to kMaxRate
  std::uint64_t burst = 1;  ///< tokens; burst / rate is at most kMaxBurstTime
  friend bool operator==(const TokenBucket&, const TokenBucket&) = default;
};
struct TokenBucketState {
  std::chrono::nanoseconds full_at{0};  ///< when the bucket will be full again, and
  std::uint64_t fraction = 0;           ///< so many 1/rate ns more
  friend bool operator==(const TokenBucketState&, const TokenBucketState&) = default;
};
Complaints check(const TokenBucket& bucket);
/// When a command of so many tokens may go on: as soon as the bucket has them, or is full.  It then
/// takes them all; one of more than `burst` tokens leaves a debt for those after it.
std::chrono::nanoseconds admit(const TokenBucket& bucket, TokenBucketState& state,
                               std::chrono::nanoseconds now, std::uint64_t tokens);

/// time.cliff: fast for a budget of bytes (a write cache), then slow until the unit had nothing to
/// do for `idle`.
struct Cliff {
  std::uint64_t budget_bytes = 0;             ///< at most kMaxBudgetBytes
  std::uint32_t factor_permille = kPermille;  ///< of the service time, beyond the budget
  std::chrono::nanoseconds extra{0};          ///< added, beyond the budget
  std::chrono::nanoseconds idle{0};           ///< 0: it never recovers
  friend bool operator==(const Cliff&, const Cliff&) = default;
};
struct CliffState {
  std::uint64_t used_bytes = 0;
  std::optional<std::chrono::nanoseconds> last_match;
  friend bool operator==(const CliffState&, const CliffState&) = default;
};
Complaints check(const Cliff& cliff);
/// The service time.  The command that crosses the edge is still fast.
std::chrono::nanoseconds cliff_service(const Cliff& cliff, CliffState& state,
                                       std::chrono::nanoseconds now, std::uint64_t bytes,
                                       std::chrono::nanoseconds service);

/// time.reorder: held commands are released in a seeded order, none more than `window` - 1 places
/// from its own: each run of `window` commands is shuffled for itself (Fisher-Yates).
struct Reorder {
  std::uint32_t window = 1;  ///< 1 (in order) to kMaxReordered
  friend bool operator==(const Reorder&, const Reorder&) = default;
};
Complaints check(const Reorder& reorder);
/// 0 .. held - 1 in the order of release; held <= kMaxReordered.  `release` counts the rule's
/// releases, so that each has its own order; draws have the slot kSlotSize.
std::vector<std::uint32_t> release_order(const Reorder& reorder, const Drawer& drawer,
                                         std::uint64_t release, std::size_t held);

}  // namespace faultlun::faults
