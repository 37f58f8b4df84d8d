#include "faults/unit_condition.hpp"

#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {
namespace {

using State = UnitCondition::State;
using Kind = UnitChange::Kind;

/// What each state is to an initiator.
struct StateRow {
  State state;
  std::string_view name;
  UnitCondition::Answer answer;
  scsi::SenseCode code;  ///< key 0: none
  bool strict, progress;
};
// clang-format off
constexpr StateRow kStates[] = {
  {State::ready,       "ready",       UnitCondition::Answer::by_unit, {},                                 false, false},
  {State::offline,     "offline",     UnitCondition::Answer::by_unit, scsi::sense("not_ready_offline"),    true,  false},
  {State::removed,     "removed",     UnitCondition::Answer::absent,  {},                                 false, false},
  {State::powered_off, "powered_off", UnitCondition::Answer::silence, {},                                 false, false},
  {State::starting,    "starting",    UnitCondition::Answer::by_unit, scsi::sense("becoming_ready"),       false, true},
  {State::sanitizing,  "sanitizing",  UnitCondition::Answer::by_unit, scsi::sense("sanitize_in_progress"), true,  true},
  {State::formatting,  "formatting",  UnitCondition::Answer::by_unit, scsi::sense("format_in_progress"),   true,  true},
};
// clang-format on

constexpr bool state_table_is_sound() {
  for (std::size_t i = 0; i < std::size(kStates); ++i)
    if (kStates[i].state != static_cast<State>(i)) return false;
  return std::size(kStates) == static_cast<std::size_t>(State::formatting) + 1;
}
static_assert(state_table_is_sound(), "one row for each state, in order");

const StateRow& row_of(State state) {
  return kStates[static_cast<std::size_t>(state)];
}

/// The states that last as long as the change says.
std::optional<State> timed_state(Kind kind) {
  switch (kind) {
    case Kind::slow_start:
      return State::starting;
    case Kind::sanitize:
      return State::sanitizing;
    case Kind::format:
      return State::formatting;
    default:
      return std::nullopt;
  }
}

}  // namespace

void UnitCondition::enter(State state, Time now, std::optional<Time> duration, bool silent) {
  state_ = state;
  since_ = now;
  until_ = duration ? std::optional<Time>(now + *duration) : std::nullopt;
  start_for_ = {};
  power_cycled_ = false;
  silent_ = silent;
}

UnitCondition::News UnitCondition::apply(const UnitChange& change, Time now) {
  News news;
  if (state_ == State::removed) {
    if (change.kind != Kind::add) return news;
    leave();
    return {true, false, change.silent};
  }
  if (change.kind == Kind::remove) {
    enter(State::removed, now, std::nullopt, change.silent);
    return news;
  }
  if (change.kind == Kind::online) {
    news = {state_ == State::powered_off, state_ == State::offline, change.silent};
    leave();
    return news;
  }
  if (state_ == State::powered_off) return news;
  if (change.kind == Kind::offline && state_ != State::offline) {
    const bool timed = change.duration > Time{};
    enter(State::offline, now, timed ? std::optional<Time>(change.duration) : std::nullopt,
          change.silent);
  } else if (change.kind == Kind::power_cycle && !power_cycled_) {
    enter(State::powered_off, now, change.off, change.silent);
    start_for_ = change.duration;
  } else if (const auto timed = timed_state(change.kind);
             timed && *timed != state_ && change.duration > Time{}) {
    enter(*timed, now, change.duration, change.silent);
  }
  return news;
}

UnitCondition::News UnitCondition::settle(Time now) {
  News news;
  if (busy_until_ && *busy_until_ <= now) busy_until_.reset();
  if (state_ == State::powered_off && until_ && *until_ <= now) {
    news = {true, false, silent_};
    const Time start_for = start_for_;
    if (start_for > Time{}) {
      enter(State::starting, *until_, start_for, silent_);
      power_cycled_ = true;
    } else {
      leave();
    }
  }
  if (state_ != State::ready && state_ != State::powered_off && until_ && *until_ <= now) {
    if (state_ == State::offline) news = {false, true, silent_};
    leave();
  }
  return news;
}

void UnitCondition::busy_for(Time duration, Time now) {
  if (duration <= Time{}) return;
  busy_until_ = std::max(busy_until_.value_or(Time{}), now + duration);
}

UnitCondition::Answer UnitCondition::answer() const {
  const auto answer = row_of(state_).answer;
  return answer == Answer::by_unit && busy_until_ ? Answer::busy : answer;
}

std::optional<std::uint16_t> UnitCondition::progress(Time now) const {
  if (!row_of(state_).progress || !until_) return std::nullopt;
  const auto whole = (*until_ - since_).count();
  const auto done = std::clamp<Time::rep>((now - since_).count(), 0, whole);
  // In 65536ths of `whole`, without a product that could overflow.
  const auto unit = std::max<Time::rep>(whole / 65536, 1);
  return static_cast<std::uint16_t>(std::min<Time::rep>(done / unit, 65535));
}

std::optional<scsi::Unready> UnitCondition::unready(Time now) const {
  const auto& row = row_of(state_);
  if (row.code.key == 0) return std::nullopt;
  scsi::Unready why;
  why.sense.code = row.code;
  why.sense.progress = progress(now);
  why.strict = row.strict;
  return why;
}

std::string_view name_of(UnitCondition::State state) {
  return row_of(state).name;
}

}  // namespace faultlun::faults
