#include "faults/scenario_run.hpp"

#include "tests/unit/faults/made_scenarios.hpp"

#include <algorithm>
#include <map>

namespace scenario_run_test {

using namespace faultlun;
using namespace faultlun::faults;
using namespace faultlun::faults::made;

namespace {

/// From a to b; b has a rule that need not fire, so that the run goes on.
Scenario one_way(Condition when, std::vector<Expect> expectations = {}) {
  Scenario made = made::scenario(2, {way(0, 1, std::move(when))}, std::move(expectations));
  made.states[1].rules = {state_rule("last")};
  made.states[1].rules[0].rule->life.must_fire = false;
  return made;
}
const Expect kNever = within(That::recovered, 1000, 0);

}  // namespace

TEST_CASE("a run begins in its first state: entry, then rules, then actions") {
  Scenario plot = one_way(on_event("go"));
  plot.states[0].rules = {state_rule("r"), {"borrowed", {}}};
  plot.states[0].enter = {SetMark{"m"}, RaiseEvent{"e"}};
  Played play(plot);
  REQUIRE(play.effects.size() == 4);
  CHECK(play.all<EnterState>().at(0).state == 0);
  const auto put = play.all<PutRules>().at(0);
  REQUIRE(put.rules.size() == 1);
  CHECK(put.rules[0].id == "r");
  CHECK(put.armed == std::vector<std::string>{"borrowed"});
  const auto actions = play.all<ScenarioAction>();
  REQUIRE(actions.size() == 2);
  CHECK(std::get_if<SetMark>(&actions[0])->name == "m");
  CHECK(std::get_if<RaiseEvent>(&actions[1])->name == "e");
  CHECK(std::holds_alternative<EnterState>(play.effects[0]));
  CHECK(std::holds_alternative<PutRules>(play.effects[1]));
  CHECK(play.verdict() == Is::running);
  CHECK(play.run.state() == 0);
}

TEST_CASE("a run begins where start says") {
  Scenario plot = made::scenario(2, {way(1, 0, after(5))});
  plot.start = 1;
  Played play(plot);
  CHECK(play.path() == "b");
  CHECK(play.tick(5).path() == "ba");
}

TEST_CASE("after leads on when its time has passed, and not before") {
  Played play(one_way(after(30'000)));
  CHECK(play.run.next_deadline() == ms(30'000));
  CHECK(play.tick(29'999).path() == "a");
  CHECK(play.tick(30'000).path() == "ab");
  CHECK(play.run.entered_at() == ms(30'000));
  CHECK_FALSE(play.run.next_deadline());
  CHECK(play.run.timeline()[1].why == "30s had passed");
}

TEST_CASE("match leads on when the rule that counts the commands has fired") {
  Played play(one_way(on_match(500)));
  const auto put = play.all<PutRules>().at(0);
  REQUIRE(put.rules.size() == 1);
  CHECK(put.rules[0].gate.nth == 500);
  CHECK(play.see(RuleFired{"plot.b.1", 1}).see(RuleFired{"other", 1}).path() == "a");
  CHECK(play.see(RuleFired{put.rules[0].id, 1}).path() == "ab");
  CHECK(play.run.timeline()[1].why == "commands matched (500)");
}

TEST_CASE("tmf leads on when one of its functions came often enough") {
  Played play(one_way(on_functions({kAbortTask, kUnitReset}, 3)));
  play.see(FunctionSent{1, kAbortTask}).see(FunctionSent{2, kUnitReset});
  CHECK(play.see(FunctionSent{1, kWarmReset}).path() == "a");
  CHECK(play.see(FunctionSent{1, kAbortTask}).path() == "ab");
}

TEST_CASE("login leads on with sessions that begin, end or are refused, each alone") {
  const std::map<LoginKind, Observation> all = {{LoginKind::up, SessionUp{1, "iqn.a"}},
                                                {LoginKind::down, SessionDown{1, true}},
                                                {LoginKind::refused, LoginRefused{"iqn.a"}}};
  for (const auto& [kind, wanted] : all) {
    Played play(one_way(on_login(kind, 2)));
    for (const auto& [other, observation] : all)
      if (other != kind) play.see(observation).see(observation);
    play.see(wanted);
    CHECK(play.path() == "a");
    CHECK(play.see(wanted).path() == "ab");
  }
}

TEST_CASE("mark and event lead on by their names, and are not each other") {
  Played mark(one_way(on_mark("x")));
  CHECK(mark.see(MarkSet{"y"}).see(EventRaised{"x"}).path() == "a");
  CHECK(mark.see(MarkSet{"x"}).path() == "ab");
  Played event(one_way(on_event("x")));
  CHECK(event.see(EventRaised{"y"}).see(MarkSet{"x"}).path() == "a");
  CHECK(event.see(EventRaised{"x"}).path() == "ab");
}

TEST_CASE("a rule leads on when it has fired so often") {
  Played play(one_way(on_fired("tail", 2)));
  CHECK(play.see(RuleFired{"tail", 1}).see(RuleFired{"other", 1}).path() == "a");
  CHECK(play.see(RuleFired{"tail", 2}).path() == "ab");
}

TEST_CASE("another scenario leads on while it is in the state") {
  Played play(one_way(on_other("peer", "hung")));
  CHECK(play.see(OtherEntered{"peer", "ok"}).see(OtherEntered{"else", "hung"}).path() == "a");
  CHECK(play.see(OtherEntered{"peer", "hung"}).path() == "ab");
  Played already(one_way(on_other("peer", "hung")), {{}, {{"peer", "hung"}}, {}});
  CHECK(already.path() == "ab");
  Condition later = on_other("peer", "hung");
  later.event = "go";
  Played left(one_way(later), {{}, {{"peer", "hung"}}, {}});
  CHECK(left.see(OtherEntered{"peer", ""}).see(EventRaised{"go"}).path() == "a");
}

TEST_CASE("all that a condition says must have happened since the state was entered") {
  Condition when = on_functions({kAbortTask});
  when.after = ms(100);
  when.mark = "m";
  when.rule = "r";
  Scenario plot = made::scenario(3, {way(0, 1, on_event("go")), way(1, 2, when)});
  Played play(plot);
  play.see(FunctionSent{1, kAbortTask}, 10).see(MarkSet{"m"}, 10).see(EventRaised{"go"}, 20);
  CHECK(play.path() == "ab");
  CHECK(play.see(RuleFired{"r", 1}, 200).path() == "ab");  // the others were before b
  CHECK(play.see(MarkSet{"m"}, 201).path() == "ab");
  CHECK(play.see(FunctionSent{1, kAbortTask}, 202).path() == "abc");
  CHECK(play.run.timeline()[2].why ==
        "100ms had passed and task management functions came (1) and mark m and rule r fired 1");
}

TEST_CASE("time that is missing alone is a deadline, and none when something else is missing") {
  Condition when = on_event("go");
  when.after = ms(100);
  Played play(one_way(when));
  CHECK_FALSE(play.run.next_deadline());
  play.see(EventRaised{"go"}, 40);
  CHECK(play.path() == "a");
  CHECK(play.run.next_deadline() == ms(100));
  CHECK(play.tick(100).path() == "ab");
}

TEST_CASE("of several transitions that may be taken the first one is") {
  Played play(made::scenario(3, {way(0, 2, on_event("x")), way(0, 1, on_event("x"))}));
  CHECK(play.see(EventRaised{"x"}).path() == "ac");
}

TEST_CASE("an observation counts for one state alone") {
  Scenario plot = made::scenario(
      4, {way(0, 1, on_event("x")), way(1, 2, on_event("x")), way(2, 3, on_event("x"))});
  Played play(plot);
  CHECK(play.see(EventRaised{"x"}).path() == "ab");
  CHECK(play.see(EventRaised{"x"}).path() == "abc");
}

TEST_CASE("a transition from everywhere is taken in every state but its own") {
  Scenario plot = made::scenario(
      3, {way(0, 1, on_event("x")), {{}, 0, on_event("home")}, way(2, 1, on_event("x"))});
  Played play(plot);
  CHECK(play.see(EventRaised{"home"}).path() == "a");
  CHECK(play.see(EventRaised{"x"}).see(EventRaised{"home"}).path() == "aba");
}

TEST_CASE("a transition into the same state enters it anew") {
  Scenario plot = made::scenario(1, {way(0, 0, on_event("x"))});
  plot.states[0].rules = {state_rule("r")};
  Played play(plot);
  CHECK(play.see(EventRaised{"x"}).path() == "aa");
  const auto put = play.all<PutRules>();
  REQUIRE(put.size() == 2);
  CHECK(put[0].rules[0].life.tags == std::vector<std::string>{"entry-1"});
  CHECK(put[1].rules[0].life.tags == std::vector<std::string>{"entry-2"});
}

TEST_CASE("a state without rules and without a way out ends the run and takes its rules away") {
  Scenario plot = made::scenario(2, {way(0, 1, after(10))});
  plot.states[1].enter = {SetMark{"done"}};
  Played play(plot);
  play.tick(10);
  CHECK(play.verdict() == Is::passed);
  CHECK(play.why() == "it reached its end in b");
  CHECK(play.all<EndRun>().size() == 1);
  CHECK(play.all<ScenarioAction>().size() == 1);
  CHECK(play.all<PutRules>().back().rules.empty());
  CHECK(play.all<PutRules>().back().armed.empty());
  CHECK(std::holds_alternative<EndRun>(play.effects.back()));
  const auto size = play.effects.size();
  play.see(EventRaised{"x"}, 20).tick(30);
  CHECK(play.run.go_to(0, ms(30), "").empty());
  CHECK(play.run.stop(ms(30), "").empty());
  CHECK(play.run.abandon(ms(30), "").empty());
  CHECK(play.run.fail(ms(30), "").empty());
  CHECK(play.effects.size() == size);
  CHECK(play.run.verdict(ms(99)).ended == ms(10));
}

TEST_CASE("a state with end ends the run in spite of its ways out") {
  Scenario plot = made::scenario(2, {way(0, 1, on_event("x")), way(1, 0, after(5))});
  plot.states[1].end = true;
  Played play(plot);
  CHECK(play.see(EventRaised{"x"}).tick(100).path() == "ab");
  CHECK(play.verdict() == Is::passed);
}

TEST_CASE("the run is over after its whole time, wherever it is") {
  Scenario plot = made::scenario(2, {way(0, 1, after(60)), way(1, 0, after(60))});
  plot.lasts = ms(100);
  Played play(plot);
  CHECK(play.run.next_deadline() == ms(60));
  play.tick(60);
  CHECK(play.run.next_deadline() == ms(100));
  CHECK(play.tick(99).verdict() == Is::running);
  CHECK(play.tick(100).verdict() == Is::passed);
  CHECK(play.why() == "its time was over in b");
  CHECK(play.all<EndRun>().size() == 1);
}

TEST_CASE("a rule that should have fired and did not fails the scenario") {
  Scenario plot = made::scenario(2, {way(0, 1, after(10))});
  plot.states[0].rules = {state_rule("idle")};
  Played idle(plot);
  CHECK(idle.tick(10).verdict() == Is::failed);
  const auto findings = idle.run.verdict(Time(0)).findings;
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].that == That::must_fire);
  CHECK(findings[0].why.find("idle in state a") != std::string::npos);
  Played busy(plot);
  CHECK(busy.see(RuleFired{"idle", 1}, 5).tick(10).verdict() == Is::passed);
}

TEST_CASE("one expectation that does not hold fails the scenario") {
  Expect reached = expect(That::state_reached);
  reached.state = 1;
  Played play(made::scenario(3, {way(0, 2, after(10)), way(1, 2, after(1))},
                             {expect(That::no_data_loss), reached}));
  CHECK(play.tick(10).verdict() == Is::failed);
  const auto findings = play.run.verdict(Time(0)).findings;
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].passed);
  CHECK_FALSE(findings[1].passed);
  CHECK(findings[2].passed);
}

TEST_CASE("transitions that lead each other on without time end in a verdict that says so") {
  Condition always;
  always.after = Time(0);
  Played loop(made::scenario(2, {way(0, 1, always), way(1, 0, always)}));
  CHECK(loop.verdict() == Is::failed);
  CHECK(loop.why() ==
        "more than 16 transitions led on at one moment: they are a loop without time");
  CHECK(loop.run.timeline().size() == kMaxTransitionsPerStep + 1);
  CHECK(loop.all<EndRun>().size() == 1);
  // As many as are allowed.
  std::vector<Transition> ways;
  for (std::size_t i = 0; i < kMaxTransitionsPerStep; ++i)
    ways.push_back(way(i, i + 1, always));
  Played chain(made::scenario(kMaxTransitionsPerStep + 1, ways));
  CHECK(chain.verdict() == Is::passed);
  CHECK(chain.run.timeline().size() == kMaxTransitionsPerStep + 1);
}

TEST_CASE("a clock that is late counts from the moment when a state was due") {
  Scenario plot = made::scenario(3, {way(0, 1, after(100)), way(1, 2, after(100))});
  plot.states[2].rules = {state_rule("r")};
  Played play(plot);
  play.tick(250);
  CHECK(play.path() == "abc");
  CHECK(play.run.timeline()[1].at == ms(100));
  CHECK(play.run.timeline()[2].at == ms(200));
}

TEST_CASE("a clock that is later than kMaxCatchUp counts from now on") {
  Scenario plot = made::scenario(2, {way(0, 1, after(100)), way(1, 0, after(100))});
  Played exactly(plot);
  exactly.run.tick(ms(100) + kMaxCatchUp);
  CHECK(exactly.run.timeline().at(1).at == ms(100));
  Played later(plot);
  later.run.tick(ms(101) + kMaxCatchUp);
  CHECK(later.run.timeline().at(1).at == ms(101) + kMaxCatchUp);
  CHECK(later.path() == "ab");
}

TEST_CASE("what was due before an observation happens before it") {
  Played play(made::scenario(3, {way(0, 1, after(100)), way(1, 2, on_event("x"))}));
  CHECK(play.see(EventRaised{"x"}, 150).path() == "abc");
  CHECK(play.run.timeline()[1].at == ms(100));
  CHECK(play.run.timeline()[2].at == ms(150));
}

TEST_CASE("time never goes back") {
  Scenario plot = made::scenario(2, {way(0, 1, on_event("x"))});
  plot.states[1].rules = {state_rule("r")};
  Played play(plot);
  play.tick(500).see(EventRaised{"x"}, 100);
  CHECK(play.run.timeline()[1].at == ms(500));
}

TEST_CASE("an open expectation is waited for without rules, and passes when it is met") {
  Scenario plot = made::scenario(2, {way(0, 1, after(100))}, {within(That::recovered, 5000, 0)});
  Played waits(plot);
  waits.see(CommandBegan{1, 1, 0, OperationClass::read, 0, 1}, 50).tick(100);
  CHECK(waits.verdict() == Is::settling);
  CHECK(waits.all<EndRun>().empty());
  CHECK(waits.all<PutRules>().back().rules.empty());
  CHECK(waits.run.next_deadline() == ms(5100));
  CHECK(waits.run.go_to(0, ms(200), "too late").empty());
  waits.see(
      CommandEnded{1, 1, CommandEnded::How::answered, scsi::Status::good, {}, OperationClass::read},
      700);
  CHECK(waits.verdict() == Is::passed);
  CHECK(waits.why() == "it reached its end in b");
  CHECK(waits.run.verdict(ms(0)).ended == ms(700));
  CHECK(waits.all<EndRun>().size() == 1);
}

TEST_CASE("an open expectation fails when its time is over") {
  Played play(made::scenario(2, {way(0, 1, after(100))}, {within(That::reconnected, 5000)}));
  play.see(SessionUp{1, "iqn.a"}).see(SessionDown{1, false}, 50).tick(100);
  CHECK(play.verdict() == Is::settling);
  CHECK(play.run.next_deadline() == ms(5050));
  CHECK(play.tick(5049).verdict() == Is::settling);
  CHECK(play.tick(5050).verdict() == Is::failed);
  CHECK_FALSE(play.run.next_deadline());
}

TEST_CASE("what is left of an expectation when the run's time is over is waited for as well") {
  Scenario plot = one_way(on_event("never"), {kNever});
  plot.lasts = ms(100);
  Played play(plot);
  play.see(CommandBegan{1, 1, 0, OperationClass::read, 0, 1}, 50).tick(100);
  CHECK(play.verdict() == Is::settling);
  CHECK(play.all<PutRules>().back().rules.empty());
  CHECK(play.tick(1100).verdict() == Is::failed);
  CHECK(play.why() == "its time was over in a");
}

TEST_CASE("go_to enters a state whatever leads there, and conditions begin anew") {
  Condition twice = on_functions({kAbortTask}, 2);
  Played play(one_way(twice));
  play.see(FunctionSent{1, kAbortTask});
  play.add(play.run.go_to(0, ms(5), "by hand"));
  CHECK(play.path() == "aa");
  CHECK(play.run.timeline()[1].why == "by hand");
  CHECK(play.see(FunctionSent{1, kAbortTask}, 6).path() == "aa");
  CHECK(play.see(FunctionSent{1, kAbortTask}, 7).path() == "aab");
}

TEST_CASE("stop judges the run as it stands") {
  Expect final = expect(That::final_state);
  final.state = 1;
  Played early(one_way(on_event("x"), {final}));
  early.add(early.run.stop(ms(5), "enough"));
  CHECK(early.verdict() == Is::failed);
  CHECK(early.why() == "enough");
  CHECK(early.all<EndRun>().size() == 1);
  Played late(one_way(on_event("x"), {final}));
  late.see(EventRaised{"x"});
  late.add(late.run.stop(ms(5), "enough"));
  CHECK(late.verdict() == Is::passed);
}

TEST_CASE("abandon breaks the run off without a judgement") {
  Played play(one_way(on_event("x")));
  play.add(play.run.abandon(ms(5), "reset"));
  CHECK(play.verdict() == Is::stopped);
  CHECK(play.run.is_over());
  CHECK_FALSE(play.run.was_impossible());
  CHECK(play.run.verdict(ms(9)).findings.size() == 1);
  CHECK(std::holds_alternative<EndRun>(play.effects.back()));
}

TEST_CASE("fail fails the run, whatever its expectations say") {
  Played play(one_way(on_event("x")));
  play.add(play.run.fail(ms(5), "there is no such unit"));
  CHECK(play.verdict() == Is::failed);
  CHECK(play.run.was_impossible());
  CHECK(play.why() == "there is no such unit");
  CHECK(play.run.verdict(ms(9)).findings.at(0).passed);
}

TEST_CASE("the verdict says how things stand while it runs") {
  Expect reached = expect(That::state_reached);
  reached.state = 1;
  Played play(one_way(on_event("x"), {reached}));
  CHECK_FALSE(play.run.verdict(ms(5)).findings.at(0).passed);
  CHECK(play.run.verdict(ms(5)).ended == ms(5));
  play.see(EventRaised{"x"}, 6);
  const auto now = play.run.verdict(ms(7));
  CHECK(now.is == Is::running);
  CHECK_FALSE(now.is_over());
  CHECK(now.findings.at(0).passed);
  CHECK(now.why.empty());
}

TEST_CASE("every verdict has a name") {
  CHECK(name_of(Is::running) == "running");
  CHECK(name_of(Is::settling) == "settling");
  CHECK(name_of(Is::passed) == "passed");
  CHECK(name_of(Is::failed) == "failed");
  CHECK(name_of(Is::stopped) == "stopped");
}

TEST_CASE("the timeline keeps kMaxTimeline steps and counts the rest") {
  Scenario plot = made::scenario(1, {way(0, 0, on_event("x"))});
  Played play(plot);
  for (std::size_t i = 1; i < kMaxTimeline; ++i)
    play.run.observe(EventRaised{"x"}, ms(1));
  CHECK(play.run.timeline().size() == kMaxTimeline);
  CHECK(play.run.verdict(ms(1)).steps_left_out == 0);
  play.see(EventRaised{"x"}, 2).see(EventRaised{"x"}, 2);
  CHECK(play.run.timeline().size() == kMaxTimeline);
  CHECK(play.run.verdict(ms(2)).steps_left_out == 2);
}

TEST_CASE("sessions that were there before the run are no logins") {
  Played play(one_way(on_login(LoginKind::up), {within(That::reconnected, 1000)}),
              {{{7, "iqn.early"}}, {}, {}});
  CHECK(play.path() == "a");
  play.see(SessionDown{7, false}, 5);
  CHECK(play.run.verdict(ms(6)).findings.at(0).why.starts_with("iqn.early lost a session"));
}

TEST_CASE("the same input makes the same run, whatever the run") {
  constexpr std::uint64_t kRuns = 200, kSteps = 60;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    CAPTURE(seed);
    const auto play = [&] {
      Dice dice(seed);
      std::vector<Transition> ways;
      for (std::uint64_t i = 0; i < 8; ++i) {
        Condition when;
        if (dice.one_in(2)) when.after = ms(static_cast<std::int64_t>(1 + dice.below(40)));
        if (dice.one_in(2)) when.event = dice.one_in(2) ? "x" : "y";
        if (dice.one_in(4)) when.functions = {kAbortTask};
        if (!when.anything()) when.mark = "m";
        ways.push_back(way(dice.below(4), dice.below(4), when));
      }
      Scenario plot = made::scenario(4, ways, {within(That::reconnected, 30)});
      plot.lasts = ms(300);
      Played played(plot);
      std::int64_t now = 0;
      for (std::uint64_t i = 0; i < kSteps; ++i) {
        now += static_cast<std::int64_t>(dice.below(10));
        const auto kind = dice.below(6);
        if (kind == 0) played.tick(now);
        if (kind == 1) played.see(EventRaised{dice.one_in(2) ? "x" : "y"}, now);
        if (kind == 2) played.see(FunctionSent{1, kAbortTask}, now);
        if (kind == 3) played.see(MarkSet{"m"}, now);
        if (kind == 4) played.see(SessionUp{1, "iqn.a"}, now);
        if (kind == 5) played.see(SessionDown{1, false}, now);
        const auto next = played.run.next_deadline();
        if (next) CHECK(*next >= ms(0));
      }
      played.tick(now + 1000);
      CHECK(played.run.is_over());
      CHECK(played.all<EndRun>().size() == 1);
      std::string all = played.path() + played.why();
      for (const auto& step : played.run.timeline())
        all += std::to_string(step.at.count()) + step.why;
      return all;
    };
    CHECK(play() == play());
  }
}

}  // namespace scenario_run_test
