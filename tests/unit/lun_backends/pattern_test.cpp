#include "lun_backends/pattern.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>

namespace pattern_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

PatternDevice dropping(std::uint64_t size_bytes, std::uint32_t block_size = 512) {
  return PatternDevice(size_bytes, block_size, BackendSpec::Writes::drop);
}

PatternDevice checking(std::uint64_t size_bytes, std::uint32_t block_size = 512) {
  return PatternDevice(size_bytes, block_size, BackendSpec::Writes::check);
}

}  // namespace

TEST_CASE("the pattern is the LBA and then SplitMix64 seeded with it, big-endian") {
  // The first outputs of the published SplitMix64 for seeds 0 and 1234567.
  CHECK(pattern_word(0, 1) == 0xe220a8397b1dcdafu);
  CHECK(pattern_word(0, 2) == 0x6e789e6aa1b965f4u);
  CHECK(pattern_word(1234567, 1) == 6457827717110365317u);
  CHECK(pattern_word(1234567, 2) == 3203168211198807973u);
  Bytes block(512);
  fill_pattern(0x0102030405060708u, 512, block);
  CHECK(Bytes(block.begin(), block.begin() + 8) == Bytes{1, 2, 3, 4, 5, 6, 7, 8});
  fill_pattern(0, 512, block);
  CHECK(Bytes(block.begin() + 8, block.begin() + 16) ==
        Bytes{0xe2, 0x20, 0xa8, 0x39, 0x7b, 0x1d, 0xcd, 0xaf});
}

TEST_CASE("fill_pattern of several blocks is each block after the other, the last cut short") {
  Bytes all(512 * 2 + 100);
  fill_pattern(7, 512, all);
  for (std::size_t block = 0; block < 3; ++block) {
    Bytes one(512);
    fill_pattern(7 + block, 512, one);
    const auto length = std::min<std::size_t>(512, all.size() - block * 512);
    CHECK(std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(length),
                     all.begin() + static_cast<std::ptrdiff_t>(block * 512)));
  }
}

TEST_CASE("reads that begin and end anywhere are cuts of the pattern") {
  auto device = dropping(1u << 16);
  Bytes all(1u << 16);
  fill_pattern(0, 512, all);
  Dice dice(3);
  for (int i = 0; i < 500; ++i) {
    const std::size_t begin = dice.below(all.size());
    const std::size_t length = dice.below(std::min<std::size_t>(all.size() - begin, 1500));
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(begin);
    CHECK(read(device, begin, length) == Bytes(from, from + static_cast<std::ptrdiff_t>(length)));
  }
}

TEST_CASE("a pattern of 4096-byte blocks counts in its own blocks") {
  auto device = dropping(1u << 20, 4096);
  Bytes block(4096);
  fill_pattern(9, 4096, block);
  CHECK(read(device, 9 * 4096, 4096) == block);
}

TEST_CASE("a pattern device of 8 EiB has its last block") {
  const std::uint64_t size = std::uint64_t{1} << 63;
  auto device = dropping(size);
  CHECK(device.instant());
  Bytes block(512);
  fill_pattern(size / 512 - 1, 512, block);
  CHECK(read(device, size - 512, 512) == block);
}

TEST_CASE("writes to a pattern device that drops them change nothing") {
  auto device = dropping(1u << 20);
  const Bytes before = read(device, 0, 4096);
  CHECK_FALSE(write(device, 0, noise(4096, 99)));
  CHECK_FALSE(discard(device, 0, 4096));
  CHECK(read(device, 0, 4096) == before);
}

TEST_CASE("a write that repeats the pattern passes where writes are checked") {
  auto device = checking(1u << 20);
  Bytes blocks(512 * 40);
  fill_pattern(11, 512, blocks);
  CHECK_FALSE(write(device, 11 * 512, blocks));
  CHECK_FALSE(flush(device));
}

TEST_CASE("a write that differs from the pattern names the first byte that differs") {
  auto device = checking(1u << 20);
  Bytes blocks(512 * 40);
  fill_pattern(11, 512, blocks);
  blocks[512 * 17 + 5] ^= 1u;
  blocks[512 * 30] ^= 1u;
  Operation operation = writing(11 * 512, blocks);
  CHECK(perform(device, operation).error == errc::illegal_byte_sequence);
  CHECK(operation.error_offset_bytes == (11 + 17) * 512 + 5);
}

TEST_CASE("a pattern device refuses what lies beyond its end") {
  auto device = dropping(4096);
  Bytes into(1024);
  CHECK(read(device, 3584, into) == errc::invalid_argument);
  CHECK(write(device, ~std::uint64_t{0} - 100, into) == errc::invalid_argument);
}

TEST_CASE("a pattern device has no memory to show") {
  CHECK(dropping(4096).view(0, 512).octets.empty());
}

TEST_CASE("a pattern device says what it does with writes") {
  CHECK(dropping(512).description() == "pattern (writes dropped)");
  CHECK(checking(512).description() == "pattern (writes checked)");
}

}  // namespace pattern_test
