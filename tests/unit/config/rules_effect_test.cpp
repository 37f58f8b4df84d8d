#include "tests/unit/config/rule_bench.hpp"

namespace rules_effect_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

std::string with_effect(std::string_view effect) {
  return R"({"id": "r", "effect": )" + std::string(effect) + "}";
}
void check_bad_effect(std::string_view effect, std::string_view path, std::string_view reason) {
  check_bad(with_effect(effect), path, reason);
}

}  // namespace

TEST_CASE("an effect is one fault, several, or objects with one or several, in their order") {
  const auto ids = [](std::string_view effect) {
    std::string out;
    for (const auto& each : good(with_effect(effect)).effects)
      out += std::string(each.fault->id) + " ";
    return out;
  };
  CHECK(ids(R"({"test.status": {"status": "red"}})") == "test.status ");
  CHECK(ids(R"({"test.pause": "1s", "test.every": {}, "test.status": "red"})") ==
        "test.pause test.every test.status ");
  CHECK(ids(R"([{"test.every": {}}, {"test.pause": "1s", "test.status": "red"}])") ==
        "test.every test.pause test.status ");
}

TEST_CASE("an effect has its arguments and the action that the fault builds of them") {
  const auto rule =
      good(with_effect(R"({"test.status": {"status": "green", "qualifier": "0x10"}})"));
  REQUIRE(rule.effects.size() == 1);
  CHECK(rule.effects[0].arguments.choice("status") == 1);
  CHECK(rule.effects[0].arguments.number("qualifier") == 16);
  CHECK(std::holds_alternative<faults::Answer>(rule.effects[0].action));
}

TEST_CASE("an effect that is not in the table is refused with those that are") {
  check_bad_effect(R"({"test.sttaus": "red"})", "effect.test.sttaus",
                   "did you mean \"test.status\"");
  check_bad_effect(R"({"test.xyzzy": "red"})", "effect.test.xyzzy",
                   "known of this family: test.every, test.status");
  check_bad_effect(R"({"nowhere.xyzzy": {}})", "effect.nowhere.xyzzy",
                   "known families: test and other");
  check_bad_effect(R"([{"test.every": {}}, {"x": 1}])", "effect[1].x", "unknown fault");
}

TEST_CASE("an effect of the wrong form is refused") {
  check_bad_effect("\"test.status\"", "effect", "object");
  check_bad_effect("null", "effect", "object");
  check_bad_effect("{}", "effect", "names no fault");
  check_bad_effect("[]", "effect", "missing");
  check_bad_effect("[{\"test.every\": {}}, 5]", "effect[1]", "object");
  check_bad_effect(R"({"test.status": {}})", "effect.test.status.status", "missing");
  check_bad_effect(R"({"test.status": "blue"})", "effect.test.status", "red and green");
  check_bad_effect(R"({"test.every": 5})", "effect.test.every", "object");
  check_bad_effect(R"({"test.status": {"status": "red", "qualifer": 1}})",
                   "effect.test.status.qualifer", "did you mean \"qualifier\"");
}

TEST_CASE("what a fault complains of is a problem at the parameter, or at the fault") {
  good(with_effect(R"({"test.picky": {"status": "green"}})"));
  check_bad_effect(R"({"test.picky": {"status": "green", "qualifier": 13}})",
                   "effect.test.picky.qualifier", "is 13");
  check_bad_effect(R"({"test.picky": {"status": "red"}})", "effect.test.picky", "never right");
}

TEST_CASE("a rule has at most 16 effects") {
  const auto many = [](std::size_t count) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i)
      out += std::string(i == 0 ? "" : ",") + R"({"test.every": {}})";
    return out + "]";
  };
  CHECK(good(with_effect(many(faults::kMaxEffectsPerRule))).effects.size() == 16);
  check_bad_effect(many(faults::kMaxEffectsPerRule + 1), "effect", "the most is 16");
  std::string pairs = "[";
  for (int i = 0; i < 9; ++i)
    pairs += std::string(i == 0 ? "" : ",") + R"({"test.every": {}, "test.pause": "1s"})";
  check_bad_effect(pairs + "]", "effect", "more than 16");
}

}  // namespace rules_effect_test
