#include "faults/decide.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::task_management_faults_test {
namespace {

using namespace std::chrono_literals;
using Act = TaskManagementFault::Act;

const FaultRow& row(std::string_view id) {
  const auto* found = find_fault(id);
  REQUIRE(found != nullptr);
  return *found;
}

struct Given {
  explicit Given(std::string_view id) : fault(row(id)), arguments(fault.parameters) {}
  Given& with(std::string_view name, Argument value) {
    arguments.set(name, std::move(value));
    return *this;
  }
  Built built() const { return fault.build(arguments); }
  template <typename T = TaskManagementFault>
  T made() const {
    const auto result = built();
    REQUIRE(std::holds_alternative<Action>(result));
    REQUIRE(std::holds_alternative<T>(std::get<Action>(result)));
    return std::get<T>(std::get<Action>(result));
  }
  std::string refused() const {
    const auto result = built();
    REQUIRE(std::holds_alternative<Complaint>(result));
    return std::get<Complaint>(result).field;
  }
  const FaultRow& fault;
  Arguments arguments;
};

/// A step of tmf.ladder.
Arguments step(std::string tmf, std::string deed) {
  Arguments made(row("tmf.ladder").parameters[0].members);
  made.set("tmf", std::move(tmf));
  made.set("do", std::move(deed));
  return made;
}

TEST_CASE("every task management fault of the fault model is in the table with all its texts") {
  std::set<std::string_view> ids;
  for (const auto& each : task_management_faults()) {
    CAPTURE(each.id);
    CHECK(ids.insert(each.id).second);
    for (const auto text : {each.summary, each.wire, each.host, each.example})
      CHECK_FALSE(text.empty());
    CHECK(each.example.find(each.id) != std::string_view::npos);
    CHECK((each.site == Site::tmf_rx || each.site == Site::tmf_done));
    for (const auto& parameter : each.parameters)
      CHECK(parameter.required == parameter.fallback.empty());
  }
  for (const auto id : {"tmf.never", "tmf.delay", "tmf.response", "tmf.lie", "tmf.partial",
                        "tmf.collateral", "tmf.reset_ms", "tmf.no_ua", "tmf.ladder"})
    CHECK(ids.contains(id));
}

TEST_CASE("tmf.never is neither carried out nor answered, unless it is to be carried out") {
  CHECK(Given("tmf.never").made() == TaskManagementFault{.act = Act::skip, .answered = false});
  CHECK(Given("tmf.never").with("perform", true).made().act == Act::perform);
}

TEST_CASE("tmf.delay delays the answer, or the function as well") {
  const auto late = Given("tmf.delay").with("delay", Time(3s)).made();
  CHECK(late.act == Act::perform);
  CHECK(sample(late.delay, {}, 0, 0).delay == 3s);
  CHECK_FALSE(late.delay_first);
  CHECK(Given("tmf.delay").with("delay", Time(3s)).with("before", true).made().delay_first);
}

TEST_CASE("tmf.response takes the responses of RFC 7143 11.6.1 and no other") {
  for (const std::uint64_t response : {0, 1, 2, 3, 4, 5, 6, 7, 255}) {
    const auto made = Given("tmf.response").with("response", response).made();
    CHECK(made.act == Act::skip);
    CHECK(made.answered);
    CHECK(made.response == response);
  }
  for (const std::uint64_t response : {8, 254})
    CHECK(Given("tmf.response").with("response", response).refused() == "response");
  CHECK(Given("tmf.response").with("response", std::uint64_t{5}).with("perform", true).made().act ==
        Act::perform);
}

TEST_CASE("tmf.lie does nothing and says that it is done") {
  CHECK(Given("tmf.lie").made() == TaskManagementFault{.act = Act::skip, .response = 0});
}

TEST_CASE("tmf.partial spares one task, or as many as it says") {
  CHECK(Given("tmf.partial").made() == TaskManagementFault{.act = Act::partial, .survivors = 1});
  CHECK(Given("tmf.partial").with("survivors", std::uint64_t{4}).made().survivors == 4);
}

TEST_CASE("tmf.collateral is silent unless it says how") {
  CHECK(Given("tmf.collateral").made() == TaskManagementFault{.collateral = true});
  const auto told = Given("tmf.collateral").with("status", true).with("attention", true).made();
  CHECK(told.collateral_status);
  CHECK(told.collateral_attention);
}

TEST_CASE("tmf.reset_ms and tmf.no_ua leave the function itself alone") {
  CHECK(Given("tmf.reset_ms").with("for", Time(4900ms)).made() ==
        TaskManagementFault{.busy_after = 4900ms});
  CHECK(Given("tmf.no_ua").made() == TaskManagementFault{.no_attention = true});
}

TEST_CASE("tmf.ladder has a step for each deed") {
  auto fail = step("ABORT_TASK", "fail"), never = step("LOGICAL_UNIT_RESET", "never"),
       ok = step("TARGET_COLD_RESET", "ok"), lie = step("CLEAR_TASK_SET", "lie"),
       drop = step("ANY", "drop");
  ok.set("delay", Time(3s));
  drop.set("times", std::uint64_t{TaskManagementLadder::kForEver});
  const auto ladder = Given("tmf.ladder")
                          .with("steps", std::vector<Arguments>{fail, never, ok, lie, drop})
                          .made<TaskManagementLadder>();
  REQUIRE(ladder.steps.size() == 5);
  CHECK(ladder.steps[0].function == 1);
  CHECK(ladder.steps[0].fault == TaskManagementFault{.act = Act::skip, .response = 255});
  CHECK(ladder.steps[1].function == 5);
  CHECK_FALSE(ladder.steps[1].fault.answered);
  CHECK(ladder.steps[2].fault.act == Act::perform);
  CHECK(sample(ladder.steps[2].fault.delay, {}, 0, 0).delay == 3s);
  CHECK(ladder.steps[3].fault.response == 0);
  CHECK(ladder.steps[4].drop);
  CHECK(ladder.steps[4].is_about(9));
}

TEST_CASE("tmf.ladder refuses a response that is none, and one of a step without an answer") {
  auto wrong = step("ABORT_TASK", "fail");
  wrong.set("response", std::uint64_t{9});
  CHECK(Given("tmf.ladder").with("steps", std::vector<Arguments>{wrong}).refused() ==
        "steps[0].response");
  auto silent = step("ABORT_TASK", "never");
  silent.set("response", std::uint64_t{1});
  CHECK(Given("tmf.ladder")
            .with("steps", std::vector<Arguments>{step("ABORT_TASK", "ok"), silent})
            .refused() == "steps[1].response");
}

// ---- decided

struct Functions {
  explicit Functions(const Given& given) : rules(entries(given), 1, 0x5eed) {}
  static std::vector<RuleSet::Entry> entries(const Given& given) {
    Rule rule;
    rule.id = "r";
    rule.effects.push_back({&given.fault, given.arguments, std::get<Action>(given.built())});
    auto lifetime = std::make_shared<RuleLifetime>();
    lifetime->serial = 1;
    return {{std::move(rule), std::move(lifetime)}};
  }
  const Decision& arrives(std::uint8_t function) {
    Facts facts;
    facts.site = Site::tmf_rx;
    facts.session = &session;
    facts.function = function;
    decide_task_management(rules, state, 0x5eed, facts, {}, decision);
    return decision;
  }
  RuleSet rules;
  RuleState state;
  SessionFacts session;
  Decision decision;
};

TEST_CASE("a function takes the first step of the ladder about it that is not used up") {
  auto twice = step("ABORT_TASK", "never");
  twice.set("times", std::uint64_t{2});
  auto ok = step("LOGICAL_UNIT_RESET", "ok");
  ok.set("delay", Time(3s));
  auto rest = step("ANY", "drop");
  Functions functions(Given("tmf.ladder").with("steps", std::vector<Arguments>{twice, ok, rest}));
  const auto taken = [&](std::uint8_t function) -> int {
    const auto& decision = functions.arrives(function);
    return decision.strikes.empty() ? -1 : static_cast<int>(decision.strikes[0].resolved[0]);
  };
  CHECK(taken(1) == 0);
  CHECK(taken(5) == 1);
  CHECK(functions.decision.strikes[0].resolved[1] == 3'000'000'000);
  CHECK(taken(1) == 0);
  CHECK(taken(1) == 2);
  CHECK(taken(1) == -1);  // everything is used up
  CHECK(functions.decision.verdicts[0].outcome == Outcome::impossible);
}

TEST_CASE("a ladder without a step about a function does not match it") {
  Functions functions(
      Given("tmf.ladder").with("steps", std::vector<Arguments>{step("ABORT_TASK", "fail")}));
  CHECK(functions.arrives(5).strikes.empty());
  CHECK(functions.arrives(1).strikes.size() == 1);
}

TEST_CASE("a step that is for ever is never used up") {
  auto always = step("ANY", "never");
  always.set("times", std::uint64_t{TaskManagementLadder::kForEver});
  Functions functions(Given("tmf.ladder").with("steps", std::vector<Arguments>{always}));
  for (int i = 0; i < 1000; ++i)
    CHECK(functions.arrives(1).strikes.size() == 1);
}

TEST_CASE("the delay of a function's answer is resolved with the decision") {
  Functions functions(Given("tmf.delay").with("delay", Time(250ms)));
  REQUIRE(functions.arrives(1).strikes.size() == 1);
  CHECK(functions.decision.strikes[0].resolved[0] == 250'000'000);
}

}  // namespace
}  // namespace faultlun::faults::task_management_faults_test
