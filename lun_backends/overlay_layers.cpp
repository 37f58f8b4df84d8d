#include "lun_backends/overlay_layers.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace faultlun::lun_backends {
namespace {

void apply_stack(std::span<const LayerPtr> stack, std::uint64_t offset_bytes,
                 std::span<std::uint8_t> octets) {
  // What lies under the topmost opaque layer cannot be seen.
  auto from = stack.size();
  while (from > 0 && !stack[--from]->patch.is_opaque()) {
  }
  for (const auto& layer : stack.subspan(from))
    apply(layer->patch, offset_bytes, octets);
}

void apply_part(std::uint64_t begin, std::uint64_t end, std::span<const LayerPtr> stack,
                std::uint64_t offset_bytes, std::span<std::uint8_t> octets) {
  const std::uint64_t from = std::max(begin, offset_bytes);
  const std::uint64_t to = std::min(end, offset_bytes + octets.size());
  if (from < to) apply_stack(stack, from, octets.subspan(from - offset_bytes, to - from));
}

}  // namespace

Layers::Map::const_iterator Layers::first_over(std::uint64_t offset_bytes) const {
  auto run = runs_.upper_bound(offset_bytes);
  if (run != runs_.begin() && std::prev(run)->second.end > offset_bytes) --run;
  return run;
}

Layers::Map::iterator Layers::first_over(std::uint64_t offset_bytes) {
  auto run = runs_.upper_bound(offset_bytes);
  if (run != runs_.begin() && std::prev(run)->second.end > offset_bytes) --run;
  return run;
}

bool Layers::touches(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
  const auto run = first_over(offset_bytes);
  return length_bytes != 0 && run != runs_.end() && run->first < offset_bytes + length_bytes;
}

bool Layers::can_heal(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
  const std::uint64_t end = offset_bytes + length_bytes;
  if (length_bytes == 0) return false;
  for (auto run = first_over(offset_bytes); run != runs_.end() && run->first < end; ++run)
    if (!std::ranges::all_of(run->second.stack, &Layer::sticky, &LayerPtr::operator*)) return true;
  return false;
}

std::optional<NoRoom> Layers::room_for(const Patch& patch) const {
  std::size_t needed = 0;
  std::uint64_t covered = patch.offset_bytes;
  for (auto run = first_over(covered); run != runs_.end() && run->first < patch.end_bytes();
       ++run) {
    const std::size_t depth = run->second.stack.size();
    if (depth >= kMaxDepth) return NoRoom::too_deep;
    if (run->first > covered) ++needed;                        // the gap before it
    if (run->first < patch.offset_bytes) needed += depth;      // cut at the beginning
    if (run->second.end > patch.end_bytes()) needed += depth;  // cut at the end
    ++needed;
    covered = run->second.end;
  }
  if (covered < patch.end_bytes()) ++needed;
  if (needed > max_pieces_ - std::min(pieces_, max_pieces_)) return NoRoom::too_many_pieces;
  return std::nullopt;
}

std::optional<NoRoom> Layers::add(const LayerPtr& layer) {
  const std::uint64_t begin = layer->patch.offset_bytes, end = layer->patch.end_bytes();
  assert(begin < end);
  if (const auto no_room = room_for(layer->patch)) return no_room;
  split_at(begin);
  split_at(end);
  auto run = runs_.lower_bound(begin);
  for (std::uint64_t at = begin; at < end; at = run->second.end, ++run) {
    if (run == runs_.end() || run->first > at) {
      const std::uint64_t stop = run == runs_.end() ? end : std::min(end, run->first);
      run = runs_.emplace_hint(run, at, Body{stop, {}});
    }
    run->second.stack.push_back(layer);
    ++layer->pieces;
    ++pieces_;
  }
  layer->shown_bytes = end - begin;
  return std::nullopt;
}

bool Layers::may_split(const Map::iterator& run) const {
  return pieces_ + run->second.stack.size() <= max_pieces_;
}

/// Cuts `run` in two at `at`, which lies inside; the answer is the second half.
Layers::Map::iterator Layers::split(Map::iterator run, std::uint64_t at) {
  Body rest{run->second.end, run->second.stack};
  for (const auto& layer : rest.stack)
    ++layer->pieces;
  pieces_ += rest.stack.size();
  run->second.end = at;
  return runs_.emplace_hint(std::next(run), at, std::move(rest));
}

void Layers::split_at(std::uint64_t at) {
  const auto run = first_over(at);
  if (run != runs_.end() && run->first < at) split(run, at);
}

/// The books of one piece that goes; the caller takes it off the stack.
void Layers::drop(const Map::iterator& run, const LayerPtr& layer) {
  layer->shown_bytes -= run->second.end - run->first;
  --layer->pieces;
  --pieces_;
}

Layers::Gone Layers::heal(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                          std::uint64_t before_order) {
  Gone gone;
  const std::uint64_t end = offset_bytes + length_bytes;
  const auto heals = [&](const LayerPtr& layer) {
    return !layer->sticky && layer->order < before_order;
  };
  if (length_bytes == 0) return gone;
  for (auto run = first_over(offset_bytes); run != runs_.end() && run->first < end;) {
    if (!std::ranges::any_of(run->second.stack, heals)) {
      ++run;
      continue;
    }
    if (run->first < offset_bytes && may_split(run)) run = split(run, offset_bytes);
    if (run->second.end > end && may_split(run)) split(run, end);
    std::erase_if(run->second.stack, [&](const LayerPtr& layer) {
      if (!heals(layer)) return false;
      drop(run, layer);
      if (layer->pieces == 0) gone.push_back(layer);
      return true;
    });
    run = run->second.stack.empty() ? runs_.erase(run) : std::next(run);
  }
  merge(offset_bytes, end);
  return gone;
}

void Layers::remove(const LayerPtr& layer) {
  const std::uint64_t begin = layer->patch.offset_bytes, end = layer->patch.end_bytes();
  for (auto run = first_over(begin); run != runs_.end() && run->first < end;) {
    const auto erased = std::erase_if(run->second.stack, [&](const LayerPtr& there) {
      if (there != layer) return false;
      drop(run, layer);
      return true;
    });
    run = erased != 0 && run->second.stack.empty() ? runs_.erase(run) : std::next(run);
  }
  merge(begin, end);
}

/// Joins neighbours that are alike, from the run before `begin` to the one after `end`.
void Layers::merge(std::uint64_t begin, std::uint64_t end) {
  auto run = runs_.lower_bound(begin);
  if (run != runs_.begin()) --run;
  while (run != runs_.end() && run->first <= end) {
    const auto next = std::next(run);
    if (next == runs_.end()) return;
    if (run->second.end != next->first || run->second.stack != next->second.stack) {
      run = next;
      continue;
    }
    for (const auto& layer : next->second.stack)
      --layer->pieces;
    pieces_ -= next->second.stack.size();
    run->second.end = next->second.end;
    runs_.erase(next);
  }
}

void Layers::apply(std::uint64_t offset_bytes, std::span<std::uint8_t> octets) const {
  const std::uint64_t end = offset_bytes + octets.size();
  for (auto run = first_over(offset_bytes); run != runs_.end() && run->first < end; ++run)
    apply_part(run->first, run->second.end, run->second.stack, offset_bytes, octets);
}

std::uint64_t Layers::first_byte_of(const Layer& layer) const {
  const auto is_it = [&](const LayerPtr& there) { return there.get() == &layer; };
  for (auto run = first_over(layer.patch.offset_bytes);
       run != runs_.end() && run->first < layer.patch.end_bytes(); ++run)
    if (std::ranges::any_of(run->second.stack, is_it)) return run->first;
  return layer.patch.end_bytes();
}

std::vector<Layers::Run> Layers::runs_in(std::uint64_t offset_bytes,
                                         std::uint64_t length_bytes) const {
  std::vector<Run> runs;
  if (length_bytes == 0) return runs;
  for (auto run = first_over(offset_bytes);
       run != runs_.end() && run->first < offset_bytes + length_bytes; ++run)
    runs.push_back({run->first, run->second.end, run->second.stack});
  return runs;
}

void Layers::apply(std::span<const Run> runs, std::uint64_t offset_bytes,
                   std::span<std::uint8_t> octets) {
  for (const auto& run : runs)
    apply_part(run.begin, run.end, run.stack, offset_bytes, octets);
}

}  // namespace faultlun::lun_backends
