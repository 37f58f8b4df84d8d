#include "daemon/journal_observer.hpp"

#include "faults/facts.hpp"
#include "protocol/scsi/commands.hpp"

#include <utility>
#include <variant>

namespace faultlun::daemon {
namespace {

using Kind = JournalEntry::Kind;
using faults::DataFault;
using faults::OperationClass;

faults::Time time_of(const JournalEntry& entry) {
  return faults::Time(static_cast<std::int64_t>(entry.at_ns));
}

bool has(const JournalEntry& entry, JournalEntry::Flag flag) {
  return (entry.flags & flag) != 0;
}

DamageWatch::Command command_of(const JournalEntry& entry) {
  return {entry.session, entry.cmd_sn, has(entry, JournalEntry::immediate)};
}

faults::CommandEnded end_of(const JournalEntry& entry, faults::Time took) {
  using How = faults::CommandEnded::How;
  const auto cdb = entry.cdb();
  faults::CommandEnded out;
  out.session = entry.session;
  out.tag = entry.task_tag();
  out.how = has(entry, JournalEntry::aborted)  ? How::aborted
            : has(entry, JournalEntry::silent) ? How::silent
                                               : How::answered;
  out.status = static_cast<scsi::Status>(entry.status);
  out.took = took;
  out.operation = faults::class_of(cdb, scsi::find_command(cdb));
  return out;
}

/// `was_read`: it struck a read.
bool leaves_overlay(const DataFault& fault, bool was_read) {
  using Is = DataFault::Kind;
  switch (fault.kind) {
    case Is::flip:
    case Is::set_bytes:
    case Is::swap:
    case Is::zero:
    case Is::stale:
    case Is::pattern:
      return fault.lasting != DataFault::Lasting::transient;
    case Is::misdirect:
      return !was_read;
    case Is::lost_write:
    case Is::torn:
    case Is::dup_write:
    case Is::unmap_lie:
    case Is::wrap:
      return true;
    case Is::flush_lie:
    case Is::fua_lie:
    case Is::caw_not_atomic:
    case Is::wire_flip:
      break;
  }
  return false;
}

}  // namespace

// ---- damage ------------------------------------------------------------------------------------

bool DamageWatch::struck(const std::string& rule, const Command& by) {
  if (under_way_.size() == kMaxUnderWay) return false;
  under_way_.emplace(by, rule);
  ++rules_[rule];
  return true;
}

void DamageWatch::ended(const Command& command) {
  const auto [first, last] = under_way_.equal_range(command);
  for (auto each = first; each != last; ++each)
    --rules_[each->second];
  under_way_.erase(first, last);
}

void DamageWatch::session_ended(std::uint32_t session) {
  auto each = under_way_.lower_bound({session, 0, false});
  while (each != under_way_.end() && std::get<0>(each->first) == session) {
    --rules_[each->second];
    each = under_way_.erase(each);
  }
}

bool DamageWatch::has_candidates() const {
  for (const auto& [rule, under_way] : rules_)
    if (under_way == 0) return true;
  return false;
}

std::vector<std::string> DamageWatch::take_healed(const std::set<std::string>& laid) {
  std::vector<std::string> healed;
  for (auto each = rules_.begin(); each != rules_.end();) {
    if (each->second != 0 || laid.contains(each->first)) {
      ++each;
      continue;
    }
    healed.push_back(each->first);
    each = rules_.erase(each);
  }
  return healed;
}

// ---- entries -----------------------------------------------------------------------------------

JournalObserver::JournalObserver(const JournalSources& sources, Media media)
    : sources_(sources),
      names_(sources),
      media_(std::move(media)),
      reader_(sources.rings, newest_cursor(sources)),
      last_commands_(sources.rings.size()) {}

void JournalObserver::skip() {
  reader_ = JournalReader(sources_.rings, newest_cursor(sources_));
  damage_ = {};
  overlays_.reset();
}

void JournalObserver::read(bool commands, faults::Time now, const Tell& tell) {
  reader_.look_again();
  faults::Time at{};  // of the entry before: where a gap is
  while (const auto item = reader_.next()) {
    if (item->lost != 0) {
      tell(faults::EntriesLost{item->lost}, at);
      continue;
    }
    at = time_of(item->entry);
    if (item->entry.kind == Kind::command) last_commands_[item->ring] = item->entry;
    read_entry(*item, commands, tell);
  }
  look_for_healed(now, tell);
}

/// The alias of a session is "initiator,ISID,ordinal".
std::string JournalObserver::initiator_of(std::uint32_t session) {
  std::string name = names_.session(session).alias;
  for (int parts = 0; parts < 2; ++parts)
    if (const auto comma = name.rfind(','); comma != std::string::npos) name.resize(comma);
  return name;
}

void JournalObserver::read_entry(const JournalReader::Item& item, bool commands, const Tell& tell) {
  using faults::Outcome;
  const auto& entry = item.entry;
  const auto at = time_of(entry);
  switch (entry.kind) {
    case Kind::command:
      if (commands) read_command(entry, tell);
      break;
    case Kind::completion:
      if (damage_.waits_for_commands()) {
        damage_.ended(command_of(entry));
        overlays_.reset();
      }
      if (commands) tell(end_of(entry, faults::Time(static_cast<std::int64_t>(entry.a))), at);
      break;
    case Kind::decision: {
      const auto outcome = static_cast<Outcome>(entry.code);
      if (outcome == Outcome::fired || outcome == Outcome::observed)
        tell(faults::RuleFired{names_.rule(entry.d), entry.session}, at);
      break;
    }
    case Kind::strike:
      read_strike(item, tell);
      break;
    case Kind::function:
      tell(faults::FunctionSent{entry.session, entry.code}, at);
      break;
    case Kind::session_up:
      tell(faults::SessionUp{entry.session, initiator_of(entry.session)}, at);
      break;
    case Kind::session_down:
      damage_.session_ended(entry.session);
      overlays_.reset();
      tell(faults::SessionDown{entry.session, has(entry, JournalEntry::orderly)}, at);
      break;
    case Kind::login_refused: {
      const auto name = sources_.logins != nullptr ? sources_.logins->find(entry.a) : std::nullopt;
      tell(faults::LoginRefused{name.value_or("#" + std::to_string(entry.a))}, at);
      break;
    }
    case Kind::response:
    case Kind::rules:
    case Kind::unit:
    case Kind::mark:
    case Kind::replay_on:
    case Kind::replay_off:
    case Kind::event:
    case Kind::state:
      break;
  }
}

void JournalObserver::read_command(const JournalEntry& entry, const Tell& tell) {
  const auto cdb = entry.cdb();
  const auto* row = scsi::find_command(cdb);
  faults::CommandBegan began;
  began.session = entry.session;
  began.tag = entry.task_tag();
  began.lun = entry.lun;
  began.operation = faults::class_of(cdb, row);
  if (row != nullptr && row->is(scsi::has_range)) {
    const auto range = scsi::range_of(cdb);
    began.lba = range.lba;
    began.blocks = range.blocks;
  }
  tell(began, time_of(entry));
  if (has(entry, JournalEntry::completed)) tell(end_of(entry, {}), time_of(entry));
}

void JournalObserver::read_strike(const JournalReader::Item& item, const Tell& tell) {
  const auto& entry = item.entry;
  if (has(entry, JournalEntry::unmet)) return;
  const auto rule = sources_.rules->find(entry.d);
  if (!rule || entry.code >= rule->effects.size()) return;
  const auto& effect = rule->effects[entry.code];
  const auto* fault = std::get_if<DataFault>(&effect.action);
  if (fault == nullptr) return;
  // A command stands right before its decisions; those about its data come later, and are of a
  // write.
  const auto cdb = last_commands_[item.ring].cdb();
  const bool was_read = command_of(last_commands_[item.ring]) == command_of(entry) &&
                        faults::class_of(cdb, scsi::find_command(cdb)) == OperationClass::read;
  faults::DataStruck struck;
  struck.fault = effect.fault != nullptr ? std::string(effect.fault->id) : std::string();
  struck.rule = rule->id;
  if (leaves_overlay(*fault, was_read) && damage_.struck(rule->id, command_of(entry)))
    struck.poison = rule->id;
  tell(struck, time_of(entry));
}

void JournalObserver::look_for_healed(faults::Time now, const Tell& tell) {
  if (!damage_.has_candidates()) return;
  const auto count = media_.count();
  if (overlays_ == count) return;
  overlays_ = count;
  for (auto& rule : damage_.take_healed(media_.laid()))
    tell(faults::DataHealed{std::move(rule)}, now);
}

}  // namespace faultlun::daemon
