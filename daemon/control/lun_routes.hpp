// Routes of the control API about logical units and the overlays that make their media lie.
#pragma once

#include "daemon/control/routes.hpp"
#include "daemon/world.hpp"

#include <vector>

namespace faultlun::daemon::control {

struct LunContext {
  World* world = nullptr;  ///< outlives the routes
};

std::vector<Route> lun_routes(LunContext context);

}  // namespace faultlun::daemon::control
