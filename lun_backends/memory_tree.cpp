#include "lun_backends/memory_tree.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace faultlun::lun_backends {

ChunkTree::ChunkTree(std::uint64_t chunks) {
  const auto bits = chunks > 1 ? static_cast<unsigned>(std::bit_width(chunks - 1)) : 0u;
  height_ = (bits + kBitsPerLevel - 1) / kBitsPerLevel;
}

ChunkTree::Slot* ChunkTree::find(std::uint64_t index) noexcept {
  Slot* slot = &root_;
  for (unsigned level = height_; level > 0; --level) {
    Node* node = node_in(*slot);
    if (node == nullptr) return nullptr;
    slot = &node->below[way(index, level)];
  }
  return slot;
}

ChunkTree::Slot* ChunkTree::make(std::uint64_t index) noexcept {
  Slot* slot = &root_;
  for (unsigned level = height_; level > 0; --level) {
    Node* node = node_in(*slot);
    if (node == nullptr) node = make_node(*slot);
    if (node == nullptr) return nullptr;
    slot = &node->below[way(index, level)];
  }
  return slot;
}

ChunkTree::Node* ChunkTree::make_node(Slot& slot) noexcept {
  std::uint8_t* piece = nodes_.take();
  if (piece == nullptr) return nullptr;
  Node* mine = new (piece) Node;
  void* there = nullptr;
  if (slot.compare_exchange_strong(there, mine, std::memory_order_acq_rel)) return mine;
  nodes_.give_back(piece);  // somebody under another stripe was faster
  return static_cast<Node*>(there);
}

std::optional<std::uint64_t> ChunkTree::first_in(std::uint64_t first,
                                                 std::uint64_t last) const noexcept {
  return first_below(root_, height_, first, last);
}

/// `first` and `last` count from the first chunk below `slot`.
std::optional<std::uint64_t> ChunkTree::first_below(const Slot& slot, unsigned level,
                                                    std::uint64_t first,
                                                    std::uint64_t last) noexcept {
  if (level == 0) {
    if (slot.load(std::memory_order_acquire) == nullptr) return std::nullopt;
    return first;
  }
  const Node* node = node_in(slot);
  if (node == nullptr) return std::nullopt;
  const std::uint64_t span = std::uint64_t{1} << (kBitsPerLevel * (level - 1));  // chunks per way
  const std::uint64_t end_way = last / span;
  for (std::uint64_t i = first / span; i <= end_way; ++i) {
    const std::uint64_t from = std::max(first, i * span) - i * span;
    const std::uint64_t to = std::min(last - i * span, span - 1);
    if (const auto found = first_below(node->below[i], level - 1, from, to))
      return i * span + *found;
  }
  return std::nullopt;
}

bool ChunkTree::is_bare(std::uint64_t index) noexcept {
  Slot* slot = &root_;
  for (unsigned level = height_; level > 1; --level) {
    Node* node = node_in(*slot);
    if (node == nullptr) return false;  // pruned already
    slot = &node->below[way(index, level)];
  }
  if (height_ == 0) return false;
  const Node* leaf = node_in(*slot);
  return leaf != nullptr && std::ranges::all_of(leaf->below, [](const Slot& below) {
           return below.load(std::memory_order_relaxed) == nullptr;
         });
}

void ChunkTree::prune(std::uint64_t index) noexcept {
  prune_below(root_, height_, index);
}

/// True when nothing is left below `slot`.
bool ChunkTree::prune_below(Slot& slot, unsigned level, std::uint64_t index) noexcept {
  if (level == 0) return slot.load(std::memory_order_relaxed) == nullptr;
  Node* node = node_in(slot);
  if (node == nullptr) return true;
  if (!prune_below(node->below[way(index, level)], level - 1, index)) return false;
  for (const Slot& below : node->below)
    if (below.load(std::memory_order_relaxed) != nullptr) return false;
  slot.store(nullptr, std::memory_order_release);
  node->~Node();
  nodes_.give_back(static_cast<std::uint8_t*>(static_cast<void*>(node)));
  return true;
}

}  // namespace faultlun::lun_backends
