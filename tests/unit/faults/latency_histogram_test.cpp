#include "faults/latency_histogram.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::latency_histogram_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST_CASE("an empty histogram has no percentile") {
  const LatencyHistogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.max() == 0ns);
  CHECK(histogram.percentile(500) == 0ns);
}

TEST_CASE("each bucket begins where the one before ends, from 1 us to 1 h, 1/16 of a power wide") {
  CHECK(LatencyHistogram::bucket_of(0ns) == 0);
  CHECK(LatencyHistogram::bucket_of(1023ns) == 0);
  CHECK(LatencyHistogram::bucket_of(1024ns) == 1);
  CHECK(LatencyHistogram::bucket_end(0) == 1024ns);
  for (std::size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    const nanoseconds end = LatencyHistogram::bucket_end(i);
    CHECK(LatencyHistogram::bucket_of(end - 1ns) == i);
    CHECK(LatencyHistogram::bucket_of(end) == i + 1);
    if (i > 0) CHECK((end - LatencyHistogram::bucket_end(i - 1)) * 16 <= end);
  }
  CHECK(LatencyHistogram::bucket_of(1h) < LatencyHistogram::kBuckets - 1);
  CHECK(LatencyHistogram::bucket_of(nanoseconds::max()) == LatencyHistogram::kBuckets - 1);
  CHECK(LatencyHistogram::bucket_end(LatencyHistogram::kBuckets - 1) == nanoseconds::max());
}

TEST_CASE("a percentile is the end of its bucket, and never beyond the longest duration") {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i)
    histogram.add(i * 1ms);
  CHECK(histogram.count() == 1000);
  CHECK(histogram.max() == 1s);
  CHECK(histogram.percentile(500) == 503'316'480ns);
  CHECK(histogram.percentile(990) == 1s);
  CHECK(histogram.percentile(1000) == 1s);
  CHECK(histogram.percentile(5000) == 1s);
  CHECK(histogram.percentile(0) == 1'015'808ns);
}

TEST_CASE("percentiles count ranks from the lowest, rounded up") {
  LatencyHistogram histogram;
  for (int i = 0; i < 999; ++i)
    histogram.add(0ns);
  histogram.add(5s);
  CHECK(histogram.percentile(999) == 1024ns);
  CHECK(histogram.percentile(1000) == 5s);
}

TEST_CASE("a negative duration counts as 0 and as early") {
  LatencyHistogram histogram;
  histogram.add(-5ms);
  histogram.add(0ns);
  CHECK(histogram.count() == 2);
  CHECK(histogram.early() == 1);
  CHECK(histogram.bucket(0) == 2);
  CHECK(histogram.max() == 0ns);
  CHECK(histogram.percentile(1000) == 0ns);
}

TEST_CASE("durations beyond an hour share the last bucket, and max tells them apart") {
  LatencyHistogram histogram;
  histogram.add(10'000h);
  CHECK(histogram.bucket(LatencyHistogram::kBuckets - 1) == 1);
  CHECK(histogram.percentile(500) == 10'000h);
}

TEST_CASE("merging two histograms is as adding everything to one") {
  LatencyHistogram left;
  LatencyHistogram right;
  LatencyHistogram both;
  for (int i = -3; i < 100; ++i) {
    LatencyHistogram& one = i % 3 == 0 ? left : right;
    one.add(i * i * i * 1us);
    both.add(i * i * i * 1us);
  }
  left.merge(right);
  CHECK(left == both);
}

TEST_CASE("a bucket that is full stays full") {
  LatencyHistogram histogram;
  histogram.add(1ms);
  for (int i = 0; i < 33; ++i) {
    const LatencyHistogram copy = histogram;
    histogram.merge(copy);  // doubles
  }
  CHECK(histogram.count() == std::uint64_t{1} << 33);
  CHECK(histogram.bucket(LatencyHistogram::bucket_of(1ms)) == 0xffffffff);
  histogram.add(1ms);
  CHECK(histogram.bucket(LatencyHistogram::bucket_of(1ms)) == 0xffffffff);
  CHECK(histogram.percentile(500) == 1ms);
}

}  // namespace
}  // namespace faultlun::faults::latency_histogram_test
