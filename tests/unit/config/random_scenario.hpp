// Scenarios drawn from a seed, valid by construction.
#pragma once

#include "config/scenario.hpp"
#include "tests/unit/config/random_rule.hpp"

#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <vector>

namespace faultlun::config::test {

class RandomScenario {
 public:
  explicit RandomScenario(std::uint64_t seed) : engine_(seed), seed_(seed) {}

  faults::Scenario draw() {
    faults::Scenario out;
    out.id = "plot-" + std::to_string(seed_);
    if (coin()) out.seed = engine_() >> below(64);
    const std::size_t states = 1 + below(5);
    for (std::size_t i = 0; i < states; ++i) {
      out.states.emplace_back();
      out.states.back().name = "S." + std::to_string(i) + "_x";
    }
    for (auto& each : out.states)
      fill(each, out);
    out.start = below(states);
    for (std::size_t i = below(6); i > 0; --i)
      out.transitions.push_back({coin() ? std::optional(std::size_t(below(states))) : std::nullopt,
                                 below(states), condition()});
    for (std::size_t i = below(6); i > 0; --i)
      out.expect.push_back(expectation(states));
    if (coin()) out.lasts = time(1000);
    if (coin()) out.note = "a \"note\", é";
    return out;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool coin() { return below(2) == 0; }
  faults::Time time(std::uint64_t least_us) {
    return std::chrono::microseconds(
        static_cast<std::int64_t>(least_us + below(coin() ? 1'000'000 : 35'000'000'000'000)));
  }
  std::string name() { return "name " + std::to_string(below(3)) + " é/"; }
  std::string rule_id() { return "other-" + std::to_string(below(3)); }
  std::uint64_t count() { return coin() ? 1 : 1 + (engine_() >> 1); }

  faults::Rule rule(const faults::Scenario& in) {
    faults::Rule made = RandomRule(engine_()).draw(++rules_);
    if (made.life.on_exhaust == faults::OnExhaust::go_to)
      made.life.on_exhaust_name = in.states[below(in.states.size())].name;
    return made;
  }
  void fill(faults::ScenarioState& state, const faults::Scenario& in) {
    for (std::size_t i = below(3); i > 0; --i) {
      faults::Rule made = rule(in);
      state.rules.push_back({made.id, made});
    }
    for (const auto& other : in.states)  // those that are filled already
      for (const auto& each : other.rules)
        if (&other != &state && each.rule && below(4) == 0 && !has(state, each.id))
          state.rules.push_back(each);
    if (coin()) state.rules.push_back({"borrowed", {}});
    for (std::size_t i = below(4); i > 0; --i)
      state.enter.push_back(action());
    state.end = state.rules.empty() && coin();
    if (coin()) state.note = "why";
  }
  static bool has(const faults::ScenarioState& state, const std::string& id) {
    for (const auto& each : state.rules)
      if (each.id == id) return true;
    return false;
  }
  faults::ScenarioAction action() {
    constexpr const char* kUnits[] = {
        R"({"do": "lu.offline", "target": "iqn.t", "lun": 3, "for": "5s", "silent": true})",
        R"({"do": "lu.online"})", R"({"do": "lu.power_cycle", "off": "2s", "lun": 16383})",
        R"({"do": "ua.queue", "asc": "29/00", "nexus": "next_login", "count": 3})"};
    switch (below(5)) {
      case 0:
        return faults::SetMark{name()};
      case 1:
        return faults::RaiseEvent{name()};
      case 2:
        return faults::ChangeRule{static_cast<faults::ChangeRule::Do>(below(3)), rule_id()};
      case 3:
        return faults::ReleaseHeld{coin() ? name() : ""};
      default:
        break;
    }
    const std::string unit = kUnits[below(4)];
    return load_scenario(R"({"id": "s", "states": {"a": {"enter": [)" + unit + "]}}}")
        .scenario->states[0]
        .enter[0];
  }
  faults::Condition condition() {
    faults::Condition out;
    if (coin()) out.after = time(1000);
    if (coin()) out.match = RandomRule(engine_()).draw(1).match;
    if (coin()) out.functions = {static_cast<std::uint8_t>(1 + below(8)), 0x63};
    if (coin()) out.login = static_cast<faults::LoginKind>(below(3));
    if (out.match || !out.functions.empty() || out.login) out.count = count();
    if (coin()) out.mark = name();
    if (coin()) {
      out.scenario = "peer";
      out.scenario_state = name();
    }
    if (coin()) {
      out.rule = rule_id();
      out.fired = count();
    }
    if (coin() || !out.anything()) out.event = name();
    return out;
  }
  faults::Expect expectation(std::size_t states) {
    const auto& row = faults::expect_table()[below(faults::expect_table().size())];
    const auto says = [&](faults::ExpectKey key) {
      return (row.needs & key) != 0 || ((row.takes & key) != 0 && coin());
    };
    faults::Expect out;
    out.that = row.that;
    if (says(faults::kWithin)) out.within = time(1);
    if (says(faults::kValue))
      out.least = std::chrono::milliseconds(1 + static_cast<std::int64_t>(below(100'000)));
    if (says(faults::kAfter) || says(faults::kState)) out.state = below(states);
    if (says(faults::kOrder)) out.functions = {1, 5, 1};
    if (says(faults::kTmf)) out.functions = {6};
    if (says(faults::kCount)) out.count = count();
    if (says(faults::kRule)) out.rule = rule_id();
    if (says(faults::kMin)) out.min = below(100);
    if (says(faults::kMax)) out.max = 100 + below(1000);
    return out;
  }

  std::mt19937_64 engine_;
  std::uint64_t seed_, rules_ = 0;
};

}  // namespace faultlun::config::test
