// The decision about one event.  Pure: rules, state, seed and facts in, decision out.  It depends
// on (seed, rule, key, index, slot) alone; indexes advance in CmdSN order of one session (fault
// model section 10, docs/decisions/0006).
//
// decide() is called for every command in CmdSN order, before the logical unit hears of it, and
// once more when the Data-Out is here if the set has rules that look at it.
#pragma once

#include "faults/facts.hpp"
#include "faults/gate.hpp"
#include "faults/rule_state.hpp"
#include "faults/write_history.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace faultlun::faults {

/// What was decided about one rule that matched.  Plain and of fixed size: it goes into the journal
/// as it is.
struct Verdict {
  const InstalledRule* rule = nullptr;
  Outcome outcome = Outcome::fired;
  Key key = Key::counter;
  std::uint64_t key_number = 0;  ///< lba: the block; content, attempt: the hash; else 0
  std::uint64_t index = 0;
  std::uint64_t draw = 0;  ///< of slot 0; 0 when p was not asked
  bool drawn = false;
  bool last = false;  ///< with this match the rule is used up, in this session or in all
};

/// An effect that strikes, with its random parameters resolved.
struct Strike {
  const InstalledRule* rule = nullptr;
  const Effect* effect = nullptr;
  std::uint32_t verdict = 0;  ///< index into Decision::verdicts
  /// Delay, Pace, TaskManagementFault: [0] nanoseconds.  DataFault: [0] draw of slot 2 (where),
  /// [1] draw of slot 3 (which bytes).  MediumError: [0] first bad LBA, [1] its last in the
  /// command. Reorder: [0] seed of the order.  TaskManagementLadder: [0] the step, [1] nanoseconds.
  std::array<std::uint64_t, 2> resolved{};
};

struct Decision {
  std::vector<Verdict> verdicts;  ///< every rule that matched, in order of evaluation
  std::vector<Strike> strikes;    ///< in order; the terminal one, if any, is the last
  bool timed = false, order_dependent = false;
  bool any_last = false;  ///< one of the verdicts is its rule's last

  bool quiet() const { return verdicts.empty(); }
  /// Null when the event goes its way.
  const Strike* terminal() const;
  void clear() {
    verdicts.clear();
    strikes.clear();
    timed = order_dependent = any_last = false;
  }
};

/// What a decision may look at and change beside `state`.
struct Surroundings {
  WriteHistory* writes = nullptr;  ///< of the unit; needed when rules.needs_write_history()
  /// Since when the marks of Window::Since::mark and ::state count; nothing: not set.
  std::optional<Time> (*since)(const void* context, const Window& window) = nullptr;
  const void* context = nullptr;
};

/// Never touches anything but `state`, `around` and the counters in the rules' lifetimes.  The
/// decision is written to `out`, which is cleared first.
void decide(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
            const Surroundings& around, Decision& out);

/// Rules that look at Data-Out, when it is complete (facts.payload).
void decide_payload(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
                    const Surroundings& around, Decision& out);

/// A task management function (facts.site is tmf_rx).
void decide_task_management(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                            const Facts& facts, const Surroundings& around, Decision& out);

/// What becomes of a login: facts.session says what is known.
Drop::Then decide_login(const RuleSet& rules, const Facts& facts, const InstalledRule*& why);

/// Window and cycle.  A clock that was read before the rule was armed says that no time has passed.
bool is_open(const InstalledRule& rule, Time now, const Surroundings& around);

/// Those of `luns`, ascending, that are absent for the session and not listed (Absent): a rule
/// about the unit has struck in this session, or would strike whatever comes next, and is not used
/// up. Asks for the answer to REPORT LUNS; counts as no match of the rule.
std::vector<std::uint16_t> hidden_units(const RuleSet& rules, const RuleState& state,
                                        const Facts& facts, const Surroundings& around,
                                        std::span<const std::uint16_t> luns);

/// The rule is about such a command at all: the effect can strike it, whatever else the rule says.
bool applies(const Rule& rule, const Effect& effect, const Facts& facts);

/// Makes a verdict, and those of the strikes that are of verdict number `place`, part of the hash.
/// CmdSN counts from the session's first.
void add_to_hash(DecisionHash& hash, const Facts& facts, const Verdict& verdict,
                 std::span<const Strike> strikes, std::size_t place);

/// 64-bit name of what a command does: class, LBA, length (D2 `content`).
std::uint64_t content_of(const Facts& facts);

/// The key string of a draw (D1): "*", "immediate", "tmf", "lba:…", "content:…", "attempt:…".
std::string key_text(Key key, std::uint64_t key_number, const Facts& facts);

}  // namespace faultlun::faults
