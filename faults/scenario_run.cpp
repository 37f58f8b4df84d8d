#include "faults/scenario_run.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace faultlun::faults {
namespace {

constexpr std::string_view kVerdictNames[] = {"running", "settling", "passed", "failed", "stopped"};

bool is_login(const Condition& when, const Observation& observation) {
  if (!when.login) return false;
  switch (*when.login) {
    case LoginKind::up:
      return std::holds_alternative<SessionUp>(observation);
    case LoginKind::down:
      return std::holds_alternative<SessionDown>(observation);
    case LoginKind::refused:
      return std::holds_alternative<LoginRefused>(observation);
  }
  return false;
}

}  // namespace

std::string_view name_of(ScenarioVerdict::Is is) {
  return kVerdictNames[static_cast<std::size_t>(is)];
}

ScenarioRun::ScenarioRun(std::shared_ptr<const Scenario> scenario, Setting setting)
    : scenario_(std::move(scenario)), evidence_(*scenario_, std::move(setting.may_idle)) {
  for (const auto& session : setting.sessions)
    evidence_.know(session);
  for (auto& other : setting.scenarios)
    others_[other.scenario] = std::move(other.state);
}

Time ScenarioRun::advance(Time now) {
  last_ = std::max(last_, now);
  return last_;
}

// ---- what happens ------------------------------------------------------------------------------

ScenarioEffects ScenarioRun::start(Time now) {
  ScenarioEffects out;
  last_ = verdict_.started = now;
  enter(scenario_->start, now, "the scenario began", out);
  step(now, out);
  return out;
}

ScenarioEffects ScenarioRun::observe(const Observation& observation, Time now) {
  ScenarioEffects out;
  if (is_over()) return out;
  now = advance(now);
  run_timers(now, out);
  if (is_over()) return out;
  evidence_.observe(observation, now);
  if (verdict_.is == ScenarioVerdict::Is::settling) {
    judge(now, out);
    return out;
  }
  if (const auto* other = std::get_if<OtherEntered>(&observation))
    others_[other->scenario] = other->state;
  for (auto& each : progress_)
    note(each, observation);
  step(now, out);
  return out;
}

ScenarioEffects ScenarioRun::tick(Time now) {
  ScenarioEffects out;
  if (is_over()) return out;
  run_timers(advance(now), out);
  return out;
}

ScenarioEffects ScenarioRun::go_to(std::size_t state, Time now, std::string why) {
  ScenarioEffects out;
  if (verdict_.is != ScenarioVerdict::Is::running) return out;
  now = advance(now);
  run_timers(now, out);
  if (verdict_.is != ScenarioVerdict::Is::running) return out;
  enter(state, now, std::move(why), out);
  step(now, out);
  return out;
}

ScenarioEffects ScenarioRun::stop(Time now, std::string why) {
  return conclude(true, now, std::move(why));
}

ScenarioEffects ScenarioRun::abandon(Time now, std::string why) {
  return conclude(false, now, std::move(why));
}

/// Either way with the findings; `judged`: they are the verdict.
ScenarioEffects ScenarioRun::conclude(bool judged, Time now, std::string why) {
  using Is = ScenarioVerdict::Is;
  ScenarioEffects out;
  if (is_over()) return out;
  now = advance(now);
  verdict_.findings = evidence_.judge(state_, now);
  const bool passed = std::ranges::all_of(verdict_.findings, &Finding::passed);
  finish(!judged ? Is::stopped : passed ? Is::passed : Is::failed, now, std::move(why), out);
  return out;
}

ScenarioEffects ScenarioRun::fail(Time now, std::string why) {
  ScenarioEffects out;
  if (is_over()) {  // by the same effects of which one could not be had: their end follows
    verdict_.is = ScenarioVerdict::Is::failed;
    verdict_.why = std::move(why);
    impossible_ = true;
    return out;
  }
  now = advance(now);
  verdict_.findings = evidence_.judge(state_, now);
  impossible_ = true;
  finish(ScenarioVerdict::Is::failed, now, std::move(why), out);
  return out;
}

// ---- conditions --------------------------------------------------------------------------------

void ScenarioRun::note(Progress& progress, const Observation& observation) const {
  const Condition& when = scenario_->transitions[progress.transition].when;
  if (is_login(when, observation)) ++progress.logins;
  if (const auto* sent = std::get_if<FunctionSent>(&observation)) {
    if (std::ranges::find(when.functions, sent->function) != when.functions.end())
      ++progress.functions;
  } else if (const auto* mark = std::get_if<MarkSet>(&observation)) {
    progress.marked = progress.marked || mark->name == when.mark;
  } else if (const auto* event = std::get_if<EventRaised>(&observation)) {
    progress.raised = progress.raised || event->name == when.event;
  } else if (const auto* fired = std::get_if<RuleFired>(&observation)) {
    progress.matched = progress.matched || fired->rule == progress.watcher;
    if (fired->rule == when.rule) ++progress.fired;
  }
}

bool ScenarioRun::holds(const Progress& progress, Time now) const {
  const Condition& when = scenario_->transitions[progress.transition].when;
  if (when.after && now - entered_at_ < *when.after) return false;
  if (when.match && !progress.matched) return false;
  if (!when.functions.empty() && progress.functions < when.count) return false;
  if (when.login && progress.logins < when.count) return false;
  if (!when.mark.empty() && !progress.marked) return false;
  if (!when.event.empty() && !progress.raised) return false;
  if (!when.rule.empty() && progress.fired < when.fired) return false;
  if (when.scenario.empty()) return true;
  const auto other = others_.find(when.scenario);
  return other != others_.end() && other->second == when.scenario_state;
}

/// Condition time alone makes it hold.
std::optional<Time> ScenarioRun::due(const Progress& progress) const {
  const Condition& when = scenario_->transitions[progress.transition].when;
  if (!when.after) return std::nullopt;
  const Time then = entered_at_ + *when.after;
  return holds(progress, then) ? std::optional(then) : std::nullopt;
}

std::string ScenarioRun::reason_of(const Transition& transition) const {
  const Condition& when = transition.when;
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : " and ") + part; };
  const auto counted = [&](const std::string& what) {
    add(what + " (" + std::to_string(when.count) + ")");
  };
  if (when.after) add(duration_text(*when.after) + " had passed");
  if (when.match) counted("commands matched");
  if (!when.functions.empty()) counted("task management functions came");
  if (when.login)
    counted("sessions: " + std::string(kLoginKindNames[static_cast<std::size_t>(*when.login)]));
  if (!when.mark.empty()) add("mark " + when.mark);
  if (!when.event.empty()) add("event " + when.event);
  if (!when.rule.empty()) add("rule " + when.rule + " fired " + std::to_string(when.fired));
  if (!when.scenario.empty()) add("scenario " + when.scenario + " in " + when.scenario_state);
  return out;
}

// ---- states ------------------------------------------------------------------------------------

void ScenarioRun::enter(std::size_t state, Time now, std::string why, ScenarioEffects& out) {
  if (entries_ != 0) evidence_.left(state_, now);
  ++entries_;
  state_ = state;
  entered_at_ = now;
  evidence_.entered(state, now);
  if (verdict_.timeline.size() < kMaxTimeline)
    verdict_.timeline.push_back({now, state, std::move(why)});
  else
    ++verdict_.steps_left_out;
  progress_.clear();
  const bool ends = scenario_->ends_at(state);
  for (std::size_t i = 0; !ends && i < scenario_->transitions.size(); ++i) {
    const Transition& each = scenario_->transitions[i];
    if (!each.leaves(state)) continue;
    Progress fresh;
    fresh.transition = i;
    if (each.when.match) fresh.watcher = watcher_id(*scenario_, state, i);
    progress_.push_back(std::move(fresh));
  }
  out.push_back(EnterState{state, now});
  out.push_back(PutRules{ends ? std::vector<Rule>() : rules_of_state(*scenario_, state, entries_),
                         borrowed_rules(scenario_->states[state])});
  for (const auto& action : scenario_->states[state].enter)
    out.push_back(action);
  if (ends) settle(now, "it reached its end in " + scenario_->states[state].name, out);
}

void ScenarioRun::step(Time now, ScenarioEffects& out) {
  for (std::size_t taken = 0; verdict_.is == ScenarioVerdict::Is::running; ++taken) {
    const auto ready =
        std::ranges::find_if(progress_, [&](const auto& each) { return holds(each, now); });
    if (ready == progress_.end()) return;
    if (taken == kMaxTransitionsPerStep) {
      verdict_.findings = evidence_.judge(state_, now);
      finish(ScenarioVerdict::Is::failed, now,
             "more than " + std::to_string(kMaxTransitionsPerStep) +
                 " transitions led on at one moment: they are a loop without time",
             out);
      return;
    }
    const Transition& transition = scenario_->transitions[ready->transition];
    enter(transition.to, now, reason_of(transition), out);
  }
}

void ScenarioRun::run_timers(Time now, ScenarioEffects& out) {
  while (!is_over()) {
    const auto next = next_deadline();
    if (!next || *next > now) return;
    const Time at = std::max(entered_at_, now - *next > kMaxCatchUp ? now : *next);
    if (verdict_.is == ScenarioVerdict::Is::settling) {
      judge(at, out);
    } else if (scenario_->lasts && verdict_.started + *scenario_->lasts <= at) {
      evidence_.left(state_, at);
      out.push_back(PutRules{});
      settle(at, "its time was over in " + scenario_->states[state_].name, out);
    } else {
      step(at, out);
    }
  }
}

std::optional<Time> ScenarioRun::next_deadline() const {
  if (is_over()) return std::nullopt;
  if (verdict_.is == ScenarioVerdict::Is::settling)
    return evidence_.open_until(last_).value_or(last_);
  std::optional<Time> next;
  const auto sooner = [&](Time then) { next = std::min(next.value_or(then), then); };
  if (scenario_->lasts) sooner(verdict_.started + *scenario_->lasts);
  for (const auto& each : progress_)
    if (const auto then = due(each)) sooner(*then);
  return next;
}

void ScenarioRun::settle(Time now, std::string why, ScenarioEffects& out) {
  verdict_.is = ScenarioVerdict::Is::settling;
  verdict_.why = std::move(why);
  progress_.clear();
  judge(now, out);
}

void ScenarioRun::judge(Time now, ScenarioEffects& out) {
  if (evidence_.open_until(now)) return;
  verdict_.findings = evidence_.judge(state_, now);
  const bool passed = std::ranges::all_of(verdict_.findings, &Finding::passed);
  finish(passed ? ScenarioVerdict::Is::passed : ScenarioVerdict::Is::failed, now,
         std::move(verdict_.why), out);
}

void ScenarioRun::finish(ScenarioVerdict::Is is, Time now, std::string why, ScenarioEffects& out) {
  verdict_.is = is;
  verdict_.why = std::move(why);
  verdict_.ended = now;
  progress_.clear();
  out.push_back(PutRules{});
  out.push_back(EndRun{});
}

ScenarioVerdict ScenarioRun::verdict(Time now) const {
  ScenarioVerdict out = verdict_;
  if (is_over()) return out;
  out.ended = std::max(last_, now);
  out.findings = evidence_.judge(state_, out.ended);
  return out;
}

}  // namespace faultlun::faults
