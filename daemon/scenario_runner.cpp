#include "daemon/scenario_runner.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::daemon {

using faults::ScenarioEffects;
using faults::ScenarioRun;
using Kind = ScenarioError::Kind;

// ---- the control API ---------------------------------------------------------------------------

ScenarioRunner::Held* ScenarioRunner::held(std::string_view id) {
  const auto found = scenarios_.find(id);
  return found == scenarios_.end() ? nullptr : &found->second;
}

const ScenarioRunner::Held* ScenarioRunner::held(std::string_view id) const {
  const auto found = scenarios_.find(id);
  return found == scenarios_.end() ? nullptr : &found->second;
}

ScenarioError ScenarioRunner::unknown(std::string_view id) {
  return {Kind::not_found, "there is no scenario \"" + std::string(id) +
                               "\"; GET /v1/scenarios lists those there are"};
}

ScenarioError ScenarioRunner::not_running(const Held& held) {
  return {Kind::conflict, "the scenario \"" + held.scenario->id +
                              "\" is not running; POST /v1/scenarios/" + held.scenario->id +
                              "/start begins it"};
}

ScenarioRunner::MaybeError ScenarioRunner::put(faults::Scenario scenario) {
  Held* known = held(scenario.id);
  if (known == nullptr && scenarios_.size() == kMaxScenarios)
    return ScenarioError{Kind::limit, "there are " + std::to_string(kMaxScenarios) +
                                          " scenarios already, which is the most: remove one"};
  if (known != nullptr && *known->scenario == scenario) return std::nullopt;
  if (known != nullptr && known->is_running())
    return ScenarioError{Kind::conflict, "the scenario \"" + scenario.id +
                                             "\" is running: stop it before it is changed"};
  const std::string id = scenario.id;
  Held& put = scenarios_[id];
  put = Held();
  put.scenario = std::make_shared<const faults::Scenario>(std::move(scenario));
  put.revision = ++last_revision_;
  return std::nullopt;
}

ScenarioRunner::MaybeError ScenarioRunner::remove(std::string_view id, Time now) {
  host_.catch_up(now);
  Held* known = held(id);
  if (known == nullptr) return unknown(id);
  if (known->is_running()) {
    apply(*known, known->run->abandon(now, "the scenario was removed"), now);
    tell_all(now);
  }
  scenarios_.erase(scenarios_.find(id));
  return std::nullopt;
}

std::optional<ScenarioStatus> ScenarioRunner::find(std::string_view id) const {
  const Held* known = held(id);
  if (known == nullptr) return std::nullopt;
  return ScenarioStatus{known->scenario, known->revision, known->runs, known->run};
}

std::vector<ScenarioStatus> ScenarioRunner::list() const {
  std::vector<ScenarioStatus> out;
  for (const auto& [id, each] : scenarios_)
    out.push_back({each.scenario, each.revision, each.runs, each.run});
  return out;
}

ScenarioRunner::MaybeError ScenarioRunner::start(std::string_view id, Time now) {
  host_.catch_up(now);
  Held* known = held(id);
  if (known == nullptr) return unknown(id);
  if (known->is_running())
    return ScenarioError{Kind::conflict,
                         "the scenario \"" + std::string(id) + "\" is running already"};
  ScenarioRun::Setting setting;
  known->borrowed.clear();
  known->armed.clear();
  for (const auto& rule : faults::borrowed_rules(*known->scenario)) {
    const auto found = host_.find_rule(rule);
    if (!found)
      return ScenarioError{Kind::conflict, "the scenario needs the rule \"" + rule +
                                               "\", which is not there: put it first"};
    for (const auto& [other, each] : scenarios_)
      if (each.is_running() && each.borrowed.contains(rule))
        return ScenarioError{Kind::conflict, "the rule \"" + rule +
                                                 "\" is armed and disarmed by the scenario \"" +
                                                 other + "\", which is running: stop it first"};
    known->borrowed[rule] = found->armed;
    if (found->armed) known->armed.push_back(rule);
    if (!found->must_fire) setting.may_idle.push_back(rule);
  }
  setting.sessions = host_.sessions();
  for (const auto& [other, each] : scenarios_)
    if (each.is_running())
      setting.scenarios.push_back({other, each.scenario->states[each.run->state()].name});
  known->run = std::make_shared<ScenarioRun>(known->scenario, std::move(setting));
  ++known->runs;
  const auto run = known->run;
  apply(*known, run->start(now), now);
  tell_all(now);
  // Something that it needs from the start cannot be had.
  if (run->is_over() && run->was_impossible())
    return ScenarioError{Kind::conflict, run->verdict(now).why};
  return std::nullopt;
}

ScenarioRunner::MaybeError ScenarioRunner::stop(std::string_view id, bool discard, Time now) {
  host_.catch_up(now);
  Held* known = held(id);
  if (known == nullptr) return unknown(id);
  if (!known->is_running()) return not_running(*known);
  apply(*known,
        discard ? known->run->abandon(now, "it was broken off by hand")
                : known->run->stop(now, "it was stopped by hand"),
        now);
  tell_all(now);
  return std::nullopt;
}

ScenarioRunner::MaybeError ScenarioRunner::go_to(std::string_view id, std::string_view state,
                                                 Time now) {
  host_.catch_up(now);
  Held* known = held(id);
  if (known == nullptr) return unknown(id);
  if (!known->is_running()) return not_running(*known);
  const auto& states = known->scenario->states;
  const auto found = std::ranges::find(states, state, &faults::ScenarioState::name);
  if (found == states.end()) {
    std::string names;
    for (const auto& each : states)
      names += (names.empty() ? "" : ", ") + each.name;
    return ScenarioError{Kind::not_found, "the scenario \"" + std::string(id) +
                                              "\" has no state \"" + std::string(state) +
                                              "\"; there are " + names};
  }
  apply(*known, known->run->go_to(static_cast<std::size_t>(found - states.begin()), now, "by hand"),
        now);
  tell_all(now);
  return std::nullopt;
}

ScenarioRunner::MaybeError ScenarioRunner::when_over(std::string_view id,
                                                     std::function<void()> done,
                                                     std::function<bool()> is_gone) {
  Held* known = held(id);
  if (known == nullptr) return unknown(id);
  if (!known->run) return not_running(*known);
  if (!known->is_running()) {
    done();
    return std::nullopt;
  }
  if (known->waiters.size() == kMaxScenarioWaiters)
    std::erase_if(known->waiters, [](const Waiter& each) { return each.is_gone(); });
  if (known->waiters.size() == kMaxScenarioWaiters)
    return ScenarioError{Kind::limit, std::to_string(kMaxScenarioWaiters) +
                                          " clients wait for this scenario already: ask again "
                                          "without wait"};
  known->waiters.push_back({std::move(done), std::move(is_gone)});
  return std::nullopt;
}

void ScenarioRunner::raise_event(const std::string& name, Time now) {
  host_.catch_up(now);
  host_.note_event(name, now);
  tell({}, faults::EventRaised{name});
  tell_all(now);
}

void ScenarioRunner::set_mark(const std::string& name, Time now) {
  host_.catch_up(now);
  host_.note_mark(name, now);
  tell({}, faults::MarkSet{name});
  tell_all(now);
}

// ---- the daemon --------------------------------------------------------------------------------

void ScenarioRunner::observe(const faults::Observation& observation, Time at) {
  for (auto& [id, each] : scenarios_)
    if (each.is_running()) apply(each, each.run->observe(observation, at), at);
  tell_all(at);
}

void ScenarioRunner::tick(Time now) {
  for (auto& [id, each] : scenarios_)
    if (each.is_running()) apply(each, each.run->tick(now), now);
  tell_all(now);
}

std::optional<faults::Time> ScenarioRunner::next_deadline() const {
  std::optional<Time> next;
  for (const auto& [id, each] : scenarios_)
    if (each.is_running())
      if (const auto then = each.run->next_deadline()) next = std::min(next.value_or(*then), *then);
  return next;
}

bool ScenarioRunner::is_running() const {
  return std::ranges::any_of(scenarios_, [](const auto& each) { return each.second.is_running(); });
}

bool ScenarioRunner::needs_commands() const {
  return std::ranges::any_of(scenarios_, [](const auto& each) {
    return each.second.is_running() && each.second.run->needs_commands();
  });
}

void ScenarioRunner::exhausted(std::string_view rule, const Exhaustion& exhaustion, Time now) {
  host_.catch_up(now);
  if (!exhaustion.event.empty()) raise_event(exhaustion.event, now);
  if (exhaustion.go_to.empty()) return;
  for (auto& [id, each] : scenarios_) {
    if (!each.is_running()) continue;
    const auto& states = each.scenario->states;
    const auto& here = states[each.run->state()].rules;
    if (std::ranges::find(here, rule, &faults::StateRule::id) == here.end()) continue;
    const auto to = std::ranges::find(states, exhaustion.go_to, &faults::ScenarioState::name);
    if (to == states.end()) continue;  // a borrowed rule that means another scenario's state
    apply(each,
          each.run->go_to(static_cast<std::size_t>(to - states.begin()), now,
                          "rule " + std::string(rule) + " was exhausted"),
          now);
  }
  tell_all(now);
}

void ScenarioRunner::abandon_all(const std::string& why, Time now) {
  for (auto& [id, each] : scenarios_)
    if (each.is_running()) apply(each, each.run->abandon(now, why), now);
  tell_all(now);
}

// ---- what runs say -----------------------------------------------------------------------------

void ScenarioRunner::apply(Held& held, ScenarioEffects effects, Time now) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const std::string why = carry_out(held, effects[i], now);
    if (why.empty()) continue;
    // What it wanted afterwards is not done; it ends instead.
    const bool was_over = held.run->is_over();
    auto last = held.run->fail(now, why);
    if (was_over) continue;  // its last effects follow already
    effects = std::move(last);
    i = static_cast<std::size_t>(-1);
  }
}

std::string ScenarioRunner::carry_out(Held& held, const faults::ScenarioEffect& effect, Time now) {
  if (const auto* enter = std::get_if<faults::EnterState>(&effect)) {
    const auto& state = held.scenario->states[enter->state].name;
    host_.note_state(held.scenario->id, state, enter->at);
    tell(held.scenario->id, faults::OtherEntered{held.scenario->id, state});
    return {};
  }
  if (const auto* put = std::get_if<faults::PutRules>(&effect)) return put_rules(held, *put);
  if (const auto* action = std::get_if<faults::ScenarioAction>(&effect))
    return act(held, *action, now);
  end(held);
  return {};
}

std::string ScenarioRunner::put_rules(Held& held, const faults::PutRules& put) {
  std::string why = host_.put_rules(held.scenario->id, put.rules);
  if (!why.empty()) return why;
  const auto has = [](const auto& list, const auto& id) {
    return std::ranges::find(list, id) != list.end();
  };
  for (const auto& [id, before] : held.borrowed) {
    const bool wanted = has(put.armed, id);
    if (!wanted && !has(held.armed, id)) continue;
    why = host_.change_rule(
        {wanted ? faults::ChangeRule::Do::arm : faults::ChangeRule::Do::disarm, id});
    if (!why.empty()) return "rule " + id + ": " + why;
  }
  held.armed = put.armed;
  return {};
}

std::string ScenarioRunner::act(Held& held, const faults::ScenarioAction& action, Time now) {
  if (const auto* mark = std::get_if<faults::SetMark>(&action)) {
    host_.note_mark(mark->name, now);
    tell(held.scenario->id, faults::MarkSet{mark->name});
  } else if (const auto* event = std::get_if<faults::RaiseEvent>(&action)) {
    host_.note_event(event->name, now);
    tell(held.scenario->id, faults::EventRaised{event->name});
  } else if (const auto* unit = std::get_if<faults::ChangeUnit>(&action)) {
    return host_.change_unit(*unit, now);
  } else if (const auto* rule = std::get_if<faults::ChangeRule>(&action)) {
    return host_.change_rule(*rule);
  } else if (const auto* release = std::get_if<faults::ReleaseHeld>(&action)) {
    host_.release_held(release->tag);
  }
  return {};
}

/// Borrowed rules as they were found; one that is gone meanwhile is nobody's loss.
void ScenarioRunner::end(Held& held) {
  for (const auto& [id, armed] : held.borrowed)
    if (const auto rule = host_.find_rule(id); rule && rule->armed != armed)
      host_.change_rule({armed ? faults::ChangeRule::Do::arm : faults::ChangeRule::Do::disarm, id});
  held.borrowed.clear();
  held.armed.clear();
  tell(held.scenario->id, faults::OtherEntered{held.scenario->id, {}});
  for (auto& waiter : std::exchange(held.waiters, {}))
    waiter.done();
}

void ScenarioRunner::tell(std::string from, faults::Observation observation) {
  tellings_.push_back({std::move(from), std::move(observation)});
}

void ScenarioRunner::tell_all(Time now) {
  if (telling_) return;  // a waiter called back in
  telling_ = true;
  for (std::size_t told = 0; !tellings_.empty(); ++told) {
    const Telling telling = std::move(tellings_.front());
    tellings_.pop_front();
    if (told >= kMaxTellings) {
      // Its end is told as well, to nobody's surprise: one more for each scenario at most.
      if (Held* source = held(telling.from); source != nullptr && source->is_running())
        apply(*source,
              source->run->fail(now,
                                "scenarios led each other on without end: let time pass "
                                "somewhere on the way"),
              now);
      if (told >= kMaxTellings + 2 * kMaxScenarios) tellings_.clear();
      continue;
    }
    for (auto& [id, each] : scenarios_) {
      // A scenario knows its own state.
      const bool own =
          std::holds_alternative<faults::OtherEntered>(telling.observation) && telling.from == id;
      if (!own && each.is_running()) apply(each, each.run->observe(telling.observation, now), now);
    }
  }
  telling_ = false;
}

}  // namespace faultlun::daemon
