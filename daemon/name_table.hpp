// Numbers for names, so that an entry of the journal can hold one: marks, refused initiators.
// Bounded: the oldest names are forgotten.  Safe for all threads.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::daemon {

class NameTable {
 public:
  static constexpr std::size_t kMaxNames = 4096;
  static constexpr std::size_t kMaxNameBytes = 512;  ///< then it is cut

  /// A number of its own, also for a name that was there before.
  std::uint64_t add(std::string_view name);
  /// Nothing when it was forgotten, or never given.
  std::optional<std::string> find(std::uint64_t number) const;
  /// The youngest number of a name.
  std::optional<std::uint64_t> number_of(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t first_ = 1;  ///< number of names_.front()
  std::deque<std::string> names_;
};

}  // namespace faultlun::daemon
