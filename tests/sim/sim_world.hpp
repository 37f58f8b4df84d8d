// The whole target without sockets, threads or a clock: connections driven by hand, time that moves
// when the simulation says so, a device that answers when it feels like it.  Everything random
// comes from one seed.
#pragma once

#include "daemon/connection.hpp"
#include "lun_backends/open.hpp"

#include <deque>
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

/// A memory device that keeps some operations for a while and finishes them in any order.
class MoodyDevice final : public lun_backends::BlockDevice {
 public:
  MoodyDevice(std::uint64_t size_bytes, std::uint64_t seed);
  std::uint64_t size_bytes() const override { return memory_->size_bytes(); }
  lun_backends::Progress start(lun_backends::Operation& operation) override;
  std::string description() const override { return "moody"; }
  /// Finishes some of what waits (all of it: `everything`).
  void finish_some(bool everything);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  std::unique_ptr<lun_backends::BlockDevice> memory_;
  std::vector<lun_backends::Operation*> waiting_;
  std::mt19937_64 random_;
};

inline constexpr std::uint16_t kInstantLun = 0, kMoodyLun = 1;
inline constexpr std::uint64_t kLunBytes = 8 << 20;
inline constexpr std::string_view kTargetName = "iqn.2026-11.example.faultlun:sim";

struct SimWorld {
  explicit SimWorld(std::uint64_t seed);

  ManualLoop loop;
  daemon::World world;
  MoodyDevice* moody = nullptr;
  std::shared_ptr<daemon::TargetHost> target;
};

}  // namespace faultlun::sim
