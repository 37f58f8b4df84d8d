#include "daemon/unit_changes.hpp"

#include "protocol/scsi/sense_codes.hpp"
#include "tests/sim/sim_world.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace faultlun::daemon::unit_changes_test {
namespace {

using namespace std::chrono_literals;
using faults::UnitChange;
using Change = UnitChange::Kind;

using Entries = std::vector<JournalEntry>;

constexpr scsi::NexusId kNexus = 1, kOther = 2;
constexpr auto kModes = scsi::sense("mode_parameters_changed");

struct Fixture {
  sim::SimWorld sim{1};
  Fixture() {
    for (const auto& host : sim.target->luns()->by_number)
      for (const auto nexus : {kNexus, kOther})
        host->with_unit([&](auto& unit) { unit.attach(nexus, std::nullopt); });
  }
  LunHost& unit(std::uint16_t lun) { return *sim.target->configured_luns()->find(lun); }
  void change(std::uint16_t lun, UnitChange made) {
    change_unit(sim.world, *sim.target, lun, made, 0s);
  }
  Entries told() {
    Entries entries;
    sim.world.shared_journal.ring().read(0, 100, entries);
    return entries;
  }
  std::optional<scsi::SenseCode> pending(std::uint16_t lun, scsi::NexusId nexus = kNexus) {
    return unit(lun).look_at_unit([&](const auto& each) { return each.pending_attention(nexus); });
  }
};

UnitChange change(Change kind, bool silent = false) {
  UnitChange made;
  made.kind = kind;
  made.silent = silent;
  return made;
}

TEST_CASE("an unplugged unit leaves REPORT LUNS and the other units tell of it") {
  Fixture fixture;
  fixture.change(0, change(Change::remove));
  CHECK(fixture.sim.target->luns()->numbers == std::vector<std::uint16_t>{1});
  CHECK(fixture.sim.target->luns()->find(0) == nullptr);
  CHECK(fixture.sim.target->configured_luns()->numbers == std::vector<std::uint16_t>{0, 1});
  CHECK(fixture.pending(1) == scsi::sense("reported_luns_data_has_changed"));
  CHECK(fixture.pending(1, kOther) == scsi::sense("reported_luns_data_has_changed"));
  CHECK_FALSE(fixture.pending(0));
  fixture.change(0, change(Change::add));
  CHECK(fixture.sim.target->luns()->numbers == std::vector<std::uint16_t>{0, 1});
  CHECK(fixture.pending(0) == scsi::sense("power_on_occurred"));
}

TEST_CASE("a silent unplugging is told to nobody") {
  Fixture fixture;
  fixture.change(0, change(Change::remove, true));
  CHECK(fixture.sim.target->luns()->numbers == std::vector<std::uint16_t>{1});
  CHECK_FALSE(fixture.pending(1));
}

TEST_CASE("a change may be about another unit than the one that matched, or about none") {
  Fixture fixture;
  auto made = change(Change::offline);
  made.lun = 1;
  fixture.change(0, made);
  CHECK_FALSE(fixture.unit(0).disturbed());
  CHECK(fixture.unit(1).disturbed());
  made.lun = 77;
  fixture.change(0, made);
  CHECK_FALSE(fixture.unit(0).disturbed());
}

TEST_CASE("a unit that was unplugged stays so when the configuration is read again") {
  Fixture fixture;
  fixture.change(0, change(Change::remove));
  fixture.sim.target->set_luns(fixture.sim.target->configured_luns());
  CHECK(fixture.sim.target->luns()->numbers == std::vector<std::uint16_t>{1});
}

TEST_CASE("unit attentions go where the rule says") {
  Fixture fixture;
  faults::Attention attention;
  attention.codes = {kModes};
  attention.nexus = faults::Attention::Nexus::others;
  raise(fixture.unit(0), attention, kNexus);
  CHECK_FALSE(fixture.pending(0));
  CHECK(fixture.pending(0, kOther) == kModes);
  CHECK_FALSE(fixture.pending(1, kOther));
  lose(fixture.unit(0), {}, kOther);
  attention.nexus = faults::Attention::Nexus::own;
  raise(fixture.unit(0), attention, kNexus);
  CHECK(fixture.pending(0) == kModes);
  CHECK_FALSE(fixture.pending(0, kOther));
  attention.codes.clear();
  attention.wrong_nexus = true;
  raise(fixture.unit(0), attention, kNexus);
  CHECK_FALSE(fixture.pending(0));
  CHECK(fixture.pending(0, kOther) == kModes);
}

TEST_CASE("what a decision does to units is done in order, and what is missing comes last") {
  Fixture fixture;
  faults::Effect missing, queue, offline, answer;
  missing.action = faults::NoAttention{{kModes}};
  queue.action = faults::Attention{{kModes, scsi::sense("capacity_data_has_changed")}};
  offline.action = change(Change::offline);
  answer.action = faults::Answer{};
  faults::RuleSet::Entry entry;
  entry.rule.id = "rule";
  entry.lifetime = std::make_shared<faults::RuleLifetime>();
  entry.lifetime->serial = 7;
  const faults::RuleSet rules({entry}, 1, 0);
  faults::Decision decision;
  const auto apply = [&] {
    return apply_to_units(fixture.sim.world, *fixture.sim.target, fixture.unit(0), decision, kNexus,
                          0s);
  };
  CHECK_FALSE(apply());
  decision.strikes.push_back({.rule = &rules.at(0), .effect = &answer});
  CHECK_FALSE(apply());
  for (const auto* effect : {&missing, &queue, &offline})
    decision.strikes.push_back({.rule = &rules.at(0), .effect = effect});
  CHECK(apply());
  CHECK(fixture.pending(0) == scsi::sense("capacity_data_has_changed"));
  CHECK(fixture.pending(0, kOther) == kModes);
  CHECK(fixture.unit(0).disturbed());
  CHECK(fixture.told() ==
        Entries{JournalEntry::unit_change(0, 0, Change::offline, 7, faults::Time(0))});
}

TEST_CASE("healing brings every unit back, and the journal tells of every change") {
  Fixture fixture;
  fixture.change(0, change(Change::remove));
  fixture.change(1, change(Change::offline));
  CHECK(heal_units(fixture.sim.world, 1s) == 2);
  CHECK(fixture.sim.target->luns()->numbers == std::vector<std::uint16_t>{0, 1});
  CHECK(heal_units(fixture.sim.world, 2s) == 0);
  CHECK(fixture.told() ==
        Entries{JournalEntry::unit_change(0, 0, Change::remove, 0, faults::Time(0)),
                JournalEntry::unit_change(0, 1, Change::offline, 0, faults::Time(0)),
                JournalEntry::unit_healed(0, 0, 1s), JournalEntry::unit_healed(0, 1, 1s)});
}

TEST_CASE("the report has every unit that is configured, unplugged ones as well") {
  Fixture fixture;
  fixture.change(0, change(Change::remove));
  auto format = change(Change::format);
  format.duration = 40s;
  fixture.change(1, format);
  fixture.unit(1).busy_for(20s, 0s);
  const auto report = report_units(fixture.sim.world, 10s);
  REQUIRE(report.size() == 2);
  CHECK(report[0]["state"] == "removed");
  CHECK(report[0]["medium"] == "loaded");
  CHECK_FALSE(report[0].contains("remaining_us"));
  CHECK(report[1]["lun"] == 1);
  CHECK(report[1]["state"] == "formatting");
  CHECK(report[1]["remaining_us"] == 30'000'000);
  CHECK(report[1]["progress_percent"] == 25);
  CHECK(report[1]["busy_us"] == 10'000'000);
}

}  // namespace
}  // namespace faultlun::daemon::unit_changes_test
