#include "daemon/rule_names.hpp"

#include <utility>

namespace faultlun::daemon {

void RuleNames::publish(const faults::RuleSet& rules) {
  std::map<std::uint64_t, std::shared_ptr<const faults::InstalledRule>> next;
  for (const auto& each : rules.rules())
    next.emplace(each->lifetime->serial, each);
  const std::lock_guard lock(mutex_);
  for (const auto& [serial, each] : current_) {
    if (next.contains(serial)) continue;
    gone_[serial] = std::make_shared<const faults::Rule>(each->rule);
    if (gone_.size() > kMaxGone) gone_.erase(gone_.begin());
  }
  current_ = std::move(next);
}

std::shared_ptr<const faults::Rule> RuleNames::find(std::uint64_t serial) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = current_.find(serial); found != current_.end())
    return {found->second, &found->second->rule};
  const auto found = gone_.find(serial);
  return found == gone_.end() ? nullptr : found->second;
}

std::string RuleNames::id_of(std::uint64_t serial) const {
  const auto rule = find(serial);
  return rule != nullptr ? rule->id : std::string();
}

std::size_t RuleNames::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_.size();
}

}  // namespace faultlun::daemon
