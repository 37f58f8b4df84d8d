// Logical unit numbers on the wire.  SAM-5 §4.7.
#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint32_t kLunEnd = 16384;
constexpr std::array<std::uint8_t, 8> kReportLunsWellKnown{0xc1, 0x01};

bool rest_is_zero(std::span<const std::uint8_t, 8> octets, std::size_t from) {
  return std::ranges::all_of(octets.subspan(from), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

std::optional<std::uint16_t> parse_lun(std::span<const std::uint8_t, 8> octets) {
  const unsigned method = octets[0] >> 6;
  if (method == 0 && octets[0] == 0 && rest_is_zero(octets, 2))
    return octets[1];                            // peripheral, bus 0
  if (method == 1 && rest_is_zero(octets, 2)) {  // flat space
    return static_cast<std::uint16_t>(bytes::be16(octets.data()) & 0x3fff);
  }
  if (octets[0] == 0xd2 && rest_is_zero(octets, 4)) {  // extended flat space, 24 bits
    const std::uint32_t lun = bytes::be24(&octets[1]);
    if (lun < kLunEnd) return static_cast<std::uint16_t>(lun);
  }
  return std::nullopt;
}

void put_lun(std::span<std::uint8_t, 8> octets, std::uint16_t lun) {
  std::ranges::fill(octets, std::uint8_t{0});
  const auto flat = static_cast<std::uint16_t>(0x4000 | (lun & 0x3fff));
  bytes::put_be16(octets.data(), lun < 256 ? lun : flat);
}

bool is_report_luns_well_known(std::span<const std::uint8_t, 8> octets) {
  return std::ranges::equal(octets, kReportLunsWellKnown);
}

}  // namespace faultlun::scsi
