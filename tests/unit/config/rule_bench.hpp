// A small fault table with a parameter of every kind, and what reading a rule by it comes to.
#pragma once

#include "config/rules.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <span>
#include <string>

namespace faultlun::config::test {

using faults::Arguments;
using faults::Built;
using faults::FaultRow;
using faults::Kind;
using faults::Parameter;
using faults::Site;

inline constexpr std::string_view kColours[] = {"red", "green"};
inline constexpr Parameter kStep[] = {
    {.name = "tmf", .kind = Kind::text, .required = true, .most = 20},
    {.name = "delay", .kind = Kind::duration},
};
// clang-format off
inline constexpr Parameter kEvery[] = {
  {.name = "flag", .kind = Kind::flag, .fallback = "false", .meaning = "A flag."},
  {.name = "number", .kind = Kind::number, .fallback = "1", .least = 1, .most = 100},
  {.name = "difference", .kind = Kind::difference},
  {.name = "decimal", .kind = Kind::decimal, .most = 1},
  {.name = "choice", .kind = Kind::choice, .choices = kColours},
  {.name = "text", .kind = Kind::text, .least = 1, .most = 8},
  {.name = "octets", .kind = Kind::octets, .least = 1, .most = 4},
  {.name = "duration", .kind = Kind::duration},
  {.name = "size", .kind = Kind::size, .least = 1, .most = 1 << 20},
  {.name = "sense_key", .kind = Kind::sense_key},
  {.name = "sense_code", .kind = Kind::sense_code},
  {.name = "lun", .kind = Kind::lun},
  {.name = "numbers", .kind = Kind::numbers, .least = 1, .most = 3},
  {.name = "decimals", .kind = Kind::decimals},
  {.name = "durations", .kind = Kind::durations},
  {.name = "codes", .kind = Kind::codes},
  {.name = "objects", .kind = Kind::objects, .members = kStep},
  {.name = "object", .kind = Kind::object, .members = kStep},
};
inline constexpr Parameter kStatus[] = {
  {.name = "status", .kind = Kind::choice, .required = true, .choices = kColours, .meaning = "Which."},
  {.name = "qualifier", .kind = Kind::number, .most = 65535},
};
inline constexpr Parameter kLadder[] = {{.name = "steps", .kind = Kind::objects, .required = true, .least = 1, .members = kStep}};
inline constexpr Parameter kPause[] = {{.name = "for", .kind = Kind::duration, .required = true}};

inline Built build_hold(const Arguments&) { return faults::Action(faults::Hold{"x"}); }
inline Built build_answer(const Arguments&) { return faults::Action(faults::Answer{}); }
inline Built build_medium(const Arguments&) { return faults::Action(faults::MediumError{}); }
inline Built build_hang(const Arguments&) { return faults::Action(faults::Silence{.data_only = false, .task_management = true}); }
inline Built build_functions(const Arguments&) { return faults::Action(faults::TaskManagementFault{}); }
inline Built build_picky(const Arguments& arguments) {
  if (arguments.number("qualifier") == 13) return faults::Complaint{"qualifier", "is 13; write another number"};
  if (arguments.text("status") == "red") return faults::Complaint{"", "is never right; write green"};
  return faults::Action(faults::Hold{"x"});
}

inline const FaultRow kTestFaults[] = {
  {"test.every", Site::cmd_complete, kEvery, build_hold, "Every kind.", "nothing", "nothing", ""},
  {"test.status", Site::cmd_status, kStatus, build_answer, "A status.", "It.", "Retries.", R"({"id": "x", "effect": {"test.status": {"status": "red"}}})"},
  {"test.medium", Site::media_read, {}, build_medium, "", "", "", ""},
  {"test.hang", Site::cmd_exec, {}, build_hang, "", "", "", ""},
  {"test.pause", Site::cmd_complete, kPause, build_hold, "", "", "", ""},
  {"test.picky", Site::cmd_complete, kStatus, build_picky, "", "", "", "", true},
  {"other.tmf", Site::tmf_rx, {}, build_functions, "", "", "", ""},
  {"other.ladder", Site::tmf_rx, kLadder, build_functions, "", "", "", ""},
};
// clang-format on

struct Read {
  std::optional<faults::Rule> rule;
  std::vector<Problem> problems;

  /// One line for each problem.
  std::string text() const {
    std::string out;
    for (const Problem& problem : problems)
      out += to_text(problem) + "\n";
    return out;
  }
};

inline Read read(std::string_view text, std::optional<std::string_view> id = {}) {
  Problems problems;
  Json tree;
  Read out;
  REQUIRE(parse_json(text, tree, problems));
  out.rule = read_rule(Value(&tree, "", problems), id, kTestFaults);
  out.problems = problems.list();
  return out;
}

/// A rule that must be good.
inline faults::Rule good(std::string_view text) {
  const Read result = read(text);
  CAPTURE(text);
  CAPTURE(result.text());
  REQUIRE(result.rule);
  CHECK(result.problems.empty());
  return *result.rule;
}

/// A rule of which `members` are some ("\"match\": {…}"), with an effect that strikes commands.
inline std::string rule_with(std::string_view members,
                             std::string_view effect = R"({"test.status": "red"})") {
  return R"({"id": "r", "effect": )" + std::string(effect) + ", " + std::string(members) + "}";
}
inline faults::Rule good_with(std::string_view members) {
  return good(rule_with(members));
}

struct Bad {
  const char* members;
  const char* path;
  const char* reason;
};

/// Refused for one reason only, at this path.
inline void check_bad(const std::string& text, std::string_view path, std::string_view reason) {
  const Read result = read(text);
  CAPTURE(text);
  CAPTURE(path);
  CAPTURE(reason);
  CAPTURE(result.text());
  CHECK_FALSE(result.rule);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].path == path);
  CHECK(result.problems[0].message.find(reason) != std::string::npos);
  CHECK(result.problems[0].message.find_first_of(";:(") != std::string::npos);  // a remedy
}
inline void check_all_bad(std::span<const Bad> rows,
                          std::string_view effect = R"({"test.status": "red"})") {
  for (const Bad& row : rows)
    check_bad(rule_with(row.members, effect), row.path, row.reason);
}

}  // namespace faultlun::config::test
