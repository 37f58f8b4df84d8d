// What the book of rules tells without changing: listings, leases, and when its next deadline is.
#include "daemon/rule_book.hpp"

#include <algorithm>

namespace faultlun::daemon {

std::optional<RuleStatus> RuleBook::get(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& source : sources_)
    for (const auto& held : source.rules)
      if (held.rule->id == id) return status_of(source, held);
  return std::nullopt;
}

std::vector<RuleStatus> RuleBook::list(const RuleFilter& filter) const {
  const std::lock_guard lock(mutex_);
  std::vector<RuleStatus> out;
  for (const auto& source : sources_) {
    if (filter.source && source.name != *filter.source) continue;
    for (const auto& held : source.rules) {
      const auto& life = held.rule->life;
      if (filter.owner && life.owner != *filter.owner) continue;
      if (filter.tag && std::ranges::find(life.tags, *filter.tag) == life.tags.end()) continue;
      out.push_back(status_of(source, held));
    }
  }
  return out;
}

RuleStatus RuleBook::status_of(const Source& source, const Held& held) {
  const auto& lifetime = *held.lifetime;
  const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  RuleStatus status;
  status.rule = held.rule;
  status.source = source.name;
  status.revision = held.revision;
  status.serial = lifetime.serial;
  status.exhausted = held.exhausted;
  status.matched = read(lifetime.matched);
  status.fired = read(lifetime.fired);
  status.suppressed = read(lifetime.suppressed);
  status.observed = read(lifetime.observed);
  status.active = read(lifetime.active);
  status.lifetime = held.lifetime;
  status.installed_at = held.installed_at;
  status.armed_at = held.armed_at;
  status.expires_at = held.expires_at;
  return status;
}

std::shared_ptr<const faults::RuleSet> RuleBook::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

std::vector<LeaseStatus> RuleBook::leases() const {
  const std::lock_guard lock(mutex_);
  std::vector<LeaseStatus> out;
  for (const auto& lease : leases_) {
    LeaseStatus status{lease.name, lease.expires_at, 0};
    for (const auto& source : sources_)
      status.rules += static_cast<std::size_t>(std::ranges::count_if(
          source.rules, [&](const Held& held) { return held.rule->life.lease == lease.name; }));
    out.push_back(std::move(status));
  }
  return out;
}

void RuleBook::set_on_sooner(std::function<void()> on_sooner) {
  const std::lock_guard lock(mutex_);
  on_sooner_ = std::move(on_sooner);
}

/// With the lock: whom to call without it, when there is a deadline before the one last told.  Who
/// was called asks next_deadline() at the one that he knows.
std::function<void()> RuleBook::if_sooner() {
  const auto first = first_deadline();
  const bool sooner = first && (!told_deadline_ || *first < *told_deadline_);
  told_deadline_ = first;
  return sooner ? on_sooner_ : nullptr;
}

std::optional<TimePoint> RuleBook::next_deadline() const {
  const std::lock_guard lock(mutex_);
  return first_deadline();
}

std::optional<TimePoint> RuleBook::first_deadline() const {
  std::optional<TimePoint> first;
  const auto take = [&](TimePoint at) { first = first ? std::min(*first, at) : at; };
  for (const auto& lease : leases_)
    take(lease.expires_at);
  for (const auto& source : sources_)
    for (const auto& held : source.rules)
      if (held.expires_at) take(*held.expires_at);
  return first;
}

}  // namespace faultlun::daemon
