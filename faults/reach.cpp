#include "faults/reach.hpp"

#include <algorithm>

namespace faultlun::faults {

bool writes_medium(const Facts& facts) {
  return facts.row != nullptr && facts.row->is(scsi::writes);
}

namespace {

bool reads_medium(const Facts& facts) {
  return facts.row != nullptr && facts.row->is(scsi::reads);
}

bool patch_applies(const Patch& patch, const Facts& facts) {
  const auto& cdb = *facts.cdb;
  const auto code_fits = [&](std::uint8_t code) { return !patch.code || *patch.code == code; };
  switch (patch.page) {
    case Patch::Page::inquiry:
      return cdb.opcode() == 0x12 && (cdb[1] & 0x01) == 0;
    case Patch::Page::vpd:
      return cdb.opcode() == 0x12 && (cdb[1] & 0x01) != 0 && code_fits(cdb[2]);
    case Patch::Page::mode:
      return cdb.opcode() == 0x1a || cdb.opcode() == 0x5a;
    case Patch::Page::capacity:
      return (cdb.opcode() == 0x25 && !patch.only_16) ||
             (cdb.opcode() == 0x9e && (cdb[1] & 0x1f) == 0x10 && !patch.only_10);
    case Patch::Page::luns:
      return cdb.opcode() == 0xa0;
  }
  return false;
}

bool data_fault_applies(const DataFault& fault, const Facts& facts) {
  using Kind = DataFault::Kind;
  const auto name = facts.row != nullptr ? facts.row->name : std::string_view();
  const bool is_write_same = name.starts_with("WRITE SAME");
  const bool bit_3 = ((*facts.cdb)[1] & 0x08) != 0;  // FUA; of WRITE SAME it is UNMAP
  const bool hands_data_on = facts.blocks != 0 && !name.starts_with("VERIFY");
  switch (fault.kind) {
    case Kind::flush_lie:
      return name.starts_with("SYNCHRONIZE CACHE");
    case Kind::fua_lie:
      return writes_medium(facts) && bit_3 && !is_write_same && facts.cdb->opcode() >= 0x20;
    case Kind::caw_not_atomic:
      return name == "COMPARE AND WRITE";
    case Kind::unmap_lie:
      return name == "UNMAP" || (is_write_same && bit_3);
    case Kind::lost_write:
    case Kind::torn:
    case Kind::dup_write:
      return writes_medium(facts) && facts.blocks != 0;
    case Kind::stale:
    case Kind::wire_flip:
      return reads_medium(facts) && !writes_medium(facts) && hands_data_on;
    case Kind::wrap:
      return facts.blocks != 0 && (reads_medium(facts) || writes_medium(facts));
    default:
      return hands_data_on && (reads_medium(facts) || writes_medium(facts));
  }
}

}  // namespace

bool applies(const Rule& rule, const Effect& effect, const Facts& facts) {
  if (facts.site == Site::tmf_rx) {
    const auto* silence = std::get_if<Silence>(&effect.action);
    if (silence != nullptr) return silence->task_management;
    if (const auto* ladder = std::get_if<TaskManagementLadder>(&effect.action))
      return std::ranges::any_of(ladder->steps,
                                 [&](const auto& step) { return step.is_about(facts.function); });
    return site_table()[static_cast<std::size_t>(effect.fault->site)].decided_at == Site::tmf_rx;
  }
  if (const auto* error = std::get_if<MediumError>(&effect.action)) {
    if (facts.blocks == 0) return false;
    if (!rule.match.operations.empty()) return true;
    return error->of_writes ? writes_medium(facts) : reads_medium(facts) && !writes_medium(facts);
  }
  if (const auto* silence = std::get_if<Silence>(&effect.action))
    return !silence->data_only ||
           (facts.row != nullptr && facts.row->data != scsi::DataDirection::none);
  if (const auto* patch = std::get_if<Patch>(&effect.action)) return patch_applies(*patch, facts);
  if (const auto* data = std::get_if<DataFault>(&effect.action))
    return data_fault_applies(*data, facts);
  return true;
}

std::vector<Stretch> common_blocks(const Match& match, const Facts& facts) {
  std::vector<Stretch> out;
  if (facts.blocks == 0) return out;
  const Stretch command{facts.lba, facts.last_lba()};
  if (match.lbas.empty()) return {command};
  for (const auto& range : match.lbas) {
    if (range.length == 0) continue;
    const Stretch both{std::max(command.first, range.start), std::min(command.last, range.last())};
    if (both.first <= both.last) out.push_back(both);
  }
  std::ranges::sort(out, {}, &Stretch::first);
  std::size_t kept = 0;
  for (const auto& each : out) {
    if (kept != 0 && each.first <= out[kept - 1].last)
      out[kept - 1].last = std::max(out[kept - 1].last, each.last);
    else
      out[kept++] = each;
  }
  out.resize(kept);
  return out;
}

const MediumError* self_healing(const Rule& rule) {
  for (const auto& effect : rule.effects)
    if (const auto* error = std::get_if<MediumError>(&effect.action);
        error != nullptr && error->heal == MediumError::Heal::after)
      return error;
  return nullptr;
}
bool has_healed(const RuleCounter& counter, const MediumError& error, std::uint64_t lba) {
  const auto found = counter.errors_at.find(lba);
  return found != counter.errors_at.end() && found->second >= error.heal_after;
}

std::optional<Stretch> before_healing(Stretch stretch, const RuleCounter& counter,
                                      const MediumError& error) {
  while (has_healed(counter, error, stretch.first)) {
    if (stretch.first == stretch.last) return std::nullopt;
    ++stretch.first;
  }
  for (const auto& [lba, errors] : counter.errors_at)
    if (errors >= error.heal_after && lba > stretch.first && lba <= stretch.last)
      stretch.last = lba - 1;
  return stretch;
}
std::optional<Stretch> before_rewritten(Stretch stretch, const WriteHistory& writes,
                                        std::uint64_t since) {
  const auto first = writes.first_unwritten(stretch.first, stretch.last, since);
  if (first > stretch.last || first < stretch.first) return std::nullopt;
  if (const auto written = writes.first_written(first, stretch.last, since))
    return Stretch{first, *written - 1};
  return Stretch{first, stretch.last};
}

}  // namespace faultlun::faults
