// A scenario as JSON: what differs from the defaults, in the order of the keys; and its schemas.
#include "config/arguments.hpp"
#include "config/rules.hpp"
#include "config/rules_parts.hpp"
#include "config/scenario_parts.hpp"
#include "config/scsi_names.hpp"
#include "config/units.hpp"

#include <set>
#include <type_traits>

namespace faultlun::config {

namespace {

using faults::Condition;
using faults::Expect;
using faults::Scenario;

Json functions_json(const std::vector<std::uint8_t>& functions) {
  Json out = Json::array();
  for (const auto each : functions)
    out.push_back(task_management_text(each));
  return out;
}

Json action_json(const faults::SetMark& action) {
  return {{"emit", "mark"}, {"name", action.name}};
}
Json action_json(const faults::RaiseEvent& action) {
  return {{"emit", "event"}, {"name", action.name}};
}
Json action_json(const faults::ChangeRule& action) {
  return {{"do", parts::kRuleDoNames[static_cast<std::size_t>(action.what)]},
          {"rule", action.rule}};
}
Json action_json(const faults::ReleaseHeld& action) {
  Json out = {{"do", parts::kRelease}};
  if (!action.tag.empty()) out["tag"] = action.tag;
  return out;
}
Json action_json(const faults::ChangeUnit& action) {
  Json out = {{"do", action.effect.fault->id}};
  if (!action.target.empty()) out["target"] = action.target;
  if (action.lun) out["lun"] = *action.lun;
  out.update(arguments_to_json(action.effect.arguments));
  return out;
}

Json when_json(const Condition& when) {
  Json out = Json::object();
  if (when.after) out["after"] = time_text(*when.after);
  if (when.match) out["match"] = parts::match_to_json(*when.match);
  if (!when.functions.empty()) out["tmf"] = functions_json(when.functions);
  if (when.login) out["login"] = faults::kLoginKindNames[static_cast<std::size_t>(*when.login)];
  if (when.count != 1) out["count"] = when.count;
  if (!when.mark.empty()) out["mark"] = when.mark;
  if (!when.event.empty()) out["event"] = when.event;
  if (!when.scenario.empty()) {
    out["scenario"] = when.scenario;
    out["state"] = when.scenario_state;
  }
  if (!when.rule.empty()) out["rule"] = when.rule;
  if (when.fired != 1) out["fired"] = when.fired;
  return out;
}

/// A rule of several states is written where it comes first.
Json state_json(const faults::ScenarioState& state, std::set<std::string>& written) {
  Json out = Json::object(), rules = Json::array(), enter = Json::array();
  for (const auto& each : state.rules) {
    if (each.rule && written.insert(each.id).second)
      rules.push_back(rule_to_json(*each.rule));
    else
      rules.push_back(each.id);
  }
  for (const auto& each : state.enter)
    enter.push_back(std::visit([](const auto& action) { return action_json(action); }, each));
  if (!rules.empty()) out["rules"] = std::move(rules);
  if (!enter.empty()) out["enter"] = std::move(enter);
  if (state.end) out["end"] = true;
  if (!state.note.empty()) out["note"] = state.note;
  return out;
}

}  // namespace

Json expectation_to_json(const Scenario& scenario, const Expect& expect) {
  const auto takes = faults::expect_table()[static_cast<std::size_t>(expect.that)].takes;
  const auto& state = scenario.states[expect.state].name;
  Json out = {{"that", faults::name_of(expect.that)}};
  if (expect.within) out["within"] = time_text(*expect.within);
  if ((takes & faults::kAfter) != 0) out["after"] = state;
  if ((takes & faults::kValue) != 0)
    out["value"] = std::chrono::duration_cast<std::chrono::milliseconds>(expect.least).count();
  if ((takes & faults::kState) != 0) out["state"] = state;
  if (!expect.functions.empty())
    out[(takes & faults::kOrder) != 0 ? "order" : "tmf"] = functions_json(expect.functions);
  if (expect.count != 1) out["count"] = expect.count;
  if (!expect.rule.empty()) out["rule"] = expect.rule;
  if (expect.min) out["min"] = *expect.min;
  if (expect.max) out["max"] = *expect.max;
  return out;
}

Json scenario_to_json(const Scenario& scenario) {
  Json out = {{"id", scenario.id}};
  if (scenario.seed) out["seed"] = seed_text(*scenario.seed);
  Json& states = out["states"] = Json::object();
  std::set<std::string> written;
  for (const auto& each : scenario.states)
    states[each.name] = state_json(each, written);
  if (scenario.start != 0) out["start"] = scenario.states[scenario.start].name;
  for (const auto& each : scenario.transitions)
    out["transitions"].push_back(
        {{"from", each.from ? scenario.states[*each.from].name : std::string(parts::kAnyState)},
         {"to", scenario.states[each.to].name},
         {"when", when_json(each.when)}});
  for (const auto& each : scenario.expect)
    out["expect"].push_back(expectation_to_json(scenario, each));
  if (scenario.lasts) out["for"] = time_text(*scenario.lasts);
  if (!scenario.note.empty()) out["note"] = scenario.note;
  return out;
}

// ---- schemas -----------------------------------------------------------------------------------

namespace {

/// `@` stands for the prefix of references.
constexpr const char* kSchemas = R"({
  "scenario": {"type": "object", "additionalProperties": false, "required": ["states"], "properties": {
    "$schema": {"type": "string"}, "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,32}$"},
    "seed": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]},
    "states": {"type": "object", "minProperties": 1, "maxProperties": 64,
      "additionalProperties": {"$ref": "@state"}},
    "start": {"type": "string"},
    "transitions": {"type": "array", "maxItems": 256, "items": {"$ref": "@transition"}},
    "expect": {"type": "array", "maxItems": 64, "items": {"$ref": "@expect"}},
    "for": {"type": "string"}, "note": {"type": "string", "maxLength": 1024}},
    "patternProperties": {"^for_(us|ms|s)$": {"type": "integer", "minimum": 1}}},
  "state": {"type": "object", "additionalProperties": false, "properties": {
    "rules": {"type": "array", "maxItems": 256, "items": {"anyOf": [{"type": "string"}, {"$ref": "@rule"}]}},
    "enter": {"type": "array", "maxItems": 32, "items": {"$ref": "@action"}},
    "end": {"type": "boolean"}, "note": {"type": "string", "maxLength": 1024}}},
  "action": {"type": "object", "description": "emit with name; or do, with what belongs to it",
    "properties": {"emit": {"enum": ["mark", "event"]}, "name": {"type": "string"},
      "do": {"type": "string"}, "rule": {"type": "string"}, "tag": {"type": "string"},
      "target": {"type": "string"}, "lun": {"type": ["integer", "string"], "minimum": 0, "maximum": 16383}},
    "oneOf": [{"required": ["emit", "name"]}, {"required": ["do"]}]},
  "transition": {"type": "object", "additionalProperties": false, "required": ["from", "to", "when"],
    "properties": {"from": {"type": "string"}, "to": {"type": "string"}, "when": {"$ref": "@when"}}},
  "when": {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
    "after": {"type": "string"}, "match": {"$ref": "@match"}, "tmf": {}, "login": {"enum": ["up", "down", "refused"]},
    "count": {"type": ["integer", "string"], "minimum": 1}, "mark": {"type": "string"}, "event": {"type": "string"},
    "scenario": {"type": "string"}, "state": {"type": "string"}, "rule": {"type": "string"},
    "fired": {"type": ["integer", "string"], "minimum": 1}},
    "patternProperties": {"^after_(us|ms|s)$": {"type": "integer", "minimum": 0}}},
  "expect": {"type": "object", "additionalProperties": false, "required": ["that"], "properties": {
    "that": {}, "within": {"type": "string"}, "after": {"type": "string"}, "value": {"type": ["integer", "string"], "minimum": 1},
    "state": {"type": "string"}, "order": {}, "tmf": {},
    "count": {"type": ["integer", "string"], "minimum": 1}, "rule": {"type": "string"},
    "min": {"type": ["integer", "string"], "minimum": 0}, "max": {"type": ["integer", "string"], "minimum": 0}},
    "patternProperties": {"^within_(us|ms|s)$": {"type": "integer", "minimum": 1}}}
})";

}  // namespace

Json scenario_definitions(std::string_view prefix) {
  std::string text = kSchemas;
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at + prefix.size()))
    text.replace(at, 1, prefix);
  Json out = Json::parse(text);
  Json names = Json::array();
  for (const auto& row : faults::expect_table())
    names.push_back(row.name);
  out["expect"]["properties"]["that"] = {{"enum", std::move(names)}};
  // The words are those of the key table.
  for (const Shape& each : scenario_shapes())
    for (const Key& key : each.keys) {
      Json& properties = out[std::string(each.name)]["properties"];
      properties[std::string(key.name)]["description"] = key.meaning;
    }
  return out;
}

Json scenario_schema() {
  Json definitions = scenario_definitions("#/$defs/");
  for (const char* each : {"rule", "match"})
    definitions[each] = {{"$ref", std::string("rule_schema.json#/$defs/") + each}};
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "faultlun scenario"},
          {"description", "One scenario. docs/scenarios.md explains it."},
          {"$ref", "#/$defs/scenario"},
          {"$defs", std::move(definitions)}};
}

}  // namespace faultlun::config
