#include "tests/unit/config/random_rule.hpp"
#include "tests/unit/config/rule_bench.hpp"

namespace rules_dump_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

TEST_CASE("a rule prints what differs from the defaults, durations as strings, and nothing else") {
  const auto rule = good(R"x({"note": "n", "id": "r", "observe": false,
    "gate": {"window": {"since": "arm", "for_ms": 4900}, "skip": 0, "p": 0.02},
    "match": {"lun": ["2-4", 9], "op": ["READ(10)"], "attempt": {"max": 2}, "lba": 7},
    "life": {"ttl_ms": 60000, "priority": 0}, "effect": {"test.pause": {"for_us": 1500}}})x");
  CHECK(rule_text(rule) ==
        R"x({"id":"r","match":{"lun":["2-4",9],"op":"READ(10)","lba":{"start":7,"len":1},)x"
        R"("attempt":{"max":2}},)"
        R"("gate":{"p":0.02,"window":{"for":"4900ms"}},"effect":{"test.pause":{"for":"1500us"}},)"
        R"("life":{"ttl":"1min"},"note":"n"})");
}

TEST_CASE("several effects print as an array, in their order") {
  const auto rule =
      good(R"({"id": "r", "effect": {"test.every": {"flag": true}, "test.status": "red"}})");
  CHECK(rule_to_json(rule)["effect"].dump() ==
        R"([{"test.every":{"flag":true}},{"test.status":{"status":"red"}}])");
}

TEST_CASE("whatever rule is printed reads back equal") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    const auto rule = RandomRule(seed).draw(seed);
    const Read again = read(rule_text(rule));
    CAPTURE(rule_text(rule));
    CAPTURE(again.text());
    REQUIRE(again.rule);
    CHECK(*again.rule == rule);
    CHECK(rule_text(*again.rule) == rule_text(rule));
  }
}

TEST_CASE("a list of rules prints as an array") {
  const faults::Rule rules[] = {RandomRule(1).draw(1), RandomRule(2).draw(2)};
  const Json printed = rules_to_json(rules);
  REQUIRE(printed.size() == 2);
  CHECK(printed[1] == rule_to_json(rules[1]));
}

}  // namespace rules_dump_test
