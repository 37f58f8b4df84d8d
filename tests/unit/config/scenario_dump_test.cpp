// Scenarios print what reads back equal; their schema accepts what the reader accepts.
#include "config/fault_schema.hpp"
#include "tests/unit/config/random_scenario.hpp"
#include "tests/unit/config/scenario_bench.hpp"
#include "tests/unit/config/schema_checker.hpp"

namespace scenario_dump_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

/// The schema of a scenario with those of rules beside it, in one document.
Checker scenario_checker() {
  Json definitions = rule_definitions("#/definitions/", faults::fault_table());
  const Json parts = scenario_definitions("#/definitions/");
  for (const auto& [name, definition] : parts.items())
    definitions[name] = definition;
  return Checker({{"allOf", Json::array({{{"$ref", "#/definitions/scenario"}}})},
                  {"definitions", definitions}});
}

constexpr const char* kEvery =
    R"j({"$schema": "s", "id": "every", "seed": "0x5eed", "start": "a", "for": "1h", "note": "n",
 "states": {
  "a": {"rules": [{"id": "r", "effect": {"scsi.status": "BUSY"}}, "other"], "note": "n", "enter": [
    {"emit": "mark", "name": "m"}, {"emit": "event", "name": "e"}, {"do": "rule.reset", "rule": "r"},
    {"do": "held.release", "tag": "t"}, {"do": "lu.offline", "target": "iqn.t", "lun": "0x3", "for_ms": 5}]},
  "b": {"end": true}},
 "transitions": [
  {"from": "*", "to": "b", "when": {"after_s": 5, "match": {"op": "READ(10)"}, "tmf": [1, "ABORT_TASK"], "login": "up", "count": "0x2",
   "mark": "m", "event": "e", "scenario": "peer", "state": "x", "rule": "r", "fired": 2}}],
 "expect": [
  {"that": "no_data_loss"}, {"that": "recovered", "within": "5s", "after": "a"}, {"that": "reconnected", "within_ms": 5},
  {"that": "no_reconnect_faster_than_ms", "value": 5}, {"that": "tmf_seen", "order": ["ABORT_TASK"], "count": 2},
  {"that": "tmf_not_seen", "tmf": 6}, {"that": "retried", "min": 1, "max": 2}, {"that": "fired", "rule": "r"}, {"that": "must_fire"},
  {"that": "state_reached", "state": "a"}, {"that": "final_state", "state": "b"}, {"that": "no_command_unanswered"},
  {"that": "max_latency", "within_us": 5}]})j";

std::string round(const std::string& text) {
  return scenario_to_json(good_scenario(text)).dump();
}

}  // namespace

TEST_CASE("a scenario prints what differs from the defaults, durations as strings") {
  CHECK(round(R"({"id": "s", "states": {"a": {"rules": [], "enter": [], "end": false, "note": ""}},
                  "start": "a", "transitions": [], "expect": [], "note": ""})") ==
        R"({"id":"s","states":{"a":{}}})");
  CHECK(
      round(kEvery) ==
      R"j({"id":"every","seed":"0x5eed","states":{"a":{"rules":[{"id":"r","effect":{"scsi.status":{"status":"BUSY"}}},"other"],)j"
      R"j("enter":[{"emit":"mark","name":"m"},{"emit":"event","name":"e"},{"do":"rule.reset","rule":"r"},)j"
      R"j({"do":"held.release","tag":"t"},{"do":"lu.offline","target":"iqn.t","lun":3,"for":"5ms"}],"note":"n"},"b":{"end":true}},)j"
      R"j("transitions":[{"from":"*","to":"b","when":{"after":"5s","match":{"op":"READ(10)"},"tmf":["ABORT TASK","ABORT TASK"],)j"
      R"j("login":"up","count":2,"mark":"m","event":"e","scenario":"peer","state":"x","rule":"r","fired":2}}],)j"
      R"j("expect":[{"that":"no_data_loss"},{"that":"recovered","within":"5s","after":"a"},{"that":"reconnected","within":"5ms"},)j"
      R"j({"that":"no_reconnect_faster_than_ms","value":5},{"that":"tmf_seen","order":["ABORT TASK"],"count":2},)j"
      R"j({"that":"tmf_not_seen","tmf":["TARGET WARM RESET"]},{"that":"retried","min":1,"max":2},{"that":"fired","rule":"r"},)j"
      R"j({"that":"must_fire"},{"that":"state_reached","state":"a"},{"that":"final_state","state":"b"},{"that":"no_command_unanswered"},)j"
      R"j({"that":"max_latency","within":"5us"}],"for":"1h","note":"n"})j");
}

TEST_CASE("a rule that several states have prints where it comes first") {
  CHECK(
      round(
          R"({"id": "s", "states": {"a": {"rules": ["r"]}, "b": {"rules": [{"id": "r", "observe": true}]}},
                  "transitions": [{"from": "a", "to": "b", "when": {"event": "e"}}]})") ==
      R"({"id":"s","states":{"a":{"rules":[{"id":"r","observe":true}]},"b":{"rules":["r"]}},)"
      R"("transitions":[{"from":"a","to":"b","when":{"event":"e"}}]})");
}

TEST_CASE("whatever scenario is printed reads back equal and fits the schema") {
  const Checker checker = scenario_checker();
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    const auto plot = RandomScenario(seed).draw();
    const std::string text = scenario_to_json(plot).dump();
    CAPTURE(text);
    const LoadScenario again = load_scenario(text);
    CAPTURE(lines(again.errors));
    REQUIRE(again.scenario);
    CHECK(*again.scenario == plot);
    CHECK(scenario_to_json(*again.scenario).dump() == text);
    if (seed <= 100) CHECK(checker.accepts(text));
  }
}

TEST_CASE("the schema accepts every key and refuses what the reader refuses") {
  const Checker checker = scenario_checker();
  CHECK(checker.accepts(kEvery));
  for (const std::string& text :
       {with_members(R"("sead": 5)"),
        with_members(R"("seed": -1)"),
        with_members(R"("for_ms": 0)"),
        with_members(R"("note": 5)"),
        with_state(R"("rule": [])"),
        with_state(R"("end": 1)"),
        with_state(R"("rules": [5])"),
        with_action(R"({})"),
        with_action(R"({"emit": "mrak", "name": "m"})"),
        with_action(R"({"emit": "mark", "name": "m", "do": "lu.online"})"),
        with_action(R"({"do": "lu.offline", "lun": 16384})"),
        with_when(R"({})"),
        with_when(R"({"afte": "5s"})"),
        with_when(R"({"login": "out"})"),
        with_when(R"({"tmf": 1, "count": 0})"),
        with_when(R"({"match": {"opp": "read"}})"),
        with_expect(R"({})"),
        with_expect(R"({"that": "recoverd"})"),
        with_expect(R"({"that": "reconnected", "within": 5})"),
        with_expect(R"({"that": "retried", "min": -1})"),
        std::string(R"({"id": "s"})"),
        std::string(R"({"id": "s", "states": {}})"),
        std::string(R"({"id": "s s", "states": {"a": {}}})")}) {
    CAPTURE(text);
    CHECK_FALSE(checker.accepts(text));
    CHECK_FALSE(load_scenario(text).scenario);
  }
}

TEST_CASE("an expectation prints as it was written, and must_fire when it was not") {
  const auto plot = good_scenario(kEvery);
  CHECK(expectation_to_json(plot, plot.expect[1]).dump() ==
        R"({"that":"recovered","within":"5s","after":"a"})");
  CHECK(expectation_to_json(plot, faults::Expect{}).dump() == R"({"that":"must_fire"})");
}

TEST_CASE("the schema of a scenario refers to that of a rule beside it") {
  const Json schema = scenario_schema();
  CHECK(schema["$ref"] == "#/$defs/scenario");
  CHECK(schema["$defs"]["rule"]["$ref"] == "rule_schema.json#/$defs/rule");
  CHECK(schema["$defs"]["match"]["$ref"] == "rule_schema.json#/$defs/match");
  CHECK(schema["$defs"]["transition"]["properties"]["when"]["$ref"] == "#/$defs/when");
  CHECK(rule_schema()["$defs"].contains("rule"));
  CHECK(rule_schema()["$defs"].contains("match"));
}

}  // namespace scenario_dump_test
