#include "daemon/scenario_report.hpp"

#include "config/scenario.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace faultlun::daemon {
namespace {

using config::Json;
using faults::Scenario;
using faults::ScenarioVerdict;

std::int64_t microseconds(faults::Time time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

std::string seconds(faults::Time time) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(milliseconds / 1000),
                static_cast<long long>(milliseconds % 1000));
  return text;
}

/// must_fire is judged even when it is not written.
Json expectation(const Scenario& scenario, std::size_t index) {
  return config::expectation_to_json(
      scenario, index < scenario.expect.size() ? scenario.expect[index] : faults::Expect{});
}

/// "recovered after hung within 60s".
std::string case_name(const Scenario& scenario, std::size_t index) {
  std::string out;
  const auto expected = expectation(scenario, index);
  for (const auto& [key, value] : expected.items()) {
    if (!out.empty()) out += key == "that" ? "" : " " + key + " ";
    const auto* text = value.get_ptr<const std::string*>();
    out += text != nullptr ? *text : value.dump();
  }
  return out;
}

/// Octets of the character that begins here; 0: none that XML 1.0 §2.2 knows.
std::size_t character_at(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = octet(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (octet(i) & 0x3fU);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool none = code == 0xfffe || code == 0xffff || code > 0x10ffff;
  return code < kLeast[length] || surrogate || none ? 0 : length;
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + xml_text(value) + "\"";
}

std::string test_case(const Scenario& scenario, std::string_view name, std::string_view inside) {
  return "    <testcase" + attribute("classname", "faultlun." + scenario.id) +
         attribute("name", name) + ">" + std::string(inside) + "</testcase>\n";
}

std::string timeline_text(const Scenario& scenario, const ScenarioVerdict& verdict) {
  std::string out;
  for (const auto& step : verdict.timeline)
    out += seconds(step.at - verdict.started) + " s  " + scenario.states[step.state].name + "  (" +
           step.why + ")\n";
  if (verdict.steps_left_out != 0)
    out += "and " + std::to_string(verdict.steps_left_out) + " more\n";
  return out;
}

}  // namespace

Json step_to_json(const Scenario& scenario, const ScenarioVerdict::Step& step,
                  faults::Time started) {
  return {{"at_us", microseconds(step.at - started)},
          {"state", scenario.states[step.state].name},
          {"why", step.why}};
}

Json verdict_to_json(const Scenario& scenario, const ScenarioVerdict& verdict) {
  Json expectations = Json::array(), timeline = Json::array();
  for (std::size_t i = 0; i < verdict.findings.size(); ++i) {
    const auto& finding = verdict.findings[i];
    expectations.push_back(
        {{"expect", expectation(scenario, i)}, {"passed", finding.passed}, {"why", finding.why}});
  }
  for (const auto& step : verdict.timeline)
    timeline.push_back(step_to_json(scenario, step, verdict.started));
  Json out = {{"scenario", scenario.id}, {"verdict", faults::name_of(verdict.is)}};
  if (!verdict.why.empty()) out["why"] = verdict.why;
  out["took_us"] = microseconds(verdict.ended - verdict.started);
  out["expectations"] = std::move(expectations);
  out["timeline"] = std::move(timeline);
  if (verdict.steps_left_out != 0) out["timeline_left_out"] = verdict.steps_left_out;
  return out;
}

std::string xml_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_at(text);
    switch (length == 0 ? '\0' : text.front()) {
      case '\0':
        out += '?';
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string junit_xml(const Scenario& scenario, const ScenarioVerdict& verdict) {
  const bool judged =
      verdict.is == ScenarioVerdict::Is::passed || verdict.is == ScenarioVerdict::Is::failed;
  std::string cases;
  std::size_t tests = 0, failures = 0, errors = 0;
  for (std::size_t i = 0; i < verdict.findings.size(); ++i) {
    const auto& finding = verdict.findings[i];
    std::string inside;
    if (!judged) {
      inside = "<skipped" + attribute("message", verdict.why) + "/>";
    } else if (!finding.passed) {
      inside = "<failure" + attribute("message", finding.why) + "/>";
      ++failures;
    }
    ++tests;
    cases += test_case(scenario, case_name(scenario, i), inside);
  }
  // It failed for another reason than what was expected.
  if (verdict.is == ScenarioVerdict::Is::failed && failures == 0) {
    ++tests;
    ++errors;
    cases += test_case(scenario, "runs", "<error" + attribute("message", verdict.why) + "/>");
  }
  const std::string counts = attribute("tests", std::to_string(tests)) +
                             attribute("failures", std::to_string(failures)) +
                             attribute("errors", std::to_string(errors)) +
                             attribute("skipped", std::to_string(judged ? 0 : tests)) +
                             attribute("time", seconds(verdict.ended - verdict.started));
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite" +
         attribute("name", scenario.id) + counts + ">\n" + cases + "    <system-out>" +
         xml_text(timeline_text(scenario, verdict)) + "</system-out>\n  </testsuite>\n" +
         "</testsuites>\n";
}

}  // namespace faultlun::daemon
