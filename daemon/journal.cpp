#include "daemon/journal.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

namespace faultlun::daemon {
namespace {

static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

std::uint64_t nanoseconds(faults::Time time) {
  return static_cast<std::uint64_t>(time.count());
}

}  // namespace

// ---- entries -----------------------------------------------------------------------------------

JournalEntry JournalEntry::completion(std::uint8_t with, scsi::SenseCode code_of_sense,
                                      faults::Time now, std::uint8_t flag) const {
  JournalEntry entry = *this;
  entry.kind = Kind::completion;
  entry.flags |= flag;
  entry.status = with;
  entry.d = number_of(code_of_sense);
  entry.at_ns = std::max(nanoseconds(now), at_ns);
  entry.a = entry.at_ns - at_ns;
  return entry;
}

JournalEntry JournalEntry::function(const Command& about, std::uint8_t function,
                                    std::uint32_t referenced_task_tag, faults::Time at) {
  JournalEntry entry = of_task(Kind::function, about, at);
  entry.code = function;
  entry.a = referenced_task_tag;
  return entry;
}

JournalEntry JournalEntry::response(std::uint8_t response, faults::Time now,
                                    std::uint8_t flag) const {
  JournalEntry entry = *this;
  entry.kind = Kind::response;
  entry.flags |= flag;
  entry.status = response;
  entry.at_ns = std::max(nanoseconds(now), at_ns);
  entry.a = entry.at_ns - at_ns;
  return entry;
}

JournalEntry JournalEntry::session_up(std::uint32_t session, faults::Time at) {
  JournalEntry entry = plain(Kind::session_up, at);
  entry.session = session;
  return entry;
}

JournalEntry JournalEntry::session_down(std::uint32_t session, faults::Time at, bool in_order) {
  JournalEntry entry = plain(Kind::session_down, at);
  entry.flags = in_order ? orderly : 0;
  entry.session = session;
  return entry;
}

JournalEntry JournalEntry::login_refused(std::uint64_t name, std::uint16_t class_and_detail,
                                         std::uint64_t rule, faults::Time at, std::uint8_t flag) {
  JournalEntry entry = plain(Kind::login_refused, at);
  entry.flags = flag;
  entry.a = name;
  entry.b = class_and_detail;
  entry.d = rule;
  return entry;
}

JournalEntry JournalEntry::rules_published(std::uint64_t epoch, faults::Time at) {
  JournalEntry entry = plain(Kind::rules, at);
  entry.a = epoch;
  return entry;
}

JournalEntry JournalEntry::rules_adopted(std::uint32_t session, std::uint32_t cmd_sn,
                                         std::uint64_t epoch, faults::Time at) {
  JournalEntry entry = rules_published(epoch, at);
  entry.session = session;
  entry.cmd_sn = cmd_sn;
  return entry;
}

JournalEntry JournalEntry::unit_change(std::uint16_t target, std::uint16_t lun,
                                       faults::UnitChange::Kind change, std::uint64_t rule,
                                       faults::Time at) {
  JournalEntry entry = plain(Kind::unit, at);
  entry.code = static_cast<std::uint8_t>(change);
  entry.lun = lun;
  entry.fault = target;
  entry.d = rule;
  return entry;
}

JournalEntry JournalEntry::unit_healed(std::uint16_t target, std::uint16_t lun, faults::Time at) {
  JournalEntry entry = unit_change(target, lun, {}, 0, at);
  entry.code = kHealed;
  return entry;
}

JournalEntry JournalEntry::mark(std::uint64_t name, faults::Time at) {
  JournalEntry entry = plain(Kind::mark, at);
  entry.a = name;
  return entry;
}

JournalEntry JournalEntry::event(std::uint64_t name, faults::Time at) {
  JournalEntry entry = plain(Kind::event, at);
  entry.a = name;
  return entry;
}

JournalEntry JournalEntry::scenario_state(std::uint64_t scenario, std::uint64_t state,
                                          faults::Time at) {
  JournalEntry entry = plain(Kind::state, at);
  entry.a = scenario;
  entry.b = state;
  return entry;
}

JournalEntry JournalEntry::replay(bool on, faults::Time at) {
  return plain(on ? Kind::replay_on : Kind::replay_off, at);
}

JournalEntry JournalEntry::replay_adopted(bool on, std::uint32_t session, std::uint32_t cmd_sn,
                                          faults::Time at) {
  JournalEntry entry = replay(on, at);
  entry.session = session;
  entry.cmd_sn = cmd_sn;
  return entry;
}

scsi::Cdb JournalEntry::cdb() const {
  scsi::Cdb cdb;
  const auto put = [&](std::size_t at, std::size_t octets, std::uint64_t value) {
    for (std::size_t i = 0; i < octets; ++i)
      cdb.raw[at + i] = static_cast<std::uint8_t>(value >> 8 * (octets - 1 - i));
  };
  put(0, 1, code);
  put(1, 1, c >> 16 & 0xff);
  put(2, 8, a);
  put(10, 4, b >> 32);
  put(14, 2, c & 0xffff);
  return cdb;
}

scsi::SenseCode JournalEntry::sense() const {
  scsi::SenseCode code_of_sense;
  code_of_sense.key = static_cast<std::uint8_t>(d >> 16);
  code_of_sense.asc = static_cast<std::uint8_t>(d >> 8);
  code_of_sense.ascq = static_cast<std::uint8_t>(d);
  return code_of_sense;
}

// ---- the ring ----------------------------------------------------------------------------------

Journal::Journal(std::size_t entries)
    : mask_(entries - 1), slots_(static_cast<Words*>(std::calloc(entries, sizeof(Words)))) {
  assert(std::has_single_bit(entries));
  if (!slots_) throw std::bad_alloc();
}

/// What add() took apart.
JournalEntry Journal::entry_of(const Words& words) {
  JournalEntry entry;
  entry.kind = static_cast<JournalEntry::Kind>(words[0] & 0xff);
  entry.flags = static_cast<std::uint8_t>(words[0] >> 8);
  entry.code = static_cast<std::uint8_t>(words[0] >> 16);
  entry.status = static_cast<std::uint8_t>(words[0] >> 24);
  entry.lun = static_cast<std::uint16_t>(words[0] >> 32);
  entry.fault = static_cast<std::uint16_t>(words[0] >> 48);
  entry.session = static_cast<std::uint32_t>(words[1]);
  entry.cmd_sn = static_cast<std::uint32_t>(words[1] >> 32);
  entry.at_ns = words[2];
  entry.a = words[3];
  entry.b = words[4];
  entry.c = words[5];
  entry.d = words[6];
  return entry;
}

Journal::Reading Journal::read(std::uint64_t from, std::size_t most,
                               std::vector<JournalEntry>& out) const {
  const auto end = head_.load(std::memory_order_acquire);
  Reading reading{0, std::min(from, end)};
  const auto& next = reading.next;
  for (std::size_t count = 0; next < end && count < most;) {
    Words words;
    Words& slot = slots_[next & mask_];
    for (std::size_t i = 0; i < kWords; ++i)
      words[i] = std::atomic_ref(slot[i]).load(std::memory_order_relaxed);
    // Whoever wrote one of these words over the entry had seen the head that far: so do we now.
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto head = head_.load(std::memory_order_relaxed);
    const auto oldest = head > mask_ ? head - mask_ : 0;
    if (next < oldest) {
      if (count != 0) break;  // the gap comes before what is read next
      reading.lost += std::min(oldest, end) - next;
      reading.next = std::min(oldest, end);
      continue;
    }
    out.push_back(entry_of(words));
    ++reading.next;
    ++count;
  }
  return reading;
}

void add_decision(Journal& journal, const faults::Decision& decision, const JournalEntry& about) {
  const auto table = faults::fault_table();
  for (std::uint32_t i = 0; i < decision.verdicts.size(); ++i) {
    const auto& verdict = decision.verdicts[i];
    JournalEntry entry = about;
    entry.kind = JournalEntry::Kind::decision;
    entry.code = static_cast<std::uint8_t>(verdict.outcome);
    entry.status = static_cast<std::uint8_t>(verdict.key);
    entry.flags = static_cast<std::uint8_t>(
        (about.flags & JournalEntry::immediate) | (verdict.drawn ? JournalEntry::drawn : 0) |
        (verdict.rule->timed ? JournalEntry::timed : 0) |
        (verdict.rule->order_dependent ? JournalEntry::order_dependent : 0));
    entry.a = verdict.index;
    entry.b = verdict.key_number;
    entry.c = verdict.draw;
    entry.d = verdict.rule->lifetime->serial;
    journal.add(entry);
    for (const auto& strike : decision.strikes) {
      if (strike.verdict != i) continue;
      JournalEntry effect = entry;
      effect.kind = JournalEntry::Kind::strike;
      effect.code = static_cast<std::uint8_t>(strike.effect - verdict.rule->rule.effects.data());
      // Effects of rows that are in no table, as tests have them, are told without a name.
      const auto place = static_cast<std::size_t>(strike.effect->fault - table.data());
      effect.fault = strike.effect->fault != nullptr && place < table.size()
                         ? static_cast<std::uint16_t>(place)
                         : JournalEntry::kNone;
      effect.a = strike.resolved[0];
      effect.b = strike.resolved[1];
      journal.add(effect);
    }
  }
}

}  // namespace faultlun::daemon
