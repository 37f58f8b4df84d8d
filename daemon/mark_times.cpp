#include "daemon/mark_times.hpp"

#include <algorithm>

namespace faultlun::daemon {

void MarkTimes::set(const std::string& name, faults::Time at) {
  const std::lock_guard lock(mutex_);
  if (times_.size() == kMaxMarks && !times_.contains(name))
    times_.erase(
        std::ranges::min_element(times_, {}, [](const auto& each) { return each.second; }));
  times_[name] = at;
}

std::optional<faults::Time> MarkTimes::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = times_.find(name);
  return found == times_.end() ? std::nullopt : std::optional(found->second);
}

void MarkTimes::clear() {
  const std::lock_guard lock(mutex_);
  times_.clear();
}

std::optional<faults::Time> MarkTimes::since(const void* marks, const faults::Window& window) {
  if (window.since != faults::Window::Since::mark) return std::nullopt;
  return static_cast<const MarkTimes*>(marks)->find(window.mark);
}

}  // namespace faultlun::daemon
