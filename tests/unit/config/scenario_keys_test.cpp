// The rows of the key table against the schema and the reader.
#include "config/keys.hpp"
#include "tests/unit/config/scenario_bench.hpp"

#include <algorithm>
#include <set>

namespace scenario_keys_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

/// A scenario whose object of this shape also has these members.
std::string with_shape(std::string_view shape, const std::string& members) {
  const std::string more = members.empty() ? "" : ", " + members;
  if (shape == "scenario") return with_members(members);
  if (shape == "state") return with_state(members);
  if (shape == "action") return with_action(R"({"emit": "mark", "name": "m")" + more + "}");
  if (shape == "when") return with_when(R"({"tmf": 1)" + more + "}");
  if (shape == "expect") return with_expect(R"({"that": "tmf_seen", "order": [1])" + more + "}");
  return R"({"id": "s", "states": {"a": {}, "b": {}}, "transitions": [)"
         R"({"from": "a", "to": "b", "when": {"event": "e"})" +
         more + "}]}";
}

}  // namespace

TEST_CASE(
    "every key of a scenario has a type and a meaning, and a fallback unless it is required") {
  std::set<std::string_view> shapes;
  for (const Shape& in : scenario_shapes()) {
    CHECK(shapes.insert(in.name).second);
    CHECK(&shape(in.name) == &in);
    std::set<std::string_view> names;
    for (const Key& key : in.keys) {
      CAPTURE(key.name);
      CHECK(names.insert(key.name).second);
      CHECK_FALSE(key.type.empty());
      CHECK(key.meaning.ends_with("."));
      CHECK(key.required == key.fallback.empty());
      if (!key.fallback.empty() && !key.fallback.starts_with("("))
        CHECK(Json::accept(key.fallback));
    }
  }
  CHECK(shapes ==
        std::set<std::string_view>{"scenario", "state", "action", "transition", "when", "expect"});
}

TEST_CASE("the schema of a scenario has exactly the keys of the table, with the same words") {
  const Json definitions = scenario_definitions("#/$defs/");
  CHECK(definitions.size() == scenario_shapes().size());
  for (const Shape& in : scenario_shapes()) {
    CAPTURE(in.name);
    const Json& object = definitions[std::string(in.name)];
    CHECK(object["properties"].size() == in.keys.size());
    // A fault's parameters stand in an action as well.
    CHECK(object.contains("additionalProperties") == (in.name != "action"));
    std::set<std::string> required, in_schema;
    for (const Key& key : in.keys) {
      CAPTURE(key.name);
      const std::string name(key.name);
      REQUIRE(object["properties"].contains(name));
      CHECK(object["properties"][name]["description"] == key.meaning);
      if (key.required) required.insert(name);
      const bool is_duration = key.type.starts_with("duration");
      const bool has_units = object.contains("patternProperties") &&
                             object["patternProperties"].contains("^" + name + "_(us|ms|s)$");
      CHECK(is_duration == has_units);
    }
    if (object.contains("required"))
      for (const auto& name : object["required"])
        in_schema.insert(*name.get_ptr<const std::string*>());
    if (in.name == "scenario") in_schema.insert("id");  // or from the path
    CHECK(in_schema == required);
  }
}

TEST_CASE("the reader refuses a key that is not in the table") {
  for (const Shape& in : scenario_shapes()) {
    CAPTURE(in.name);
    const auto loaded = load_scenario(with_shape(in.name, R"("nonesuch": 1)"));
    REQUIRE(loaded.errors.size() == 1);
    CHECK(loaded.errors[0].path.ends_with("nonesuch"));
  }
}

TEST_CASE("a key that says what holds without it changes nothing") {
  for (const Shape& in : scenario_shapes())
    for (const Key& key : in.keys) {
      if (key.required || key.fallback.starts_with("(")) continue;
      if (in.name == "when" && key.name == "fired") continue;            // only beside rule
      if (in.name == "scenario" && key.name == "transitions") continue;  // has some
      CAPTURE(in.name);
      CAPTURE(key.name);
      const auto without = load_scenario(with_shape(in.name, ""));
      const auto with = load_scenario(
          with_shape(in.name, "\"" + std::string(key.name) + "\": " + std::string(key.fallback)));
      CAPTURE(lines(with.errors));
      REQUIRE(with.scenario);
      REQUIRE(without.scenario);
      CHECK(*with.scenario == *without.scenario);
    }
}

}  // namespace scenario_keys_test
