// The 48-byte basic header segments of all PDUs, as overlays.  RFC 7143 §11 (section numbers
// below), RFC 7144 §6. Fields keep the standard's order and names; numbers are big-endian buffers
// that are read with value() and written by assignment.  `T{}` is an all-zero header, so reserved
// fields go out as zero (A2.01).
#pragma once

#include "protocol/bytes/bytes.hpp"
#include "protocol/iscsi/pdu.hpp"

#include <boost/endian/buffers.hpp>

#include <cstddef>
#include <cstdint>

namespace faultlun::iscsi::wire {

namespace be = boost::endian;
using U16 = be::big_uint16_buf_t;
using U24 = be::big_uint24_buf_t;
using U32 = be::big_uint32_buf_t;

/// §11.2.1.2.  Initiator opcodes are below 20h, target opcodes 20h and above.
namespace opcode {
inline constexpr std::uint8_t kNopOut = 0x00;
inline constexpr std::uint8_t kScsiCommand = 0x01;
inline constexpr std::uint8_t kTaskManagementRequest = 0x02;
inline constexpr std::uint8_t kLoginRequest = 0x03;
inline constexpr std::uint8_t kTextRequest = 0x04;
inline constexpr std::uint8_t kDataOut = 0x05;
inline constexpr std::uint8_t kLogoutRequest = 0x06;
inline constexpr std::uint8_t kSnackRequest = 0x10;
inline constexpr std::uint8_t kNopIn = 0x20;
inline constexpr std::uint8_t kScsiResponse = 0x21;
inline constexpr std::uint8_t kTaskManagementResponse = 0x22;
inline constexpr std::uint8_t kLoginResponse = 0x23;
inline constexpr std::uint8_t kTextResponse = 0x24;
inline constexpr std::uint8_t kDataIn = 0x25;
inline constexpr std::uint8_t kLogoutResponse = 0x26;
inline constexpr std::uint8_t kR2t = 0x31;
inline constexpr std::uint8_t kAsyncMessage = 0x32;
inline constexpr std::uint8_t kReject = 0x3f;
}  // namespace opcode

inline constexpr std::uint8_t kOpcodeMask = 0x3f;
inline constexpr std::uint8_t kImmediate = 0x40;  ///< octet 0, the I bit

/// Octet 1.
inline constexpr std::uint8_t kFinal = 0x80;
inline constexpr std::uint8_t kContinue = 0x40;       ///< Text and Login: C
inline constexpr std::uint8_t kRead = 0x40;           ///< SCSI Command: R
inline constexpr std::uint8_t kWrite = 0x20;          ///< SCSI Command: W
inline constexpr std::uint8_t kAttributeMask = 0x07;  ///< SCSI Command: ATTR
inline constexpr std::uint8_t kOverflow = 0x04;       ///< SCSI Response, Data-In: O
inline constexpr std::uint8_t kUnderflow = 0x02;      ///< SCSI Response, Data-In: U
inline constexpr std::uint8_t kStatus = 0x01;         ///< Data-In: S

/// §11.17.1
namespace reject {
inline constexpr std::uint8_t kDataDigestError = 0x02;
inline constexpr std::uint8_t kSnackReject = 0x03;
inline constexpr std::uint8_t kProtocolError = 0x04;
inline constexpr std::uint8_t kCommandNotSupported = 0x05;
inline constexpr std::uint8_t kTooManyImmediateCommands = 0x06;
inline constexpr std::uint8_t kTaskInProgress = 0x07;
inline constexpr std::uint8_t kInvalidDataAck = 0x08;
inline constexpr std::uint8_t kInvalidPduField = 0x09;
inline constexpr std::uint8_t kOutOfResources = 0x0a;
inline constexpr std::uint8_t kWaitingForLogout = 0x0c;
}  // namespace reject

/// Additional header segments, §11.2.2.
inline constexpr std::uint8_t kExtendedCdbAhs = 1;
inline constexpr std::uint8_t kBidirectionalReadLengthAhs = 2;

/// What every header has in common, §11.2.1.
struct BasicBhs {
  std::uint8_t opcode;
  std::uint8_t specific[3];
  std::uint8_t total_ahs_length;  // 4-byte words
  U24 data_segment_length;        // bytes, padding excluded
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  std::uint8_t more[28];
};

/// SCSI Command, §11.3.
struct ScsiCommandBhs {
  std::uint8_t opcode;
  std::uint8_t flags;     // F R W 0 0 ATTR
  std::uint8_t priority;  // RFC 7144 §5.1: PRI in bits 3..0; ignored
  std::uint8_t reserved;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 expected_data_transfer_length;  // bytes
  U32 cmd_sn;
  U32 exp_stat_sn;
  std::uint8_t cdb[16];
};

/// SCSI Response, §11.4.
struct ScsiResponseBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // 1 0 0 o u O U 0
  std::uint8_t response;
  std::uint8_t status;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  U16 status_qualifier;  // RFC 7144 §5.2
  std::uint8_t reserved[6];
  U32 initiator_task_tag;
  U32 snack_tag;
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  U32 exp_data_sn;
  U32 bidirectional_read_residual_count;
  U32 residual_count;
};

/// Task Management Function Request, §11.5.
struct TaskManagementRequestBhs {
  std::uint8_t opcode;
  std::uint8_t function;  // bit 7: 1, bits 6..0: function
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 referenced_task_tag;
  U32 cmd_sn;
  U32 exp_stat_sn;
  U32 ref_cmd_sn;
  U32 exp_data_sn;
  std::uint8_t reserved2[8];
};

/// Task Management Function Response, §11.6, with the field that RFC 7144 §6.2 added.
struct TaskManagementResponseBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t response;
  std::uint8_t reserved1;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  U24 additional_response_information;
  std::uint8_t reserved2[5];
  U32 initiator_task_tag;
  std::uint8_t reserved3[4];
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t reserved4[12];
};

/// SCSI Data-Out, §11.7.
struct DataOutBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // F
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  std::uint8_t reserved2[4];
  U32 exp_stat_sn;
  std::uint8_t reserved3[4];
  U32 data_sn;
  U32 buffer_offset;  // bytes
  std::uint8_t reserved4[4];
};

/// SCSI Data-In, §11.7.
struct DataInBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // F A 0 0 0 O U S
  std::uint8_t reserved;
  std::uint8_t status;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  U32 data_sn;
  U32 buffer_offset;  // bytes
  U32 residual_count;
};

/// Ready To Transfer, §11.8.
struct R2tBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t reserved[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  U32 r2t_sn;
  U32 buffer_offset;                 // bytes
  U32 desired_data_transfer_length;  // bytes
};

/// Asynchronous Message, §11.9.
struct AsyncMessageBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 all_ones;  // FFFFFFFFh
  std::uint8_t reserved2[4];
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t async_event;
  std::uint8_t async_vcode;
  U16 parameter1;
  U16 parameter2;
  U16 parameter3;
  std::uint8_t reserved3[4];
};

/// Text Request, §11.10.
struct TextRequestBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // F C
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 cmd_sn;
  U32 exp_stat_sn;
  std::uint8_t reserved2[16];
};

/// Text Response, §11.11.
struct TextResponseBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // F C
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t reserved2[12];
};

/// Login Request, §11.12.
struct LoginRequestBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // T C 0 0 CSG NSG
  std::uint8_t version_max;
  std::uint8_t version_min;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t isid[6];
  U16 tsih;
  U32 initiator_task_tag;
  U16 cid;
  std::uint8_t reserved1[2];
  U32 cmd_sn;
  U32 exp_stat_sn;
  std::uint8_t reserved2[16];
};

/// Login Response, §11.13.
struct LoginResponseBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // T C 0 0 CSG NSG
  std::uint8_t version_max;
  std::uint8_t version_active;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t isid[6];
  U16 tsih;
  U32 initiator_task_tag;
  std::uint8_t reserved1[4];
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t status_class;
  std::uint8_t status_detail;
  std::uint8_t reserved2[10];
};

/// Logout Request, §11.14.
struct LogoutRequestBhs {
  std::uint8_t opcode;
  std::uint8_t reason;  // bit 7: 1, bits 6..0: reason
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t reserved2[8];
  U32 initiator_task_tag;
  U16 cid;
  std::uint8_t reserved3[2];
  U32 cmd_sn;
  U32 exp_stat_sn;
  std::uint8_t reserved4[16];
};

/// Logout Response, §11.15.
struct LogoutResponseBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t response;
  std::uint8_t reserved1;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t reserved2[8];
  U32 initiator_task_tag;
  std::uint8_t reserved3[4];
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t reserved4[4];
  U16 time2wait;    // seconds
  U16 time2retain;  // seconds
  std::uint8_t reserved5[4];
};

/// SNACK Request, §11.16.
struct SnackRequestBhs {
  std::uint8_t opcode;
  std::uint8_t type;  // bit 7: 1, bits 3..0: type
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  std::uint8_t reserved2[4];
  U32 exp_stat_sn;
  std::uint8_t reserved3[8];
  U32 beg_run;
  U32 run_length;
};

/// Reject, §11.17.
struct RejectBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t reason;
  std::uint8_t reserved1;
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t reserved2[8];
  U32 all_ones;  // FFFFFFFFh
  std::uint8_t reserved3[4];
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  U32 data_sn;
  std::uint8_t reserved4[8];
};

/// NOP-Out, §11.18.
struct NopOutBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 cmd_sn;
  U32 exp_stat_sn;
  std::uint8_t reserved2[16];
};

/// NOP-In, §11.19.
struct NopInBhs {
  std::uint8_t opcode;
  std::uint8_t flags;  // bit 7: 1
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  U24 data_segment_length;
  std::uint8_t lun[8];
  U32 initiator_task_tag;
  U32 target_transfer_tag;
  U32 stat_sn;
  U32 exp_cmd_sn;
  U32 max_cmd_sn;
  std::uint8_t reserved2[12];
};

template <typename T>
concept Bhs = bytes::WireStruct<T> &&
              sizeof(T) == kBhsBytes&& offsetof(T, data_segment_length) == 5;

static_assert(Bhs<BasicBhs> && offsetof(BasicBhs, initiator_task_tag) == 16);
static_assert(Bhs<ScsiCommandBhs> && offsetof(ScsiCommandBhs, cmd_sn) == 24 &&
              offsetof(ScsiCommandBhs, cdb) == 32);
static_assert(Bhs<ScsiResponseBhs> && offsetof(ScsiResponseBhs, stat_sn) == 24 &&
              offsetof(ScsiResponseBhs, residual_count) == 44);
static_assert(Bhs<TaskManagementRequestBhs> &&
              offsetof(TaskManagementRequestBhs, referenced_task_tag) == 20 &&
              offsetof(TaskManagementRequestBhs, ref_cmd_sn) == 32);
static_assert(Bhs<TaskManagementResponseBhs> &&
              offsetof(TaskManagementResponseBhs, additional_response_information) == 8 &&
              offsetof(TaskManagementResponseBhs, stat_sn) == 24);
static_assert(Bhs<DataOutBhs> && offsetof(DataOutBhs, target_transfer_tag) == 20 &&
              offsetof(DataOutBhs, data_sn) == 36 && offsetof(DataOutBhs, buffer_offset) == 40);
static_assert(Bhs<DataInBhs> && offsetof(DataInBhs, data_sn) == 36 &&
              offsetof(DataInBhs, residual_count) == 44);
static_assert(Bhs<R2tBhs> && offsetof(R2tBhs, r2t_sn) == 36 &&
              offsetof(R2tBhs, desired_data_transfer_length) == 44);
static_assert(Bhs<AsyncMessageBhs> && offsetof(AsyncMessageBhs, async_event) == 36 &&
              offsetof(AsyncMessageBhs, parameter3) == 42);
static_assert(Bhs<TextRequestBhs> && offsetof(TextRequestBhs, target_transfer_tag) == 20);
static_assert(Bhs<TextResponseBhs> && offsetof(TextResponseBhs, stat_sn) == 24);
static_assert(Bhs<LoginRequestBhs> && offsetof(LoginRequestBhs, tsih) == 14 &&
              offsetof(LoginRequestBhs, cid) == 20);
static_assert(Bhs<LoginResponseBhs> && offsetof(LoginResponseBhs, status_class) == 36);
static_assert(Bhs<LogoutRequestBhs> && offsetof(LogoutRequestBhs, cid) == 20);
static_assert(Bhs<LogoutResponseBhs> && offsetof(LogoutResponseBhs, time2wait) == 40);
static_assert(Bhs<SnackRequestBhs> && offsetof(SnackRequestBhs, beg_run) == 40);
static_assert(Bhs<RejectBhs> && offsetof(RejectBhs, data_sn) == 36);
static_assert(Bhs<NopOutBhs> && offsetof(NopOutBhs, target_transfer_tag) == 20);
static_assert(Bhs<NopInBhs> && offsetof(NopInBhs, stat_sn) == 24);

/// The header of a PDU as one of the overlays.
template <Bhs T>
T load(bytes::View header) {
  return bytes::load<T>(header.first<kBhsBytes>());
}

}  // namespace faultlun::iscsi::wire
