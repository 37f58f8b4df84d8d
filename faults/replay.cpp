#include "faults/replay.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::faults {
namespace {

using Lane = Recording::Lane;
using Event = Recording::Event;

constexpr std::uint64_t kReplaySerials = std::uint64_t{1} << 63;
constexpr unsigned kGenerationShift = 32;

std::string name_of(std::string_view alias, std::string_view target) {
  return std::string(alias) + '\n' + std::string(target);
}

Facts facts_of(const Event& event) {
  Facts facts;
  facts.lun = event.lun;
  facts.has_lun = event.has_lun;
  facts.cmd_sn = event.cmd_sn;
  facts.immediate = event.lane == Lane::immediate;
  facts.cdb = &event.cdb;
  facts.row = scsi::find_command(event.cdb);
  if (facts.row != nullptr && facts.row->is(scsi::has_range)) {
    const auto range = scsi::range_of(event.cdb);
    facts.lba = range.lba;
    facts.blocks = range.blocks;
  }
  return facts;
}

std::uint64_t content_in(const Facts& facts, Lane lane) {
  DecisionHash hash;
  hash.add(static_cast<std::uint64_t>(lane));
  if (lane == Lane::function) {
    hash.add(facts.function);
    hash.add(facts.lun);
  } else {
    // Longer CDBs are recorded up to here.
    hash.add(content_of(facts));
  }
  return hash.value;
}

std::uint64_t sequence_key(Lane lane, std::uint32_t cmd_sn) {
  return static_cast<std::uint64_t>(lane) << 32 | cmd_sn;
}

Lane lane_of(const Facts& facts) {
  if (facts.site == Site::tmf_rx) return Lane::function;
  return facts.immediate ? Lane::immediate : Lane::command;
}

/// The same operation on the same unit, with other arguments perhaps.
bool is_akin(const Event& recorded, const Facts& facts) {
  if (recorded.has_lun != facts.has_lun || recorded.lun != facts.lun) return false;
  if (recorded.lane == Lane::function) return recorded.function == facts.function;
  return recorded.cdb.opcode() == facts.cdb->opcode();
}

}  // namespace

Recording::Event event_of(const Facts& facts) {
  constexpr std::size_t kRecordedOctets = 16;
  Event event;
  event.lane = lane_of(facts);
  event.lun = facts.lun;
  event.has_lun = facts.has_lun;
  event.cmd_sn = facts.cmd_sn;
  event.function = facts.function;
  if (facts.cdb != nullptr) event.cdb = scsi::Cdb({facts.cdb->raw.data(), kRecordedOctets});
  return event;
}

std::uint64_t content_of(const Recording::Event& event) {
  auto facts = facts_of(event);
  facts.function = event.function;
  return content_in(facts, event.lane);
}

// ---- the set -----------------------------------------------------------------------------------

ReplaySet::ReplaySet(Recording recording, std::uint32_t generation) : seed_(recording.seed) {
  std::vector<RuleSet::Entry> entries;
  const auto serials = kReplaySerials | std::uint64_t{generation} << kGenerationShift;
  for (auto& rule : recording.rules) {
    RuleSet::Entry entry{std::move(rule), std::make_shared<RuleLifetime>()};
    entry.rule.gate = Gate{};  // nothing is gated, drawn or counted
    entry.rule.life.armed = true;
    entry.lifetime->serial = serials | entries.size();
    entries.push_back(std::move(entry));
  }
  by_index_.resize(entries.size());
  rules_ = std::make_shared<const RuleSet>(std::move(entries), kReplayEpochs | generation, seed_);
  for (const auto& each : rules_->rules())
    by_index_[each->lifetime->serial ^ serials] = each.get();
  for (auto& recorded : recording.sessions) {
    auto& session = sessions_.emplace_back();
    session.recorded = std::move(recorded);
    const auto& events = session.recorded.events;
    if (!events.empty()) session.first_cmd_sn = events.front().cmd_sn;
    const auto base = session.recorded.whole ? session.first_cmd_sn : 0;
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      session.by_content[content_of(events[i])].push_back(i);
      session.by_cmd_sn.emplace(sequence_key(events[i].lane, events[i].cmd_sn - base), i);
      session.lanes[static_cast<std::size_t>(events[i].lane)].push_back(i);
      session.with_effects += std::ranges::any_of(
          events[i].fired, [](const auto& fired) { return !fired.strikes.empty(); });
    }
    by_name_[name_of(session.recorded.alias, session.recorded.target)] = &session;
  }
}

const ReplaySet::Session* ReplaySet::find(const SessionFacts& session) const {
  const auto found = by_name_.find(name_of(session.alias(), session.target));
  return found == by_name_.end() ? nullptr : found->second;
}

// ---- a session ---------------------------------------------------------------------------------

ReplayState::ReplayState(std::shared_ptr<const ReplaySet> set, const SessionFacts& session)
    : set_(std::move(set)), session_(set_->find(session)) {
  if (session_ != nullptr) taken_.resize(session_->recorded.events.size());
}

/// Notes the first event that is another than the recorded one.
void ReplayState::compare(const Facts& facts, Lane lane) {
  const auto& recorded = session_->recorded;
  if (!in_step_) {
    // One that was recorded from somewhere on is met there.
    in_step_ =
        recorded.whole || (!recorded.events.empty() && recorded.events.front().lane == lane &&
                           facts.cmd_sn == session_->first_cmd_sn);
    if (!in_step_) return;
  }
  const auto& order = session_->lanes[static_cast<std::size_t>(lane)];
  auto& place = next_[static_cast<std::size_t>(lane)];
  if (place >= order.size() || order[place] >= recorded.in_order) return;
  const auto expected = order[place++];
  if (content_of(recorded.events[expected]) == content_of(event_of(facts))) return;
  auto& progress = session_->progress;
  if (progress.claimed.exchange(true)) return;
  progress.place = place - 1;
  progress.expected = expected;
  progress.got = event_of(facts);
  progress.diverged.store(true, std::memory_order_release);
}

/// The recorded event whose place this one takes.
std::optional<std::uint32_t> ReplayState::place_of(const Facts& facts, Lane lane) {
  auto& progress = session_->progress;
  const auto content = content_of(event_of(facts));
  if (const auto found = session_->by_content.find(content); found != session_->by_content.end()) {
    const auto times = met_[content]++;
    if (times < found->second.size() && !taken_[found->second[times]]) {
      progress.by_content.fetch_add(1, std::memory_order_relaxed);
      return found->second[times];
    }
  }
  const auto base = session_->recorded.whole ? *first_ : 0;
  const auto found = session_->by_cmd_sn.find(sequence_key(lane, facts.cmd_sn - base));
  if (found != session_->by_cmd_sn.end() && !taken_[found->second] &&
      is_akin(session_->recorded.events[found->second], facts)) {
    progress.by_cmd_sn.fetch_add(1, std::memory_order_relaxed);
    return found->second;
  }
  progress.unknown.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

void ReplayState::strike(std::uint32_t event, bool payload, const Facts& facts, RuleState& state,
                         Decision& out) {
  for (const auto& fired : session_->recorded.events[event].fired) {
    const auto& rule = set_->rule(fired.rule);
    if (rule.on_payload != payload) continue;
    const auto place = static_cast<std::uint32_t>(out.verdicts.size());
    const Verdict verdict{&rule,       Outcome::fired, fired.key,  fired.key_number,
                          fired.index, fired.draw,     fired.drawn};
    for (const auto& each : fired.strikes)
      out.strikes.push_back({&rule, &rule.rule.effects[each.effect], place, each.resolved});
    out.timed = out.timed || rule.timed;
    out.order_dependent = out.order_dependent || rule.order_dependent;
    add_to_hash(state.hash, facts, verdict, out.strikes, place);
    rule.lifetime->fired.fetch_add(1, std::memory_order_relaxed);
    out.verdicts.push_back(verdict);
  }
  if (!out.strikes.empty()) session_->progress.struck.fetch_add(1, std::memory_order_relaxed);
}

void ReplayState::decide(const Facts& facts, RuleState& state, Decision& out) {
  out.clear();
  ++state.commands;
  if (session_ == nullptr) {
    set_->strangers().fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const auto lane = lane_of(facts);
  if (!first_) first_ = facts.cmd_sn;
  session_->progress.events.fetch_add(1, std::memory_order_relaxed);
  compare(facts, lane);
  const auto event = place_of(facts, lane);
  if (!event) return;
  taken_[*event] = true;
  strike(*event, false, facts, state, out);
  const auto& fired = session_->recorded.events[*event].fired;
  if (std::ranges::none_of(fired,
                           [&](const auto& each) { return set_->rule(each.rule).on_payload; }))
    return;
  if (payloads_.size() >= kMaxPayloads) payloads_.pop_front();
  payloads_.emplace_back(sequence_key(lane, facts.cmd_sn), *event);
}

void ReplayState::decide_payload(const Facts& facts, RuleState& state, Decision& out) {
  out.clear();
  const auto found = std::ranges::find(payloads_, sequence_key(lane_of(facts), facts.cmd_sn),
                                       [](const auto& each) { return each.first; });
  if (found == payloads_.end()) return;
  const auto event = found->second;
  payloads_.erase(found);
  strike(event, true, facts, state, out);
}

void ReplayState::decide_task_management(const Facts& facts, RuleState& state, Decision& out) {
  out.clear();
  if (session_ == nullptr) return;
  if (!first_) first_ = facts.cmd_sn;
  session_->progress.events.fetch_add(1, std::memory_order_relaxed);
  compare(facts, Lane::function);
  const auto event = place_of(facts, Lane::function);
  if (!event) return;
  taken_[*event] = true;
  strike(*event, false, facts, state, out);
}

}  // namespace faultlun::faults
