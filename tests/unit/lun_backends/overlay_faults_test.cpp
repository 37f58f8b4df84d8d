// Every fault of the data family on the medium, written with the overlay device's primitives, on a
// pristine store that is instant and on one that answers later.
#include "lun_backends/file.hpp"
#include "lun_backends/overlay.hpp"
#include "tests/unit/lun_backends/overlay_bench.hpp"

namespace overlay_faults_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

/// A device with noise all over it.
template <typename Pristine>
struct Medium {
  OverlayDevice device{std::make_unique<Pristine>(kSize), kBlock};
  Bytes original = noise(kSize, 99);

  Medium() { REQUIRE_FALSE(write(device, 0, original)); }

  Bytes was(std::uint64_t offset, std::size_t length) const {
    const auto at = original.begin() + static_cast<std::ptrdiff_t>(offset);
    return {at, at + static_cast<std::ptrdiff_t>(length)};
  }
  Bytes shown(std::uint64_t offset, std::size_t length) { return read(device, offset, length); }

  /// Nothing else has changed, and without the overlay the truth shows.
  void check_only(std::uint64_t id, Bytes real) {
    CHECK(truth(device, 0, kSize) == real);
    CHECK(device.remove(id));
    CHECK(read(device, 0, kSize) == real);
    CHECK(device.list().empty());
  }
  Bytes original_with(std::uint64_t offset, const Bytes& octets) const {
    Bytes real = original;
    std::ranges::copy(octets, real.begin() + static_cast<std::ptrdiff_t>(offset));
    return real;
  }
};

constexpr std::uint64_t kA = 16 * kBlock, kB = 100 * kBlock;
constexpr std::size_t kLength = 4 * kBlock;

}  // namespace

#define ON_BOTH MemoryDevice, LaterDevice

TEST_CASE_TEMPLATE("data.flip inverts bits until the block is rewritten", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  Bytes mask(kBlock);
  mask[3] = 0x40;
  REQUIRE(medium.device.show(overlay_of(1), {patch_flipping(kA, kBlock, mask)}));
  Bytes expected = medium.was(kA, kBlock);
  expected[3] ^= 0x40;
  CHECK(medium.shown(kA, kBlock) == expected);
  REQUIRE_FALSE(write(medium.device, kA, medium.was(kA, kBlock)));
  CHECK(medium.shown(kA, kBlock) == medium.was(kA, kBlock));
  CHECK(medium.device.list().empty());
}

TEST_CASE_TEMPLATE("data.flip of a write stores the truth and shows flipped bits", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = noise(kLength, 1);
  Bytes flipped = sent;
  flipped[700] ^= 0x04;
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1), {patch_showing(kA, flipped)}));
  CHECK(medium.shown(kA, kLength) == flipped);
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("stuck bits stay stuck whatever is written", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  REQUIRE(medium.device.show(overlay_of(1, "r", true), {patch_setting(kA + 5, 1, {0x80}),
                                                        patch_clearing(kA + 6, 1, {0x01})}));
  for (const std::uint8_t octet : Bytes{0x00, 0xff, 0x42}) {
    REQUIRE_FALSE(write(medium.device, kA, filled(kLength, octet)));
    Bytes expected = filled(kLength, octet);
    expected[5] |= 0x80;
    expected[6] &= 0xfe;
    CHECK(medium.shown(kA, kLength) == expected);
  }
  REQUIRE_FALSE(discard(medium.device, kA, kLength));
  CHECK(medium.shown(kA + 4, 4) == Bytes{0, 0x80, 0, 0});
  medium.check_only(1, medium.original_with(kA, filled(kLength, 0)));
}

TEST_CASE_TEMPLATE("data.byte sets or inverts a byte", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  REQUIRE(medium.device.show(overlay_of(1),
                             {patch_filling(kA + 10, 1, {0x5a}), patch_flipping(kB, 1, {0xff})}));
  CHECK(medium.shown(kA + 10, 1) == Bytes{0x5a});
  CHECK(medium.shown(kA + 11, 1) == medium.was(kA + 11, 1));
  CHECK(medium.shown(kB, 1)[0] == static_cast<std::uint8_t>(~medium.was(kB, 1)[0]));
  medium.check_only(1, medium.original);
}

TEST_CASE_TEMPLATE("data.zero and data.pattern show zeros and a pattern", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  REQUIRE(medium.device.show(
      overlay_of(1), {patch_filling(kA, kLength), patch_filling(kB, kLength, {0xde, 0xad})}));
  CHECK(medium.shown(kA, kLength) == filled(kLength, 0));
  CHECK(medium.shown(kB + kBlock, 4) == Bytes{0xde, 0xad, 0xde, 0xad});
  CHECK(medium.shown(kA + kLength, kBlock) == medium.was(kA + kLength, kBlock));
  medium.check_only(1, medium.original);
}

TEST_CASE_TEMPLATE("data.swap shows each of two ranges in place of the other", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes a = medium.shown(kA, kLength), b = medium.shown(kB, kLength);
  REQUIRE(medium.device.show(overlay_of(1), {patch_showing(kA, b), patch_showing(kB, a)}));
  CHECK(medium.shown(kA, kLength) == medium.was(kB, kLength));
  CHECK(medium.shown(kB, kLength) == medium.was(kA, kLength));
  REQUIRE_FALSE(write(medium.device, 0, medium.original));  // a rewrite of all heals both
  CHECK(medium.device.list().empty());
}

TEST_CASE_TEMPLATE("data.stale shows an older version, of the blocks that have one", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  auto& device = medium.device;
  REQUIRE(device.keep_history("r", {kA, 3 * kBlock}, 2));
  REQUIRE_FALSE(write(device, kA, filled(kBlock, 1)));
  REQUIRE_FALSE(write(device, kA - kBlock, filled(5 * kBlock, 2)));
  REQUIRE_FALSE(discard(device, kA, kBlock));
  REQUIRE(device.show(overlay_of(1), device.version(kA, kLength, 1)));
  CHECK(medium.shown(kA, kLength) ==
        joined(joined(filled(kBlock, 2), medium.was(kA + kBlock, 2 * kBlock)), filled(kBlock, 2)));
  CHECK(device.remove(1));
  REQUIRE(device.show(overlay_of(2), device.version(kA, kLength, 2)));
  CHECK(medium.shown(kA, kLength) == joined(filled(kBlock, 1), filled(3 * kBlock, 2)));
  CHECK(device.version(kA, kLength, 3).empty());
  CHECK(device.remove(2));
  CHECK(medium.shown(kA, kLength) == joined(filled(kBlock, 0), filled(3 * kBlock, 2)));
  device.forget_history("r");
  CHECK_FALSE(device.active());
}

TEST_CASE_TEMPLATE("data.lost_write stores the truth and goes on showing what was", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = noise(kLength, 1), old = medium.shown(kA, kLength);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1), {patch_showing(kA, old)}));
  CHECK(medium.shown(kA, kLength) == old);
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("a write lost over an older lie shows that lie until it is removed", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  REQUIRE(medium.device.show(overlay_of(1), {patch_flipping(kA, kLength, {0x08})}));
  const Bytes sent = noise(kLength, 1), lied = medium.shown(kA, kLength);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(2), {patch_showing(kA, lied)}));
  CHECK(medium.shown(kA, kLength) == lied);
  CHECK_FALSE(medium.device.remove(1));  // its blocks were rewritten
  medium.check_only(2, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("data.misdirect shows the write elsewhere and the old bytes here", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = noise(kLength, 1), old = medium.shown(kA, kLength);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1),
                    {patch_showing(kA, old), patch_showing(kB, sent)}));
  CHECK(medium.shown(kA, kLength) == old);
  CHECK(medium.shown(kB, kLength) == sent);
  CHECK(medium.device.list()[0].length_bytes == 2 * kLength);
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("data.misdirect may overlap its own target", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = noise(kLength, 1), old = medium.shown(kA, kLength);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1),
                    {patch_showing(kA, old), patch_showing(kA + kBlock, sent)}));
  CHECK(medium.shown(kA, kBlock) == medium.was(kA, kBlock));
  CHECK(medium.shown(kA + kBlock, kLength) == sent);
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("data.misdirect reaches another device under the same id", Pristine, ON_BOTH) {
  Medium<Pristine> medium, other;
  const Bytes sent = noise(kLength, 1), old = medium.shown(kA, kLength);
  REQUIRE(other.device.show(overlay_of(1), {patch_showing(kB, sent)}));
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1), {patch_showing(kA, old)}));
  CHECK(medium.shown(kA, kLength) == old);
  CHECK(other.shown(kB, kLength) == sent);
  medium.check_only(1, medium.original_with(kA, sent));
  other.check_only(1, other.original);
}

TEST_CASE_TEMPLATE("data.torn shows only some parts of the write", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = filled(kLength, 0x77);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1),
                    {patch_showing(kA + kBlock, medium.shown(kA + kBlock, kBlock)),
                     patch_showing(kA + 3 * kBlock, medium.shown(kA + 3 * kBlock, kBlock))}));
  CHECK(medium.shown(kA, kBlock) == filled(kBlock, 0x77));
  CHECK(medium.shown(kA + kBlock, kBlock) == medium.was(kA + kBlock, kBlock));
  CHECK(medium.shown(kA + 2 * kBlock, kBlock) == filled(kBlock, 0x77));
  CHECK(medium.shown(kA + 3 * kBlock, kBlock) == medium.was(kA + 3 * kBlock, kBlock));
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("data.dup_write shows the write in its place and elsewhere", Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes sent = noise(kLength, 1);
  REQUIRE_FALSE(lie(medium.device, writing(kA, sent), overlay_of(1), {patch_showing(kB, sent)}));
  CHECK(medium.shown(kA, kLength) == sent);
  CHECK(medium.shown(kB, kLength) == sent);
  medium.check_only(1, medium.original_with(kA, sent));
}

TEST_CASE_TEMPLATE("data.unmap_lie shows old or random bytes after a discard, or zeros without one",
                   Pristine, ON_BOTH) {
  Medium<Pristine> medium;
  const Bytes old = medium.shown(kA, kLength), random = noise(4096, 5);
  REQUIRE_FALSE(
      lie(medium.device, discarding(kA, kLength), overlay_of(1), {patch_showing(kA, old)}));
  REQUIRE_FALSE(
      lie(medium.device, discarding(kB, 65536), overlay_of(2), {patch_filling(kB, 65536, random)}));
  CHECK(medium.shown(kA, kLength) == old);
  CHECK(medium.shown(kB + 4096, 4096) == random);
  CHECK(truth(medium.device, kB, 65536) == filled(65536, 0));
  REQUIRE_FALSE(write(medium.device, kB + 4096, filled(kBlock, 1)));
  CHECK(medium.shown(kB + 4096, kBlock) == filled(kBlock, 1));
  CHECK(medium.device.remove(1));
  CHECK(medium.shown(kA, kLength) == filled(kLength, 0));
  REQUIRE(medium.device.show(overlay_of(3), {patch_filling(0, 4096)}));
  CHECK(medium.shown(0, 4096) == filled(4096, 0));
  CHECK(truth(medium.device, 0, 4096) == medium.was(0, 4096));
}

TEST_CASE_TEMPLATE("data.wrap shows the last write to any address of a cell", Pristine, ON_BOTH) {
  constexpr std::uint64_t kCapacity = 128 * kBlock;
  Medium<Pristine> medium;
  auto& device = medium.device;
  REQUIRE(device.wrap(overlay_of(1), kCapacity));
  CHECK(medium.shown(0, kSize) == medium.original);  // nothing written since
  const Bytes sent = noise(kLength, 1);
  const std::uint64_t far = 5 * kCapacity + kA;
  REQUIRE_FALSE(write(device, far, sent));
  for (std::uint64_t round = 0; round < kSize / kCapacity; ++round)
    CHECK(medium.shown(round * kCapacity + kA, kLength) == sent);
  CHECK(truth(device, kA, kLength) == medium.was(kA, kLength));
  CHECK(medium.shown(kA - kBlock, 6 * kBlock) ==
        joined(joined(medium.was(kA - kBlock, kBlock), sent), medium.was(kA + kLength, kBlock)));
  REQUIRE_FALSE(discard(device, kA + kBlock, kBlock));
  CHECK(medium.shown(far, 3 * kBlock) ==
        joined(joined(Bytes(sent.begin(), sent.begin() + kBlock), filled(kBlock, 0)),
               Bytes(sent.begin() + 2 * kBlock, sent.begin() + 3 * kBlock)));
  CHECK(device.view(kA, kBlock).octets.empty());
  Bytes real = medium.original_with(far, sent);
  std::fill_n(real.begin() + static_cast<std::ptrdiff_t>(kA + kBlock), kBlock, std::uint8_t{0});
  medium.check_only(1, real);
}

TEST_CASE_TEMPLATE("a whole disk written through a wrap shows its last part everywhere", Pristine,
                   ON_BOTH) {
  Medium<Pristine> medium;
  REQUIRE(medium.device.wrap(overlay_of(1), kSize / 4));
  const Bytes all = noise(kSize, 7);
  REQUIRE_FALSE(write(medium.device, 0, all));
  const Bytes last(all.end() - kSize / 4, all.end());
  CHECK(medium.shown(0, kSize) == joined(joined(last, last), joined(last, last)));
  medium.check_only(1, all);
}

TEST_CASE("the lies hold on a file too, from the page cache and from its threads") {
  TemporaryFolder folder;
  BackendSpec spec;
  spec.path = folder.file("image");
  spec.size_bytes = kSize;
  spec.block_size = kBlock;
  OverlayDevice device(std::make_unique<FileDevice>(spec, FileEngineChoice::threads), kBlock);
  const Bytes first = noise(kSize / 2, 1), second = noise(kSize / 2, 2);
  REQUIRE(device.keep_history("h", {0, kSize / 2}, 3));
  REQUIRE_FALSE(write(device, 0, first));
  REQUIRE_FALSE(lie(device, writing(0, second), overlay_of(1), {patch_showing(0, first)}));
  CHECK(read(device, 0, kSize / 2) == first);  // longer than what the page cache answers at once
  CHECK(read(device, kBlock, kBlock) == Bytes(first.begin() + kBlock, first.begin() + 2 * kBlock));
  CHECK(truth(device, 0, kSize / 2) == second);
  CHECK(device.remove(1));
  CHECK(read(device, 0, kSize / 2) == second);
  REQUIRE(device.show(overlay_of(2), device.version(0, kSize / 2, 1)));
  CHECK(read(device, 0, kSize / 2) == first);
}

TEST_CASE("a read under way shows what lay over the medium when it began") {
  auto later = std::make_unique<LaterDevice>(kSize);
  LaterDevice& pristine = *later;
  OverlayDevice device(std::move(later), kBlock);
  REQUIRE(device.show(overlay_of(1), {patch_filling(0, kBlock, {0xee})}));
  pristine.hold(true);
  const Bytes sent = filled(kBlock, 1);
  Bytes before(kBlock), after(kBlock);
  int calls = 0;
  const auto begin = [&](Operation& operation) {
    operation.owner = &calls;
    operation.on_done = [](Operation& done) noexcept { ++*static_cast<int*>(done.owner); };
    REQUIRE(device.start(operation) == Progress::pending);
  };
  Operation early = reading(0, before), change = writing(0, sent), late = reading(0, after);
  begin(early);
  begin(change);
  CHECK(device.list().empty());
  begin(late);
  for (int i = 1; i <= 3; ++i) {
    pristine.finish_one();
    CHECK(calls == i);
  }
  CHECK(before == filled(kBlock, 0xee));
  CHECK(after == sent);
}

TEST_CASE("an error of a read in pieces names the caller's address") {
  constexpr std::uint64_t kCapacity = 64 * kBlock;
  /// Fails where it is told.
  class Broken final : public BlockDevice {
   public:
    std::uint64_t size_bytes() const override { return kSize; }
    bool instant() const override { return true; }
    std::string description() const override { return "broken"; }
    Progress start(Operation& operation) override {
      constexpr std::uint64_t kBad = 2 * kCapacity + 9 * kBlock;
      const auto end = operation.offset_bytes + operation.into.size();
      if (operation.kind == Operation::Kind::read && operation.offset_bytes <= kBad && kBad < end) {
        operation.error = errc::make_error_code(errc::io_error);
        operation.error_offset_bytes = kBad;
      } else {
        operation.error.clear();
      }
      return Progress::done;
    }
  };
  OverlayDevice device(std::make_unique<Broken>(), kBlock);
  REQUIRE(device.wrap(overlay_of(1), kCapacity));
  REQUIRE_FALSE(write(device, 2 * kCapacity + 8 * kBlock, Bytes(kLength)));
  Bytes into(16 * kBlock);
  Operation operation = reading(0, into);
  CHECK(device.start(operation) == Progress::done);
  CHECK(operation.error == errc::io_error);
  CHECK(operation.error_offset_bytes == 9 * kBlock);
}

}  // namespace overlay_faults_test
