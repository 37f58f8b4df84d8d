// When marks were set last: what windows since a mark are measured from.  Safe for all threads.
#pragma once

#include "faults/rule.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace faultlun::daemon {

class MarkTimes {
 public:
  /// Then the one that was set longest ago counts as not set.
  static constexpr std::size_t kMaxMarks = 4096;

  void set(const std::string& name, faults::Time at);
  std::optional<faults::Time> find(const std::string& name) const;
  /// Everything is reset: none is set.
  void clear();

  /// faults::Surroundings::since, with a MarkTimes as its context.
  static std::optional<faults::Time> since(const void* marks, const faults::Window& window);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, faults::Time> times_;
};

}  // namespace faultlun::daemon
