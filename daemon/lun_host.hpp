// One logical unit at work: its state (scsi::LogicalUnit, behind a lock) and its medium, which lies
// when it is told to.
//
// Plain reads and writes do not take the lock.  Every locked use of the unit moves `epoch` on; a
// connection remembers, per unit, the epoch at which it last learned that nothing stands in its way
// (LunPath), and only asks again when the epoch has moved.  A unit that a fault has put into some
// condition is not straight for anybody: its commands ask for a verdict() first.
#pragma once

#include "faults/unit_condition.hpp"
#include "faults/write_history.hpp"
#include "lun_backends/block_device.hpp"
#include "lun_backends/overlay.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace faultlun::daemon {

/// What a unit in some condition makes of a command before LogicalUnit::plan() hears of it.
struct UnitVerdict {
  enum class Kind : std::uint8_t {
    go_on,    ///< plan it: the unit answers for itself, ready or not
    absent,   ///< answer as a LUN without a unit does (scsi::answer_absent_unit)
    reply,    ///< answer with `reply`
    silence,  ///< never answer
  };
  Kind kind = Kind::go_on;
  scsi::Reply reply;
};

/// For the control API.
struct UnitReport {
  faults::UnitCondition::State state = faults::UnitCondition::State::ready;
  std::optional<faults::Time> until, busy_until;
  std::optional<std::uint16_t> progress;  ///< 65536ths
  bool loaded = true;
  std::string revision;
  std::optional<scsi::SenseCode> prediction;
  faults::Time since{};  ///< of `state`, unless that is ready
  std::string by;        ///< who brought about the last change: a rule's ID, or "" for nobody
};

class LunHost {
 public:
  LunHost(std::uint16_t number, scsi::LogicalUnitProfile profile,
          std::unique_ptr<lun_backends::BlockDevice> device)
      : number_(number),
        profile_(profile),
        device_(std::move(device), profile_.block_size),
        unit_(std::move(profile)) {}

  std::uint16_t number() const { return number_; }
  const scsi::LogicalUnitProfile& profile() const { return profile_; }
  /// What the initiator sees; device().pristine() is the truth.
  lun_backends::OverlayDevice& device() { return device_; }

  /// Calls `use(unit)` under the lock and moves the epoch on.
  template <typename Use>
  auto with_unit(Use use) {
    const std::lock_guard lock(mutex_);
    epoch_.fetch_add(1, std::memory_order_release);
    return use(unit_);
  }
  /// The same for uses that change nothing.
  template <typename Use>
  auto look_at_unit(Use use) {
    const std::lock_guard lock(mutex_);
    return use(std::as_const(unit_));
  }

  /// Writes to this unit, as rules remember them.
  template <typename Use>
  void with_write_history(Use use) {
    const std::lock_guard lock(history_mutex_);
    use(history_);
  }

  std::uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  /// The unit has left its target (reconfiguration): commands find it absent from now on.
  void retire() {
    retired_.store(true, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
  }
  bool retired() const { return retired_.load(std::memory_order_acquire); }

  // ---- faults.  Conditions that end by time are noticed by the next call: there is no timer.

  /// Carries out a change of this unit's state; change_unit() (unit_changes.hpp) does what concerns
  /// the rest of the target as well.  `by`: whose doing it is.
  void change(const faults::UnitChange& change, faults::Time now, std::string_view by = {});
  /// Every command is answered BUSY for this long.
  void busy_for(faults::Time duration, faults::Time now);
  /// For each command off the straight path.  Takes no lock while nothing is the matter.
  UnitVerdict verdict(faults::Time now);
  /// The unit is as it was configured: ready, loaded, with its own revision; pending unit
  /// attentions stay.  True when something was the matter.
  bool heal();
  UnitReport report(faults::Time now);
  /// In some condition: then nobody's path is straight.
  bool disturbed() const { return disturbed_.load(std::memory_order_acquire); }
  /// Unplugged: left out of its target's LunMap.
  bool removed() const { return removed_.load(std::memory_order_acquire); }

  /// Commands that must not overlap on the medium (COMPARE AND WRITE) take turns.  `turn` is called
  /// when it is the caller's turn: at once (true is returned and `turn` is NOT called) or from
  /// end_turn() of the one before.  Each that waits is a command of a session, and those are
  /// bounded (kCommandWindow, DataBudget).
  bool begin_turn(std::function<void()> turn);
  void end_turn();

 private:
  void follow(const faults::UnitCondition::News& news, faults::Time now);

  std::uint16_t number_;
  scsi::LogicalUnitProfile profile_;
  lun_backends::OverlayDevice device_;
  std::mutex mutex_;
  scsi::LogicalUnit unit_;
  faults::UnitCondition condition_;  ///< behind the lock as well
  std::string revision_ = profile_.revision;
  std::optional<scsi::SenseCode> prediction_;
  std::string changed_by_;
  std::atomic<bool> disturbed_{false}, removed_{false};
  std::atomic<std::uint32_t> epoch_{1};
  std::atomic<bool> retired_{false};

  std::mutex history_mutex_;
  faults::WriteHistory history_;

  std::mutex turn_mutex_;
  bool turn_taken_ = false;
  std::deque<std::function<void()>> turns_;
};

/// What one session knows of one unit.
struct LunPath {
  std::shared_ptr<LunHost> host;
  std::uint32_t epoch = 0;
  bool straight_read = false, straight_write = false;
  bool write_through = false;  ///< WCE=0: every write goes to the medium before it is answered
};

}  // namespace faultlun::daemon
