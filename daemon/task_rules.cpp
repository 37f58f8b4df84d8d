// What a session goes by: sets of rules and replays are adopted, functions and payloads decided
// about.  Commands are in task_ordeal.cpp.
#include "daemon/injection.hpp"
#include "daemon/task_runner.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::daemon {

void TaskRunner::adopt(std::shared_ptr<const faults::RuleSet> rules) {
  if (replay_) return;  // its end looks for what is in force by then
  // The same set comes again for its barrier.
  if (rules->epoch() != rules_->epoch())
    loop_.journal().add(JournalEntry::rules_adopted(number_, session_.next_cmd_sn(), rules->epoch(),
                                                    world_.since_start(loop_.now())));
  rules_ = std::move(rules);
}

void TaskRunner::adopt_replay(const std::shared_ptr<const faults::ReplaySet>& set) {
  const auto* now = replay_ ? &replay_->set() : nullptr;
  if (now == set.get()) return;
  const auto at = world_.since_start(loop_.now());
  const auto cmd_sn = session_.next_cmd_sn();
  loop_.journal().add(JournalEntry::replay_adopted(set != nullptr, number_, cmd_sn, at));
  replay_.reset();
  if (set != nullptr) {
    replay_.emplace(set, facts_);
    rules_ = set->rules();
    return;
  }
  rules_ = world_.rules();
  loop_.journal().add(JournalEntry::rules_adopted(number_, cmd_sn, rules_->epoch(), at));
}

bool TaskRunner::has_older_than(std::uint64_t epoch) const {
  return std::ranges::any_of(operations_, [&](const auto& each) {
    return each->rules_epoch < epoch || (each->rules_epoch >= faults::kReplayEpochs && !replay_);
  });
}

/// The Data-Out of a command is here.  Nothing more strikes one whose replay has ended.
void TaskRunner::decide_payload(const Ordeal& trial) {
  if (!faults::is_replay(*trial.rules)) {
    faults::decide_payload(*trial.rules, rule_state_, world_.seed, trial.facts, around_decisions(),
                           decision_);
  } else if (replay_ && replay_->set().rules() == trial.rules) {
    replay_->decide_payload(trial.facts, rule_state_, decision_);
  } else {
    decision_.clear();
  }
}

/// Of the run in which the command was decided about.
std::uint64_t TaskRunner::seed_of(const Ordeal& trial) const {
  return replay_ && faults::is_replay(*trial.rules) ? replay_->set().seed() : world_.seed;
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
  if (replay_)
    replay_->decide_task_management(facts, rule_state_, decision_);
  else
    faults::decide_task_management(*rules_, rule_state_, world_.seed, facts, around_decisions(),
                                   decision_);
  for (const auto& strike : decision_.strikes)
    note_injected(strike, facts, function.initiator_task_tag, "task management function");
  tell_decision(functions_.back());
  return decision_;
}

/// To the journal, and of rules that it used up to whoever acts on that.
void TaskRunner::tell_decision(const JournalEntry& about) {
  if (decision_.any_last) world_.used_up_rules.note(decision_);
  add_decision(loop_.journal(), decision_, about);
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
