// The whole target without sockets, threads or a clock: connections driven by hand, time that moves
// when the simulation says so, a device that answers when it feels like it.  Everything random
// comes from one seed.
#pragma once

#include "daemon/connection.hpp"
#include "daemon/overlay_keeper.hpp"
#include "daemon/rule_book.hpp"
#include "lun_backends/open.hpp"
#include "tests/sim/sim_story.hpp"

#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <vector>

namespace faultlun::sim {

class ManualLoop final : public daemon::Loop {
 public:
  void post(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  daemon::TimePoint now() const override { return now_; }
  daemon::Counters& counters() override { return counters_; }
  daemon::Journal& journal() override { return journal_; }
  void arm(daemon::Timed& timed, daemon::TimePoint at) override { deadlines_.arm(timed, at); }
  void disarm(daemon::Timed& timed) override { deadlines_.disarm(timed); }

  /// Meets the deadlines that pass.
  void advance(daemon::Duration by) {
    now_ += by;
    deadlines_.run_due(now_, SIZE_MAX);
  }
  std::optional<daemon::TimePoint> next_deadline() const { return deadlines_.first(); }
  /// Runs what is queued, not what that queues.  False: there was nothing.
  bool run_some() {
    auto jobs = std::move(jobs_);
    jobs_.clear();
    for (auto& job : jobs)
      job();
    return !jobs.empty();
  }

 private:
  daemon::TimePoint now_{};
  std::deque<std::function<void()>> jobs_;
  daemon::Deadlines deadlines_;
  daemon::Counters counters_;
  daemon::Journal journal_;
};

/// A memory device that keeps some operations for a while and finishes them in any order, but for
/// those that overlap: like every device here it takes these in the order in which they came.
class MoodyDevice final : public lun_backends::BlockDevice {
 public:
  MoodyDevice(std::uint64_t size_bytes, std::uint64_t seed);
  std::uint64_t size_bytes() const override { return memory_->size_bytes(); }
  lun_backends::Progress start(lun_backends::Operation& operation) override;
  std::string description() const override { return "moody"; }
  /// Finishes some of what waits (all of it: `everything`).
  void finish_some(bool everything);
  std::size_t waiting() const { return waiting_.size(); }
  /// Without a mood.
  lun_backends::BlockDevice& memory() { return *memory_; }

 private:
  bool may_finish(std::size_t place) const;

  std::unique_ptr<lun_backends::BlockDevice> memory_;
  std::vector<lun_backends::Operation*> waiting_;  ///< in the order in which they came
  std::mt19937_64 random_;
};

/// Hands sets of rules to the sessions, as the daemon does to those of its workers: a little later.
class SimPublisher final : public daemon::Publisher {
 public:
  SimPublisher(ManualLoop& loop, daemon::World& world) : loop_(loop), world_(world) {}
  void publish(std::shared_ptr<const faults::RuleSet> rules, daemon::Done done) override;
  /// The rule of this lifetime, also when it is gone; null: there never was one.
  const faults::InstalledRule* find(std::uint64_t serial) const;
  /// Commands that rules think are under their effects.
  std::uint64_t active() const;

 private:
  ManualLoop& loop_;
  daemon::World& world_;
  daemon::OverlayKeeper keeper_;
  std::map<std::uint64_t, std::shared_ptr<const faults::InstalledRule>> ever_;
};

inline constexpr std::uint16_t kInstantLun = 0, kMoodyLun = 1;
inline constexpr std::uint16_t kNoLun = 2;  ///< where no unit is
inline constexpr std::uint64_t kLunBytes = 8 << 20;
inline constexpr std::string_view kTargetName = "iqn.2026-11.example.faultlun:sim";

struct SimWorld {
  explicit SimWorld(std::uint64_t seed);

  /// What the pristine store of a unit has.
  bytes::Buffer truth(std::uint16_t lun, std::uint64_t offset_bytes, std::uint64_t length_bytes);
  /// POST /v1/reset.
  void heal();

  ManualLoop loop;
  daemon::World world;
  SimPublisher publisher;
  daemon::RuleBook book;
  Story story;
  MoodyDevice* moody = nullptr;
  std::shared_ptr<daemon::TargetHost> target;
};

}  // namespace faultlun::sim
