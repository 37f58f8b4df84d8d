// The full-feature phase of a session with one connection.  RFC 7143 §4, §7, §11.
// PDUs in; effects out.  Answers go into the Outbox; what needs a logical unit, a medium, a clock
// or another session is returned as an Effect for the daemon to perform at once, in order.
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
#include "protocol/iscsi/task.hpp"
#include "protocol/scsi/command.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace faultlun::iscsi {

using TimePoint = std::chrono::steady_clock::time_point;

namespace effect {

/// Decide and execute this task now; `immediate_data` lies in the receive buffer and is good until
/// receive() is called again.
struct RunTask {
  Task* task;
  bytes::View immediate_data;
};
/// A piece of Data-Out for a task that collects; `offset` is the Buffer Offset.  Pieces come in any
/// order when DataPDUInOrder or DataSequenceInOrder was negotiated No, but never overlap.  `data`
/// is good until receive() is called again.
struct DataOut {
  Task* task;
  std::uint32_t offset;
  bytes::View data;
};
/// All of `transfer.wanted` has been delivered.
struct DataComplete {
  Task* task;
};
/// Of a task whose transfer is `paced`: an R2T may go; send it with send_r2t() when its time has
/// come. May be said more than once for the same one.
struct R2tDue {
  Task* task;
};
/// The transfer failed (wrong amount, wrong order, digest): end the task with this sense; all data
/// that was due has come.
struct DataFailed {
  Task* task;
  scsi::Sense sense;
};
/// The daemon forgets the task (stops its operation, ignores its result).  When `host` is null at
/// this moment, the pointer is good only while this effect is handled and nothing more is to do;
/// otherwise the task stays until the daemon calls discard(), when nothing refers to it any more.
/// The answer to the function that aborted it waits for that.
struct AbortTask {
  Task* task;
};
/// A task management function that needs units or other sessions.  The session's own tasks that it
/// covers have already been announced with AbortTask where the function only concerns this nexus
/// (ABORT TASK, ABORT TASK SET, I_T NEXUS RESET); answer with finish_task_management().
struct ManageTasks {
  std::uint32_t initiator_task_tag;
  std::uint8_t function;
  std::uint8_t lun_field[8];
  std::optional<std::uint16_t> lun;
};
/// A task management function has arrived and waits for judge(): only after
/// ask_before_task_management().  Comes alone, as ManageTasks does.
struct JudgeTaskManagement {
  std::uint32_t initiator_task_tag;
  std::uint8_t function;
  std::optional<std::uint16_t> lun;  ///< of a function that names a unit
  std::uint32_t cmd_sn;
  bool immediate;
  std::uint32_t referenced_task_tag;
};
/// Send what is in the outbox, then close.  `end_session`: the nexus is gone.
struct Close {
  enum class Why : std::uint8_t { logout, protocol_error, format_error, reset, idle };
  Why why;
  const char* text;  ///< for the log
};

}  // namespace effect

using Effect = std::variant<effect::RunTask, effect::DataOut, effect::DataComplete, effect::R2tDue,
                            effect::DataFailed, effect::AbortTask, effect::ManageTasks,
                            effect::JudgeTaskManagement, effect::Close>;
using Effects = std::vector<Effect>;  ///< cleared and reused by the caller: no allocation per PDU

/// Limits of a session beside the command window, each with a test at it.
inline constexpr std::size_t kMaxImmediateTasks =
    64;  ///< SCSI commands with the I bit; then Reject 06h
inline constexpr std::size_t kMaxTaskManagements =
    32;  ///< functions not answered yet; then Reject 06h, or response 255
inline constexpr std::size_t kMaxAheadPdus =
    1024;  ///< PDUs kept behind a gap of CmdSN; then the session ends
inline constexpr std::size_t kMaxAheadBytes = 4 * 1024 * 1024;  ///< the same in octets
inline constexpr std::size_t kMaxHeldDataBytes =
    8 * 1024 * 1024;  ///< unsolicited data of commands that do not collect yet;
                      ///< what is over is dropped and asked for again by R2T
inline constexpr std::chrono::seconds kTaskManagementCommandWait{
    1};  ///< for commands of lower CmdSN
inline constexpr std::chrono::seconds kTaskManagementDataWait{
    1};  ///< for Data-Out of aborted tasks
inline constexpr std::chrono::seconds kTaskManagementOperationWait{
    10};  ///< for discard(); then response 255

/// What becomes of a task management function.  Without a word about it: what RFC 7143 says.
struct TaskManagementVerdict {
  enum class Act : std::uint8_t {
    perform,
    skip,     ///< no task is touched; the response is `response`, or 0
    partial,  ///< `survivors` of the tasks that it covers in this session go on, the youngest
  };
  Act act = Act::perform;
  std::uint32_t survivors = 1;
  bool answered = true;      ///< false: the initiator waits for ever
  bool hold_answer = false;  ///< the answer waits for release_task_management()
  std::optional<std::uint8_t> response = std::nullopt;  ///< instead of the true one
};

/// Who asks for tasks to be aborted: a function of this session that was handed over with
/// ManageTasks spares the commands that came after it.
enum class AbortedBy : std::uint8_t { own_function, another_nexus };

class Session {
 public:
  /// `directory` is asked by SendTargets; it must outlive the session or be replaced with
  /// set_directory().
  Session(LoginResult login, const Directory& directory,
          std::uint32_t command_window = kCommandWindow);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const LoginResult& login() const;
  Framing framing() const;
  void set_directory(const Directory& directory);

  /// One PDU.  Appends answers to `out` and effects to `effects`; perform the effects before the
  /// next call.
  void receive(const PduView& pdu, TimePoint now, Outbox& out, Effects& effects);

  /// When on_deadline() must be called next; a time in the past (TimePoint::min()) means now.  Ask
  /// after receive(), after its effects were performed, and after discard() or abort_tasks()
  /// outside of them.
  std::optional<TimePoint> deadline() const;
  void on_deadline(TimePoint now, Outbox& out, Effects& effects);

  // ---- what the daemon does with a task
  // --------------------------------------------------------------

  /// The device wants `device_length` bytes of Data-Out (SPDTL); min(that, EDTL) will be delivered.
  /// The immediate data that came with RunTask is the daemon's to take first: `immediate_taken`
  /// bytes (if it took less than there was, R2Ts ask for the rest again). Sends R2Ts as allowed.
  /// Emits DataComplete at once when nothing is missing.
  void collect(Task& task, std::uint64_t device_length, std::size_t immediate_taken, Outbox& out,
               Effects& effects);

  /// The R2T that an R2tDue effect spoke of; true when another one may go.
  bool send_r2t(Task& task, Outbox& out);

  /// What a device with `device_length` bytes to send (SPDTL) may send: min(that, EDTL), and
  /// nothing when R is not set.
  static std::uint32_t data_in_total(const Task& task, std::uint64_t device_length);

  /// Data-In in order: next_data_in() tells how long the next PDU's segment may be (at most
  /// kMaxDataInSegment; 0: all sent); then either room_for_data_in() gives room in the outbox to
  /// fill, or put_data_in() pins a view; both may take less than next_data_in() allowed (a multiple
  /// of 4 unless it is the end).  `total` is data_in_total().  The PDU that reaches `total` carries
  /// S=1 and GOOD: then call finish_data_in() instead of complete(), before anything else goes to
  /// the session.  With total 0 only complete() is left.
  struct DataInCursor {
    std::uint32_t total = 0, sent = 0;  ///< bytes
    std::uint64_t device_length = 0;    ///< SPDTL, for the residual
    bool with_status = true;  ///< false: the last PDU has no S bit, and complete() follows
  };
  std::uint32_t next_data_in(const DataInCursor& cursor) const;
  bytes::Span room_for_data_in(Task& task, DataInCursor& cursor, std::uint32_t length, Outbox& out);
  void seal_data_in(
      bytes::Span room);  ///< after filling: pads are zeroed, the data digest computed
  void put_data_in(Task& task, DataInCursor& cursor, bytes::View data, void* pin,
                   void (*release)(void*) noexcept, Outbox& out);
  /// Takes the last `length` bytes of Data-In back, one PDU (its data cannot be read): rewind the
  /// outbox to where it was before, too.
  void take_back_data_in(Task& task, DataInCursor& cursor, std::uint32_t length);
  /// After the last Data-In, which carried GOOD: the task is gone.
  void finish_data_in(Task& task);

  /// Answers the task: Data-In of reply.data_in if any, then status (RFC 7143 §11.4; sense in the
  /// data segment).  Waits for Data-Out that is still due (A8.07).  For the daemon the task is gone
  /// with this call.  An aborted task is discarded.
  void complete(Task& task, scsi::Reply reply, Outbox& out);

  /// An aborted task with `host` that nothing refers to any more.  Its task management answer goes
  /// out with the next on_deadline(), which is due at once, or with any other PDU.
  void discard(Task& task);

  // ---- task management and events
  // ------------------------------------------------------------------------

  /// Answers a ManageTasks effect.  The response goes out when the tasks it covers here are gone:
  /// their Data-Out has come (at most kTaskManagementDataWait) and the daemon has discarded them.
  /// `additional`: 24 bits, RFC 7144 §6.2.
  void finish_task_management(std::uint32_t initiator_task_tag, std::uint8_t response,
                              std::uint32_t additional, Outbox& out);
  /// From now on every function is parked and announced with JudgeTaskManagement; it covers the
  /// tasks that are here when it arrives, and a parked one counts as one not answered yet.
  void ask_before_task_management(bool ask);
  /// Functions that were judged and then answered, or ended without an answer, since the last call.
  struct ManagementEnd {
    std::uint32_t initiator_task_tag = 0;
    std::uint8_t response = 0;
    bool silent = false;  ///< no answer, so a verdict said
  };
  std::vector<ManagementEnd> take_management_ends();
  /// Answers a JudgeTaskManagement effect, at once or later: the function goes on from here.
  void judge(std::uint32_t initiator_task_tag, const TaskManagementVerdict& verdict, Outbox& out,
             Effects& effects);
  /// Lets an answer go that its verdict holds; when there is none yet, it will not be held.
  void release_task_management(std::uint32_t initiator_task_tag, Outbox& out);
  /// Another nexus, or a function of ours that was handed over with ManageTasks, aborts tasks here
  /// (LOGICAL UNIT RESET, CLEAR TASK SET, target reset).  Each becomes an AbortTask effect; with
  /// `task_aborted_status` each is answered TASK ABORTED instead of silence.  `lun`: nothing means
  /// every LUN.
  void abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status, AbortedBy by,
                   Outbox& out, Effects& effects);
  /// Tasks that the daemon has: neither aborted nor answered.
  std::size_t tasks_at(std::optional<std::uint16_t> lun) const;
  std::size_t task_count() const;
  /// All that the table has, those on their way out included; costs nothing.
  std::size_t open_tasks() const;
  template <typename Visit>
  void for_each_task(Visit visit) {
    visit_tasks([](void* context, Task& task) { (*static_cast<Visit*>(context))(task); }, &visit);
  }

  /// Asynchronous Message, RFC 7143 §11.9: 1 logout of this connection within parameter3 s, 2
  /// dropping it, 3 dropping all, 4 negotiate. Nothing is sent on a discovery session (A1.12); the
  /// same holds for send_nop_in().
  void send_async_event(std::uint8_t event, std::uint16_t parameter1, std::uint16_t parameter2,
                        std::uint16_t parameter3, Outbox& out);
  void send_nop_in(bool want_answer, Outbox& out);  ///< unsolicited; want_answer gives it a TTT
  bool nop_in_outstanding() const;                  ///< a ping of ours has no answer yet
  bool logout_requested() const;                    ///< event 1 was sent

  /// Of the next command whose turn it is, and of the next PDU with a StatSN of its own.
  std::uint32_t next_cmd_sn() const;
  std::uint32_t next_stat_sn() const;
  /// The last MaxCmdSN that was told.
  std::uint32_t max_cmd_sn() const;

  /// Octets of memory the session holds beside its thread's spare parts, for tests.
  std::size_t memory() const;

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  void visit_tasks(void (*visit)(void* context, Task& task), void* context);

  std::unique_ptr<Impl> impl_;
};

}  // namespace faultlun::iscsi
