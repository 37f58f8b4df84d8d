#include "lun_backends/overlay_patch.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <utility>

namespace faultlun::lun_backends {
namespace {

std::vector<std::uint8_t> inverted(std::vector<std::uint8_t> mask) {
  for (auto& octet : mask)
    octet = static_cast<std::uint8_t>(~octet);
  return mask;
}

/// Calls f(place, unit) for each piece of `octets` that lies in one repetition of `unit`.
template <typename F>
void for_each_repetition(std::span<const std::uint8_t> unit, std::uint64_t phase,
                         std::span<std::uint8_t> octets, F f) {
  auto at = static_cast<std::size_t>(phase % unit.size());
  while (!octets.empty()) {
    const std::size_t length = std::min(unit.size() - at, octets.size());
    f(octets.first(length), unit.subspan(at, length));
    octets = octets.subspan(length);
    at = 0;
  }
}

void keep_only(std::span<std::uint8_t> octets, std::span<const std::uint8_t> mask) {
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] &= mask[i];
}

void invert(std::span<std::uint8_t> octets, std::span<const std::uint8_t> mask) {
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] ^= mask[i];
}

void replace(std::span<std::uint8_t> octets, std::span<const std::uint8_t> with) {
  std::memcpy(octets.data(), with.data(), octets.size());
}

}  // namespace

Patch patch_showing(std::uint64_t offset_bytes, std::vector<std::uint8_t> octets) {
  const std::uint64_t length = octets.size();
  return {offset_bytes, length, {}, std::move(octets)};
}

Patch patch_filling(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                    std::vector<std::uint8_t> unit) {
  return {offset_bytes, length_bytes, {}, std::move(unit)};
}

Patch patch_flipping(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                     std::vector<std::uint8_t> mask) {
  return {offset_bytes, length_bytes, {0xff}, std::move(mask)};
}

Patch patch_setting(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                    std::vector<std::uint8_t> mask) {
  auto keep = mask.empty() ? std::vector<std::uint8_t>{0xff} : inverted(mask);
  return {offset_bytes, length_bytes, std::move(keep), std::move(mask)};
}

Patch patch_clearing(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                     std::vector<std::uint8_t> mask) {
  auto keep = mask.empty() ? std::vector<std::uint8_t>{0xff} : inverted(std::move(mask));
  return {offset_bytes, length_bytes, std::move(keep), {}};
}

void apply(const Patch& patch, std::uint64_t offset_bytes, std::span<std::uint8_t> octets) {
  assert(offset_bytes >= patch.offset_bytes);
  assert(octets.size() <= patch.end_bytes() - offset_bytes);
  if (octets.empty()) return;
  const std::uint64_t phase = offset_bytes - patch.offset_bytes;
  if (patch.keep.empty() && patch.flip.empty()) {
    std::memset(octets.data(), 0, octets.size());
  } else if (patch.keep.empty()) {
    for_each_repetition(patch.flip, phase, octets, replace);
  } else {
    for_each_repetition(patch.keep, phase, octets, keep_only);
    if (!patch.flip.empty()) for_each_repetition(patch.flip, phase, octets, invert);
  }
}

}  // namespace faultlun::lun_backends
