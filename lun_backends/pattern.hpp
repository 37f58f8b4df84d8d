// A device whose content is a function of the block address: exabytes that cost nothing, and every
// block tells where it came from.
//
// The content of logical block `lba`, as 64-bit big-endian words:
//   word 0      the LBA itself
//   word i > 0  mix(lba + i × 9e3779b97f4a7c15h), arithmetic modulo 2^64, where mix is SplitMix64's
//   finalizer:
//                 z = (z ^ z>>30) × bf58476d1ce4e5b9h;  z = (z ^ z>>27) × 94d049bb133111ebh;  z ^
//                 z>>31
// that is: the i-th output of SplitMix64 seeded with the LBA.  It is the same on every machine and
// in every release.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/spec.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace faultlun::lun_backends {

/// Word `index` of block `lba`, as a number.
constexpr std::uint64_t pattern_word(std::uint64_t lba, std::uint64_t index) {
  if (index == 0) return lba;
  std::uint64_t z = lba + index * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// What a pattern device of that `block_size` (bytes, a multiple of 8) holds from block `lba` on,
/// `into.size()` bytes of it.  For clients that check what they read.
void fill_pattern(std::uint64_t lba, std::uint32_t block_size, std::span<std::uint8_t> into);

/// Writes are forgotten, or with Writes::check compared with the pattern: a difference is
/// illegal_byte_sequence with `error_offset_bytes` the first byte that differs.  Discards are
/// accepted and change nothing, so blocks do not read as zeros afterwards: an LU on a pattern must
/// not promise that they do.
class PatternDevice final : public BlockDevice {
 public:
  /// `block_size`: bytes, a multiple of 8.
  PatternDevice(std::uint64_t size_bytes, std::uint32_t block_size, BackendSpec::Writes writes);

  std::uint64_t size_bytes() const override { return size_bytes_; }
  Progress start(Operation& operation) override;
  bool instant() const override { return true; }
  std::string description() const override;

 private:
  Progress check_write(Operation& operation) const;

  std::uint64_t size_bytes_;
  std::uint32_t block_size_;
  BackendSpec::Writes writes_;
};

}  // namespace faultlun::lun_backends
