// Hands sets of rules to the threads that evaluate them, and collects where in each session the new
// set begins.
#pragma once

#include "daemon/listener.hpp"
#include "daemon/overlay_keeper.hpp"
#include "daemon/rule_book.hpp"
#include "daemon/rule_names.hpp"
#include "daemon/worker.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace faultlun::daemon {

class WorkerPublisher final : public Publisher {
 public:
  using Homes = std::vector<std::pair<Worker*, ConnectionSet*>>;
  WorkerPublisher(World& world, RuleNames& names);
  ~WorkerPublisher() override;

  /// Before the first publish().
  void set_homes(Homes homes);

  /// A session that begins meanwhile begins with the new set, and is not in the barrier.
  void publish(std::shared_ptr<const faults::RuleSet> rules, Done done) override;

  /// Runs `part` for every connection on its own thread, then `done` on the last of them.
  void for_each(std::function<void(Connection&)> part, std::function<void()> done);
  /// A replay takes the place of the rules, for whoever begins from now on; null: the rules again.
  /// Those that live have to be told.  False: so it is already.
  bool publish_replay(const std::shared_ptr<const faults::ReplaySet>& replay);
  /// Units that are about to join.
  void prepare(const faults::RuleSet& rules, const TargetHosts& targets);

  /// Calls `done` when no command is in progress that was decided under an earlier epoch.
  void drain(std::uint64_t epoch, std::function<void()> done);
  /// The workers have stopped, and every connection is gone: whoever still waits is told, on this
  /// thread, and so is whoever asks from now on.
  void stop();

 private:
  void enforce(const std::shared_ptr<const faults::RuleSet>& rules);

  World& world_;
  RuleNames& names_;
  Homes homes_;
  std::mutex mutex_;  ///< one set or replay at a time takes the media over
  OverlayKeeper keeper_;
  class Drainage;
  /// Those that look on each worker, touched by its thread alone until stop().
  std::vector<std::list<std::unique_ptr<Drainage>>> drainages_;
};

}  // namespace faultlun::daemon
