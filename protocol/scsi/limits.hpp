// The numbers of the Block Limits VPD page (B0h).  Announced by inquiry.cpp, enforced by
// block_commands.cpp and access.cpp.
#pragma once

#include <cstdint>

namespace faultlun::scsi {

/// MAXIMUM TRANSFER LENGTH: 65,536 blocks of 512 bytes, 8,192 of 4,096.  One READ or WRITE costs
/// the daemon at most this.
inline constexpr std::uint64_t kMaxTransferBytes = 32ULL << 20;
/// OPTIMAL TRANSFER LENGTH.
inline constexpr std::uint64_t kOptimalTransferBytes = 1ULL << 20;
/// MAXIMUM COMPARE AND WRITE LENGTH, blocks (the field has one octet).
inline constexpr std::uint8_t kMaxCompareAndWriteBlocks = 255;
/// MAXIMUM UNMAP LBA COUNT (of a whole command) and MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT.
inline constexpr std::uint32_t kMaxUnmapBlocks = 1U << 20;
inline constexpr std::uint32_t kMaxUnmapDescriptors = 256;
/// MAXIMUM WRITE SAME LENGTH, in blocks.  With 4,096-byte blocks it stays below 65,536, because
/// test suites that see more first WRITE as much in one command, and that would be more than
/// MAXIMUM TRANSFER LENGTH.
constexpr std::uint64_t max_write_same_blocks(std::uint32_t block_size) {
  return block_size > 512 ? 0x8000 : 0x100000;
}

}  // namespace faultlun::scsi
