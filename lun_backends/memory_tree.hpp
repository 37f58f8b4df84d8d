// Which chunk holds which 64 KiB of a memory device: a radix tree, 512 ways per level, whose nodes
// exist only above chunks.  Its height follows from the size of the device: 1 GiB takes two levels,
// 8 EiB six.
//
// Who may do what: make() and find() from several threads, provided each holds the lock of some
// stripe (memory.hpp); prune(), which alone takes nodes away, holds all of them.
#pragma once

#include "lun_backends/memory_arena.hpp"
#include "lun_backends/memory_chunks.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

namespace faultlun::lun_backends {

class ChunkTree {
 public:
  /// Points to a Chunk (level 0) or to a Node of the level below.
  using Slot = std::atomic<void*>;
  static constexpr unsigned kBitsPerLevel = 9;
  static constexpr std::uint64_t kWays = 1u << kBitsPerLevel;

  /// For chunks 0 to `chunks` - 1.
  explicit ChunkTree(std::uint64_t chunks);

  /// The place of chunk `index`, or nullptr when no chunk is near.
  Slot* find(std::uint64_t index) noexcept;
  /// The same, making the nodes above it; nullptr when there is no memory.
  Slot* make(std::uint64_t index) noexcept;
  /// The first chunk there is in [first, last], both included.
  std::optional<std::uint64_t> first_in(std::uint64_t first, std::uint64_t last) const noexcept;
  /// True when every chunk below the node that is directly above `index` is gone.
  bool is_bare(std::uint64_t index) noexcept;
  /// Gives back the nodes above `index` that have nothing below them any more.
  void prune(std::uint64_t index) noexcept;

 private:
  struct Node {
    std::array<Slot, kWays> below{};
  };
  static_assert(sizeof(Node) == kPageBytes);

  static Node* node_in(const Slot& slot) {
    return static_cast<Node*>(slot.load(std::memory_order_acquire));
  }
  static std::uint64_t way(std::uint64_t index, unsigned level) {
    return (index >> (kBitsPerLevel * (level - 1))) & (kWays - 1);
  }
  Node* make_node(Slot& slot) noexcept;
  static std::optional<std::uint64_t> first_below(const Slot& slot, unsigned level,
                                                  std::uint64_t first, std::uint64_t last) noexcept;
  bool prune_below(Slot& slot, unsigned level, std::uint64_t index) noexcept;

  unsigned height_ = 0;
  Arena nodes_{kPageBytes};
  Slot root_{nullptr};
};

}  // namespace faultlun::lun_backends
