// Task management functions that reach beyond one session: they touch logical units and the tasks
// of other nexuses.  SAM-5 §7, RFC 7143 §11.5 and §4.2.3.3; effects on unit attentions: checklist
// B2.
#pragma once

#include "daemon/world.hpp"
#include "protocol/iscsi/session.hpp"

namespace faultlun::daemon {

class Connection;

/// Carries the request out and answers it on `issuer`, when every session concerned has lost its
/// tasks.
void manage_tasks(Connection& issuer, World& world, const iscsi::effect::ManageTasks& request);

}  // namespace faultlun::daemon
