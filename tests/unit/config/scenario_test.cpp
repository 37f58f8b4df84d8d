// States, actions, IDs, and what only the whole of a scenario shows.
#include "config/scenario.hpp"

#include "config/rules.hpp"
#include "tests/unit/config/scenario_bench.hpp"
#include "tests/unit/config/scratch.hpp"

namespace scenario_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

/// The example of the fault model, 9.2, as it is there.
constexpr const char* kExample = R"j(
{"id":"flaky-controller","seed":"0x5eed","note":"current state is readable at GET /v1/scenarios/{id}",
 "states":{
  "ok":      {"rules":[]},
  "limping": {"rules":["tail"],            "enter":[{"emit":"mark","name":"limp-start"}]},
  "hung":    {"rules":[{"id":"hang","match":{"lun":0},"effect":{"lu.hang":{"grade":2}}}]},
  "reset":   {"enter":[{"do":"lu.power_cycle","lun":0},{"do":"ua.queue","asc":"29/01","nexus":"all"}]}},
 "start":"ok",
 "transitions":[
  {"from":"ok","to":"limping","when":{"after_ms":30000}},
  {"from":"limping","to":"hung","when":{"match":{"op":"write"},"count":500}},
  {"from":"hung","to":"reset","when":{"tmf":"LOGICAL_UNIT_RESET","count":1}},
  {"from":"reset","to":"ok","when":{"after_ms":8000}},
  {"from":"*","to":"ok","when":{"event":"operator.reset"}}],
 "expect":[
  {"that":"no_data_loss"},
  {"that":"recovered","within_ms":60000,"after":"hung"},
  {"that":"tmf_seen","order":["ABORT_TASK","LOGICAL_UNIT_RESET"]},
  {"that":"no_reconnect_faster_than_ms","value":1000}]})j";

std::string rule(const std::string& id, const std::string& members = "") {
  return R"({"id": ")" + id + R"(", "effect": {"scsi.status": {"status": "BUSY"}})" + members + "}";
}
/// `count` elements that `element` makes of their numbers.
template <typename Element>
std::string array(std::size_t count, Element element) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "" : ", ") + element(i);
  return out + "]";
}
std::string states(std::size_t count) {
  std::string out = "{";
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "\"s" : ", \"s") + std::to_string(i) + "\": {}";
  return out + "}";
}
bool loads(const std::string& text) {
  return load_scenario(text).scenario.has_value();
}

}  // namespace

TEST_CASE("the example of the fault model says what it seems to say") {
  const auto plot = good_scenario(kExample);
  CHECK(plot.id == "flaky-controller");
  CHECK(plot.seed == 0x5eed);
  REQUIRE(plot.states.size() == 4);
  CHECK(plot.states[0].name == "ok");
  CHECK(plot.states[1].rules == std::vector<faults::StateRule>{{"tail", {}}});
  CHECK(plot.states[1].enter == std::vector<faults::ScenarioAction>{faults::SetMark{"limp-start"}});
  REQUIRE(plot.states[2].rules.size() == 1);
  CHECK(plot.states[2].rules[0].rule->effects[0].fault->id == "lu.hang");
  REQUIRE(plot.states[3].enter.size() == 2);
  const auto* cycle = std::get_if<faults::ChangeUnit>(&plot.states[3].enter[0]);
  REQUIRE(cycle != nullptr);
  CHECK(cycle->lun == 0);
  CHECK(cycle->effect.fault->id == "lu.power_cycle");
  CHECK(plot.start == 0);
  REQUIRE(plot.transitions.size() == 5);
  CHECK(plot.transitions[0].when.after == std::chrono::seconds(30));
  CHECK(plot.transitions[1].when.count == 500);
  CHECK(plot.transitions[2].when.functions == std::vector<std::uint8_t>{5});
  CHECK_FALSE(plot.transitions[4].from);
  CHECK(plot.transitions[4].when.event == "operator.reset");
  REQUIRE(plot.expect.size() == 4);
  CHECK(plot.expect[1].within == std::chrono::seconds(60));
  CHECK(plot.expect[1].state == 2);
  CHECK(plot.expect[2].functions == std::vector<std::uint8_t>{1, 5});
  CHECK(plot.expect[3].least == std::chrono::seconds(1));
  CHECK_FALSE(plot.ends_at(0));
}

TEST_CASE("a scenario needs an ID and a state, and nothing else") {
  const auto least = good_scenario(R"({"id": "s", "states": {"a": {}}})");
  CHECK(least.states.size() == 1);
  CHECK(least.ends_at(0));
  check_bad_scenario(R"({"states": {"a": {}}})", "id", "missing");
  check_bad_scenario(R"({"id": "s"})", "states", "missing");
  check_bad_scenario(R"({"id": "s", "states": {}})", "states", "has no state");
  check_bad_scenario(R"({"id": "s", "states": []})", "states", "object");
  check_bad_scenario(R"([])", "", "object");
  CHECK_FALSE(loads("{"));
}

TEST_CASE("a scenario's ID is 1 to 32 letters, digits, dots, underscores and dashes") {
  const auto with_id = [](const std::string& id) {
    return R"({"id": ")" + id + R"(", "states": {"a": {}}})";
  };
  CHECK(loads(with_id("A-z.0_9")));
  CHECK(loads(with_id(std::string(faults::kMaxScenarioIdBytes, 'x'))));
  check_bad_scenario(with_id(std::string(faults::kMaxScenarioIdBytes + 1, 'x')), "id",
                     "no name of a scenario");
  for (const char* id : {"a b", "a/b", "é", "*"})
    check_bad_scenario(with_id(id), "id", "no name of a scenario");
  check_bad_scenario(R"({"id": 5, "states": {"a": {}}})", "id", "string");
  CHECK(check_scenario_id("ok").empty());
  CHECK_FALSE(check_scenario_id("").empty());
}

TEST_CASE("a scenario takes its ID from a path, and may repeat it") {
  CHECK(load_scenario(R"({"states": {"a": {}}})", "p").scenario->id == "p");
  CHECK(load_scenario(R"({"id": "p", "states": {"a": {}}})", "p").scenario->id == "p");
  const auto other = load_scenario(R"({"id": "q", "states": {"a": {}}})", "p");
  CHECK_FALSE(other.scenario);
  CHECK(lines(other.errors) == "id: is \"q\", and the path names \"p\"; leave it out\n");
  CHECK_FALSE(load_scenario(R"({"states": {"a": {}}})", "a b").scenario);
}

TEST_CASE("names of states are short, each given once, and start is one of them") {
  const auto named = [](const std::string& name) {
    return R"({"id": "s", "states": {")" + name + R"(": {}}})";
  };
  CHECK(loads(named(std::string(faults::kMaxStateNameBytes, 'n'))));
  const std::string too_long(faults::kMaxStateNameBytes + 1, 'n');
  check_bad_scenario(named(too_long), "states." + too_long, "no name of a state");
  check_bad_scenario(named("*"), "states.*", "no name of a state");
  check_bad_scenario(R"({"id": "s", "states": {"a": {}, "a": {}}})", "states.a", "given twice");
  CHECK(good_scenario(with_members(R"("start": "a")")).start == 0);
  check_bad_scenario(with_members(R"("start": "d")"), "start", "there is no state \"d\"");
  check_bad_scenario(R"({"id": "s", "states": {"hung": {}}, "start": "hang"})", "start",
                     "did you mean \"hung\"?");
  check_bad_scenario(with_members(R"("start": 1)"), "start", "string");
}

TEST_CASE("what has a limit may be as long as that and no longer") {
  const auto of_states = [](std::size_t count) {
    return R"({"id": "s", "states": )" + states(count) + "}";
  };
  CHECK(loads(of_states(faults::kMaxStates)));
  check_bad_scenario(of_states(faults::kMaxStates + 1), "states", "has 65 states; the most is 64");
  const auto of_rules = [](std::size_t count) {
    return with_state(R"("rules": )" +
                      array(count, [](auto i) { return rule("r" + std::to_string(i)); }));
  };
  CHECK(loads(of_rules(faults::kMaxRulesPerState)));
  check_bad_scenario(of_rules(faults::kMaxRulesPerState + 1), "states.a.rules", "the most is 256");
  const auto of_actions = [](std::size_t count) {
    return with_state(R"("enter": )" + array(count, [](auto) {
                        return std::string(R"({"emit": "mark", "name": "m"})");
                      }));
  };
  CHECK(loads(of_actions(faults::kMaxActionsPerState)));
  check_bad_scenario(of_actions(faults::kMaxActionsPerState + 1), "states.a.enter",
                     "the most is 32");
  const auto of_transitions = [](std::size_t count) {
    return R"({"id": "s", "states": {"a": {}}, "transitions": )" +
           array(count,
                 [](auto) {
                   return std::string(R"({"from": "a", "to": "a", "when": {"event": "e"}})");
                 }) +
           "}";
  };
  CHECK(loads(of_transitions(faults::kMaxTransitions)));
  check_bad_scenario(of_transitions(faults::kMaxTransitions + 1), "transitions", "the most is 256");
  const auto of_expectations = [](std::size_t count) {
    return with_members(R"("expect": )" + array(count, [](auto) {
                          return std::string(R"({"that": "no_data_loss"})");
                        }));
  };
  CHECK(loads(of_expectations(faults::kMaxExpectations)));
  check_bad_scenario(of_expectations(faults::kMaxExpectations + 1), "expect", "the most is 64");
  const std::string note(kMaxNoteBytes, 'n');
  CHECK(loads(with_members(R"("note": ")" + note + "\"")));
  check_bad_scenario(with_members(R"("note": ")" + note + "n\""), "note", "1024");
  check_bad_scenario(with_state(R"("note": ")" + note + "n\""), "states.a.note", "1024");
  const std::string name(kMaxNameBytes, 'n');
  CHECK(loads(with_action(R"({"emit": "event", "name": ")" + name + "\"}")));
  check_bad_scenario(with_action(R"({"emit": "event", "name": ")" + name + "n\"}"),
                     "states.a.enter[0].name", "64");
}

TEST_CASE("keys that nobody knows and values of the wrong type are refused where they are") {
  const BadPart whole[] = {
      {R"("sead": 5)", "sead", "did you mean \"seed\"?"},
      {R"("seed": -1)", "seed", "-1"},
      {R"("seed": "five")", "seed", "five"},
      {R"("expect": {})", "expect", "array"},
      {R"("for": 5)", "for", "duration"},
      {R"("for": "0s")", "for", "1ms"},
      {R"("for_ms": 0)", "for_ms", "1"},
      {R"("for": "1s", "for_ms": 5)", "for_ms", "for"},
      {R"("for": "10001h")", "for", "10000h"},
      {R"("note": 5)", "note", "string"},
      {R"("$schema": 5)", "$schema", "string"},
  };
  for (const auto& [part, path, reason] : whole)
    check_bad_scenario(with_members(part), path, reason);
  const BadPart state[] = {
      {R"("rule": [])", "states.a.rule", "did you mean \"rules\"?"},
      {R"("rules": {})", "states.a.rules", "array"},
      {R"("rules": [5])", "states.a.rules[0]", "object"},
      {R"("rules": ["a b"])", "states.a.rules[0]", "no name of a rule"},
      {R"("enter": {})", "states.a.enter", "array"},
      {R"("end": 1)", "states.a.end", "true or false"},
      {R"("note": [])", "states.a.note", "string"},
  };
  for (const auto& [part, path, reason] : state)
    check_bad_scenario(with_state(part), path, reason);
  check_bad_scenario(R"({"id": "s", "states": {"a": 5}})", "states.a", "object");
}

TEST_CASE("every action reads as what it does") {
  const auto action = [](const std::string& text) {
    return good_scenario(with_action(text)).states[0].enter.at(0);
  };
  using faults::ChangeRule;
  CHECK(action(R"({"emit": "mark", "name": "m"})") == faults::ScenarioAction(faults::SetMark{"m"}));
  CHECK(action(R"({"emit": "event", "name": "e"})") ==
        faults::ScenarioAction(faults::RaiseEvent{"e"}));
  CHECK(action(R"({"do": "held.release"})") == faults::ScenarioAction(faults::ReleaseHeld{""}));
  CHECK(action(R"({"do": "held.release", "tag": "t"})") ==
        faults::ScenarioAction(faults::ReleaseHeld{"t"}));
  constexpr std::pair<const char*, ChangeRule::Do> kDo[] = {{"rule.arm", ChangeRule::Do::arm},
                                                            {"rule.disarm", ChangeRule::Do::disarm},
                                                            {"rule.reset", ChangeRule::Do::reset}};
  for (const auto& [name, what] : kDo) {
    const auto plot = good_scenario(with_state(R"("rules": ["r"], "enter": [{"do": ")" +
                                               std::string(name) + R"(", "rule": "r"}])"));
    CHECK(plot.states[0].enter.at(0) == faults::ScenarioAction(ChangeRule{what, "r"}));
  }
  const auto unit = action(
      R"({"do": "lu.offline", "target": "iqn.t", "lun": "0x10", "for_ms": 500, "silent": true})");
  const auto* change = std::get_if<faults::ChangeUnit>(&unit);
  REQUIRE(change != nullptr);
  CHECK(change->target == "iqn.t");
  CHECK(change->lun == 16);
  const auto* offline = std::get_if<faults::UnitChange>(&change->effect.action);
  REQUIRE(offline != nullptr);
  CHECK(offline->duration == std::chrono::milliseconds(500));
  CHECK(offline->silent);
}

TEST_CASE("every unit change and attention that needs no command can be an action") {
  for (const char* text :
       {R"({"do": "lu.offline"})", R"({"do": "lu.online"})", R"({"do": "lu.remove"})",
        R"({"do": "lu.add"})", R"({"do": "lu.power_cycle", "off": "2s"})",
        R"({"do": "lu.slow_start", "for": "5s"})", R"({"do": "lu.medium_eject"})",
        R"({"do": "ua.queue", "preset": "capacity_changed"})",
        R"({"do": "ua.queue", "asc": "29/00", "nexus": "next_login", "count": 3})"}) {
    CAPTURE(text);
    good_scenario(with_action(text));
  }
}

TEST_CASE("actions that cannot be meant are refused") {
  const BadPart rows[] = {
      {R"({})", "", "does nothing"},
      {R"(5)", "", "object"},
      {R"({"emit": "mark", "name": "m", "do": "lu.online"})", "", "both emit and do"},
      {R"({"emit": "mrak", "name": "m"})", ".emit", "mark"},
      {R"({"emit": "mark"})", ".name", "missing"},
      {R"({"emit": "mark", "name": ""})", ".name", "empty"},
      {R"({"emit": "mark", "name": "m", "lun": 3})", ".lun", "none of the keys of emit"},
      {R"({"do": "lu.ofline"})", ".do", "did you mean \"lu.offline\"?"},
      {R"({"do": "scsi.status", "status": "BUSY"})", "", "strikes a command"},
      {R"({"do": "lu.hang"})", "", "strikes a command"},
      {R"({"do": 5})", ".do", "string"},
      {R"({"do": "rule.arm"})", ".rule", "missing"},
      {R"({"do": "rule.arm", "rule": "a b"})", ".rule", "no name of a rule"},
      {R"({"do": "rule.arm", "rule": "r", "tag": "t"})", ".tag", "none of the keys of rule.arm"},
      {R"({"do": "held.release", "rule": "r"})", ".rule", "none of the keys of held.release"},
      {R"({"do": "held.release", "tag": ""})", ".tag", "empty"},
      {R"({"do": "lu.offline", "lun": 16384})", ".lun", "16383"},
      {R"({"do": "lu.offline", "fro": "1s"})", ".fro", "for"},
      {R"({"do": "lu.slow_start"})", ".for", "missing"},
      {R"({"do": "ua.queue", "asc": "29/00", "nexus": "own"})", "", "session of a command"},
      {R"({"do": "ua.queue", "asc": "29/00", "nexus": "others"})", "", "session of a command"},
  };
  for (const auto& [part, path, reason] : rows)
    check_bad_scenario(with_action(part), "states.a.enter[0]" + std::string(path), reason);
}

TEST_CASE("a rule is written once, and named where else it is in force") {
  const auto plot =
      good_scenario(R"({"id": "s", "states": {"a": {"rules": ["r"]}, "b": {"rules": [)" +
                    rule("r") + R"(, "other"]}}, "transitions": [)" +
                    R"({"from": "a", "to": "b", "when": {"after": "1s"}}]})");
  REQUIRE(plot.states[0].rules.at(0).rule);
  CHECK(plot.states[0].rules[0] == plot.states[1].rules.at(0));
  CHECK_FALSE(plot.states[1].rules.at(1).rule);
  check_bad_scenario(R"({"id": "s", "states": {"a": {"rules": [)" + rule("r") +
                         R"(]}, "b": {"rules": [)" + rule("r") + "]}}}",
                     "states.b.rules[0].id", "is also the ID of states.a.rules[0]");
  check_bad_scenario(with_state(R"("rules": [)" + rule("r") + R"(, "r"])"), "states.a.rules[1]",
                     "named twice");
  check_bad_scenario(with_state(R"("rules": ["r", "r"])"), "states.a.rules[1]", "named twice");
}

TEST_CASE("rules of a state are rules like others, with their problems where they are") {
  check_bad_scenario(with_state(R"("rules": [{"id": "r"}])"), "states.a.rules[0].effect",
                     "missing");
  check_bad_scenario(with_state(R"("rules": [)" + rule("r", R"(, "gate": {"evry": 3})") + "]"),
                     "states.a.rules[0].gate.evry", "did you mean \"every\"?");
  const auto tags = [](std::size_t count) {
    return with_state(
        R"("rules": [)" +
        rule("r", R"(, "life": {"tags": )" +
                      array(count, [](auto i) { return "\"t" + std::to_string(i) + "\""; }) + "}") +
        "]");
  };
  CHECK(loads(tags(kMaxTags - 1)));
  check_bad_scenario(tags(kMaxTags), "states.a.rules[0].life.tags", "given one more");
}

TEST_CASE("a state that ends the scenario has no rules") {
  CHECK(good_scenario(with_state(R"("end": true)")).states[0].end);
  check_bad_scenario(with_state(R"("end": true, "rules": [)" + rule("r") + "]"), "states.a.end",
                     "would never fire");
}

TEST_CASE("an exhausted rule may lead to a state that there is") {
  const auto to = [](const std::string& state) {
    return R"({"id": "s", "states": {"a": {"rules": [)" +
           rule("r",
                R"(, "gate": {"times": 1}, "life": {"on_exhaust": {"goto": ")" + state + "\"}}") +
           R"(]}, "done": {}}})";
  };
  CHECK(good_scenario(to("done")).states.size() == 2);  // and no warning that nothing leads there
  check_bad_scenario(to("dome"), "states.a.rules[0].life.on_exhaust.goto",
                     "did you mean \"done\"?");
}

TEST_CASE("rules that are only there in other states are refused") {
  const auto plot = [](const std::string& a, const std::string& when) {
    return R"({"id": "s", "states": {"a": {)" + a + R"(}, "b": {"rules": [)" + rule("r") +
           R"(]}}, "transitions": [{"from": "a", "to": "b", "when": )" + when + "}]}";
  };
  const std::string later = R"({"after": "1s"})";
  const std::string after_r = R"({"after_fault": {"rule": "r"}})";
  check_bad_scenario(plot(R"("enter": [{"do": "rule.arm", "rule": "r"}])", later),
                     "states.a.enter[0].rule", "not there in state a");
  check_bad_scenario(plot(R"("rules": [)" + rule("q", R"(, "match": )" + after_r) + "]", later),
                     "states.a.rules[0].match.after_fault.rule", "not there in state a");
  check_bad_scenario(plot("", R"({"match": )" + after_r + "}"),
                     "transitions[0].when.match.after_fault.rule", "not there in state a");
  CHECK(loads(plot(R"("rules": ["r"], "enter": [{"do": "rule.arm", "rule": "r"}])",
                   R"({"match": )" + after_r + "}")));
}

TEST_CASE("a rule may not have the ID of one that the scenario makes for itself") {
  check_bad_scenario(R"({"id": "s", "states": {"a": {"rules": [)" + rule("s.a.1") +
                         R"(]}, "b": {}}, "transitions": [{"from": "a", "to": "b", )" +
                         R"("when": {"match": {}}}]})",
                     "states.a.rules[0].id", "gives to a rule of its own");
}

TEST_CASE("what a scenario can do without is a warning") {
  const auto warned = [](const std::string& text) {
    const auto loaded = load_scenario(text);
    CAPTURE(lines(loaded.errors));
    REQUIRE(loaded.scenario);
    return lines(loaded.warnings);
  };
  CHECK(warned(R"({"id": "s", "states": {"a": {}, "b": {}}})") ==
        "states.b: no transition leads here; only POST …/goto can\n");
  CHECK(warned(with_expect(R"({"that": "fired", "rule": "r"})")) ==
        "expect[0].rule: \"r\" is a rule of no state; it must be there when the scenario runs\n");
  CHECK(warned(with_when(R"({"rule": "r"})")).starts_with("transitions[0].when.rule: \"r\" is a"));
  CHECK(warned(with_action(R"({"do": "rule.arm", "rule": "r"})"))
            .starts_with("states.a.enter[0].rule: \"r\" is a rule of no state"));
}

TEST_CASE("every error is reported at once, with its line, and in that order") {
  const auto loaded = load_scenario(R"({"id": "s s",
    "states": {"a": {"rules": [{"id": "r"}], "ende": true},
               "b": {"enter": [{"do": "lu.nothing"}]}},
    "start": "c",
    "transitions": [{"from": "a", "to": "d", "when": {}},
                    {"from": "a", "when": {"count": 0}}],
    "expect": [{"that": "recoverd"}, {"that": "fired"}],
    "fro": "1s"})");
  CHECK_FALSE(loaded.scenario);
  std::vector<std::string> paths;
  for (const auto& each : loaded.errors)
    paths.push_back(std::to_string(each.line) + " " + each.path);
  CHECK(paths == std::vector<std::string>{"1 id", "2 states.a.rules[0].effect", "2 states.a.ende",
                                          "3 states.b.enter[0].do", "4 start",
                                          "5 transitions[0].to", "5 transitions[0].when",
                                          "6 transitions[1].to", "6 transitions[1].when.count",
                                          "6 transitions[1].when.count", "7 expect[0].that",
                                          "7 expect[1].rule", "8 fro"});
}

TEST_CASE("more than kMaxProblems errors are counted") {
  std::string keys;
  for (std::size_t i = 0; i < 90; ++i)
    keys += (i == 0 ? "\"k" : ", \"k") + std::to_string(i) + "\": 1";
  const auto loaded =
      load_scenario(R"({"id": "s", "states": {"a": {)" + keys + R"(}, "b": {)" + keys + "}}}");
  CHECK(loaded.errors.size() == kMaxProblems);
  CHECK(loaded.errors_left_out == 180 - kMaxProblems);
}

TEST_CASE("a scenario is read from a file, and one that is not there is an error") {
  const Scratch scratch;
  const auto loaded = load_scenario_file(scratch.file("s.json", kExample));
  REQUIRE(loaded.scenario);
  CHECK(*loaded.scenario == good_scenario(kExample));
  const auto missing = load_scenario_file(scratch.path("none.json"));
  CHECK_FALSE(missing.scenario);
  REQUIRE(missing.errors.size() == 1);
  CHECK(missing.errors[0].message.find("cannot be opened") != std::string::npos);
}

}  // namespace scenario_test
