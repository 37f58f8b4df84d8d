#include "daemon/scenario_runner.hpp"

#include "tests/unit/daemon/fake_scenario_host.hpp"

namespace scenario_runner_test {

using namespace faultlun;
using namespace faultlun::daemon;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
using Kind = ScenarioError::Kind;
using Is = faults::ScenarioVerdict::Is;

namespace {

struct Bench {
  FakeScenarioHost host;
  ScenarioRunner runner{host};
  faults::Time now = 1s;

  void put(const std::string& text) { REQUIRE_FALSE(runner.put(scenario_of(text)).has_value()); }
  void start(const std::string& id) {
    const auto error = runner.start(id, now);
    REQUIRE_MESSAGE(!error.has_value(), error->message);
  }
  ScenarioError refused(const ScenarioRunner::MaybeError& error) {
    REQUIRE(error.has_value());
    return *error;
  }
  std::string state(const std::string& id) const {
    const auto status = *runner.find(id);
    return status.scenario->states[status.run->state()].name;
  }
  Is verdict(const std::string& id) const { return runner.find(id)->run->verdict(now).is; }
};

/// `to` is led to by the event, marks and events are emitted on entry.
std::string emitter(const std::string& id, const std::string& event, const std::string& emits) {
  return R"({"id":")" + id +
         R"(","states":{"a":{"rules":[]},"b":{"enter":[{"emit":"event","name":")" + emits +
         R"("}]}},"transitions":[{"from":"a","to":"b","when":{"event":")" + event +
         R"("}},{"from":"b","to":"a","when":{"event":"never"}}]})";
}

}  // namespace

TEST_CASE("a run puts the rules of each state, tells of it, and takes them away at its end") {
  Bench b;
  b.put(walk("s"));
  b.start("s");
  CHECK(b.host.take() == Lines{"state s ok", "rules s s-r"});
  CHECK(b.runner.is_running());
  b.runner.raise_event("go", b.now);
  CHECK(b.host.take() == Lines{"event go", "state s hung", "rules s s-h"});
  CHECK(b.state("s") == "hung");
  b.runner.raise_event("end", b.now);
  CHECK(b.host.take() == Lines{"event end", "state s done", "rules s", "rules s"});
  CHECK_FALSE(b.runner.is_running());
  CHECK(b.verdict("s") == Is::passed);
  CHECK(b.runner.find("s")->runs == 1);
}

TEST_CASE("what happened before is observed before a run begins, ends, or hears of something") {
  Bench b;
  b.put(walk("s"));
  b.start("s");
  b.runner.raise_event("go", b.now);
  b.runner.set_mark("m", b.now);
  CHECK_FALSE(b.runner.go_to("s", "ok", b.now).has_value());
  CHECK_FALSE(b.runner.stop("s", false, b.now).has_value());
  CHECK(b.host.caught_up == 5);
}

TEST_CASE("borrowed rules are armed while their state stands, and afterwards as they were") {
  Bench b;
  b.host.rules["tail"] = {.armed = false, .must_fire = false};
  b.put(R"({"id":"s","states":{"ok":{"rules":[]},"limp":{"rules":["tail"]}},
    "transitions":[{"from":"ok","to":"limp","when":{"event":"go"}},
                   {"from":"limp","to":"ok","when":{"event":"back"}}]})");
  b.start("s");
  CHECK_FALSE(b.host.rules["tail"].armed);
  b.runner.raise_event("go", b.now);
  CHECK(b.host.rules["tail"].armed);
  b.runner.raise_event("back", b.now);
  CHECK_FALSE(b.host.rules["tail"].armed);
  b.runner.raise_event("go", b.now);
  CHECK(b.host.rules["tail"].armed);
  CHECK_FALSE(b.runner.stop("s", true, b.now).has_value());
  CHECK_FALSE(b.host.rules["tail"].armed);
}

TEST_CASE("a rule that is borrowed must be there, and by one running scenario alone") {
  Bench b;
  const auto text = [](const std::string& id) {
    return R"({"id":")" + id + R"(","states":{"a":{"rules":["tail"]}}})";
  };
  b.put(text("one"));
  b.put(text("two"));
  CHECK(b.refused(b.runner.start("one", b.now)).message.find("needs the rule \"tail\"") !=
        std::string::npos);
  b.host.rules["tail"] = {};
  b.start("one");
  const auto error = b.refused(b.runner.start("two", b.now));
  CHECK(error.kind == Kind::conflict);
  CHECK(error.message.find("\"one\", which is running") != std::string::npos);
}

TEST_CASE("the actions of a state are carried out, and one that cannot be had fails the run") {
  Bench b;
  b.host.rules["r"] = {};
  b.put(R"({"id":"s","states":{"a":{"rules":[],"enter":[{"emit":"mark","name":"m"},
    {"do":"lu.offline","lun":0},{"do":"rule.reset","rule":"r"},{"do":"held.release","tag":"t"}]}}})");
  b.start("s");
  CHECK(b.host.take() == Lines{"state s a", "rules s", "mark m", "unit lu.offline", "reset r",
                               "release t", "rules s"});
  b.host.refusals["unit lu.offline"] = "there is no unit 0";
  const auto error = b.refused(b.runner.start("s", b.now));
  CHECK(error.kind == Kind::conflict);
  CHECK(error.message.find("there is no unit 0") != std::string::npos);
  CHECK(b.verdict("s") == Is::failed);
  CHECK_FALSE(b.runner.is_running());
}

TEST_CASE("time leads on at its deadline, and a run learns of no rule, session or time when over") {
  Bench b;
  b.put(R"({"id":"s","states":{"ok":{"rules":[]},"end":{}},
    "transitions":[{"from":"ok","to":"end","when":{"after_ms":500}}]})");
  CHECK_FALSE(b.runner.next_deadline().has_value());
  b.start("s");
  CHECK(b.runner.next_deadline() == faults::Time(1500ms));
  b.runner.tick(1499ms);
  CHECK(b.runner.is_running());
  b.runner.tick(1500ms);
  CHECK(b.verdict("s") == Is::passed);
  CHECK_FALSE(b.runner.next_deadline().has_value());
}

TEST_CASE("observations reach every run, and commands are wanted only where they count") {
  Bench b;
  b.put(R"({"id":"s","states":{"ok":{"rules":[]},"end":{}},
    "transitions":[{"from":"ok","to":"end","when":{"tmf":"LOGICAL_UNIT_RESET"}}]})");
  b.put(R"({"id":"t","states":{"ok":{"rules":[]},"x":{}},
    "transitions":[{"from":"ok","to":"x","when":{"event":"x"}}],
    "expect":[{"that":"no_command_unanswered"}]})");
  b.start("s");
  CHECK_FALSE(b.runner.needs_commands());
  b.start("t");
  CHECK(b.runner.needs_commands());
  b.runner.observe(faults::FunctionSent{.session = 1, .function = 5}, b.now);
  CHECK(b.verdict("s") == Is::passed);
  CHECK(b.verdict("t") == Is::running);
}

TEST_CASE("scenarios hear of each other's states and events, at once") {
  Bench b;
  b.put(walk("one"));
  b.put(R"({"id":"two","states":{"wait":{"rules":[]},"end":{}},
    "transitions":[{"from":"wait","to":"end","when":{"scenario":"one","state":"hung"}}]})");
  b.start("one");
  b.start("two");
  CHECK(b.verdict("two") == Is::running);
  b.runner.raise_event("go", b.now);
  CHECK(b.verdict("two") == Is::passed);
}

TEST_CASE("scenarios that lead each other on without end fail instead of hanging") {
  Bench b;
  const auto half = [](const std::string& id, const std::string& hears, const std::string& says) {
    return R"({"id":")" + id + R"(","states":{"a":{"rules":[],"enter":[{"emit":"event","name":")" +
           says + R"("}]},"b":{"rules":[],"enter":[{"emit":"event","name":")" + says +
           R"("}]}},"transitions":[{"from":"a","to":"b","when":{"event":")" + hears +
           R"("}},{"from":"b","to":"a","when":{"event":")" + hears + R"("}}]})";
  };
  b.put(half("ping", "pong", "ping"));
  b.put(half("pong", "ping", "pong"));
  b.start("ping");
  b.runner.start("pong", b.now);
  const auto events = [&] {
    return std::ranges::count_if(b.host.asked,
                                 [](const auto& line) { return line.starts_with("event "); });
  };
  const bool one_failed = b.verdict("ping") == Is::failed || b.verdict("pong") == Is::failed;
  CHECK(one_failed);
  CHECK(events() >= static_cast<std::ptrdiff_t>(kMaxTellings / 4));
  CHECK(events() <= static_cast<std::ptrdiff_t>(kMaxTellings + 2 * kMaxScenarios));
}

TEST_CASE("as many things may be told at one moment as the limit says, and no run fails of it") {
  Bench b;
  b.put(emitter("s", "go", "said"));
  b.start("s");
  for (std::size_t i = 0; i < 2 * kMaxTellings; ++i)
    b.runner.raise_event("nothing", b.now);  // each a moment of its own
  CHECK(b.verdict("s") == Is::running);
  b.runner.raise_event("go", b.now);
  CHECK(b.state("s") == "b");
  CHECK(b.host.asked.back() == "event said");
}

TEST_CASE("what there is not, or does not run, is named with the remedy") {
  Bench b;
  for (const auto& error : {b.runner.start("x", b.now), b.runner.stop("x", false, b.now),
                            b.runner.go_to("x", "ok", b.now), b.runner.remove("x", b.now),
                            b.runner.when_over(
                                "x", [] {}, [] { return false; })}) {
    CHECK(b.refused(error).kind == Kind::not_found);
    CHECK(error->message.find("GET /v1/scenarios") != std::string::npos);
  }
  b.put(walk("s"));
  for (const auto& error : {b.runner.stop("s", false, b.now), b.runner.go_to("s", "ok", b.now),
                            b.runner.when_over(
                                "s", [] {}, [] { return false; })}) {
    CHECK(b.refused(error).kind == Kind::conflict);
    CHECK(error->message.find("POST /v1/scenarios/s/start") != std::string::npos);
  }
  b.start("s");
  CHECK(b.refused(b.runner.start("s", b.now)).kind == Kind::conflict);
  const auto nowhere = b.refused(b.runner.go_to("s", "limbo", b.now));
  CHECK(nowhere.kind == Kind::not_found);
  CHECK(nowhere.message.find("there are ok, hung, done") != std::string::npos);
}

TEST_CASE("a scenario is replaced only while it does not run, and the same again changes nothing") {
  Bench b;
  b.put(walk("s"));
  const auto revision = b.runner.find("s")->revision;
  b.put(walk("s"));
  CHECK(b.runner.find("s")->revision == revision);
  b.start("s");
  b.put(walk("s"));  // the same
  CHECK(b.refused(b.runner.put(scenario_of(walk("s", R"(,"note":"new")")))).kind == Kind::conflict);
  CHECK_FALSE(b.runner.stop("s", true, b.now).has_value());
  CHECK(b.verdict("s") == Is::stopped);
  b.put(walk("s", R"(,"note":"new")"));
  CHECK(b.runner.find("s")->revision > revision);
  CHECK(b.runner.find("s")->run == nullptr);
}

TEST_CASE("there are at most so many scenarios, and room again when one is removed") {
  Bench b;
  for (std::size_t i = 0; i < kMaxScenarios; ++i)
    b.put(walk("s" + std::to_string(i)));
  CHECK(b.refused(b.runner.put(scenario_of(walk("more")))).kind == Kind::limit);
  b.put(walk("s0", R"(,"note":"replaced")"));
  b.start("s1");
  b.host.take();
  CHECK_FALSE(b.runner.remove("s1", b.now).has_value());
  CHECK(b.host.take() == Lines{"rules s1"});
  b.put(walk("more"));
  CHECK(b.runner.list().size() == kMaxScenarios);
}

TEST_CASE("waiters are told at the end, as many as the limit says, those that are gone left out") {
  Bench b;
  b.put(walk("s"));
  b.start("s");
  std::size_t told = 0;
  bool gone = false;
  const auto wait = [&] {
    return b.runner.when_over(
        "s", [&] { ++told; }, [&] { return gone; });
  };
  for (std::size_t i = 0; i < kMaxScenarioWaiters; ++i)
    REQUIRE_FALSE(wait().has_value());
  CHECK(b.refused(wait()).kind == Kind::limit);
  gone = true;
  CHECK_FALSE(wait().has_value());
  CHECK(told == 0);
  CHECK_FALSE(b.runner.stop("s", false, b.now).has_value());
  CHECK(told == 1);
  CHECK_FALSE(wait().has_value());  // it is over: at once
  CHECK(told == 2);
}

TEST_CASE("an exhausted rule raises its event, or leads the scenario on that has it in its state") {
  Bench b;
  b.put(walk("s"));
  b.put(walk("t"));
  b.start("s");
  b.start("t");
  b.runner.exhausted("other", {.event = "", .go_to = "hung"}, b.now);
  CHECK(b.state("s") == "ok");
  b.runner.exhausted("s-r", {.event = "", .go_to = "hung"}, b.now);
  CHECK(b.state("s") == "hung");
  CHECK(b.state("t") == "ok");
  CHECK(b.runner.find("s")->run->timeline().back().why == "rule s-r was exhausted");
  b.runner.exhausted("any", {.event = "go", .go_to = ""}, b.now);
  CHECK(b.state("t") == "hung");
}

TEST_CASE("when everything is reset, every run is broken off without a judgement") {
  Bench b;
  b.put(walk("s"));
  b.put(walk("t"));
  b.start("s");
  b.start("t");
  bool told = false;
  CHECK_FALSE(b.runner
                  .when_over(
                      "s", [&] { told = true; }, [] { return false; })
                  .has_value());
  b.runner.abandon_all("everything was reset", b.now);
  CHECK_FALSE(b.runner.is_running());
  CHECK(told);
  CHECK(b.verdict("s") == Is::stopped);
  CHECK(b.runner.find("t")->run->verdict(b.now).why == "everything was reset");
  CHECK(b.runner.list().size() == 2);
}

}  // namespace scenario_runner_test
