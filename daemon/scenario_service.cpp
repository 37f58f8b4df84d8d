#include "daemon/scenario_service.hpp"

#include "daemon/connection.hpp"
#include "daemon/log.hpp"
#include "daemon/unit_changes.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

namespace faultlun::daemon {
namespace {

template <typename Visit>
void for_each_unit(World& world, Visit visit) {
  for (const auto& target : world.targets())
    for (const auto& host : target->configured_luns()->by_number)
      if (host) visit(*target, *host);
}

JournalObserver::Media media_of(World& world) {
  JournalObserver::Media media;
  media.count = [&world] {
    std::size_t count = 0;
    for_each_unit(world, [&](TargetHost&, LunHost& host) { count += host.device().count(); });
    return count;
  };
  media.laid = [&world] {
    std::set<std::string> rules;
    for_each_unit(world, [&](TargetHost&, LunHost& host) {
      for (auto& overlay : host.device().list())
        rules.insert(std::move(overlay.rule));
    });
    return rules;
  };
  return media;
}

}  // namespace

ScenarioService::ScenarioService(ScenarioSurroundings surroundings)
    : RuleBookHost(surroundings.book, surroundings.now),
      around_(std::move(surroundings)),
      observer_(around_.sources, media_of(around_.world)) {}

// ---- what happens ------------------------------------------------------------------------------

void ScenarioService::observe(faults::Time now) {
  observer_.read(
      runner_.needs_commands(), now,
      [this](const faults::Observation& what, faults::Time at) { runner_.observe(what, at); });
}

void ScenarioService::catch_up(faults::Time now) {
  if (runner_.is_running()) return observe(now);
  observer_.skip();
  // Behind what is about to happen: perhaps a run has begun then.
  around_.set_alarm(std::chrono::nanoseconds(0), [this] { turn(); });
}

/// Again and again while something runs.
void ScenarioService::turn() {
  if (!runner_.is_running()) return;
  const auto now = since_start();
  observe(now);
  runner_.tick(now);
  std::chrono::nanoseconds pause = kPoll;
  if (const auto due = runner_.next_deadline())
    pause = std::clamp<std::chrono::nanoseconds>(*due - now, std::chrono::nanoseconds(0), kPoll);
  around_.set_alarm(pause, [this] { turn(); });
}

void ScenarioService::exhausted(std::string_view rule, const Exhaustion& exhaustion) {
  if (exhaustion.event.empty() && exhaustion.go_to.empty()) return;
  around_.post([this, rule = std::string(rule), exhaustion] {
    runner_.exhausted(rule, exhaustion, since_start());
  });
}

// ---- what the runner asks for ------------------------------------------------------------------

std::string ScenarioService::change_unit(const faults::ChangeUnit& change, faults::Time now) {
  std::size_t found = 0;
  for_each_unit(around_.world, [&](TargetHost& target, LunHost& host) {
    if (!change.target.empty() && target.name() != change.target) return;
    if (change.lun && host.number() != *change.lun) return;
    ++found;
    if (const auto* unit = std::get_if<faults::UnitChange>(&change.effect.action))
      daemon::change_unit(around_.world, target, host.number(), *unit, now, {"scenario"});
    else if (const auto* attention = std::get_if<faults::Attention>(&change.effect.action))
      raise(host, *attention, {});
  });
  if (found != 0) return {};
  return "there is no unit" + (change.lun ? " " + std::to_string(*change.lun) : std::string()) +
         (change.target.empty() ? std::string() : " of the target " + change.target) + " that " +
         std::string(change.effect.fault->id) + " could change";
}

void ScenarioService::release_held(const std::string& tag) {
  TaskRunner::Release wanted;
  if (!tag.empty()) wanted.tag = tag;
  around_.publisher.for_each(
      [wanted](Connection& connection) {
        if (connection.runner()) connection.runner()->release(wanted);
      },
      [] {});
}

void ScenarioService::note_mark(const std::string& name, faults::Time now) {
  around_.world.marks.set(name, now);
  around_.journal.add(JournalEntry::mark(around_.marks.add(name), now));
}

void ScenarioService::note_event(const std::string& name, faults::Time now) {
  around_.journal.add(JournalEntry::event(around_.names.add(name), now));
}

void ScenarioService::note_state(const std::string& scenario, const std::string& state,
                                 faults::Time now) {
  log::faults().info("scenario={} state={}", scenario, state);
  around_.journal.add(
      JournalEntry::scenario_state(around_.names.add(scenario), around_.names.add(state), now));
}

std::vector<faults::SessionUp> ScenarioService::sessions() const {
  std::vector<faults::SessionUp> out;
  for (auto& [number, initiator] : around_.world.aliases.living())
    out.push_back({number, initiator});
  return out;
}

}  // namespace faultlun::daemon
