// One SCSI command at the target, with all that the session keeps for it.  RFC 7143 §4.2.5, §11.3.
#pragma once

#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/pdu.hpp"
#include "protocol/scsi/command.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace faultlun::iscsi {

/// One sequence of Data-Out PDUs: the unsolicited one, or the answer to one R2T.
struct DataSequence {
  std::uint32_t index = 0;     ///< R2TSN that asked for it
  std::uint32_t received = 0;  ///< bytes
  std::uint32_t next_data_sn = 0;
  bool open = false;
};

/// What only unusual tasks need.
struct TaskExtra {
  struct Piece {
    std::uint32_t offset = 0;
    bytes::Buffer octets;
  };
  struct Range {
    std::uint32_t begin = 0, end = 0;
  };
  std::vector<Piece> held;  ///< unsolicited data that came before collect()
  std::size_t held_bytes = 0;
  std::optional<scsi::Reply> reply;  ///< the answer, waiting for the last Data-Out (A8.07)
  std::array<DataSequence, kMaxOutstandingR2T>
      sequences;              ///< DataSequenceInOrder=No: open sequences
  std::vector<Range> ranges;  ///< DataPDUInOrder=No: what has come, disjoint and ascending
};

/// Lives in the session's TaskTable from RunTask until complete(), finish_data_in() or discard().
struct Task {
  std::uint32_t initiator_task_tag = kReservedTag;
  std::uint32_t cmd_sn = 0;
  std::uint32_t expected_data_transfer_length = 0;
  bool immediate = false;              ///< sent with the I bit: outside the window
  bool reads = false, writes = false;  ///< R and W bits
  bool aborted = false;                ///< no answer of the device may leave any more
  std::uint8_t lun_field[8] = {};
  std::optional<std::uint16_t> lun;  ///< nothing: the LUN field names no unit of ours
  scsi::Command command;

  // Data-Out bookkeeping: owned by transfer.cpp.
  struct Transfer {
    std::uint32_t wanted = 0;     ///< bytes the device will take: min(SPDTL, EDTL)
    std::uint32_t received = 0;   ///< of these, bytes handed to the daemon
    std::uint32_t immediate = 0;  ///< bytes that came with the command
    std::uint32_t unsolicited_limit =
        0;                        ///< bytes that may come without R2T, immediate data included
    std::uint32_t r2t_begin = 0;  ///< offset that R2TSN 0 asked for
    std::uint32_t next_r2t_offset = 0;
    std::uint32_t first_tag = kReservedTag;  ///< TTT of R2TSN 0; the others follow in order
    std::uint32_t r2ts_sent = 0, r2ts_done = 0;
    DataSequence sequence;  ///< the unsolicited one or the oldest asked for
    scsi::SenseCode failure;
    bool failed = false;            ///< `failure` ends the task once all due data has come
    bool unsolicited_open = false;  ///< the F bit of the unsolicited sequence has not come yet
    bool collecting = false;        ///< the daemon called collect()
    bool paced = false;             ///< the daemon says when each R2T may go
    bool lost = false;              ///< unsolicited data was not kept: R2Ts ask for it again
    bool reported = false;          ///< DataComplete or DataFailed was emitted
  } transfer;

  std::uint32_t data_in_pdus = 0;  ///< DataSN of the next Data-In, ExpDataSN of the response
  void* host = nullptr;  ///< the daemon's, for tasks that do not complete in place; null otherwise

  // The session's own.
  std::uint32_t slot = 0;       ///< index in the TaskTable
  std::uint32_t next_free = 0;  ///< free list of the TaskTable
  std::uint32_t birth = 0;      ///< order of arrival in the session
  bool in_use = false;
  bool tagged = false;    ///< the tag leads here
  bool answered = false;  ///< the daemon is done with it: only due data and its status are missing
  bool draining = false;  ///< aborted; data that was asked for is still swallowed
  bool awaits_discard = false;  ///< aborted; an operation of the daemon still refers to it
  std::unique_ptr<TaskExtra> extra;
};
inline TaskExtra& extra_of(Task& task) {
  if (!task.extra) task.extra = std::make_unique<TaskExtra>();
  return *task.extra;
}
static_assert(sizeof(Task) <= 256, "16,384 held commands must stay affordable");

}  // namespace faultlun::iscsi
