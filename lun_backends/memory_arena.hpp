// Memory in pieces of one size that are zeros when taken and really leave the process when given
// back.
//
// malloc would do neither: it keeps what is freed, and zeroing a fresh 64 KiB chunk for a 4 KiB
// write would touch sixteen pages to use one.  Pieces come out of large anonymous mappings.  Giving
// one back is madvise(MADV_DONTNEED), not munmap: a hole per piece would run into vm.max_map_count
// (65530 by default).
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace faultlun::lun_backends {

/// The granularity in which memory is counted and given back.  Where the system's pages are larger
/// everything still works, only less is given back.
inline constexpr std::size_t kPageBytes = 4096;

/// Makes `pages` zeros and lets go of the memory behind them; whole pages.
void drop_pages(std::span<std::uint8_t> pages) noexcept;

class Arena {
 public:
  /// `piece_bytes`: a multiple of kPageBytes.  Maps nothing until the first take().
  explicit Arena(std::size_t piece_bytes) : piece_bytes_(piece_bytes) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A piece of zeros, page-aligned, or nullptr when the system has no more.
  std::uint8_t* take() noexcept;
  /// The memory behind `piece` goes back to the system now.
  void give_back(std::uint8_t* piece) noexcept;

 private:
  bool grow() noexcept;

  // The first mapping is small because a lab may have thousands of small disks; the last is large
  // because a mapping costs a system call and an entry in the kernel's list.
  static constexpr std::size_t kFirstMappingBytes = 1u << 20;
  static constexpr std::size_t kLargestMappingBytes = 64u << 20;

  const std::size_t piece_bytes_;
  std::size_t next_mapping_bytes_ = kFirstMappingBytes;
  std::mutex mutex_;
  std::vector<std::uint8_t*> free_;  // room for every piece there is, so give_back() cannot fail
  std::vector<std::span<std::uint8_t>> mappings_;
};

}  // namespace faultlun::lun_backends
