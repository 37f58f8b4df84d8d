// Sparse RAM, the default medium.  A disk of 8 EiB costs what is written to it, to the 4 KiB page,
// and gives it back when it is discarded.
//
// Content lies in chunks of 64 KiB found by a radix tree; each piece of an operation that lies in
// one chunk happens under one of a few striped locks, so logical blocks (which never straddle
// chunks) are read and written whole, and several workers rarely meet.  Overwriting allocates
// nothing.
//
// A view pins pages of a chunk.  Whoever then writes or discards one of these pages leaves the old
// chunk to the view and goes on in a copy, so the view shows for ever what was there when it was
// taken.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/memory_chunks.hpp"
#include "lun_backends/memory_tree.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>

namespace faultlun::lun_backends {

class MemoryDevice final : public BlockDevice {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  /// `limit_bytes`: how much content (in whole pages) the device may hold; a write that needs more
  /// ends in no_space_on_device, like a thin disk whose pool is full.  Copies made for pinned views
  /// do not count: the initiator did not write more because another reads slowly.
  explicit MemoryDevice(std::uint64_t size_bytes, std::uint64_t limit_bytes = kNoLimit);
  ~MemoryDevice() override;
  MemoryDevice(const MemoryDevice&) = delete;
  MemoryDevice& operator=(const MemoryDevice&) = delete;

  std::uint64_t size_bytes() const override { return size_bytes_; }
  Progress start(Operation& operation) override;
  bool instant() const override { return true; }

  /// Ends with the chunk at the latest, and where written pages meet unwritten ones.  May be
  /// released on any thread, even after the device is gone.
  PinnedView view(std::uint64_t offset_bytes, std::uint64_t length_bytes) override;

  /// To the page: a page is allocated from its first write to its discard as a whole.
  AllocationRun allocation(std::uint64_t offset_bytes, std::uint64_t length_bytes) override;

  std::string description() const override { return "memory"; }

  /// What the content costs, in whole pages; the tree (at most 4 KiB per 32 MiB written) comes on
  /// top.
  std::uint64_t content_bytes() const { return content_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kMostChunksPerRun = 1024;  ///< then allocation() answers what it has
  // Not more: ThreadSanitizer gives up at 64 locks held by one thread, and pruning takes them all.
  static constexpr std::size_t kStripes = 32;
  struct alignas(64) Stripe {
    std::mutex mutex;
  };
  /// The part of a range that lies in one chunk; begin and end are bytes of the chunk.
  struct Piece {
    std::uint64_t chunk;
    std::size_t begin;
    std::size_t end;
  };
  class AllStripes;

  static Piece piece_at(std::uint64_t offset_bytes, std::uint64_t length_bytes);
  std::mutex& stripe_of(std::uint64_t chunk);
  Chunk* chunk_in(const ChunkTree::Slot* slot) const;

  void read(Operation& operation);
  Progress write(Operation& operation);
  Progress discard(Operation& operation);
  void read_piece(const Piece& piece, std::uint8_t* into);
  bool write_piece(const Piece& piece, const std::uint8_t* from);
  bool discard_piece(const Piece& piece);
  bool discard_in(ChunkTree::Slot& slot, const Piece& piece);
  void prune_near(std::uint64_t chunk);

  bool reserve(std::uint64_t bytes);
  void unreserve(std::uint64_t bytes);
  Chunk* put_new_chunk(std::uint64_t index);
  Chunk* copy_on_write(ChunkTree::Slot& slot, Chunk& old, PageMask keep);

  const std::uint64_t size_bytes_;
  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> content_bytes_{0};
  const std::uint8_t* const zeros_;
  ChunkStore* const store_;
  ChunkTree tree_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace faultlun::lun_backends
