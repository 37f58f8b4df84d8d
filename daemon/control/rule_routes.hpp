// Routes of the control API about rules: one rule, the whole set, arming, prediction, leases, and
// the way back to the beginning.  Every change answers with its barrier: the first command of each
// session under the new set; with ?drain=1 only when nothing that was decided before is in
// progress.
#pragma once

#include "daemon/control/routes.hpp"
#include "daemon/rule_book.hpp"

#include <functional>
#include <vector>

namespace faultlun::daemon::control {

/// Called on the control thread; the callbacks may be called on any.
struct RuleContext {
  RuleBook* book = nullptr;
  std::uint64_t seed = 0;
  std::string version;
  std::function<TimePoint()> now;
  /// Calls back when no command is in progress that was decided under an earlier epoch.
  std::function<void(std::uint64_t epoch, std::function<void()>)> drain;
  /// What POST /v1/reset does beside the rules: units as they were configured, overlays gone, held
  /// commands let go, scenarios stopped; `data`: memory disks empty.
  std::function<void(bool data)> heal;
};

std::vector<Route> rule_routes(RuleContext context);

}  // namespace faultlun::daemon::control
