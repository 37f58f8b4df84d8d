#include "faults/replay.hpp"

#include "tests/unit/faults/command_bench.hpp"

#include <doctest/doctest.h>

namespace replay_test {

using namespace faultlun::faults;
namespace scsi = faultlun::scsi;

namespace {

using Event = Recording::Event;

struct Bench : CommandBench {
  Recording recording;
  std::shared_ptr<const ReplaySet> set;
  std::optional<ReplayState> replay;
  RuleState state;
  Decision decision;

  Bench() {
    recording.seed = 42;
    recording.rules = {busy_rule("busy")};
    recording.rules.front().gate.nth = 7;  // what a replay must not ask
    recording.sessions.push_back({session.alias(), session.target, true, {}, SIZE_MAX});
  }
  std::vector<Event>& events() { return recording.sessions.front().events; }
  void record(const Facts& facts, bool struck = false, std::uint64_t resolved = 0) {
    events().push_back(event_of(facts));
    if (struck)
      events().back().fired.push_back({0, Key::counter, 0, 6, 5, true, {{0, {resolved, 0}}}});
  }
  void start() {
    set = std::make_shared<const ReplaySet>(std::move(recording), 1);
    replay.emplace(set, session);
  }
  bool strikes(const Facts& facts) {
    replay->decide(facts, state, decision);
    return !decision.strikes.empty();
  }
  const ReplayProgress& progress() const { return set->sessions().front().progress; }
};

}  // namespace

TEST_CASE("what struck strikes again, as it was resolved, and nothing else") {
  Bench bench;
  bench.record(bench.command(10, 1));
  bench.record(bench.command(11, 2), true, 777);
  bench.record(bench.command(12, 3));
  bench.start();
  CHECK_FALSE(bench.strikes(bench.command(10, 1)));
  REQUIRE(bench.strikes(bench.command(11, 2)));
  const auto& strike = bench.decision.strikes.front();
  CHECK(strike.rule->rule.id == "busy");
  CHECK(strike.effect == &strike.rule->rule.effects.front());
  CHECK(strike.resolved[0] == 777);
  CHECK(bench.decision.terminal() == &strike);
  const auto& verdict = bench.decision.verdicts.front();
  CHECK(verdict.outcome == Outcome::fired);
  CHECK(verdict.index == 6);
  CHECK(verdict.draw == 5);
  CHECK(verdict.drawn);
  CHECK_FALSE(bench.strikes(bench.command(12, 3)));
  CHECK_FALSE(bench.progress().diverged);
  CHECK(bench.progress().by_content == 3);
  CHECK(bench.progress().struck == 1);
  CHECK(bench.state.commands == 3);
  CHECK(bench.set->sessions().front().with_effects == 1);
}

TEST_CASE("a replay decides what the rules decided, with the same hash") {
  CommandBench commands;
  auto rule = busy_rule("chance");
  rule.gate.probability = Ratio{1, 3};
  const auto rules = rule_set({rule});
  RuleState state;
  Decision decision;
  Recording recording;
  recording.rules = {rule};
  recording.sessions.push_back({commands.session.alias(), "iqn.t", true, {}, SIZE_MAX});
  DecisionHash fired_only;
  std::vector<bool> struck;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const auto facts = commands.command(i, static_cast<std::uint8_t>(i * i));
    decide(*rules, state, 42, facts, {}, decision);
    struck.push_back(!decision.strikes.empty());
    auto event = event_of(facts);
    const auto& verdict = decision.verdicts.front();
    if (struck.back()) {
      event.fired.push_back({0,
                             verdict.key,
                             verdict.key_number,
                             verdict.index,
                             verdict.draw,
                             verdict.drawn,
                             {{0, decision.strikes.front().resolved}}});
      add_to_hash(fired_only, facts, verdict, decision.strikes, 0);
    }
    recording.sessions.front().events.push_back(event);
  }
  ReplayState replay(std::make_shared<const ReplaySet>(recording, 1), commands.session);
  RuleState replayed;
  for (std::uint32_t i = 0; i < 200; ++i) {
    replay.decide(commands.command(i, static_cast<std::uint8_t>(i * i)), replayed, decision);
    CHECK_EQ(decision.strikes.empty(), !struck[i]);
  }
  CHECK(replayed.hash == fired_only);
  CHECK(fired_only.count > 30);
}

TEST_CASE("the occurrence of a content counts, not only the content") {
  Bench bench;
  bench.record(bench.command(1, 5));
  bench.record(bench.command(2, 5), true);
  bench.record(bench.command(3, 5));
  bench.start();
  CHECK_FALSE(bench.strikes(bench.command(1, 5)));
  CHECK(bench.strikes(bench.command(2, 5)));
  CHECK_FALSE(bench.strikes(bench.command(3, 5)));
  CHECK_FALSE(bench.strikes(bench.command(4, 5)));
  CHECK(bench.progress().unknown == 1);
}

TEST_CASE("a host that orders its commands otherwise is struck by content and reported") {
  Bench bench;
  bench.record(bench.command(1, 1), true);
  bench.record(bench.command(2, 2));
  bench.start();
  CHECK_FALSE(bench.strikes(bench.command(1, 2)));
  CHECK(bench.strikes(bench.command(2, 1)));
  REQUIRE(bench.progress().diverged);
  CHECK(bench.progress().place == 0);
  CHECK(bench.progress().expected == 0);
  CHECK(bench.progress().got.cmd_sn == 1);
  CHECK(bench.progress().got.cdb[5] == 2);
}

TEST_CASE(
    "a command that was not recorded takes the place of its CmdSN when it is of the same kind") {
  Bench bench;
  bench.record(bench.command(1, 1), true);
  bench.record(bench.command(2, 2), true);
  bench.start();
  CHECK(bench.strikes(bench.command(1, 99)));
  CHECK_FALSE(bench.strikes(bench.command(2, 2, 0x2a)));  // a WRITE where a READ was
  CHECK(bench.progress().by_cmd_sn == 1);
  CHECK(bench.progress().unknown == 1);
  CHECK(bench.progress().place == 0);  // the first divergence stays
}

TEST_CASE("a recorded command strikes once, by content or by CmdSN") {
  Bench bench;
  bench.record(bench.command(1, 1), true);
  bench.start();
  CHECK(bench.strikes(bench.command(1, 99)));
  CHECK_FALSE(bench.strikes(bench.command(2, 1)));
  CHECK(bench.progress().struck == 1);
}

TEST_CASE("CmdSNs of a session that is recorded whole count from its first one") {
  Bench bench;
  bench.record(bench.command(0xfffffffe, 1));
  bench.record(bench.command(0xffffffff, 2));
  bench.record(bench.command(0, 3), true);
  bench.start();
  CHECK_FALSE(bench.strikes(bench.command(500, 1)));
  CHECK_FALSE(bench.strikes(bench.command(501, 2)));
  CHECK(bench.strikes(bench.command(502, 77)));
  CHECK(bench.progress().by_cmd_sn == 1);
}

TEST_CASE("a session recorded from somewhere on is compared from there on") {
  Bench bench;
  bench.recording.sessions.front().whole = false;
  bench.record(bench.command(50, 1));
  bench.record(bench.command(51, 2), true);
  bench.start();
  bench.strikes(bench.command(48, 8));
  bench.strikes(bench.command(49, 9));
  CHECK_FALSE(bench.progress().diverged);
  bench.strikes(bench.command(50, 1));
  CHECK_FALSE(bench.progress().diverged);
  CHECK(bench.strikes(bench.command(51, 3)));
  CHECK(bench.progress().diverged);
}

TEST_CASE("behind a gap in the recording the order is not compared") {
  Bench bench;
  bench.record(bench.command(1, 1));
  bench.record(bench.command(9, 9), true);
  bench.recording.sessions.front().in_order = 1;
  bench.start();
  bench.strikes(bench.command(1, 1));
  bench.strikes(bench.command(2, 2));
  CHECK(bench.strikes(bench.command(9, 9)));
  CHECK_FALSE(bench.progress().diverged);
}

TEST_CASE("immediate commands and functions have an order of their own") {
  Bench bench;
  auto immediate = bench.command(1, 7);
  immediate.immediate = true;
  bench.record(immediate, true);
  bench.record(bench.function(1, 5), true);
  bench.record(bench.command(1, 1));
  bench.start();
  CHECK_FALSE(bench.strikes(bench.command(1, 1)));
  bench.replay->decide_task_management(bench.function(2, 5), bench.state, bench.decision);
  CHECK_FALSE(bench.decision.strikes.empty());
  immediate = bench.command(2, 7);
  immediate.immediate = true;
  CHECK(bench.strikes(immediate));
  CHECK_FALSE(bench.progress().diverged);
  bench.replay->decide_task_management(bench.function(2, 6), bench.state, bench.decision);
  CHECK(bench.decision.strikes.empty());
  CHECK(bench.progress().unknown == 1);
}

TEST_CASE("what was decided about the payload strikes when the payload is here") {
  Bench bench;
  auto rule = busy_rule("on-payload");
  rule.match.payloads.push_back({0, {0x46}, {}});
  bench.recording.rules.push_back(rule);
  bench.record(bench.command(1, 1, 0x2a));
  bench.events().back().fired.push_back({1, Key::counter, 0, 0, 0, false, {{0, {}}}});
  bench.start();
  CHECK(bench.set->rules()->has_payload_rules());
  const auto write = bench.command(1, 1, 0x2a);
  CHECK_FALSE(bench.strikes(write));
  bench.replay->decide_payload(write, bench.state, bench.decision);
  CHECK(bench.decision.strikes.size() == 1);
  bench.replay->decide_payload(write, bench.state, bench.decision);
  CHECK(bench.decision.strikes.empty());
}

TEST_CASE("payloads that never come are forgotten at the limit") {
  Bench bench;
  auto rule = busy_rule("on-payload");
  rule.match.payloads.push_back({0, {0x46}, {}});
  bench.recording.rules.push_back(rule);
  for (std::uint32_t i = 0; i <= ReplayState::kMaxPayloads; ++i) {
    bench.record(bench.command(i, 1, 0x2a));
    bench.events().back().fired.push_back({1, Key::counter, 0, 0, 0, false, {{0, {}}}});
  }
  bench.start();
  for (std::uint32_t i = 0; i <= ReplayState::kMaxPayloads; ++i)
    bench.strikes(bench.command(i, 1, 0x2a));
  bench.replay->decide_payload(bench.command(0, 1, 0x2a), bench.state, bench.decision);
  CHECK(bench.decision.strikes.empty());
  bench.replay->decide_payload(bench.command(1, 1, 0x2a), bench.state, bench.decision);
  CHECK(bench.decision.strikes.size() == 1);
}

TEST_CASE("a session that was not recorded is left alone and counted") {
  Bench bench;
  bench.record(bench.command(1, 1), true);
  bench.start();
  CommandBench other("iqn.b");
  ReplayState replay(bench.set, other.session);
  CHECK(replay.session() == nullptr);
  replay.decide(other.command(1, 1), bench.state, bench.decision);
  CHECK(bench.decision.quiet());
  replay.decide_task_management(other.function(1, 1), bench.state, bench.decision);
  CHECK(bench.decision.quiet());
  CHECK(bench.set->strangers() == 1);
}

TEST_CASE("the same alias on another target is another session") {
  Bench bench;
  bench.record(bench.command(1, 1), true);
  bench.start();
  auto session = bench.session;
  session.target = "iqn.u";
  CHECK(bench.set->find(session) == nullptr);
  CHECK(bench.set->find(bench.session) != nullptr);
}

TEST_CASE("serials of a replay are those of no rule book and of no other replay") {
  Recording recording;
  recording.rules = {busy_rule("low"), busy_rule("high")};
  recording.rules.back().life.priority = 5;
  const ReplaySet first(recording, 1), second(recording, 2);
  CHECK(first.rule(0).rule.id == "low");
  CHECK(first.rule(1).rule.id == "high");
  CHECK(first.rule(0).lifetime->serial > INT64_MAX);
  CHECK(first.rule(0).lifetime->serial != second.rule(0).lifetime->serial);
}

}  // namespace replay_test
