#include "daemon/rule_metrics.hpp"

#include "daemon/injection.hpp"
#include "daemon/rule_host.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace faultlun::daemon::rule_metrics_test {
namespace {

using namespace std::chrono_literals;
namespace made = faults::made;

RuleStatus status(const faults::Rule& rule, std::uint64_t matched = 0) {
  RuleStatus out;
  out.rule = std::make_shared<const faults::Rule>(rule);
  auto lifetime = std::make_shared<faults::RuleLifetime>();
  lifetime->host = make_rule_host(rule);
  out.lifetime = lifetime;
  out.matched = matched;
  return out;
}

bool has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("each rule has its counters, under its ID as a label") {
  auto busy = status(made::rule("busy", {made::busy()}), 7);
  busy.fired = 3;
  busy.suppressed = 2;
  busy.observed = 1;
  const auto text = rule_exposition(std::vector{busy});
  CHECK(has(text, "faultlun_rule_matched_total{rule=\"busy\"} 7"));
  CHECK(has(text, "faultlun_rule_fired_total{rule=\"busy\"} 3"));
  CHECK(has(text, "faultlun_rule_suppressed_total{rule=\"busy\"} 2"));
  CHECK(has(text, "faultlun_rule_observed_total{rule=\"busy\"} 1"));
  CHECK(has(text, "# TYPE faultlun_rule_fired_total counter"));
  CHECK(text.find("latency_error_seconds_bucket") == std::string::npos);
}

TEST_CASE("an ID with quotes and backslashes is escaped as the text format says") {
  const auto text = rule_exposition(std::vector{status(made::rule("a\"b\\c"), 1)});
  CHECK(has(text, R"(faultlun_rule_matched_total{rule="a\"b\\c"} 1)"));
}

TEST_CASE("rules beyond the limit are summed up without an ID, and HELP says so") {
  std::vector<RuleStatus> rules;
  for (std::size_t i = 0; i < kMaxRulesInMetrics; ++i)
    rules.push_back(status(made::rule("r" + std::to_string(i)), i));
  CHECK(rule_exposition(rules).find("{rule=\"\"") == std::string::npos);
  rules.push_back(status(made::rule("x"), 5));
  rules.push_back(status(made::rule("y"), 6));
  for (std::size_t i = rules.size() - 2; i < rules.size(); ++i)
    host_of(*rules[i].lifetime)->add_error(1ms);
  const auto text = rule_exposition(rules);
  CHECK(has(text, "faultlun_rule_matched_total{rule=\"r999\"} 999"));
  CHECK(has(text, "faultlun_rule_matched_total{rule=\"\"} 11"));
  CHECK(has(text, "faultlun_rule_latency_error_seconds_count{rule=\"\"} 2"));
  CHECK(text.find("rule=\"x\"") == std::string::npos);
  CHECK(text.find("rule=\"\" sums up the rules after the first 1000\n") != std::string::npos);
}

TEST_CASE("the histogram of a rule that delays is cumulative, in seconds") {
  const auto slow = status(made::rule("slow", {made::delay(10)}));
  auto* host = host_of(*slow.lifetime);
  REQUIRE(host != nullptr);
  host->add_error(8191ns);
  host->add_error(8192ns);
  host->add_error(-3ms);
  host->add_error(100s);
  const auto text = rule_exposition(std::vector{slow});
  const std::string name = "faultlun_rule_latency_error_seconds";
  CHECK(has(text, "# TYPE " + name + " histogram"));
  CHECK(has(text, name + R"(_bucket{rule="slow",le="0.000008192"} 2)"));
  CHECK(has(text, name + R"(_bucket{rule="slow",le="0.000016384"} 3)"));
  CHECK(has(text, name + R"(_bucket{rule="slow",le="17.179869184"} 3)"));
  CHECK(has(text, name + R"(_bucket{rule="slow",le="+Inf"} 4)"));
  CHECK(has(text, name + R"(_count{rule="slow"} 4)"));
  CHECK(has(text, name + R"(_sum{rule="slow"} 100.000016383)"));
}

TEST_CASE("one rule shows its histogram as JSON, and a rule that delays nothing has none") {
  const auto slow = status(made::rule("slow", {made::delay(10)}));
  host_of(*slow.lifetime)->add_error(1500ns);
  const auto json = latency_error_to_json(*slow.lifetime);
  REQUIRE(json.has_value());
  CHECK((*json)["count"] == 1);
  CHECK((*json)["max_ns"] == 1500);
  CHECK((*json)["p99_ns"] == 1500);
  REQUIRE((*json)["buckets"].size() == 1);
  CHECK((*json)["buckets"][0] == config::Json{{"count", 1}, {"below_ns", 1536}});
  CHECK_FALSE(latency_error_to_json(*status(made::rule("busy", {made::busy()})).lifetime));
}

}  // namespace
}  // namespace faultlun::daemon::rule_metrics_test
