// The scenarios there are, and the runs that are under way: feeds them with what happens, does what
// they say, and keeps the verdict of each one's last run.  Time is an argument, since the start of
// the daemon.  On the control thread alone.
#pragma once

#include "daemon/scenario_host.hpp"
#include "faults/scenario_run.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon {

inline constexpr std::size_t kMaxScenarios = 64;
inline constexpr std::size_t kMaxScenarioWaiters = 256;  ///< of one run
/// Marks, events and states that scenarios tell each other at one moment; then they are a loop.
inline constexpr std::size_t kMaxTellings = 256;

struct ScenarioError {
  enum class Kind : std::uint8_t { not_found, conflict, limit };
  Kind kind = Kind::conflict;
  std::string message;  ///< the reason and the remedy
};

struct ScenarioStatus {
  std::shared_ptr<const faults::Scenario> scenario;
  std::uint64_t revision = 0;  ///< never reused
  std::uint64_t runs = 0;
  std::shared_ptr<const faults::ScenarioRun> run;  ///< the last one; null: none yet
};

class ScenarioRunner {
 public:
  using Time = faults::Time;
  using MaybeError = std::optional<ScenarioError>;

  /// The host outlives the runner.
  explicit ScenarioRunner(ScenarioHost& host) : host_(host) {}
  ScenarioRunner(const ScenarioRunner&) = delete;
  ScenarioRunner& operator=(const ScenarioRunner&) = delete;

  // ---- the control API

  /// Adds or replaces one that is not running.
  MaybeError put(faults::Scenario scenario);
  /// Breaks its run off, if it is under way.
  MaybeError remove(std::string_view id, Time now);
  std::optional<ScenarioStatus> find(std::string_view id) const;
  std::vector<ScenarioStatus> list() const;  ///< by ID

  MaybeError start(std::string_view id, Time now);
  /// Ends the run and judges it; `discard`: breaks it off.
  MaybeError stop(std::string_view id, bool discard, Time now);
  MaybeError go_to(std::string_view id, std::string_view state, Time now);
  /// `done` is called when the run is over, at once if it is; a waiter whose `is_gone` says so
  /// makes room for others.
  MaybeError when_over(std::string_view id, std::function<void()> done,
                       std::function<bool()> is_gone);

  void raise_event(const std::string& name, Time now);
  void set_mark(const std::string& name, Time now);

  // ---- the daemon

  /// What happened at `at`, in order; marks and events come by the functions above instead.
  void observe(const faults::Observation& observation, Time at);
  void tick(Time now);
  std::optional<Time> next_deadline() const;
  /// Somebody wants observations; of commands one by one.
  bool is_running() const;
  bool needs_commands() const;
  /// What the exhaustion of a rule asks for (RuleBook::exhausted).
  void exhausted(std::string_view rule, const Exhaustion& exhaustion, Time now);
  /// Every run is broken off: POST /v1/reset, shutdown.  Scenarios stay.
  void abandon_all(const std::string& why, Time now);

 private:
  struct Waiter {
    std::function<void()> done;
    std::function<bool()> is_gone;
  };
  struct Held {
    std::shared_ptr<const faults::Scenario> scenario;
    std::uint64_t revision = 0, runs = 0;
    std::shared_ptr<faults::ScenarioRun> run;
    std::map<std::string, bool> borrowed;  ///< rules, and whether they were armed before
    std::vector<std::string> armed;        ///< of these, now
    std::vector<Waiter> waiters;
    bool is_running() const { return run && !run->is_over(); }
  };
  struct Telling {
    std::string from;  ///< scenario; empty: from outside
    faults::Observation observation;
  };

  Held* held(std::string_view id);
  const Held* held(std::string_view id) const;
  static ScenarioError unknown(std::string_view id);
  static ScenarioError not_running(const Held& held);
  void apply(Held& held, faults::ScenarioEffects effects, Time now);
  std::string carry_out(Held& held, const faults::ScenarioEffect& effect, Time now);
  std::string put_rules(Held& held, const faults::PutRules& put);
  std::string act(Held& held, const faults::ScenarioAction& action, Time now);
  void end(Held& held);
  void tell(std::string from, faults::Observation observation);
  void tell_all(Time now);

  ScenarioHost& host_;
  std::map<std::string, Held, std::less<>> scenarios_;
  std::deque<Telling> tellings_;
  bool telling_ = false;
  std::uint64_t last_revision_ = 0;
};

}  // namespace faultlun::daemon
