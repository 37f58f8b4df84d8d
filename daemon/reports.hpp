// What the control API shows of the running daemon.  From the control thread.
#pragma once

#include "daemon/world.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace faultlun::daemon {

nlohmann::json report_sessions(World& world);
nlohmann::json report_targets(World& world);
/// Gauges in Prometheus text: sessions, targets, units, resident memory.
std::string gauges(World& world);

}  // namespace faultlun::daemon
