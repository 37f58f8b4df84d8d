// A command descriptor block as a value: 6 to 32 bytes, read big-endian.  SPC-4 §4.3.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <algorithm>
#include <array>

namespace faultlun::scsi {

inline constexpr std::size_t kCdbBytes = 32;  ///< the longest CDB we take (variable length, 7Fh)

struct Cdb {
  std::array<std::uint8_t, kCdbBytes> raw{};
  std::uint8_t length = 16;  ///< octets that arrived: 16, or more with an extended-CDB AHS

  Cdb() = default;
  explicit Cdb(bytes::View octets)
      : length(static_cast<std::uint8_t>(std::min(octets.size(), kCdbBytes))) {
    std::copy_n(octets.begin(), length, raw.begin());
  }

  std::uint8_t opcode() const { return raw[0]; }
  std::uint8_t operator[](std::size_t at) const { return raw[at]; }
  std::uint16_t be16(std::size_t at) const { return bytes::be16(raw.data() + at); }
  std::uint32_t be24(std::size_t at) const { return bytes::be24(raw.data() + at); }
  std::uint32_t be32(std::size_t at) const { return bytes::be32(raw.data() + at); }
  std::uint64_t be64(std::size_t at) const { return bytes::be64(raw.data() + at); }
};

}  // namespace faultlun::scsi
