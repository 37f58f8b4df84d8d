#include "daemon/aliases.hpp"

#include "faults/siphash.hpp"

#include <algorithm>
#include <tuple>

namespace faultlun::daemon {

std::uint32_t AliasTable::enter(faults::SessionFacts& session) {
  const std::lock_guard lock(mutex_);
  if (logins_.size() >= kMaxPorts) logins_.clear();
  session.ordinal = ++logins_[session.initiator + '\n' + session.isid + '\n' + session.target];
  if (names_.size() >= kMaxRecords) names_.erase(names_.begin());
  living_[next_number_] = session.initiator;
  names_[next_number_] = {session.alias(), session.target, 0, {}};
  return next_number_++;
}

AliasTable::Record AliasTable::find(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(number);
  return found == names_.end() ? Record{} : found->second;
}

void AliasTable::leave(const faults::SessionFacts& session, const faults::RuleState& state,
                       std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  living_.erase(number);
  if (records_.size() >= kMaxRecords) records_.pop_front();
  records_.push_back({session.alias(), session.target, state.commands, state.hash});
}

std::map<std::uint32_t, std::string> AliasTable::living() const {
  const std::lock_guard lock(mutex_);
  return living_;
}

std::vector<AliasTable::Record> AliasTable::records() const {
  const std::lock_guard lock(mutex_);
  return {records_.begin(), records_.end()};
}

void AliasTable::clear() {
  const std::lock_guard lock(mutex_);
  logins_.clear();
  records_.clear();
}

faults::DecisionHash combined(std::vector<AliasTable::Record> records) {
  std::ranges::sort(records, [](const auto& a, const auto& b) {
    return std::tie(a.target, a.alias, a.hash.value, a.hash.count) <
           std::tie(b.target, b.alias, b.hash.value, b.hash.count);
  });
  faults::DecisionHash all;
  for (const auto& record : records) {
    if (record.hash.count == 0) continue;  // a session that no rule looked at
    all.add(faults::siphash_2_4(0, 0, record.alias));
    all.add(faults::siphash_2_4(0, 0, record.target));
    all.add(record.hash.value);
    all.count += record.hash.count;
  }
  return all;
}

}  // namespace faultlun::daemon
