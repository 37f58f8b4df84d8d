// What login settles between the two ends.  RFC 7143 §13; names as there, lengths in bytes, times
// in seconds. Also the limits of this target, each a named constant with a test at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace faultlun::iscsi {

inline constexpr std::size_t kMaxNameBytes = 223;   // RFC 7143 §4.2.7.1
inline constexpr std::size_t kMaxAliasBytes = 255;  // §13.6, §13.7
inline constexpr std::size_t kMaxTextBytes =
    std::size_t{64} * 1024;  // one negotiation, all its PDUs (§6.1)
inline constexpr std::uint32_t kLoginMaxDataSegment =
    8192;  // before MaxRecvDataSegmentLength counts (§13.12)
inline constexpr std::uint32_t kMaxRecvDataSegmentLength = 256 * 1024;  // what we declare
inline constexpr std::uint32_t kMaxBurstLength =
    1024 * 1024;  // our offer; the result is the smaller
inline constexpr std::uint32_t kFirstBurstLength = 256 * 1024;
inline constexpr std::uint16_t kMaxOutstandingR2T = 8;
inline constexpr std::uint32_t kMaxDataInSegment =
    64 * 1024;  // our Data-In PDUs, even if the peer takes longer ones
inline constexpr std::uint32_t kCommandWindow = 16384;  // commands a session may have at the target

enum class SessionType : std::uint8_t { normal, discovery };
enum class TaskReporting : std::uint8_t { rfc3720, response_fence, fast_abort };

struct Parameters {
  bool header_digest = false, data_digest = false;
  std::uint32_t peer_max_recv_data_segment_length = 8192;  ///< limit of what we send
  std::uint32_t our_max_recv_data_segment_length =
      8192;  ///< limit of what we take (declared by us)
  std::uint32_t max_burst_length = 262144;
  std::uint32_t first_burst_length = 65536;
  bool initial_r2t = true;
  bool immediate_data = true;
  std::uint16_t max_outstanding_r2t = 1;
  std::uint16_t default_time2wait = 2;
  std::uint16_t default_time2retain = 20;
  bool data_pdu_in_order = true;
  bool data_sequence_in_order = true;
  std::uint8_t error_recovery_level = 0;
  std::uint16_t max_connections = 1;
  std::uint8_t protocol_level = 1;
  TaskReporting task_reporting = TaskReporting::rfc3720;
};

}  // namespace faultlun::iscsi
