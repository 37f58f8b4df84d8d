// Puts recordings in force instead of the rules, and ends that; the thread that reads them.  While
// a replay is on, rules may be changed: they wait in the book until it ends.
#pragma once

#include "daemon/clock.hpp"
#include "daemon/control/routes.hpp"
#include "daemon/publisher.hpp"
#include "faults/replay.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace faultlun::daemon {

/// All that it is given outlives it.  Safe for all threads but for stop().
class Replayer {
 public:
  Replayer(World& world, WorkerPublisher& publisher, const Clock& clock)
      : world_(world), publisher_(publisher), clock_(clock) {}
  ~Replayer() { stop(); }
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;

  /// In force for all sessions, those that live and those that come, when `done` is called, once,
  /// on any thread; null: the rules again.  A session's next command is the first.
  void install(std::shared_ptr<const faults::ReplaySet> set, std::function<void()> done);
  /// Runs a job on a thread of its own.  One at a time: waits for the one before, which the caller
  /// knows to be over.
  void run_aside(std::function<void()> job);
  /// Waits for the job; nobody may bring another one.
  void stop();

  /// /v1/replay.
  std::vector<control::Route> routes();

 private:
  World& world_;
  WorkerPublisher& publisher_;
  const Clock& clock_;
  std::mutex mutex_;        ///< one install() at a time, in the same order for all workers
  std::mutex aside_mutex_;  ///< aside_
  std::thread aside_;
};

}  // namespace faultlun::daemon
