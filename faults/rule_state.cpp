#include "faults/rule_state.hpp"

namespace faultlun::faults {

Attempts::Try Attempts::begin(std::uint64_t content) {
  const auto [at, fresh] = entries_.try_emplace(content);
  Entry& entry = at->second;
  if (fresh) {
    order_.push_back(content);
    if (order_.size() > kMaxTracked) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
  } else if (entry.failed) {
    ++entry.last.attempt;
  } else {
    ++entry.last.fresh;
    entry.last.attempt = 1;
  }
  entry.failed = false;
  return entry.last;
}

Attempts::Try Attempts::look(std::uint64_t content) const {
  const auto found = entries_.find(content);
  return found == entries_.end() ? Try{} : found->second.last;
}

void Attempts::failed(std::uint64_t content) {
  const auto found = entries_.find(content);
  if (found != entries_.end()) found->second.failed = true;
}

void RuleState::adopt(const RuleSet& rules) {
  counters_.assign(rules.rules().size(), nullptr);
  std::erase_if(by_serial_, [&](const auto& entry) { return !rules.has_serial(entry.first); });
  epoch_ = rules.epoch();
}

const RuleCounter* RuleState::find(std::uint64_t serial) const {
  const auto found = by_serial_.find(serial);
  return found == by_serial_.end() ? nullptr : &found->second;
}

}  // namespace faultlun::faults
