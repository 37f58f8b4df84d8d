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
/// MAXIMUM WRITE SAME LENGTH: 262,144 blocks of 512 bytes, 32,768 of 4,096.  From 65,536 blocks on
/// test suites first WRITE 65,536 in one command, so with 4,096-byte blocks it must stay below.
inline constexpr std::uint64_t kMaxWriteSameBytes = 128ULL << 20;

inline constexpr std::uint32_t kMaxLbaStatusDescriptors = 256;  ///< of one GET LBA STATUS answer

}  // namespace faultlun::scsi
