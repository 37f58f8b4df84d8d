// A scenario: a test with a plot.  Named states, each with rules that are in force while it stands
// and actions on its entry; transitions that say what leads from one to another; and expectations
// that make a verdict of it.  Plain values; scenario_run.hpp moves through them, evidence.hpp
// judges.  Fault model 8.14, 9.2.
#pragma once

#include "faults/rule.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::faults {

inline constexpr std::size_t kMaxScenarioIdBytes = 32;
inline constexpr std::size_t kMaxStateNameBytes = 24;  ///< with the ID's, it fits a rule's ID
inline constexpr std::size_t kMaxStates = 64;
inline constexpr std::size_t kMaxTransitions = 256;
inline constexpr std::size_t kMaxActionsPerState = 32;
inline constexpr std::size_t kMaxRulesPerState = 256;
inline constexpr std::size_t kMaxExpectations = 64;

// ---- states ------------------------------------------------------------------------------------

struct SetMark {
  std::string name;
  friend bool operator==(const SetMark&, const SetMark&) = default;
};
/// Other scenarios hear it, and this one.
struct RaiseEvent {
  std::string name;
  friend bool operator==(const RaiseEvent&, const RaiseEvent&) = default;
};
/// A unit attention, or a change of a unit's state, that no command triggers.
struct ChangeUnit {
  Effect effect;                     ///< of the families ua and lu
  std::string target;                ///< iSCSI name; empty: every target
  std::optional<std::uint16_t> lun;  ///< nothing: every unit
  friend bool operator==(const ChangeUnit&, const ChangeUnit&) = default;
};
struct ChangeRule {
  enum class Do : std::uint8_t { arm, disarm, reset };
  Do what = Do::arm;
  std::string rule;
  friend bool operator==(const ChangeRule&, const ChangeRule&) = default;
};
/// Lets held commands go (time.hold).
struct ReleaseHeld {
  std::string tag;  ///< empty: all of them
  friend bool operator==(const ReleaseHeld&, const ReleaseHeld&) = default;
};
using ScenarioAction = std::variant<SetMark, RaiseEvent, ChangeUnit, ChangeRule, ReleaseHeld>;

/// One that the state brings with it, or the name of one that is there already: that one is armed
/// while the state stands and disarmed otherwise.
struct StateRule {
  std::string id;
  std::optional<Rule> rule;
  friend bool operator==(const StateRule&, const StateRule&) = default;
};

struct ScenarioState {
  std::string name;
  std::vector<StateRule> rules;
  std::vector<ScenarioAction> enter;  ///< after the rules are in force
  bool end = false;                   ///< the scenario is over when it is entered
  std::string note;
  friend bool operator==(const ScenarioState&, const ScenarioState&) = default;
};

// ---- transitions -------------------------------------------------------------------------------

enum class LoginKind : std::uint8_t { up, down, refused };
inline constexpr std::string_view kLoginKindNames[] = {"up", "down", "refused"};

/// All that is given must have happened since the state was entered.  `count` is of commands,
/// functions and logins alike.
struct Condition {
  std::optional<Time> after;
  std::optional<Match> match;           ///< commands
  std::vector<std::uint8_t> functions;  ///< task management, one of these
  std::optional<LoginKind> login;
  std::uint64_t count = 1;
  std::string mark, event;
  std::string scenario, scenario_state;  ///< another scenario is in this state
  std::string rule;                      ///< has fired
  std::uint64_t fired = 1;               ///< so often

  bool anything() const {
    return after || match || !functions.empty() || login || !mark.empty() || !event.empty() ||
           !scenario.empty() || !rule.empty();
  }
  friend bool operator==(const Condition&, const Condition&) = default;
};

struct Transition {
  std::optional<std::size_t> from;  ///< index of the state; nothing: every state but `to`
  std::size_t to = 0;
  Condition when;
  bool leaves(std::size_t state) const { return from ? *from == state : state != to; }
  friend bool operator==(const Transition&, const Transition&) = default;
};

// ---- expectations ------------------------------------------------------------------------------

enum class That : std::uint8_t {
  no_data_loss,
  recovered,
  reconnected,
  no_reconnect_faster_than_ms,
  tmf_seen,
  tmf_not_seen,
  retried,
  fired,
  must_fire,
  state_reached,
  final_state,
  no_command_unanswered,
  max_latency,
};

struct Expect {
  That that = That::must_fire;
  std::optional<Time> within;             ///< recovered, reconnected, max_latency, unanswered
  Time least{};                           ///< no_reconnect_faster_than_ms
  std::size_t state = 0;                  ///< recovered, state_reached, final_state
  std::vector<std::uint8_t> functions;    ///< tmf_seen: in this order; tmf_not_seen: none of these
  std::uint64_t count = 1;                ///< tmf_seen
  std::string rule;                       ///< fired
  std::optional<std::uint64_t> min, max;  ///< fired, retried
  friend bool operator==(const Expect&, const Expect&) = default;
};

/// What may, and must, be said beside `that`.
enum ExpectKey : std::uint16_t {
  kWithin = 1,
  kValue = 2,
  kAfter = 4,
  kState = 8,
  kOrder = 16,
  kTmf = 32,
  kCount = 64,
  kRule = 128,
  kMin = 256,
  kMax = 512,
};
struct ExpectRow {
  That that;
  std::string_view name;
  std::uint16_t takes, needs;  ///< ExpectKey
  std::string_view meaning;
};
/// In the order of That.
std::span<const ExpectRow> expect_table();
std::string_view name_of(That that);
/// recovered, reconnected, …: it is open until something happens or its time is over.
inline constexpr Time kUnansweredAfter = std::chrono::seconds(10);

// ---- the whole ---------------------------------------------------------------------------------

struct Scenario {
  std::string id;
  std::optional<std::uint64_t> seed;  ///< of its own rules' draws; nothing: the run's
  std::vector<ScenarioState> states;  ///< at least one
  std::size_t start = 0;
  std::vector<Transition> transitions;  ///< of several that may be taken, the first one is
  std::vector<Expect> expect;
  std::optional<Time> lasts;  ///< over after so long, wherever it is
  std::string note;

  /// The scenario is over when it gets here: `end`, or no rules and no way out.
  bool ends_at(std::size_t state) const;
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// "flaky-controller.ok.2": the rule that counts what the transition's `match` is about.
std::string watcher_id(const Scenario& scenario, std::size_t state, std::size_t transition);
/// Rules that are installed while the state stands: its own, then one for each `match` that leads
/// out of it.  They are tagged with the number of the entry, so that each entry begins anew.
std::vector<Rule> rules_of_state(const Scenario& scenario, std::size_t state, std::uint64_t entry);
/// Of rules that are there already: those that the scenario names in its states.
std::vector<std::string> borrowed_rules(const Scenario& scenario);
std::vector<std::string> borrowed_rules(const ScenarioState& state);

}  // namespace faultlun::faults
