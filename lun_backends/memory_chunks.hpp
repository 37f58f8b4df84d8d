// The chunks of 64 KiB that hold the content of a memory device, counted so that a view may outlive
// the content it shows, and even the device.
#pragma once

#include "lun_backends/memory_arena.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace faultlun::lun_backends {

inline constexpr std::size_t kChunkBytes = 64u << 10;
inline constexpr std::size_t kPagesPerChunk = kChunkBytes / kPageBytes;

/// One bit per page of a chunk, the first page in bit 0.
using PageMask = std::uint16_t;
static_assert(sizeof(PageMask) * 8 == kPagesPerChunk);

constexpr PageMask pages_from_to(std::size_t first, std::size_t end) {
  return static_cast<PageMask>((1u << end) - (1u << first));
}

/// The pages that bytes [begin, end) of a chunk touch.
constexpr PageMask pages_touched(std::size_t begin, std::size_t end) {
  return pages_from_to(begin / kPageBytes, (end + kPageBytes - 1) / kPageBytes);
}

/// The pages that lie wholly inside [begin, end).
constexpr PageMask pages_covered(std::size_t begin, std::size_t end) {
  const std::size_t first = (begin + kPageBytes - 1) / kPageBytes;
  const std::size_t last = end / kPageBytes;
  return first < last ? pages_from_to(first, last) : PageMask{0};
}

constexpr std::uint64_t bytes_in(PageMask pages) {
  return static_cast<std::uint64_t>(std::popcount(pages)) * kPageBytes;
}

class ChunkStore;

/// Everything but `references` belongs to whoever holds the lock of the chunk's stripe.
struct Chunk {
  std::atomic<std::uint32_t> references{1};  ///< the tree's one, and one per pinned view
  PageMask written = 0;  ///< the other pages are zeros without memory behind them
  PageMask pinned = 0;   ///< pages that a pinned view may be looking at
  std::uint8_t* octets = nullptr;
  ChunkStore* store = nullptr;

  bool is_pinned(PageMask pages) const {
    return (pinned & pages) != 0 && references.load(std::memory_order_acquire) > 1;
  }
};

/// Lives on the heap: pinned views keep it after the device is gone.
class ChunkStore {
 public:
  ChunkStore() : arena_(kChunkBytes) {}
  ChunkStore(const ChunkStore&) = delete;
  ChunkStore& operator=(const ChunkStore&) = delete;

  /// A chunk of zeros with one reference, or nullptr when there is no memory.
  Chunk* make() noexcept;
  /// Gives up one reference; the last one gives the memory back.
  static void release(Chunk* chunk) noexcept;
  /// The device is gone.  The store deletes itself now, or with the last pinned chunk.
  void close() noexcept;

 private:
  ~ChunkStore() = default;
  void destroy(Chunk* chunk) noexcept;
  void leave() noexcept;

  Arena arena_;
  std::atomic<std::uint64_t> residents_{1};  // the chunks alive, and the device itself
};

}  // namespace faultlun::lun_backends
