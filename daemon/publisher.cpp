#include "daemon/publisher.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

namespace faultlun::daemon {
namespace {

/// What the workers report; the last one tells.
struct Gathering {
  std::mutex mutex;
  Barrier barrier;
  std::size_t missing = 0;
  Done done;

  void arrive(std::vector<SessionMark> marks) {
    const std::lock_guard lock(mutex);
    for (auto& mark : marks)
      barrier.sessions.push_back(std::move(mark));
    if (--missing != 0) return;
    std::ranges::sort(barrier.sessions, {}, &SessionMark::alias);
    done(std::move(barrier));
  }
};

}  // namespace

void WorkerPublisher::publish(std::shared_ptr<const faults::RuleSet> rules, Done done) {
  world_.set_rules(rules);  // first: whoever begins from now on has the new set
  auto gathering = std::make_shared<Gathering>();
  gathering->barrier.epoch = rules->epoch();
  gathering->missing = homes_.size();
  gathering->done = std::move(done);
  for (const auto& [worker, connections] : homes_) {
    worker->post([connections = connections, rules, gathering] {
      std::vector<SessionMark> marks;
      connections->for_each([&](Connection& connection) {
        if (const auto adopted = connection.adopt(rules))
          marks.push_back({adopted->alias, adopted->tsih, adopted->cmd_sn, adopted->stat_sn});
      });
      gathering->arrive(std::move(marks));
    });
  }
}

}  // namespace faultlun::daemon
