#include "faults/unit_condition.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::unit_condition_test {
namespace {

using namespace std::chrono_literals;
using State = UnitCondition::State;
using Answer = UnitCondition::Answer;
using Kind = UnitChange::Kind;
using News = UnitCondition::News;

UnitChange change(Kind kind, Time duration = {}, Time off = {}) {
  UnitChange made;
  made.kind = kind;
  made.duration = duration;
  made.off = off;
  return made;
}

scsi::SenseCode says(const UnitCondition& condition, Time now) {
  const auto why = condition.unready(now);
  return why ? why->sense.code : scsi::SenseCode{};
}

TEST_CASE("a unit that nothing has happened to is clear and answers for itself") {
  UnitCondition condition;
  CHECK(condition.clear());
  CHECK(condition.answer() == Answer::by_unit);
  CHECK_FALSE(condition.unready(5s));
  CHECK(condition.settle(5s) == News{});
}

TEST_CASE("offline lasts until the unit is told to be online, and then the medium may be another") {
  UnitCondition condition;
  condition.apply(change(Kind::offline), 1s);
  CHECK(condition.settle(10h) == News{});
  CHECK(says(condition, 10h) == scsi::SenseCode{0x02, 0x04, 0x12});
  CHECK(condition.unready(1s)->strict);
  CHECK(condition.apply(change(Kind::online), 11h) == News{false, true, false});
  CHECK(condition.clear());
}

TEST_CASE("offline with a duration ends at its last nanosecond, not before") {
  UnitCondition condition;
  condition.apply(change(Kind::offline, 2s), 1s);
  condition.apply(change(Kind::offline, 2s), 2s);  // under way: does not begin again
  CHECK(condition.settle(3s - 1ns) == News{});
  CHECK_FALSE(condition.clear());
  CHECK(condition.settle(3s) == News{false, true, false});
  CHECK(condition.clear());
}

TEST_CASE("a slow start tells its progress in 65536ths") {
  UnitCondition condition;
  condition.apply(change(Kind::slow_start, 65536ms), 10s);
  CHECK(says(condition, 10s) == scsi::SenseCode{0x02, 0x04, 0x01});
  CHECK_FALSE(condition.unready(10s)->strict);
  CHECK(condition.unready(10s)->sense.progress == 0);
  CHECK(condition.unready(10s + 16384ms)->sense.progress == 0x4000);
  CHECK(condition.unready(100s)->sense.progress == 65535);
  CHECK(condition.settle(10s + 65536ms) == News{});
  CHECK(condition.clear());
}

TEST_CASE("progress of the longest and of the shortest operation does not overflow") {
  UnitCondition condition;
  condition.apply(change(Kind::format, kMaxDelay), 0s);
  CHECK(condition.progress(kMaxDelay / 2) == 0x8000);
  condition.heal();
  condition.apply(change(Kind::sanitize, 1ns), 0s);
  CHECK(condition.progress(0s) == 0);
  CHECK(condition.progress(1ns) == 1);
}

TEST_CASE("sanitize and format refuse all but what nothing stops") {
  UnitCondition condition;
  condition.apply(change(Kind::sanitize, 5s), 0s);
  CHECK(says(condition, 0s) == scsi::SenseCode{0x02, 0x04, 0x1b});
  CHECK(condition.unready(0s)->strict);
  condition.apply(change(Kind::format, 5s), 1s);
  CHECK(says(condition, 1s) == scsi::SenseCode{0x02, 0x04, 0x04});
  CHECK(condition.unready(1s)->strict);
  CHECK(condition.until() == Time(6s));
}

TEST_CASE("a power cycle is silence, then power on, then a slow start") {
  UnitCondition condition;
  condition.apply(change(Kind::power_cycle, 3s, 2s), 10s);
  CHECK(condition.answer() == Answer::silence);
  condition.apply(change(Kind::power_cycle, 3s, 2s), 11s);
  condition.apply(change(Kind::offline), 11s);
  CHECK(condition.settle(12s - 1ns) == News{});
  CHECK(condition.answer() == Answer::silence);
  CHECK(condition.settle(12s) == News{true, false, false});
  CHECK(condition.state() == State::starting);
  condition.apply(change(Kind::power_cycle, 3s, 2s), 13s);  // still the one before
  CHECK(condition.state() == State::starting);
  CHECK(condition.settle(15s) == News{});
  CHECK(condition.clear());
  condition.apply(change(Kind::power_cycle, 3s, 2s), 16s);
  CHECK(condition.state() == State::powered_off);
}

TEST_CASE("a power cycle that nobody watched is over, and its power on is still told") {
  UnitCondition condition;
  auto cycle = change(Kind::power_cycle, 3s, 2s);
  cycle.silent = true;
  condition.apply(cycle, 0s);
  CHECK(condition.settle(1h) == News{true, false, true});
  CHECK(condition.clear());
}

TEST_CASE("an unplugged unit is absent whatever happens, until it is plugged in again") {
  UnitCondition condition;
  condition.apply(change(Kind::remove), 0s);
  for (const auto kind : {Kind::online, Kind::offline, Kind::slow_start, Kind::power_cycle})
    condition.apply(change(kind, 1s, 1s), 1s);
  condition.busy_for(1s, 1s);
  CHECK(condition.settle(1h) == News{});
  CHECK(condition.answer() == Answer::absent);
  CHECK(condition.apply(change(Kind::add), 2s) == News{true, false, false});
  CHECK(condition.clear());
  CHECK(condition.apply(change(Kind::add), 3s) == News{});
}

TEST_CASE("busy ends by itself, and the later end counts") {
  UnitCondition condition;
  condition.busy_for(2s, 1s);
  condition.busy_for(1s, 1s);
  condition.busy_for(0s, 1s);
  condition.settle(3s - 1ns);
  CHECK(condition.answer() == Answer::busy);
  condition.settle(3s);
  CHECK(condition.clear());
}

TEST_CASE("a duration of nothing begins nothing") {
  UnitCondition condition;
  for (const auto kind : {Kind::slow_start, Kind::sanitize, Kind::format})
    condition.apply(change(kind), 1s);
  CHECK(condition.clear());
}

TEST_CASE("healing ends everything at once") {
  UnitCondition condition;
  condition.apply(change(Kind::remove), 0s);
  condition.busy_for(1h, 0s);
  condition.heal();
  CHECK(condition.clear());
  CHECK(name_of(condition.state()) == "ready");
}

}  // namespace
}  // namespace faultlun::faults::unit_condition_test
