#include "daemon/data_trial.hpp"

#include "daemon/log.hpp"
#include "daemon/task_runner.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace faultlun::daemon {

using faults::DataFault;
using faults::Strike;
using Kind = DataFault::Kind;
using Lasting = DataFault::Lasting;
using lun_backends::Operation;
using lun_backends::Overlay;
using lun_backends::OverlayDevice;
using lun_backends::Refusal;

Trial::Trial(OperationPtr operation, Loop& loop)
    : operation_(std::move(operation)),
      loop_(loop),
      world_(operation_->runner->world()),
      luns_(operation_->runner->target().luns()) {
  const Ordeal& ordeal = *operation_->ordeal;
  for (const auto& strike : ordeal.decision.strikes) {
    const auto* fault = std::get_if<DataFault>(&strike.effect->action);
    if (fault == nullptr) continue;
    const auto& verdict = ordeal.decision.verdicts[strike.verdict];
    Struck made;
    made.strike = &strike;
    made.fault = fault;
    made.chance = Chance(strike);
    made.area = area_of(strike, verdict, ordeal.facts);
    made.overlay.id = fault->kind == Kind::wrap ? wrap_id(strike.rule->rule.id, host().number())
                                                : overlay_id(strike, verdict, ordeal.facts);
    made.overlay.rule = strike.rule->rule.id;
    made.overlay.fault = strike.effect->fault->id;
    made.overlay.sticky = fault->lasting == Lasting::stuck;
    made.overlay.note = fault->poison;
    made.serial = strike.rule->lifetime->serial;
    struck_.push_back(std::move(made));
  }
}

Struck* Trial::find(Kind kind) {
  const auto found =
      std::ranges::find_if(struck_, [&](const Struck& each) { return each.is(kind); });
  return found == struck_.end() ? nullptr : &*found;
}

void Trial::unmet(Struck& struck, Refusal why) {
  if (std::exchange(struck.unmet, true)) return;
  auto& suppressed = struck.strike->rule->lifetime->suppressed;
  const bool first = suppressed.fetch_add(1, std::memory_order_relaxed) == 0;
  log::lun().log(first ? spdlog::level::warn : spdlog::level::debug,
                 "a data fault is not carried out rule={} fault={} lun={} reason=\"{}\"",
                 struck.overlay.rule, struck.overlay.fault, host().number(),
                 lun_backends::describe(why));
  JournalEntry entry = operation_->entry;
  entry.kind = JournalEntry::Kind::strike;
  entry.flags =
      static_cast<std::uint8_t>((entry.flags & JournalEntry::immediate) | JournalEntry::unmet);
  entry.code = static_cast<std::uint8_t>(why);
  entry.fault =
      static_cast<std::uint16_t>(struck.strike->effect->fault - faults::fault_table().data());
  entry.at_ns = static_cast<std::uint64_t>(world_.since_start(loop_.now()).count());
  entry.a = struck.strike->resolved[0];
  entry.b = struck.strike->resolved[1];
  entry.c = 0;
  entry.d = struck.serial;
  loop_.journal().add(entry);
}

void Trial::unmet_all(Refusal why) {
  for (auto& each : struck_)
    unmet(each, why);
}

/// Whoever takes overlays away says first that it will, and takes then; whoever lays one asks
/// afterwards.  So one of the two sees the other.
bool Trial::still_meant(const Struck& struck) const {
  const auto& decided = *operation_->ordeal->rules;
  if (faults::is_replay(decided)) {
    const auto replay = world_.replay();
    return replay != nullptr && replay->rules()->epoch() == decided.epoch();
  }
  if (decided.epoch() <= world_.healed_epoch.load()) return false;
  if (!struck.overlay.sticky) return true;
  const auto now = world_.rules();
  if (now->epoch() == decided.epoch()) return true;
  const auto* rule = now->find(struck.overlay.rule);
  return rule != nullptr && rule->rule.life.armed && rule->lifetime->serial == struck.serial;
}

bool Trial::lay(Struck& struck, Patches patches) {
  Lie lie;
  lie.struck = &struck;
  lie.own = std::move(patches);
  return lay(lie, false);
}

/// `own_laid`: its own patches are there already, with the write.
bool Trial::lay(Lie& lie, bool own_laid) {
  const auto& overlay = lie.struck->overlay;
  if (!own_laid) {
    const auto laid = device().show(overlay, std::move(lie.own));
    if (!laid) return unmet(*lie.struck, laid.error()), false;
  }
  if (lie.other) {
    const auto laid = lie.other->device().show(overlay, std::move(lie.others));
    if (!laid) {
      device().remove(overlay.id);
      return unmet(*lie.struck, laid.error()), false;
    }
  }
  if (still_meant(*lie.struck)) return true;
  device().remove(overlay.id);
  if (lie.other) lie.other->device().remove(overlay.id);
  return false;
}

void Trial::wrap() {
  for (auto& each : struck_) {
    if (!each.is(Kind::wrap)) continue;
    if (device().wrapped_by() == each.overlay.id) continue;
    if (const auto laid = device().wrap(each.overlay, each.fault->capacity_bytes); !laid)
      unmet(each, laid.error());
    else if (!still_meant(each))
      device().remove(each.overlay.id);
  }
}

std::shared_ptr<LunHost> Trial::unit_of(const DataFault& fault) const {
  return fault.lun && *fault.lun != host().number() ? luns_->find(*fault.lun) : operation_->host;
}

std::optional<Place> Trial::elsewhere(Struck& struck, ByteRange range) {
  const auto unit = unit_of(*struck.fault);
  const auto block = unit ? unit->profile().block_size : 1;
  const auto lba = range.offset_bytes / host().profile().block_size;
  const auto found = unit && range.length_bytes % block == 0
                         ? other_end(*struck.fault, struck.chance, lba, range.length_bytes / block,
                                     unit->profile().blocks, unit == operation_->host)
                         : std::nullopt;
  if (!found) {
    unmet(struck, Refusal::bad_range);
    return std::nullopt;
  }
  return Place{unit, *found * block};
}

}  // namespace faultlun::daemon
