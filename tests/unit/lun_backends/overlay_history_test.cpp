#include "lun_backends/overlay_history.hpp"

#include "tests/unit/lun_backends/device_bench.hpp"

namespace overlay_history_test {

using namespace faultlun::lun_backends;
using bench::Bytes;
using bench::filled;

namespace {

constexpr std::uint32_t kBlock = 16;

Bytes one(const std::vector<Patch>& patches) {
  REQUIRE(patches.size() == 1);
  CHECK(patches[0].is_opaque());
  CHECK(patches[0].length_bytes == patches[0].flip.size());
  return patches[0].flip;
}

}  // namespace

TEST_CASE("versions are counted from the last write back") {
  History history(kBlock);
  CHECK(history.empty());
  REQUIRE(history.keep("r", {0, 64}, 2));
  CHECK_FALSE(history.empty());
  for (std::uint8_t i = 1; i <= 3; ++i)
    history.save(16, filled(kBlock, i));
  CHECK(one(history.version(16, kBlock, 1)) == filled(kBlock, 3));
  CHECK(one(history.version(16, kBlock, 2)) == filled(kBlock, 2));
  CHECK(history.version(16, kBlock, 3).empty());  // deeper than asked for
  CHECK(history.version(16, kBlock, 0).empty());
  CHECK(history.version(0, kBlock, 1).empty());
}

TEST_CASE("a version of several blocks leaves out those that have none") {
  History history(kBlock);
  REQUIRE(history.keep("r", {0, 160}, 4));
  history.save(16, filled(32, 7));
  history.save(64, filled(kBlock, 8));
  const auto patches = history.version(0, 160, 1);
  REQUIRE(patches.size() == 2);
  CHECK(patches[0].offset_bytes == 16);
  CHECK(patches[0].flip == filled(32, 7));
  CHECK(patches[1].offset_bytes == 64);
  CHECK(patches[1].flip == filled(kBlock, 8));
}

TEST_CASE("only blocks in a range that is kept are to be saved, whole") {
  History history(kBlock);
  CHECK(history.to_save(0, 1000).empty());
  REQUIRE(history.keep("a", {20, 20}, 1));  // blocks 1 and 2
  REQUIRE(history.keep("b", {96, 1}, 3));
  const auto parts = history.to_save(0, 1000);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].offset_bytes == 16);
  CHECK(parts[0].length_bytes == 32);
  CHECK(parts[1].offset_bytes == 96);
  CHECK(parts[1].length_bytes == 16);
  CHECK(history.to_save(48, 48).empty());
  CHECK(history.to_save(16, 0).empty());
}

TEST_CASE("the deepest of the rules counts, and what nobody asks for goes") {
  History history(kBlock);
  REQUIRE(history.keep("a", {0, 16}, 1));
  REQUIRE(history.keep("b", {0, 16}, 3));
  for (std::uint8_t i = 1; i <= 3; ++i)
    history.save(0, filled(kBlock, i));
  CHECK(history.bytes() == 48);
  history.forget("b");
  CHECK(history.bytes() == 16);
  CHECK(one(history.version(0, kBlock, 1)) == filled(kBlock, 3));
  history.forget("unknown");
  CHECK_FALSE(history.empty());
  history.forget("a");
  CHECK(history.empty());
  CHECK(history.bytes() == 0);
  history.save(0, filled(kBlock, 9));  // was under way when it was forgotten
  CHECK(history.bytes() == 0);
}

TEST_CASE("beyond its bytes history forgets the oldest") {
  History history(kBlock, 3 * kBlock);
  REQUIRE(history.keep("r", {0, 160}, 8));
  for (std::uint8_t i = 0; i < 5; ++i)
    history.save(std::uint64_t{i} * kBlock, filled(kBlock, i));
  CHECK(history.bytes() == 3 * kBlock);
  CHECK(history.version(0, 32, 1).empty());
  CHECK(one(history.version(0, 160, 1)).size() == 48);
}

TEST_CASE("what one change saves is bounded") {
  History history(512);
  REQUIRE(history.keep("r", {0, std::uint64_t{1} << 40}, 1));
  const auto parts = history.to_save(512, std::uint64_t{1} << 40);
  REQUIRE(parts.size() == 1);
  CHECK(parts[0].offset_bytes == 512);
  CHECK(parts[0].length_bytes == History::kMaxBytesPerChange);
}

TEST_CASE("a rule too many is refused, a rule anew is not") {
  History history(kBlock);
  for (std::size_t i = 0; i < History::kMaxRanges; ++i)
    REQUIRE(history.keep("r" + std::to_string(i), {0, 16}, 1));
  CHECK_FALSE(history.keep("another", {0, 16}, 1));
  CHECK(history.keep("r0", {16, 16}, 1));
  history.clear();
  CHECK(history.empty());
  CHECK(history.keep("another", {0, 16}, 1));
}

}  // namespace overlay_history_test
