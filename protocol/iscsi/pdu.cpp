#include "protocol/iscsi/pdu.hpp"

#include "protocol/bytes/crc32c.hpp"

namespace faultlun::iscsi {
namespace {

constexpr std::size_t kAhsLengthAt = 4;          // TotalAHSLength, in words of four octets
constexpr std::size_t kDataSegmentLengthAt = 5;  // three octets

Frame incomplete(std::size_t length) {
  return {FrameState::incomplete, length, {}};
}

bool digest_fits(bytes::View octets, const std::uint8_t* digest) {
  return bytes::crc32c(octets) == bytes::get_digest(digest);
}

}  // namespace

Frame next_frame(bytes::View octets, const Framing& framing) {
  if (octets.size() < kBhsBytes) return incomplete(kBhsBytes);
  const std::size_t ahs_length = std::size_t{octets[kAhsLengthAt]} * 4;
  const std::size_t data_length = bytes::be24(octets.data() + kDataSegmentLengthAt);
  const std::size_t header_length = kBhsBytes + ahs_length;
  const std::size_t data_at = header_length + (framing.header_digest ? kDigestBytes : 0);

  // With a digest the header is believed only after the check.
  if (framing.header_digest) {
    if (octets.size() < data_at) return incomplete(data_at);
    if (!digest_fits(octets.first(header_length), octets.data() + header_length))
      return {FrameState::bad_header_digest, data_at, {}};
  }
  if (data_length > framing.max_data_segment) return {FrameState::too_long, data_at, {}};

  const std::size_t padded_length = bytes::padded4(data_length);
  const bool data_digest = framing.data_digest && data_length > 0;
  const std::size_t length = data_at + padded_length + (data_digest ? kDigestBytes : 0);
  if (octets.size() < length) return incomplete(length);

  Frame frame{FrameState::pdu, length, {}};
  frame.pdu.header = octets.first(kBhsBytes);
  frame.pdu.ahs = octets.subspan(kBhsBytes, ahs_length);
  frame.pdu.data = octets.subspan(data_at, data_length);
  if (data_digest)
    frame.pdu.data_digest_ok = digest_fits(octets.subspan(data_at, padded_length),
                                           octets.data() + data_at + padded_length);
  return frame;
}

}  // namespace faultlun::iscsi
