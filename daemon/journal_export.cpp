#include "daemon/journal_export.hpp"

#include "config/units.hpp"
#include "lun_backends/overlay.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::daemon {
namespace {

using config::Json;
using Kind = JournalEntry::Kind;

/// The CDB without the zeros at its end.
std::string short_hex(const scsi::Cdb& cdb) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::size_t length = 16;
  while (length > 1 && cdb[length - 1] == 0)
    --length;
  std::string out;
  for (std::size_t i = 0; i < length; ++i) {
    out += kDigits[cdb[i] >> 4];
    out += kDigits[cdb[i] & 15];
  }
  return out;
}

Json start_of(const JournalEntry& entry) {
  Json line = {{"s", entry.session}, {"sn", entry.cmd_sn}};
  if ((entry.flags & JournalEntry::immediate) != 0) line["imm"] = true;
  return line;
}

std::string text_of(const Json& line) {
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

JournalExport::JournalExport(const JournalSources& sources, JournalCursor from, std::uint64_t seed,
                             std::string session, RuleToJson rule_to_json)
    : names_(sources),
      reader_(sources.rings, std::move(from)),
      session_(std::move(session)),
      rule_to_json_(std::move(rule_to_json)) {
  lines_.push_back(text_of(Json{{"faultlun_journal", 1}, {"seed", config::seed_text(seed)}}));
}

std::optional<std::string> JournalExport::next() {
  if (lines_.empty()) {
    const auto item = reader_.next();
    if (!item) return std::nullopt;
    tell(*item);
    if (lines_.empty()) return "";
  }
  auto line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

bool JournalExport::wants(std::uint32_t session) {
  return session != 0 &&
         (session_.empty() || faults::glob(session_, names_.session(session).alias));
}

void JournalExport::tell_session(std::uint32_t session, std::size_t ring, bool whole) {
  if (!ring_of_.emplace(session, ring).second) return;
  const auto& record = names_.session(session);
  Json line = {{"session", session}, {"alias", record.alias}, {"target", record.target}};
  if (whole) line["whole"] = true;
  lines_.push_back(text_of(line));
}

void JournalExport::tell_rule(std::uint64_t serial) {
  if (!rules_.insert(serial).second) return;
  // A rule that was forgotten has no line: the reader says which one is missing.
  if (const auto rule = names_.sources().rules->find(serial))
    lines_.push_back(text_of(Json{{"serial", serial}, {"rule", rule_to_json_(*rule)}}));
}

void JournalExport::tell_loss(const JournalReader::Item& item) {
  Json sessions = Json::array();
  for (const auto& [session, ring] : ring_of_)
    if (ring == item.ring) sessions.push_back(session);
  if (sessions.empty()) return;  // others that were there begin without `whole`
  lines_.push_back(text_of(Json{{"lost", item.lost}, {"sessions", std::move(sessions)}}));
}

void JournalExport::tell(const JournalReader::Item& item) {
  if (item.lost != 0) return tell_loss(item);
  const auto& entry = item.entry;
  if (!wants(entry.session)) return;
  Json line = start_of(entry);
  switch (entry.kind) {
    case Kind::session_up:
      return tell_session(entry.session, item.ring, true);
    case Kind::session_down:
      ring_of_.erase(entry.session);
      return;
    case Kind::command:
      if (entry.lun != JournalEntry::kNone) line["lun"] = entry.lun;
      line["cdb"] = short_hex(entry.cdb());
      break;
    case Kind::function:
      if (entry.lun != JournalEntry::kNone) line["lun"] = entry.lun;
      line["tmf"] = entry.code;
      break;
    case Kind::decision:
      if (static_cast<faults::Outcome>(entry.code) != faults::Outcome::fired) return;
      tell_rule(entry.d);
      line["fired"] = entry.d;
      line["key"] = faults::kKeyNames[entry.status];
      line["of"] = entry.b;
      line["index"] = entry.a;
      if ((entry.flags & JournalEntry::drawn) != 0) line["draw"] = entry.c;
      break;
    case Kind::strike:
      if ((entry.flags & JournalEntry::unmet) != 0) {
        line["unmet"] = entry.d;
        line["why"] = lun_backends::describe(static_cast<lun_backends::Refusal>(entry.code));
        break;
      }
      line["strike"] = entry.d;
      line["effect"] = entry.code;
      line["resolved"] = Json::array({entry.a, entry.b});
      break;
    default:
      return;
  }
  tell_session(entry.session, item.ring, false);
  lines_.push_back(text_of(line));
}

}  // namespace faultlun::daemon
