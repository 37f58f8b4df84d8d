// Scenarios in the daemon: the runner, what it needs of the units, sessions and rules, and the
// watch over the journal that tells it what happens.  While no scenario runs, nobody watches and
// nothing costs anything.
#pragma once

#include "daemon/journal_observer.hpp"
#include "daemon/name_table.hpp"
#include "daemon/publisher.hpp"
#include "daemon/scenario_host.hpp"
#include "daemon/scenario_runner.hpp"
#include "daemon/world.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace faultlun::daemon {

/// What scenarios live with.  All of it outlives them.
struct ScenarioSurroundings {
  World& world;
  RuleBook& book;
  WorkerPublisher& publisher;
  JournalSources sources;
  SharedJournal& journal;
  NameTable& marks;
  NameTable& names;  ///< of events, scenarios and states
  std::function<TimePoint()> now;
  /// The control thread's (control::Server).
  std::function<void(std::function<void()>)> post;
  std::function<void(std::chrono::nanoseconds, std::function<void()>)> set_alarm;
};

class ScenarioService final : public RuleBookHost {
 public:
  /// While a scenario runs, the journal is read this often.
  static constexpr std::chrono::milliseconds kPoll{10};

  explicit ScenarioService(ScenarioSurroundings surroundings);
  ScenarioService(const ScenarioService&) = delete;
  ScenarioService& operator=(const ScenarioService&) = delete;

  // ---- on the control thread

  ScenarioRunner& runner() { return runner_; }
  faults::Time since_start() const { return around_.world.since_start(around_.now()); }
  void abandon_all(const std::string& why) { runner_.abandon_all(why, since_start()); }

  // ---- from any thread

  /// A rule was used up (RuleBook::exhausted).
  void exhausted(std::string_view rule, const Exhaustion& exhaustion);

  // ---- what the runner asks for

  std::string change_unit(const faults::ChangeUnit& change, faults::Time now) override;
  void release_held(const std::string& tag) override;
  void catch_up(faults::Time now) override;
  void note_mark(const std::string& name, faults::Time now) override;
  void note_event(const std::string& name, faults::Time now) override;
  void note_state(const std::string& scenario, const std::string& state, faults::Time now) override;
  std::vector<faults::SessionUp> sessions() const override;

 private:
  void observe(faults::Time now);
  void turn();

  ScenarioSurroundings around_;
  ScenarioRunner runner_{*this};
  JournalObserver observer_;
};

}  // namespace faultlun::daemon
