// What the rules have done, for GET /metrics (Prometheus text format) and GET /v1/rules/{id}.
#pragma once

#include "config/json.hpp"
#include "daemon/rule_book.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace faultlun::daemon {

/// Rules with lines of their own in /metrics.  Those beyond are summed up under rule="", which is
/// no rule's ID.
inline constexpr std::size_t kMaxRulesInMetrics = 1000;

/// Counters and the histogram of achieved minus asked of each rule, in the order given.
std::string rule_exposition(std::span<const RuleStatus> rules);

/// How exactly the delays of a rule were met; nothing for a rule that delays nothing.
std::optional<config::Json> latency_error_to_json(const faults::RuleLifetime& lifetime);

}  // namespace faultlun::daemon
