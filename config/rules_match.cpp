// `match` of a rule: one row a clause, with its reader and its writer.
#include "config/arguments.hpp"
#include "config/lun_range.hpp"
#include "config/model.hpp"
#include "config/rules_parts.hpp"
#include "config/scsi_names.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::config::parts {

namespace {

using faults::AfterFault;
using faults::LbaMatch;
using faults::MaskedOctets;
using faults::Match;
using faults::NumberRange;
using std::chrono::microseconds;

constexpr std::uint64_t kMostPayloadOffset = UINT32_MAX;

/// The elements of an array, or the value itself.
std::vector<Value> one_or_many(const Value& value) {
  if (!value.is_array()) return {value};
  auto items = value.items(kMaxMatchElements);
  if (items.empty() && value.items(SIZE_MAX).empty())
    value.fail("is empty, so nothing would match; write something or leave the key out");
  return items;
}

template <typename T, typename Read>
void read_all(const Value& value, std::vector<T>& out, Read read) {
  for (const Value& item : one_or_many(value))
    if (auto element = read(item)) out.push_back(std::move(*element));
}

template <typename T, typename Write>
Json write_all(const std::vector<T>& list, Write write) {
  if (list.size() == 1) return write(list.front());
  Json out = Json::array();
  for (const auto& element : list)
    out.push_back(write(element));
  return out;
}

// ---- clauses of one kind -----------------------------------------------------------------------

template <std::vector<std::string> Match::*kMember>
void read_patterns(const Value& value, Match& match, std::size_t) {
  read_all(value, match.*kMember, [](const Value& item) { return item.text(1, kMaxPatternBytes); });
}
template <std::vector<std::string> Match::*kMember>
Json write_patterns(const Match& match) {
  return write_all(match.*kMember, [](const std::string& each) { return Json(each); });
}

template <std::vector<std::uint64_t> Match::*kMember, std::uint64_t kLeast, std::uint64_t kMost>
void read_numbers(const Value& value, Match& match, std::size_t) {
  read_all(value, match.*kMember, [](const Value& item) { return item.number(kLeast, kMost); });
}
template <std::vector<std::uint64_t> Match::*kMember>
Json write_numbers(const Match& match) {
  return write_all(match.*kMember, [](std::uint64_t each) { return Json(each); });
}

template <std::optional<bool> Match::*kMember>
void read_flag(const Value& value, Match& match, std::size_t) {
  match.*kMember = value.boolean();
}
template <std::optional<bool> Match::*kMember>
Json write_flag(const Match& match) {
  return (match.*kMember).value();
}

/// {"min": 1, "max": 3}, or a number that stands for both.
template <std::optional<NumberRange> Match::*kMember, std::uint64_t kLeast>
void read_range(const Value& value, Match& match, std::size_t) {
  if (!value.is_object()) {
    if (const auto number = value.number(kLeast, UINT64_MAX))
      match.*kMember = NumberRange{*number, *number};
    return;
  }
  Object in(value, shape("range"));
  NumberRange range;
  const Value least = in.optional("min"), most = in.optional("max");
  const bool read_least = take(least.number(kLeast, UINT64_MAX), range.least);
  const bool read_most = take(most.number(kLeast, UINT64_MAX), range.most);
  in.finish();
  if (value.members().empty())
    value.fail("is empty; write \"min\", \"max\" or both");
  else if (read_least && read_most && range.least > range.most)
    least.fail("is more than max, so nothing would match; swap them");
  match.*kMember = range;
}
template <std::optional<NumberRange> Match::*kMember>
Json write_range(const Match& match) {
  const NumberRange& range = *(match.*kMember);
  Json out = Json::object();
  if (range.least != 0 || range.most == UINT64_MAX) out["min"] = range.least;
  if (range.most != UINT64_MAX) out["max"] = range.most;
  return out;
}

// ---- single clauses ----------------------------------------------------------------------------

void read_luns(const Value& value, Match& match, std::size_t) {
  std::vector<bool> named(std::size_t{kMaxLun} + 1);
  for (const Value& item : one_or_many(value))
    if (const auto range = read_lun_range(item))
      std::fill(named.begin() + range->first, named.begin() + range->last + 1, true);
  for (std::size_t lun = 0; lun < named.size(); ++lun)
    if (named[lun]) match.luns.push_back(static_cast<std::uint16_t>(lun));
}
Json write_luns(const Match& match) {
  Json out = Json::array();
  const auto& luns = match.luns;
  for (std::size_t i = 0; i < luns.size();) {
    std::size_t end = i + 1;
    while (end < luns.size() && luns[end] == luns[end - 1] + 1)
      ++end;
    if (end - i > 2) {
      out.push_back(std::to_string(luns[i]) + "-" + std::to_string(luns[end - 1]));
    } else {
      for (std::size_t each = i; each < end; ++each)
        out.push_back(luns[each]);
    }
    i = end;
  }
  return out.size() == 1 ? out[0] : out;
}

void read_operations(const Value& value, Match& match, std::size_t) {
  read_all(value, match.operations, read_operation);
}
Json write_operations(const Match& match) {
  return write_all(match.operations,
                   [](const faults::OperationMatch& each) { return Json(each.text); });
}

/// `mask` must be as long as what it masks.
void read_mask(const Value& value, MaskedOctets& octets, std::size_t most) {
  if (!take(value.octets(1, most), octets.mask) || octets.octets.empty()) return;
  if (octets.mask.size() != octets.octets.size())
    value.fail("has " + std::to_string(octets.mask.size()) + " octets and masks " +
               std::to_string(octets.octets.size()) + "; write one for each");
}

std::optional<MaskedOctets> read_cdb(const Value& value) {
  Object in(value, shape("cdb"));
  MaskedOctets out;
  take(in.required("value").octets(1, scsi::kCdbBytes), out.octets);
  read_mask(in.optional("mask"), out, scsi::kCdbBytes);
  const Value length = in.optional("len");
  if (const auto octets = length.number(1, scsi::kCdbBytes); octets && !out.octets.empty()) {
    if (*octets > out.octets.size())
      length.fail("is more than the " + std::to_string(out.octets.size()) +
                  " octets of value; write them all");
    out.octets.resize(std::min<std::size_t>(out.octets.size(), *octets));
    out.mask.resize(std::min<std::size_t>(out.mask.size(), *octets));
  }
  in.finish();
  return out;
}
void read_cdbs(const Value& value, Match& match, std::size_t) {
  read_all(value, match.cdbs, read_cdb);
}
Json write_cdbs(const Match& match) {
  return write_all(match.cdbs, [](const MaskedOctets& each) {
    Json out = {{"value", octets_text(each.octets)}};
    if (!each.mask.empty()) out["mask"] = octets_text(each.mask);
    return out;
  });
}

std::optional<MaskedOctets> read_payload(const Value& value) {
  Object in(value, shape("payload"));
  MaskedOctets out;
  if (const auto offset = in.optional("offset").number(0, kMostPayloadOffset))
    out.offset = static_cast<std::uint32_t>(*offset);
  take(in.required("hex").octets(1, kMaxPayloadOctets), out.octets);
  read_mask(in.optional("mask"), out, kMaxPayloadOctets);
  in.finish();
  return out;
}
void read_payloads(const Value& value, Match& match, std::size_t) {
  read_all(value, match.payloads, read_payload);
}
Json write_payloads(const Match& match) {
  return write_all(match.payloads, [](const MaskedOctets& each) {
    Json out = Json::object();
    if (each.offset != 0) out["offset"] = each.offset;
    out["hex"] = octets_text(each.octets);
    if (!each.mask.empty()) out["mask"] = octets_text(each.mask);
    return out;
  });
}

std::optional<LbaMatch> read_lba(const Value& value) {
  LbaMatch out;
  if (!value.is_object()) {
    take(value.number(0, UINT64_MAX), out.start);
    return out;
  }
  Object in(value, shape("lba"));
  const bool start = take(in.required("start").number(0, UINT64_MAX), out.start);
  const Value length = in.optional("len");
  take(length.number(1, UINT64_MAX), out.length);
  if (const auto mode = in.optional("mode").one_of(kLbaModeNames))
    out.mode = static_cast<LbaMatch::Mode>(*mode);
  in.finish();
  if (start && out.length - 1 > UINT64_MAX - out.start)
    length.fail("reaches beyond block 18446744073709551615; write at most " +
                std::to_string(UINT64_MAX - out.start + 1));
  return out;
}
void read_lbas(const Value& value, Match& match, std::size_t) {
  read_all(value, match.lbas, read_lba);
}
Json write_lbas(const Match& match) {
  return write_all(match.lbas, [](const LbaMatch& each) {
    Json out = {{"start", each.start}, {"len", each.length}};
    if (each.mode != LbaMatch::Mode::overlap)
      out["mode"] = kLbaModeNames[static_cast<std::size_t>(each.mode)];
    return out;
  });
}

void read_control(const Value& value, Match& match, std::size_t) {
  if (const auto bits = value.number(0, 3)) match.control = static_cast<std::uint8_t>(*bits);
}
Json write_control(const Match& match) {
  return *match.control;
}

void read_attributes(const Value& value, Match& match, std::size_t) {
  read_all(value, match.attributes, [](const Value& item) {
    const auto index = item.one_of(kTaskAttributeNames);
    return index ? std::optional(static_cast<scsi::TaskAttribute>(*index)) : std::nullopt;
  });
}
Json write_attributes(const Match& match) {
  return write_all(match.attributes, [](scsi::TaskAttribute each) {
    return Json(kTaskAttributeNames[static_cast<std::size_t>(each)]);
  });
}

void read_functions(const Value& value, Match& match, std::size_t) {
  read_all(value, match.functions, read_task_management_function);
}
Json write_functions(const Match& match) {
  return write_all(match.functions,
                   [](std::uint64_t each) { return Json(task_management_text(each)); });
}

void read_after_fault(const Value& value, Match& match, std::size_t) {
  Object in(value, shape("after_fault"));
  AfterFault after;
  const Value rule = in.required("rule");
  if (take(rule.text(1, kMaxPatternBytes), after.rule))
    if (const std::string reason = check_rule_id(after.rule); !reason.empty()) rule.fail(reason);
  if (const auto within = in.duration("within", microseconds(0), kMostTime)) after.within = *within;
  after.commands = in.optional("commands").number(1, UINT64_MAX);
  in.finish();
  match.after_fault = std::move(after);
}
Json write_after_fault(const Match& match) {
  Json out = {{"rule", match.after_fault->rule}};
  if (match.after_fault->within) out["within"] = time_text(*match.after_fault->within);
  if (match.after_fault->commands) out["commands"] = *match.after_fault->commands;
  return out;
}

void read_not(const Value& value, Match& match, std::size_t depth) {
  if (depth == kMaxNotDepth) {
    value.fail("is the fifth \"not\" within another; four are the most: say it more simply");
    return;
  }
  for (const Value& item : one_or_many(value)) {
    auto inner = std::make_shared<Match>();
    read_match(item, *inner, depth + 1);
    if (item.is_object() && *inner == Match{} && item.members().empty())
      item.fail("is empty and matches everything, so the rule would match nothing; say what not");
    match.none_of.push_back(std::move(inner));
  }
}
Json write_not(const Match& match) {
  return write_all(match.none_of, [](const auto& each) { return match_to_json(*each); });
}

struct Clause {
  std::string_view name;
  void (*read)(const Value&, Match&, std::size_t depth);
  Json (*write)(const Match&);
};

// clang-format off
constexpr Clause kClauses[] = {  // in the order of faults::clause_table()
  {"initiator",   read_patterns<&Match::initiators>,                 write_patterns<&Match::initiators>},
  {"session",     read_patterns<&Match::sessions>,                   write_patterns<&Match::sessions>},
  {"target",      read_patterns<&Match::targets>,                    write_patterns<&Match::targets>},
  {"source",      read_patterns<&Match::sources>,                    write_patterns<&Match::sources>},
  {"portal",      read_numbers<&Match::portals, 0, 255>,             write_numbers<&Match::portals>},
  {"tpg",         read_numbers<&Match::portal_groups, 1, 65535>,     write_numbers<&Match::portal_groups>},
  {"lun",         read_luns,                                         write_luns},
  {"op",          read_operations,                                   write_operations},
  {"sa",          read_numbers<&Match::service_actions, 0, 31>,      write_numbers<&Match::service_actions>},
  {"cdb",         read_cdbs,                                         write_cdbs},
  {"lba",         read_lbas,                                         write_lbas},
  {"blocks",      read_range<&Match::blocks, 0>,                     write_range<&Match::blocks>},
  {"fua",         read_flag<&Match::fua>,                            write_flag<&Match::fua>},
  {"dpo",         read_flag<&Match::dpo>,                            write_flag<&Match::dpo>},
  {"group",       read_numbers<&Match::groups, 0, 31>,               write_numbers<&Match::groups>},
  {"control",     read_control,                                      write_control},
  {"task_attr",   read_attributes,                                   write_attributes},
  {"vpd",         read_numbers<&Match::vpd_pages, 0, 255>,           write_numbers<&Match::vpd_pages>},
  {"mode_page",   read_numbers<&Match::mode_pages, 0, 63>,           write_numbers<&Match::mode_pages>},
  {"outstanding", read_range<&Match::outstanding, 1>,                write_range<&Match::outstanding>},
  {"immediate",   read_flag<&Match::immediate>,                      write_flag<&Match::immediate>},
  {"payload",     read_payloads,                                     write_payloads},
  {"tmf",         read_functions,                                    write_functions},
  {"attempt",     read_range<&Match::attempt, 1>,                    write_range<&Match::attempt>},
  {"after_fault", read_after_fault,                                  write_after_fault},
  {"first_touch", read_flag<&Match::first_touch>,                    write_flag<&Match::first_touch>},
  {"rewrites",    read_range<&Match::rewrites, 0>,                   write_range<&Match::rewrites>},
  {"not",         read_not,                                          write_not},
};
// clang-format on

}  // namespace

void read_match(const Value& value, Match& match, std::size_t depth) {
  Object in(value, shape("match"));
  const auto table = faults::clause_table();
  for (std::size_t i = 0; i < std::size(kClauses); ++i) {
    const Value given = in.optional(kClauses[i].name);
    if (!given.present()) continue;
    // The past and the Data-Out are kept for a rule that asks for them itself.
    if (depth > 0 && (table[i].of_past || kClauses[i].name == "payload"))
      given.fail("cannot be turned around; write what you want beside \"not\", not in it");
    else
      kClauses[i].read(given, match, depth);
  }
  in.finish();
}

Json match_to_json(const Match& match) {
  Json out = Json::object();
  const auto table = faults::clause_table();
  for (std::size_t i = 0; i < std::size(kClauses); ++i)
    if (table[i].given(match)) out[std::string(kClauses[i].name)] = kClauses[i].write(match);
  return out;
}

}  // namespace faultlun::config::parts
