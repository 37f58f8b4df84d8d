#include "daemon/journal_view.hpp"

#include "config/units.hpp"
#include "lun_backends/overlay.hpp"
#include "protocol/bytes/hex.hpp"
#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace faultlun::daemon {
namespace {

using config::Json;
using Kind = JournalEntry::Kind;

constexpr std::string_view kKindNames[] = {
    "command",    "completion",   "decision",      "strike", "function", "response",
    "session_up", "session_down", "login_refused", "rules",  "unit",     "mark",
    "replay_on",  "replay_off",   "event",         "state"};
static_assert(std::size(kKindNames) == JournalEntry::kKinds);

/// RFC 7143 §11.6.1, RFC 7144 §6.
constexpr std::string_view kResponseNames[] = {"function complete",      "task does not exist",
                                               "LUN does not exist",     "task still allegiant",
                                               "failover not supported", "function not supported",
                                               "authorization failed",   "function succeeded"};
constexpr std::uint8_t kRejected = 255;

/// In the order of faults::UnitChange::Kind.
constexpr std::string_view kUnitChanges[] = {"offline",    "online",      "remove",    "add",
                                             "slow_start", "power_cycle", "microcode", "sanitize",
                                             "format",     "eject",       "load",      "predict"};
static_assert(std::size(kUnitChanges) ==
              static_cast<std::size_t>(faults::UnitChange::Kind::predict) + 1);

std::string hexadecimal(std::uint64_t value, int digits) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

/// The word of a table, or the number when it has none.
template <typename Names>
std::string word(const Names& names, std::size_t index) {
  return index < std::size(names) ? std::string(names[index]) : std::to_string(index);
}

std::string operation_text(const scsi::Cdb& cdb) {
  const auto* row = scsi::find_command(cdb);
  return row != nullptr ? std::string(row->name) : hexadecimal(cdb.opcode(), 2);
}

std::string function_text(std::uint8_t function) {
  const auto table = scsi::task_management_table();
  const auto found = std::ranges::find(table, function, &scsi::TaskManagementRow::function);
  return found != table.end() ? std::string(found->name) : hexadecimal(function, 2);
}

void put_task(Json& out, const JournalEntry& entry) {
  out["cmd_sn"] = entry.cmd_sn;
  if ((entry.flags & JournalEntry::immediate) != 0) out["immediate"] = true;
  if (entry.lun != JournalEntry::kNone) out["lun"] = entry.lun;
}

void put_status(Json& out, const JournalEntry& entry) {
  if ((entry.flags & JournalEntry::aborted) != 0) {
    out["aborted"] = true;
    return;
  }
  if ((entry.flags & JournalEntry::silent) != 0) {
    out["silent"] = true;
    return;
  }
  const auto name = scsi::name_of(static_cast<scsi::Status>(entry.status));
  out["status"] = name == "reserved" ? hexadecimal(entry.status, 2) : std::string(name);
  const auto sense = entry.sense();
  if (entry.d == 0) return;
  char text[12];
  std::snprintf(text, sizeof text, "%02X/%02X/%02X", sense.key, sense.asc, sense.ascq);
  out["sense"] = text;
  if (const auto* row = scsi::find_sense(sense)) out["sense_name"] = row->name;
}

void put_command(Json& out, const JournalEntry& entry) {
  const auto cdb = entry.cdb();
  const auto* row = scsi::find_command(cdb);
  out["op"] = operation_text(cdb);
  if (row != nullptr && row->is(scsi::has_range)) {
    const auto range = scsi::range_of(cdb);
    out["lba"] = range.lba;
    out["blocks"] = range.blocks;
  }
  out["cdb"] = bytes::to_hex({cdb.raw.data(), row != nullptr && row->cdb_length <= 16
                                                  ? std::size_t{row->cdb_length}
                                                  : std::size_t{16}});
  out["edtl"] = entry.expected_data_transfer_length();
  out["task_tag"] = hexadecimal(entry.task_tag(), 8);
  if ((entry.flags & JournalEntry::completed) != 0) put_status(out, entry);
}

void put_completion(Json& out, const JournalEntry& entry) {
  out["op"] = operation_text(entry.cdb());
  out["task_tag"] = hexadecimal(entry.task_tag(), 8);
  put_status(out, entry);
  out["took_ns"] = entry.a;
}

void put_decision(Json& out, const JournalEntry& entry) {
  const auto key = static_cast<faults::Key>(entry.status);
  out["outcome"] = faults::name_of(static_cast<faults::Outcome>(entry.code));
  out["key"] = word(faults::kKeyNames, entry.status);
  if (key == faults::Key::lba) out["key_lba"] = entry.b;
  if (key == faults::Key::content || key == faults::Key::attempt)
    out["key_hash"] = hexadecimal(entry.b, 16);
  out["index"] = entry.a;
  if ((entry.flags & JournalEntry::drawn) != 0) out["draw"] = hexadecimal(entry.c, 16);
  if ((entry.flags & JournalEntry::timed) != 0) out["timed"] = true;
  if ((entry.flags & JournalEntry::order_dependent) != 0) out["order_dependent"] = true;
}

void put_strike(Json& out, const JournalEntry& entry) {
  const auto table = faults::fault_table();
  if (entry.fault < table.size()) out["fault"] = table[entry.fault].id;
  if ((entry.flags & JournalEntry::unmet) != 0)
    out["unmet"] = lun_backends::describe(static_cast<lun_backends::Refusal>(entry.code));
  else
    out["effect"] = entry.code;
  out["resolved"] = Json::array({entry.a, entry.b});
}

void put_function(Json& out, const JournalEntry& entry) {
  out["function"] = function_text(entry.code);
  out["task_tag"] = hexadecimal(entry.task_tag(), 8);
  if (entry.kind == Kind::function) {
    out["referenced_task_tag"] = hexadecimal(entry.a, 8);
  } else {
    if ((entry.flags & JournalEntry::silent) != 0)
      out["silent"] = true;
    else
      out["response"] =
          entry.status == kRejected ? "function rejected" : word(kResponseNames, entry.status);
    out["took_ns"] = entry.a;
  }
}

void put_rule(Json& out, const JournalEntry& entry, const JournalNames& names) {
  if (entry.d == 0) return;
  if (auto id = names.rule(entry.d); !id.empty()) out["rule"] = std::move(id);
  out["rule_serial"] = entry.d;
}

void put_name(Json& out, const char* key, const NameTable* table, std::uint64_t number) {
  auto name = table != nullptr ? table->find(number) : std::nullopt;
  out[key] = name ? std::move(*name) : "#" + std::to_string(number);
}

bool names_rule(Kind kind) {
  return kind == Kind::decision || kind == Kind::strike || kind == Kind::unit ||
         kind == Kind::login_refused;
}

}  // namespace

// ---- cursors -----------------------------------------------------------------------------------

std::string cursor_text(const JournalCursor& cursor) {
  std::string text;
  for (const auto number : cursor) {
    if (!text.empty()) text += '.';
    text += std::to_string(number);
  }
  return text;
}

std::optional<JournalCursor> parse_cursor(std::string_view text, const JournalSources& sources) {
  JournalCursor cursor;
  for (std::size_t at = 0; at <= text.size() && cursor.size() <= sources.rings.size();) {
    const auto dot = std::min(text.find('.', at), text.size());
    const auto number = config::parse_decimal(text.substr(at, dot - at));
    if (!number) return std::nullopt;
    cursor.push_back(*number);
    at = dot + 1;
  }
  if (cursor.size() != sources.rings.size()) return std::nullopt;
  for (std::size_t i = 0; i < cursor.size(); ++i)
    if (cursor[i] > sources.rings[i]->head()) return std::nullopt;
  return cursor;
}

JournalCursor oldest_cursor(const JournalSources& sources) {
  return JournalCursor(sources.rings.size(), 0);
}

JournalCursor newest_cursor(const JournalSources& sources) {
  JournalCursor cursor;
  for (const auto* ring : sources.rings)
    cursor.push_back(ring->head());
  return cursor;
}

// ---- merging -----------------------------------------------------------------------------------

JournalReader::JournalReader(std::vector<const Journal*> rings, JournalCursor from)
    : cursor_(std::move(from)) {
  for (std::size_t i = 0; i < rings.size(); ++i)
    rings_.push_back({rings[i], rings[i]->head(), cursor_[i], {}, 0});
}

bool JournalReader::look_again() {
  bool more = false;
  for (auto& ring : rings_) {
    const auto head = ring.journal->head();
    more = more || head != ring.end;
    ring.end = head;
  }
  return more;
}

std::optional<JournalReader::Item> JournalReader::next() {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    auto& ring = rings_[i];
    if (ring.at == ring.entries.size()) {
      if (ring.fetched >= ring.end) continue;
      ring.entries.clear();
      ring.at = 0;
      const auto most = std::min<std::uint64_t>(kAtATime, ring.end - ring.fetched);
      const auto reading =
          ring.journal->read(ring.fetched, static_cast<std::size_t>(most), ring.entries);
      ring.fetched = reading.next;
      if (reading.lost != 0) {
        cursor_[i] += reading.lost;
        return Item{i, reading.lost, {}};
      }
    }
    if (!first || ring.entries[ring.at].at_ns < rings_[*first].entries[rings_[*first].at].at_ns)
      first = i;
  }
  if (!first) return std::nullopt;
  auto& ring = rings_[*first];
  ++cursor_[*first];
  return Item{*first, 0, ring.entries[ring.at++]};
}

// ---- names -------------------------------------------------------------------------------------

std::string_view name_of(JournalEntry::Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<JournalEntry::Kind> find_journal_kind(std::string_view name) {
  const auto* found = std::ranges::find(kKindNames, name);
  if (found == std::end(kKindNames)) return std::nullopt;
  return static_cast<JournalEntry::Kind>(found - kKindNames);
}

const AliasTable::Record& JournalNames::session(std::uint32_t number) {
  if (const auto found = sessions_.find(number); found != sessions_.end()) return found->second;
  if (sessions_.size() >= kMaxRemembered) sessions_.clear();
  auto record = sources_.aliases->find(number);
  if (record.alias.empty()) record.alias = "#" + std::to_string(number);
  return sessions_[number] = std::move(record);
}

std::string JournalNames::rule(std::uint64_t serial) const {
  return sources_.rules->id_of(serial);
}

config::Json to_json(const JournalEntry& entry, JournalNames& names) {
  Json out;
  out["at_ns"] = entry.at_ns;
  out["kind"] = name_of(entry.kind);
  if (entry.session != 0) out["session"] = names.session(entry.session).alias;
  if (names_rule(entry.kind)) put_rule(out, entry, names);
  switch (entry.kind) {
    case Kind::command:
      put_task(out, entry);
      put_command(out, entry);
      break;
    case Kind::completion:
      put_task(out, entry);
      put_completion(out, entry);
      break;
    case Kind::decision:
      put_task(out, entry);
      put_decision(out, entry);
      break;
    case Kind::strike:
      put_task(out, entry);
      put_strike(out, entry);
      break;
    case Kind::function:
    case Kind::response:
      put_task(out, entry);
      put_function(out, entry);
      break;
    case Kind::session_up:
    case Kind::session_down:
      out["target"] = names.session(entry.session).target;
      if ((entry.flags & JournalEntry::orderly) != 0) out["orderly"] = true;
      break;
    case Kind::login_refused:
      put_name(out, "initiator", names.sources().logins, entry.a);
      if ((entry.flags & JournalEntry::silent) != 0)
        out["silent"] = true;
      else
        out["status"] = hexadecimal(entry.b, 4);
      break;
    case Kind::rules:
      out["epoch"] = entry.a;
      if (entry.session != 0) out["cmd_sn"] = entry.cmd_sn;
      break;
    case Kind::unit:
      out["target_index"] = entry.fault;
      out["lun"] = entry.lun;
      out["change"] = entry.code == JournalEntry::kHealed ? "heal" : word(kUnitChanges, entry.code);
      break;
    case Kind::mark:
      put_name(out, "name", names.sources().marks, entry.a);
      break;
    case Kind::event:
      put_name(out, "name", names.sources().lab, entry.a);
      break;
    case Kind::state:
      put_name(out, "scenario", names.sources().lab, entry.a);
      put_name(out, "state", names.sources().lab, entry.b);
      break;
    case Kind::replay_on:
    case Kind::replay_off:
      if (entry.session != 0) out["cmd_sn"] = entry.cmd_sn;
      break;
  }
  return out;
}

// ---- choosing ----------------------------------------------------------------------------------

bool JournalFilter::holds(const JournalEntry& entry, JournalNames& names) const {
  if (entry.at_ns < not_before_ns) return false;
  if (!kinds.empty() && std::ranges::find(kinds, entry.kind) == kinds.end()) return false;
  if (lun && entry.lun != *lun) return false;
  if (!session.empty() &&
      (entry.session == 0 || !faults::glob(session, names.session(entry.session).alias)))
    return false;
  return rule.empty() || (names_rule(entry.kind) && entry.d != 0 && names.rule(entry.d) == rule);
}

std::optional<std::uint64_t> mark_set_at(const JournalSources& sources, std::string_view name) {
  const auto number = sources.marks->number_of(name);
  if (!number || sources.rings.empty()) return std::nullopt;
  std::optional<std::uint64_t> at;
  JournalReader reader({sources.rings.back()}, {0});
  while (const auto item = reader.next())
    if (item->lost == 0 && item->entry.kind == JournalEntry::Kind::mark && item->entry.a == *number)
      at = item->entry.at_ns;
  return at;
}

}  // namespace faultlun::daemon
