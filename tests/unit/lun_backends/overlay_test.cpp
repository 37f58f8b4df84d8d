// The device itself: what passes through, what heals, limits, listing and removal.  The faults made
// with it are in overlay_faults_test.cpp, threads in overlay_threads_test.cpp.
#include "lun_backends/overlay.hpp"

#include "tests/unit/lun_backends/overlay_bench.hpp"

#include <sstream>

namespace overlay_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

OverlayDevice on_memory(OverlayDevice::Limits limits = {}) {
  return OverlayDevice(std::make_unique<MemoryDevice>(kSize), kBlock, limits);
}

}  // namespace

TEST_CASE("with nothing to show an overlay device is its pristine store") {
  auto device = on_memory();
  CHECK_FALSE(device.active());
  CHECK(device.instant());
  CHECK(device.size_bytes() == kSize);
  CHECK(device.description() == "memory");
  CHECK(device.list().empty());
  compare_with_array(device, 11, 400);
  REQUIRE_FALSE(write(device, 0, noise(65536, 2)));
  REQUIRE_FALSE(discard(device, 65536, kSize - 65536));
  CHECK(device.allocation(0, kSize).length_bytes == 65536);
  auto view = device.view(4096, 8192);
  CHECK(copy_of(view) == read(device, 4096, 8192));
  view.release();
}

TEST_CASE("armed, or with an overlay elsewhere, it still behaves as its pristine store") {
  auto device = OverlayDevice(std::make_unique<MemoryDevice>(2 * kSize), kBlock);
  device.arm(true);
  CHECK(device.active());
  compare_with_array(device, 12, 200);
  device.arm(false);
  CHECK_FALSE(device.active());
  REQUIRE_FALSE(discard(device, 0, 2 * kSize));
  REQUIRE(device.show(overlay_of(1, "r", true), {patch_flipping(2 * kSize - 1, 1, {0})}));
  compare_with_array(device, 13, 200);  // this patch changes nothing
}

TEST_CASE("operations that do not fit get the pristine store's answer") {
  auto device = on_memory();
  device.arm(true);
  Bytes buffer(kBlock);
  CHECK(read(device, kSize, buffer) == errc::invalid_argument);
  CHECK(write(device, kSize - 1, buffer) == errc::invalid_argument);
  CHECK(discard(device, 0, ~std::uint64_t{0}) == errc::invalid_argument);
  CHECK_FALSE(flush(device));
  CHECK(lie(device, writing(kSize, buffer), overlay_of(1), {patch_filling(0, 1)}) ==
        errc::invalid_argument);
  CHECK(device.list().empty());
}

TEST_CASE("an overlay shows until it is removed, then the truth does") {
  auto device = on_memory();
  const Bytes original = noise(4 * kBlock, 3);
  REQUIRE_FALSE(write(device, 0, original));
  REQUIRE(device.show(overlay_of(5), {patch_filling(kBlock, kBlock, {0xab})}));
  Bytes expected = original;
  std::fill_n(expected.begin() + kBlock, kBlock, std::uint8_t{0xab});
  CHECK(read(device, 0, original.size()) == expected);
  CHECK(truth(device, 0, original.size()) == original);
  CHECK_FALSE(device.remove(6));
  CHECK(device.remove(5));
  CHECK_FALSE(device.remove(5));
  CHECK(read(device, 0, original.size()) == original);
  CHECK_FALSE(device.active());
}

TEST_CASE("there is no view of what lies, and a view of the rest") {
  auto device = on_memory();
  REQUIRE_FALSE(write(device, 0, noise(65536, 4)));
  REQUIRE(device.show(overlay_of(1), {patch_filling(8192, kBlock)}));
  CHECK(device.view(0, 65536).octets.empty());
  CHECK(device.view(8192 + kBlock - 1, 10).octets.empty());
  auto view = device.view(0, 8192);
  CHECK(copy_of(view) == truth(device, 0, 8192));
  view.release();
}

TEST_CASE("a write heals the blocks it writes and a discard those it discards") {
  auto device = on_memory();
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, 8 * kBlock, {0xee})}));
  const Bytes fresh = noise(2 * kBlock, 5);
  REQUIRE_FALSE(write(device, 2 * kBlock, fresh));
  REQUIRE_FALSE(discard(device, 6 * kBlock, kBlock));
  CHECK(read(device, kBlock, 4 * kBlock) ==
        joined(joined(filled(kBlock, 0xee), fresh), filled(kBlock, 0xee)));
  CHECK(read(device, 6 * kBlock, 2 * kBlock) == joined(filled(kBlock, 0), filled(kBlock, 0xee)));
  REQUIRE(device.list().size() == 1);
  CHECK(device.list()[0].length_bytes == 5 * kBlock);
  REQUIRE_FALSE(write(device, 0, noise(8 * kBlock, 6)));
  CHECK(device.list().empty());
  CHECK_FALSE(device.active());
}

TEST_CASE("a write that fails heals what it has written") {
  OverlayDevice device(std::make_unique<MemoryDevice>(kSize, 65536), kBlock);
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, kSize, {0xee})}));
  CHECK(write(device, 0, filled(128 << 10, 1)) == errc::no_space_on_device);
  CHECK(read(device, 0, kBlock) == filled(kBlock, 1));
  CHECK(read(device, 65536, kBlock) == filled(kBlock, 0xee));
}

TEST_CASE("overlays that lie over each other come off in any order") {
  auto device = on_memory();
  REQUIRE_FALSE(write(device, 0, filled(kBlock, 0x0f)));
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, kBlock, {0x55})}));
  REQUIRE(device.show(overlay_of(2), {patch_flipping(0, kBlock, {0xff})}));
  REQUIRE(device.show(overlay_of(3), {patch_filling(0, 1, {0x77})}));
  CHECK(read(device, 0, 2) == Bytes{0x77, 0xaa});
  CHECK(device.remove(1));
  CHECK(read(device, 0, 2) == Bytes{0x77, 0xf0});
  CHECK(device.remove(3));
  CHECK(read(device, 0, 2) == Bytes{0xf0, 0xf0});
  CHECK(device.remove(2));
  CHECK(read(device, 0, 2) == Bytes{0x0f, 0x0f});
}

TEST_CASE("the list is in order of id and an id may cover several ranges") {
  auto device = on_memory();
  auto seven = overlay_of(7, "swaps");
  seven.note = "A and B";
  REQUIRE(device.show(seven, {patch_filling(4096, kBlock), patch_filling(1024, kBlock)}));
  REQUIRE(device.show(overlay_of(2, "stuck", true), {patch_setting(0, kSize, {1})}));
  REQUIRE(device.show(overlay_of(7, "other words"), {patch_filling(65536, kBlock)}));
  const auto list = device.list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].id == 2);
  CHECK(list[0].sticky);
  CHECK(list[0].length_bytes == kSize);
  CHECK(list[1].id == 7);
  CHECK(list[1].rule == "swaps");
  CHECK(list[1].fault == "data.test");
  CHECK(list[1].note == "A and B");
  CHECK(list[1].offset_bytes == 1024);
  CHECK(list[1].length_bytes == 3 * kBlock);
  REQUIRE_FALSE(write(device, 1024, noise(kBlock, 1)));
  CHECK(device.list()[1].offset_bytes == 4096);
}

TEST_CASE("a rule's overlays go together, and clear takes everything") {
  auto device = on_memory();
  const auto original = read(device, 0, 8 * kBlock);
  for (std::uint64_t id = 0; id < 6; ++id)
    REQUIRE(device.show(overlay_of(id, id % 2 == 0 ? "even" : "odd"),
                        {patch_filling(id * kBlock, kBlock, {9})}));
  CHECK(device.remove_rule("even") == 3);
  CHECK(device.remove_rule("even") == 0);
  REQUIRE(device.list().size() == 3);
  CHECK(device.list()[0].id == 1);
  REQUIRE(device.wrap(overlay_of(20), 4096));
  REQUIRE(device.keep_history("h", {0, kBlock}, 1));
  device.clear();
  CHECK(device.list().empty());
  CHECK_FALSE(device.active());
  CHECK(read(device, 0, 8 * kBlock) == original);
  CHECK(device.remove_rule("odd") == 0);
}

TEST_CASE("bad ranges are refused") {
  auto device = on_memory();
  CHECK(device.show(overlay_of(1), {patch_filling(0, 0)}).error() == Refusal::bad_range);
  CHECK(device.show(overlay_of(1), {patch_filling(kSize, 1)}).error() == Refusal::bad_range);
  CHECK(device.show(overlay_of(1), {patch_filling(1, ~std::uint64_t{0})}).error() ==
        Refusal::bad_range);
  for (const std::uint64_t capacity : {std::uint64_t{0}, std::uint64_t{100}, kSize})
    CHECK(device.wrap(overlay_of(1), capacity).error() == Refusal::bad_range);
  CHECK(device.keep_history("r", {0, 0}, 1).error() == Refusal::bad_range);
  CHECK(device.keep_history("r", {1, kSize}, 1).error() == Refusal::bad_range);
  CHECK(device.keep_history("r", {0, 1}, 0).error() == Refusal::too_many_versions);
  CHECK(device.keep_history("r", {0, 1}, History::kMaxVersions + 1).error() ==
        Refusal::too_many_versions);
  CHECK_FALSE(device.active());
  CHECK(device.show(overlay_of(1), {}));  // nothing to show is shown
  CHECK(device.list().empty());
}

TEST_CASE("one wrap at a time, under an id of its own") {
  auto device = on_memory();
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, kBlock)}));
  CHECK(device.wrap(overlay_of(1), 65536).error() == Refusal::id_in_use);
  REQUIRE(device.wrap(overlay_of(2), 65536));
  CHECK(device.wrap(overlay_of(3), 65536).error() == Refusal::already_wrapped);
  CHECK(device.show(overlay_of(2), {patch_filling(0, kBlock)}).error() == Refusal::id_in_use);
  REQUIRE(device.list().size() == 2);
  CHECK(device.list()[1].length_bytes == kSize);
  CHECK(device.remove(2));
  CHECK(device.wrap(overlay_of(3), 65536));
}

TEST_CASE("an overlay too many is refused and changes nothing, until one goes") {
  auto device = on_memory({.overlays = 3});
  for (std::uint64_t id = 0; id < 3; ++id)
    REQUIRE(device.show(overlay_of(id), {patch_filling(id * kBlock, kBlock, {7})}));
  CHECK(device.show(overlay_of(3), {patch_filling(65536, 1, {7})}).error() ==
        Refusal::too_many_overlays);
  CHECK(device.wrap(overlay_of(4), 65536).error() == Refusal::too_many_overlays);
  CHECK(read(device, 65536, 1) == Bytes{0});
  CHECK(device.show(overlay_of(2), {patch_filling(65536, 1, {7})}));  // the same one, longer
  REQUIRE_FALSE(write(device, 0, filled(kBlock, 1)));                 // heals 0
  CHECK(device.show(overlay_of(3), {patch_filling(70000, 1, {7})}));
}

TEST_CASE("a byte too many is refused, and bytes come back when overlays go") {
  auto device = on_memory({.overlay_bytes = 1000 + 10});  // the words of an overlay are 10
  REQUIRE(device.show(overlay_of(1), {patch_showing(0, filled(1000, 1))}));
  CHECK(device.show(overlay_of(1), {patch_filling(5000, 1, {1})}).error() ==
        Refusal::too_many_bytes);
  CHECK(device.show(overlay_of(1), {patch_filling(5000, 100)}));  // zeros take none
  CHECK(device.remove(1));
  REQUIRE(device.show(overlay_of(2), {patch_showing(0, filled(1000, 1))}));
  REQUIRE_FALSE(write(device, 0, filled(2 * kBlock, 1)));
  CHECK(device.list().empty());
  CHECK(device.show(overlay_of(3), {patch_showing(0, filled(1000, 1))}));
  device.clear();
  CHECK(device.show(overlay_of(4), {patch_showing(0, filled(1000, 1))}));
}

TEST_CASE("of patches that have no room together none is shown") {
  auto device = on_memory({.pieces = 3});
  std::vector<Patch> four;
  for (std::uint64_t i = 0; i < 4; ++i)
    four.push_back(patch_filling(i * 4096, kBlock, {3}));
  CHECK(device.show(overlay_of(1), four).error() == Refusal::too_many_pieces);
  CHECK(device.list().empty());
  CHECK(read(device, 0, 4 * 4096) == filled(4 * 4096, 0));
  const Bytes octets = filled(kBlock, 9);
  Operation change = writing(0, octets);
  CHECK(device.start_lying(change, overlay_of(1), four).error() == Refusal::too_many_pieces);
  CHECK(truth(device, 0, kBlock) == filled(kBlock, 0));  // was not started
  four.pop_back();
  CHECK(device.show(overlay_of(1), four));
}

TEST_CASE("layers too many over a byte are refused") {
  auto device = on_memory();
  for (std::uint64_t id = 0; id < Layers::kMaxDepth; ++id)
    REQUIRE(device.show(overlay_of(id), {patch_flipping(0, kBlock, {1})}));
  CHECK(device.show(overlay_of(100), {patch_flipping(4, 1, {1})}).error() == Refusal::too_deep);
  CHECK(device.list().size() == Layers::kMaxDepth);
}

TEST_CASE("rules too many that keep history are refused") {
  auto device = on_memory();
  for (std::size_t i = 0; i < History::kMaxRanges; ++i)
    REQUIRE(device.keep_history("r" + std::to_string(i), {0, kBlock}, 1));
  CHECK(device.keep_history("more", {0, kBlock}, 1).error() == Refusal::too_many_ranges);
}

TEST_CASE("at the limit of pieces ordinary writes go on, and heal more than they must") {
  auto device = on_memory({.pieces = 8});
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, kSize, {0xee})}));
  for (std::uint64_t block = 1; block < 100; block += 2)
    REQUIRE_FALSE(write(device, block * kBlock, filled(kBlock, 1)));
  for (std::uint64_t block = 0; block < 100; ++block) {
    const auto octets = read(device, block * kBlock, kBlock);
    CHECK((octets == truth(device, block * kBlock, kBlock) || octets == filled(kBlock, 0xee)));
    if (block % 2 == 1) CHECK(octets == filled(kBlock, 1));
  }
}

TEST_CASE("each refusal says what to do") {
  for (int i = 0; i <= static_cast<int>(Refusal::too_many_versions); ++i) {
    std::ostringstream text;
    text << static_cast<Refusal>(i);
    CHECK(text.str().find(';') != std::string::npos);
  }
}

TEST_CASE("random lies and writes agree with a plain model") {
  constexpr std::uint64_t kBlocks = 32;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO("seed ", seed);
    Dice dice(seed);
    OverlayDevice device(std::make_unique<MemoryDevice>(kBlocks * kBlock), kBlock);
    Bytes real(kBlocks * kBlock), shown = real;
    for (std::uint64_t step = 0; step < 200; ++step) {
      const auto first = dice.below(kBlocks), count = 1 + dice.below(kBlocks - first);
      const auto offset = first * kBlock, length = count * kBlock;
      const auto at = static_cast<std::ptrdiff_t>(offset);
      const auto bytes = noise(length, dice.roll());
      switch (dice.below(5)) {
        case 0:
          REQUIRE_FALSE(write(device, offset, bytes));
          std::ranges::copy(bytes, real.begin() + at);
          std::ranges::copy(bytes, shown.begin() + at);
          break;
        case 1:  // lost
          REQUIRE_FALSE(lie(device, writing(offset, bytes), overlay_of(step),
                            {patch_showing(offset, read(device, offset, length))}));
          std::ranges::copy(bytes, real.begin() + at);
          break;
        case 2:
          REQUIRE_FALSE(discard(device, offset, length));
          std::fill_n(real.begin() + at, length, std::uint8_t{0});
          std::fill_n(shown.begin() + at, length, std::uint8_t{0});
          break;
        case 3:
          if (device.show(overlay_of(step), {patch_flipping(offset, length, {0x21})}))
            for (auto i = offset; i < offset + length; ++i)
              shown[i] ^= 0x21;
          break;
        default:
          if (!dice.one_in(10)) break;
          device.clear();
          shown = real;
      }
      REQUIRE(read(device, 0, shown.size()) == shown);
      REQUIRE(truth(device, 0, real.size()) == real);
    }
    while (!device.list().empty())
      REQUIRE(device.remove(device.list()[dice.below(device.list().size())].id));
    REQUIRE(read(device, 0, real.size()) == real);
  }
}

}  // namespace overlay_test
