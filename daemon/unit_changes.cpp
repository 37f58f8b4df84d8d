#include "daemon/unit_changes.hpp"

#include "daemon/connection.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace faultlun::daemon {
namespace {

using Kind = faults::UnitChange::Kind;

constexpr auto kReportedLunsChanged = scsi::sense("reported_luns_data_has_changed");

/// Tasks of the unit that are in progress anywhere are forgotten.  Later, on each connection's
/// thread: the task that brought this about is still being decided.
void lose_tasks(World& world, const TargetHost& target, std::uint16_t lun) {
  for (const auto& each : world.sessions.all()) {
    if (each->summary().discovery || each->summary().target != target.name()) continue;
    each->loop().post(
        [each, lun] { each->abort_tasks(lun, false, iscsi::AbortedBy::another_nexus); });
  }
}

void tell_others(TargetHost& target, std::uint16_t lun) {
  for (const auto& host : target.luns()->by_number)
    if (host && host->number() != lun)
      host->with_unit([](auto& unit) { unit.raise(kReportedLunsChanged); });
}

std::string code_text(scsi::SenseCode code) {
  char text[16];
  std::snprintf(text, sizeof text, "%02X/%02X", unsigned{code.asc}, unsigned{code.ascq});
  return text;
}

}  // namespace

void change_unit(World& world, TargetHost& target, std::uint16_t lun,
                 const faults::UnitChange& change, faults::Time now, ChangedBy by) {
  const auto number = change.lun.value_or(lun);
  const auto host = target.configured_luns()->find(number);
  if (!host) return;
  world.shared_journal.add(
      JournalEntry::unit_change(target.index(), number, change.kind, by.rule, now));
  const auto before = host->report(now).state;
  host->change(change, now, by.who);
  const auto after = host->report(now).state;
  if (target.refresh_luns() && !change.silent) tell_others(target, number);
  using State = faults::UnitCondition::State;
  if (before != after && (after == State::removed || after == State::powered_off))
    lose_tasks(world, target, number);
}

void raise(LunHost& host, const faults::Attention& attention, scsi::NexusId own) {
  using Nexus = faults::Attention::Nexus;
  using To = scsi::LogicalUnit::To;
  constexpr To kTo[] = {To::own, To::others, To::all, To::next};
  static_assert(static_cast<int>(Nexus::own) == 0 && static_cast<int>(Nexus::next_login) == 3);
  host.with_unit([&](scsi::LogicalUnit& unit) {
    if (attention.wrong_nexus)
      unit.misdirect_attentions(own, attention.codes, attention.count);
    else
      unit.establish(attention.codes, attention.count,
                     kTo[static_cast<std::size_t>(attention.nexus)], own);
  });
}

void lose(LunHost& host, const faults::NoAttention& missing, scsi::NexusId own) {
  host.with_unit([&](scsi::LogicalUnit& unit) { unit.lose_attentions(own, missing.codes); });
}

bool apply_to_units(World& world, TargetHost& target, LunHost& host,
                    const faults::Decision& decision, scsi::NexusId own, faults::Time now) {
  bool any = false;
  for (const auto& strike : decision.strikes) {
    if (const auto* change = std::get_if<faults::UnitChange>(&strike.effect->action))
      change_unit(world, target, host.number(), *change, now,
                  {strike.rule->rule.id, strike.rule->lifetime->serial});
    else if (const auto* attention = std::get_if<faults::Attention>(&strike.effect->action))
      raise(host, *attention, own);
    else
      continue;
    any = true;
  }
  for (const auto& strike : decision.strikes) {
    const auto* missing = std::get_if<faults::NoAttention>(&strike.effect->action);
    if (missing == nullptr) continue;
    lose(host, *missing, own);
    any = true;
  }
  return any;
}

std::size_t heal_units(World& world, faults::Time now) {
  std::size_t healed = 0;
  for (const auto& target : world.targets()) {
    for (const auto& host : target->configured_luns()->by_number) {
      if (!host || !host->heal()) continue;
      world.shared_journal.add(JournalEntry::unit_healed(target->index(), host->number(), now));
      ++healed;
    }
    target->refresh_luns();
  }
  return healed;
}

config::Json report_unit(const TargetHost& target, LunHost& host, faults::Time now) {
  const auto remaining = [now](faults::Time until) {
    return std::chrono::duration_cast<std::chrono::microseconds>(until - now).count();
  };
  const auto report = host.report(now);
  config::Json unit = {{"target", target.name()},
                       {"lun", host.number()},
                       {"state", faults::name_of(report.state)},
                       {"medium", report.loaded ? "loaded" : "ejected"},
                       {"revision", report.revision},
                       {"overlays", host.device().count()}};
  if (report.state != faults::UnitCondition::State::ready)
    unit["state_for_us"] = -remaining(report.since);
  if (!report.by.empty()) unit["by"] = report.by;
  if (report.until) unit["remaining_us"] = remaining(*report.until);
  if (report.progress) unit["progress_percent"] = *report.progress * 100 / 65536;
  if (report.busy_until) unit["busy_us"] = remaining(*report.busy_until);
  if (report.prediction) unit["predicted"] = code_text(*report.prediction);
  return unit;
}

config::Json report_units(World& world, faults::Time now) {
  auto list = config::Json::array();
  for (const auto& target : world.targets())
    for (const auto& host : target->configured_luns()->by_number)
      if (host) list.push_back(report_unit(*target, *host, now));
  return list;
}

}  // namespace faultlun::daemon
