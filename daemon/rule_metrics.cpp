#include "daemon/rule_metrics.hpp"

#include "daemon/rule_host.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>

namespace faultlun::daemon {
namespace {

using faults::LatencyHistogram;

/// Buckets of the exposition end at powers of two nanoseconds, which are ends of the histogram's
/// own: 8 us, 16 us, ... 17 s.
constexpr int kFirstPower = 13, kLastPower = 34;
constexpr std::string_view kRest = "";

struct CounterRow {
  std::string_view name, help;
  std::uint64_t RuleStatus::*value;
};
// clang-format off
constexpr CounterRow kCounters[] = {
  {"rule_matched",    "events that a rule matched",                                            &RuleStatus::matched},
  {"rule_fired",      "matches at which the effects of a rule struck",                         &RuleStatus::fired},
  {"rule_suppressed", "firings without effect: masked, crowded, observed or not carried out",  &RuleStatus::suppressed},
  {"rule_observed",   "suppressed firings of a rule that only observes",                       &RuleStatus::observed},
};
// clang-format on

/// The text format escapes three characters in values of labels.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string seconds_text(std::chrono::nanoseconds duration) {
  char text[40];
  const auto count = duration.count();
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(count / 1'000'000'000),
                static_cast<long long>(count % 1'000'000'000));
  return text;
}

void head(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  out.append("# HELP ").append(name).append(" ").append(help);
  out +=
      "; rule=\"\" sums up the rules after the first " + std::to_string(kMaxRulesInMetrics) + "\n";
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void sample(std::string& out, std::string_view name, const std::string& labels,
            const std::string& value) {
  out.append(name).append("{").append(labels).append("} ").append(value).append("\n");
}

std::string rule_label(std::string_view id) {
  return "rule=\"" + escaped(id) + "\"";
}

std::span<const RuleStatus> named(std::span<const RuleStatus> rules) {
  return rules.first(std::min(rules.size(), kMaxRulesInMetrics));
}
std::span<const RuleStatus> rest(std::span<const RuleStatus> rules) {
  return rules.subspan(named(rules).size());
}

void add_counter(std::string& out, const CounterRow& row, std::span<const RuleStatus> rules) {
  const std::string name = "faultlun_" + std::string(row.name) + "_total";
  head(out, name, row.help, "counter");
  for (const auto& each : named(rules))
    sample(out, name, rule_label(each.rule->id), std::to_string(each.*row.value));
  if (rest(rules).empty()) return;
  std::uint64_t sum = 0;
  for (const auto& each : rest(rules))
    sum += each.*row.value;
  sample(out, name, rule_label(kRest), std::to_string(sum));
}

using ByFault = std::map<std::string_view, std::uint64_t>;

void add_injected(const RuleStatus& status, ByFault& sums) {
  const auto& effects = status.rule->effects;
  for (std::size_t i = 0; i < effects.size() && i < faults::kMaxEffectsPerRule; ++i) {
    const auto count = status.lifetime->injected[i].load(std::memory_order_relaxed);
    if (count != 0 && effects[i].fault != nullptr) sums[effects[i].fault->id] += count;
  }
}

void add_injections(std::string& out, std::span<const RuleStatus> rules) {
  constexpr std::string_view kName = "faultlun_injected_answers_total";
  head(out, kName, "answers that a rule gave, bent or withheld, by rule and fault", "counter");
  const auto show = [&](std::string_view rule, const ByFault& sums) {
    for (const auto& [fault, count] : sums)
      sample(out, kName, rule_label(rule) + ",fault=\"" + escaped(fault) + "\"",
             std::to_string(count));
  };
  for (const auto& each : named(rules)) {
    ByFault sums;
    add_injected(each, sums);
    show(each.rule->id, sums);
  }
  ByFault sums;
  for (const auto& each : rest(rules))
    add_injected(each, sums);
  show(kRest, sums);
}

void add_histogram(std::string& out, std::string_view rule, const LatencyHistogram& histogram) {
  const std::string name = "faultlun_rule_latency_error_seconds";
  const auto label = rule_label(rule);
  std::uint64_t sum = 0;
  std::size_t next = 0;
  for (int power = kFirstPower; power <= kLastPower; ++power) {
    const std::chrono::nanoseconds end(std::int64_t{1} << power);
    for (; LatencyHistogram::bucket_end(next) <= end; ++next)
      sum += histogram.bucket(next);
    sample(out, name + "_bucket", label + ",le=\"" + seconds_text(end) + "\"", std::to_string(sum));
  }
  sample(out, name + "_bucket", label + ",le=\"+Inf\"", std::to_string(histogram.count()));
  sample(out, name + "_sum", label, seconds_text(histogram.sum()));
  sample(out, name + "_count", label, std::to_string(histogram.count()));
}

void add_histograms(std::string& out, std::span<const RuleStatus> rules) {
  head(out, "faultlun_rule_latency_error_seconds",
       "achieved minus asked latency of the commands that a rule delayed (early counts as 0)",
       "histogram");
  for (const auto& each : named(rules))
    if (const auto* host = host_of(*each.lifetime))
      add_histogram(out, each.rule->id, host->error());
  LatencyHistogram others;
  bool any = false;
  for (const auto& each : rest(rules)) {
    const auto* host = host_of(*each.lifetime);
    if (host == nullptr) continue;
    others.merge(host->error());
    any = true;
  }
  if (any) add_histogram(out, kRest, others);
}

}  // namespace

std::string rule_exposition(std::span<const RuleStatus> rules) {
  std::string out;
  for (const auto& row : kCounters)
    add_counter(out, row, rules);
  add_injections(out, rules);
  add_histograms(out, rules);
  return out;
}

std::optional<config::Json> latency_error_to_json(const faults::RuleLifetime& lifetime) {
  const auto* host = host_of(lifetime);
  if (host == nullptr) return std::nullopt;
  const auto histogram = host->error();
  auto buckets = config::Json::array();
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (histogram.bucket(i) == 0) continue;
    config::Json row = {{"count", histogram.bucket(i)}};
    if (i + 1 < LatencyHistogram::kBuckets)
      row["below_ns"] = LatencyHistogram::bucket_end(i).count();
    buckets.push_back(std::move(row));
  }
  return config::Json{{"count", histogram.count()},
                      {"early", histogram.early()},
                      {"sum_ns", histogram.sum().count()},
                      {"p50_ns", histogram.percentile(500).count()},
                      {"p99_ns", histogram.percentile(990).count()},
                      {"p999_ns", histogram.percentile(999).count()},
                      {"max_ns", histogram.max().count()},
                      {"buckets", std::move(buckets)}};
}

}  // namespace faultlun::daemon
