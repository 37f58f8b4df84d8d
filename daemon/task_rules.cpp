// What sets of rules and task management have to do with a session: a set is adopted, a function
// is decided about, and the journal is told of both.
#include "daemon/task_runner.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::daemon {

void TaskRunner::adopt(std::shared_ptr<const faults::RuleSet> rules) {
  // The same set comes again for its barrier.
  if (rules->epoch() != rules_->epoch())
    loop_.journal().add(JournalEntry::rules_adopted(number_, session_.next_cmd_sn(), rules->epoch(),
                                                    world_.since_start(loop_.now())));
  rules_ = std::move(rules);
}

const faults::Decision& TaskRunner::decide(const iscsi::effect::JudgeTaskManagement& function) {
  faults::Facts facts;
  facts.site = faults::Site::tmf_rx;
  facts.session = &facts_;
  facts.now = world_.since_start(now_);
  facts.lun = function.lun.value_or(0);
  facts.has_lun = function.lun.has_value();
  facts.cmd_sn = function.cmd_sn;
  facts.immediate = function.immediate;
  facts.function = function.function;
  JournalEntry::Command about;
  about.session = number_;
  about.lun = function.lun;
  about.cmd_sn = function.cmd_sn;
  about.immediate = function.immediate;
  about.task_tag = function.initiator_task_tag;
  functions_.push_back(
      JournalEntry::function(about, function.function, function.referenced_task_tag, facts.now));
  loop_.journal().add(functions_.back());
  faults::decide_task_management(*rules_, rule_state_, world_.seed, facts, {}, decision_);
  add_decision(loop_.journal(), decision_, functions_.back());
  return decision_;
}

void TaskRunner::tell_management_ends() {
  if (functions_.empty()) return;
  const auto now = world_.since_start(loop_.now());
  for (const auto& end : session_.take_management_ends()) {
    const auto begun =
        std::ranges::find(functions_, end.initiator_task_tag, &JournalEntry::task_tag);
    if (begun == functions_.end()) continue;
    loop_.journal().add(begun->response(end.response, now, end.silent ? JournalEntry::silent : 0));
    functions_.erase(begun);
  }
}

}  // namespace faultlun::daemon
