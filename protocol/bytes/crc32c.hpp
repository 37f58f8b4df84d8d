// CRC32C (Castagnoli), the digest of iSCSI headers and data.  RFC 7143 §13.1 and Appendix A.4.
// Long runs go to ISA-L, which picks its code by the processor; 48-byte headers stay inline with
// SSE4.2.
#pragma once

#include "protocol/bytes/bytes.hpp"

namespace faultlun::bytes {

/// The digest of one run of octets, as a number; on the wire its least significant octet goes first
/// (RFC 7143 Appendix A.4 gives the worked examples).
std::uint32_t crc32c(View octets);

/// Continues a digest: crc32c_append(crc32c(a), b) == crc32c(a followed by b).
std::uint32_t crc32c_append(std::uint32_t digest, View octets);

/// Puts a digest into four octets in wire order, and reads it back.
inline void put_digest(std::uint8_t* p, std::uint32_t digest) {
  boost::endian::store_little_u32(p, digest);
}
inline std::uint32_t get_digest(const std::uint8_t* p) {
  return boost::endian::load_little_u32(p);
}

}  // namespace faultlun::bytes
