#include "config/identity.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace faultlun::config {

namespace {

constexpr std::uint64_t kCompanyId = 0x02fa17;

std::uint64_t hash(std::string_view target, std::uint16_t lun, std::uint8_t which) {
  std::uint64_t h = 0xcbf29ce484222325;
  const auto mix = [&h](std::uint8_t octet) { h = (h ^ octet) * 0x100000001b3; };
  for (const char c : target)
    mix(static_cast<std::uint8_t>(c));
  for (const int octet : {0, lun >> 8, lun & 0xff, int{which}})
    mix(static_cast<std::uint8_t>(octet));
  // FNV leaves the upper bits of short inputs alike; SplitMix64's finalizer spreads them.
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
  h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
  return h ^ (h >> 31);
}

std::string sixteen_digits(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i)
    out[15 - i] = kDigits[(value >> (4 * i)) & 15];
  return out;
}

}  // namespace

Identity identity_of(std::string_view target, std::uint16_t lun) {
  const std::uint64_t low = hash(target, lun, 0);
  const std::uint64_t high = hash(target, lun, 1);
  const std::uint64_t first = (std::uint64_t{6} << 60) | (kCompanyId << 36) | (high >> 28);
  return {sixteen_digits(low), sixteen_digits(first) + sixteen_digits(low)};
}

void fill_derived(Config& config) {
  std::vector<std::uint16_t> groups;
  for (const Portal& portal : config.portals)
    groups.push_back(portal.group);
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  for (Target& target : config.targets) {
    if (target.portal_groups.empty()) target.portal_groups = groups;
    for (Lun& lun : target.luns) {
      if (!lun.serial.empty() && !lun.naa.empty()) continue;
      Identity identity = identity_of(target.name, lun.lun);
      if (lun.serial.empty()) lun.serial = std::move(identity.serial);
      if (lun.naa.empty()) lun.naa = std::move(identity.naa);
    }
  }
}

std::array<std::uint64_t, 2> naa_words(std::string_view digits) {
  std::array<std::uint64_t, 2> words{};
  for (std::size_t i = 0; i < 2 && digits.size() >= 16 * (i + 1); ++i)
    std::from_chars(digits.data() + 16 * i, digits.data() + 16 * (i + 1), words[i], 16);
  return words;
}

std::uint8_t physical_block_exponent(const Lun& lun) {
  if (lun.physical_block_size <= lun.block_size) return 0;
  return static_cast<std::uint8_t>(std::countr_zero(lun.physical_block_size) -
                                   std::countr_zero(lun.block_size));
}

}  // namespace faultlun::config
