#include "faults/scenario.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {
namespace {

// clang-format off
constexpr ExpectRow kExpect[] = {
  {That::no_data_loss, "no_data_loss", 0, 0,
   "No fault struck the data, or the overlay of each one that did was gone again at the end. The target cannot see what the host lost by itself."},
  {That::recovered, "recovered", kWithin | kAfter, kWithin | kAfter,
   "Each initiator that used the target while the state `after` stood read or wrote with status GOOD within this time after it was left."},
  {That::reconnected, "reconnected", kWithin, kWithin,
   "Whoever lost a session had a new one within this time."},
  {That::no_reconnect_faster_than_ms, "no_reconnect_faster_than_ms", kValue, kValue,
   "No initiator came back sooner than this after it had lost a session or its login was refused."},
  {That::tmf_seen, "tmf_seen", kOrder | kCount, kOrder,
   "One initiator sent these task management functions in this order, others between them or not, at least `count` times."},
  {That::tmf_not_seen, "tmf_not_seen", kTmf, 0,
   "No initiator sent one of these task management functions; any at all, when none is named."},
  {That::retried, "retried", kMin | kMax, 0,
   "Each read or write that failed was issued again at least `min` times, unless it worked before, and at most `max` times."},
  {That::fired, "fired", kRule | kMin | kMax, kRule,
   "The rule fired at least `min` (1) and at most `max` times."},
  {That::must_fire, "must_fire", 0, 0,
   "Every rule of every state that was entered fired, but for those whose life says must_fire false. Always expected, whether written or not."},
  {That::state_reached, "state_reached", kState, kState,
   "The state was entered."},
  {That::final_state, "final_state", kState, kState,
   "The scenario was in this state when it ended."},
  {That::no_command_unanswered, "no_command_unanswered", kWithin, 0,
   "Every command was answered, unless its initiator aborted it: none was swallowed, none died with its session, and none was older than this (10 s) at the end."},
  {That::max_latency, "max_latency", kWithin, kWithin,
   "No command took longer from its arrival to its answer, and none had waited for longer at the end."},
};
// clang-format on

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(kExpect); ++i)
    if (static_cast<std::size_t>(kExpect[i].that) != i) return false;
  return std::size(kExpect) == static_cast<std::size_t>(That::max_latency) + 1;
}
static_assert(rows_are_in_order(), "one row for each expectation");

constexpr std::string_view kEntryTag = "entry-";

/// A state begins when its rules are armed, so a window since the state is one since arming.
Rule installed(Rule rule, const Scenario& scenario, const std::string& tag) {
  if (rule.gate.window && rule.gate.window->since == Window::Since::state)
    rule.gate.window->since = Window::Since::arm;
  if (!rule.seed) rule.seed = scenario.seed;
  rule.life.tags.push_back(tag);
  return rule;
}

Rule watcher(const Scenario& scenario, std::size_t state, std::size_t transition,
             const std::string& tag) {
  const Condition& when = scenario.transitions[transition].when;
  Rule rule;
  rule.id = watcher_id(scenario, state, transition);
  rule.match = *when.match;
  rule.gate.nth = when.count;
  rule.life.global = true;  // it counts the commands of all sessions together
  rule.life.must_fire = false;
  rule.life.tags.push_back(tag);
  rule.observe = true;
  rule.note = "leads to " + scenario.states[scenario.transitions[transition].to].name;
  return rule;
}

}  // namespace

std::span<const ExpectRow> expect_table() {
  return kExpect;
}

std::string_view name_of(That that) {
  return kExpect[static_cast<std::size_t>(that)].name;
}

bool Scenario::ends_at(std::size_t state) const {
  if (states[state].end) return true;
  return states[state].rules.empty() &&
         std::ranges::none_of(transitions, [&](const auto& each) { return each.leaves(state); });
}

std::string watcher_id(const Scenario& scenario, std::size_t state, std::size_t transition) {
  std::size_t number = 1;
  for (std::size_t i = 0; i < transition; ++i)
    if (scenario.transitions[i].leaves(state) && scenario.transitions[i].when.match) ++number;
  return scenario.id + "." + scenario.states[state].name + "." + std::to_string(number);
}

std::vector<Rule> rules_of_state(const Scenario& scenario, std::size_t state, std::uint64_t entry) {
  const std::string tag = std::string(kEntryTag) + std::to_string(entry);
  std::vector<Rule> rules;
  for (const auto& each : scenario.states[state].rules)
    if (each.rule) rules.push_back(installed(*each.rule, scenario, tag));
  for (std::size_t i = 0; i < scenario.transitions.size(); ++i)
    if (scenario.transitions[i].leaves(state) && scenario.transitions[i].when.match)
      rules.push_back(watcher(scenario, state, i, tag));
  return rules;
}

std::vector<std::string> borrowed_rules(const ScenarioState& state) {
  std::vector<std::string> ids;
  for (const auto& each : state.rules)
    if (!each.rule) ids.push_back(each.id);
  return ids;
}

std::vector<std::string> borrowed_rules(const Scenario& scenario) {
  std::vector<std::string> ids;
  for (const auto& state : scenario.states)
    for (auto& id : borrowed_rules(state))
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(std::move(id));
  return ids;
}

}  // namespace faultlun::faults
