#include "faults/evidence.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::faults {
namespace {

bool moves_data(OperationClass operation) {
  return operation == OperationClass::read || operation == OperationClass::write;
}
bool is_good(const CommandEnded& ended) {
  return ended.how == CommandEnded::How::answered &&
         (ended.status == scsi::Status::good || ended.status == scsi::Status::condition_met);
}

}  // namespace

Evidence::Evidence(const Scenario& scenario, std::vector<std::string> may_idle)
    : scenario_(scenario),
      may_idle_(std::move(may_idle)),
      recovers_from_(scenario.states.size(), false) {
  for (const auto& each : scenario.expect) {
    if (each.that == That::recovered) recovers_from_[each.state] = needs_ends_ = true;
    if (each.that == That::max_latency) follows_ = true;
    if (each.that == That::retried) follows_ = follows_retries_ = true;
    if (each.that == That::no_command_unanswered) follows_ = true;
  }
}

void Evidence::know(const SessionUp& session) {
  sessions_[session.session] = initiator(session.initiator);
}

void Evidence::observe(const Observation& observation, Time at) {
  std::visit([&](const auto& each) { on(each, at); }, observation);
}

std::uint32_t Evidence::initiator(const std::string& name) {
  if (const auto known = initiator_numbers_.find(name); known != initiator_numbers_.end())
    return known->second;
  if (initiators_.size() == kMaxInitiators) {
    ++unseen_;
    return 0;  // with the first one: what is claimed of all is still claimed of it
  }
  const auto number = static_cast<std::uint32_t>(initiators_.size());
  initiators_.push_back(name);
  functions_.emplace_back();
  last_gone_.emplace_back();
  initiator_numbers_.emplace(name, number);
  return number;
}

std::uint32_t Evidence::initiator_of(std::uint32_t session) {
  const auto known = sessions_.find(session);
  if (known != sessions_.end()) return known->second;
  const auto number = initiator("session #" + std::to_string(session));
  sessions_[session] = number;
  return number;
}

// ---- states ------------------------------------------------------------------------------------

void Evidence::entered(std::size_t state, Time) {
  reached_.insert(state);
  if (!recovers_from_[state]) return;
  if (stays_.size() == kMaxStays) {
    ++unseen_;
    return;
  }
  stays_.push_back({.state = state, .left = std::nullopt, .users = {}});
}

void Evidence::left(std::size_t state, Time at) {
  if (stays_.empty() || stays_.back().state != state || stays_.back().left) return;
  stays_.back().left = at;
  if (!stays_.back().users.empty()) recovering_.push_back(stays_.size() - 1);
}

void Evidence::uses_the_target(std::uint32_t initiator) {
  if (!stays_.empty() && !stays_.back().left) stays_.back().users.try_emplace(initiator);
}

// ---- commands ----------------------------------------------------------------------------------

void Evidence::on(const CommandBegan& began, Time at) {
  const auto who = initiator_of(began.session);
  uses_the_target(who);
  if (!follows_) return;
  const Content content{who, began.lun, began.operation, began.lba, began.blocks};
  if (follows_retries_)
    if (const auto chain = chains_.find(content); chain != chains_.end() && chain->second.failed) {
      chain->second.failed = false;
      most_retries_ = std::max(most_retries_, ++chain->second.retries);
    }
  if (in_flight_ == kMaxFollowed) {
    ++unseen_;
    return;
  }
  if (flights_[began.session].insert_or_assign(began.tag, Flight{at, content}).second) ++in_flight_;
}

void Evidence::on(const CommandEnded& ended, Time at) {
  using How = CommandEnded::How;
  const auto who = initiator_of(ended.session);
  uses_the_target(who);
  if (ended.how == How::silent) ++swallowed_;
  if (ended.how == How::answered && (!slowest_ || ended.took > slowest_->took)) slowest_ = ended;
  if (is_good(ended) && moves_data(ended.operation))
    std::erase_if(recovering_, [&](std::size_t index) {
      auto& stay = stays_[index];
      if (const auto user = stay.users.find(who); user != stay.users.end() && !user->second)
        user->second = at;
      return std::ranges::all_of(stay.users,
                                 [](const auto& each) { return each.second.has_value(); });
    });
  if (!follows_) return;
  const auto session = flights_.find(ended.session);
  if (session == flights_.end()) return;
  const auto flight = session->second.find(ended.tag);
  if (flight == session->second.end()) return;
  if (follows_retries_) end_of(flight->second.content, is_good(ended));
  session->second.erase(flight);
  --in_flight_;
}

void Evidence::end_of(const Content& content, bool good) {
  if (!moves_data(content.operation) || content.blocks == 0) return;
  if (good) {
    chains_.erase(content);
    return;
  }
  ++failed_;
  if (chains_.size() == kMaxRetried && !chains_.contains(content)) {
    ++unseen_;
    return;
  }
  chains_[content].failed = true;
}

void Evidence::on(const FunctionSent& sent, Time) {
  const auto who = initiator_of(sent.session);
  uses_the_target(who);
  if (functions_seen_ == kMaxFunctions) {
    ++unseen_;
    return;
  }
  ++functions_seen_;
  functions_[who].push_back(sent.function);
}

// ---- sessions ----------------------------------------------------------------------------------

void Evidence::came_back(std::uint32_t initiator, Time at) {
  const auto& gone = last_gone_[initiator];
  if (!gone) return;
  const Time gap = at - *gone;
  if (!shortest_gap_ || gap < shortest_gap_->gap) shortest_gap_ = Gap{gap, initiator};
}

void Evidence::on(const SessionUp& up, Time at) {
  const auto who = initiator(up.initiator);
  sessions_[up.session] = who;
  came_back(who, at);
  last_gone_[who].reset();
  const auto loss = std::ranges::find_if(
      losses_, [&](const Loss& each) { return each.initiator == who && !each.back; });
  if (loss != losses_.end()) loss->back = at;
}

void Evidence::on(const SessionDown& down, Time at) {
  const auto who = initiator_of(down.session);
  if (const auto flights = flights_.find(down.session); flights != flights_.end()) {
    for (const auto& [tag, flight] : flights->second)
      if (follows_retries_) end_of(flight.content, false);
    died_ += flights->second.size();
    in_flight_ -= flights->second.size();
    flights_.erase(flights);
  }
  sessions_.erase(down.session);
  if (down.orderly) return;
  uses_the_target(who);
  last_gone_[who] = at;
  if (losses_.size() == kMaxLosses) {
    ++unseen_;
    return;
  }
  losses_.push_back({who, at, std::nullopt});
}

void Evidence::on(const LoginRefused& refused, Time at) {
  const auto who = initiator(refused.initiator);
  came_back(who, at);
  last_gone_[who] = at;
}

// ---- the rest ----------------------------------------------------------------------------------

void Evidence::on(const RuleFired& fired, Time) {
  ++fired_[fired.rule];
}

void Evidence::on(const DataStruck& struck, Time) {
  ++struck_;
  if (struck.poison.empty() ||
      (poisons_.size() == kMaxPoisons && !poisons_.contains(struck.poison)))
    ++incurable_;
  else
    poisons_.insert_or_assign(struck.poison, struck);
}

void Evidence::on(const DataHealed& healed, Time) {
  poisons_.erase(healed.poison);
}

void Evidence::on(const EntriesLost& lost, Time) {
  unseen_ += lost.count;
}

std::optional<Time> Evidence::open_until(Time now) const {
  std::optional<Time> until;
  const auto wait_until = [&](Time then) {
    if (then > now) until = std::max(until.value_or(then), then);
  };
  for (const auto& each : scenario_.expect) {
    if (each.that == That::recovered)
      for (const auto index : recovering_)
        if (stays_[index].state == each.state) wait_until(*stays_[index].left + *each.within);
    if (each.that == That::reconnected)
      for (const auto& loss : losses_)
        if (!loss.back) wait_until(loss.at + *each.within);
  }
  return until;
}

}  // namespace faultlun::faults
