// The pages and schemas made from the tables are as the tables say.  With FAULTLUN_WRITE_PAGES set
// they are written first (CONTRIBUTING.md).
#include "tests/unit/config/pages.hpp"

#include "tests/unit/config/bench.hpp"
#include "tests/unit/config/rule_bench.hpp"
#include "tests/unit/config/scenario_bench.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace pages_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
namespace fs = std::filesystem;

namespace {

const std::string kRoot = FAULTLUN_SOURCE_DIR "/";

void check_page(const std::string& path, const std::string& made) {
  CAPTURE(path);
  if (std::getenv("FAULTLUN_WRITE_PAGES") != nullptr)
    std::ofstream(kRoot + path, std::ios::binary) << made;
  const bool same = contents(kRoot + path) == made;
  CHECK_MESSAGE(same,
                "write it with FAULTLUN_WRITE_PAGES=1 config_test -tc='*made from the tables*'");
}

}  // namespace

TEST_CASE("docs/faults has a page for every fault and an index, made from the tables") {
  const auto table = faults::fault_table();
  std::set<std::string> wanted = {"README.md"};
  check_page("docs/faults/README.md", fault_index(table));
  for (const auto& row : table) {
    wanted.insert(std::string(row.id) + ".md");
    check_page("docs/faults/" + std::string(row.id) + ".md", fault_page(row));
  }
  for (const auto& entry : fs::directory_iterator(kRoot + "docs/faults")) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    if (!wanted.contains(name) && std::getenv("FAULTLUN_WRITE_PAGES") != nullptr)
      fs::remove(entry.path());
    else
      CHECK(wanted.contains(name));
  }
}

TEST_CASE("docs/rules.md has the tables of keys, words and points made from the tables") {
  std::string page = contents(kRoot + "docs/rules.md");
  page = with_part(page, "reference", reference(rule_shapes()));
  page = with_part(page, "keys", terms_table(key_terms()));
  page = with_part(page, "outcomes", terms_table(outcome_terms()));
  page = with_part(page, "points", sites_table());
  REQUIRE_FALSE(page.starts_with("no part"));
  check_page("docs/rules.md", page);
}

TEST_CASE("docs/scenarios.md has the tables of keys and expectations made from the tables") {
  std::string page = contents(kRoot + "docs/scenarios.md");
  page = with_part(page, "reference", reference(scenario_shapes()));
  page = with_part(page, "expectations", expectations_table());
  REQUIRE_FALSE(page.starts_with("no part"));
  check_page("docs/scenarios.md", page);
}

TEST_CASE("the schemas of a rule and a scenario are made from the tables") {
  check_page("config/scenario_schema.json", scenario_schema().dump(2) + "\n");
  check_page("config/rule_schema.json", rule_schema().dump(2) + "\n");
  Tree schema = Tree::parse(contents(kRoot + "config/schema.json"));
  const Json definitions = rule_definitions("#/definitions/", {});
  for (const auto& [name, definition] : definitions.items())
    schema["definitions"][name] = definition;
  check_page("config/schema.json", schema.dump(2) + "\n");
}

TEST_CASE("every rule in docs/rules.md is one that loads, as far as this version has its faults") {
  const std::string page = contents(kRoot + "docs/rules.md");
  constexpr std::string_view kBegin = "```json\n", kEnd = "\n```";
  std::size_t examples = 0;
  for (std::size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    const std::string text = page.substr(at, page.find(kEnd, at) - at);
    CAPTURE(text);
    REQUIRE(Json::accept(text));
    Json tree = Json::parse(text);
    Problems problems;
    read_rule(Value(&tree, "", problems));
    for (const Problem& problem : problems.list()) {
      CAPTURE(problem.message);
      CHECK(problem.path.starts_with("effect"));
      CHECK(problem.message.starts_with("unknown fault"));
    }
    ++examples;
  }
  CHECK(examples >= 6);
}

TEST_CASE("every scenario in docs/scenarios.md loads without a warning") {
  const std::string page = contents(kRoot + "docs/scenarios.md");
  constexpr std::string_view kBegin = "```json\n", kEnd = "\n```";
  std::size_t examples = 0;
  for (std::size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    good_scenario(page.substr(at, page.find(kEnd, at) - at));
    ++examples;
  }
  CHECK(examples >= 5);
}

TEST_CASE("a page shows what there is to say of a fault") {
  const std::string every = fault_page(kTestFaults[0]);
  CHECK(every.find("# test.every\n\nEvery kind.\n\nStrikes at `cmd.complete`") == 0);
  CHECK(every.find("| `number` | number, from 1 to 100 | `1` |  |\n") != std::string::npos);
  CHECK(every.find("| `choice` | `\"red\"`, `\"green\"` |") != std::string::npos);
  CHECK(every.find("| `objects[].delay` | duration |") != std::string::npos);
  CHECK(every.find("| `object.tmf` | string, to 20 octets | **required** |") != std::string::npos);
  CHECK(fault_page(kTestFaults[2]).find("None: `\"test.medium\": {}`.") != std::string::npos);
  CHECK(fault_page(kTestFaults[5]).find("**Violates a protocol on purpose**") != std::string::npos);
  const std::string index = fault_index(kTestFaults);
  CHECK(index.find("## test\n") < index.find("[test.every](test.every.md) | Every kind. |"));
  CHECK(index.find("## other\n") > index.find("test.picky"));
}

}  // namespace pages_test
