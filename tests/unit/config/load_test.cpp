#include "config/load.hpp"

#include "config/identity.hpp"
#include "config/validate.hpp"
#include "tests/unit/config/bench.hpp"

namespace load_test {

using namespace faultlun::config;
using faultlun::config::test::all;
using faultlun::config::test::contents;

TEST_CASE("an empty object is the lab target of the contract (A1.01)") {
  const LoadResult result = load("{}");
  REQUIRE(result.config);
  const Config& config = *result.config;
  CHECK(config == default_config());
  CHECK_FALSE(config.seed);
  REQUIRE(config.portals.size() == 1);
  CHECK(to_text(config.portals[0].listen) == "127.0.0.1:3260");
  CHECK(config.portals[0].group == 1);
  CHECK(to_text(config.control.listen) == "127.0.0.1:8326");
  REQUIRE(config.targets.size() == 1);
  const Target& target = config.targets[0];
  CHECK(target.name == "iqn.2026-11.example.faultlun:lab");
  CHECK(target.alias == "lab");
  CHECK_FALSE(target.auth);
  CHECK(target.initiators.empty());
  CHECK(target.portal_groups == std::vector<std::uint16_t>{1});
  CHECK(target.power_on_unit_attention);
  REQUIRE(target.luns.size() == 1);
  const Lun& lun = target.luns[0];
  CHECK(lun.lun == 0);
  CHECK(lun.backend.kind == faultlun::lun_backends::BackendSpec::Kind::memory);
  CHECK(lun.backend.size_bytes == 1 << 30);
  CHECK(lun.block_size == 512);
  CHECK(lun.physical_block_size == 4096);
  CHECK(lun.thin);
  CHECK(lun.serial == identity_of(target.name, 0).serial);
  CHECK(lun.naa == identity_of(target.name, 0).naa);
}

TEST_CASE("the built-in configuration has no errors and no warnings") {
  const Findings findings = validate(default_config());
  CHECK(findings.errors.empty());
  CHECK(findings.warnings.empty());
}

TEST_CASE("all errors are found in one go, in the order of their lines") {
  const LoadResult result = load(R"({
    "seed": -1,
    "rules": [1],
    "portals": [{"listen": "127.0.0.1:1", "advertise": "x"}],
    "targets": [{
      "name": "iqn.2026-11.example:a",
      "name": "iqn.2026-11.example:b",
      "portal_groups": [9],
      "luns": [
        {"lun": 0, "backend": {"kind": "memory", "size": "1.5GiB"}, "block_size": 513},
        {"lun": 0, "backend": {"kind": "memory", "size": "1GiB"}}
      ],
      "colour": "red"
    }]
  })");
  CHECK_FALSE(result.config);
  CHECK(result.errors_left_out == 0);
  std::vector<std::string> paths;
  std::vector<std::size_t> lines;
  for (const Problem& problem : result.errors) {
    paths.push_back(problem.path);
    lines.push_back(problem.line);
  }
  CHECK(paths == std::vector<std::string>{"seed", "rules[0]", "portals[0].advertise",
                                          "targets[0].name", "targets[0].luns[0].backend.size",
                                          "targets[0].luns[0].block_size", "targets[0].luns[1].lun",
                                          "targets[0].colour"});
  CHECK(lines == std::vector<std::size_t>{2, 3, 4, 7, 10, 10, 11, 13});
}

TEST_CASE("what is already known to be wrong is not complained about twice") {
  const LoadResult result = load(
      R"({"targets": [{"name": 5, "luns": [{"lun": "x", "backend": 7}, {"lun": "y", "backend": {"kind": "ram"}}]}]})");
  CHECK(result.errors.size() == 5);
  CAPTURE(all(result.errors));
  CHECK(all(result.errors).find("65535") == std::string::npos);
}

TEST_CASE("a root that is no object is one error") {
  for (const char* text : {"[]", "7", "\"x\"", "null", "true"}) {
    const LoadResult result = load(text);
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].message.find("object") != std::string::npos);
  }
}

TEST_CASE("a text that is no JSON is one error with line and column") {
  const LoadResult result = load("{\n\"seed\": 1,,\n}");
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].line == 2);
  CHECK(result.errors[0].message.starts_with("line 2, column 11: "));
}

TEST_CASE("a thousand errors are a hundred errors and a count") {
  std::string text = R"({"portals": [)";
  for (int i = 0; i < 200; ++i)
    text += (i > 0 ? "," : "") + ("{\"listen\": \"x" + std::to_string(i) + "\"}");
  const LoadResult result = load(text + "]}");
  CHECK(result.errors.size() == kMaxProblems);
  CHECK(result.errors_left_out > 0);
}

TEST_CASE("a file that cannot be read is an error like the others") {
  const LoadResult result = load_file("/nonexistent/faultlun.json");
  CHECK_FALSE(result.config);
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].message.find("No such file") != std::string::npos);
}

TEST_CASE("the example of the contract means what it says") {
  const LoadResult result = load_file(FAULTLUN_SOURCE_DIR "/config/examples/contract.json");
  CAPTURE(all(result.errors));
  REQUIRE(result.config);
  CHECK(result.warnings.empty());
  const Target& target = result.config->targets[0];
  CHECK(target.luns.size() == 55);
  CHECK(target.luns[54].lun == 54);
  CHECK(target.luns[1].block_size == 4096);
  CHECK(target.auth->mutual->user == "target");
}

}  // namespace load_test
