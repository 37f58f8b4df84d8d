#include "daemon/replayer.hpp"

#include "config/rules.hpp"
#include "daemon/control/replay_routes.hpp"
#include "daemon/log.hpp"
#include "daemon/rule_host.hpp"

#include <utility>

namespace faultlun::daemon {

void Replayer::install(std::shared_ptr<const faults::ReplaySet> set, std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  const bool changes = world_.replay() != set;
  const auto rules = set ? set->rules() : world_.rules();
  if (changes) {
    const auto targets = world_.targets();
    if (set)
      for (const auto& rule : rules->rules())
        rule->lifetime->host = make_rule_host(rule->rule);
    names_.publish(*rules);  // before the first decision that the journal tells of
    publisher_.keeper().prepare(*rules, targets);
    world_.set_replay(set);  // first: whoever begins from now on has it
    publisher_.keeper().retire(*rules, targets);
    world_.shared_journal.add(
        JournalEntry::replay(set != nullptr, world_.since_start(clock_.now())));
    log::faults().info("replay {} rules={}", set ? "begins" : "ends", rules->rules().size());
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
