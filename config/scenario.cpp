#include "config/scenario.hpp"

#include "config/arguments.hpp"
#include "config/loading.hpp"
#include "config/model.hpp"
#include "config/rules.hpp"
#include "config/rules_parts.hpp"
#include "config/scenario_parts.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <variant>

namespace faultlun::config {

namespace {

using faults::FaultRow;
using faults::Rule;
using faults::Scenario;
using faults::ScenarioAction;
using faults::ScenarioState;
using std::chrono::microseconds;

constexpr std::string_view kFaultKeys[] = {"do", "target", "lun"};

std::string check_name(std::string_view name, std::string_view what, std::size_t most) {
  if (check_rule_id(name).empty() && name.size() <= most) return {};
  return in_quotes(name) + " is no name of a " + std::string(what) + "; write 1 to " +
         std::to_string(most) + " letters, digits, dots, underscores and dashes";
}

// ---- actions -----------------------------------------------------------------------------------

/// Which faults can be done without a command: those that change a unit or raise an attention.
bool is_doable(const faults::Action& action) {
  return std::holds_alternative<faults::UnitChange>(action) ||
         std::holds_alternative<faults::Attention>(action);
}

void refuse_do(const Value& value, std::string_view name, std::span<const FaultRow> table) {
  std::vector<std::string_view> names(std::begin(parts::kRuleDoNames),
                                      std::end(parts::kRuleDoNames));
  names.push_back(parts::kRelease);
  for (const FaultRow& row : table)
    if (row.id.starts_with("lu.") || row.id.starts_with("ua.")) names.push_back(row.id);
  value.fail("unknown action" +
             (value.problems().full() ? std::string() : did_you_mean(name, names)) +
             "; known: " + listed(names));
}

std::optional<faults::ChangeUnit> read_change_unit(const Value& value, const FaultRow& row) {
  faults::ChangeUnit out;
  for (const Member& each : value.members()) {
    if (each.key == "target") take(each.value.text(1, kMaxPatternBytes), out.target);
    if (each.key == "lun")
      if (const auto lun = each.value.number(0, kMaxLun))
        out.lun = static_cast<std::uint16_t>(*lun);
  }
  const auto before = value.problems().count();
  out.effect.fault = &row;
  out.effect.arguments = read_arguments(value, row.parameters, kFaultKeys);
  if (value.problems().count() != before) return std::nullopt;
  auto built = row.build(out.effect.arguments);
  if (const auto* complaint = std::get_if<faults::Complaint>(&built)) {
    value.problems().add(
        complaint->field.empty() ? value.path() : value.path() + "." + complaint->field,
        complaint->message);
    return std::nullopt;
  }
  out.effect.action = std::move(*std::get_if<faults::Action>(&built));
  if (!is_doable(out.effect.action)) {
    value.fail(std::string(row.id) +
               " strikes a command, and there is none here; write it as a rule of the state");
    return std::nullopt;
  }
  const auto* attention = std::get_if<faults::Attention>(&out.effect.action);
  using Nexus = faults::Attention::Nexus;
  if (attention != nullptr && (attention->wrong_nexus || attention->nexus == Nexus::own ||
                               attention->nexus == Nexus::others)) {
    value.fail(std::string(row.id) +
               " is about the session of a command, and there is none here; write \"nexus\": "
               "\"all\" or \"next_login\", or make it a rule of the state");
    return std::nullopt;
  }
  return out;
}

/// Keys that a short action takes, and all others that it has are wrong.
void only(const Value& value, std::string_view what, std::span<const std::string_view> keys) {
  for (const Member& each : value.members())
    if (std::ranges::find(keys, each.key) == keys.end())
      each.value.fail("is none of the keys of " + std::string(what) + ", which takes " +
                      listed(keys) + "; remove it");
}

std::optional<std::string> required_name(const Value& value, std::string_view key) {
  for (const Member& each : value.members())
    if (each.key == key)
      return key == "rule" ? parts::read_id(each.value) : each.value.text(1, kMaxNameBytes);
  value.problems().add(value.path() + "." + std::string(key),
                       "missing; add " + in_quotes(key) + " (string)");
  return std::nullopt;
}

std::optional<ScenarioAction> read_emit(const Value& value, const Value& emit) {
  constexpr std::string_view kKeys[] = {"emit", "name"};
  only(value, "emit", kKeys);
  const auto what = emit.one_of(parts::kEmitNames);
  const auto name = required_name(value, "name");
  if (!what || !name) return std::nullopt;
  if (*what == 0) return faults::SetMark{*name};
  return faults::RaiseEvent{*name};
}

std::optional<ScenarioAction> read_do(const Value& value, const Value& done,
                                      std::span<const FaultRow> table) {
  const auto name = done.text(1, kMaxNameBytes);
  if (!name) return std::nullopt;
  if (*name == parts::kRelease) {
    constexpr std::string_view kKeys[] = {"do", "tag"};
    only(value, *name, kKeys);
    faults::ReleaseHeld out;
    for (const Member& each : value.members())
      if (each.key == "tag") take(each.value.text(1, kMaxNameBytes), out.tag);
    return out;
  }
  const auto rule_do = std::ranges::find(parts::kRuleDoNames, std::string_view(*name));
  if (rule_do != std::end(parts::kRuleDoNames)) {
    constexpr std::string_view kKeys[] = {"do", "rule"};
    only(value, *name, kKeys);
    const auto rule = required_name(value, "rule");
    if (!rule) return std::nullopt;
    return faults::ChangeRule{
        static_cast<faults::ChangeRule::Do>(rule_do - std::begin(parts::kRuleDoNames)), *rule};
  }
  const auto row = std::ranges::find(table, std::string_view(*name), &FaultRow::id);
  if (row == table.end()) {
    refuse_do(done, *name, table);
    return std::nullopt;
  }
  if (auto change = read_change_unit(value, *row)) return std::move(*change);
  return std::nullopt;
}

std::optional<ScenarioAction> read_action(const Value& value, std::span<const FaultRow> table) {
  std::optional<Value> emit, done;
  for (const Member& each : value.members()) {
    if (each.key == "emit") emit = each.value;
    if (each.key == "do") done = each.value;
  }
  if (!value.is_object()) return std::nullopt;
  if (emit.has_value() == done.has_value()) {
    value.fail(emit ? "has both emit and do; make two actions of it"
                    : "does nothing; write {\"emit\": \"mark\", \"name\": NAME} or {\"do\": …}");
    return std::nullopt;
  }
  return emit ? read_emit(value, *emit) : read_do(value, *done, table);
}

// ---- states ------------------------------------------------------------------------------------

/// Where each rule of a state was written, for what can only be said of all of them.
struct RulePlace {
  std::size_t state = 0, index = 0;
  std::string path;
};

class StateReader {
 public:
  explicit StateReader(std::span<const FaultRow> table) : table_(table) {}

  ScenarioState read(const Member& member, std::size_t index) {
    ScenarioState out;
    out.name = member.key;
    const Value& value = member.value;
    if (const auto reason = check_name(member.key, "state", faults::kMaxStateNameBytes);
        !reason.empty())
      value.fail(reason);
    Object in(value, shape("state"));
    const Value rules = in.optional("rules");
    for (const Value& item : rules.items(faults::kMaxRulesPerState))
      read_rule_of(item, index, out);
    for (const Value& item : in.optional("enter").items(faults::kMaxActionsPerState))
      if (auto action = read_action(item, table_)) out.enter.push_back(std::move(*action));
    const Value end = in.optional("end");
    take(end.boolean(), out.end);
    if (out.end && !out.rules.empty())
      end.fail("ends the scenario, and rules of the state would never fire; remove them");
    take(in.optional("note").text(0, kMaxNoteBytes), out.note);
    in.finish();
    return out;
  }

  /// Names of rules that stand in other states become these rules.
  void join(Scenario& scenario) const {
    for (auto& state : scenario.states)
      for (auto& each : state.rules)
        if (const auto found = written_.find(each.id); !each.rule && found != written_.end())
          each.rule = scenario.states[found->second.state].rules[found->second.index].rule;
  }
  const std::map<std::string, RulePlace>& written() const { return written_; }

 private:
  void read_rule_of(const Value& item, std::size_t state, ScenarioState& out) {
    faults::StateRule made;
    if (item.is_text()) {
      const auto id = parts::read_id(item);
      if (!id) return;
      made.id = *id;
    } else {
      auto rule = read_rule(item, {}, table_);
      if (!rule) return;
      made.id = rule->id;
      made.rule = std::move(rule);
      if (made.rule->life.tags.size() == kMaxTags)
        item.problems().add(item.path() + ".life.tags",
                            "has 16 tags, and rules of a scenario are given one more; remove one");
      const auto [at, fresh] = written_.emplace(
          made.id, RulePlace{.state = state, .index = out.rules.size(), .path = item.path()});
      if (!fresh)
        item.problems().add(item.path() + ".id",
                            in_quotes(made.id) + " is also the ID of " + at->second.path +
                                "; write " + in_quotes(made.id) + " alone to use that one here");
    }
    if (std::ranges::find(out.rules, made.id, &faults::StateRule::id) != out.rules.end()) {
      if (item.is_text()) item.fail("is named twice in this state; remove one");
      return;
    }
    out.rules.push_back(std::move(made));
  }

  std::span<const FaultRow> table_;
  std::map<std::string, RulePlace> written_;
};

// ---- the whole ---------------------------------------------------------------------------------

const ScenarioState* find_state(const Scenario& scenario, std::string_view name) {
  const auto found = std::ranges::find(scenario.states, name, &ScenarioState::name);
  return found == scenario.states.end() ? nullptr : &*found;
}

bool has_rule(const ScenarioState& state, std::string_view id) {
  return std::ranges::find(state.rules, id, &faults::StateRule::id) != state.rules.end();
}

/// A rule that the scenario brings is there in its own states alone.
std::string missing_in(std::string_view rule, const ScenarioState& state) {
  return "is " + in_quotes(rule) + ", which is not there in state " + state.name +
         "; add it to the rules of that state";
}

/// What actions and transitions say of rules.
void check_mentions(const Scenario& scenario, const StateReader& reader, const std::string& prefix,
                    Problems& problems) {
  const auto absent = [&](const std::string& rule, const ScenarioState& state) {
    return reader.written().contains(rule) && !has_rule(state, rule);
  };
  for (const auto& state : scenario.states)
    for (std::size_t i = 0; i < state.enter.size(); ++i)
      if (const auto* change = std::get_if<faults::ChangeRule>(&state.enter[i]);
          change != nullptr && absent(change->rule, state))
        problems.add(prefix + "states." + state.name + ".enter[" + std::to_string(i) + "].rule",
                     missing_in(change->rule, state));
  for (std::size_t i = 0; i < scenario.transitions.size(); ++i) {
    const auto& each = scenario.transitions[i];
    const auto* after = each.when.match ? faults::after_fault_of(*each.when.match) : nullptr;
    if (after == nullptr) continue;
    for (std::size_t state = 0; state < scenario.states.size(); ++state)
      if (each.leaves(state) && absent(after->rule, scenario.states[state])) {
        problems.add(prefix + "transitions[" + std::to_string(i) + "].when.match.after_fault.rule",
                     missing_in(after->rule, scenario.states[state]));
        break;
      }
  }
}

/// What the rules of the states say of states and of each other.
void check_rules(const Scenario& scenario, const StateReader& reader, Problems& problems) {
  for (const auto& [id, place] : reader.written()) {
    const Rule& rule = *scenario.states[place.state].rules[place.index].rule;
    if (rule.life.on_exhaust == faults::OnExhaust::go_to &&
        find_state(scenario, rule.life.on_exhaust_name) == nullptr) {
      parts::StateNames names;
      for (const auto& each : scenario.states)
        names.push_back(each.name);
      problems.add(place.path + ".life.on_exhaust.goto",
                   "there is no state " + in_quotes(rule.life.on_exhaust_name) +
                       did_you_mean(rule.life.on_exhaust_name, names) + "; there are " +
                       listed(names));
    }
    const auto* after = faults::after_fault_of(rule.match);
    if (after != nullptr && reader.written().contains(after->rule))
      for (const auto& state : scenario.states)
        if (has_rule(state, id) && !has_rule(state, after->rule)) {
          problems.add(place.path + ".match.after_fault.rule", missing_in(after->rule, state));
          break;
        }
    for (std::size_t state = 0; state < scenario.states.size(); ++state)
      for (std::size_t i = 0; i < scenario.transitions.size(); ++i)
        if (scenario.transitions[i].when.match && scenario.transitions[i].leaves(state) &&
            faults::watcher_id(scenario, state, i) == id)
          problems.add(place.path + ".id",
                       "is the ID that the scenario gives to a rule of its own; choose another");
  }
}

/// States that no way leads to; rules that nobody here has.
void warn(const Scenario& scenario, const std::string& prefix, Problems& warnings) {
  std::set<std::size_t> reached = {scenario.start};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& each : scenario.transitions)
      if (!reached.contains(each.to) &&
          std::ranges::any_of(reached, [&](std::size_t state) { return each.leaves(state); }))
        grew = reached.insert(each.to).second;
    for (const auto index : std::set(reached))
      for (const auto& rule : scenario.states[index].rules)
        if (rule.rule && rule.rule->life.on_exhaust == faults::OnExhaust::go_to)
          if (const auto* state = find_state(scenario, rule.rule->life.on_exhaust_name))
            grew |= reached.insert(static_cast<std::size_t>(state - scenario.states.data())).second;
  }
  for (std::size_t i = 0; i < scenario.states.size(); ++i)
    if (!reached.contains(i))
      warnings.add(prefix + "states." + scenario.states[i].name,
                   "no transition leads here; only POST …/goto can");
  const auto known = [&](const std::string& id) {
    return std::ranges::any_of(scenario.states,
                               [&](const auto& state) { return has_rule(state, id); });
  };
  const std::string unknown = " is a rule of no state; it must be there when the scenario runs";
  for (std::size_t i = 0; i < scenario.expect.size(); ++i)
    if (const auto& id = scenario.expect[i].rule; !id.empty() && !known(id))
      warnings.add(prefix + "expect[" + std::to_string(i) + "].rule", in_quotes(id) + unknown);
  for (const auto& state : scenario.states)
    for (std::size_t i = 0; i < state.enter.size(); ++i)
      if (const auto* change = std::get_if<faults::ChangeRule>(&state.enter[i]);
          change != nullptr && !known(change->rule))
        warnings.add(prefix + "states." + state.name + ".enter[" + std::to_string(i) + "].rule",
                     in_quotes(change->rule) + unknown);
  for (std::size_t i = 0; i < scenario.transitions.size(); ++i)
    if (const auto& id = scenario.transitions[i].when.rule; !id.empty() && !known(id))
      warnings.add(prefix + "transitions[" + std::to_string(i) + "].when.rule",
                   in_quotes(id) + unknown);
}

}  // namespace

std::string check_scenario_id(std::string_view id) {
  return check_name(id, "scenario", faults::kMaxScenarioIdBytes);
}

std::optional<Scenario> read_scenario(const Value& value, Problems& warnings,
                                      std::optional<std::string_view> id_from_path,
                                      std::span<const FaultRow> table) {
  Problems& problems = value.problems();
  const auto before = problems.count();
  Object in(value, shape("scenario"));
  Scenario out;
  in.optional("$schema").text(0, kMaxPathBytes);
  parts::read_own_id(in, id_from_path, check_scenario_id, out.id);
  out.seed = in.optional("seed").seed();
  const Value states = in.required("states");
  const auto members = states.members();
  parts::StateNames names;
  for (const Member& each : members)
    names.push_back(each.key);
  if (states.is_object() && members.empty())
    states.fail("has no state; write at least one, like {\"ok\": {\"rules\": []}}");
  if (members.size() > faults::kMaxStates)
    states.fail("has " + std::to_string(members.size()) + " states; the most is " +
                std::to_string(faults::kMaxStates));
  StateReader reader(table);
  for (std::size_t i = 0; i < members.size(); ++i)
    out.states.push_back(reader.read(members[i], i));
  take(parts::read_state_name(in.optional("start"), names), out.start);
  out.transitions = parts::read_transitions(in.optional("transitions"), names, out.id);
  out.expect = parts::read_expectations(in.optional("expect"), names);
  if (const auto lasts = in.duration("for", std::chrono::milliseconds(1), kMostTime))
    out.lasts = *lasts;
  take(in.optional("note").text(0, kMaxNoteBytes), out.note);
  in.finish();
  if (problems.count() != before) return std::nullopt;
  reader.join(out);
  const std::string prefix = value.path().empty() ? "" : value.path() + ".";
  check_rules(out, reader, problems);
  check_mentions(out, reader, prefix, problems);
  if (problems.count() != before) return std::nullopt;
  warn(out, prefix, warnings);
  return out;
}

LoadScenario load_scenario(std::string_view text, std::optional<std::string_view> id_from_path,
                           std::span<const FaultRow> table) {
  Problems problems, warnings;
  Json tree;
  LoadScenario out;
  if (parse_json(text, tree, problems))
    out.scenario = read_scenario(Value(&tree, "", problems), warnings, id_from_path, table);
  locate(text, warnings);
  out.warnings = std::move(warnings.list());
  if (problems.empty()) return out;
  locate(text, problems);
  return refused<LoadScenario>(std::move(problems));
}

LoadScenario load_scenario_file(const std::string& path) {
  return load_text_file(path, [](std::string_view text) { return load_scenario(text); });
}

}  // namespace faultlun::config
