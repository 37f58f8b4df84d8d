#include "daemon/replayer.hpp"

#include "config/rules.hpp"
#include "daemon/control/replay_routes.hpp"
#include "daemon/log.hpp"
#include "daemon/rule_host.hpp"

#include <utility>

namespace faultlun::daemon {

void Replayer::install(std::shared_ptr<const faults::ReplaySet> set, std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  if (set)
    for (const auto& rule : set->rules()->rules())
      if (!rule->lifetime->host) rule->lifetime->host = make_rule_host(rule->rule);
  if (publisher_.publish_replay(set)) {
    world_.shared_journal.add(
        JournalEntry::replay(set != nullptr, world_.since_start(clock_.now())));
    log::faults().info("replay {}", set ? "begins" : "ends");
  }
  publisher_.for_each(
      [set](Connection& connection) {
        if (connection.runner()) connection.runner()->adopt_replay(set);
      },
      std::move(done));
}

void Replayer::run_aside(std::function<void()> job) {
  const std::lock_guard lock(aside_mutex_);
  if (aside_.joinable()) aside_.join();
  aside_ = std::thread(std::move(job));
}

void Replayer::stop() {
  const std::lock_guard lock(aside_mutex_);
  if (aside_.joinable()) aside_.join();
}

std::vector<control::Route> Replayer::routes() {
  control::ReplayContext context;
  context.read_rule = [](const config::Value& value) { return config::read_rule(value); };
  context.run_aside = [this](auto job) { run_aside(std::move(job)); };
  context.current = [this] { return world_.replay(); };
  context.install = [this](auto set, auto done) { install(std::move(set), std::move(done)); };
  return control::replay_routes(std::move(context));
}

}  // namespace faultlun::daemon
