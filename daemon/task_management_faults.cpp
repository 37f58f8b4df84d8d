#include "daemon/task_management_faults.hpp"

#include "protocol/iscsi/task_management_codes.hpp"

#include <algorithm>

namespace faultlun::daemon {
namespace {

using faults::TaskManagementFault;
using Act = TaskManagementFault::Act;

/// The graver of two comes later here.
int gravity(Act act) {
  return act == Act::perform ? 0 : act == Act::partial ? 1 : 2;
}

void add(TaskManagementFault& sum, const TaskManagementFault& each) {
  if (gravity(each.act) > gravity(sum.act)) {
    sum.act = each.act;
    sum.survivors = each.survivors;
  }
  if (!sum.response) sum.response = each.response;
  sum.answered = sum.answered && each.answered;
  sum.delay_first = sum.delay_first || each.delay_first;
  sum.collateral = sum.collateral || each.collateral;
  sum.collateral_status = sum.collateral_status || each.collateral_status;
  sum.collateral_attention = sum.collateral_attention || each.collateral_attention;
  sum.busy_after = std::max(sum.busy_after, each.busy_after);
  sum.no_attention = sum.no_attention || each.no_attention;
}

iscsi::TaskManagementVerdict verdict_of(const TaskManagementFault& fault, bool hold_answer) {
  using Verdict = iscsi::TaskManagementVerdict;
  Verdict verdict;
  verdict.act = fault.act == Act::skip      ? Verdict::Act::skip
                : fault.act == Act::partial ? Verdict::Act::partial
                                            : Verdict::Act::perform;
  verdict.survivors = fault.survivors;
  verdict.answered = fault.answered;
  verdict.hold_answer = hold_answer && fault.answered;
  verdict.response = fault.response;
  return verdict;
}

}  // namespace

CombinedTaskManagementFault combine(const faults::Decision& decision) {
  CombinedTaskManagementFault sum;
  const auto wait = [&](std::uint64_t nanoseconds) {
    sum.delay += std::chrono::duration_cast<Duration>(
        std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(nanoseconds)));
  };
  for (const auto& strike : decision.strikes) {
    const auto& action = strike.effect->action;
    if (const auto* fault = std::get_if<TaskManagementFault>(&action)) {
      add(sum.fault, *fault);
      wait(strike.resolved[0]);
    } else if (const auto* ladder = std::get_if<faults::TaskManagementLadder>(&action)) {
      const auto& step = ladder->steps[strike.resolved[0]];
      add(sum.fault, step.fault);
      sum.drop = sum.drop || step.drop;
      wait(strike.resolved[1]);
    } else if (const auto* silence = std::get_if<faults::Silence>(&action)) {
      if (!silence->task_management) continue;
      sum.fault.act = Act::skip;
      sum.fault.answered = false;
    } else if (std::holds_alternative<faults::Drop>(action)) {
      sum.drop = true;
    }
  }
  return sum;
}

CombinedTaskManagementFault TaskManagementFaults::judge(
    const iscsi::effect::JudgeTaskManagement& arrived, const faults::Decision& decision,
    TimePoint now, iscsi::Session& session, iscsi::Outbox& out, iscsi::Effects& effects) {
  const auto tag = arrived.initiator_task_tag;
  auto combined = combine(decision);
  auto& fault = combined.fault;
  // A cold reset closes every connection, so there would be nobody to answer later.
  if (arrived.function == iscsi::task_function::kTargetColdReset) fault.delay_first = true;
  std::erase_if(remembered_, [&](const auto& each) { return each.initiator_task_tag == tag; });
  if (combined.drop) return combined;  // the session ends before it could act
  const bool late = combined.delay > Duration::zero();
  Remembered entry;
  entry.initiator_task_tag = tag;
  entry.fault = fault;
  entry.judged = !late || !fault.delay_first;
  if (late && (!entry.judged || fault.answered)) entry.due = now + combined.delay;
  if (entry.due || fault.busy_after > faults::Time{} || fault.no_attention) {
    // Those with a moment to come are functions that the session has not answered, half as many.
    const auto oldest =
        std::ranges::find_if(remembered_, [](const auto& each) { return !each.due; });
    if (remembered_.size() >= kMaxRemembered && oldest != remembered_.end())
      remembered_.erase(oldest);
    remembered_.push_back(entry);
  }
  if (entry.judged) session.judge(tag, verdict_of(fault, entry.due.has_value()), out, effects);
  return combined;
}

std::optional<TaskManagementFault> TaskManagementFaults::take(std::uint32_t initiator_task_tag) {
  const auto found =
      std::ranges::find(remembered_, initiator_task_tag, &Remembered::initiator_task_tag);
  if (found == remembered_.end() || found->taken) return std::nullopt;
  const auto fault = found->fault;
  found->taken = true;
  if (!found->due) remembered_.erase(found);
  return fault;
}

std::optional<TimePoint> TaskManagementFaults::deadline() const {
  std::optional<TimePoint> first;
  for (const auto& each : remembered_)
    if (each.due && (!first || *each.due < *first)) first = each.due;
  return first;
}

void TaskManagementFaults::on_deadline(TimePoint now, iscsi::Session& session, iscsi::Outbox& out,
                                       iscsi::Effects& effects) {
  for (std::size_t i = 0; i < remembered_.size();) {
    auto& each = remembered_[i];
    if (!each.due || *each.due > now) {
      ++i;
      continue;
    }
    each.due.reset();
    const auto entry = each;
    // One that is judged only now may still become a ManageTasks.
    if (entry.judged || entry.taken)
      remembered_.erase(remembered_.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
    if (entry.judged) {
      session.release_task_management(entry.initiator_task_tag, out);
      continue;
    }
    // Its effects come alone: the next one is due at once, when they have been performed.
    return session.judge(entry.initiator_task_tag, verdict_of(entry.fault, false), out, effects);
  }
}

}  // namespace faultlun::daemon
