// One connection without its socket: bytes in, bytes out.  Login first, then the session; performs
// the session's effects with a TaskRunner and TaskManagement.  A socket (SocketTransport) or a
// test's memory stream drives it.
#pragma once

#include "daemon/loop.hpp"
#include "daemon/task_management_faults.hpp"
#include "daemon/task_runner.hpp"
#include "daemon/world.hpp"
#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/session.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace faultlun::daemon {

/// Where a connection came in.
struct Arrival {
  std::uint16_t portal_index = 0;
  std::uint16_t portal_group_tag = 1;
  std::string peer_address;                           ///< for logs and the control API
  std::string local_address;                          ///< address:port the peer reached us at
  std::shared_ptr<const iscsi::Directory> directory;  ///< with the addresses this peer can reach
  std::shared_ptr<const int>
      counted;  ///< held while the connection counts among those of its portal
};

/// What a connection tells whoever moves its bytes, outside receive() and on_deadline().
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void
  output_ready() = 0;  ///< out() has something to send, or the connection wants to close
  virtual void input_wanted() = 0;  ///< receive() may be called again
};

class Connection final : public iscsi::LoginJudge, public std::enable_shared_from_this<Connection> {
 public:
  static constexpr std::size_t kOutboxHighWater =
      4 << 20;  ///< bytes unsent beyond which no more commands are taken

  Connection(Loop& loop, World& world, Arrival arrival, Transport& transport);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Commands that rules matched, of one receive().  They take long, and some want to be answered
  /// at a moment that comes meanwhile.
  static constexpr std::uint64_t kMatchedPerTurn = 64;

  /// Takes whole PDUs from the front of `octets`; returns how many octets were used.  Stops early
  /// when accepts_input() becomes false, and when others are to have their turn.
  std::size_t receive(bytes::View octets);
  /// The last receive() stopped for others, and has not seen all that it could take.
  bool gives_way() const { return gives_way_; }
  /// Commands wait here for a moment, or may: others must not hold the thread for long.
  bool keeps_time() const {
    return runner_ && (runner_->rules().has_delays() || runner_->under_rules() != 0);
  }
  /// False while too much is unsent, a login waits for the end of the session it replaces, or the
  /// connection closes.
  bool accepts_input() const;
  /// Octets that the PDU at the front needs in all, as far as its beginning tells.
  std::size_t wanted() const { return wanted_; }

  iscsi::Outbox& out() { return out_; }
  /// Send what is in out(), then close the transport and call transport_closed().
  bool closing() const { return phase_ == Phase::closing; }
  void transport_closed();
  bool logged_in() const { return phase_ == Phase::full_feature; }

  std::optional<TimePoint> deadline() const;
  void on_deadline(TimePoint now);

  Loop& loop() { return loop_; }
  const Arrival& arrival() const { return arrival_; }

  // ---- from other connections and the daemon; on this connection's loop only
  // ------------------------------

  /// Ends the session without notice (reinstatement, target cold reset); `then` runs when nothing
  /// of it is left.
  void end_session(std::string_view why);
  /// Aborts tasks here; `lun`: nothing means every unit.  Returns the units that had any.
  std::set<std::uint16_t> abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status,
                                      iscsi::AbortedBy by);
  /// Sends what has been said (a response, say) and then closes.
  void close_after_flush(std::string_view why);
  /// Announces the end (async event 3, RFC 7143 §11.9), then closes.
  void shut_down();
  /// Asks the initiator to log out (async event 1); closes after `seconds` if it does not.
  void request_logout(std::uint16_t seconds);
  void replace_directory(std::shared_ptr<const iscsi::Directory> directory);
  /// The rules of the next command on; where that is, when there is a session.
  struct Adopted {
    std::string alias, target;
    std::uint16_t tsih = 0;
    std::uint32_t cmd_sn = 0, stat_sn = 0;  ///< the first ones under the new rules
  };
  std::optional<Adopted> adopt(std::shared_ptr<const faults::RuleSet> rules);
  /// A rule ends the connection: nothing of it is sent any more.  The transport closes it with RST
  /// when `reset_wanted()`.
  bool reset_wanted() const { return reset_wanted_; }

  /// Null until the full-feature phase, null again after the session's end.
  iscsi::Session* session() { return session_.get(); }
  TaskRunner* runner() { return runner_.get(); }
  const DataBudget& budget() const { return budget_; }
  std::string_view phase_name() const;
  TimePoint opened_at() const { return opened_; }
  std::uint64_t octets_received() const { return octets_received_; }
  std::uint64_t pdus_received() const { return pdus_received_; }
  void respond(std::uint32_t initiator_task_tag, std::uint8_t response,
               std::uint32_t additional = 0);

  /// For the control API, from any thread.
  struct Summary {
    std::string initiator, target, peer;
    std::uint16_t tsih = 0, cid = 0, portal_group_tag = 0;
    bool discovery = false;
  };
  const Summary& summary() const {
    return summary_;
  }  ///< constant once the session is in the table

 private:
  enum class Phase : std::uint8_t { login, reinstating, full_feature, closing };

  iscsi::LoginOrder judge(std::string_view initiator, const iscsi::Isid& isid,
                          std::string_view target) override;
  faults::SessionFacts facts_of(std::string_view initiator, const iscsi::Isid& isid,
                                std::string_view target) const;
  void receive_login(const iscsi::PduView& pdu);
  void tell_refusal(std::string_view initiator, std::uint16_t status, std::uint64_t rule,
                    std::uint8_t flag);
  void login_done();
  void enter_full_feature();
  void receive_pdu(const iscsi::PduView& pdu);
  void perform(const iscsi::Effect& effect);
  void perform_all();
  void drop(bool reset);
  void judge_task_management(const iscsi::effect::JudgeTaskManagement& arrived);
  void drop_session();
  void notify_output();

  Loop& loop_;
  World& world_;
  Arrival arrival_;
  Transport& transport_;
  ConnectionLimits limits_;
  Phase phase_ = Phase::login;
  bool gives_way_ = false;
  bool receiving_ = false;  ///< inside receive() or on_deadline(): the caller flushes
  bool transport_open_ = true;
  bool reset_wanted_ = false;
  std::size_t wanted_ = iscsi::kBhsBytes;
  DataBudget budget_;
  iscsi::Outbox out_;
  std::unique_ptr<iscsi::Login> login_;
  bytes::Buffer held_answer_;  ///< the last login response while the old session ends
  SessionKey key_;
  bool in_table_ = false;
  bool refusal_told_ = false;  ///< of the login, to the journal
  Summary summary_;
  std::unique_ptr<iscsi::Session> session_;
  std::unique_ptr<TaskRunner> runner_;
  TaskManagementFaults management_faults_;
  iscsi::Effects effects_;
  TimePoint opened_, last_heard_;
  std::uint64_t octets_received_ = 0, pdus_received_ = 0;
  std::optional<TimePoint> ping_sent_, close_by_;
};

}  // namespace faultlun::daemon
