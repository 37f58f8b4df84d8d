// The condition that a fault has put a logical unit in: offline, unplugged, without power,
// starting, sanitizing, formatting, busy.  A value without a clock: `now` is an argument, and what
// ends by time is noticed by the next settle().  What the unit itself keeps (medium, revision,
// prediction) is scsi::LogicalUnit's; daemon/lun_host has both.
#pragma once

#include "faults/action.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace faultlun::faults {

class UnitCondition {
 public:
  enum class State : std::uint8_t {
    ready,
    offline,      ///< 2/04/12
    removed,      ///< no such unit
    powered_off,  ///< says nothing at all
    starting,     ///< 2/04/01
    sanitizing,   ///< 2/04/1B
    formatting,   ///< 2/04/04
  };
  /// What came about: the unit's own state and its unit attentions follow.
  struct News {
    bool powered_on = false;    ///< 6/29/01, mode pages and reservations of power on
    bool became_ready = false;  ///< 6/28/00
    bool silent = false;        ///< without these unit attentions
    friend bool operator==(const News&, const News&) = default;
  };
  /// What becomes of a command.
  enum class Answer : std::uint8_t { by_unit, absent, silence, busy };

  /// Carries out a change of state; those that are none of this class's are ignored, and so is one
  /// that is under way already (a rule without `times` fires for each command).  An unplugged unit
  /// only takes `add`, one without power waits for its power.
  News apply(const UnitChange& change, Time now);
  /// What has ended by itself until now.
  News settle(Time now);
  void busy_for(Time duration, Time now);
  void heal() { *this = {}; }

  /// Nothing stands in the way of any command.
  bool clear() const { return state_ == State::ready && !busy_until_; }
  Answer answer() const;
  /// What the unit says of itself (Answer::by_unit).
  std::optional<scsi::Unready> unready(Time now) const;

  State state() const { return state_; }
  Time since() const { return since_; }
  std::optional<Time> until() const { return until_; }  ///< nothing: until it is told otherwise
  std::optional<Time> busy_until() const { return busy_until_; }
  /// 65536ths done, of states that tell.
  std::optional<std::uint16_t> progress(Time now) const;

 private:
  void enter(State state, Time now, std::optional<Time> duration, bool silent);
  void leave() { enter(State::ready, {}, std::nullopt, false); }

  State state_ = State::ready;
  Time since_{};
  std::optional<Time> until_, busy_until_;
  Time start_for_{};           ///< powered_off: how long it starts afterwards
  bool power_cycled_ = false;  ///< starting: because of a power cycle
  bool silent_ = false;
};

std::string_view name_of(UnitCondition::State state);

}  // namespace faultlun::faults
