#include "faults/write_history.hpp"

#include <iterator>

namespace faultlun::faults {

void WriteHistory::split(std::uint64_t at) {
  const auto next = stretches_.upper_bound(at);
  if (next == stretches_.begin()) {
    stretches_.emplace(at, State{});
    return;
  }
  const auto before = std::prev(next);
  if (before->first != at) stretches_.emplace_hint(next, at, before->second);
}

void WriteHistory::note_write(std::uint64_t lba, std::uint64_t blocks, std::uint64_t epoch) {
  if (blocks == 0) return;
  const std::uint64_t last = blocks - 1 > UINT64_MAX - lba ? UINT64_MAX : lba + (blocks - 1);
  split(lba);
  if (last != UINT64_MAX) split(last + 1);
  auto at = stretches_.find(lba);
  for (auto each = at; each != stretches_.end() && each->first <= last; ++each) {
    ++each->second.writes;
    each->second.last_epoch = epoch;
  }
  // Neighbours of the same state are one stretch.
  if (at == stretches_.begin()) ++at;
  while (at != stretches_.end() && (at->first <= last || at->first == last + 1))
    at = std::prev(at)->second == at->second ? stretches_.erase(at) : std::next(at);
  while (stretches_.size() > kMaxStretches) {
    const auto victim = stretches_.upper_bound(last);
    stretches_.erase(victim != stretches_.end() ? victim : std::next(stretches_.begin()));
  }
}

WriteHistory::State WriteHistory::at(std::uint64_t lba) const {
  const auto next = stretches_.upper_bound(lba);
  return next == stretches_.begin() ? State{} : std::prev(next)->second;
}

std::optional<std::uint64_t> WriteHistory::first_written(std::uint64_t lba, std::uint64_t last,
                                                         std::uint64_t since) const {
  auto next = stretches_.upper_bound(lba);
  const auto is_written = [&](const State& state) {
    return state.writes != 0 && state.last_epoch >= since;
  };
  if (next != stretches_.begin() && is_written(std::prev(next)->second)) return lba;
  for (; next != stretches_.end() && next->first <= last; ++next)
    if (is_written(next->second)) return next->first;
  return std::nullopt;
}

std::uint64_t WriteHistory::first_unwritten(std::uint64_t lba, std::uint64_t last,
                                            std::uint64_t since) const {
  auto next = stretches_.upper_bound(lba);
  const auto is_written = [&](const State& state) {
    return state.writes != 0 && state.last_epoch >= since;
  };
  if (next == stretches_.begin() || !is_written(std::prev(next)->second)) return lba;
  for (; next != stretches_.end() && next->first <= last; ++next)
    if (!is_written(next->second)) return next->first;
  return last + 1;
}

}  // namespace faultlun::faults
