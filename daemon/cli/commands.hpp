// The parts that THE table (command.hpp) is put together from, and options that several rows have.
#pragma once

#include "daemon/cli/command.hpp"

#include <vector>

namespace faultlun::daemon::cli {

std::vector<Command> rule_commands();
std::vector<Command> record_commands();  ///< journal, replay, scenarios, events
std::vector<Command> lab_commands();     ///< targets, units, sessions, tasks, the daemon itself

Option drain_option();
Option dry_run_option();
Option if_match_option();
Argument rule_id();

}  // namespace faultlun::daemon::cli
