// `transitions` and `expect` of a scenario.
#include "config/arguments.hpp"
#include "config/rules.hpp"
#include "config/rules_parts.hpp"
#include "config/scenario_parts.hpp"
#include "config/scsi_names.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::config::parts {

namespace {

using faults::Condition;
using faults::Expect;
using faults::ExpectRow;
using faults::Transition;
using std::chrono::microseconds;

constexpr microseconds kLeastAfter = std::chrono::milliseconds(1);
constexpr std::size_t kMaxFunctionsNamed = 32;
constexpr std::uint64_t kMostMilliseconds =
    static_cast<std::uint64_t>(kMostTime / std::chrono::milliseconds(1));

/// What a rule would refuse of its match is wrong here as well.
std::optional<faults::Match> read_commands(const Value& when, const Value& value) {
  const auto before = value.problems().count();
  faults::Rule rule;
  rule.observe = true;
  read_match(value, rule.match);
  if (value.problems().count() == before) check_rule(when, rule, {});
  return rule.match;
}

/// `alone` is looked at only together with `key`.
void needs(const Value& alone, const Value& key, std::string_view name) {
  if (alone.present() && !key.present())
    alone.fail("is only looked at beside " + in_quotes(name) + "; add it, or remove this");
}

Condition read_when(const Value& value, std::string_view scenario) {
  Object in(value, shape("when"));
  Condition out;
  if (const auto after = in.duration("after", microseconds(0), kMostTime)) {
    out.after = *after;
    if (*after > microseconds(0) && *after < kLeastAfter)
      value.problems().add(value.path() + ".after",
                           "is less than 1ms, too soon to be told from at once; write 0s or more");
  }
  const Value match = in.optional("match"), tmf = in.optional("tmf"), login = in.optional("login");
  if (match.present()) out.match = read_commands(value, match);
  out.functions = read_functions(tmf);
  if (const auto kind = login.one_of(faults::kLoginKindNames))
    out.login = static_cast<faults::LoginKind>(*kind);
  const Value counted = in.optional("count");
  take(counted.number(1, UINT64_MAX), out.count);
  if (counted.present() && !match.present() && !tmf.present() && !login.present())
    counted.fail("counts nothing; add match, tmf or login, or remove it");
  take(read_name(in.optional("mark")), out.mark);
  take(read_name(in.optional("event")), out.event);
  const Value other = in.optional("scenario"), state = in.optional("state");
  take(other.text(1, kMaxNameBytes), out.scenario);
  if (!out.scenario.empty())
    if (const auto reason = check_scenario_id(out.scenario); !reason.empty()) other.fail(reason);
  take(read_name(state), out.scenario_state);
  needs(other, state, "state");
  needs(state, other, "scenario");
  if (out.scenario == scenario && !scenario.empty())
    other.fail("is this scenario itself; name the state in \"from\"");
  const Value rule = in.optional("rule"), fired = in.optional("fired");
  take(read_id(rule), out.rule);
  take(fired.number(1, UINT64_MAX), out.fired);
  needs(fired, rule, "rule");
  const bool empty = value.is_object() && value.members().empty();
  in.finish();
  if (empty)
    value.fail(
        "is empty; say what leads on, like {\"after\": \"5s\"}, or {\"after\": \"0s\"} for "
        "at once");
  return out;
}

/// Only time that is no time: nothing that could hold it up.
bool is_at_once(const Condition& when) {
  Condition rest = when;
  rest.after.reset();
  return when.after == faults::Time(0) && !rest.anything();
}

/// A way from `state` that leads back to `goal` without time.
bool leads_back(const std::vector<Transition>& all, std::size_t state, std::size_t goal,
                std::vector<bool>& seen) {
  for (const Transition& each : all) {
    if (!is_at_once(each.when) || !each.leaves(state)) continue;
    if (each.to == goal) return true;
    if (seen[each.to]) continue;
    seen[each.to] = true;
    if (leads_back(all, each.to, goal, seen)) return true;
  }
  return false;
}

std::string names_of(std::uint16_t keys) {
  constexpr struct {
    faults::ExpectKey key;
    std::string_view name;
  } kNames[] = {{faults::kWithin, "within"}, {faults::kValue, "value"}, {faults::kAfter, "after"},
                {faults::kState, "state"},   {faults::kOrder, "order"}, {faults::kTmf, "tmf"},
                {faults::kCount, "count"},   {faults::kRule, "rule"},   {faults::kMin, "min"},
                {faults::kMax, "max"}};
  std::vector<std::string_view> names;
  for (const auto& each : kNames)
    if ((keys & each.key) != 0) names.push_back(each.name);
  return names.empty() ? "nothing" : listed(names);
}

/// Which keys go with `that`.
class ExpectKeys {
 public:
  ExpectKeys(Object& in, const ExpectRow* row) : in_(in), row_(row) {}

  /// The value, unless it is none of this expectation's.
  Value optional(std::string_view key, faults::ExpectKey flag) {
    const Value value = in_.optional(key);
    check(value, flag);
    return value;
  }
  void check(const Value& value, faults::ExpectKey flag) {
    if (row_ == nullptr) return;
    if (value.present() && (row_->takes & flag) == 0)
      value.fail("is none of the keys of " + std::string(row_->name) + ", which takes " +
                 names_of(row_->takes) + "; remove it");
    if (!value.present() && (row_->needs & flag) != 0)
      value.fail("missing; " + std::string(row_->name) + " needs " + names_of(row_->needs));
  }

 private:
  Object& in_;
  const ExpectRow* row_;
};

Expect read_expect(const Value& value, const StateNames& states) {
  std::vector<std::string_view> names;
  for (const auto& row : faults::expect_table())
    names.push_back(row.name);
  Object in(value, shape("expect"));
  Expect out;
  const ExpectRow* row = nullptr;
  if (const auto that = in.required("that").one_of(names)) {
    row = &faults::expect_table()[*that];
    out.that = row->that;
  }
  ExpectKeys keys(in, row);
  if (const auto within = in.duration("within", microseconds(1), kMostTime)) out.within = *within;
  if (row != nullptr && value.is_object()) {
    const bool given = std::ranges::any_of(
        value.members(), [](const Member& each) { return each.key.starts_with("within"); });
    const std::string path = value.path() + ".within";
    if (given && (row->takes & faults::kWithin) == 0)
      value.problems().add(path, "is none of the keys of " + std::string(row->name) +
                                     ", which takes " + names_of(row->takes) + "; remove it");
    if (!given && (row->needs & faults::kWithin) != 0)
      value.problems().add(path,
                           "missing; " + std::string(row->name) + " needs " + names_of(row->needs));
  }
  if (const auto least = keys.optional("value", faults::kValue).number(1, kMostMilliseconds))
    out.least = std::chrono::milliseconds(*least);
  take(read_state_name(keys.optional("after", faults::kAfter), states), out.state);
  take(read_state_name(keys.optional("state", faults::kState), states), out.state);
  const Value order = keys.optional("order", faults::kOrder);
  if (order.present()) out.functions = read_functions(order);
  const Value tmf = keys.optional("tmf", faults::kTmf);
  if (tmf.present()) out.functions = read_functions(tmf);
  take(keys.optional("count", faults::kCount).number(1, UINT64_MAX), out.count);
  take(read_id(keys.optional("rule", faults::kRule)), out.rule);
  out.min = keys.optional("min", faults::kMin).number(0, UINT64_MAX);
  const Value max = keys.optional("max", faults::kMax);
  out.max = max.number(0, UINT64_MAX);
  if (out.min && out.max && *out.min > *out.max) max.fail("is less than min; write more");
  in.finish();
  return out;
}

}  // namespace

std::optional<std::size_t> read_state_name(const Value& value, const StateNames& states) {
  const auto name = value.text(1, kMaxNameBytes);
  if (!name) return std::nullopt;
  const auto found = std::ranges::find(states, std::string_view(*name));
  if (found != states.end()) return static_cast<std::size_t>(found - states.begin());
  const std::string hint = did_you_mean(*name, states);
  value.fail("there is no state " + in_quotes(*name) +
             (hint.empty() ? "; there are " + listed(states) : hint));
  return std::nullopt;
}

std::optional<std::string> read_id(const Value& value) {
  auto text = value.text(1, kMaxNameBytes);
  if (!text) return std::nullopt;
  if (const std::string reason = check_rule_id(*text); !reason.empty()) {
    value.fail(reason);
    return std::nullopt;
  }
  return text;
}

std::vector<std::uint8_t> read_functions(const Value& value) {
  std::vector<std::uint8_t> out;
  if (!value.present()) return out;
  const auto before = value.problems().count();
  const auto items = value.is_array() ? value.items(kMaxFunctionsNamed) : std::vector<Value>{value};
  if (items.empty() && value.problems().count() == before)
    value.fail("names no function; write some, like [\"ABORT_TASK\", \"LOGICAL_UNIT_RESET\"]");
  for (const Value& item : items)
    if (const auto function = read_task_management_function(item))
      out.push_back(static_cast<std::uint8_t>(*function));
  return out;
}

std::vector<Transition> read_transitions(const Value& array, const StateNames& states,
                                         std::string_view scenario) {
  std::vector<Transition> out;
  const auto before = array.problems().count();
  for (const Value& item : array.items(faults::kMaxTransitions)) {
    Object in(item, shape("transition"));
    Transition transition;
    const Value from = in.required("from");
    const auto name = from.is_text() ? from.text(0, kMaxNameBytes) : std::nullopt;
    if (name != kAnyState) transition.from = read_state_name(from, states);
    take(read_state_name(in.required("to"), states), transition.to);
    if (const Value when = in.required("when"); when.present())
      transition.when = read_when(when, scenario);
    in.finish();
    out.push_back(std::move(transition));
  }
  if (array.problems().count() != before) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!is_at_once(out[i].when)) continue;
    const auto from = out[i].from;
    for (std::size_t state = 0; state < states.size(); ++state) {
      if (from ? *from != state : state == out[i].to) continue;
      std::vector<bool> seen(states.size(), false);
      if (out[i].to != state && !leads_back(out, out[i].to, state, seen)) continue;
      array.problems().add(array.path() + "[" + std::to_string(i) + "].when",
                           "leads back to " + std::string(states[state]) +
                               " without any time; write a longer after somewhere on the way");
      return out;
    }
  }
  return out;
}

std::vector<Expect> read_expectations(const Value& array, const StateNames& states) {
  std::vector<Expect> out;
  for (const Value& item : array.items(faults::kMaxExpectations))
    out.push_back(read_expect(item, states));
  return out;
}

}  // namespace faultlun::config::parts
