// Older versions of blocks, for reads that come back stale.  Ordinary writes and discards in the
// ranges kept save what was there before.  Thread-safe.
//
// Bounded: a version more than the depth asked for, or more than the bytes allowed, makes the
// oldest go.
#pragma once

#include "lun_backends/overlay_patch.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace faultlun::lun_backends {

struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

class History {
 public:
  static constexpr std::size_t kMaxRanges = 64;
  static constexpr std::size_t kMaxVersions = 64;  ///< of one block
  static constexpr std::uint64_t kMaxBytes = 64u << 20;
  /// What one operation saves at most: the beginning of its range.
  static constexpr std::uint64_t kMaxBytesPerChange = 16u << 20;

  explicit History(std::uint32_t block_size, std::uint64_t max_bytes = kMaxBytes)
      : block_size_(block_size), max_bytes_(max_bytes) {}

  /// In place of what `rule` kept before.  False when there are too many ranges.
  bool keep(const std::string& rule, ByteRange range, std::size_t depth);
  void forget(const std::string& rule);
  void clear();

  bool empty() const { return !active_.load(std::memory_order_acquire); }

  /// The whole blocks of the range that are to be remembered before they change, in order.
  std::vector<ByteRange> to_save(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;

  /// These whole blocks are about to change.
  void save(std::uint64_t offset_bytes, std::span<const std::uint8_t> octets);

  /// What the blocks of the range held `versions_ago` writes ago (1: before the last), ready to be
  /// shown.  Blocks of which that is not known are left out.
  std::vector<Patch> version(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                             std::size_t versions_ago) const;

  std::uint64_t bytes() const;

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::size_t depth = 0;
  };
  struct Version {
    std::uint64_t block = 0;
    std::vector<std::uint8_t> octets;
  };

  std::size_t depth_at(std::uint64_t block) const;
  void drop_oldest_of(std::uint64_t block);
  void prune();

  const std::uint32_t block_size_;
  const std::uint64_t max_bytes_;
  std::atomic<bool> active_{false};
  mutable std::mutex mutex_;
  std::map<std::string, Range> ranges_;
  std::map<std::uint64_t, Version> versions_;  ///< by age, the oldest first
  std::unordered_map<std::uint64_t, std::deque<std::uint64_t>> of_block_;  ///< keys of versions_
  std::uint64_t saved_ = 0;
};

}  // namespace faultlun::lun_backends
