// What the control API shows of the running daemon.  From the control thread.
#pragma once

#include "config/json.hpp"
#include "daemon/world.hpp"

#include <string>

namespace faultlun::daemon {

config::Json report_targets(World& world);
/// Gauges in Prometheus text: sessions, targets, units, resident memory.
std::string gauges(World& world);

}  // namespace faultlun::daemon
