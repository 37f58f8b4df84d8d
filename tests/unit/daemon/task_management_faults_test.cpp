#include "daemon/task_management_faults.hpp"

#include "protocol/iscsi/task_management_codes.hpp"
#include "tests/unit/protocol/iscsi/pdu_builders.hpp"

namespace faultlun::daemon::task_management_faults_test {
namespace {

using namespace iscsi::testing;
using namespace std::chrono_literals;
namespace fn = iscsi::task_function;
namespace fx = iscsi::effect;
using faults::TaskManagementFault;
using Act = TaskManagementFault::Act;

struct FaultyBench : Bench {
  FaultyBench() { session->ask_before_task_management(true); }
  /// A function arrives and `action` strikes it; nanoseconds as decide() resolves them.
  CombinedTaskManagementFault arrive(std::uint32_t tag, std::uint8_t function,
                                     faults::Action action, std::chrono::nanoseconds delay = 0ns,
                                     std::uint32_t referenced = 1) {
    send(task_management(tag, function, referenced, 100));
    const auto* asked = effect<fx::JudgeTaskManagement>();
    REQUIRE(asked != nullptr);
    const auto arrived = *asked;
    faults::Effect struck;
    struck.action = std::move(action);
    faults::Decision decision;
    const bool ladder = std::holds_alternative<faults::TaskManagementLadder>(struck.action);
    const auto nanoseconds = static_cast<std::uint64_t>(delay.count());
    decision.strikes.push_back({.effect = &struck});
    decision.strikes[0].resolved = {ladder ? 0 : nanoseconds, ladder ? nanoseconds : 0};
    effects.clear();
    return faults.judge(arrived, decision, now, *session, out, effects);
  }
  void wait(std::chrono::milliseconds time) {
    now += time;
    effects.clear();
    faults.on_deadline(now, *session, out, effects);
  }
  TaskManagementFaults faults;
};

TaskManagementFault with(void (*change)(TaskManagementFault&)) {
  TaskManagementFault fault;
  change(fault);
  return fault;
}
const TaskManagementFault kLie = with([](auto& fault) {
  fault.act = Act::skip;
  fault.response = 0;
});
const TaskManagementFault kNever = with([](auto& fault) {
  fault.act = Act::skip;
  fault.answered = false;
});
const TaskManagementFault kQuietAndBusy = with([](auto& fault) {
  fault.no_attention = true;
  fault.busy_after = 2s;
});
const TaskManagementFault kBefore = with([](auto& fault) { fault.delay_first = true; });

TEST_CASE("without a fault a function goes its way and nothing is remembered") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kAbortTask, faults::Answer{});
  CHECK(bench.count<fx::AbortTask>() == 1);
  CHECK(is_tmf(bench.answer(), 2, 0));
  CHECK_FALSE(bench.faults.deadline());
  CHECK_FALSE(bench.faults.take(2));
}

TEST_CASE("a lie answers at once and leaves the task alone") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kAbortTask, kLie);
  CHECK(bench.effects.empty());
  CHECK(is_tmf(bench.answer(), 2, 0));
  CHECK(bench.session->task_count() == 1);
}

TEST_CASE("a delayed answer leaves at its time, with the function done before") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  const auto begin = bench.now;
  bench.arrive(2, fn::kAbortTask, TaskManagementFault{}, 3s);
  CHECK(bench.count<fx::AbortTask>() == 1);
  CHECK(bench.faults.deadline() == begin + 3s);
  bench.wait(2999ms);
  CHECK(bench.silent());
  bench.wait(1ms);
  CHECK(is_tmf(bench.answer(), 2, 0));
  CHECK_FALSE(bench.faults.deadline());
}

TEST_CASE("a function that waits itself is judged at its time") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kAbortTask, kBefore, 3s);
  CHECK(bench.effects.empty());
  CHECK(bench.session->task_count() == 1);
  bench.wait(3s);
  CHECK(bench.count<fx::AbortTask>() == 1);
  CHECK(is_tmf(bench.answer(), 2, 0));
}

TEST_CASE("functions that wait for the same moment are judged one by one") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kLogicalUnitReset, kBefore, 3s);
  bench.arrive(3, fn::kLogicalUnitReset, kBefore, 3s);
  bench.wait(3s);
  CHECK(bench.count<fx::ManageTasks>() == 1);
  CHECK(bench.effect<fx::ManageTasks>()->initiator_task_tag == 2);
  CHECK(bench.faults.deadline() <= bench.now);
  bench.wait(0ms);
  CHECK(bench.effect<fx::ManageTasks>()->initiator_task_tag == 3);
  CHECK_FALSE(bench.faults.deadline());
}

TEST_CASE("a cold reset is delayed as a whole: afterwards there is nobody to answer") {
  FaultyBench bench;
  bench.arrive(2, fn::kTargetColdReset, TaskManagementFault{}, 3s);
  CHECK(bench.effects.empty());
  bench.wait(3s);
  CHECK(bench.count<fx::ManageTasks>() == 1);
}

TEST_CASE("what manage_tasks has to know waits for it, once") {
  FaultyBench bench;
  bench.arrive(2, fn::kLogicalUnitReset, kQuietAndBusy);
  CHECK(bench.count<fx::ManageTasks>() == 1);
  const auto fault = bench.faults.take(2);
  REQUIRE(fault);
  CHECK(fault->no_attention);
  CHECK(fault->busy_after == 2s);
  CHECK_FALSE(bench.faults.take(2));
  bench.arrive(3, fn::kLogicalUnitReset, kQuietAndBusy, 1s);  // late as well
  CHECK(bench.faults.take(3));
  CHECK(bench.faults.deadline());
}

TEST_CASE("a function that is never answered leaves no moment to wait for") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kAbortTask, kNever, 3s);
  CHECK_FALSE(bench.faults.deadline());
  CHECK(bench.silent());
  CHECK(bench.session->task_count() == 1);
}

TEST_CASE("a hung unit of grade 2 swallows functions, one of grade 1 does not") {
  FaultyBench bench;
  bench.start(test_unit_ready(1));
  bench.arrive(2, fn::kAbortTask, faults::Silence{.data_only = false, .task_management = true});
  CHECK(bench.silent());
  CHECK(bench.session->task_count() == 1);
  bench.arrive(3, fn::kAbortTask, faults::Silence{});
  CHECK(is_tmf(bench.answer(), 3, 0));
}

TEST_CASE("a step of a ladder does what it says, or drops the connection") {
  FaultyBench bench;
  faults::TaskManagementLadder ladder;
  ladder.steps.emplace_back();
  ladder.steps[0].fault = kLie;
  ladder.steps[0].fault.response = 255;
  CHECK_FALSE(bench.arrive(2, fn::kLogicalUnitReset, ladder, 1s).drop);
  CHECK(bench.silent());
  bench.wait(1s);
  CHECK(is_tmf(bench.answer(), 2, 255));
  ladder.steps[0].drop = true;
  CHECK(bench.arrive(3, fn::kLogicalUnitReset, ladder).drop);
  CHECK(bench.arrive(4, fn::kLogicalUnitReset, faults::Drop{}).drop);
  CHECK(bench.silent());
  CHECK_FALSE(bench.faults.deadline());
}

TEST_CASE("faults of one decision add up") {
  faults::Effect lie, quiet, partial;
  lie.action = kLie;
  quiet.action = kQuietAndBusy;
  partial.action = with([](auto& fault) {
    fault.act = Act::partial;
    fault.survivors = 3;
    fault.response = 5;
  });
  faults::Decision decision;
  for (const auto* effect : {&partial, &quiet, &lie})
    decision.strikes.push_back({.effect = effect, .resolved = {1'000'000, 0}});
  const auto sum = combine(decision);
  CHECK(sum.delay == 3ms);
  CHECK(sum.fault.act == Act::skip);
  CHECK(sum.fault.response == 5);
  CHECK(sum.fault.no_attention);
  CHECK(sum.fault.busy_after == 2s);
  CHECK_FALSE(sum.drop);
}

TEST_CASE("functions that nobody asked about any more are forgotten at the limit, oldest first") {
  FaultyBench bench;
  constexpr auto kMost = static_cast<std::uint32_t>(TaskManagementFaults::kMaxRemembered);
  for (std::uint32_t i = 0; i <= kMost; ++i) {
    bench.arrive(10 + i, fn::kLogicalUnitReset, kQuietAndBusy);
    bench.session->finish_task_management(10 + i, 0, 0, bench.out);
  }
  CHECK_FALSE(bench.faults.take(10));
  CHECK(bench.faults.take(11));
  CHECK(bench.faults.take(10 + kMost));
}

}  // namespace
}  // namespace faultlun::daemon::task_management_faults_test
