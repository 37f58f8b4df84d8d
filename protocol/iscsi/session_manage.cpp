// Task management, the fate of aborted tasks, and deadlines.  RFC 7143 §4.2.3, §7.11, §11.5, §11.6;
// RFC 7144 §6.
//
// An aborted task is freed when nothing refers to it: no operation of the daemon (discard()), and
// no Data-Out that its initiator may still be sending.  Late data is swallowed for
// kTaskManagementDataWait at most.  With one connection a response on the wire is ahead of every
// later one, so the order of §4.2.3.3 needs no wait for ExpStatSN.
//
// A function arrives; is judged, if the daemon wants to; carries on; and is answered by answer()
// alone, which knows what the verdict made of the answer.
#include "protocol/iscsi/session_impl.hpp"
#include "protocol/iscsi/task_management_codes.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>
#include <cstring>

namespace faultlun::iscsi {
namespace {

bool supported(std::uint8_t function, std::uint8_t protocol_level) {
  for (const auto& row : scsi::task_management_table())
    if (row.function == function)
      return row.supported && row.least_protocol_level <= protocol_level;
  return false;
}

bool names_a_unit(std::uint8_t function) {
  return function != task_function::kTargetWarmReset &&
         function != task_function::kTargetColdReset && function != task_function::kItNexusReset;
}

/// Functions that wait for the commands before them (§4.2.3.3).
bool covers_many(std::uint8_t function) {
  return function != task_function::kAbortTask && function != task_function::kQueryTask &&
         function != task_function::kQueryAsyncEvent;
}

/// Takes back RunTask effects that nobody has performed yet; true when there was one.
bool forget_run(Effects& effects, const Task& task) {
  return std::erase_if(effects, [&](const Effect& each) {
           const auto* run = std::get_if<effect::RunTask>(&each);
           return run != nullptr && run->task == &task;
         }) > 0;
}

}  // namespace

// ---- requests
// ------------------------------------------------------------------------------------------------

void Session::Impl::on_task_management(const PduView& pdu, Outbox& out, Effects& effects) {
  const auto bhs = wire::load<wire::TaskManagementRequestBhs>(pdu.header);
  const std::uint32_t tag = bhs.initiator_task_tag.value();
  if (tag == kReservedTag) return send_reject(pdu, wire::reject::kInvalidPduField, out);
  if (tag_in_use(tag)) return send_reject(pdu, wire::reject::kTaskInProgress, out);
  const bool full = managements_.size() >= kMaxTaskManagements;
  if (full && pdu.immediate())
    return send_reject(pdu, wire::reject::kTooManyImmediateCommands, out);
  acknowledge(pdu);
  if (full) return send_task_management_response(tag, task_response::kRejected, 0, out);

  Management management;
  management.function = bhs.function & 0x7f;
  std::memcpy(management.lun_field, bhs.lun, sizeof bhs.lun);
  management.lun = scsi::parse_lun(bhs.lun);
  management.initiator_task_tag = tag;
  management.cmd_sn = bhs.cmd_sn.value();
  management.immediate = pdu.immediate();
  management.referenced_tag = bhs.referenced_task_tag.value();
  management.ref_cmd_sn = bhs.ref_cmd_sn.value();
  management.birth = births_++;
  if (!ask_before_task_management_) return carry_on(management, out, effects);
  management.state = Management::State::arrived;
  management.covers_now = false;
  managements_.push_back(management);  // act_on_waiting() asks
}

void Session::Impl::judge(std::uint32_t initiator_task_tag, const TaskManagementVerdict& verdict,
                          Outbox& out, Effects& effects) {
  auto management = take_management(initiator_task_tag, Management::State::judging);
  if (!management || closed_) return;
  management->verdict = verdict;
  management->judged = true;
  using Act = TaskManagementVerdict::Act;
  const bool spares_its_task =
      verdict.act == Act::partial && management->function == task_function::kAbortTask;
  if (verdict.act == Act::skip || spares_its_task)
    answer(*management, task_response::kComplete, out);
  else
    carry_on(*management, out, effects);
  if (!ahead_.empty()) replay(out, effects);  // ABORT TASK may have closed a gap
  act_on_waiting(out, effects);
}

void Session::Impl::release_task_management(std::uint32_t initiator_task_tag, Outbox& out) {
  Management* const found = find_management(initiator_task_tag);
  if (found == nullptr || closed_) return;
  found->verdict.hold_answer = false;
  const auto held = take_management(initiator_task_tag, Management::State::held);
  if (held) answer(*held, held->response, out);
}

void Session::Impl::carry_on(Management management, Outbox& out, Effects& effects) {
  if (management.function == task_function::kTaskReassign)  // ErrorRecoveryLevel 0 (A10.14)
    return answer(management, task_response::kReassignmentNotSupported, out);
  if (!supported(management.function, login_.parameters.protocol_level))
    return answer(management, task_response::kNotSupported, out);
  if (names_a_unit(management.function) && !management.lun)
    return answer(management, task_response::kNoSuchLun, out);
  if (management.function == task_function::kAbortTask) {
    const std::uint8_t response = abort_one(management, out, effects);
    return respond_when_ready(management, response, out);
  }
  if (management.function == task_function::kQueryTask) {
    const Task* task = tasks_.find(management.referenced_tag);
    const bool there = task != nullptr && !task->aborted && task->lun == management.lun;
    return answer(management, there ? task_response::kSucceeded : task_response::kComplete, out);
  }
  start(management, out, effects);
}

/// §11.6.1 (A10.02 to A10.06, A10.15).
std::uint8_t Session::Impl::abort_one(Management& management, Outbox& out, Effects& effects) {
  const std::uint32_t referenced_tag = management.referenced_tag;
  const std::uint32_t ref_cmd_sn = management.ref_cmd_sn;
  if (find_management(referenced_tag) != nullptr) return task_response::kRejected;
  Task* const task = tasks_.find(referenced_tag);
  if (task != nullptr && !task->aborted) {
    if (task->lun != management.lun) return task_response::kNoSuchTask;
    management.single = true;
    management.covered_birth = task->birth;
    abort_task(*task, false, out, effects);
    return task_response::kComplete;
  }
  for (Ahead& ahead : ahead_) {
    if (!ahead.command || ahead.cancelled || ahead.view().initiator_task_tag() != referenced_tag)
      continue;
    ahead.cancelled = true;
    return task_response::kComplete;
  }
  // Unknown: its command may still be on the way, and then must not be executed.
  if (!serial_less(ref_cmd_sn, management.cmd_sn)) return task_response::kNoSuchTask;
  switch (window_.place(ref_cmd_sn)) {
    case CommandWindow::Place::outside:
      return task_response::kNoSuchTask;
    case CommandWindow::Place::next:
      window_.advance();
      break;
    case CommandWindow::Place::ahead:
      cancel_cmd_sn(ref_cmd_sn);
      break;
  }
  return task_response::kComplete;
}

/// A function that covers more than one task: now, or when the commands before it are here
/// (A10.08).
void Session::Impl::start(Management management, Outbox& out, Effects& effects) {
  const std::uint32_t missing = management.cmd_sn - window_.expected();
  const bool wait = covers_many(management.function) && missing != 0 && missing <= window_.room();
  if (!wait) management.cmd_sn = window_.expected();
  management.covers_now = management.covers_now || wait;
  management.state = Management::State::commands;
  management.deadline = now_ + kTaskManagementCommandWait;
  managements_.push_back(management);
  act_on_waiting(out, effects);
}

bool Session::Impl::may_act(const Management& management) const {
  if (management.state != Management::State::commands) return false;
  return !serial_less(window_.expected(), management.cmd_sn) || management.deadline <= now_;
}

/// Acts on functions that wait no longer.  Only with no other effect pending: what the daemon does
/// for ManageTasks may end any task, and no later effect may still speak of it.  The rest is done
/// by the next call; deadline() asks for it.
void Session::Impl::act_on_waiting(Outbox& out, Effects& effects) {
  while (effects.empty()) {
    const auto next = std::find_if(managements_.begin(), managements_.end(), [&](const auto& each) {
      return each.state == Management::State::arrived || may_act(each);
    });
    if (next == managements_.end()) return;
    if (next->state == Management::State::arrived) {
      next->state = Management::State::judging;
      effects.emplace_back(
          effect::JudgeTaskManagement{next->initiator_task_tag, next->function,
                                      names_a_unit(next->function) ? next->lun : std::nullopt,
                                      next->cmd_sn, next->immediate, next->referenced_tag});
      return;
    }
    const Management management = *next;
    managements_.erase(next);
    if (serial_less(window_.expected(), management.cmd_sn)) cancel_ahead(management);
    act(management, out, effects);
  }
}

/// Does what the session can do, and hands the rest over.
void Session::Impl::act(Management management, Outbox& out, Effects& effects) {
  if (management.covers_now) management.birth = births_++;
  if (management.verdict.act == TaskManagementVerdict::Act::partial)
    management.birth = birth_sparing(management);
  if (management.function == task_function::kQueryTaskSet) {
    const bool any = task_at(management.lun);
    return answer(management, any ? task_response::kSucceeded : task_response::kComplete, out);
  }
  if (management.function == task_function::kAbortTaskSet ||
      management.function == task_function::kItNexusReset) {
    tasks_.for_each([&](Task& task) {
      if (!task.aborted && covers(management, task)) abort_task(task, false, out, effects);
    });
  }
  management.state = Management::State::daemon;
  managements_.push_back(management);
  effect::ManageTasks manage{
      management.initiator_task_tag, management.function, {}, management.lun};
  std::memcpy(manage.lun_field, management.lun_field, sizeof manage.lun_field);
  effects.emplace_back(manage);
}

/// Commands that the function covers and that wait behind a gap which was not plugged in time: they
/// are never executed.
void Session::Impl::cancel_ahead(const Management& management) {
  for (Ahead& ahead : ahead_) {
    if (!ahead.command || ahead.cancelled || !serial_less(ahead.cmd_sn, management.cmd_sn))
      continue;
    const PduView pdu = ahead.view();
    if (pdu.opcode() != wire::opcode::kScsiCommand) continue;
    const auto lun = scsi::parse_lun(wire::load<wire::ScsiCommandBhs>(pdu.header).lun);
    if (!names_a_unit(management.function) || lun == management.lun) ahead.cancelled = true;
  }
}

void Session::Impl::finish_task_management(std::uint32_t initiator_task_tag, std::uint8_t response,
                                           std::uint32_t additional, Outbox& out) {
  auto management = take_management(initiator_task_tag, Management::State::daemon);
  if (!management || closed_) return;
  management->additional = additional;
  respond_when_ready(*management, response, out);
}

void Session::Impl::respond_when_ready(Management management, std::uint8_t response, Outbox& out) {
  // After a cold reset every connection closes: there is no later moment to answer (A10.11).
  if (management.function == task_function::kTargetColdReset || covered_tasks_gone(management))
    return answer(management, response, out);
  management.state = Management::State::tasks;
  management.response = response;
  management.armed = false;
  managements_.push_back(management);
}

/// The one way out: with the verdict's response, later, or never.
void Session::Impl::answer(Management management, std::uint8_t response, Outbox& out) {
  const auto& verdict = management.verdict;
  const auto tag = management.initiator_task_tag;
  if (!verdict.answered) {
    if (management.judged) management_ends_.push_back({tag, response, true});
    return;
  }
  if (verdict.hold_answer) {
    management.state = Management::State::held;
    management.response = response;
    managements_.push_back(management);
    return;
  }
  if (verdict.response) {
    response = *verdict.response;
    management.additional = 0;
  }
  if (management.judged) management_ends_.push_back({tag, response, false});
  send_task_management_response(tag, response, management.additional, out);
}

/// Where the coverage ends when the youngest tasks are spared.
std::uint32_t Session::Impl::birth_sparing(const Management& management) const {
  std::vector<std::uint32_t> births;
  tasks_.for_each([&](const Task& task) {
    if (!task.aborted && covers(management, task)) births.push_back(task.birth);
  });
  std::ranges::sort(births, serial_less);
  const std::size_t survivors = management.verdict.survivors;
  if (survivors == 0) return management.birth;
  if (births.empty()) return management.birth;
  return births[births.size() - std::min(survivors, births.size())];
}

/// A function that covers many tasks: this is one of them.
bool Session::Impl::covers(const Management& management, const Task& task) {
  return (!names_a_unit(management.function) || task.lun == management.lun) &&
         serial_less(task.birth, management.birth);
}

bool Session::Impl::covered_tasks_gone(const Management& management) const {
  return std::none_of(leaving_.begin(), leaving_.end(), [&](const Leaving& each) {
    const Task& task = *each.task;
    if (management.single) return task.birth == management.covered_birth && task.awaits_discard;
    return serial_less(task.birth, management.birth) && (task.draining || task.awaits_discard);
  });
}

void Session::Impl::answer_managements(Outbox& out) {
  wake_ = false;
  for (std::size_t i = 0; i < managements_.size();) {
    const Management each = managements_[i];
    const bool late = each.armed && each.deadline <= now_;
    if (each.state != Management::State::tasks || (!late && !covered_tasks_gone(each))) {
      ++i;
      continue;
    }
    managements_.erase(managements_.begin() + static_cast<std::ptrdiff_t>(i));
    answer(each, late ? task_response::kRejected : each.response, out);
  }
  if (managements_.empty()) managements_ = std::vector<Management>();
}

Session::Impl::Management* Session::Impl::find_management(std::uint32_t initiator_task_tag) {
  for (auto& each : managements_)
    if (each.initiator_task_tag == initiator_task_tag) return &each;
  return nullptr;
}

std::optional<Session::Impl::Management> Session::Impl::take_management(
    std::uint32_t initiator_task_tag, Management::State state) {
  const auto found = std::find_if(managements_.begin(), managements_.end(), [&](const auto& each) {
    return each.initiator_task_tag == initiator_task_tag && each.state == state;
  });
  if (found == managements_.end()) return std::nullopt;
  const Management management = *found;
  managements_.erase(found);
  return management;
}

bool Session::Impl::task_at(std::optional<std::uint16_t> lun) const {
  bool any = false;
  tasks_.for_each([&](const Task& task) { any = any || (!task.aborted && task.lun == lun); });
  return any;
}

// ---- aborted tasks
// -------------------------------------------------------------------------------------------

void Session::Impl::abort_task(Task& task, bool task_aborted_status, Outbox& out,
                               Effects& effects) {
  task.aborted = true;
  if (!task.answered && !forget_run(effects, task)) {
    effects.emplace_back(effect::AbortTask{&task});
    task.awaits_discard = task.host != nullptr;
  }
  if (task.extra) task.extra->reply.reset();
  fail_transfer(task, kUnexpectedUnsolicitedData);  // from now on its data is swallowed
  task.draining = data_due(task);
  if (task_aborted_status) {
    auto reply = scsi::with_status(scsi::Status::task_aborted);
    if (!task.draining) {
      send_response(task, reply, false, out);
    } else {  // the status waits for the data (A8.07)
      if (!task.extra) task.extra = std::make_unique<TaskExtra>();
      task.extra->reply = std::move(reply);
    }
  }
  if (!task.draining) tasks_.forget_tag(task);
  if (task.draining || task.awaits_discard) {
    leaving_.push_back({&task, false, {}});
  } else {
    finished_.push_back(&task);
    unsettled_ = true;
  }
}

/// The last data of an aborted task has come, or is not waited for any more.
void Session::Impl::drained(Task& task, Outbox& out) {
  task.draining = false;
  if (task.extra && task.extra->reply) send_response(task, *task.extra->reply, false, out);
  tasks_.forget_tag(task);
  if (!task.awaits_discard) leave(task);
  if (!managements_.empty()) answer_managements(out);
}

void Session::Impl::leave(Task& task) {
  std::erase_if(leaving_, [&](const Leaving& each) { return each.task == &task; });
  if (leaving_.empty()) leaving_ = std::vector<Leaving>();
  release_task(task);
}

void Session::Impl::discard(Task& task) {
  if (!task.awaits_discard) return;  // the session has seen to it
  task.awaits_discard = false;
  task.host = nullptr;
  if (task.draining) return;
  leave(task);
  if (managements_.empty()) return;
  wake_ = true;
  unsettled_ = true;
}

void Session::Impl::abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status,
                                AbortedBy by, Outbox& out, Effects& effects) {
  // The daemon acts on a function as soon as it is handed over: the youngest one it has is the one
  // it acts on.
  const Management* ours = nullptr;
  for (const auto& each : managements_)
    if (by == AbortedBy::own_function && each.state == Management::State::daemon) ours = &each;
  const std::uint32_t limit = ours != nullptr ? ours->birth : births_;
  tasks_.for_each([&](Task& task) {
    if (task.aborted || (lun && task.lun != lun) || !serial_less(task.birth, limit)) return;
    abort_task(task, task_aborted_status, out, effects);
  });
}

// ---- deadlines
// -----------------------------------------------------------------------------------------------

std::optional<TimePoint> Session::Impl::deadline() const {
  if (closed_) return std::nullopt;
  if (wake_ || window_opened_ || !finished_.empty()) return TimePoint::min();
  std::optional<TimePoint> first;
  const auto consider = [&](bool armed, TimePoint at) {
    if (!armed) at = TimePoint::min();
    if (!first || at < *first) first = at;
  };
  for (const auto& each : leaving_)
    if (each.task->draining) consider(each.armed, each.drain_deadline);
  for (const auto& each : managements_) {
    if (each.state == Management::State::arrived) consider(false, {});
    if (each.state == Management::State::commands || each.state == Management::State::tasks)
      consider(each.armed && !may_act(each), each.deadline);
  }
  return first;
}

void Session::Impl::on_deadline(Outbox& out, Effects& effects) {
  if (closed_) return;
  for (auto& each : leaving_) {
    if (!each.armed) each.drain_deadline = now_ + kTaskManagementDataWait;
    each.armed = true;
  }
  for (auto& each : managements_) {
    if (!each.armed) each.deadline = now_ + kTaskManagementOperationWait;
    each.armed = true;
  }
  for (std::size_t i = 0; i < leaving_.size();) {
    Task& task = *leaving_[i].task;
    if (!task.draining || leaving_[i].drain_deadline > now_) {
      ++i;
      continue;
    }
    drained(task, out);
    if (i < leaving_.size() && leaving_[i].task == &task) ++i;
  }
  wake_ = false;
  sweep(out);
  if (!managements_.empty()) act_on_waiting(out, effects);
  if (window_opened_) send_nop_in(false, out);  // A3.09
  window_opened_ = false;
}

}  // namespace faultlun::iscsi
