// What reading a scenario comes to.
#pragma once

#include "config/scenario.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config::test {

inline std::string lines(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems)
    out += problem.path + ": " + problem.message + "\n";
  return out;
}

/// A scenario that must be good, without a warning.
inline faults::Scenario good_scenario(std::string_view text) {
  const LoadScenario loaded = load_scenario(text);
  CAPTURE(text);
  CAPTURE(lines(loaded.errors));
  CAPTURE(lines(loaded.warnings));
  REQUIRE(loaded.scenario);
  CHECK(loaded.errors.empty());
  CHECK(loaded.warnings.empty());
  return *loaded.scenario;
}

/// Refused for one reason only, at this path and with a remedy.
inline void check_bad_scenario(const std::string& text, std::string_view path,
                               std::string_view reason) {
  const LoadScenario loaded = load_scenario(text);
  CAPTURE(text);
  CAPTURE(path);
  CAPTURE(reason);
  CAPTURE(lines(loaded.errors));
  CHECK_FALSE(loaded.scenario);
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].path == path);
  CHECK(loaded.errors[0].message.find(reason) != std::string::npos);
  CHECK(loaded.errors[0].message.find_first_of(";:(") != std::string::npos);  // a remedy
}

/// States a (the first), b and c, with members of the scenario behind them.
inline std::string with_members(std::string_view members) {
  return R"({"id": "s", "states": {"a": {}, "b": {}, "c": {}}, "transitions": [)"
         R"({"from": "a", "to": "b", "when": {"event": "x"}}, {"from": "b", "to": "c", "when": {"event": "x"}}])" +
         (members.empty() ? "" : ", " + std::string(members)) + "}";
}
/// A scenario of one state that has these members.
inline std::string with_state(std::string_view members) {
  return R"({"id": "s", "states": {"a": {)" + std::string(members) + "}}}";
}
inline std::string with_action(std::string_view action) {
  return with_state(R"("enter": [)" + std::string(action) + "]");
}
/// From a to b when this holds.
inline std::string with_when(std::string_view when) {
  return R"({"id": "s", "states": {"a": {}, "b": {}}, "transitions": [{"from": "a", "to": "b", "when": )" +
         std::string(when) + "}]}";
}
inline std::string with_expect(std::string_view expect) {
  return with_members(R"("expect": [)" + std::string(expect) + "]");
}

struct BadPart {
  const char* part;
  const char* path;
  const char* reason;
};

}  // namespace faultlun::config::test
