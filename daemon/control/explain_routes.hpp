// POST /v1/explain: which rules match an event, and why others do not.
#pragma once

#include "daemon/control/routes.hpp"
#include "faults/explain.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace faultlun::daemon::control {

struct ExplainContext {
  std::uint64_t seed = 0;
  std::function<faults::Time()> now;  ///< since the start of the daemon
  std::function<std::shared_ptr<const faults::RuleSet>()> rules;
  /// Calls `look` once, on the thread of the live session of this alias with what its rules
  /// remember, or anywhere with null when there is none.  May be missing: then there is none.
  using Look = std::function<void(const faults::RuleState*)>;
  std::function<void(const std::string& alias, Look look)> with_session;
};

inline constexpr std::size_t kMaxExplained = 1000;  ///< rules of each list; more are counted

std::vector<Route> explain_routes(ExplainContext context);

}  // namespace faultlun::daemon::control
