#include "lun_backends/overlay_history.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::lun_backends {

bool History::keep(const std::string& rule, ByteRange range, std::size_t depth) {
  const std::lock_guard lock(mutex_);
  if (!ranges_.contains(rule) && ranges_.size() >= kMaxRanges) return false;
  ranges_[rule] = {range.offset_bytes, range.offset_bytes + range.length_bytes,
                   std::min(depth, kMaxVersions)};
  prune();
  active_.store(true, std::memory_order_release);
  return true;
}

void History::forget(const std::string& rule) {
  const std::lock_guard lock(mutex_);
  if (ranges_.erase(rule) == 0) return;
  prune();
  active_.store(!ranges_.empty(), std::memory_order_release);
}

void History::clear() {
  const std::lock_guard lock(mutex_);
  ranges_.clear();
  versions_.clear();
  of_block_.clear();
  active_.store(false, std::memory_order_release);
}

std::size_t History::depth_at(std::uint64_t block) const {
  const std::uint64_t begin = block * block_size_, end = begin + block_size_;
  std::size_t depth = 0;
  for (const auto& [rule, range] : ranges_)
    if (range.begin < end && begin < range.end) depth = std::max(depth, range.depth);
  return depth;
}

std::vector<ByteRange> History::to_save(std::uint64_t offset_bytes,
                                        std::uint64_t length_bytes) const {
  std::vector<ByteRange> parts;
  if (empty() || length_bytes == 0) return parts;
  const std::lock_guard lock(mutex_);
  const std::uint64_t limit = offset_bytes + std::min(length_bytes, kMaxBytesPerChange);
  for (std::uint64_t at = offset_bytes / block_size_ * block_size_; at < limit; at += block_size_) {
    if (depth_at(at / block_size_) == 0) continue;
    if (!parts.empty() && parts.back().offset_bytes + parts.back().length_bytes == at)
      parts.back().length_bytes += block_size_;
    else
      parts.push_back({at, block_size_});
  }
  return parts;
}

void History::drop_oldest_of(std::uint64_t block) {
  auto& keys = of_block_.at(block);
  versions_.erase(keys.front());
  keys.pop_front();
  if (keys.empty()) of_block_.erase(block);
}

/// Versions deeper than anyone asks for go.
void History::prune() {
  std::vector<std::uint64_t> blocks;
  for (const auto& [block, keys] : of_block_)
    blocks.push_back(block);
  for (const auto block : blocks)
    for (auto excess = of_block_.at(block).size(), depth = std::min(excess, depth_at(block));
         excess > depth; --excess)
      drop_oldest_of(block);
}

void History::save(std::uint64_t offset_bytes, std::span<const std::uint8_t> octets) {
  const std::lock_guard lock(mutex_);
  for (std::size_t at = 0; at < octets.size(); at += block_size_) {
    const std::uint64_t block = (offset_bytes + at) / block_size_;
    const std::size_t depth = depth_at(block);
    if (depth == 0) continue;  // forgotten meanwhile
    const auto piece = octets.subspan(at, std::min<std::size_t>(block_size_, octets.size() - at));
    const auto key = saved_++;
    versions_.emplace_hint(versions_.end(), key, Version{block, {piece.begin(), piece.end()}});
    of_block_[block].push_back(key);
    if (of_block_[block].size() > depth) drop_oldest_of(block);
    while (versions_.size() * block_size_ > max_bytes_)
      drop_oldest_of(versions_.begin()->second.block);
  }
}

std::vector<Patch> History::version(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                                    std::size_t versions_ago) const {
  std::vector<Patch> patches;
  if (empty() || versions_ago == 0 || length_bytes == 0) return patches;
  const std::lock_guard lock(mutex_);
  // There are no more blocks than that to be found.
  const std::uint64_t length = std::min(length_bytes, kMaxBytes);
  const std::uint64_t end = (offset_bytes + length - 1) / block_size_ + 1;
  for (std::uint64_t block = offset_bytes / block_size_; block < end; ++block) {
    const auto keys = of_block_.find(block);
    if (keys == of_block_.end() || keys->second.size() < versions_ago) continue;
    const auto& octets =
        versions_.at(*(keys->second.end() - static_cast<std::ptrdiff_t>(versions_ago))).octets;
    if (patches.empty() || patches.back().end_bytes() != block * block_size_)
      patches.push_back({block * block_size_, 0, {}, {}});
    auto& patch = patches.back();
    patch.flip.insert(patch.flip.end(), octets.begin(), octets.end());
    patch.length_bytes += octets.size();
  }
  return patches;
}

std::uint64_t History::bytes() const {
  const std::lock_guard lock(mutex_);
  return versions_.size() * block_size_;
}

}  // namespace faultlun::lun_backends
