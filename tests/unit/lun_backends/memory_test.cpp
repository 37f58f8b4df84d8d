#include "lun_backends/memory.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace memory_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;
constexpr std::uint64_t kLargest = std::uint64_t{1} << 63;  // 8 EiB

}  // namespace

TEST_CASE("memory reads as zeros until it is written, and then as written") {
  MemoryDevice device(kGiB);
  CHECK(read(device, 4096, 8192) == filled(8192, 0));
  const Bytes data = noise(3 * 65536 + 512, 1);
  CHECK_FALSE(write(device, 65536 - 512, data));
  CHECK(read(device, 65536 - 512, data.size()) == data);
  CHECK(read(device, 65536 - 1024, 512) == filled(512, 0));
  CHECK(device.content_bytes() == 4096 + 3 * 65536);
}

TEST_CASE("memory behaves like an array under random operations and views") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    MemoryDevice device(5 * 65536 + 3 * 512);
    compare_with_array(device, seed, 1500);
  }
}

TEST_CASE("a memory device of less than a chunk behaves like an array too") {
  MemoryDevice device(7 * 512);
  compare_with_array(device, 77, 500);
}

TEST_CASE("memory counts exactly the pages that hold something, through any history") {
  MemoryDevice device(1u << 20);
  compare_with_array(device, 4, 3000);
  CHECK_FALSE(discard(device, 0, device.size_bytes()));
  CHECK(device.content_bytes() == 0);
  CHECK(read(device, 0, 1u << 20) == filled(1u << 20, 0));
}

TEST_CASE("a disk of 8 EiB costs what is written to it") {
  MemoryDevice device(kLargest);
  const std::uint64_t before = resident_bytes();
  const Bytes data = noise(4096, 5);
  for (const std::uint64_t offset : {std::uint64_t{0}, 16 * kTiB, kLargest / 2, kLargest - 4096}) {
    CHECK_FALSE(write(device, offset, data));
    CHECK(read(device, offset, 4096) == data);
  }
  CHECK(read(device, kLargest - 8192, 4096) == filled(4096, 0));
  CHECK(device.content_bytes() == 4 * 4096);
  if (kMemoryIsMeasurable) CHECK(resident_bytes() - before < (1u << 20));
}

TEST_CASE("the very last bytes of the largest size there is can be used") {
  const std::uint64_t size = ~std::uint64_t{0} - 511;
  MemoryDevice device(size);
  const Bytes data = noise(512, 6);
  CHECK_FALSE(write(device, size - 512, data));
  CHECK(read(device, size - 512, 512) == data);
  CHECK_FALSE(discard(device, 0, size));
  CHECK(device.content_bytes() == 0);
}

TEST_CASE("what lies beyond the end is refused, also where the sum wraps") {
  MemoryDevice device(kGiB);
  CHECK(write(device, kGiB - 512, noise(1024, 1)) == errc::invalid_argument);
  CHECK(write(device, ~std::uint64_t{0} - 511, noise(1024, 1)) == errc::invalid_argument);
  CHECK(discard(device, 512, ~std::uint64_t{0}) == errc::invalid_argument);
  CHECK(device.view(kGiB, 1).octets.empty());
  CHECK(device.content_bytes() == 0);
}

TEST_CASE("operations of no length are done at once") {
  MemoryDevice device(kGiB);
  CHECK_FALSE(write(device, kGiB, {}));
  CHECK_FALSE(discard(device, kGiB, 0));
  CHECK(device.view(0, 0).octets.empty());
  CHECK(device.instant());
}

TEST_CASE("discarding a whole 8 EiB disk takes only as long as its content") {
  MemoryDevice device(kLargest);
  for (std::uint64_t i = 0; i < 64; ++i)
    CHECK_FALSE(write(device, i * (kLargest / 64) + 4096 * i, noise(8192, i)));
  CHECK_FALSE(discard(device, 512, kLargest - 1024));
  CHECK(device.content_bytes() == 4096);  // the page of which the first 512 bytes stay
  CHECK(read(device, 0, 512) == [] {
    Bytes head = noise(8192, 0);
    head.resize(512);
    return head;
  }());
  CHECK(read(device, 512, 65536) == filled(65536, 0));
}

TEST_CASE("discarded memory goes back to the system, in chunks and in pages") {
  if (!kMemoryIsMeasurable) {
    MESSAGE("skipped: shadow memory of the sanitizer counts as resident");
    return;
  }
  MemoryDevice device(16 * kTiB);
  const std::uint64_t before = resident_bytes();
  const Bytes data = noise(1u << 20, 8);
  for (std::uint64_t i = 0; i < 64; ++i)
    REQUIRE_FALSE(write(device, i << 20, data));
  CHECK(resident_bytes() - before > (62u << 20));
  SUBCASE("all at once") {
    CHECK_FALSE(discard(device, 0, 64u << 20));
  }
  SUBCASE("4 KiB at a time") {
    for (std::uint64_t i = 0; i < (64u << 20); i += 4096)
      REQUIRE_FALSE(discard(device, i, 4096));
  }
  CHECK(device.content_bytes() == 0);
  CHECK(resident_bytes() < before + (4u << 20));
}

TEST_CASE("half of each chunk discarded gives half of the memory back") {
  if (!kMemoryIsMeasurable) {
    MESSAGE("skipped: shadow memory of the sanitizer counts as resident");
    return;
  }
  MemoryDevice device(kGiB);
  const Bytes data = noise(1u << 20, 8);
  for (std::uint64_t i = 0; i < 32; ++i)
    REQUIRE_FALSE(write(device, i << 20, data));
  const std::uint64_t full = resident_bytes();
  for (std::uint64_t i = 0; i < (32u << 20); i += 65536)
    REQUIRE_FALSE(discard(device, i, 32768));
  CHECK(device.content_bytes() == 16u << 20);
  CHECK(resident_bytes() < full - (15u << 20));
}

TEST_CASE("blocks scattered over 16 TiB leave nothing behind once discarded") {
  if (!kMemoryIsMeasurable) {
    MESSAGE("skipped: shadow memory of the sanitizer counts as resident");
    return;
  }
  MemoryDevice device(16 * kTiB);
  const Bytes data = noise(512, 8);
  const std::uint64_t before = resident_bytes();
  constexpr std::uint64_t kScattered = 4096;  // one every 4 GiB: each needs tree nodes of its own
  for (std::uint64_t i = 0; i < kScattered; ++i)
    REQUIRE_FALSE(write(device, i * (16 * kTiB / kScattered), data));
  CHECK(resident_bytes() - before > 2 * kScattered * 4096 - (1u << 20));
  CHECK_FALSE(discard(device, 0, 16 * kTiB));
  CHECK(resident_bytes() < before + (3u << 20));
}

TEST_CASE("a 4 KiB write to a fresh place does not touch the rest of its chunk") {
  if (!kMemoryIsMeasurable) {
    MESSAGE("skipped: shadow memory of the sanitizer counts as resident");
    return;
  }
  MemoryDevice device(64 * kGiB);
  const Bytes data = noise(4096, 1);
  const std::uint64_t before = resident_bytes();
  for (std::uint64_t i = 0; i < 2048; ++i)
    REQUIRE_FALSE(write(device, i * 65536, data));
  CHECK(resident_bytes() - before < 12u << 20);  // 8 MiB of content, not 128
}

TEST_CASE("the limit counts whole pages and is reached, not exceeded") {
  MemoryDevice device(kGiB, 3 * 4096);
  CHECK_FALSE(write(device, 0, noise(8192, 1)));
  CHECK_FALSE(write(device, 65536, noise(512, 2)));
  CHECK_FALSE(write(device, 65536 + 512, noise(512, 2)));
  CHECK(write(device, 65536 + 4096, noise(512, 3)) == errc::no_space_on_device);
  CHECK(write(device, 10 * 65536, noise(512, 3)) == errc::no_space_on_device);
  CHECK(device.content_bytes() == 3 * 4096);
}

TEST_CASE("a full device still takes overwrites, and new blocks after a discard") {
  MemoryDevice device(kGiB, 2 * 4096);
  CHECK_FALSE(write(device, 0, noise(8192, 1)));
  CHECK_FALSE(write(device, 0, noise(8192, 2)));
  CHECK(write(device, kGiB / 2, noise(512, 3)) == errc::no_space_on_device);
  CHECK_FALSE(discard(device, 4096, 4096));
  CHECK_FALSE(write(device, kGiB / 2, noise(512, 3)));
  CHECK(read(device, kGiB / 2, 512) == noise(512, 3));
}

TEST_CASE("a write that runs into the limit says where, and what lies before it is written") {
  MemoryDevice device(kGiB, 65536);
  const Bytes data = noise(2 * 65536, 4);
  Operation operation = writing(65536, data);
  CHECK(perform(device, operation).error == errc::no_space_on_device);
  CHECK(operation.error_offset_bytes == 2 * 65536);
  CHECK(read(device, 65536, 65536) == Bytes(data.begin(), data.begin() + 65536));
  CHECK(read(device, 2 * 65536, 65536) == filled(65536, 0));
}

TEST_CASE("a limit of nothing takes no write but still reads and discards") {
  MemoryDevice device(kGiB, 0);
  CHECK(write(device, 0, noise(512, 1)) == errc::no_space_on_device);
  CHECK(read(device, 0, 512) == filled(512, 0));
  CHECK_FALSE(discard(device, 0, kGiB));
}

TEST_CASE("a view shows the longest written run inside a chunk") {
  MemoryDevice device(kGiB);
  const Bytes data = noise(3 * 65536, 1);
  CHECK_FALSE(write(device, 65536, data));
  PinnedView view = device.view(65536 + 512, 1u << 20);
  CHECK(copy_of(view) == Bytes(data.begin() + 512, data.begin() + 65536));
  view.release();
  PinnedView shorter = device.view(65536 + 512, 1024);
  CHECK(copy_of(shorter) == Bytes(data.begin() + 512, data.begin() + 512 + 1024));
  shorter.release();
}

TEST_CASE("a view of what was never written shows zeros and pins nothing") {
  MemoryDevice device(kGiB);
  PinnedView nowhere = device.view(4096, 1u << 20);
  CHECK(copy_of(nowhere) == filled(65536 - 4096, 0));
  CHECK_FALSE(static_cast<bool>(nowhere.release_pin));
  CHECK_FALSE(write(device, 8192, noise(4096, 1)));
  CHECK(copy_of(nowhere) == filled(65536 - 4096, 0));
  PinnedView before_it = device.view(0, 65536);
  CHECK(before_it.octets.size() == 8192);  // up to the written page
  before_it.release();
}

TEST_CASE("a view keeps showing what it showed while the block is written again") {
  MemoryDevice device(kGiB);
  const Bytes old = noise(65536, 1);
  CHECK_FALSE(write(device, 0, old));
  PinnedView view = device.view(4096, 4096);
  CHECK_FALSE(write(device, 4096 + 512, noise(512, 2)));
  CHECK(copy_of(view) == Bytes(old.begin() + 4096, old.begin() + 8192));
  Bytes expected = old;
  const Bytes fresh = noise(512, 2);
  std::copy(fresh.begin(), fresh.end(), expected.begin() + 4096 + 512);
  CHECK(read(device, 0, 65536) == expected);
  view.release();
}

TEST_CASE("a view keeps showing what it showed while the block is discarded") {
  MemoryDevice device(kGiB);
  const Bytes old = noise(65536, 1);
  CHECK_FALSE(write(device, 0, old));
  PinnedView view = device.view(0, 65536);
  std::size_t begin = 0;
  std::size_t length = 65536;
  SUBCASE("in part") {
    begin = 512;
    length = 1024;
  }
  SUBCASE("by the page") {
    begin = 4096;
    length = 8192;
  }
  SUBCASE("with its whole chunk") {}
  CHECK_FALSE(discard(device, begin, length));
  CHECK(copy_of(view) == old);
  Bytes expected = old;
  std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(begin), length, std::uint8_t{0});
  CHECK(read(device, 0, 65536) == expected);
  view.release();
}

TEST_CASE("writes beside a pinned page stay in place: no copy, the same memory") {
  MemoryDevice device(kGiB);
  CHECK_FALSE(write(device, 0, noise(65536, 1)));
  PinnedView pinned = device.view(0, 4096);
  CHECK_FALSE(write(device, 8192, noise(4096, 2)));
  PinnedView same = device.view(0, 4096);
  CHECK(same.octets.data() == pinned.octets.data());
  same.release();
  pinned.release();
}

TEST_CASE("once released, a page is overwritten in place again") {
  MemoryDevice device(kGiB);
  CHECK_FALSE(write(device, 0, noise(4096, 1)));
  PinnedView first = device.view(0, 4096);
  const auto* memory = first.octets.data();
  first.release();
  CHECK_FALSE(write(device, 0, noise(4096, 2)));
  PinnedView second = device.view(0, 4096);
  CHECK(second.octets.data() == memory);
  CHECK(copy_of(second) == noise(4096, 2));
  second.release();
}

TEST_CASE("copies for pinned views do not count against the limit") {
  MemoryDevice device(kGiB, 65536);
  const Bytes old = noise(65536, 1);
  CHECK_FALSE(write(device, 0, old));
  std::vector<PinnedView> views;
  for (std::uint64_t i = 0; i < 8; ++i) {
    views.push_back(device.view(0, 65536));
    CHECK_FALSE(write(device, 0, noise(4096, 10 + i)));
    CHECK(device.content_bytes() == 65536);
  }
  CHECK(copy_of(views[0]) == old);
  for (auto& view : views)
    view.release();
}

TEST_CASE("a view outlives its device") {
  auto device = std::make_unique<MemoryDevice>(kGiB);
  const Bytes old = noise(65536, 1);
  CHECK_FALSE(write(*device, 65536, old));
  CHECK_FALSE(write(*device, kGiB / 2, old));
  PinnedView view = device->view(65536, 65536);
  device.reset();
  CHECK(copy_of(view) == old);
  view.release();
  CHECK_FALSE(static_cast<bool>(view.release_pin));
}

TEST_CASE("several workers on the same blocks see only whole blocks") {
  MemoryDevice small_blocks(kGiB);
  check_blocks_stay_whole(small_blocks, 512, 20000);
  MemoryDevice large_blocks(kGiB);
  check_blocks_stay_whole(large_blocks, 4096, 10000);
}

TEST_CASE("workers that fill and empty the same region of the tree do not lose blocks") {
  MemoryDevice device(16 * kTiB);
  std::atomic<int> wrong{0};
  const auto work = [&](std::uint64_t self) {
    const Bytes mine = noise(512, self);
    for (std::uint64_t round = 0; round < 3000; ++round) {
      // Chunks of the same leaf, one per worker, so that one prunes what the other is about to
      // fill.
      const std::uint64_t offset = (round % 7) * kTiB + self * 65536;
      if (write(device, offset, mine)) ++wrong;
      if (read(device, offset, 512) != mine) ++wrong;
      if (discard(device, offset, 65536)) ++wrong;
      if (read(device, offset, 512) != filled(512, 0)) ++wrong;
    }
  };
  std::vector<std::thread> workers;
  for (std::uint64_t self = 1; self <= 4; ++self)
    workers.emplace_back(work, self);
  for (auto& worker : workers)
    worker.join();
  CHECK(wrong == 0);
  CHECK(device.content_bytes() == 0);
}

TEST_CASE("views taken and released by several workers never change under them") {
  MemoryDevice device(1u << 20);
  CHECK_FALSE(write(device, 0, filled(1u << 20, 1)));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint8_t octet = 2; !stop; octet = static_cast<std::uint8_t>(octet + 1))
      CHECK_FALSE(write(device, 65536, filled(4096, octet)));
  });
  std::atomic<int> changed{0};
  const auto look = [&] {
    for (int round = 0; round < 20000; ++round) {
      PinnedView view = device.view(65536, 4096);
      for (int again = 0; again < 2; ++again)
        if (!all_alike(view.octets)) ++changed;
      view.release();
    }
  };
  std::thread first(look);
  std::thread second(look);
  first.join();
  second.join();
  stop = true;
  writer.join();
  CHECK(changed == 0);
}

TEST_CASE("one question about allocation looks at 1024 chunks at most, the next one goes on") {
  constexpr std::uint64_t kChunk = 65536, kMost = 1024;
  MemoryDevice device(kTiB);
  const Bytes chunk = filled(kChunk, 1);
  for (std::uint64_t n = 0; n <= kMost; ++n)
    REQUIRE_FALSE(write(device, n * kChunk, chunk));
  const auto first = device.allocation(0, kTiB);
  CHECK(first.allocated);
  CHECK(first.length_bytes == kMost * kChunk);
  const auto second = device.allocation(first.length_bytes, kTiB - first.length_bytes);
  CHECK(second.allocated);
  CHECK(second.length_bytes == kChunk);
}

TEST_CASE("memory knows to the page what is allocated, over chunks and large holes") {
  MemoryDevice device(kLargest);
  const auto at = [&](std::uint64_t offset) {
    return device.allocation(offset, kLargest - offset);
  };
  CHECK_FALSE(at(0).allocated);
  CHECK(at(0).length_bytes == kLargest);
  CHECK_FALSE(write(device, kTiB, filled(2 * 65536 + 4096, 1)));
  CHECK_FALSE(at(0).allocated);
  CHECK(at(0).length_bytes == kTiB);
  CHECK(at(kTiB).allocated);
  CHECK(at(kTiB).length_bytes == 2 * 65536 + 4096);
  CHECK(at(kTiB + 512).length_bytes == 2 * 65536 + 4096 - 512);
  CHECK(device.allocation(kTiB, 4096).length_bytes == 4096);
  CHECK_FALSE(discard(device, kTiB + 65536, 65536));
  CHECK(at(kTiB).length_bytes == 65536);
  CHECK_FALSE(at(kTiB + 65536).allocated);
  CHECK(at(kTiB + 65536).length_bytes == 65536);
  CHECK(at(kTiB + 2 * 65536).length_bytes == 4096);
}

}  // namespace memory_test
