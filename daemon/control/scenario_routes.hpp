// Routes of the control API about scenarios, and the marks and events that they hear of.  A run is
// followed as a stream of states, or waited for.
#pragma once

#include "config/json.hpp"
#include "daemon/control/routes.hpp"
#include "daemon/scenario_runner.hpp"

#include <functional>
#include <vector>

namespace faultlun::daemon::control {

/// Called on the control thread.
struct ScenarioContext {
  ScenarioRunner* runner = nullptr;
  std::function<faults::Time()> now;  ///< since the start of the daemon
};

std::vector<Route> scenario_routes(ScenarioContext context);
/// The JSON Schemas that these routes name; those of rules are fault_schemas()'.
config::Json scenario_schemas();

}  // namespace faultlun::daemon::control
