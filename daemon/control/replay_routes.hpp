// POST, GET and DELETE /v1/replay.
#pragma once

#include "config/replay_file.hpp"
#include "daemon/control/routes.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace faultlun::daemon::control {

struct ReplayContext {
  config::RuleReader read_rule;
  /// Runs a job away from the control thread, such as reading 16 MiB of journal.
  std::function<void(std::function<void()> job)> run_aside;
  /// What is in force; null: the rules.
  std::function<std::shared_ptr<const faults::ReplaySet>()> current;
  /// Puts it in force for all sessions, those that live and those that come; null: the rules again.
  /// `done` is called once, on any thread, when every worker has it.
  std::function<void(std::shared_ptr<const faults::ReplaySet>, std::function<void()> done)> install;
};

std::vector<Route> replay_routes(ReplayContext context);

}  // namespace faultlun::daemon::control
