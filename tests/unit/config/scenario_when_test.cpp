// Transitions and expectations: every clause, and what is wrong with them.
#include "config/rules.hpp"
#include "tests/unit/config/scenario_bench.hpp"

namespace scenario_when_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using faults::LoginKind;
using faults::That;

namespace {

faults::Condition when(const std::string& text) {
  return good_scenario(with_when(text)).transitions.at(0).when;
}
faults::Expect expectation(const std::string& text) {
  const auto loaded = load_scenario(with_expect(text));
  CAPTURE(text);
  CAPTURE(lines(loaded.errors));
  REQUIRE(loaded.scenario);
  return loaded.scenario->expect.at(0);
}
void check_all_bad(std::span<const BadPart> rows, std::string (*whole)(std::string_view),
                   const std::string& prefix) {
  for (const auto& [part, path, reason] : rows)
    check_bad_scenario(whole(part), prefix + path, reason);
}

}  // namespace

TEST_CASE("every clause of when reads as it is written") {
  CHECK(when(R"({"after": "5s"})").after == std::chrono::seconds(5));
  CHECK(when(R"({"after_ms": 5})").after == std::chrono::milliseconds(5));
  CHECK(when(R"({"after": "0s"})").after == faults::Time(0));
  const auto match = when(R"({"match": {"op": "write", "lun": 3}, "count": 500})");
  REQUIRE(match.match);
  CHECK(match.match->luns == std::vector<std::uint16_t>{3});
  CHECK(match.count == 500);
  CHECK(when(R"({"match": {}})").match == faults::Match());
  CHECK(when(R"({"tmf": "LOGICAL UNIT RESET"})").functions == std::vector<std::uint8_t>{5});
  CHECK(when(R"({"tmf": ["abort_task", 6], "count": 2})").functions ==
        std::vector<std::uint8_t>{1, 6});
  CHECK(when(R"({"login": "up"})").login == LoginKind::up);
  CHECK(when(R"({"login": "down"})").login == LoginKind::down);
  CHECK(when(R"({"login": "refused", "count": 3})").login == LoginKind::refused);
  CHECK(when(R"({"mark": "m"})").mark == "m");
  CHECK(when(R"({"event": "e"})").event == "e");
  const auto other = when(R"({"scenario": "peer", "state": "hung"})");
  CHECK(other.scenario == "peer");
  CHECK(other.scenario_state == "hung");
  const auto loaded = load_scenario(with_when(R"({"rule": "r", "fired": 4})"));
  REQUIRE(loaded.scenario);
  CHECK(loaded.scenario->transitions[0].when.rule == "r");
  CHECK(loaded.scenario->transitions[0].when.fired == 4);
}

TEST_CASE("a condition that cannot be meant is refused") {
  const BadPart rows[] = {
      {R"({})", "", "is empty"},
      {R"(5)", "", "object"},
      {R"({"afte": "5s"})", ".afte", "did you mean \"after\"?"},
      {R"({"after": 5})", ".after", "duration"},
      {R"({"after_ms": -5})", ".after_ms", "-5"},
      {R"({"after": "999us"})", ".after", "less than 1ms"},
      {R"({"after": "10001h"})", ".after", "10000h"},
      {R"({"match": []})", ".match", "object"},
      {R"({"match": {"opp": "read"}})", ".match.opp", "did you mean \"op\"?"},
      {R"({"match": {"op": "INQUIRY", "lba": 5}})", ".match.lba", "cannot match"},
      {R"({"tmf": "ABORT"})", ".tmf", "ABORT"},
      {R"({"tmf": []})", ".tmf", "names no function"},
      {R"({"tmf": [1, "x"]})", ".tmf[1]", "x"},
      {R"({"login": "out"})", ".login", "refused"},
      {R"({"tmf": 1, "count": 0})", ".count", "1"},
      {R"({"tmf": 1, "count": "many"})", ".count", "many"},
      {R"({"event": "e", "count": 5})", ".count", "counts nothing"},
      {R"({"count": 5})", ".count", "counts nothing"},
      {R"({"mark": ""})", ".mark", "empty"},
      {R"({"event": 5})", ".event", "string"},
      {R"({"scenario": "peer"})", ".scenario", "beside \"state\""},
      {R"({"state": "hung"})", ".state", "beside \"scenario\""},
      {R"({"scenario": "s", "state": "a"})", ".scenario", "is this scenario itself"},
      {R"({"scenario": "a b", "state": "a"})", ".scenario", "no name of a scenario"},
      {R"({"rule": "a b"})", ".rule", "no name of a rule"},
      {R"({"event": "e", "fired": 2})", ".fired", "beside \"rule\""},
      {R"({"rule": "r", "fired": 0})", ".fired", "1"},
  };
  check_all_bad(rows, &with_when, "transitions[0].when");
}

TEST_CASE("a transition says from where, to where and when") {
  const auto with_transition = [](std::string_view text) {
    return R"({"id": "s", "states": {"a": {}, "hung": {}}, "transitions": [)" + std::string(text) +
           "]}";
  };
  const BadPart rows[] = {
      {R"({"to": "hung", "when": {"event": "e"}})", ".from", "missing"},
      {R"({"from": "a", "when": {"event": "e"}})", ".to", "missing"},
      {R"({"from": "a", "to": "hung"})", ".when", "missing"},
      {R"({"from": "b", "to": "hung", "when": {"event": "e"}})", ".from", "no state \"b\""},
      {R"({"from": "a", "to": "hang", "when": {"event": "e"}})", ".to", "did you mean \"hung\"?"},
      {R"({"from": "a", "to": "*", "when": {"event": "e"}})", ".to", "no state \"*\""},
      {R"({"from": 1, "to": "hung", "when": {"event": "e"}})", ".from", "string"},
      {R"({"from": "a", "to": "hung", "if": {"event": "e"}, "when": {"event": "e"}})", ".if",
       "unknown key"},
      {R"(5)", "", "object"},
  };
  for (const auto& [part, path, reason] : rows) {
    CAPTURE(part);
    const auto loaded = load_scenario(with_transition(part));
    CAPTURE(lines(loaded.errors));
    CHECK_FALSE(loaded.scenario);
    REQUIRE_FALSE(loaded.errors.empty());
    CHECK(loaded.errors[0].path == "transitions[0]" + std::string(path));
    CHECK(loaded.errors[0].message.find(reason) != std::string::npos);
  }
  check_bad_scenario(R"({"id": "s", "states": {"a": {}}, "transitions": {}})", "transitions",
                     "array");
}

TEST_CASE("transitions that lead round in a circle without time are refused") {
  const auto ring = [](const char* last) {
    return R"({"id": "s", "states": {"a": {}, "b": {}, "c": {}}, "transitions": [)"
           R"({"from": "a", "to": "b", "when": {"after": "0s"}},)"
           R"({"from": "b", "to": "c", "when": {"after_ms": 0}},)"
           R"({"from": "c", "to": "a", "when": )" +
           std::string(last) + "}]}";
  };
  check_bad_scenario(ring(R"({"after": "0s"})"), "transitions[0].when",
                     "leads back to a without any time");
  good_scenario(ring(R"({"after": "1ms"})"));
  good_scenario(ring(R"({"after": "0s", "event": "e"})"));
  check_bad_scenario(
      R"({"id": "s", "states": {"a": {}}, "transitions": [{"from": "a", "to": "a", "when": {"after": "0s"}}]})",
      "transitions[0].when", "leads back to a");
  check_bad_scenario(
      R"({"id": "s", "states": {"a": {}, "b": {}}, "transitions": [{"from": "*", "to": "a", "when": {"after": "0s"}},)"
      R"({"from": "*", "to": "b", "when": {"after": "0s"}}]})",
      "transitions[0].when", "leads back to b");
}

TEST_CASE("every expectation reads with all that it takes") {
  CHECK(expectation(R"({"that": "no_data_loss"})").that == That::no_data_loss);
  const auto recovered = expectation(R"({"that": "recovered", "within": "5s", "after": "b"})");
  CHECK(recovered.that == That::recovered);
  CHECK(recovered.within == std::chrono::seconds(5));
  CHECK(recovered.state == 1);
  CHECK(expectation(R"({"that": "reconnected", "within_ms": 5})").within ==
        std::chrono::milliseconds(5));
  CHECK(expectation(R"({"that": "no_reconnect_faster_than_ms", "value": 250})").least ==
        std::chrono::milliseconds(250));
  const auto seen = expectation(R"({"that": "tmf_seen", "order": ["ABORT_TASK", 5], "count": 2})");
  CHECK(seen.functions == std::vector<std::uint8_t>{1, 5});
  CHECK(seen.count == 2);
  CHECK(expectation(R"({"that": "tmf_seen", "order": "ABORT_TASK"})").functions ==
        std::vector<std::uint8_t>{1});
  CHECK(expectation(R"({"that": "tmf_not_seen"})").functions.empty());
  CHECK(expectation(R"({"that": "tmf_not_seen", "tmf": "TARGET_COLD_RESET"})").functions ==
        std::vector<std::uint8_t>{7});
  const auto retried = expectation(R"({"that": "retried", "min": 0, "max": "0x5"})");
  CHECK(retried.min == 0);
  CHECK(retried.max == 5);
  const auto fired = expectation(R"({"that": "fired", "rule": "r", "min": 2, "max": 2})");
  CHECK(fired.rule == "r");
  CHECK(fired.min == 2);
  CHECK(expectation(R"({"that": "must_fire"})").that == That::must_fire);
  CHECK(expectation(R"({"that": "state_reached", "state": "c"})").state == 2);
  CHECK(expectation(R"({"that": "final_state", "state": "c"})").that == That::final_state);
  CHECK_FALSE(expectation(R"({"that": "no_command_unanswered"})").within);
  CHECK(expectation(R"({"that": "max_latency", "within_us": 1})").within ==
        std::chrono::microseconds(1));
}

TEST_CASE("an expectation that cannot be meant is refused") {
  const BadPart rows[] = {
      {R"(5)", "", "object"},
      {R"({})", ".that", "missing"},
      {R"({"that": "recoverd", "within": "5s"})", ".that", "did you mean \"recovered\"?"},
      {R"({"that": "reconnected", "within": "5s", "vale": 1})", ".vale", "unknown key"},
      {R"({"that": "reconnected", "within": "0s"})", ".within", "1us"},
      {R"({"that": "reconnected", "within": 5})", ".within", "duration"},
      {R"({"that": "recovered", "within": "5s", "after": "d"})", ".after", "no state \"d\""},
      {R"({"that": "state_reached", "state": 5})", ".state", "string"},
      {R"({"that": "no_reconnect_faster_than_ms", "value": 0})", ".value", "1"},
      {R"({"that": "no_reconnect_faster_than_ms", "value": 36000000001})", ".value", "36000000000"},
      {R"({"that": "tmf_seen", "order": []})", ".order", "names no function"},
      {R"({"that": "tmf_seen", "order": ["X"]})", ".order[0]", "X"},
      {R"({"that": "tmf_seen", "order": [1], "count": 0})", ".count", "1"},
      {R"({"that": "tmf_not_seen", "tmf": []})", ".tmf", "names no function"},
      {R"({"that": "fired", "rule": "a b"})", ".rule", "no name of a rule"},
      {R"({"that": "retried", "min": -1})", ".min", "-1"},
      {R"({"that": "retried", "min": 3, "max": 2})", ".max", "less than min"},
  };
  check_all_bad(rows, &with_expect, "expect[0]");
}

TEST_CASE("each expectation takes its own keys and needs some of them") {
  constexpr struct {
    faults::ExpectKey flag;
    std::string_view name, example;
  } kKeys[] = {{faults::kWithin, "within", "\"5s\""},
               {faults::kValue, "value", "5"},
               {faults::kAfter, "after", "\"a\""},
               {faults::kState, "state", "\"a\""},
               {faults::kOrder, "order", "[1]"},
               {faults::kTmf, "tmf", "1"},
               {faults::kCount, "count", "2"},
               {faults::kRule, "rule", "\"r\""},
               {faults::kMin, "min", "1"},
               {faults::kMax, "max", "1"}};
  for (const auto& row : faults::expect_table()) {
    const auto with = [&](std::uint16_t keys) {
      std::string out = R"({"that": ")" + std::string(row.name) + "\"";
      for (const auto& key : kKeys)
        if ((keys & key.flag) != 0)
          out += ", \"" + std::string(key.name) + "\": " + std::string(key.example);
      return with_expect(out + "}");
    };
    CAPTURE(row.name);
    CHECK(load_scenario(with(row.takes)).scenario);
    CHECK(load_scenario(with(row.needs)).scenario);
    for (const auto& key : kKeys) {
      const std::string path = "expect[0]." + std::string(key.name);
      if ((row.takes & key.flag) == 0)
        check_bad_scenario(with(static_cast<std::uint16_t>(row.needs | key.flag)), path,
                           "is none of the keys of " + std::string(row.name));
      if ((row.needs & key.flag) != 0)
        check_bad_scenario(with(static_cast<std::uint16_t>(row.takes & ~key.flag)), path,
                           "missing; " + std::string(row.name) + " needs ");
    }
  }
}

}  // namespace scenario_when_test
