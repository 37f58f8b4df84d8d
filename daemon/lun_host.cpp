#include "daemon/lun_host.hpp"

#include "protocol/scsi/sense_codes.hpp"

namespace faultlun::daemon {

using Kind = faults::UnitChange::Kind;

/// The unit, and what is known of it without the lock, follow its condition.
void LunHost::follow(const faults::UnitCondition::News& news, faults::Time now) {
  if (news.powered_on) unit_.reset(scsi::ResetKind::power_on, !news.silent);
  if (news.became_ready && !news.silent) unit_.raise(scsi::sense("medium_may_have_changed"));
  unit_.set_unready(condition_.unready(now));
  removed_.store(condition_.state() == faults::UnitCondition::State::removed,
                 std::memory_order_release);
  disturbed_.store(!condition_.clear(), std::memory_order_release);
}

void LunHost::change(const faults::UnitChange& change, faults::Time now, std::string_view by) {
  with_unit([&](scsi::LogicalUnit& unit) {
    follow(condition_.settle(now), now);
    changed_by_ = by;
    switch (change.kind) {
      case Kind::eject:
        unit.eject();
        break;
      case Kind::load:
        unit.load(change.silent);
        break;
      case Kind::microcode:
        if (!change.text.empty()) unit.set_revision(revision_ = change.text);
        if (!change.silent) unit.raise(scsi::sense("microcode_has_been_changed"));
        break;
      case Kind::predict:
        unit.predict(prediction_ = change.code);
        break;
      default:
        follow(condition_.apply(change, now), now);
    }
  });
}

void LunHost::busy_for(faults::Time duration, faults::Time now) {
  if (duration <= faults::Time{}) return;
  with_unit([&](scsi::LogicalUnit&) {
    condition_.busy_for(duration, now);
    follow({}, now);
  });
}

UnitVerdict LunHost::verdict(faults::Time now) {
  UnitVerdict verdict;
  if (!disturbed()) return verdict;
  using Answer = faults::UnitCondition::Answer;
  const auto answer = with_unit([&](scsi::LogicalUnit&) {
    follow(condition_.settle(now), now);
    return condition_.answer();
  });
  switch (answer) {
    case Answer::by_unit:
      break;
    case Answer::absent:
      verdict.kind = UnitVerdict::Kind::absent;
      break;
    case Answer::silence:
      verdict.kind = UnitVerdict::Kind::silence;
      break;
    case Answer::busy:
      verdict.kind = UnitVerdict::Kind::reply;
      verdict.reply = scsi::with_status(scsi::Status::busy);
      break;
  }
  return verdict;
}

bool LunHost::heal() {
  return with_unit([&](scsi::LogicalUnit& unit) {
    const bool ill = !condition_.clear() || !unit.loaded() || revision_ != profile_.revision ||
                     prediction_.has_value();
    condition_.heal();
    changed_by_.clear();
    unit.load(true);
    unit.set_revision(revision_ = profile_.revision);
    unit.predict(prediction_ = std::nullopt);
    unit.forget_next_attentions();
    follow({}, {});
    return ill;
  });
}

UnitReport LunHost::report(faults::Time now) {
  return with_unit([&](scsi::LogicalUnit& unit) {
    follow(condition_.settle(now), now);
    return UnitReport{condition_.state(),
                      condition_.until(),
                      condition_.busy_until(),
                      condition_.progress(now),
                      unit.loaded(),
                      revision_,
                      prediction_,
                      condition_.since(),
                      changed_by_};
  });
}

bool LunHost::begin_turn(std::function<void()> turn) {
  const std::lock_guard lock(turn_mutex_);
  if (!turn_taken_) return turn_taken_ = true;
  turns_.push_back(std::move(turn));
  return false;
}

void LunHost::end_turn() {
  std::function<void()> next;
  {
    const std::lock_guard lock(turn_mutex_);
    if (turns_.empty()) {
      turn_taken_ = false;
      return;
    }
    next = std::move(turns_.front());
    turns_.pop_front();
  }
  next();
}

}  // namespace faultlun::daemon
