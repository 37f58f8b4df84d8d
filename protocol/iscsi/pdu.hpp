// Finding PDUs in received bytes.  RFC 7143 §11.2 (format), §13.1 (digests).  The layouts are in
// wire.hpp.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <cstdint>

namespace faultlun::iscsi {

inline constexpr std::size_t kBhsBytes = 48;
inline constexpr std::size_t kDigestBytes = 4;
inline constexpr std::uint32_t kReservedTag = 0xffffffff;

/// One received PDU; all parts lie in the receive buffer.
struct PduView {
  bytes::View header;          ///< kBhsBytes octets
  bytes::View ahs;             ///< all additional header segments, TotalAHSLength octets
  bytes::View data;            ///< the data segment without padding
  bool data_digest_ok = true;  ///< false: DataDigest is on and does not match

  std::uint8_t opcode() const { return header[0] & 0x3f; }
  bool immediate() const { return (header[0] & 0x40) != 0; }
  bool final() const { return (header[1] & 0x80) != 0; }
  std::uint32_t initiator_task_tag() const { return bytes::be32(header.data() + 16); }
  std::uint32_t cmd_sn() const { return bytes::be32(header.data() + 24); }
  std::uint32_t exp_stat_sn() const { return bytes::be32(header.data() + 28); }
};

struct Framing {
  bool header_digest = false, data_digest = false;
  std::uint32_t max_data_segment = 8192;  ///< a longer DataSegmentLength is a format error (§7.7)
};

enum class FrameState : std::uint8_t {
  pdu,         ///< `pdu` is whole; `length` octets were used
  incomplete,  ///< `length` octets are needed in all (at least; more when the header is not there
               ///< yet)
  bad_header_digest,  ///< close the connection (§7.8, ErrorRecoveryLevel 0)
  too_long,           ///< DataSegmentLength over the limit: close
};

struct Frame {
  FrameState state = FrameState::incomplete;
  std::size_t length = 0;
  PduView pdu;
};

/// Looks at the start of `octets`.  Never reads past the end; checks both digests of a whole PDU.
Frame next_frame(bytes::View octets, const Framing& framing);

}  // namespace faultlun::iscsi
