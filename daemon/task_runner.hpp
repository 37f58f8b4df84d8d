// Carries out the commands of one session: describe, decide, plan, medium, finish.
//
// The straight path (a READ or WRITE that nothing stands in the way of, on a device that answers at
// once) runs inside run() without a lock or an allocation.  Everything else becomes a
// TaskOperation: an object with the plan, the data collected so far, and a small coroutine that
// walks through the steps on the medium (medium_steps.cpp).  A command that the rules have
// something in store for carries an Ordeal and takes the long way (task_ordeal.cpp).
#pragma once

#include "daemon/loop.hpp"
#include "daemon/ordeal.hpp"
#include "daemon/world.hpp"
#include "protocol/iscsi/session.hpp"

#include <array>
#include <list>
#include <memory>
#include <span>
#include <vector>

namespace faultlun::daemon {

class TaskRunner;

/// Bytes a connection holds for commands in progress: data collected for a device that does not
/// answer at once, data read and not yet sent.  A command that does not fit is answered TASK SET
/// FULL.
class DataBudget {
 public:
  static constexpr std::uint64_t kMaxBytes = 256ULL << 20;
  bool take(std::uint64_t count) {
    if (count > kMaxBytes - used_) return false;
    used_ += count;
    return true;
  }
  void give_back(std::uint64_t count) { used_ -= count; }
  std::uint64_t used() const { return used_; }

 private:
  std::uint64_t used_ = 0;
};

/// Bytes of Data-Out that will come: the smaller of what the device wants and what the initiator
/// offers.
std::uint64_t expected_data_out(const iscsi::Task& task, std::uint64_t device_length);

/// The answer to GET LBA STATUS.
scsi::Reply allocation_of(LunHost& host, const scsi::QueryAllocation& query);

/// A task that did not complete in place.  Owned by its TaskRunner while it collects data, and by
/// the running coroutine as well while the medium works (shared_ptr): a session that ends meanwhile
/// leaves it behind with `runner` null.
struct TaskOperation final : Timed {
  void on_time(TimePoint now) override;  ///< the wait is over

  TaskRunner* runner = nullptr;  ///< null: the session is gone, nothing may be answered
  iscsi::Task* task = nullptr;   ///< valid while runner is set
  std::shared_ptr<LunHost> host;
  scsi::Command command;
  scsi::Plan plan;
  bytes::Buffer data;  ///< Data-Out collected so far, at its Buffer Offset
  bool streaming =
      false;  ///< WriteMedium on an instant device: data goes to the medium as it comes
  std::uint64_t stream_end = 0;  ///< bytes from the start that may be written: whole blocks only
  bool running = false;          ///< the medium is at work
  /// What an ordeal waits for, and what comes then.
  enum class Stage : std::uint8_t { none, silent, plan, r2t, medium, answer, data_in };
  Stage stage = Stage::none;
  bool held = false;  ///< no deadline: somebody has to let it go
  std::unique_ptr<Ordeal> ordeal;
  scsi::Reply reply;                          ///< Stage::answer
  std::unique_ptr<std::uint8_t[]> read_data;  ///< Stage::answer of a read
  std::uint64_t read_length = 0;
  iscsi::Session::DataInCursor cursor;  ///< Stage::data_in
  bool aborted = false;
  std::uint64_t charged = 0;      ///< bytes of the DataBudget
  std::uint64_t rules_epoch = 0;  ///< under which it was decided
  JournalEntry entry;             ///< how the journal told of its beginning
  scsi::MediumResult result;
  std::list<std::shared_ptr<TaskOperation>>::iterator place;
  std::shared_ptr<const int> busy;  ///< World::busy
};
using OperationPtr = std::shared_ptr<TaskOperation>;

class TaskRunner {
 public:
  TaskRunner(Loop& loop, World& world, iscsi::Session& session, iscsi::Outbox& out,
             std::shared_ptr<TargetHost> target, DataBudget& budget, faults::SessionFacts facts,
             std::uint32_t session_number);
  ~TaskRunner();
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  /// Rules from the next command on.
  void adopt(std::shared_ptr<const faults::RuleSet> rules);
  /// The recording decides instead of the rules, from the next command on; null: the rules again.
  void adopt_replay(const std::shared_ptr<const faults::ReplaySet>& set);
  const faults::RuleSet& rules() const { return *rules_; }
  const faults::SessionFacts& facts() const { return facts_; }
  const faults::RuleState& rule_state() const { return rule_state_; }
  /// The initiator logged out: its session does not end by accident.
  void note_logout() { logged_out_ = true; }
  /// The last octet received so far came at this time.
  void set_now(TimePoint now) { now_ = now; }
  /// A rule wants the connection gone; set by run(), nothing runs after it.
  const faults::Drop* drop_wanted() const { return drop_ ? &*drop_ : nullptr; }
  /// The same, decided outside of run(): the owner closes the connection soon.
  void set_on_drop(std::function<void()> on_drop) { on_drop_ = std::move(on_drop); }

  /// A command in progress, for the control API.
  struct Listed {
    std::uint32_t initiator_task_tag = 0, cmd_sn = 0;
    std::optional<std::uint16_t> lun;
    std::uint8_t opcode = 0;
    std::string_view stage;          ///< "held", "delayed", "silent", "data", "medium"
    std::vector<std::string> rules;  ///< that have a hand in it
    Duration age{};
    std::optional<Duration> due_in;
  };
  std::vector<Listed> list() const;

  /// Which held commands POST /v1/held/release means.
  struct Release {
    std::optional<std::string> tag, rule;
    std::optional<std::uint16_t> lun;
    enum class Order : std::uint8_t { fifo, lifo, seeded };
    Order order = Order::fifo;
    std::uint64_t seed = 0;
  };
  /// How many went.
  std::size_t release(const Release& wanted);
  /// A command is in progress that was decided under an earlier epoch.
  bool has_older_than(std::uint64_t epoch) const;
  /// Commands so far that rules matched.
  std::uint64_t matched() const { return matched_; }
  /// Commands that the rules hold, delay or silence.
  std::size_t under_rules() const { return ordeals_; }

  /// What the rules make of a task management function; good until the next decision.  The journal
  /// is told.
  const faults::Decision& decide(const iscsi::effect::JudgeTaskManagement& function);
  /// Tells the journal of the functions that have ended.
  void tell_management_ends();

  // Effects of the session, in order.
  void run(iscsi::Task& task, bytes::View immediate_data, iscsi::Effects& effects);
  void data_out(iscsi::Task& task, std::uint32_t offset, bytes::View data);
  void data_complete(iscsi::Task& task);
  void r2t_due(iscsi::Task& task);
  void data_failed(iscsi::Task& task, const scsi::Sense& sense);
  void abort(iscsi::Task& task);

  scsi::NexusId nexus() const { return nexus_; }
  const scsi::NexusPorts& ports() const { return ports_; }
  TargetHost& target() const { return *target_; }
  World& world() const { return world_; }
  Loop& loop() const { return loop_; }
  /// The I_T nexus is lost and found again (I_T NEXUS RESET): every unit forgets it; 29/07 is
  /// pending.
  void renew_nexus();

  /// The medium has done what an operation asked: called by medium_steps on the loop's thread.
  void settle(TaskOperation& operation);
  void send_read_data(TaskOperation& operation, std::unique_ptr<std::uint8_t[]> data,
                      std::uint64_t length);
  /// The deadline of a waiting operation has passed, or somebody lets it go.
  void wake(TaskOperation& operation);
  /// Called after an answer left outside receive(): the owner flushes.
  void set_on_output(std::function<void()> on_output) { on_output_ = std::move(on_output); }
  void output_ready() { on_output_(); }

 private:
  static constexpr std::size_t kPathsPerPage = 64;
  static constexpr std::uint32_t kPinnedReadBytes =
      16 * 1024;  // shorter reads are copied: cheaper than a pin and an iovec

  // task_runner.cpp
  bool judge(iscsi::Task& task, bytes::View immediate, iscsi::Effects& effects);
  void undisturbed(iscsi::Task& task, bytes::View immediate, iscsi::Effects& effects);
  /// Null: there is no such unit.
  LunPath* path_to(std::uint16_t lun) {
    const std::size_t page = lun / kPathsPerPage;
    if (page >= paths_.size() || !paths_[page]) return new_path_to(lun);
    auto& path = (*paths_[page])[lun % kPathsPerPage];
    return path.host && !path.host->retired() ? &path : new_path_to(lun);
  }
  LunPath* new_path_to(std::uint16_t lun);
  void refresh(LunPath& path);
  void straight(iscsi::Task& task, LunPath& path, const scsi::Access& access, bytes::View immediate,
                iscsi::Effects& effects);
  void straight_read(iscsi::Task& task, LunPath& path, const scsi::Access& access);
  void planned(iscsi::Task& task, LunPath& path, bytes::View immediate, iscsi::Effects& effects);
  void carry_out(iscsi::Task& task, const std::shared_ptr<LunHost>& host, scsi::Plan plan,
                 bytes::View immediate, iscsi::Effects& effects);
  OperationPtr begin(iscsi::Task& task, const std::shared_ptr<LunHost>& host, scsi::Plan plan);
  void end(TaskOperation& operation);
  void proceed(const OperationPtr& operation);
  void complete(iscsi::Task& task, scsi::Reply reply);
  void answer_elsewhere(iscsi::Task& task);
  void answer_without_unit(iscsi::Task& task, const std::shared_ptr<LunHost>& host,
                           UnitVerdict verdict);
  scsi::Reply answer_without_path(const iscsi::Task& task, const scsi::Command& command,
                                  std::span<const std::uint16_t> hidden);
  void send_data_in(iscsi::Task& task, std::unique_ptr<std::uint8_t[]> data, std::uint64_t length,
                    std::uint64_t charged, std::optional<scsi::Reply> ending);

  void tell(const JournalEntry& entry);
  void tell_end(const JournalEntry& entry, std::uint8_t flag);
  void tell_decision(const JournalEntry& about);
  void tell_aborted();
  void note_status(scsi::Status status, scsi::SenseCode sense);
  JournalEntry entry_for(const iscsi::Task& task) const;

  // task_ordeal.cpp
  faults::Surroundings around_decisions() const;
  faults::Facts describe(const iscsi::Task& task, LunPath* path) const;
  void decide(const iscsi::Task& task);
  bool looks_at_data(const iscsi::Task& task) const;
  void decide_payload(const Ordeal& trial);
  std::uint64_t seed_of(const Ordeal& trial) const;
  bool disturbed(iscsi::Task& task, bytes::View immediate, iscsi::Effects& effects);
  void undergo(iscsi::Task& task, std::shared_ptr<LunHost> host, std::unique_ptr<Ordeal> ordeal,
               bytes::View immediate, iscsi::Effects& effects);
  void answer_instead(TaskOperation& operation, const faults::Strike& end);
  void undergo_planned(const OperationPtr& operation, bytes::View immediate,
                       iscsi::Effects& effects);
  void wait(TaskOperation& operation, TaskOperation::Stage then, std::optional<faults::When> when);
  void reorder(TaskOperation& operation);
  void proceed_ordeal(const OperationPtr& operation);
  void answer_ordeal(TaskOperation& operation, scsi::Reply reply,
                     std::unique_ptr<std::uint8_t[]> data, std::uint64_t length);
  void finish_ordeal(TaskOperation& operation);
  static Duration gap_of(const TaskOperation& operation);
  void begin_paced_data_in(TaskOperation& operation);
  void send_paced_data_in(TaskOperation& operation);
  bool descriptor_sense(const TaskOperation& operation) const;
  /// What a command is told of its nexus and of the target, but for the units that are `hidden`;
  /// good until the next call.
  scsi::Surroundings surroundings(std::span<const std::uint16_t> hidden);
  std::vector<std::uint16_t> hidden_from(const iscsi::Task& task) const;

  Loop& loop_;
  World& world_;
  iscsi::Session& session_;
  iscsi::Outbox& out_;
  std::shared_ptr<TargetHost> target_;
  DataBudget& budget_;
  scsi::NexusId nexus_;
  scsi::NexusPorts ports_;
  std::optional<scsi::SenseCode> first_attention_;
  std::shared_ptr<const LunMap> luns_;
  std::vector<std::uint16_t> listed_;  ///< scratch of surroundings()
  std::vector<std::unique_ptr<std::array<LunPath, kPathsPerPage>>> paths_;
  std::list<OperationPtr> operations_;
  faults::SessionFacts facts_;
  std::shared_ptr<const faults::RuleSet> rules_;  ///< of the replay while there is one
  std::optional<faults::ReplayState> replay_;
  faults::RuleState rule_state_;
  faults::Facts facts_at_hand_;
  faults::Decision decision_;            ///< of the command at hand
  std::vector<JournalEntry> functions_;  ///< that were decided about and have not ended
  std::uint32_t number_;                 ///< of the session, for the journal
  bool logged_out_ = false;
  TimePoint now_{};
  /// Whether the command at hand ended while run() had it.
  enum class Ended : std::uint8_t { no, in_run, yes };
  Ended ended_ = Ended::no;
  std::uint8_t last_status_ = 0;
  scsi::SenseCode last_sense_;
  std::optional<JournalEntry> ending_;  ///< of the operation whose answer comes next
  std::optional<faults::Drop> drop_;
  std::size_t ordeals_ = 0;
  std::uint64_t matched_ = 0;
  std::function<void()> on_drop_ = [] {};
  std::function<void()> on_output_ = [] {};
};

}  // namespace faultlun::daemon
