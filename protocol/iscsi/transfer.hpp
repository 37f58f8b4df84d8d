// The bookkeeping of Data-Out and R2T for one task.  RFC 7143 §4.2.5.2, §11.7, §11.8.
// Pure functions over Task: session_data.cpp moves the octets and sends the PDUs.
#pragma once

#include "protocol/iscsi/task.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <cstdint>
#include <optional>

namespace faultlun::iscsi {

/// Sense of broken transfers, §11.4.7.2 (A8.09).
inline constexpr auto kUnexpectedUnsolicitedData =
    scsi::sense("write_error_unexpected_unsolicited_data");
inline constexpr auto kIncorrectAmountOfData =
    scsi::sense("write_error_not_enough_unsolicited_data");
inline constexpr auto kProtocolServiceCrcError = scsi::sense("protocol_service_crc_error");
inline constexpr auto kInvalidFieldInCdb = scsi::sense("invalid_field_in_cdb");
inline constexpr auto kInvalidOperationCode = scsi::sense("invalid_command_operation_code");

/// DataPDUInOrder=No: a task whose data comes in more scattered pieces than this fails.
inline constexpr std::size_t kMaxDataOutRanges = 256;

/// The negotiated limits, lengths in bytes.
struct TransferRules {
  std::uint32_t first_burst = 65536;
  std::uint32_t max_burst = 262144;  ///< a multiple of four, at least 4
  std::uint32_t max_outstanding_r2t = 1;
  bool initial_r2t = true;
  bool immediate_data = true;
  bool pdu_in_order = true;
  bool sequence_in_order = true;
};
TransferRules transfer_rules(const Parameters& parameters);

/// Sets the bookkeeping up for a fresh command.  Returns the sense that must end it at once (after
/// its unsolicited data) when the command's flags and its immediate data break the rules.
std::optional<scsi::SenseCode> begin_transfer(Task& task, const TransferRules& rules,
                                              std::uint32_t immediate_bytes, bool final);

struct DataOutPdu {
  std::uint32_t target_transfer_tag = kReservedTag;
  std::uint32_t data_sn = 0;
  std::uint32_t offset = 0, length = 0;  ///< bytes
  bool final = false;
  bool digest_ok = true;
  bool lun_agrees = true;  ///< the LUN field is that of the command
};

struct TakenDataOut {
  bool deliver = false;            ///< the octets are good
  std::uint8_t reject_reason = 0;  ///< send a Reject, §11.17.1
};

/// Books one Data-Out PDU.  A PDU that breaks a rule spoils the transfer: it is Rejected where the
/// RFC has a reason for it, later PDUs of the task are swallowed without a word, and the task fails
/// when the last F bit that is due has come (A2.12, A8.07).
TakenDataOut take_data_out(Task& task, const TransferRules& rules, const DataOutPdu& pdu);

inline std::uint32_t outstanding_r2ts(const Task& task) {
  return task.transfer.r2ts_sent - task.transfer.r2ts_done;
}
/// Data-Out PDUs are still on their way.
inline bool data_due(const Task& task) {
  return task.transfer.unsolicited_open || task.transfer.r2ts_sent != task.transfer.r2ts_done;
}
/// The transfer ends with `code` when no data is due any more; the first failure counts.
void fail_transfer(Task& task, scsi::SenseCode code);

/// R2Ts a task still has to send, to reserve tags for.
std::uint32_t r2ts_needed(const Task& task, const TransferRules& rules);

/// Settles what the R2Ts will ask for: everything after the data that came unasked.  Once, before
/// the first next_r2t().
void begin_r2ts(Task& task, const TransferRules& rules, std::uint32_t first_tag);

struct R2t {
  std::uint32_t tag = 0, sn = 0, offset = 0, length = 0;
};
/// The next R2T that may go out now, booked as outstanding.
std::optional<R2t> next_r2t(Task& task, const TransferRules& rules);
/// An R2T would be allowed now.
bool may_send_r2t(const Task& task, const TransferRules& rules);

}  // namespace faultlun::iscsi
