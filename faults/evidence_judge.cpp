// What the expectations of a scenario make of the evidence: one function each, which says in a
// sentence why it passed or failed.
#include "faults/evidence.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {
namespace {

/// Rounded, for people.
std::string about(Time time) {
  using std::chrono::duration_cast;
  constexpr Time kMilliseconds = std::chrono::milliseconds(10), kSeconds = std::chrono::seconds(10);
  if (time < kMilliseconds)
    return std::to_string(duration_cast<std::chrono::microseconds>(time).count()) + " us";
  if (time < kSeconds)
    return std::to_string(duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
  return std::to_string(duration_cast<std::chrono::seconds>(time).count()) + " s";
}

std::string times(std::uint64_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

/// "1 command", "2 commands".
std::string counted(std::uint64_t count, const std::string& one, const std::string& several = {}) {
  if (count == 1) return "1 " + one;
  return std::to_string(count) + " " + (several.empty() ? one + "s" : several);
}

std::string function_name(std::uint8_t function) {
  const auto table = scsi::task_management_table();
  const auto row = std::ranges::find(table, function, &scsi::TaskManagementRow::function);
  return row == table.end() ? "function " + std::to_string(function) : std::string(row->name);
}

std::string function_names(const std::vector<std::uint8_t>& functions, std::string_view between) {
  std::string out;
  for (const auto each : functions) {
    if (!out.empty()) out += between;
    out += function_name(each);
  }
  return out;
}

struct Told {
  bool passed = false;
  std::string why;
};

}  // namespace

struct Judge {
  const Evidence& seen;
  std::size_t final_state;
  Time now;

  const std::string& state(std::size_t index) const { return seen.scenario_.states[index].name; }
  const std::string& name(std::uint32_t initiator) const { return seen.initiators_[initiator]; }

  /// Passed, as far as anybody can know.
  Told never(std::string why) const {
    if (seen.unseen_ == 0) return {true, std::move(why)};
    return {false, counted(seen.unseen_, "thing") +
                       " that happened could not be followed, so it cannot be said that " + why};
  }
  std::uint64_t count_of(const std::string& rule) const {
    const auto found = seen.fired_.find(rule);
    return found == seen.fired_.end() ? 0 : found->second;
  }

  /// Commands in progress now.
  std::uint64_t waiting_longer_than(Time most) const {
    std::uint64_t count = 0;
    for (const auto& [session, flights] : seen.flights_)
      for (const auto& [tag, flight] : flights)
        if (now - flight.began > most) ++count;
    return count;
  }

  Told no_data_loss(const Expect&) const {
    if (seen.incurable_ != 0)
      return {false, "faults struck data " + times(seen.incurable_) +
                         " in a way that nothing mends afterwards"};
    if (!seen.poisons_.empty()) {
      const auto& [poison, struck] = *seen.poisons_.begin();
      return {false, counted(seen.poisons_.size(), "data fault") +
                         " not healed at the end, among them " + poison + " (" + struck.fault +
                         " of rule " + struck.rule + ")"};
    }
    if (seen.struck_ == 0) return never("no fault struck the data");
    return never("what struck the data (" + counted(seen.struck_, "fault") + ") was healed again");
  }

  Told recovered(const Expect& expect) const {
    bool left = false, used = false;
    Time worst{};
    for (const auto& stay : seen.stays_) {
      if (stay.state != expect.state || !stay.left) continue;
      left = true;
      for (const auto& [who, good] : stay.users) {
        used = true;
        const Time took = good.value_or(now) - *stay.left;
        worst = std::max(worst, took);
        if (good && took <= *expect.within) continue;
        if (good)
          return {false, name(who) + " had its first GOOD read or write " + about(took) +
                             " after " + state(expect.state) + " was left, later than " +
                             about(*expect.within)};
        return {false, name(who) + " had no GOOD read or write in the " + about(took) + " after " +
                           state(expect.state) + " was left"};
      }
    }
    if (!left) return {false, "the state " + state(expect.state) + " was not left"};
    if (!used)
      return {false, "nobody used the target while " + state(expect.state) +
                         " stood, so nothing shows that it recovered"};
    return never("every initiator had a GOOD read or write within " + about(worst) + " after " +
                 state(expect.state) + " was left");
  }

  Told reconnected(const Expect& expect) const {
    if (seen.losses_.empty()) return {false, "no session was lost, so nobody had to reconnect"};
    Time worst{};
    for (const auto& loss : seen.losses_) {
      const Time took = loss.back.value_or(now) - loss.at;
      worst = std::max(worst, took);
      if (!loss.back)
        return {false, name(loss.initiator) + " lost a session and was not back " + about(took) +
                           " later"};
      if (took > *expect.within)
        return {false, name(loss.initiator) + " lost a session and was back only " + about(took) +
                           " later"};
    }
    return never("whoever lost a session was back within " + about(worst));
  }

  Told no_reconnect_faster(const Expect& expect) const {
    if (!seen.shortest_gap_) return never("nobody reconnected");
    const auto& [gap, who] = *seen.shortest_gap_;
    if (gap < expect.least)
      return {false,
              name(who) + " was back after " + about(gap) + ", sooner than " + about(expect.least)};
    return never("nobody was back sooner than after " + about(gap));
  }

  Told tmf_seen(const Expect& expect) const {
    const auto wanted = function_names(expect.functions, ", then ");
    std::uint64_t most = 0;
    for (std::size_t who = 0; who < seen.functions_.size(); ++who) {
      std::size_t place = 0;
      std::uint64_t count = 0;
      for (const auto each : seen.functions_[who]) {
        if (each != expect.functions[place]) continue;
        if (++place != expect.functions.size()) continue;
        place = 0;
        ++count;
      }
      if (count >= expect.count)
        return {true, seen.initiators_[who] + " sent " + wanted + " " + times(count)};
      most = std::max(most, count);
    }
    return {false, most == 0 ? "no initiator sent " + wanted
                             : "no initiator sent " + wanted + " more often than " + times(most)};
  }

  Told tmf_not_seen(const Expect& expect) const {
    for (std::size_t who = 0; who < seen.functions_.size(); ++who)
      for (const auto each : seen.functions_[who])
        if (expect.functions.empty() ||
            std::ranges::find(expect.functions, each) != expect.functions.end())
          return {false, seen.initiators_[who] + " sent " + function_name(each)};
    return never("no initiator sent " + (expect.functions.empty()
                                             ? std::string("a task management function")
                                             : function_names(expect.functions, " or ")));
  }

  Told retried(const Expect& expect) const {
    const auto least = expect.min.value_or(0), most = expect.max.value_or(UINT64_MAX);
    if (seen.failed_ == 0) {
      if (least == 0) return never("no read or write failed");
      return {false, "no read or write failed, so none had to be tried again"};
    }
    for (const auto& [content, chain] : seen.chains_)
      if (chain.failed && chain.retries < least)
        return {false, name(content.initiator) + " gave up on the " +
                           std::string(name_of(content.operation)) + " of LBA " +
                           std::to_string(content.lba) + " after " +
                           counted(chain.retries, "retry", "retries") + ", fewer than " +
                           std::to_string(least)};
    if (seen.most_retries_ > most)
      return {false, "a read or write was tried again " + times(seen.most_retries_) +
                         ", more than " + std::to_string(most)};
    return never("what failed (" + counted(seen.failed_, "command") +
                 ") was tried again as it should, at most " + times(seen.most_retries_));
  }

  Told fired(const Expect& expect) const {
    const auto count = count_of(expect.rule);
    if (count < expect.min.value_or(expect.max ? 0 : 1))
      return {false, expect.rule + " fired " + (count == 0 ? "never" : times(count)) +
                         ", and not at least " + times(expect.min.value_or(1))};
    if (count > expect.max.value_or(UINT64_MAX))
      return {false, expect.rule + " fired " + times(count) + ", more than " +
                         std::to_string(*expect.max)};
    const std::string why = expect.rule + " fired " + (count == 0 ? "never" : times(count));
    return expect.max ? never(why) : Told{true, why};
  }

  bool must(const StateRule& each) const {
    if (each.rule) return each.rule->life.must_fire.value_or(each.rule->life.armed);
    return std::ranges::find(seen.may_idle_, each.id) == seen.may_idle_.end();
  }
  Told must_fire(const Expect&) const {
    std::string idle;
    std::size_t rules = 0;
    for (const auto index : seen.reached_)
      for (const auto& each : seen.scenario_.states[index].rules) {
        if (!must(each)) continue;
        ++rules;
        if (count_of(each.id) != 0) continue;
        if (!idle.empty()) idle += ", ";
        idle += each.id + " in state " + state(index);
      }
    if (!idle.empty())
      return {false, "never fired although the state was entered: " + idle +
                         " (if that is right, say \"must_fire\": false in its life)"};
    if (rules == 0) return {true, "no state that was entered has a rule that must fire"};
    return {true, "every rule of the states that were entered fired"};
  }

  Told state_reached(const Expect& expect) const {
    const bool reached = seen.reached_.contains(expect.state);
    return {reached, state(expect.state) + (reached ? " was entered" : " was never entered")};
  }
  Told final_state_is(const Expect& expect) const {
    return {final_state == expect.state, "the scenario ended in " + state(final_state)};
  }

  Told no_command_unanswered(const Expect& expect) const {
    if (seen.swallowed_ != 0)
      return {false, counted(seen.swallowed_, "command") + " got no answer at all"};
    if (seen.died_ != 0)
      return {false, counted(seen.died_, "command") + " still in progress when the session ended"};
    const Time most = expect.within.value_or(kUnansweredAfter);
    if (const auto old = waiting_longer_than(most); old != 0)
      return {false,
              counted(old, "command") + " had waited for more than " + about(most) + " at the end"};
    return never("every command was answered");
  }

  Told max_latency(const Expect& expect) const {
    if (const auto old = waiting_longer_than(*expect.within); old != 0)
      return {false, counted(old, "command") + " had waited for more than " +
                         about(*expect.within) + " at the end"};
    if (!seen.slowest_) return never("no command was answered at all");
    if (seen.slowest_->took > *expect.within)
      return {false, "a command took " + about(seen.slowest_->took) + ", more than " +
                         about(*expect.within)};
    return never("no command took longer than " + about(seen.slowest_->took));
  }
};

namespace {

using JudgeOf = Told (Judge::*)(const Expect&) const;
constexpr JudgeOf kJudges[] = {
    // in the order of That
    &Judge::no_data_loss,   &Judge::recovered,
    &Judge::reconnected,    &Judge::no_reconnect_faster,
    &Judge::tmf_seen,       &Judge::tmf_not_seen,
    &Judge::retried,        &Judge::fired,
    &Judge::must_fire,      &Judge::state_reached,
    &Judge::final_state_is, &Judge::no_command_unanswered,
    &Judge::max_latency,
};
static_assert(std::size(kJudges) == static_cast<std::size_t>(That::max_latency) + 1);

}  // namespace

std::vector<Finding> Evidence::judge(std::size_t final_state, Time now) const {
  const Judge judge{*this, final_state, now};
  std::vector<Finding> findings;
  const auto add = [&](const Expect& expect) {
    auto told = (judge.*kJudges[static_cast<std::size_t>(expect.that)])(expect);
    findings.push_back({expect.that, told.passed, std::move(told.why)});
  };
  for (const auto& each : scenario_.expect)
    add(each);
  if (std::ranges::find(scenario_.expect, That::must_fire, &Expect::that) == scenario_.expect.end())
    add(Expect{});
  return findings;
}

}  // namespace faultlun::faults
