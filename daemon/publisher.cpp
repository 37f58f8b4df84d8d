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

/// Looks again and again on one worker until nothing old is in progress there.
class WorkerPublisher::Drainage final : public Timed {
 public:
  using Owner = std::list<std::unique_ptr<Drainage>>;
  Drainage(Worker& worker, ConnectionSet& connections, std::uint64_t epoch,
           std::shared_ptr<const void> last)
      : worker_(worker), connections_(connections), epoch_(epoch), last_(std::move(last)) {}

  /// Where it is owned; look() may end it.
  void begin(Owner& owner, Owner::iterator place) {
    owner_ = &owner;
    place_ = place;
    look();
  }
  void on_time(TimePoint) override { look(); }

 private:
  static constexpr auto kPause = std::chrono::milliseconds(1), kMaxPause = 64 * kPause;

  void look() {
    bool old = false;
    connections_.for_each([&](Connection& connection) {
      old = old || (connection.runner() && connection.runner()->has_older_than(epoch_));
    });
    if (!old) {
      owner_->erase(place_);  // and with it this
      return;
    }
    worker_.arm(*this, worker_.now() + pause_);
    pause_ = std::min<Duration>(pause_ * 2, kMaxPause);  // a command may be held for hours
  }

  Worker& worker_;
  ConnectionSet& connections_;
  std::uint64_t epoch_;
  std::shared_ptr<const void> last_;  ///< whoever drops it last tells
  Duration pause_ = kPause;
  Owner* owner_ = nullptr;
  Owner::iterator place_;
};

WorkerPublisher::WorkerPublisher(World& world, RuleNames& names) : world_(world), names_(names) {}
WorkerPublisher::~WorkerPublisher() = default;

void WorkerPublisher::set_homes(Homes homes) {
  homes_ = std::move(homes);
  drainages_ = std::vector<Drainage::Owner>(homes_.size());
}

void WorkerPublisher::stop() {
  homes_.clear();
  drainages_.clear();
}

void WorkerPublisher::for_each(std::function<void(Connection&)> part, std::function<void()> done) {
  const std::shared_ptr<const void> last(nullptr,
                                         [done = std::move(done)](const void*) { done(); });
  for (const auto& [worker, connections] : homes_)
    worker->post([connections = connections, part, last] { connections->for_each(part); });
}

void WorkerPublisher::drain(std::uint64_t epoch, std::function<void()> done) {
  const std::shared_ptr<const void> last(nullptr,
                                         [done = std::move(done)](const void*) { done(); });
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    const auto [worker, connections] = homes_[i];
    worker->post([worker = worker, connections = connections, owner = &drainages_[i], epoch, last] {
      owner->push_front(std::make_unique<Drainage>(*worker, *connections, epoch, last));
      owner->front()->begin(*owner, owner->begin());
    });
  }
}

void WorkerPublisher::prepare(const faults::RuleSet& rules, const TargetHosts& targets) {
  const std::lock_guard lock(mutex_);
  const auto replay = world_.replay();
  keeper_.prepare(replay ? *replay->rules() : rules, targets);
}

bool WorkerPublisher::publish_replay(const std::shared_ptr<const faults::ReplaySet>& replay) {
  const std::lock_guard lock(mutex_);
  if (world_.replay() == replay) return false;
  const auto rules = replay ? replay->rules() : world_.rules();
  const auto targets = world_.targets();
  names_.publish(*rules);
  keeper_.prepare(*rules, targets);
  world_.set_replay(replay);
  keeper_.retire(*rules, targets);
  return true;
}

void WorkerPublisher::enforce(const std::shared_ptr<const faults::RuleSet>& rules) {
  const std::lock_guard lock(mutex_);
  names_.publish(*rules);  // before the first decision that the journal tells of
  const auto targets = world_.targets();
  const auto replay = world_.replay();
  const auto& deciding = replay ? *replay->rules() : *rules;
  keeper_.prepare(deciding, targets);
  if (rules->epoch() != world_.rules()->epoch() && !homes_.empty())
    world_.shared_journal.add(JournalEntry::rules_published(
        rules->epoch(), world_.since_start(homes_.front().first->now())));
  world_.set_rules(rules);  // first: whoever begins from now on has the new set
  keeper_.retire(deciding, targets);
}

void WorkerPublisher::publish(std::shared_ptr<const faults::RuleSet> rules, Done done) {
  enforce(rules);
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
