// Task management functions that the daemon judges before they act.
#include "pdu_builders.hpp"
#include "protocol/iscsi/task_management_codes.hpp"

namespace faultlun::iscsi::session_judge_test {
namespace {

using namespace testing;
using namespace std::chrono_literals;
namespace fn = task_function;
using Act = TaskManagementVerdict::Act;

struct JudgedBench : Bench {
  explicit JudgedBench(Parameters parameters = {}) : Bench(kCommandWindow, parameters) {
    session->ask_before_task_management(true);
  }
  JudgedBench& send(Pdu pdu) {
    Bench::send(std::move(pdu));
    return *this;
  }
  JudgedBench& judge(std::uint32_t tag, TaskManagementVerdict verdict = {}) {
    // As the daemon does it: the effect that asked is still there.
    session->judge(tag, verdict, out, effects);
    return *this;
  }
};

TaskManagementVerdict skip(std::optional<std::uint8_t> response = std::nullopt) {
  TaskManagementVerdict verdict;
  verdict.act = Act::skip;
  verdict.response = response;
  return verdict;
}
TaskManagementVerdict partial(std::uint32_t survivors) {
  TaskManagementVerdict verdict;
  verdict.act = Act::partial;
  verdict.survivors = survivors;
  return verdict;
}
TaskManagementVerdict held() {
  TaskManagementVerdict verdict;
  verdict.hold_answer = true;
  return verdict;
}
TaskManagementVerdict unanswered() {
  TaskManagementVerdict verdict;
  verdict.answered = false;
  return verdict;
}

TEST_CASE("nobody is asked about a function unless that is wanted") {
  Bench bench;
  bench.send(task_management(2, fn::kLogicalUnitReset));
  CHECK(bench.count<effect::JudgeTaskManagement>() == 0);
  CHECK(bench.count<effect::ManageTasks>() == 1);
}

TEST_CASE("the ends of judged functions are told once, those without an answer too") {
  JudgedBench bench;
  bench.send(task_management(2, fn::kQueryTask, 1, 100)).judge(2);
  bench.send(task_management(3, fn::kQueryTask, 1, 100)).judge(3, unanswered());
  bench.send(task_management(4, fn::kQueryTask, 1, 100)).judge(4, held());
  auto ends = bench.session->take_management_ends();
  REQUIRE(ends.size() == 2);
  CHECK(ends[0].initiator_task_tag == 2);
  CHECK_FALSE(ends[0].silent);
  CHECK(ends[1].initiator_task_tag == 3);
  CHECK(ends[1].silent);
  CHECK(bench.session->take_management_ends().empty());
  bench.session->release_task_management(4, bench.out);
  CHECK(bench.session->take_management_ends().size() == 1);
  bench.session->ask_before_task_management(false);
  bench.send(task_management(5, fn::kQueryTask, 1, 100));
  CHECK(bench.session->take_management_ends().empty());
}

TEST_CASE("a function that waits for its verdict touches no task and says nothing") {
  JudgedBench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(2, fn::kAbortTask, 1, 100).lun(0));
  REQUIRE(bench.effects.size() == 1);
  const auto* asked = bench.effect<effect::JudgeTaskManagement>();
  REQUIRE(asked != nullptr);
  CHECK(asked->initiator_task_tag == 2);
  CHECK(asked->function == fn::kAbortTask);
  CHECK(asked->lun == 0);
  CHECK(asked->cmd_sn == 101);
  CHECK(asked->immediate);
  CHECK(asked->referenced_task_tag == 1);
  CHECK_FALSE(task.aborted);
  CHECK(bench.silent());
  CHECK(!bench.session->deadline().has_value());
}

TEST_CASE("a function that is to be performed does what it would have done unasked") {
  JudgedBench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(2, fn::kAbortTask, 1, 100)).judge(2);
  REQUIRE(bench.effect<effect::AbortTask>() != nullptr);
  CHECK(bench.effect<effect::AbortTask>()->task == &task);
  CHECK(is_tmf(bench.answer(), 2, 0));

  bench.send(task_management(3, fn::kLogicalUnitReset)).judge(3);
  CHECK(bench.count<effect::ManageTasks>() == 1);
  bench.session->finish_task_management(3, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 3, 0));
  bench.send(task_management(4, fn::kTaskReassign)).judge(4);
  CHECK(is_tmf(bench.answer(), 4, 4));
  bench.send(task_management(5, fn::kAbortTaskSet).lun_octet(0x80)).judge(5);
  CHECK(is_tmf(bench.answer(), 5, 2));
}

TEST_CASE("a lie says that the task is aborted, and its own answer comes late") {
  JudgedBench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(2, fn::kAbortTask, 1, 100)).judge(2, skip(0));
  CHECK(bench.count<effect::AbortTask>() == 0);
  CHECK(is_tmf(bench.answer(), 2, 0));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("a function is answered with the response of the verdict, performed or not") {
  JudgedBench bench;
  bench.start(test_unit_ready(1));
  bench.send(task_management(2, fn::kLogicalUnitReset)).judge(2, skip(255));
  CHECK(bench.count<effect::ManageTasks>() == 0);
  CHECK(is_tmf(bench.answer(), 2, 255));
  TaskManagementVerdict verdict;
  verdict.response = 5;
  bench.send(task_management(3, fn::kAbortTask, 1, 100)).judge(3, verdict);
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(is_tmf(bench.answer(), 3, 5));
  CHECK(bench.session->task_count() == 0);
}

TEST_CASE("an additional response of a function is not sent with another response") {
  JudgedBench bench(with([](Parameters& p) { p.protocol_level = 2; }));
  TaskManagementVerdict verdict;
  verdict.response = 5;
  bench.send(task_management(2, fn::kQueryAsyncEvent)).judge(2, verdict);
  bench.session->finish_task_management(2, 7, 0x010629, bench.out);
  const auto answer = bench.answer();
  CHECK(is_tmf(answer, 2, 5));
  CHECK(bytes::be24(&answer.header[37]) == 0);
}

TEST_CASE("a function that is never answered is forgotten, and its tag may be used again") {
  JudgedBench bench;
  for (std::uint32_t i = 0; i < 2 * kMaxTaskManagements; ++i) {
    bench.start(test_unit_ready(1));
    bench.send(task_management(2, fn::kAbortTask, 1, bench.cmd_sn - 1)).judge(2, unanswered());
    CHECK(bench.count<effect::AbortTask>() == 1);
    bench.send(task_management(3, fn::kLogicalUnitReset)).judge(3, unanswered());
    bench.session->finish_task_management(3, 0, 0, bench.out);
    CHECK(bench.silent());
  }
  CHECK(bench.session->task_count() == 0);
}

TEST_CASE("an answer that is held goes out when it is released, or at once if it was before") {
  JudgedBench bench;
  bench.start(test_unit_ready(1));
  bench.send(task_management(2, fn::kAbortTask, 1, 100)).judge(2, held());
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(bench.silent());
  bench.pass(0ms);
  bench.pass(60s);
  CHECK(bench.silent());
  bench.session->release_task_management(2, bench.out);
  CHECK(is_tmf(bench.answer(), 2, 0));

  bench.send(task_management(3, fn::kLogicalUnitReset)).judge(3, held());
  bench.session->release_task_management(3, bench.out);
  CHECK(bench.silent());
  bench.session->finish_task_management(3, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 3, 0));
  bench.session->release_task_management(3, bench.out);
  CHECK(bench.silent());
}

TEST_CASE("an answer that waited for a task is held as well") {
  JudgedBench bench;
  Task& task = bench.start(test_unit_ready(1));
  int operation = 0;
  task.host = &operation;
  bench.send(task_management(2, fn::kAbortTask, 1, 100)).judge(2, held());
  bench.session->discard(task);
  bench.pass(0ms);
  CHECK(bench.silent());
  bench.session->release_task_management(2, bench.out);
  CHECK(is_tmf(bench.answer(), 2, 0));
}

TEST_CASE("the youngest tasks survive a partial ABORT TASK SET and complete later") {
  JudgedBench bench;
  Task& first = bench.start(test_unit_ready(1));
  Task& second = bench.start(test_unit_ready(2));
  Task& third = bench.start(test_unit_ready(3));
  Task& elsewhere = bench.start(test_unit_ready(4).lun(5));
  bench.send(task_management(9, fn::kAbortTaskSet)).judge(9, partial(2));
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(first.aborted);
  CHECK_FALSE(second.aborted);
  CHECK_FALSE(third.aborted);
  CHECK_FALSE(elsewhere.aborted);
  bench.session->finish_task_management(9, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 9, 0));
  bench.good(second);
  CHECK(is_response(bench.answer(), 2, scsi::Status::good));
}

TEST_CASE("survivors of a reset are spared when the daemon aborts for it") {
  JudgedBench bench;
  Task& first = bench.start(test_unit_ready(1));
  Task& second = bench.start(test_unit_ready(2));
  bench.send(task_management(9, fn::kLogicalUnitReset)).judge(9, partial(1));
  REQUIRE(bench.count<effect::ManageTasks>() == 1);
  bench.effects.clear();
  bench.session->abort_tasks(0, false, AbortedBy::own_function, bench.out, bench.effects);
  CHECK(first.aborted);
  CHECK_FALSE(second.aborted);
}

TEST_CASE("more survivors than tasks, and ABORT TASK with a survivor, abort nothing") {
  JudgedBench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(9, fn::kAbortTaskSet)).judge(9, partial(7));
  CHECK(bench.count<effect::AbortTask>() == 0);
  bench.session->finish_task_management(9, 0, 0, bench.out);
  bench.answers();
  bench.send(task_management(10, fn::kAbortTask, 1, 100)).judge(10, partial(1));
  CHECK(is_tmf(bench.answer(), 10, 0));
  CHECK_FALSE(task.aborted);
}

TEST_CASE("a function that is judged late spares the commands that came after it") {
  JudgedBench bench;
  Task& before = bench.start(test_unit_ready(1));
  bench.send(task_management(9, fn::kAbortTaskSet));
  Task& after = bench.start(test_unit_ready(2));
  bench.effects.clear();
  bench.judge(9);
  CHECK(before.aborted);
  CHECK_FALSE(after.aborted);
}

TEST_CASE("a judged function still waits for the commands before it (A10.08)") {
  JudgedBench bench;
  bench.cmd_sn = 101;
  bench.send(task_management(9, fn::kAbortTaskSet)).judge(9);
  CHECK(bench.count<effect::ManageTasks>() == 0);
  bench.raw(test_unit_ready(1).cmd_sn(100));
  REQUIRE(bench.run() != nullptr);
  Task& task = *bench.run();
  bench.pass(0ms);
  CHECK(bench.count<effect::ManageTasks>() == 1);
  CHECK(task.aborted);
}

TEST_CASE("functions are judged one after the other, in the order in which they arrived") {
  JudgedBench bench;
  bench.start(test_unit_ready(1));
  bench.raw(
      task_management(8, fn::kAbortTask, 1, 100).u8(0, op::kTaskManagementRequest).cmd_sn(102));
  bench.raw(task_management(9, fn::kQueryTask, 1).u8(0, op::kTaskManagementRequest).cmd_sn(103));
  CHECK(bench.effects.empty());
  bench.raw(nop_out(7).cmd_sn(101));
  REQUIRE(bench.count<effect::JudgeTaskManagement>() == 1);
  CHECK(bench.effect<effect::JudgeTaskManagement>()->initiator_task_tag == 8);
  CHECK_FALSE(bench.effect<effect::JudgeTaskManagement>()->immediate);
  CHECK(bench.session->deadline() == TimePoint::min());
  bench.answers();
  bench.judge(8, skip(0));
  CHECK(is_tmf(bench.answer(), 8, 0));
  REQUIRE(bench.count<effect::JudgeTaskManagement>() == 2);
  CHECK(bench.effect<effect::JudgeTaskManagement>(1)->initiator_task_tag == 9);
}

TEST_CASE("ABORT TASK that closes a gap lets the commands behind it run after its verdict") {
  JudgedBench bench;
  bench.raw(test_unit_ready(2).cmd_sn(101));
  bench.cmd_sn = 102;
  bench.send(task_management(9, fn::kAbortTask, 77, 100));
  REQUIRE(bench.count<effect::JudgeTaskManagement>() == 1);
  bench.judge(9);
  CHECK(is_tmf(bench.answer(), 9, 0));
  REQUIRE(bench.count<effect::RunTask>() == 1);
  CHECK(bench.run()->initiator_task_tag == 2);
}

TEST_CASE("functions that are parked or held count as not answered, up to the limit") {
  JudgedBench bench;
  for (std::uint32_t i = 0; i < kMaxTaskManagements; ++i)
    bench.send(task_management(10 + i, fn::kAbortTask, 1, 100)).judge(10 + i, held());
  CHECK(bench.silent());
  bench.send(task_management(9, fn::kAbortTask, 1, 100));
  CHECK(is_reject(bench.answer(), wire::reject::kTooManyImmediateCommands));
  bench.session->release_task_management(10, bench.out);
  CHECK(is_tmf(bench.answer(), 10, 1));
  bench.send(task_management(9, fn::kAbortTask, 1, 100));
  CHECK(bench.count<effect::JudgeTaskManagement>() == 1);
}

TEST_CASE("a verdict about a function that nobody asked about is ignored") {
  JudgedBench bench;
  bench.judge(2);
  bench.session->release_task_management(2, bench.out);
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
  bench.send(task_management(2, fn::kLogicalUnitReset)).judge(2);
  const auto before = bench.effects.size();
  bench.judge(2, skip(255));  // it has been judged
  CHECK(bench.effects.size() == before);
  CHECK(bench.silent());
}

}  // namespace
}  // namespace faultlun::iscsi::session_judge_test
