#include "tests/sim/sim_story.hpp"

#include <algorithm>
#include <string_view>

namespace faultlun::sim {

using daemon::JournalEntry;

bool Story::Struck::is(std::string_view family) const {
  return fault < faults::fault_table().size() &&
         faults::fault_table()[fault].id.starts_with(family);
}

bool Story::Tale::struck_by(std::string_view family) const {
  return std::ranges::any_of(strikes, [&](const auto& each) { return each.is(family); });
}

const Story::Tale* Story::of(std::uint32_t task_tag) {
  catch_up();
  const auto found = tales_.find(task_tag);
  return found == tales_.end() ? nullptr : &found->second;
}

bool Story::displaced(std::uint16_t lun) {
  catch_up();
  return displaced_.contains(lun);
}

void Story::healed() {
  catch_up();
  displaced_.clear();
}

void Story::catch_up() {
  while (next_ != journal_.head()) {
    entries_.clear();
    const auto reading = journal_.read(next_, 4096, entries_);
    lost_ += reading.lost;
    next_ = reading.next;
    for (const auto& entry : entries_)
      read(entry);
  }
}

void Story::read(const JournalEntry& entry) {
  using Kind = JournalEntry::Kind;
  const Key key{entry.session, entry.cmd_sn, (entry.flags & JournalEntry::immediate) != 0};
  switch (entry.kind) {
    case Kind::command:
    case Kind::function:
      tags_[key] = entry.task_tag();
      tales_[entry.task_tag()] = {};
      if ((entry.flags & JournalEntry::completed) == 0) return;
      [[fallthrough]];
    case Kind::completion: {
      auto& tale = tales_[entry.task_tag()];
      tale.ended = true;
      tale.status = entry.status;
      tale.aborted = (entry.flags & JournalEntry::aborted) != 0;
      return;
    }
    case Kind::strike: {
      auto& tale = tales_[tags_[key]];
      for (const auto* each : {"data.swap", "data.misdirect", "data.dup_write", "data.wrap"})
        if (Struck{entry.fault, entry.d, entry.code}.is(each)) displaced_.insert(entry.lun);
      if ((entry.flags & JournalEntry::unmet) != 0)
        tale.unmet = true;
      else
        tale.strikes.push_back({entry.fault, entry.d, entry.code});
      return;
    }
    default:
      return;
  }
}

}  // namespace faultlun::sim
