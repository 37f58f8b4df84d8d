// Which patches lie over which bytes: disjoint runs in order of address, each with the stack of
// layers that show there, oldest first.  Not thread-safe: the overlay device guards it.
//
// The number of pieces (a layer in a run) is bounded.  Adding beyond the bound is refused; healing
// that would have to cut a run beyond it heals the rest of the run as well: at the limit it lies
// less than it was told, never more.
#pragma once

#include "lun_backends/overlay_patch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace faultlun::lun_backends {

/// A patch in its place.  `pieces` and `shown_bytes` are kept by Layers: in how many runs it lies,
/// and how many bytes of it are left.
struct Layer {
  Patch patch;
  std::uint64_t overlay_id = 0;
  std::uint64_t order = 0;  ///< grows from layer to layer
  bool sticky = false;      ///< survives writes
  std::size_t pieces = 0;
  std::uint64_t shown_bytes = 0;

  Layer(Patch what, std::uint64_t id, std::uint64_t place, bool stays)
      : patch(std::move(what)), overlay_id(id), order(place), sticky(stays) {}
};

using LayerPtr = std::shared_ptr<Layer>;

/// Why a layer has no room.
enum class NoRoom : std::uint8_t { too_many_pieces, too_deep };

class Layers {
 public:
  static constexpr std::size_t kMaxPieces = std::size_t{1} << 17;
  static constexpr std::size_t kMaxDepth = 64;  ///< layers over one byte

  explicit Layers(std::size_t max_pieces = kMaxPieces) : max_pieces_(max_pieces) {}

  /// Layers that lie over no byte any more.
  using Gone = std::vector<LayerPtr>;

  bool empty() const { return runs_.empty(); }
  std::size_t pieces() const { return pieces_; }

  bool touches(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;
  /// heal() would change something there.
  bool can_heal(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;

  /// Puts `layer` on top.  Changes nothing when it has no room.
  std::optional<NoRoom> add(const LayerPtr& layer);
  /// Takes away what is not sticky and older than `before_order`.
  Gone heal(std::uint64_t offset_bytes, std::uint64_t length_bytes, std::uint64_t before_order);
  /// Takes `layer` away wherever it lies.
  void remove(const LayerPtr& layer);
  void clear() { *this = Layers(max_pieces_); }

  /// `octets` are the bytes below at `offset_bytes`; they become what is shown.
  void apply(std::uint64_t offset_bytes, std::span<std::uint8_t> octets) const;

  /// Where `layer` begins to show.
  std::uint64_t first_byte_of(const Layer& layer) const;

  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::vector<LayerPtr> stack;
  };
  /// The runs that overlap a range: what a read needs that goes on without the lock.
  std::vector<Run> runs_in(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;
  static void apply(std::span<const Run> runs, std::uint64_t offset_bytes,
                    std::span<std::uint8_t> octets);

 private:
  struct Body {
    std::uint64_t end = 0;
    std::vector<LayerPtr> stack;
  };
  using Map = std::map<std::uint64_t, Body>;  ///< by first byte

  Map::const_iterator first_over(std::uint64_t offset_bytes) const;
  Map::iterator first_over(std::uint64_t offset_bytes);
  std::optional<NoRoom> room_for(const Patch& patch) const;
  bool may_split(const Map::iterator& run) const;
  Map::iterator split(Map::iterator run, std::uint64_t at);
  void split_at(std::uint64_t at);
  void drop(const Map::iterator& run, const LayerPtr& layer);
  void merge(std::uint64_t begin, std::uint64_t end);

  Map runs_;
  std::size_t pieces_ = 0;
  std::size_t max_pieces_;
};

}  // namespace faultlun::lun_backends
