#include "faults/explain.hpp"

#include "tests/unit/faults/command_bench.hpp"

#include <doctest/doctest.h>

namespace explain_test {

using namespace faultlun::faults;

namespace {

Rule on_lba(std::string id, std::uint64_t lba) {
  auto rule = busy_rule(std::move(id));
  rule.match.lbas.push_back({lba, 1, LbaMatch::Mode::overlap});
  return rule;
}

Forecast next_of(const Rule& rule, const Facts& facts, const RuleState* state = nullptr,
                 const RuleSet* set = nullptr) {
  const auto own = rule_set({rule});
  const auto all = explain(set != nullptr ? *set : *own, state, 42, facts, Past{});
  REQUIRE(all.size() == 1);
  REQUIRE(all.front().next);
  return *all.front().next;
}

}  // namespace

TEST_CASE("rules that match come first, then those with the fewest obstacles") {
  CommandBench bench;
  auto far = on_lba("far", 9);
  far.match.luns = {5};
  const auto rules = rule_set({far, on_lba("near", 9), on_lba("hit", 1)});
  const auto all = explain(*rules, nullptr, 42, bench.command(1, 1), Past{});
  REQUIRE(all.size() == 3);
  CHECK(all[0].rule->rule.id == "hit");
  CHECK(all[0].matches());
  CHECK(all[0].next);
  CHECK(all[1].rule->rule.id == "near");
  CHECK(all[1].obstacles() == 1);
  CHECK(all[1].missing == std::vector<std::string_view>{"lba"});
  CHECK_FALSE(all[1].next);
  CHECK(all[2].missing == std::vector<std::string_view>{"lun", "lba"});
}

TEST_CASE("a rule that is disarmed, or whose effect is about other commands, does not match") {
  CommandBench bench;
  auto disarmed = busy_rule("disarmed");
  disarmed.life.armed = false;
  auto writes = busy_rule("writes");
  MediumError error;
  error.of_writes = true;
  writes.effects = {effect_of(error)};
  const auto rules = rule_set({disarmed, writes});
  const auto all = explain(*rules, nullptr, 42, bench.command(1, 1), Past{});
  CHECK_FALSE(all[0].armed);
  CHECK(all[0].obstacles() == 1);
  CHECK_FALSE(all[1].can_strike);
  CHECK_FALSE(all[1].matches());
}

TEST_CASE("a rule about task management does not match a command, nor the other way round") {
  static const FaultRow kOfFunctions{.id = "test.tmf",
                                     .site = Site::tmf_rx,
                                     .parameters = {},
                                     .build = nullptr,
                                     .summary = "",
                                     .wire = "",
                                     .host = "",
                                     .example = "",
                                     .illegal = false};
  CommandBench bench;
  auto functions = busy_rule("functions");
  functions.effects = {effect_of(TaskManagementFault{}, kOfFunctions)};
  const auto rules = rule_set({functions, busy_rule("commands")});
  auto all = explain(*rules, nullptr, 42, bench.command(1, 1), Past{});
  CHECK(all[0].rule->rule.id == "commands");
  CHECK(all[0].matches());
  CHECK_FALSE(all[1].site);
  all = explain(*rules, nullptr, 42, bench.function(1, 1), Past{});
  CHECK(all[0].rule->rule.id == "functions");
  CHECK(all[0].matches());
  CHECK_FALSE(all[1].site);
}

TEST_CASE("the gate of a rule that matches says what it would do next") {
  CommandBench bench;
  const auto facts = bench.command(1, 1);
  auto rule = busy_rule("r1");
  CHECK(next_of(rule, facts).outcome == Outcome::fired);
  rule.observe = true;
  CHECK(next_of(rule, facts).outcome == Outcome::observed);
  rule.observe = false;
  rule.gate.every = 3;
  CHECK(next_of(rule, facts).outcome == Outcome::gated);
  rule.gate.every.reset();
  rule.gate.budget_bytes = 1;
  CHECK(next_of(rule, facts).outcome == Outcome::budget);
  rule.gate.budget_bytes.reset();
  rule.gate.window = Window{Window::Since::arm, "", Time(100), std::nullopt};
  CHECK(next_of(rule, facts).outcome == Outcome::closed);
  rule.gate.window->since = Window::Since::mark;
  CHECK_FALSE(next_of(rule, facts).certain);
  rule.gate.window.reset();
  rule.gate.run_gate = Ratio{0, 1};
  CHECK(next_of(rule, facts).outcome == Outcome::run_gate);
  rule.gate.run_gate.reset();
  rule.gate.max_active = 1;
  CHECK_FALSE(next_of(rule, facts).certain);
}

TEST_CASE("explain foretells, command by command, what decide() then does, and moves no counter") {
  CommandBench bench;
  auto rule = busy_rule("r1");
  rule.gate.probability = Ratio{1, 4};
  rule.gate.skip = 10;
  rule.gate.times = 5;
  const auto rules = rule_set({rule});
  RuleState state;
  Decision decision;
  int fired = 0;
  for (std::uint32_t i = 0; i < 80; ++i) {
    const auto facts = bench.command(i, 1);
    const auto next = next_of(rule, facts, &state, rules.get());
    CHECK(next.index == i);
    decide(*rules, state, 42, facts, {}, decision);
    REQUIRE(decision.verdicts.size() == 1);
    CHECK(next.outcome == decision.verdicts.front().outcome);
    CHECK(next.draw == decision.verdicts.front().draw);
    fired += next.outcome == Outcome::fired ? 1 : 0;
  }
  CHECK(fired == 5);
}

TEST_CASE("a clause about the past holds as the event says") {
  CommandBench bench;
  auto rule = busy_rule("retries");
  rule.match.attempt = NumberRange{2, UINT64_MAX};
  const auto rules = rule_set({rule});
  Past past;
  CHECK_FALSE(explain(*rules, nullptr, 42, bench.command(1, 1), past).front().matches());
  past.attempt = 2;
  CHECK(explain(*rules, nullptr, 42, bench.command(1, 1), past).front().matches());
}

}  // namespace explain_test
