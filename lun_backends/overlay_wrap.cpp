#include "lun_backends/overlay_wrap.hpp"

namespace faultlun::lun_backends {

WrapMap::Map::const_iterator WrapMap::first_over(std::uint64_t cell) const {
  auto run = runs_.upper_bound(cell);
  if (run != runs_.begin() && std::prev(run)->second.end > cell) --run;
  return run;
}

void WrapMap::note(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  // Of what goes around several times, the last round stays.
  const std::uint64_t end = offset_bytes + length_bytes;
  for (std::uint64_t at = end - std::min(length_bytes, capacity_); at < end;) {
    const std::uint64_t cell = at % capacity_;
    const std::uint64_t length = std::min(end - at, capacity_ - cell);
    put(cell, cell + length, at - cell);
    at += length;
  }
}

void WrapMap::carve(std::uint64_t begin, std::uint64_t end) {
  auto run = runs_.lower_bound(begin);
  if (run != runs_.begin() && std::prev(run)->second.end > begin) {
    const auto before = std::prev(run);
    if (before->second.end > end)
      run = runs_.emplace_hint(run, end, Run{before->second.end, before->second.base});
    before->second.end = begin;
  }
  while (run != runs_.end() && run->first < end) {
    if (run->second.end > end)
      runs_.emplace_hint(std::next(run), end, Run{run->second.end, run->second.base});
    run = runs_.erase(run);
  }
}

void WrapMap::put(std::uint64_t begin, std::uint64_t end, std::uint64_t base) {
  carve(begin, end);
  auto run = runs_.emplace(begin, Run{end, base}).first;
  if (const auto next = std::next(run);
      next != runs_.end() && next->first == end && next->second.base == base) {
    run->second.end = next->second.end;
    runs_.erase(next);
  }
  if (run != runs_.begin()) {
    const auto before = std::prev(run);
    if (before->second.end == begin && before->second.base == base) {
      before->second.end = run->second.end;
      runs_.erase(run);
      run = before;
    }
  }
  while (runs_.size() > max_runs_)
    run = forget_one_near(run);
}

/// Forgets the shortest of `run` and its neighbours; answers one of those that stay.
WrapMap::Map::iterator WrapMap::forget_one_near(Map::iterator run) {
  const auto length = [](const Map::iterator& of) { return of->second.end - of->first; };
  auto shortest = run;
  if (run != runs_.begin() && length(std::prev(run)) < length(shortest)) shortest = std::prev(run);
  if (const auto next = std::next(run); next != runs_.end() && length(next) < length(shortest))
    shortest = next;
  if (shortest != run) {
    runs_.erase(shortest);
    return run;
  }
  run = runs_.erase(run);
  return run == runs_.end() && !runs_.empty() ? std::prev(run) : run;
}

bool WrapMap::redirects(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
  bool elsewhere = false;
  for_each_source(offset_bytes, length_bytes, [&](std::uint64_t from, std::uint64_t length) {
    elsewhere = elsewhere || from != offset_bytes;
    offset_bytes += length;
  });
  return elsewhere;
}

}  // namespace faultlun::lun_backends
