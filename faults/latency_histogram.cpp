// Log-linear buckets: the power of two and the next four bits of a duration are its bucket.
#include "faults/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace faultlun::faults {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint32_t kFull = std::numeric_limits<std::uint32_t>::max();

std::uint32_t add_saturating(std::uint32_t a, std::uint32_t b) {
  return b > kFull - a ? kFull : a + b;
}

}  // namespace

std::size_t LatencyHistogram::bucket_of(nanoseconds duration) {
  if (duration.count() < std::int64_t{1} << kFirstPower) return 0;
  if (duration.count() >= std::int64_t{1} << kLastPower) return kBuckets - 1;
  const auto count = static_cast<std::uint64_t>(duration.count());
  const auto power = static_cast<std::size_t>(std::bit_width(count)) - 1;
  const std::size_t top = count >> (power - kSubBucketBits);  // 16 to 31
  const std::size_t sub_bucket = top - (std::size_t{1} << kSubBucketBits);
  return 1 + ((power - kFirstPower) << kSubBucketBits) + sub_bucket;
}

nanoseconds LatencyHistogram::bucket_end(std::size_t index) {
  if (index >= kBuckets - 1) return nanoseconds::max();
  const std::size_t power = kFirstPower + (index >> kSubBucketBits);  // of the next bucket's start
  const std::size_t sub_bucket = index & ((std::size_t{1} << kSubBucketBits) - 1);
  const std::size_t top = (std::size_t{1} << kSubBucketBits) + sub_bucket;
  return nanoseconds(static_cast<std::int64_t>(top << (power - kSubBucketBits)));
}

void LatencyHistogram::add(nanoseconds duration) {
  if (duration.count() < 0) {
    ++early_;
    duration = nanoseconds(0);
  }
  ++count_;
  sum_ += duration;
  max_ = std::max(max_, duration);
  std::uint32_t& bucket = buckets_[bucket_of(duration)];
  bucket = add_saturating(bucket, 1);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  count_ += other.count_;
  early_ += other.early_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  for (std::size_t i = 0; i < kBuckets; ++i) {
    buckets_[i] = add_saturating(buckets_[i], other.buckets_[i]);
  }
}

nanoseconds LatencyHistogram::percentile(std::uint32_t permille) const {
  std::uint64_t total = 0;
  for (const std::uint32_t bucket : buckets_)
    total += bucket;
  if (total == 0) return nanoseconds(0);
  // The smallest rank that has this part of all at or below it; total < 2^42.
  const std::uint64_t part = std::min<std::uint32_t>(permille, 1000);
  const std::uint64_t rank = std::max<std::uint64_t>((total * part + 999) / 1000, 1);
  std::uint64_t seen = 0;
  std::size_t index = 0;
  while ((seen += buckets_[index]) < rank)
    ++index;
  return std::min(bucket_end(index), max_);
}

}  // namespace faultlun::faults
