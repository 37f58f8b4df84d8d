// Routes of the control API about the lab at work: units and what changes them, connections.
#pragma once

#include "daemon/control/routes.hpp"
#include "daemon/journal.hpp"
#include "daemon/publisher.hpp"

#include <functional>
#include <vector>

namespace faultlun::daemon::control {

/// Everything named here outlives the routes.
struct LabContext {
  World* world = nullptr;
  WorkerPublisher* workers = nullptr;
  std::function<faults::Time()> now;
};

/// "by" of a unit that the control API changed.
inline constexpr std::string_view kChangedByApi = "control API";

std::vector<Route> lab_routes(LabContext context);
/// GET /v1/sessions.
Answer sessions_answer(WorkerPublisher& workers);

}  // namespace faultlun::daemon::control
