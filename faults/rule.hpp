// One rule: which events (match), when it fires (gate), what it does (effects), how it ends (life).
// A plain value: config/rules.hpp makes it of JSON, rule_set.hpp makes it fast.  Fault model 8.15
// to 8.17, 9.1.
#pragma once

#include "faults/fault_table.hpp"
#include "faults/match.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace faultlun::faults {

inline constexpr std::size_t kMaxRules = 20'000;
inline constexpr std::size_t kMaxRuleIdBytes = 64;
inline constexpr std::size_t kMaxEffectsPerRule = 16;

/// What the index and the key string of a draw are made of (D2).
enum class Key : std::uint8_t { counter, lba, content, attempt, event };
inline constexpr std::string_view kKeyNames[] = {"counter", "lba", "content", "attempt", "event"};

/// A stretch of time since the rule was armed (or its scenario's state was entered, or a mark was
/// set).  Rules with it are `timed`: the same commands at other times make other decisions (D5).
struct Window {
  enum class Since : std::uint8_t { arm, mark, state };
  Since since = Since::arm;
  std::string mark;
  Time after{};
  std::optional<Time> length;
  friend bool operator==(const Window&, const Window&) = default;
};
struct Cycle {
  Time up{}, down{};  ///< fires while up; up comes first
  friend bool operator==(const Cycle&, const Cycle&) = default;
};

/// All that is given must let the event through.  `i` is the number of earlier matches.
struct Gate {
  Key key = Key::counter;
  std::uint64_t skip = 0;               ///< not before i = skip
  std::optional<std::uint64_t> every;   ///< K: the K-th, 2K-th, … after `skip`
  std::optional<std::uint64_t> burst;   ///< L: the first L of each K instead; without `every`, once
  std::optional<std::uint64_t> repeat;  ///< R: bursts at most
  std::optional<std::uint64_t> times;   ///< firings at most
  std::optional<std::uint64_t> nth;     ///< the n-th match alone, from 1
  std::optional<Ratio> probability;     ///< p
  std::optional<Ratio> run_gate;        ///< on or off for a whole run
  std::optional<std::uint64_t> budget_bytes;  ///< not before this many bytes have passed
  std::optional<Window> window;
  std::optional<Cycle> cycle;
  std::optional<std::uint32_t> max_active;  ///< commands under this rule's effect at a time
  friend bool operator==(const Gate&, const Gate&) = default;
};

enum class OncePer : std::uint8_t { never, session, lba, run };
enum class OnExhaust : std::uint8_t { nothing, disarm, remove, go_to, emit };

struct Life {
  bool armed = true;
  std::int32_t priority = 0;  ///< higher first; then the order of installation
  std::optional<Time> ttl;    ///< removed after this long
  std::string lease;          ///< removed when this lease is not kept up
  std::string owner;
  std::vector<std::string> tags;
  OnExhaust on_exhaust = OnExhaust::nothing;
  std::string on_exhaust_name;  ///< state to go to, event to emit
  OncePer once_per = OncePer::never;
  bool global = false;  ///< scope: one counter for all sessions; depends on their order
  /// A scenario fails when it never did.  Nothing: yes for the rules of the scenario's states.
  std::optional<bool> must_fire;
  friend bool operator==(const Life&, const Life&) = default;
};

struct Rule {
  std::string id;
  std::optional<Site> where;  ///< as written; the effects know
  Match match;
  Gate gate;
  std::vector<Effect> effects;
  std::optional<std::uint64_t> seed;  ///< of its draws; nothing: the run's
  Life life;
  bool observe = false;  ///< decide and journal, do nothing
  std::string note;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// Where the rule is decided: that of its effects.
Site decided_at(const Rule& rule);
/// The clock, or the timing of other sessions, has a say: flagged in the journal and by predict.
bool is_timed(const Rule& rule);
bool is_order_dependent(const Rule& rule);

}  // namespace faultlun::faults
