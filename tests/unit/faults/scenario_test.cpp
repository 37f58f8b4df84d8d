#include "faults/scenario.hpp"

#include "tests/unit/faults/made_scenarios.hpp"

#include <algorithm>
#include <set>

namespace scenario_test {

using namespace faultlun;
using namespace faultlun::faults;
using namespace faultlun::faults::made;

namespace {

std::vector<std::string> ids(const std::vector<Rule>& rules) {
  std::vector<std::string> out;
  for (const auto& each : rules)
    out.push_back(each.id);
  return out;
}

}  // namespace

TEST_CASE("every expectation has a name of its own and a meaning, and needs only what it takes") {
  std::set<std::string_view> names;
  for (const auto& row : expect_table()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.meaning.ends_with("."));
    CHECK((row.needs & ~row.takes) == 0);
    CHECK(name_of(row.that) == row.name);
  }
  CHECK(names.size() == 13);
}

TEST_CASE("a scenario ends in a state that says so, or has no rules and no way out") {
  Scenario plot = made::scenario(3, {way(0, 1, after(1)), way(1, 0, after(1))});
  CHECK_FALSE(plot.ends_at(0));
  CHECK(plot.ends_at(2));
  plot.states[2].rules = {state_rule("r")};
  CHECK_FALSE(plot.ends_at(2));
  plot.states[0].end = true;
  CHECK(plot.ends_at(0));
}

TEST_CASE("a transition from everywhere leaves every state but the one it leads to") {
  Transition from_all{{}, 1, on_event("e")};
  CHECK(from_all.leaves(0));
  CHECK_FALSE(from_all.leaves(1));
  CHECK(from_all.leaves(2));
  Scenario plot = made::scenario(2, {from_all});
  CHECK_FALSE(plot.ends_at(0));
  CHECK(plot.ends_at(1));
  CHECK(way(1, 1, after(1)).leaves(1));  // once more
}

TEST_CASE("each clause alone makes a condition that holds something up") {
  CHECK_FALSE(Condition().anything());
  CHECK(after(0).anything());
  CHECK(on_match().anything());
  CHECK(on_functions({kAbortTask}).anything());
  CHECK(on_login(LoginKind::down).anything());
  CHECK(on_mark("m").anything());
  CHECK(on_event("e").anything());
  CHECK(on_other("s", "a").anything());
  CHECK(on_fired("r").anything());
}

TEST_CASE("a state installs its own rules, then one that watches for each match leading out") {
  Scenario plot =
      made::scenario(3, {way(0, 1, on_match(500)), way(1, 0, on_match()), way(0, 2, after(1)),
                         way(0, 2, on_match(2)), Transition{{}, 1, on_match(3)}});
  plot.states[0].rules = {state_rule("first"), {"borrowed", {}}, state_rule("second")};
  const auto rules = rules_of_state(plot, 0, 7);
  CHECK(ids(rules) ==
        std::vector<std::string>{"first", "second", "plot.a.1", "plot.a.2", "plot.a.3"});
  CHECK(watcher_id(plot, 0, 0) == "plot.a.1");
  CHECK(watcher_id(plot, 0, 3) == "plot.a.2");
  CHECK(watcher_id(plot, 2, 4) == "plot.c.1");
  const Rule& watcher = rules[2];
  CHECK(watcher.match == *plot.transitions[0].when.match);
  CHECK(watcher.gate.nth == 500);
  CHECK(watcher.observe);
  CHECK(watcher.effects.empty());
  CHECK(watcher.life.global);
  CHECK(watcher.life.must_fire == false);
  CHECK(watcher.note == "leads to b");
  CHECK(ids(rules_of_state(plot, 1, 1)) == std::vector<std::string>{"plot.b.1"});
}

TEST_CASE("rules of another entry are other rules, so that their counters begin anew") {
  Scenario plot = made::scenario(2, {way(0, 1, on_match())});
  plot.states[0].rules = {state_rule("r")};
  const auto first = rules_of_state(plot, 0, 1), again = rules_of_state(plot, 0, 2);
  CHECK(first[0] != again[0]);
  CHECK(first[1] != again[1]);
  CHECK(first == rules_of_state(plot, 0, 1));
  CHECK(first[0].life.tags == std::vector<std::string>{"entry-1"});
}

TEST_CASE("rules of a state draw from the scenario's seed unless they have one") {
  Scenario plot = made::scenario(1, {});
  plot.states[0].rules = {state_rule("r"), state_rule("own")};
  plot.states[0].rules[1].rule->seed = 5;
  CHECK_FALSE(rules_of_state(plot, 0, 1)[0].seed);
  plot.seed = 0x5eed;
  CHECK(rules_of_state(plot, 0, 1)[0].seed == 0x5eed);
  CHECK(rules_of_state(plot, 0, 1)[1].seed == 5);
}

TEST_CASE("a window since the state begins when its rules are armed") {
  Scenario plot = made::scenario(1, {});
  plot.states[0].rules = {state_rule("r"), state_rule("mark")};
  plot.states[0].rules[0].rule->gate.window = {Window::Since::state, "", ms(5), ms(10)};
  plot.states[0].rules[1].rule->gate.window = {Window::Since::mark, "m", ms(5), ms(10)};
  const auto rules = rules_of_state(plot, 0, 1);
  CHECK(rules[0].gate.window == Window{Window::Since::arm, "", ms(5), ms(10)});
  CHECK(rules[1].gate.window == Window{Window::Since::mark, "m", ms(5), ms(10)});
}

TEST_CASE("borrowed rules are those that no state brings, each once") {
  Scenario plot = made::scenario(2, {});
  plot.states[0].rules = {{"x", {}}, state_rule("own"), {"y", {}}};
  plot.states[1].rules = {{"y", {}}, {"z", {}}};
  CHECK(borrowed_rules(plot) == std::vector<std::string>{"x", "y", "z"});
  CHECK(borrowed_rules(plot.states[1]) == std::vector<std::string>{"y", "z"});
}

TEST_CASE("the longest names of all still make an ID for a watching rule") {
  Scenario plot =
      made::scenario(1, std::vector<Transition>(kMaxTransitions, way(0, 0, on_match())));
  plot.id = std::string(kMaxScenarioIdBytes, 's');
  plot.states[0].name = std::string(kMaxStateNameBytes, 'n');
  CHECK(watcher_id(plot, 0, kMaxTransitions - 1).size() <= kMaxRuleIdBytes);
}

}  // namespace scenario_test
