#include "daemon/lun_host.hpp"
#include "lun_backends/open.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <doctest/doctest.h>

namespace faultlun::daemon::lun_host_conditions_test {
namespace {

using namespace std::chrono_literals;
using faults::Time;
using faults::UnitChange;
using Change = UnitChange::Kind;
using Kind = UnitVerdict::Kind;

constexpr scsi::NexusId kNexus = 1, kOther = 2;

UnitChange change(Change kind, Time duration = {}, Time off = {}) {
  UnitChange made;
  made.kind = kind;
  made.duration = duration;
  made.off = off;
  return made;
}

struct Bench {
  Bench() {
    lun_backends::BackendSpec spec;
    spec.kind = lun_backends::BackendSpec::Kind::null;
    spec.size_bytes = 1 << 20;
    scsi::LogicalUnitProfile profile;
    profile.blocks = 2048;
    host.emplace(std::uint16_t{3}, profile, lun_backends::open(spec));
    for (const auto nexus : {kNexus, kOther})
      host->with_unit([&](auto& unit) { unit.attach(nexus, std::nullopt); });
  }
  /// What TEST UNIT READY comes to: the verdict, then the unit's own answer.
  scsi::SenseCode ready(Time now, scsi::NexusId nexus = kNexus) {
    const auto verdict = host->verdict(now);
    REQUIRE(verdict.kind == Kind::go_on);
    const scsi::NexusPorts ports;
    const std::vector<std::uint16_t> luns{3};
    const auto plan = host->with_unit([&](auto& unit) {
      return unit.plan(nexus, scsi::Command{}, scsi::Surroundings{ports, luns});
    });
    const auto& reply = std::get<scsi::Reply>(plan);
    return reply.sense ? reply.sense->code : scsi::SenseCode{};
  }
  std::optional<LunHost> host;
};

constexpr scsi::SenseCode kGood{};

TEST_CASE("a unit that nothing has happened to lets every command pass, without a lock") {
  Bench bench;
  const auto epoch = bench.host->epoch();
  CHECK(bench.host->verdict(0s).kind == Kind::go_on);
  CHECK(bench.host->epoch() == epoch);
  CHECK_FALSE(bench.host->disturbed());
}

TEST_CASE("offline is seen by all and moves the epoch on when it comes and when it ends") {
  Bench bench;
  auto epoch = bench.host->epoch();
  bench.host->change(change(Change::offline, 5s), 1s);
  CHECK(bench.host->epoch() != epoch);
  CHECK(bench.host->disturbed());
  CHECK(bench.ready(2s) == scsi::sense("not_ready_offline"));
  CHECK(bench.ready(6s - 1ns, kOther) == scsi::sense("not_ready_offline"));
  epoch = bench.host->epoch();
  CHECK(bench.ready(6s) == scsi::sense("medium_may_have_changed"));
  CHECK(bench.host->epoch() != epoch);
  CHECK_FALSE(bench.host->disturbed());
  CHECK(bench.ready(6s) == kGood);
}

TEST_CASE("a silent offline ends without a unit attention") {
  Bench bench;
  auto offline = change(Change::offline, 5s);
  offline.silent = true;
  bench.host->change(offline, 0s);
  CHECK(bench.ready(5s) == kGood);
}

TEST_CASE("a power cycle is silence, power on for everybody, and a start") {
  Bench bench;
  bench.host->change(change(Change::power_cycle, 10s, 2s), 0s);
  CHECK(bench.host->verdict(1s).kind == Kind::silence);
  CHECK(bench.ready(2s) == scsi::sense("power_on_occurred"));
  CHECK(bench.ready(3s) == scsi::sense("becoming_ready"));
  CHECK(bench.ready(3s, kOther) == scsi::sense("power_on_occurred"));
  CHECK(bench.ready(12s) == kGood);
}

TEST_CASE("an unplugged unit is absent and comes back with a power on") {
  Bench bench;
  bench.host->change(change(Change::remove), 0s);
  CHECK(bench.host->removed());
  CHECK(bench.host->verdict(1s).kind == Kind::absent);
  bench.host->change(change(Change::add), 2s);
  CHECK_FALSE(bench.host->removed());
  CHECK(bench.ready(2s) == scsi::sense("power_on_occurred"));
  CHECK(bench.ready(2s) == kGood);
}

TEST_CASE("a busy unit answers BUSY until its time is over") {
  Bench bench;
  bench.host->busy_for(4900ms, 0s);
  const auto verdict = bench.host->verdict(4899ms);
  CHECK(verdict.kind == Kind::reply);
  CHECK(verdict.reply.status == scsi::Status::busy);
  CHECK(bench.ready(4900ms) == kGood);
}

TEST_CASE("new microcode, an ejected medium and a prediction are the unit's own affair") {
  Bench bench;
  auto microcode = change(Change::microcode);
  microcode.text = "0009";
  bench.host->change(microcode, 0s);
  CHECK(bench.ready(0s) == scsi::sense("microcode_has_been_changed"));
  bench.host->change(change(Change::eject), 0s);
  CHECK(bench.ready(0s) == scsi::sense("medium_not_present_tray_open"));
  auto predict = change(Change::predict);
  predict.code = scsi::sense("failure_prediction_threshold_exceeded");
  bench.host->change(predict, 0s);
  CHECK_FALSE(bench.host->disturbed());
  const auto report = bench.host->report(0s);
  CHECK(report.revision == "0009");
  CHECK_FALSE(report.loaded);
  CHECK(report.prediction == predict.code);
  bench.host->change(change(Change::load), 0s);
  CHECK(bench.ready(0s) == scsi::sense("medium_may_have_changed"));
}

TEST_CASE("a report tells how long a condition lasts and how far it is") {
  Bench bench;
  bench.host->change(change(Change::format, 65536ms), 0s);
  bench.host->busy_for(1s, 0s);
  const auto report = bench.host->report(16384ms);
  CHECK(report.state == faults::UnitCondition::State::formatting);
  CHECK(report.until == Time(65536ms));
  CHECK(report.progress == 0x4000);
  CHECK_FALSE(report.busy_until);  // over
  CHECK(bench.host->report(1h).state == faults::UnitCondition::State::ready);
}

TEST_CASE("a healed unit is as it was configured") {
  Bench bench;
  CHECK_FALSE(bench.host->heal());
  auto microcode = change(Change::microcode);
  microcode.text = "0009";
  microcode.silent = true;
  bench.host->change(microcode, 0s);
  bench.host->change(change(Change::eject), 0s);
  bench.host->change(change(Change::remove), 0s);
  bench.host->busy_for(1h, 0s);
  constexpr scsi::SenseCode kCodes[] = {scsi::sense("mode_parameters_changed")};
  bench.host->with_unit(
      [&](auto& unit) { unit.establish(kCodes, 1, scsi::LogicalUnit::To::next, kNexus); });
  CHECK(bench.host->heal());
  CHECK_FALSE(bench.host->removed());
  CHECK_FALSE(bench.host->disturbed());
  CHECK(bench.host->report(0s).revision == "0001");
  CHECK(bench.ready(0s) == kGood);
  bench.host->with_unit([](auto& unit) { unit.attach(9, std::nullopt); });
  CHECK(bench.ready(0s, 9) == kGood);
}

}  // namespace
}  // namespace faultlun::daemon::lun_host_conditions_test
