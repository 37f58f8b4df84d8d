#include "config/fault_schema.hpp"

#include "tests/unit/config/random_rule.hpp"
#include "tests/unit/config/rule_bench.hpp"
#include "tests/unit/config/schema_checker.hpp"

namespace fault_schema_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

/// valijson does not look beside a "$ref", as draft-07 has it.
Checker rule_checker() {
  Json schema = rule_definitions("#/definitions/", kTestFaults);
  return Checker(
      {{"allOf", Json::array({{{"$ref", "#/definitions/rule"}}})}, {"definitions", schema}});
}

}  // namespace

TEST_CASE("the schema of a rule accepts what the reader accepts") {
  const Checker checker = rule_checker();
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::string text = rule_text(RandomRule(seed).draw(seed));
    CAPTURE(text);
    CHECK(checker.accepts(text));
  }
  for (
      const char* text :
      {R"({"id": "r", "effect": {"test.status": "red"}})",
       R"({"id": "r", "effect": {"test.status": {"status": "red"}}})",
       R"({"id": "r", "effect": [{"test.pause": {"for_ms": 5}}, {"test.every": {"octets": "46 49", "decimal": "1/3"}}]})",
       R"({"id": "r", "effect": {"other.ladder": [{"tmf": "x", "delay_s": 1}]}})",
       R"({"id": "r", "observe": true, "gate": {"window": {"for_ms": 4900}, "cycle": {"up_s": 1, "down": "1s"}, "p": 1e-8}})"}) {
    CAPTURE(text);
    CHECK(read(text).rule);
    CHECK(checker.accepts(text));
  }
}

TEST_CASE("the schema of a rule refuses common slips, and so does the reader") {
  const Checker checker = rule_checker();
  for (const char* text : {"{}",
                           "[]",
                           R"({"id": "a b", "observe": true})",
                           R"({"id": "r", "observe": 1})",
                           R"({"id": "r", "colour": 1})",
                           R"({"id": "r", "effect": {}})",
                           R"({"id": "r", "effect": {"no.such": {}}})",
                           R"({"id": "r", "effect": {"test.status": "blue"}})",
                           R"({"id": "r", "effect": {"test.status": {"status": "red", "x": 1}}})",
                           R"({"id": "r", "effect": {"test.every": {"number": 101}}})",
                           R"({"id": "r", "effect": {"test.every": {"duration": 5}}})",
                           R"({"id": "r", "effect": {"test.every": {"numbers": []}}})",
                           R"({"id": "r", "observe": true, "match": {"lunn": 1}})",
                           R"({"id": "r", "observe": true, "match": {"lun": 16384}})",
                           R"({"id": "r", "observe": true, "match": {"not": {"lunn": 1}}})",
                           R"({"id": "r", "observe": true, "gate": {"every": 0}})",
                           R"({"id": "r", "observe": true, "gate": {"p": 2}})",
                           R"({"id": "r", "observe": true, "gate": {"window": {"for_min": 1}}})",
                           R"({"id": "r", "observe": true, "life": {"once_per": "day"}})",
                           R"({"id": "r", "observe": true, "where": "x"})"}) {
    CAPTURE(text);
    CHECK_FALSE(read(text).rule);
    CHECK_FALSE(checker.accepts(text));
  }
}

TEST_CASE("the example of every fault of the table is a rule that loads and has the fault in it") {
  for (const auto& row : faults::fault_table()) {
    CAPTURE(row.id);
    REQUIRE(Json::accept(row.example));
    const Json tree = Json::parse(row.example);
    Problems problems;
    const auto rule = read_rule(Value(&tree, "", problems));
    std::string text;
    for (const Problem& problem : problems.list())
      text += to_text(problem) + "\n";
    CAPTURE(text);
    CHECK(rule);
    if (!rule) continue;
    CHECK(std::ranges::any_of(rule->effects, [&](const auto& each) { return each.fault == &row; }));
    const Json printed = rule_to_json(*rule);
    Problems again;
    CHECK(read_rule(Value(&printed, "", again)) == rule);
  }
}

TEST_CASE(
    "every fault of the table is fully described, and its defaults are JSON or words in brackets") {
  const auto check = [](const auto& self, std::span<const faults::Parameter> parameters) -> void {
    for (const auto& each : parameters) {
      CAPTURE(each.name);
      CHECK_FALSE(each.meaning.empty());
      CHECK(each.required == each.fallback.empty());
      CHECK(
          (each.fallback.empty() || each.fallback.starts_with('(') || Json::accept(each.fallback)));
      CHECK((each.kind == Kind::choice) == !each.choices.empty());
      CHECK((each.kind == Kind::objects || each.kind == Kind::object) == !each.members.empty());
      self(self, each.members);
    }
  };
  for (const auto& row : faults::fault_table()) {
    CAPTURE(row.id);
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.wire.empty());
    CHECK_FALSE(row.host.empty());
    CHECK(faults::find_fault(row.id) == &row);
    check(check, row.parameters);
  }
}

TEST_CASE("the capabilities name every site, fault, clause, key and outcome") {
  const Json body = capabilities("1.2.3", kTestFaults);
  CHECK(body["version"] == "1.2.3");
  CHECK(body["sites"].size() == faults::site_table().size());
  CHECK(body["sites"][0]["name"] == "tcp.accept");
  REQUIRE(body["faults"].size() == std::size(kTestFaults));
  const Json& status = body["faults"][1];
  CHECK(status["id"] == "test.status");
  CHECK(status["site"] == "cmd.status");
  CHECK(status["decided_at"] == "cmd.enqueue");
  CHECK(status["summary"] == "A status.");
  CHECK(status["illegal"] == false);
  CHECK(status["example"]["id"] == "x");
  CHECK(body["faults"][5]["illegal"] == true);
  CHECK(Checker(status["parameters"]).accepts("\"red\""));
  CHECK_FALSE(Checker(status["parameters"]).accepts("{}"));
  CHECK(body["match"].size() == faults::clause_table().size());
  CHECK(body["match"][0]["of_session"] == true);
  CHECK(body["keys"].size() == std::size(faults::kKeyNames));
  CHECK(body["keys"][1]["name"] == "lba");
  CHECK(body["outcomes"].size() == 12);
  CHECK(body["outcomes"][0]["name"] == "fired");
  CHECK(capabilities("x")["faults"].size() == faults::fault_table().size());
}

TEST_CASE("the keys of a draw have the names that the reader takes, in its order") {
  const auto terms = key_terms();
  for (std::size_t i = 0; i < terms.size(); ++i)
    CHECK(terms[i].name == faults::kKeyNames[i]);
}

}  // namespace fault_schema_test
