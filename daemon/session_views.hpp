// What the control API shows of sessions, connections and units at work.  Their state belongs to
// the threads of their connections: each is asked on its own, and the answer comes when all have
// spoken.
#pragma once

#include "config/json.hpp"
#include "daemon/publisher.hpp"
#include "faults/rule_state.hpp"

#include <functional>
#include <string>

namespace faultlun::daemon {

using Listed = std::function<void(config::Json)>;  ///< called once, on any thread

/// [{"initiator": …, "tsih": 1, "alias": …, "cmd_sn": …, "rules_epoch": …, …}]
void list_sessions(WorkerPublisher& workers, Listed done);
/// Every connection, those that have not logged in as well: peer, portal, session, window,
/// counters.
void list_connections(WorkerPublisher& workers, Listed done);
/// report_units(), and how many commands of each unit are in progress and held.
void list_units(WorkerPublisher& workers, World& world, faults::Time now, Listed done);

/// Calls `look` once: on the thread of the live session of this alias with what its rules remember,
/// or anywhere with null when there is none.
void look_at_session(WorkerPublisher& workers, const std::string& alias,
                     std::function<void(const faults::RuleState*)> look);

}  // namespace faultlun::daemon
