// The inside of Session, spread over five files:
//   session.cpp          the public face, dispatch in CmdSN order, commands kept behind a gap
//   session_command.cpp  SCSI Command, NOP-Out, Text, Logout
//   session_data.cpp     Data-Out, R2T, the end of a task
//   session_manage.cpp   task management, aborted tasks, deadlines
//   session_send.cpp     PDUs of the target
#pragma once

#include "protocol/iscsi/sequence.hpp"
#include "protocol/iscsi/session.hpp"
#include "protocol/iscsi/task_table.hpp"
#include "protocol/iscsi/transfer.hpp"
#include "protocol/iscsi/wire.hpp"

namespace faultlun::iscsi {

class Session::Impl {
 public:
  Impl(LoginResult login, const Directory& directory, std::uint32_t command_window);

  // session.cpp
  void receive(const PduView& pdu, Outbox& out, Effects& effects);
  /// What could not be freed or answered while effects referred to it.
  void sweep(Outbox& out);
  void set_directory(const Directory& directory);
  void set_peer_segment_limit(std::uint32_t bytes);
  std::size_t memory() const;
  std::uint32_t next_cmd_sn() const { return window_.expected(); }
  std::uint32_t next_stat_sn() const { return stat_sn_; }
  std::uint32_t max_cmd_sn() const { return advertised_max_; }

  // session_data.cpp
  void collect(Task& task, std::uint64_t device_length, std::size_t immediate_taken, Outbox& out,
               Effects& effects);
  void complete(Task& task, scsi::Reply&& reply, Outbox& out);
  bool send_paced_r2t(Task& task, Outbox& out);

  // session_manage.cpp
  void discard(Task& task);
  void finish_task_management(std::uint32_t initiator_task_tag, std::uint8_t response,
                              std::uint32_t additional, Outbox& out);
  void judge(std::uint32_t initiator_task_tag, const TaskManagementVerdict& verdict, Outbox& out,
             Effects& effects);
  void release_task_management(std::uint32_t initiator_task_tag, Outbox& out);
  void abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status, AbortedBy by,
                   Outbox& out, Effects& effects);
  std::optional<TimePoint> deadline() const;
  void on_deadline(Outbox& out, Effects& effects);

  // session_send.cpp
  std::uint32_t next_data_in(const DataInCursor& cursor) const;
  bytes::Span room_for_data_in(Task& task, DataInCursor& cursor, std::uint32_t length, Outbox& out);
  void seal_data_in(bytes::Span room) const;
  void put_data_in(Task& task, DataInCursor& cursor, bytes::View data, void* pin,
                   void (*release)(void*) noexcept, Outbox& out);
  void finish_data_in(Task& task);
  void send_async_event(std::uint8_t event, std::uint16_t parameter1, std::uint16_t parameter2,
                        std::uint16_t parameter3, Outbox& out);
  void send_nop_in(bool want_answer, Outbox& out);

  bool discovery() const { return login_.type == SessionType::discovery; }
  bool with_daemon(const Task& task) const { return !task.aborted && !task.answered; }

  LoginResult login_;
  TransferRules rules_;
  TaskTable tasks_;
  TimePoint now_{};                        ///< of the last receive() or on_deadline()
  std::uint32_t ping_tag_ = kReservedTag;  ///< TTT of a NOP-In that has no answer yet
  bool logout_requested_ = false;
  bool ask_before_task_management_ = false;
  std::vector<ManagementEnd> management_ends_;  ///< only of those that were asked about
  bool closed_ = false;                         ///< Close was emitted: nothing is taken any more

 private:
  /// A PDU kept behind a gap of CmdSN: a command, or the unsolicited Data-Out of one.
  struct Ahead {
    std::uint32_t cmd_sn = 0;
    bool command = true;
    bool cancelled = false;  ///< counts as received and is never executed (A10.03)
    std::size_t ahs_bytes = 0;
    bytes::Buffer octets;  ///< header, AHS, data
    PduView view() const;  ///< of a command that is not cancelled, or of Data-Out
  };
  /// A task management function that has no response yet.
  struct Management {
    enum class State : std::uint8_t {
      arrived,   ///< parked until JudgeTaskManagement may be emitted
      judging,   ///< it was emitted
      commands,  ///< waits for commands of lower CmdSN
      daemon,    ///< ManageTasks was emitted
      tasks,     ///< done; waits until what it aborted is gone
      held,      ///< its answer waits for release_task_management()
    };
    State state = State::commands;
    std::uint8_t function = 0;
    std::uint8_t response = 0;
    bool single = false;  ///< ABORT TASK: covers `covered_birth` only
    bool immediate = false;
    bool covers_now = true;  ///< what is here when it acts, not when it arrived
    bool armed = true;       ///< `deadline` is set; otherwise on_deadline() sets it
    bool judged = false;     ///< by judge()
    std::uint8_t lun_field[8] = {};
    std::optional<std::uint16_t> lun;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t cmd_sn = 0;
    std::uint32_t birth = 0;  ///< later tasks are not covered
    std::uint32_t covered_birth = 0;
    std::uint32_t additional = 0;
    std::uint32_t referenced_tag = 0, ref_cmd_sn = 0;
    TaskManagementVerdict verdict;
    TimePoint deadline{};
  };
  /// An aborted task that cannot be freed yet.
  struct Leaving {
    Task* task = nullptr;
    bool armed = false;
    TimePoint drain_deadline{};
  };

  // session.cpp
  void on_bad_digest(const PduView& pdu, Outbox& out, Effects& effects);
  void on_command(const PduView& pdu, Outbox& out, Effects& effects);
  void dispatch(const PduView& pdu, Outbox& out, Effects& effects);
  void keep_ahead(const PduView& pdu, Effects& effects);
  bool keep_ahead_data(const PduView& pdu, Effects& effects);
  void add_ahead(const PduView& pdu, std::uint32_t cmd_sn, bool command, Effects& effects);
  void insert_ahead(Ahead ahead);
  Ahead take_ahead();
  void replay(Outbox& out, Effects& effects);
  void acknowledge(const PduView& pdu) {
    if (!pdu.immediate()) window_.advance();
  }
  bool tag_in_use(std::uint32_t initiator_task_tag) const;
  void close(effect::Close::Why why, const char* text, Effects& effects);

  // session_command.cpp
  void on_scsi_command(const PduView& pdu, Outbox& out, Effects& effects);
  void refuse(Task& task, scsi::SenseCode code, Outbox& out);
  void on_nop_out(const PduView& pdu, Outbox& out);
  void on_text(const PduView& pdu, Outbox& out);
  void on_logout(const PduView& pdu, Outbox& out, Effects& effects);

  // session_data.cpp
  void on_data_out(const PduView& pdu, Outbox& out, Effects& effects);
  void deliver(Task& task, std::uint32_t offset, bytes::View data, Effects& effects);
  void hold(Task& task, std::uint32_t offset, bytes::View data);
  void lose(Task& task);
  void progress(Task& task, Outbox& out, Effects& effects);
  void send_r2ts(Task& task, Outbox& out);
  void send_reply(Task& task, scsi::Reply&& reply, Outbox& out);
  void release_task(Task& task);

  // session_manage.cpp
  void on_task_management(const PduView& pdu, Outbox& out, Effects& effects);
  void carry_on(Management management, Outbox& out, Effects& effects);
  std::uint8_t abort_one(Management& management, Outbox& out, Effects& effects);
  void cancel_cmd_sn(std::uint32_t cmd_sn);
  void start(Management management, Outbox& out, Effects& effects);
  void act(Management management, Outbox& out, Effects& effects);
  bool may_act(const Management& management) const;
  void act_on_waiting(Outbox& out, Effects& effects);
  void cancel_ahead(const Management& management);
  void respond_when_ready(Management management, std::uint8_t response, Outbox& out);
  bool covered_tasks_gone(const Management& management) const;
  static bool covers(const Management& management, const Task& task);
  std::uint32_t birth_sparing(const Management& management) const;
  void answer(Management management, std::uint8_t response, Outbox& out);
  void answer_managements(Outbox& out);
  Management* find_management(std::uint32_t initiator_task_tag);
  std::optional<Management> take_management(std::uint32_t initiator_task_tag,
                                            Management::State state);
  bool task_at(std::optional<std::uint16_t> lun) const;
  void abort_task(Task& task, bool task_aborted_status, Outbox& out, Effects& effects);
  void drained(Task& task, Outbox& out);
  void leave(Task& task);

  // session_send.cpp
  template <typename T>
  void stamp(T& bhs, std::uint32_t ending_tasks);
  template <typename T>
  void write_header(std::uint8_t* at, const T& bhs) const;
  template <typename T>
  void send(T& bhs, bytes::View data, Outbox& out);
  std::size_t header_bytes() const { return kBhsBytes + (header_digest_ ? kDigestBytes : 0); }
  void write_data_in_header(std::uint8_t* at, Task& task, DataInCursor& cursor,
                            std::uint32_t length);
  void send_parameter_data(Task& task, const scsi::Reply& reply, Outbox& out);
  void send_raw_sense(wire::ScsiResponseBhs& bhs, bytes::View sense, Outbox& out);
  void send_response(const Task& task, const scsi::Reply& reply, bool task_ends, Outbox& out);
  void send_r2t(const Task& task, const R2t& r2t, Outbox& out);
  void send_reject(const PduView& pdu, std::uint8_t reason, Outbox& out);
  void send_nop_answer(const PduView& pdu, Outbox& out);
  void send_text_response(std::uint32_t initiator_task_tag, const TextExchange::Answer& answer,
                          Outbox& out);
  void send_task_management_response(std::uint32_t initiator_task_tag, std::uint8_t response,
                                     std::uint32_t additional, Outbox& out);
  void send_logout_response(std::uint32_t initiator_task_tag, std::uint8_t response, Outbox& out);
  /// `count` Target Transfer Tags in a row, never the reserved one.
  std::uint32_t take_tags(std::uint32_t count);

  const Directory* directory_;
  std::unique_ptr<TextExchange> text_;  ///< made by the first Text Request
  CommandWindow window_;
  std::uint32_t stat_sn_;
  std::uint32_t advertised_max_;          ///< MaxCmdSN of the last PDU sent
  std::uint32_t segment_limit_ = 8192;    ///< of Data-In, bytes, a multiple of four
  std::uint32_t data_in_burst_ = 262144;  ///< MaxBurstLength for Data-In, a multiple of four
  std::uint32_t next_tag_ = 1;
  std::uint32_t births_ = 0;
  std::uint32_t immediate_tasks_ = 0;
  bool header_digest_, data_digest_;
  bool unsettled_ = false;      ///< sweep() has work
  bool window_opened_ = false;  ///< the window the peer believes shut is open again (A3.09)
  bool wake_ = false;           ///< on_deadline() is due at once

  std::vector<Ahead> ahead_;  ///< ascending CmdSN; the data of a command follows it
  std::size_t ahead_bytes_ = 0;
  std::vector<Ahead> replayed_;  ///< effects may refer to their octets until the next receive()
  std::size_t held_bytes_ = 0;   ///< unsolicited data held for tasks that do not collect
  std::vector<Task*> finished_;  ///< aborted tasks that only an AbortTask effect may still refer to
  std::vector<Leaving> leaving_;
  std::vector<Management> managements_;
};

}  // namespace faultlun::iscsi
