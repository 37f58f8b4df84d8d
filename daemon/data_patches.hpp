// What a data fault that struck comes to in bytes: which places, which bits, which octets, by which
// id.  Pure; all chance is in the two numbers that the decision resolved (Strike::resolved).
#pragma once

#include "faults/decide.hpp"
#include "lun_backends/overlay_history.hpp"
#include "lun_backends/overlay_patch.hpp"
#include "protocol/bytes/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace faultlun::daemon {

using lun_backends::ByteRange;
using Patches = std::vector<lun_backends::Patch>;

/// Bits that one strike inverts at most.
inline constexpr std::size_t kMaxFlippedBits = 65536;

/// The chance of one strike: as many numbers as it needs.
class Chance {
 public:
  explicit Chance(const faults::Strike& strike)
      : where_(strike.resolved[0]), bytes_(strike.resolved[1]) {}
  Chance(std::uint64_t where, std::uint64_t bytes) : where_(where), bytes_(bytes) {}

  /// 0 to `most`, from the draw for places.
  std::uint64_t place(std::uint64_t most) const;
  /// The n-th number of 64 bits.
  std::uint64_t number(std::uint64_t n) const;

 private:
  std::uint64_t where_, bytes_;
};

/// The blocks that the command shares with the rule's LBA match, in bytes: ascending, disjoint.
/// Under key lba it is the block that was drawn.
std::vector<ByteRange> area_of(const faults::Strike& strike, const faults::Verdict& verdict,
                               const faults::Facts& facts);
/// What of `area` lies in a range.
std::vector<ByteRange> within(const std::vector<ByteRange>& area, ByteRange range);

/// 48 bits, not 0: of the rule, what was drawn (key and index), the fault's place in the rule, the
/// session and the unit.
std::uint64_t overlay_id(const faults::Strike& strike, const faults::Verdict& verdict,
                         const faults::Facts& facts);
/// A wrap is one for as long as its rule lives.
std::uint64_t wrap_id(std::string_view rule, std::uint16_t lun);

/// flip, set_bytes, zero, pattern and wire_flip.  `shown` are the octets at `shown_at`, all of the
/// area: bits that are stuck are stuck at other values than those.  Empty: nothing of the area is
/// struck.
Patches patches_in_place(const faults::DataFault& fault, const Chance& chance,
                         const std::vector<ByteRange>& area, std::uint64_t shown_at,
                         bytes::View shown);

/// First block of the other place of swap, misdirect and dup_write, for `blocks` blocks at `lba`;
/// nothing when it would be outside of the capacity.  A drawn one is not `lba` itself unless
/// `same_unit` is false.
std::optional<std::uint64_t> other_end(const faults::DataFault& fault, const Chance& chance,
                                       std::uint64_t lba, std::uint64_t blocks,
                                       std::uint64_t capacity_blocks, bool same_unit);

/// The parts of a torn write, [offset, length), that do not arrive.
std::vector<ByteRange> torn_away(const faults::DataFault& fault, const Chance& chance,
                                 ByteRange write, std::uint32_t block_size);

/// What unmapped blocks show by turns: octets that nobody wrote.
bytes::Buffer random_octets(const Chance& chance);

/// `octets` are at `offset_bytes`: whatever the patches cover of them becomes what they show.
void apply(const Patches& patches, std::uint64_t offset_bytes, bytes::Span octets);

}  // namespace faultlun::daemon
