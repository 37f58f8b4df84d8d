// What the tests of the devices share: operations in one line that wait for their end, a model to
// compare with, threads that get in each other's way, folders that vanish.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/pattern.hpp"

#include <boost/system/errc.hpp>
#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <semaphore>
#include <span>
#include <stdlib.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace faultlun::lun_backends::bench {

using Bytes = std::vector<std::uint8_t>;
namespace errc = boost::system::errc;

/// Starts and waits, however long the device takes.
inline Operation& perform(BlockDevice& device, Operation& operation) {
  std::binary_semaphore done(0);
  operation.owner = &done;
  operation.on_done = [](Operation& finished) noexcept {
    static_cast<std::binary_semaphore*>(finished.owner)->release();
  };
  if (device.start(operation) == Progress::pending) {
    CHECK_FALSE(device.instant());
    done.acquire();
  }
  return operation;
}

inline Operation reading(std::uint64_t offset, std::span<std::uint8_t> into) {
  Operation operation;
  operation.kind = Operation::Kind::read;
  operation.offset_bytes = offset;
  operation.into = into;
  return operation;
}

inline Operation writing(std::uint64_t offset, std::span<const std::uint8_t> from) {
  Operation operation;
  operation.kind = Operation::Kind::write;
  operation.offset_bytes = offset;
  operation.from = from;
  return operation;
}

inline Operation discarding(std::uint64_t offset, std::uint64_t length) {
  Operation operation;
  operation.kind = Operation::Kind::discard;
  operation.offset_bytes = offset;
  operation.length_bytes = length;
  return operation;
}

inline boost::system::error_code write(BlockDevice& device, std::uint64_t offset, const Bytes& from,
                                       bool fua = false) {
  Operation operation = writing(offset, from);
  operation.fua = fua;
  return perform(device, operation).error;
}

inline boost::system::error_code read(BlockDevice& device, std::uint64_t offset, Bytes& into) {
  Operation operation = reading(offset, into);
  return perform(device, operation).error;
}

inline Bytes read(BlockDevice& device, std::uint64_t offset, std::size_t length) {
  Bytes into(length, 0xee);
  CHECK_FALSE(read(device, offset, into));
  return into;
}

inline boost::system::error_code discard(BlockDevice& device, std::uint64_t offset,
                                         std::uint64_t length) {
  Operation operation = discarding(offset, length);
  return perform(device, operation).error;
}

inline boost::system::error_code flush(BlockDevice& device) {
  Operation operation;
  operation.kind = Operation::Kind::flush;
  return perform(device, operation).error;
}

inline Bytes copy_of(const PinnedView& view) {
  return {view.octets.begin(), view.octets.end()};
}

inline Bytes filled(std::size_t length, std::uint8_t octet) {
  return Bytes(length, octet);
}

inline bool all_alike(std::span<const std::uint8_t> octets) {
  return octets.empty() || std::memcmp(octets.data(), octets.data() + 1, octets.size() - 1) == 0;
}

/// Bytes that differ from place to place and from `salt` to `salt`.
inline Bytes noise(std::size_t length, std::uint64_t salt) {
  Bytes bytes(length);
  fill_pattern(salt, 1u << 16, bytes);
  return bytes;
}

/// The same sequence on every machine, from the seed that a failure prints.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t roll() { return pattern_word(seed_, ++rolls_); }
  std::uint64_t below(std::uint64_t end) { return roll() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t seed_;
  std::uint64_t rolls_ = 0;
};

/// Random operations at random places, now and then whole blocks or chunks, compared with a plain
/// array.  Views are kept a while and must go on showing what they showed.
inline void compare_with_array(BlockDevice& device, std::uint64_t seed, int steps) {
  INFO("seed ", seed);
  Dice dice(seed);
  Bytes array(device.size_bytes());
  struct Kept {
    PinnedView view;
    Bytes shown;
  };
  std::vector<Kept> kept;
  const auto drop = [&](std::size_t which) {
    REQUIRE(std::ranges::equal(kept[which].view.octets, kept[which].shown));
    kept[which].view.release();
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(which));
  };
  for (int step = 0; step < steps; ++step) {
    INFO("step ", step);
    const std::uint64_t grain = std::uint64_t{1} << (dice.one_in(4) ? 0 : 9 + dice.below(8));
    const std::uint64_t offset = dice.below(array.size()) / grain * grain;
    const std::uint64_t wanted = grain * (1 + dice.below(dice.one_in(8) ? 64 : 4));
    const std::size_t length = std::min<std::uint64_t>(wanted, array.size() - offset);
    const auto place = array.begin() + static_cast<std::ptrdiff_t>(offset);
    const auto end = place + static_cast<std::ptrdiff_t>(length);
    switch (dice.below(6)) {
      case 0:
      case 1: {
        const Bytes from = noise(length, dice.roll());
        REQUIRE_FALSE(write(device, offset, from, dice.one_in(50)));
        std::copy(from.begin(), from.end(), place);
        break;
      }
      case 2:
        REQUIRE_FALSE(discard(device, offset, length));
        std::fill(place, end, std::uint8_t{0});
        break;
      case 3: {
        PinnedView view = device.view(offset, length);
        REQUIRE(view.octets.size() <= length);
        REQUIRE(std::equal(view.octets.begin(), view.octets.end(), place));
        Bytes shown = copy_of(view);
        kept.push_back({view, std::move(shown)});
        if (kept.size() > 12) drop(dice.below(kept.size()));
        break;
      }
      case 4:
        if (!kept.empty()) drop(dice.below(kept.size()));
        if (dice.one_in(20)) REQUIRE_FALSE(flush(device));
        break;
      default:
        REQUIRE(read(device, offset, length) == Bytes(place, end));
    }
  }
  while (!kept.empty())
    drop(0);
  REQUIRE(read(device, 0, array.size()) == array);
}

/// Threads write, read and discard the same few blocks.  Every block read must be all zeros or one
/// writer's whole block.
inline void check_blocks_stay_whole(BlockDevice& device, std::size_t block_size, int rounds) {
  constexpr std::uint64_t kBlocks = 24;
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kLongest = 6;               // blocks per operation
  const std::uint64_t base = 65536 - 8 * block_size;  // across an edge of whatever is 64 KiB long
  std::atomic<int> torn{0};
  std::atomic<int> failed{0};
  std::atomic<int> compared{0};
  const auto whole = [&](std::span<const std::uint8_t> blocks) {
    for (; !blocks.empty(); blocks = blocks.subspan(std::min(block_size, blocks.size()))) {
      const auto block = blocks.first(std::min(block_size, blocks.size()));
      if (!all_alike(block)) ++torn;
      ++compared;
    }
  };
  const auto work = [&](std::uint64_t self) {
    Dice dice(self);
    Bytes buffer(kLongest * block_size);
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t first = dice.below(kBlocks);
      const std::uint64_t count = 1 + dice.below(std::min(kLongest, kBlocks - first));
      const std::uint64_t offset = base + first * block_size;
      const auto piece = std::span(buffer).first(count * block_size);
      Operation operation = discarding(offset, piece.size());
      switch (dice.below(dice.one_in(8) ? 4 : 3)) {
        case 0:
          std::ranges::fill(piece, static_cast<std::uint8_t>(1 + dice.below(255)));
          operation = writing(offset, piece);
          break;
        case 1:
          operation = reading(offset, piece);
          break;
        case 2: {
          PinnedView view = device.view(offset, piece.size());
          whole(view.octets);
          view.release();
          continue;
        }
        default:
          break;
      }
      if (perform(device, operation).error) ++failed;
      if (operation.kind == Operation::Kind::read) whole(piece);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t self = 0; self < kThreads; ++self)
    threads.emplace_back(work, self);
  for (auto& thread : threads)
    thread.join();
  CHECK(torn == 0);
  CHECK(failed == 0);
  CHECK(compared > rounds / 2);
}

/// A folder for one test, gone with all in it when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "faultlun-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category());
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Resident memory of this process, in bytes.
inline std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Sanitizers keep shadow memory that counts as resident too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsMeasurable = false;
#else
inline constexpr bool kMemoryIsMeasurable = true;
#endif

}  // namespace faultlun::lun_backends::bench
