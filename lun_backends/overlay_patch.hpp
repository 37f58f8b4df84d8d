// A patch: what one corruption does to a run of bytes.  Every byte shows (below & keep) ^ flip,
// which says "these bytes instead", "zeros", "these bits inverted" and "these bits stuck" alike.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace faultlun::lun_backends {

/// `keep` and `flip` repeat over the range from its first byte on, each with its own length.
struct Patch {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::vector<std::uint8_t> keep;  ///< empty: keeps nothing of what is below
  std::vector<std::uint8_t> flip;  ///< empty: flips nothing

  std::uint64_t end_bytes() const { return offset_bytes + length_bytes; }
  /// Nothing below can be seen through it.
  bool is_opaque() const { return keep.empty(); }
};

/// `octets` instead of what is there.
Patch patch_showing(std::uint64_t offset_bytes, std::vector<std::uint8_t> octets);

/// `unit` again and again instead of what is there; zeros when it is empty.
Patch patch_filling(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                    std::vector<std::uint8_t> unit = {});

/// The bits of `mask`, which repeats, inverted.
Patch patch_flipping(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                     std::vector<std::uint8_t> mask);

/// The bits of `mask`, which repeats, always one.
Patch patch_setting(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                    std::vector<std::uint8_t> mask);

/// The bits of `mask`, which repeats, always zero.
Patch patch_clearing(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                     std::vector<std::uint8_t> mask);

/// `octets` are what is below at `offset_bytes`, inside the patch; they become what it shows.
void apply(const Patch& patch, std::uint64_t offset_bytes, std::span<std::uint8_t> octets);

}  // namespace faultlun::lun_backends
