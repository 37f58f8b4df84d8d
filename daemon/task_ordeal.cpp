// The long way of a command that the rules have something in store for:
//
//   decide ─► instead of the unit:  wait ─► answer (or silence, or the connection goes)
//          ─► no Data-Out:          wait ─► plan ─► medium ─► bend the answer ─► wait ─► answer
//          ─► Data-Out:             plan ─► collect ─► wait ─► medium ─► bend the answer ─► wait ─►
//          answer
//
// A wait is one deadline of the loop; a command that waits holds no thread and no turn.
#include "daemon/fault_replies.hpp"
#include "daemon/injection.hpp"
#include "daemon/medium_steps.hpp"
#include "daemon/rule_host.hpp"
#include "daemon/task_runner.hpp"
#include "daemon/unit_changes.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace faultlun::daemon {
namespace {

using faults::When;
using Stage = TaskOperation::Stage;
constexpr std::uint8_t kReportLuns = 0xa0;

constexpr std::string_view kDropped = "connection dropped";

bool sends_data_out(const iscsi::Task& task, const faults::Facts& facts) {
  return task.writes && facts.row != nullptr && facts.row->data == scsi::DataDirection::out;
}

/// What the terminal effect makes of the command, but for Silence and Drop.
scsi::Reply reply_of(const faults::Strike& end, const faults::Facts& facts, bool descriptor_sense,
                     const scsi::Command& command, const scsi::Surroundings& around) {
  const auto& action = end.effect->action;
  if (const auto* answer = std::get_if<faults::Answer>(&action))
    return as_reply(*answer, facts, descriptor_sense);
  if (const auto* error = std::get_if<faults::MediumError>(&action))
    return as_reply(*error, end.resolved[0], descriptor_sense);
  return as_reply(std::get<faults::Absent>(action), command, around);
}

/// Bytes of Data-In, or of the write, that come before the terminal effect.
std::uint64_t bytes_before(const faults::Strike& end, const faults::Facts& facts,
                           std::uint64_t length) {
  const auto& action = end.effect->action;
  std::optional<std::uint64_t> blocks;
  if (const auto* answer = std::get_if<faults::Answer>(&action)) blocks = answer->blocks;
  if (const auto* error = std::get_if<faults::MediumError>(&action))
    blocks = blocks_before(*error, facts, end.resolved[0]);
  if (!blocks || *blocks >= length / facts.block_size) return length;
  return *blocks * facts.block_size;
}

/// A write that is to fail half way stores what comes before.
void shorten(scsi::Plan& plan, const Ordeal& ordeal) {
  auto* write = std::get_if<scsi::WriteMedium>(&plan);
  const auto* end = ordeal.after_unit();
  if (write == nullptr || end == nullptr) return;
  write->length_bytes = bytes_before(*end, ordeal.facts, write->length_bytes);
}

}  // namespace

void TaskOperation::on_time(TimePoint) {
  runner->wake(*this);
}

faults::Facts TaskRunner::describe(const iscsi::Task& task, LunPath* path) const {
  faults::Facts facts;
  facts.session = &facts_;
  facts.now = world_.since_start(now_);
  facts.lun = task.lun.value_or(0);
  facts.has_lun = task.lun.has_value();
  facts.cmd_sn = task.cmd_sn;
  facts.immediate = task.immediate;
  facts.cdb = &task.command.cdb;
  facts.row = scsi::find_command(task.command.cdb);
  if (facts.row != nullptr && facts.row->is(scsi::has_range)) {
    const auto range = scsi::range_of(task.command.cdb);
    facts.lba = range.lba;
    facts.blocks = range.blocks;
  }
  if (path != nullptr) facts.block_size = path->host->profile().block_size;
  facts.attribute = task.command.attribute;
  facts.expected_data_transfer_length = task.expected_data_transfer_length;
  facts.outstanding = static_cast<std::uint32_t>(session_.open_tasks());
  return facts;
}

faults::Surroundings TaskRunner::around_decisions() const {
  return {.writes = nullptr, .since = &MarkTimes::since, .context = &world_.marks};
}

/// The units that rules hide from REPORT LUNS, as things stand after the command's own decision.
std::vector<std::uint16_t> TaskRunner::hidden_from(const iscsi::Task& task) const {
  if (!rules_->hides_units() || task.command.cdb.opcode() != kReportLuns) return {};
  const auto luns = target_->luns();
  return faults::hidden_units(*rules_, rule_state_, facts_at_hand_, around_decisions(),
                              luns->numbers);
}

/// Decides about the command at hand, in CmdSN order.
void TaskRunner::decide(const iscsi::Task& task) {
  LunPath* path = task.lun ? path_to(*task.lun) : nullptr;
  std::construct_at(&facts_at_hand_, describe(task, path));  // where it is: it is large
  if (replay_) return replay_->decide(facts_at_hand_, rule_state_, decision_);
  auto around = around_decisions();
  const auto ask = [&] {
    faults::decide(*rules_, rule_state_, world_.seed, facts_at_hand_, around, decision_);
  };
  if (path == nullptr || !rules_->needs_write_history()) return ask();
  path->host->with_write_history([&](faults::WriteHistory& history) {
    around.writes = &history;
    ask();
  });
}

/// A rule waits for the data of the command before it decides.
bool TaskRunner::looks_at_data(const iscsi::Task& task) const {
  return rules_->has_payload_rules() && sends_data_out(task, facts_at_hand_);
}

/// Carries out what was decided.  False: the command goes the way of all.
bool TaskRunner::disturbed(iscsi::Task& task, bytes::View immediate, iscsi::Effects& effects) {
  const auto& facts = facts_at_hand_;
  if (decision_.strikes.empty() && !looks_at_data(task)) return false;
  const auto* end = decision_.terminal();
  if (end != nullptr && std::holds_alternative<faults::Drop>(end->effect->action)) {
    drop_ = std::get<faults::Drop>(end->effect->action);
    note_injected(*end, facts, task.initiator_task_tag, kDropped);
    give_back_active(decision_);
    return true;
  }
  LunPath* path = task.lun ? path_to(*task.lun) : nullptr;
  // An unplugged unit has no path, and still may be plugged in again by a command to it.
  const auto unit = path != nullptr ? path->host
                    : task.lun      ? target_->configured_luns()->find(*task.lun)
                                    : nullptr;
  if (unit != nullptr)
    apply_to_units(world_, *target_, *unit, decision_, nexus_, world_.since_start(now_));
  auto ordeal = std::make_unique<Ordeal>(rules_, std::exchange(decision_, {}), facts, now_);
  undergo(task, path != nullptr ? path->host : nullptr, std::move(ordeal), immediate, effects);
  return true;
}

void TaskRunner::undergo(iscsi::Task& task, std::shared_ptr<LunHost> host,
                         std::unique_ptr<Ordeal> ordeal, bytes::View immediate,
                         iscsi::Effects& effects) {
  const auto operation = begin(task, host, scsi::Reply{});
  operation->ordeal = std::move(ordeal);
  ++ordeals_;
  Ordeal& trial = *operation->ordeal;
  trial.facts.cdb = &operation->command.cdb;
  trial.hidden = hidden_from(task);
  if (const auto* end = trial.instead_of_unit()) {
    // This command found the unit absent, even if it was the last one to.
    if (const auto* absent = std::get_if<faults::Absent>(&end->effect->action);
        absent != nullptr && !absent->listed && task.lun)
      trial.hidden.push_back(*task.lun);
    return answer_instead(*operation, *end);
  }
  if (!sends_data_out(task, trial.facts)) return wait(*operation, Stage::plan, When::before);
  undergo_planned(operation, immediate, effects);
}

/// The unit never hears of the command.
void TaskRunner::answer_instead(TaskOperation& operation, const faults::Strike& end) {
  const auto& facts = operation.ordeal->facts;
  const auto tag = operation.task->initiator_task_tag;
  if (std::holds_alternative<faults::Silence>(end.effect->action)) {
    operation.stage = Stage::silent;
    return note_injected(end, facts, tag, "no answer");
  }
  if (std::holds_alternative<faults::Drop>(end.effect->action)) {
    note_injected(end, facts, tag, kDropped);
    return on_drop_();
  }
  luns_ = target_->luns();
  operation.reply = reply_of(end, facts, descriptor_sense(operation), operation.command,
                             surroundings(operation.ordeal->hidden));
  note_injected(end, facts, tag, operation.reply);
  wait(operation, Stage::answer, std::nullopt);
}

/// The unit hears of the command.  `operation->stage` is none when the wait before the medium is
/// still to come.
void TaskRunner::undergo_planned(const OperationPtr& operation, bytes::View immediate,
                                 iscsi::Effects& effects) {
  iscsi::Task& task = *operation->task;
  LunPath* path = task.lun ? path_to(*task.lun) : nullptr;
  const auto& hidden = operation->ordeal->hidden;
  operation->command.data_out_offered = task.writes ? task.expected_data_transfer_length : 0;
  auto command = operation->command;
  if (operation->ordeal->find<faults::Patch>() != nullptr) command.cdb = widened(command.cdb);
  if (path == nullptr)
    return answer_ordeal(*operation, answer_without_path(task, command, hidden), {}, 0);
  operation->host = path->host;
  auto verdict = path->host->verdict(world_.since_start(now_));
  if (verdict.kind == UnitVerdict::Kind::silence) {
    operation->stage = Stage::silent;
    return;
  }
  if (verdict.kind == UnitVerdict::Kind::absent)
    verdict.reply = answer_without_path(task, command, hidden);
  if (verdict.kind != UnitVerdict::Kind::go_on)
    return answer_ordeal(*operation, std::move(verdict.reply), {}, 0);
  luns_ = target_->luns();
  auto plan = path->host->with_unit(
      [&](scsi::LogicalUnit& unit) { return unit.plan(nexus_, command, surroundings(hidden)); });
  if (auto* reply = std::get_if<scsi::Reply>(&plan))
    return answer_ordeal(*operation, std::move(*reply), {}, 0);
  if (const auto* query = std::get_if<scsi::QueryAllocation>(&plan))
    return answer_ordeal(*operation, allocation_of(*path->host, *query), {}, 0);
  const auto wanted = scsi::data_out_length(plan);
  const auto expected = expected_data_out(task, wanted);
  const auto* read = std::get_if<scsi::ReadMedium>(&plan);
  const auto buffered = read != nullptr ? read->length_bytes : expected;
  operation->plan = std::move(plan);
  if (!budget_.take(buffered)) {
    loop_.counters().add(Metric::commands_task_set_full);
    return answer_ordeal(*operation, scsi::with_status(scsi::Status::task_set_full), {}, 0);
  }
  operation->charged = buffered;
  if (expected == 0) return proceed(operation);
  operation->data.resize(expected);
  const auto taken = std::min<std::size_t>(immediate.size(), expected);
  if (taken != 0) data_out(task, 0, immediate.first(taken));
  task.transfer.paced = operation->ordeal->find<faults::Pace>() != nullptr;
  session_.collect(task, wanted, taken, out_, effects);
}

/// The Data-Out of a command is here.
void TaskRunner::proceed_ordeal(const OperationPtr& operation) {
  Ordeal& trial = *operation->ordeal;
  if (!operation->data.empty()) trial.arrived = now_;
  if (!trial.payload_decided && trial.rules->has_payload_rules()) {
    trial.payload_decided = true;
    trial.facts.payload = operation->data;
    trial.facts.payload_known = true;
    decide_payload(trial);
    if (!decision_.quiet()) {
      JournalEntry about = operation->entry;
      about.at_ns = static_cast<std::uint64_t>(world_.since_start(now_).count());
      tell_decision(about);
    }
    trial.add(std::exchange(decision_, {}));
    trial.facts.payload = {};
    if (const auto* end = trial.instead_of_unit()) {
      return answer_instead(*operation, *end);
    }
  }
  shorten(operation->plan, trial);
  wait(*operation, Stage::medium, When::before);
}

// ---- waiting -----------------------------------------------------------------------------------

/// `when`: which delays are due; nothing: all of them.
void TaskRunner::wait(TaskOperation& operation, Stage then, std::optional<When> when) {
  Ordeal& trial = *operation.ordeal;
  const auto now = loop_.now();
  operation.stage = then;
  const auto wait =
      due(trial, when, world_.since_start(now), world_.since_start(trial.arrived), seed_of(trial));
  trial.asked += wait.asked;
  trial.due = world_.started_at + wait.until;
  const bool before = !when || *when == When::before;
  if (before && trial.find<faults::Hold>() != nullptr) {
    operation.held = true;
    return;
  }
  if (before && trial.find<faults::Shuffle>() != nullptr) return reorder(operation);
  if (trial.due > now) return loop_.arm(operation, trial.due);
  wake(operation);
}

/// Commands under one reordering rule leave together, in an order drawn by the first of them.
void TaskRunner::reorder(TaskOperation& operation) {
  const auto* strike = operation.ordeal->find<faults::Shuffle>();
  const auto& rule = std::get<faults::Shuffle>(strike->effect->action);
  operation.held = true;
  loop_.arm(operation, std::max(operation.ordeal->due, loop_.now() + rule.for_at_most));
  std::vector<OperationPtr> waiting;
  for (const auto& each : operations_) {
    if (!each->ordeal || !each->held) continue;
    const auto* other = each->ordeal->find<faults::Shuffle>();
    if (other != nullptr && other->rule->lifetime == strike->rule->lifetime)
      waiting.push_back(each);
  }
  if (waiting.size() < rule.window) return;
  const auto seed = waiting.front()->ordeal->find<faults::Shuffle>()->resolved[0];
  const faults::Drawer drawer(seed, strike->rule->rule.id, "reorder");
  const auto order = faults::release_order({rule.window}, drawer, 0, waiting.size());
  for (const auto place : order) {
    TaskOperation& each = *waiting[place];
    if (each.runner != nullptr && each.held) wake(each);
  }
}

std::size_t TaskRunner::release(const Release& wanted) {
  std::vector<OperationPtr> held;
  for (const auto& each : operations_) {
    if (!each->ordeal || !each->held) continue;
    const auto& trial = *each->ordeal;
    const auto* strike = trial.find<faults::Hold>();
    if (strike == nullptr) strike = trial.find<faults::Shuffle>();
    const auto* hold = std::get_if<faults::Hold>(&strike->effect->action);
    if (wanted.tag && (hold == nullptr || hold->tag != *wanted.tag)) continue;
    if (wanted.rule && strike->rule->rule.id != *wanted.rule) continue;
    if (wanted.lun && each->task->lun != wanted.lun) continue;
    held.push_back(each);
  }
  if (wanted.order == Release::Order::lifo) std::ranges::reverse(held);
  if (wanted.order == Release::Order::seeded && !held.empty()) {
    const auto count = std::min(held.size(), faults::kMaxReordered);
    const faults::Drawer drawer(wanted.seed, "release", "*");
    const auto order = faults::release_order({static_cast<std::uint32_t>(count)}, drawer, 0, count);
    std::vector<OperationPtr> shuffled;
    for (const auto place : order)
      shuffled.push_back(held[place]);
    held = std::move(shuffled);
  }
  for (const auto& each : held)
    if (each->runner != nullptr && each->held) wake(*each);
  return held.size();
}

std::vector<TaskRunner::Listed> TaskRunner::list() const {
  std::vector<Listed> out;
  const auto now = loop_.now();
  for (const auto& each : operations_) {
    Listed row;
    row.initiator_task_tag = each->task->initiator_task_tag;
    row.cmd_sn = each->task->cmd_sn;
    row.lun = each->task->lun;
    row.opcode = each->command.cdb.opcode();
    row.age = now - world_.started_at - Duration(static_cast<std::int64_t>(each->entry.at_ns));
    const bool waits = each->stage != Stage::none && each->stage != Stage::silent;
    row.stage = each->stage == Stage::silent ? "silent"
                : each->held                 ? "held"
                : each->running              ? "medium"
                : waits                      ? "delayed"
                                             : "data";
    if (each->ordeal) {
      if (waits && !each->held) row.due_in = each->ordeal->due - now;
      for (const auto& strike : each->ordeal->decision.strikes)
        if (row.rules.empty() || row.rules.back() != strike.rule->rule.id)
          row.rules.push_back(strike.rule->rule.id);
    }
    out.push_back(std::move(row));
  }
  return out;
}

void TaskRunner::wake(TaskOperation& operation) {
  const OperationPtr self = *operation.place;
  loop_.disarm(operation);
  operation.held = false;
  switch (operation.stage) {
    case Stage::plan: {
      operation.stage = Stage::medium;  // the wait before the medium is over
      iscsi::Effects none;
      undergo_planned(self, {}, none);
      break;
    }
    case Stage::medium:
      proceed(self);
      break;
    case Stage::answer:
      finish_ordeal(operation);
      break;
    case Stage::r2t:
      operation.stage = Stage::none;
      if (session_.send_r2t(*operation.task, out_)) r2t_due(*operation.task);
      break;
    case Stage::data_in:
      send_paced_data_in(operation);
      break;
    case Stage::none:
    case Stage::silent:
      return;
  }
  output_ready();
}

// ---- the answer --------------------------------------------------------------------------------

bool TaskRunner::descriptor_sense(const TaskOperation& operation) const {
  return operation.host &&
         operation.host->look_at_unit([](const auto& unit) { return unit.descriptor_sense(); });
}

namespace {

/// Changes the parameter data of a reply to a widened command, and cuts it to what was asked for.
void patch(const Ordeal& ordeal, std::uint32_t task_tag, const scsi::Cdb& cdb, scsi::Reply& reply) {
  if (ordeal.find<faults::Patch>() == nullptr) return;
  for (const auto& strike : ordeal.decision.strikes)
    if (const auto* change = std::get_if<faults::Patch>(&strike.effect->action)) {
      apply(*change, cdb, reply);
      note_injected(strike, ordeal.facts, task_tag, "data changed");
    }
  cut_to_allocation(cdb, reply);
}

}  // namespace

/// The unit has answered; the rules may bend that.
void TaskRunner::answer_ordeal(TaskOperation& operation, scsi::Reply reply,
                               std::unique_ptr<std::uint8_t[]> data, std::uint64_t length) {
  Ordeal& trial = *operation.ordeal;
  const auto* end = trial.after_unit();
  patch(trial, operation.task->initiator_task_tag, operation.command.cdb, reply);
  // What went wrong by itself is reported: an injected answer must not hide a unit attention.
  if (end != nullptr && reply.status == scsi::Status::good && !reply.sense) {
    auto bent = reply_of(*end, trial.facts, descriptor_sense(operation), operation.command,
                         surroundings({}));
    bent.data_out_length = reply.data_out_length;
    if (data) {
      length = bytes_before(*end, trial.facts, length);
    } else {
      bent.data_in = std::move(reply.data_in);
    }
    bent.data_in_length = data ? length : reply.data_in_length;
    reply = std::move(bent);
    note_injected(*end, trial.facts, operation.task->initiator_task_tag, reply);
  }
  operation.reply = std::move(reply);
  operation.read_data = std::move(data);
  operation.read_length = length;
  const bool waited = operation.stage != Stage::none;
  wait(operation, Stage::answer, waited ? std::optional(When::after) : std::nullopt);
}

void TaskRunner::finish_ordeal(TaskOperation& operation) {
  auto& task = *operation.task;
  note_achieved(*operation.ordeal, loop_.now() - operation.ordeal->arrived);
  auto reply = std::move(operation.reply);
  auto data = std::move(operation.read_data);
  const auto length = operation.read_length;
  if (data && operation.ordeal->find<faults::Pace>() != nullptr) {
    operation.reply = std::move(reply);
    operation.read_data = std::move(data);
    return begin_paced_data_in(operation);
  }
  if (!data) {
    end(operation);
    return complete(task, std::move(reply));
  }
  const auto charged = std::exchange(operation.charged, 0);
  end(operation);
  const bool plain = reply.status == scsi::Status::good && !reply.sense;
  send_data_in(task, std::move(data), length, charged,
               plain ? std::nullopt : std::optional(std::move(reply)));
}

// ---- paced transfers ---------------------------------------------------------------------------

Duration TaskRunner::gap_of(const TaskOperation& operation) {
  const auto* pace = operation.ordeal->find<faults::Pace>();
  return Duration(static_cast<std::int64_t>(pace->resolved[0]));
}

/// An R2T may go, after the gap.
void TaskRunner::r2t_due(iscsi::Task& task) {
  auto* operation = static_cast<TaskOperation*>(task.host);
  if (operation == nullptr || operation->aborted || operation->stage == Stage::r2t) return;
  operation->stage = Stage::r2t;
  loop_.arm(*operation, loop_.now() + gap_of(*operation));
}

void TaskRunner::begin_paced_data_in(TaskOperation& operation) {
  operation.cursor = {};
  operation.cursor.device_length = operation.read_length;
  operation.cursor.total = iscsi::Session::data_in_total(*operation.task, operation.read_length);
  operation.cursor.with_status = false;
  loop_.counters().add(Metric::read_bytes, operation.cursor.total);
  operation.stage = Stage::data_in;
  send_paced_data_in(operation);
}

/// One PDU; the gap before the next, or the status.
void TaskRunner::send_paced_data_in(TaskOperation& operation) {
  auto& task = *operation.task;
  if (const auto length = session_.next_data_in(operation.cursor)) {
    const auto at = operation.cursor.sent;
    const auto room = session_.room_for_data_in(task, operation.cursor, length, out_);
    std::copy_n(operation.read_data.get() + at, length, room.begin());
    session_.seal_data_in(room);
    return loop_.arm(operation, loop_.now() + gap_of(operation));
  }
  auto reply = std::move(operation.reply);
  end(operation);
  complete(task, std::move(reply));
}

}  // namespace faultlun::daemon
