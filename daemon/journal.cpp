#include "daemon/journal.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace faultlun::daemon {

static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

Journal::Journal() : slots_(static_cast<Words*>(std::calloc(kEntries, sizeof(Words)))) {
  if (!slots_) throw std::bad_alloc();
}

void Journal::add(const JournalEntry& entry) {
  const auto words = std::bit_cast<Words>(entry);
  const auto number = head_.load(std::memory_order_relaxed);
  Words& slot = slots_[number % kEntries];
  // A reader that sees any of these words must see the head as it is now, or later.
  std::atomic_thread_fence(std::memory_order_release);
  for (std::size_t i = 0; i < kWords; ++i)
    std::atomic_ref(slot[i]).store(words[i], std::memory_order_relaxed);
  head_.store(number + 1, std::memory_order_release);
}

std::uint64_t Journal::read(std::uint64_t from, std::size_t most, std::vector<JournalEntry>& out,
                            std::uint64_t& next) const {
  const auto end = head_.load(std::memory_order_acquire);
  // The slot of entry `end` is being written: what it held before is not to be trusted.
  const auto oldest = end >= kEntries ? end - kEntries + 1 : 0;
  const auto begin = std::clamp(from, std::min(oldest, end), end);
  std::uint64_t lost = begin - std::min(from, begin);
  next = begin;
  for (; next < end && out.size() < most; ++next) {
    Words words;
    Words& slot = slots_[next % kEntries];
    for (std::size_t i = 0; i < kWords; ++i)
      words[i] = std::atomic_ref(slot[i]).load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (next + kEntries <= head_.load(std::memory_order_relaxed)) {
      lost += 1;
      continue;
    }
    out.push_back(std::bit_cast<JournalEntry>(words));
  }
  return lost;
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
      effect.fault = static_cast<std::uint16_t>(strike.effect->fault - table.data());
      effect.a = strike.resolved[0];
      effect.b = strike.resolved[1];
      journal.add(effect);
    }
  }
}

}  // namespace faultlun::daemon
