#include "daemon/overlay_keeper.hpp"

#include "daemon/log.hpp"
#include "faults/match.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace faultlun::daemon {
namespace {

using faults::DataFault;

constexpr std::string_view kMemory = "memory";  ///< description() of a device without a store
constexpr std::uint64_t kDiscardStepBytes = std::uint64_t{1} << 30;

template <typename Use>
void for_each_unit(const TargetHosts& targets, Use use) {
  for (const auto& target : targets)
    for (const auto& unit : target->luns()->by_number)
      if (unit) use(*target, *unit);
}

template <typename Use>
void for_each_data_fault(const faults::Rule& rule, Use use) {
  if (!rule.life.armed) return;
  for (const auto& effect : rule.effects)
    if (const auto* fault = std::get_if<DataFault>(&effect.action)) use(*fault);
}

bool is_view(const faults::Rule& rule) {
  bool found = false;
  for_each_data_fault(rule, [&](const DataFault& fault) {
    found = found || fault.lasting == DataFault::Lasting::stuck;
  });
  return found;
}

/// Versions that stale reads of the rule look back; 0: it has none.
std::size_t depth_of(const faults::Rule& rule) {
  std::size_t depth = 0;
  for_each_data_fault(rule, [&](const DataFault& fault) {
    if (fault.kind == DataFault::Kind::stale) depth = std::max<std::size_t>(depth, fault.versions);
  });
  return depth;
}

/// The rule may be about the unit, as far as its lists of targets and units say.
bool concerns(const faults::Match& match, const TargetHost& target, const LunHost& unit) {
  const bool of_target =
      match.targets.empty() || std::ranges::any_of(match.targets, [&](const auto& pattern) {
        return faults::glob(pattern, target.name());
      });
  return of_target &&
         (match.luns.empty() || std::ranges::find(match.luns, unit.number()) != match.luns.end());
}

/// From the first block of the rule's LBA match to its last; nothing: it is outside of the unit.
std::optional<lun_backends::ByteRange> range_of(const faults::Match& match, const LunHost& unit) {
  const auto blocks = unit.profile().blocks;
  std::uint64_t first = match.lbas.empty() ? 0 : UINT64_MAX, last = match.lbas.empty() ? blocks : 0;
  for (const auto& each : match.lbas) {
    if (each.length == 0) continue;
    first = std::min(first, each.start);
    last = std::max(last, each.last());
  }
  last = std::min(last, blocks - 1);
  if (first > last) return std::nullopt;
  const auto block_size = unit.profile().block_size;
  return lun_backends::ByteRange{first * block_size, (last - first + 1) * block_size};
}

void keep_history(const faults::Rule& rule, std::size_t depth, const TargetHosts& targets) {
  for_each_unit(targets, [&](const TargetHost& target, LunHost& unit) {
    const auto range =
        concerns(rule.match, target, unit) ? range_of(rule.match, unit) : std::nullopt;
    if (!range) return unit.device().forget_history(rule.id);
    const auto kept = unit.device().keep_history(rule.id, *range, depth);
    if (!kept)
      log::lun().warn("no history is kept rule={} lun={} reason=\"{}\"", rule.id, unit.number(),
                      lun_backends::describe(kept.error()));
  });
}

/// Of the rule's overlays those that are views.
void remove_views(const std::string& rule, lun_backends::OverlayDevice& device) {
  for (const auto& overlay : device.list())
    if (overlay.rule == rule && overlay.sticky) device.remove(overlay.id);
}

void discard_all(lun_backends::OverlayDevice& device) {
  for (std::uint64_t done = 0; done < device.size_bytes();) {
    lun_backends::Operation discard;
    discard.kind = lun_backends::Operation::Kind::discard;
    discard.offset_bytes = done;
    discard.length_bytes = std::min(device.size_bytes() - done, kDiscardStepBytes);
    done += discard.length_bytes;
    device.start(discard);  // memory answers at once
  }
}

}  // namespace

void OverlayKeeper::prepare(const faults::RuleSet& rules, const TargetHosts& targets) {
  const std::lock_guard lock(mutex_);
  if (rules.has_data_faults())
    for_each_unit(targets, [](const TargetHost&, LunHost& unit) { unit.device().arm(true); });
  std::vector<std::string> historians;
  for (const auto& installed : rules.rules()) {
    const auto& rule = installed->rule;
    const auto depth = rules.has_data_faults() ? depth_of(rule) : 0;
    if (depth == 0) continue;
    keep_history(rule, depth, targets);
    historians.push_back(rule.id);
  }
  for (const auto& former : historians_)
    if (std::ranges::find(historians, former) == historians.end())
      for_each_unit(
          targets, [&](const TargetHost&, LunHost& unit) { unit.device().forget_history(former); });
  historians_ = std::move(historians);
}

void OverlayKeeper::retire(const faults::RuleSet& rules, const TargetHosts& targets) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::uint64_t> views;
  if (rules.has_data_faults())
    for (const auto& installed : rules.rules())
      if (is_view(installed->rule)) views[installed->rule.id] = installed->lifetime->serial;
  for (const auto& [rule, serial] : views_) {
    const auto still = views.find(rule);
    if (still != views.end() && still->second == serial) continue;
    for_each_unit(targets,
                  [&](const TargetHost&, LunHost& unit) { remove_views(rule, unit.device()); });
  }
  views_ = std::move(views);
  if (!rules.has_data_faults())
    for_each_unit(targets, [](const TargetHost&, LunHost& unit) { unit.device().arm(false); });
}

void heal_media(World& world, std::uint64_t epoch, bool data) {
  world.healed_epoch.store(epoch);
  for_each_unit(world.targets(), [&](const TargetHost&, LunHost& unit) {
    auto& device = unit.device();
    device.clear();
    if (data && device.description() == kMemory) discard_all(device);
  });
}

}  // namespace faultlun::daemon
