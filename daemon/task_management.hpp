// Task management functions that reach beyond one session: they touch logical units and the tasks
// of other nexuses.  SAM-5 §7, RFC 7143 §11.5 and §4.2.3.3; effects on unit attentions: checklist
// B2.
#pragma once

#include "daemon/world.hpp"
#include "faults/action.hpp"
#include "protocol/iscsi/session.hpp"

namespace faultlun::daemon {

class Connection;

/// Carries the request out and answers it on `issuer`, when every session concerned has lost its
/// tasks.  `fault` (null: none) says that a reset is told to nobody, or leaves its units BUSY from
/// `now` on; what else is in it the session has seen to.
void manage_tasks(Connection& issuer, World& world, const iscsi::effect::ManageTasks& request,
                  const faults::TaskManagementFault* fault = nullptr, faults::Time now = {});

/// The collateral damage of a fault: tasks of the other sessions vanish at the unit that the
/// function is about, or at all of them.
void lose_other_tasks(Connection& issuer, World& world, std::optional<std::uint16_t> lun,
                      const faults::TaskManagementFault& fault);

}  // namespace faultlun::daemon
