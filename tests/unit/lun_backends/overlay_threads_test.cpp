// Threads that read, write and lie at once.  Under ThreadSanitizer these are the tests that count.
#include "lun_backends/crowd_lock.hpp"
#include "lun_backends/overlay.hpp"
#include "tests/unit/lun_backends/overlay_bench.hpp"

#include <thread>

namespace overlay_threads_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

/// Lies come and go beside what `body` does.  They cover blocks with one byte, and flip all bits of
/// others, so that a whole block stays a whole block.
template <typename F>
void beside_lies(OverlayDevice& device, F body) {
  std::atomic<bool> stop{false};
  std::thread liar([&] {
    Dice dice(77);
    for (std::uint64_t id = 0; !stop; ++id) {
      const std::uint64_t offset = 65536 - 8 * kBlock + dice.below(24) * kBlock;
      const auto octet = static_cast<std::uint8_t>(dice.roll());
      const Bytes sent = filled(2 * kBlock, octet);
      switch (dice.below(6)) {
        case 0:
          (void)device.show(overlay_of(id), {patch_filling(offset, 2 * kBlock, {octet})});
          break;
        case 1:
          (void)device.show(overlay_of(id, "r", dice.one_in(2)),
                            {patch_flipping(offset, kBlock, {0xff})});
          break;
        case 2:
          (void)lie(device, writing(offset, sent), overlay_of(id),
                    {patch_filling(offset, kBlock, {0x5a})});
          break;
        case 3:
          device.remove(id - dice.below(std::min<std::uint64_t>(id + 1, 8)));
          break;
        case 4:
          if (dice.one_in(2))
            (void)device.wrap(overlay_of(id), 128 * kBlock);
          else
            (void)device.keep_history("h", {offset, 4 * kBlock}, 2);
          break;
        default:
          (void)device.list();
          (void)device.version(offset, 4 * kBlock, 1);
          if (dice.one_in(20)) device.clear();
      }
      if (dice.one_in(4)) std::this_thread::yield();
    }
  });
  body();
  stop = true;
  liar.join();
}

}  // namespace

TEST_CASE_TEMPLATE("blocks stay whole while lies come and go", Pristine, MemoryDevice,
                   LaterDevice) {
  OverlayDevice device(std::make_unique<Pristine>(kSize), kBlock);
  beside_lies(device, [&] { check_blocks_stay_whole(device, kBlock, 1500); });
  device.clear();
  CHECK(read(device, 0, kSize) == truth(device, 0, kSize));
}

TEST_CASE_TEMPLATE("nobody sees the truth of a write that is lost", Pristine, MemoryDevice,
                   LaterDevice) {
  OverlayDevice device(std::make_unique<Pristine>(kSize), kBlock);
  device.arm(true);
  std::atomic<bool> stop{false};
  std::atomic<int> seen{0};
  const auto watch = [&] {
    while (!stop) {
      const auto octets = read(device, 0, 2 * kBlock);
      if (octets != filled(2 * kBlock, 0)) ++seen;
    }
  };
  std::thread one(watch), two(watch);
  const Bytes sent = filled(2 * kBlock, 0xdd);
  for (std::uint64_t id = 0; id < 500; ++id) {
    REQUIRE_FALSE(lie(device, writing(0, sent), overlay_of(id), {patch_filling(0, 2 * kBlock)}));
    CHECK(truth(device, 0, kBlock) == filled(kBlock, 0xdd));
  }
  stop = true;
  one.join();
  two.join();
  CHECK(seen == 0);
  CHECK(device.list().size() == 1);  // each write ended the lie before it
}

TEST_CASE_TEMPLATE("nobody sees the truth beneath a lie that a write ends", Pristine, MemoryDevice,
                   LaterDevice) {
  OverlayDevice device(std::make_unique<Pristine>(kSize), kBlock);
  device.arm(true);
  std::atomic<bool> stop{false};
  std::atomic<int> seen{0};
  REQUIRE(device.show(overlay_of(0), {patch_filling(0, kBlock, {0xee})}));
  std::thread watcher([&] {
    while (!stop) {
      const auto octets = read(device, 0, kBlock);
      if (octets != filled(kBlock, 0xee) && octets != filled(kBlock, 0x11)) ++seen;
    }
  });
  for (std::uint64_t id = 1; id < 500; ++id) {
    REQUIRE_FALSE(write(device, 0, filled(kBlock, 0x11)));
    // What is true is 0xdd from here on, and never to be seen.
    REQUIRE_FALSE(lie(device, writing(0, filled(kBlock, 0xdd)), overlay_of(id),
                      {patch_filling(0, kBlock, {0xee})}));
  }
  stop = true;
  watcher.join();
  CHECK(seen == 0);
}

TEST_CASE("a writer of the crowd lock gets in beside busy readers, and is alone") {
  CrowdLock lock;
  std::atomic<bool> stop{false};
  std::uint64_t guarded = 0, odd = 0;
  std::vector<std::thread> readers;
  std::atomic<std::uint64_t> total_odd{0};
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!stop) {
        const auto guard = lock.shared();
        if (guarded % 2 != 0) ++total_odd;
      }
    });
  for (int i = 0; i < 300; ++i) {
    const auto guard = lock.exclusive();
    ++guarded;
    ++guarded;
  }
  stop = true;
  for (auto& reader : readers)
    reader.join();
  odd = total_odd;
  CHECK(guarded == 600);
  CHECK(odd == 0);
}

}  // namespace overlay_threads_test
