// Scenarios made by hand: states are numbers, times are milliseconds.
#pragma once

#include "faults/scenario_run.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::faults::made {

using Is = ScenarioVerdict::Is;

inline constexpr std::uint8_t kAbortTask = 1, kUnitReset = 5, kWarmReset = 6;

inline Time ms(std::int64_t milliseconds) {
  return std::chrono::milliseconds(milliseconds);
}

// ---- conditions

inline Condition after(std::int64_t milliseconds) {
  Condition made;
  made.after = ms(milliseconds);
  return made;
}
inline Condition on_event(std::string name) {
  Condition made;
  made.event = std::move(name);
  return made;
}
inline Condition on_mark(std::string name) {
  Condition made;
  made.mark = std::move(name);
  return made;
}
inline Condition on_functions(std::vector<std::uint8_t> functions, std::uint64_t count = 1) {
  Condition made;
  made.functions = std::move(functions);
  made.count = count;
  return made;
}
inline Condition on_login(LoginKind kind, std::uint64_t count = 1) {
  Condition made;
  made.login = kind;
  made.count = count;
  return made;
}
inline Condition on_match(std::uint64_t count = 1) {
  Condition made;
  made.match.emplace();
  made.match->luns = {3};
  made.count = count;
  return made;
}
inline Condition on_fired(std::string rule, std::uint64_t fired = 1) {
  Condition made;
  made.rule = std::move(rule);
  made.fired = fired;
  return made;
}
inline Condition on_other(std::string scenario, std::string state) {
  Condition made;
  made.scenario = std::move(scenario);
  made.scenario_state = std::move(state);
  return made;
}
inline Transition way(std::size_t from, std::size_t to, Condition when) {
  return {from, to, std::move(when)};
}

// ---- expectations

inline Expect expect(That that) {
  Expect made;
  made.that = that;
  return made;
}
inline Expect within(That that, std::int64_t milliseconds, std::size_t state = 0) {
  Expect made = expect(that);
  made.within = ms(milliseconds);
  made.state = state;
  return made;
}

// ---- scenarios

inline StateRule state_rule(std::string id) {
  StateRule made;
  made.rule = rule(id, {busy()});
  made.id = std::move(id);
  return made;
}
/// States "a", "b", "c", …, without rules.
inline Scenario scenario(std::size_t states, std::vector<Transition> transitions,
                         std::vector<Expect> expectations = {}) {
  Scenario made;
  made.id = "plot";
  for (std::size_t i = 0; i < states; ++i) {
    made.states.emplace_back();
    made.states.back().name = std::string(1, static_cast<char>('a' + i));
  }
  made.transitions = std::move(transitions);
  made.expect = std::move(expectations);
  return made;
}

/// A run and all that it wanted done.
struct Played {
  explicit Played(Scenario scenario, ScenarioRun::Setting setting = {})
      : run(std::make_shared<const Scenario>(std::move(scenario)), std::move(setting)) {
    add(run.start(Time(0)));
  }
  void add(ScenarioEffects more) {
    for (auto& each : more)
      effects.push_back(std::move(each));
  }
  /// At `now` milliseconds.
  Played& see(Observation observation, std::int64_t now = 0) {
    add(run.observe(observation, ms(now)));
    return *this;
  }
  Played& tick(std::int64_t now) {
    add(run.tick(ms(now)));
    return *this;
  }
  /// The states so far, like "abca".
  std::string path() const {
    std::string out;
    for (const auto& step : run.timeline())
      out += run.scenario().states[step.state].name;
    return out;
  }
  Is verdict() const { return run.verdict(Time(0)).is; }
  std::string why() const { return run.verdict(Time(0)).why; }
  template <typename Effect>
  std::vector<Effect> all() const {
    std::vector<Effect> out;
    for (const auto& each : effects)
      if (const auto* found = std::get_if<Effect>(&each)) out.push_back(*found);
    return out;
  }

  ScenarioRun run;
  ScenarioEffects effects;
};

/// Evidence for expectations in states a, b and c, and what happens.
struct Scene {
  explicit Scene(std::vector<Expect> expectations, std::vector<std::string> may_idle = {})
      : Scene(made::scenario(3, {}, std::move(expectations)), std::move(may_idle)) {}
  explicit Scene(Scenario given, std::vector<std::string> may_idle = {})
      : scenario(std::move(given)), evidence(scenario, std::move(may_idle)) {}
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  Scene& at(std::int64_t milliseconds) {
    now = ms(milliseconds);
    return *this;
  }
  Scene& see(const Observation& observation) {
    evidence.observe(observation, now);
    return *this;
  }
  Scene& enter(std::size_t state) {
    evidence.entered(state, now);
    return *this;
  }
  Scene& leave(std::size_t state) {
    evidence.left(state, now);
    return *this;
  }
  Scene& up(std::uint32_t session, std::string name = "iqn.a") {
    return see(SessionUp{session, std::move(name)});
  }
  Scene& lost(std::uint32_t session) { return see(SessionDown{session, false}); }
  Scene& logout(std::uint32_t session) { return see(SessionDown{session, true}); }
  /// A READ of one block.
  Scene& begin(std::uint32_t session, std::uint32_t tag, std::uint64_t lba = 0) {
    return see(CommandBegan{session, tag, 0, OperationClass::read, lba, 1});
  }
  Scene& end(std::uint32_t session, std::uint32_t tag, scsi::Status status = scsi::Status::good,
             CommandEnded::How how = CommandEnded::How::answered, Time took = {}) {
    return see(CommandEnded{session, tag, how, status, took, OperationClass::read});
  }
  Scene& fail(std::uint32_t session, std::uint32_t tag) {
    return end(session, tag, scsi::Status::check_condition);
  }
  Scene& function(std::uint8_t function, std::uint32_t session = 1) {
    return see(FunctionSent{session, function});
  }
  Scene& fired(const std::string& rule, int count = 1) {
    for (int i = 0; i < count; ++i)
      see(RuleFired{rule, 1});
    return *this;
  }

  Finding finding(std::size_t index = 0, std::size_t final_state = 0) const {
    return evidence.judge(final_state, now).at(index);
  }
  void check_passes(const std::string& why, std::size_t final_state = 0) const {
    const Finding found = finding(0, final_state);
    CHECK(found.why == why);
    CHECK(found.passed);
  }
  void check_fails(const std::string& why, std::size_t final_state = 0) const {
    const Finding found = finding(0, final_state);
    CHECK(found.why == why);
    CHECK_FALSE(found.passed);
  }
  /// What went beyond a limit makes it fail.
  void check_not_seen(std::uint64_t things = 1) const {
    const Finding found = finding();
    CAPTURE(found.why);
    CHECK(found.why.starts_with(std::to_string(things) + (things == 1 ? " thing" : " things") +
                                " that happened could not be followed"));
    CHECK_FALSE(found.passed);
  }

  Scenario scenario;
  Evidence evidence;
  Time now{};
};

}  // namespace faultlun::faults::made
