// A host of scenarios that writes down what is asked of it, and scenarios made of JSON.
#pragma once

#include "config/scenario.hpp"
#include "daemon/scenario_runner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::daemon {

inline faults::Scenario scenario_of(const std::string& text) {
  auto loaded = config::load_scenario(text);
  REQUIRE_MESSAGE(
      loaded.scenario.has_value(),
      (loaded.errors.empty() ? std::string("no error")
                             : loaded.errors.front().path + ": " + loaded.errors.front().message));
  return std::move(*loaded.scenario);
}

/// ok → hung by the event "go"; hung → done by the event "end".
inline std::string walk(const std::string& id, const std::string& more = "") {
  return R"({"id":")" + id + R"(","states":{"ok":{"rules":[{"id":")" + id +
         R"(-r","effect":{"scsi.status":"BUSY"},"life":{"must_fire":false}}]},
    "hung":{"rules":[{"id":")" +
         id + R"(-h","effect":{"scsi.status":"BUSY"},"life":{"must_fire":false}}]},"done":{}},
    "transitions":[{"from":"ok","to":"hung","when":{"event":"go"}},
                   {"from":"hung","to":"done","when":{"event":"end"}}])" +
         more + "}";
}

class FakeScenarioHost final : public ScenarioHost {
 public:
  std::vector<std::string> asked;  ///< in order
  std::map<std::string, BorrowedRule, std::less<>> rules;
  std::map<std::string, std::string> refusals;  ///< what is asked, and why not
  std::vector<faults::SessionUp> live;

  std::string put_rules(std::string_view scenario, std::vector<faults::Rule> put) override {
    std::string line = "rules " + std::string(scenario);
    for (const auto& rule : put)
      line += " " + rule.id;
    return note(line);
  }
  std::optional<BorrowedRule> find_rule(std::string_view id) const override {
    const auto found = rules.find(id);
    return found == rules.end() ? std::nullopt : std::optional(found->second);
  }
  std::string change_rule(const faults::ChangeRule& change) override {
    constexpr const char* kNames[] = {"arm ", "disarm ", "reset "};
    if (const auto found = rules.find(change.rule);
        found != rules.end() && change.what != faults::ChangeRule::Do::reset)
      found->second.armed = change.what == faults::ChangeRule::Do::arm;
    return note(kNames[static_cast<std::size_t>(change.what)] + change.rule);
  }
  std::string change_unit(const faults::ChangeUnit& change, faults::Time) override {
    return note("unit " + std::string(change.effect.fault->id));
  }
  void release_held(const std::string& tag) override { note("release " + tag); }
  void catch_up(faults::Time) override { ++caught_up; }
  void note_mark(const std::string& name, faults::Time) override { note("mark " + name); }
  void note_event(const std::string& name, faults::Time) override { note("event " + name); }
  void note_state(const std::string& scenario, const std::string& state, faults::Time) override {
    note("state " + scenario + " " + state);
  }
  std::vector<faults::SessionUp> sessions() const override { return live; }

  /// What was asked since the last time.
  std::vector<std::string> take() { return std::exchange(asked, {}); }
  std::size_t caught_up = 0;

 private:
  std::string note(const std::string& line) {
    asked.push_back(line);
    const auto found = refusals.find(line);
    return found == refusals.end() ? std::string() : found->second;
  }
};

}  // namespace faultlun::daemon
