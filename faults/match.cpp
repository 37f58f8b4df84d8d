#include "faults/match.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {
namespace {

constexpr std::uint8_t kFua = 0x08, kDpo = 0x10, kGroupMask = 0x1f, kControlVendorShift = 6;

bool any_glob(const std::vector<std::string>& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const auto& each) { return glob(each, text); });
}

template <typename T>
bool has(const std::vector<T>& list, T value) {
  return std::ranges::find(list, value) != list.end();
}

bool is_command(const Facts& facts) {
  return facts.cdb != nullptr;
}

/// READ and WRITE (6, 10, 12, 16) and their kin have FUA and DPO in octet 1, except the 6-byte
/// ones.
bool has_access_bits(const Facts& facts) {
  if (!is_command(facts) || facts.row == nullptr || facts.row->cdb_length < 10) return false;
  return (facts.row->usage[1] & (kFua | kDpo)) != 0;
}

std::uint8_t group_number(const Facts& facts) {
  switch (facts.row != nullptr ? facts.row->cdb_length : 0) {
    case 10:
      return (*facts.cdb)[6] & kGroupMask;
    case 12:
      return (*facts.cdb)[10] & kGroupMask;
    case 16:
      return (*facts.cdb)[14] & kGroupMask;
    default:
      return 0;
  }
}

bool operation_holds(const OperationMatch& operation, const Facts& facts) {
  using Kind = OperationMatch::Kind;
  if (!is_command(facts))
    return operation.kind == Kind::any || operation.kind == Kind::task_management;
  switch (operation.kind) {
    case Kind::any:
      return true;
    case Kind::opcode:
      return facts.cdb->opcode() == operation.opcode;
    case Kind::command:
      return facts.row == operation.row;
    case Kind::operation_class:
      return class_of(*facts.cdb, facts.row) == operation.operation;
    case Kind::task_management:
      break;
  }
  return false;
}

bool lba_holds(const LbaMatch& range, const Facts& facts) {
  if (facts.blocks == 0 || range.length == 0) return false;
  const auto last = facts.last_lba(), range_last = range.last();
  switch (range.mode) {
    case LbaMatch::Mode::overlap:
      return facts.lba <= range_last && last >= range.start;
    case LbaMatch::Mode::contains:
      return facts.lba <= range.start && last >= range_last;
    case LbaMatch::Mode::within:
      return facts.lba >= range.start && last <= range_last;
    case LbaMatch::Mode::starts:
      return facts.lba >= range.start && facts.lba <= range_last;
  }
  return false;
}

/// PAGE CODE of INQUIRY with EVPD, or of MODE SENSE.
std::optional<std::uint64_t> vpd_page(const Facts& facts) {
  if (!is_command(facts) || facts.cdb->opcode() != 0x12 || ((*facts.cdb)[1] & 0x01) == 0)
    return std::nullopt;
  return (*facts.cdb)[2];
}
std::optional<std::uint64_t> mode_page(const Facts& facts) {
  if (!is_command(facts) || (facts.cdb->opcode() != 0x1a && facts.cdb->opcode() != 0x5a))
    return std::nullopt;
  return (*facts.cdb)[2] & 0x3f;
}

// clang-format off
constexpr ClauseRow kClauses[] = {
  {"initiator",   [](const Match& m) { return !m.initiators.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return any_glob(m.initiators, f.session->initiator); }, true, false},
  {"session",     [](const Match& m) { return !m.sessions.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return any_glob(m.sessions, f.session->alias()); }, true, false},
  {"target",      [](const Match& m) { return !m.targets.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return any_glob(m.targets, f.session->target); }, true, false},
  {"source",      [](const Match& m) { return !m.sources.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return any_glob(m.sources, f.session->source); }, true, false},
  {"portal",      [](const Match& m) { return !m.portals.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return has<std::uint64_t>(m.portals, f.session->portal); }, true, false},
  {"tpg",         [](const Match& m) { return !m.portal_groups.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return has<std::uint64_t>(m.portal_groups, f.session->portal_group_tag); }, true, false},
  {"lun",         [](const Match& m) { return !m.luns.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return f.has_lun && has(m.luns, f.lun); }, false, false},
  {"op",          [](const Match& m) { return !m.operations.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return std::ranges::any_of(m.operations, [&](const auto& each) { return operation_holds(each, f); }); }, false, false},
  {"sa",          [](const Match& m) { return !m.service_actions.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && has<std::uint64_t>(m.service_actions, (*f.cdb)[1] & 0x1f); }, false, false},
  {"cdb",         [](const Match& m) { return !m.cdbs.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && std::ranges::any_of(m.cdbs, [&](const auto& each) { return each.found_in({f.cdb->raw.data(), f.cdb->length}); }); }, false, false},
  {"lba",         [](const Match& m) { return !m.lbas.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return std::ranges::any_of(m.lbas, [&](const auto& each) { return lba_holds(each, f); }); }, false, false},
  {"blocks",      [](const Match& m) { return m.blocks.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && m.blocks->has(f.blocks); }, false, false},
  {"fua",         [](const Match& m) { return m.fua.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return has_access_bits(f) && (((*f.cdb)[1] & kFua) != 0) == *m.fua; }, false, false},
  {"dpo",         [](const Match& m) { return m.dpo.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return has_access_bits(f) && (((*f.cdb)[1] & kDpo) != 0) == *m.dpo; }, false, false},
  {"group",       [](const Match& m) { return !m.groups.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && has<std::uint64_t>(m.groups, group_number(f)); }, false, false},
  {"control",     [](const Match& m) { return m.control.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && f.row != nullptr && (*f.cdb)[f.row->cdb_length - 1U] >> kControlVendorShift == *m.control; }, false, false},
  {"task_attr",   [](const Match& m) { return !m.attributes.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return is_command(f) && has(m.attributes, f.attribute); }, false, false},
  {"vpd",         [](const Match& m) { return !m.vpd_pages.empty(); },
   [](const Match& m, const Facts& f, const Past&) { const auto page = vpd_page(f); return page && has(m.vpd_pages, *page); }, false, false},
  {"mode_page",   [](const Match& m) { return !m.mode_pages.empty(); },
   [](const Match& m, const Facts& f, const Past&) { const auto page = mode_page(f); return page && has(m.mode_pages, *page); }, false, false},
  {"outstanding", [](const Match& m) { return m.outstanding.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return m.outstanding->has(f.outstanding); }, false, false},
  {"immediate",   [](const Match& m) { return m.immediate.has_value(); },
   [](const Match& m, const Facts& f, const Past&) { return f.immediate == *m.immediate; }, false, false},
  {"payload",     [](const Match& m) { return !m.payloads.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return f.payload_known && std::ranges::any_of(m.payloads, [&](const auto& each) { return each.found_in(f.payload); }); }, false, false},
  {"tmf",         [](const Match& m) { return !m.functions.empty(); },
   [](const Match& m, const Facts& f, const Past&) { return f.site == Site::tmf_rx && has<std::uint64_t>(m.functions, f.function); }, false, false},
  {"attempt",     [](const Match& m) { return m.attempt.has_value(); },
   [](const Match& m, const Facts& f, const Past& p) { return is_command(f) && m.attempt->has(p.attempt); }, false, true},
  {"after_fault", [](const Match& m) { return m.after_fault.has_value(); },
   [](const Match& m, const Facts&, const Past& p) {
     if (!p.since_fault) return false;
     if (m.after_fault->within && *p.since_fault > *m.after_fault->within) return false;
     return !m.after_fault->commands || *p.commands_since_fault <= *m.after_fault->commands; }, false, true},
  {"first_touch", [](const Match& m) { return m.first_touch.has_value(); },
   [](const Match& m, const Facts& f, const Past& p) { return f.blocks != 0 && p.touched != *m.first_touch; }, false, true},
  {"rewrites",    [](const Match& m) { return m.rewrites.has_value(); },
   [](const Match& m, const Facts& f, const Past& p) { return f.blocks != 0 && m.rewrites->has(p.rewrites); }, false, true},
  {"not",         [](const Match& m) { return !m.none_of.empty(); },
   [](const Match& m, const Facts& f, const Past& p) { return std::ranges::none_of(m.none_of, [&](const auto& each) { return matches(*each, f, p); }); }, false, false},
};
// clang-format on

}  // namespace

bool MaskedOctets::found_in(std::span<const std::uint8_t> data) const {
  if (offset > data.size() || octets.size() > data.size() - offset) return false;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::uint8_t bits = i < mask.size() ? mask[i] : 0xff;
    if (((data[offset + i] ^ octets[i]) & bits) != 0) return false;
  }
  return true;
}

bool operator==(const Match& a, const Match& b) {
  const auto same_match = [](const auto& x, const auto& y) { return *x == *y; };
  return a.initiators == b.initiators && a.sessions == b.sessions && a.targets == b.targets &&
         a.sources == b.sources && a.portals == b.portals && a.portal_groups == b.portal_groups &&
         a.luns == b.luns && a.operations == b.operations &&
         a.service_actions == b.service_actions && a.cdbs == b.cdbs && a.lbas == b.lbas &&
         a.blocks == b.blocks && a.fua == b.fua && a.dpo == b.dpo && a.groups == b.groups &&
         a.control == b.control && a.attributes == b.attributes && a.vpd_pages == b.vpd_pages &&
         a.mode_pages == b.mode_pages && a.outstanding == b.outstanding &&
         a.immediate == b.immediate && a.payloads == b.payloads && a.functions == b.functions &&
         a.attempt == b.attempt && a.after_fault == b.after_fault &&
         a.first_touch == b.first_touch && a.rewrites == b.rewrites &&
         std::ranges::equal(a.none_of, b.none_of, same_match);
}

bool glob(std::string_view pattern, std::string_view text) {
  // The last star is tried again one character further on; earlier ones need no second thought.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++, resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1, t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

const AfterFault* after_fault_of(const Match& match) {
  if (match.after_fault) return &*match.after_fault;
  for (const auto& each : match.none_of)
    if (const auto* found = after_fault_of(*each)) return found;
  return nullptr;
}

std::span<const ClauseRow> clause_table() {
  return kClauses;
}

bool matches(const Match& match, const Facts& facts, const Past& past) {
  return std::ranges::all_of(kClauses, [&](const ClauseRow& row) {
    return !row.given(match) || row.holds(match, facts, past);
  });
}

std::vector<std::string_view> why_not(const Match& match, const Facts& facts, const Past& past) {
  std::vector<std::string_view> names;
  for (const ClauseRow& row : kClauses)
    if (row.given(match) && !row.holds(match, facts, past)) names.push_back(row.name);
  return names;
}

}  // namespace faultlun::faults
