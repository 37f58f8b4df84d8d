// How late (or early) delays came out: a histogram of durations that takes no more memory however
// many it has seen.  Sixteen buckets for each power of two nanoseconds, so that a percentile is at
// most 1/16 too high; below about 1 us and above about 1 h one bucket each.
// A plain value, written by one thread; others get a copy, and merge().
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace faultlun::faults {

class LatencyHistogram {
 public:
  static constexpr int kSubBucketBits = 4;
  static constexpr int kFirstPower = 10;  ///< 2^10 ns: what is less is in bucket 0
  static constexpr int kLastPower = 42;   ///< 2^42 ns, 73 min: what is not less is in the last
  static constexpr std::size_t kBuckets =
      2 + (std::size_t{kLastPower - kFirstPower} << kSubBucketBits);

  /// A negative duration counts as 0, and as early.
  void add(std::chrono::nanoseconds duration);
  void merge(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t early() const { return early_; }
  /// Of all durations, those that were early as 0.
  std::chrono::nanoseconds sum() const { return sum_; }
  /// The longest there was, exact.
  std::chrono::nanoseconds max() const { return max_; }

  /// The end of the bucket that has the duration of this rank, at most max().  1000: the longest.
  /// 0 when empty.
  std::chrono::nanoseconds percentile(std::uint32_t permille) const;

  /// How many durations were in a bucket; it stops counting at 2^32 - 1.
  std::uint32_t bucket(std::size_t index) const { return buckets_[index]; }
  /// The durations of a bucket are less than this; the last has no end.
  static std::chrono::nanoseconds bucket_end(std::size_t index);
  static std::size_t bucket_of(std::chrono::nanoseconds duration);

  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t early_ = 0;
  std::chrono::nanoseconds sum_{0};
  std::chrono::nanoseconds max_{0};
  std::array<std::uint32_t, kBuckets> buckets_{};
};
static_assert(sizeof(LatencyHistogram) <= 2088, "one for each rule: about 2 KB");

}  // namespace faultlun::faults
