#include "daemon/name_table.hpp"

namespace faultlun::daemon {

std::uint64_t NameTable::add(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (names_.size() >= kMaxNames) {
    names_.pop_front();
    ++first_;
  }
  names_.emplace_back(name.substr(0, kMaxNameBytes));
  return first_ + names_.size() - 1;
}

std::optional<std::string> NameTable::find(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  if (number < first_ || number - first_ >= names_.size()) return std::nullopt;
  return names_[number - first_];
}

std::optional<std::uint64_t> NameTable::number_of(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = names_.size(); i-- > 0;)
    if (names_[i] == name) return first_ + i;
  return std::nullopt;
}

}  // namespace faultlun::daemon
