// Routes of the control API about commands in progress: a listing, and letting held ones go.
#pragma once

#include "daemon/control/routes.hpp"
#include "daemon/publisher.hpp"

#include <vector>

namespace faultlun::daemon::control {

/// `publisher` reaches every session on its own thread; it must outlive the routes.
std::vector<Route> task_routes(WorkerPublisher& publisher);

}  // namespace faultlun::daemon::control
