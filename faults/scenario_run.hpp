// One run of a scenario: a pure machine.  Observations and the time go in, in order; what is to be
// done comes out.  The same input makes the same run.
//
// A transition is taken when all its conditions have held since its state was entered; of several,
// the first one.  An observation counts for one state alone: the state it leads to begins behind
// it.  When a state ends the scenario (or its time is over), its rules go, and it waits until the
// last expectation that is still open is met or late; then it is judged.
#pragma once

#include "faults/evidence.hpp"
#include "faults/observation.hpp"
#include "faults/scenario.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::faults {

/// Without time going on and without a new observation; more are a loop, and the run fails.
inline constexpr std::size_t kMaxTransitionsPerStep = 16;
inline constexpr std::size_t kMaxTimeline = 10'000;  ///< steps that are kept; then they are counted
/// A timed transition counts from the moment when it was due, unless it is later than this.
inline constexpr Time kMaxCatchUp = std::chrono::seconds(1);

/// The state begins.
struct EnterState {
  std::size_t state = 0;
  Time at{};
};
/// The rules of the scenario become these; of those that it borrows, only these are armed.
struct PutRules {
  std::vector<Rule> rules;
  std::vector<std::string> armed;
};
/// The run is over, its rules are gone (PutRules came before), borrowed ones are as they were.
struct EndRun {};
using ScenarioEffect = std::variant<EnterState, PutRules, ScenarioAction, EndRun>;
using ScenarioEffects = std::vector<ScenarioEffect>;

struct ScenarioVerdict {
  enum class Is : std::uint8_t {
    running,
    settling,  ///< over, but for expectations that are still open
    passed,
    failed,
    stopped,  ///< broken off: not judged
  };
  struct Step {
    Time at{};
    std::size_t state = 0;
    std::string why;
  };
  Is is = Is::running;
  std::string why;                ///< it ended; empty: it has not
  std::vector<Finding> findings;  ///< as things stand, until it is over
  std::vector<Step> timeline;
  std::uint64_t steps_left_out = 0;
  Time started{}, ended{};  ///< `ended`: now, while it runs
  bool is_over() const { return is != Is::running && is != Is::settling; }
};
std::string_view name_of(ScenarioVerdict::Is is);

class ScenarioRun {
 public:
  /// What is there when it begins.
  struct Setting {
    std::vector<SessionUp> sessions;
    std::vector<OtherEntered> scenarios;
    std::vector<std::string> may_idle;  ///< borrowed rules that need not fire
  };
  ScenarioRun(std::shared_ptr<const Scenario> scenario, Setting setting);

  /// Once, before anything else.
  ScenarioEffects start(Time now);
  /// `now`: when it happened.  It is never earlier than before: what is, counts as happening now.
  ScenarioEffects observe(const Observation& observation, Time now);
  ScenarioEffects tick(Time now);
  ScenarioEffects go_to(std::size_t state, Time now, std::string why);
  /// Ends it and judges it.
  ScenarioEffects stop(Time now, std::string why);
  /// Ends it without a judgement.
  ScenarioEffects abandon(Time now, std::string why);
  /// Ends it: something that it needs cannot be had.  One that has ended already has failed, then.
  ScenarioEffects fail(Time now, std::string why);

  /// When tick() has something to do; nothing while it waits for observations alone.
  std::optional<Time> next_deadline() const;

  /// It ended by fail(), whatever its expectations say.
  bool was_impossible() const { return impossible_; }
  const std::vector<ScenarioVerdict::Step>& timeline() const { return verdict_.timeline; }
  const Scenario& scenario() const { return *scenario_; }
  bool is_over() const { return verdict_.is_over(); }
  std::size_t state() const { return state_; }
  Time entered_at() const { return entered_at_; }
  bool needs_commands() const { return evidence_.needs_commands(); }
  ScenarioVerdict verdict(Time now) const;

 private:
  /// What has happened of a transition's conditions since the state was entered.
  struct Progress {
    std::size_t transition = 0;
    std::string watcher;
    bool matched = false, marked = false, raised = false;
    std::uint64_t functions = 0, logins = 0, fired = 0;
  };

  Time advance(Time now);
  void note(Progress& progress, const Observation& observation) const;
  bool holds(const Progress& progress, Time now) const;
  std::optional<Time> due(const Progress& progress) const;
  void enter(std::size_t state, Time now, std::string why, ScenarioEffects& out);
  void step(Time now, ScenarioEffects& out);
  void run_timers(Time now, ScenarioEffects& out);
  void settle(Time now, std::string why, ScenarioEffects& out);
  ScenarioEffects conclude(bool judged, Time now, std::string why);
  void finish(ScenarioVerdict::Is is, Time now, std::string why, ScenarioEffects& out);
  void judge(Time now, ScenarioEffects& out);
  std::string reason_of(const Transition& transition) const;

  std::shared_ptr<const Scenario> scenario_;
  Evidence evidence_;
  std::map<std::string, std::string> others_;  ///< scenarios and the states they are in
  std::size_t state_ = 0;
  Time entered_at_{}, last_{};
  std::uint64_t entries_ = 0;
  std::vector<Progress> progress_;  ///< of the transitions that leave the state, in their order
  ScenarioVerdict verdict_;
  bool impossible_ = false;
};

}  // namespace faultlun::faults
