// The full-feature phase of a session with one connection.  RFC 7143 §4, §7, §11.
// PDUs in; effects out.  Answers go into the Outbox; what needs a logical unit, a medium, a clock or another
// session is returned as an Effect for the daemon to perform at once, in order.
//
// A task's life:
//   SCSI Command ─► RunTask ─► (daemon decides, plans)
//        read:   begin_data_in() / room_for_data_in() … ─► complete()
//        write:  collect() ─► DataOut* ─► DataComplete ─► (daemon writes) ─► complete()
//        reply:  complete()
#pragma once

#include "protocol/bytes/bytes.hpp"
#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/outbox.hpp"
#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/pdu.hpp"
#include "protocol/scsi/command.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace faultlun::iscsi {

using TimePoint = std::chrono::steady_clock::time_point;

/// One command at the target.  Lives in the session's TaskTable from RunTask until complete() or discard().
struct Task {
  std::uint32_t initiator_task_tag = kReservedTag;
  std::uint32_t cmd_sn = 0;
  std::uint32_t expected_data_transfer_length = 0;
  bool immediate = false;                 ///< sent with the I bit: outside the window
  bool reads = false, writes = false;     ///< R and W bits
  std::uint8_t lun_field[8] = {};
  std::optional<std::uint16_t> lun;       ///< nothing: the LUN field names no unit of ours
  scsi::Command command;

  // Data-Out bookkeeping: owned by transfer.cpp.
  struct Transfer {
    std::uint32_t wanted = 0;             ///< bytes the device will take: min(SPDTL, EDTL)
    std::uint32_t received = 0;           ///< bytes handed to the daemon or dropped
    std::uint32_t unsolicited_limit = 0;  ///< bytes that may come without R2T, immediate data included
    std::uint32_t next_r2t_offset = 0;
    std::uint32_t next_data_sn = 0, next_r2t_sn = 0;
    std::uint32_t first_tag = kReservedTag;  ///< oldest outstanding TTT; the others follow in order
    std::uint16_t outstanding_r2t = 0;
    bool unsolicited_open = false;        ///< the F bit of the unsolicited burst has not come yet
    bool collecting = false;              ///< the daemon called collect()
  } transfer;

  bool aborted = false;                   ///< no answer may leave any more
  std::uint32_t data_in_pdus = 0;         ///< ExpDataSN of the response
  std::uint32_t slot = 0;                 ///< index in the TaskTable
  void* host = nullptr;                   ///< the daemon's, for tasks that do not complete in place; null otherwise
};

namespace effect {

/// Decide and execute this task now; `immediate_data` lies in the receive buffer and is good until receive() is called again.
struct RunTask {
  Task* task;
  bytes::View immediate_data;
};
/// A piece of Data-Out for a task that collects; `offset` is the Buffer Offset.
struct DataOut {
  Task* task;
  std::uint32_t offset;
  bytes::View data;
};
/// All of `transfer.wanted` has been delivered.
struct DataComplete {
  Task* task;
};
/// The transfer failed (wrong amount, wrong order, digest): end the task with this sense; all data that was due has come.
struct DataFailed {
  Task* task;
  scsi::Sense sense;
};
/// The daemon forgets the task (stops its operation, ignores its result) and calls discard() when nothing refers to it any more.
struct AbortTask {
  Task* task;
};
/// A task management function that needs units or other sessions.  The session's own tasks that it covers have already been
/// announced with AbortTask where the function only concerns this nexus (ABORT TASK, ABORT TASK SET, I_T NEXUS RESET);
/// answer with finish_task_management().
struct ManageTasks {
  std::uint32_t initiator_task_tag;
  std::uint8_t function;
  std::uint8_t lun_field[8];
  std::optional<std::uint16_t> lun;
};
/// Send what is in the outbox, then close.  `end_session`: the nexus is gone.
struct Close {
  enum class Why : std::uint8_t { logout, protocol_error, format_error, reset, idle };
  Why why;
  const char* text;  ///< for the log
};

}  // namespace effect

using Effect = std::variant<effect::RunTask, effect::DataOut, effect::DataComplete, effect::DataFailed,
                            effect::AbortTask, effect::ManageTasks, effect::Close>;
using Effects = std::vector<Effect>;  ///< cleared and reused by the caller: no allocation per PDU

class Session {
 public:
  /// `directory` is asked by SendTargets; it must outlive the session or be replaced with set_directory().
  Session(LoginResult login, const Directory& directory, std::uint32_t command_window = kCommandWindow);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const LoginResult& login() const;
  Framing framing() const;
  void set_directory(const Directory& directory);

  /// One PDU.  Appends answers to `out` and effects to `effects`; perform the effects before the next call.
  void receive(const PduView& pdu, TimePoint now, Outbox& out, Effects& effects);

  // ---- what the daemon does with a task --------------------------------------------------------------

  /// The device wants `device_length` bytes of Data-Out (SPDTL); min(that, EDTL) will be delivered.  The immediate data that came with
  /// RunTask is the daemon's to take first: `immediate_taken` bytes.  Sends R2Ts as allowed.  Emits DataComplete at once when nothing is missing.
  void collect(Task& task, std::uint64_t device_length, std::size_t immediate_taken, Outbox& out, Effects& effects);

  /// Data-In in order: next_data_in() tells how long the next PDU's segment may be (at most kMaxDataInSegment; 0: all sent); then either
  /// room_for_data_in() gives room in the outbox to fill, or put_data_in() pins a view; both may take less than next_data_in() allowed
  /// (a multiple of 4 unless it is the end).  `total` is min(SPDTL, EDTL).  `last` puts S=1 and GOOD into that PDU (then call
  /// finish_data_in instead of complete()).
  struct DataInCursor {
    std::uint32_t total = 0, sent = 0;      ///< bytes
    std::uint64_t device_length = 0;        ///< SPDTL, for the residual
  };
  std::uint32_t next_data_in(const DataInCursor& cursor) const;
  bytes::Span room_for_data_in(Task& task, DataInCursor& cursor, std::uint32_t length, Outbox& out);
  void seal_data_in(bytes::Span room);      ///< after filling: pads are zeroed, the data digest computed
  void put_data_in(Task& task, DataInCursor& cursor, bytes::View data, void* pin, void (*release)(void*) noexcept, Outbox& out);
  /// After the last Data-In, which carried GOOD: the task is gone.
  void finish_data_in(Task& task);

  /// Answers the task: Data-In of reply.data_in if any, then status (RFC 7143 §11.4; sense in the data segment).  Waits for unsolicited data that
  /// is still due (A8.07).  The task is gone once its status is out.
  void complete(Task& task, scsi::Reply reply, Outbox& out);

  /// An aborted task that nothing refers to any more.
  void discard(Task& task);

  // ---- task management and events ------------------------------------------------------------------------

  void finish_task_management(std::uint32_t initiator_task_tag, std::uint8_t response, std::uint32_t additional, Outbox& out);
  /// Another nexus aborted tasks here (LOGICAL UNIT RESET, CLEAR TASK SET, target reset).  Each becomes an AbortTask effect; with
  /// `task_aborted_status` each is answered TASK ABORTED instead of silence.  `lun`: nothing means every LUN.
  void abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status, Outbox& out, Effects& effects);
  std::size_t tasks_at(std::optional<std::uint16_t> lun) const;
  std::size_t task_count() const;
  template <typename Visit>
  void for_each_task(Visit visit);

  /// Asynchronous Message, RFC 7143 §11.9: 1 logout of this connection within parameter3 s, 2 dropping it, 3 dropping all, 4 negotiate.
  void send_async_event(std::uint8_t event, std::uint16_t parameter1, std::uint16_t parameter2, std::uint16_t parameter3, Outbox& out);
  void send_nop_in(bool want_answer, Outbox& out);   ///< unsolicited; want_answer gives it a TTT
  bool nop_in_outstanding() const;                   ///< a ping of ours has no answer yet
  bool logout_requested() const;                     ///< event 1 was sent

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace faultlun::iscsi
