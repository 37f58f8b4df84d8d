// Task management and aborted tasks.  Checklist A10, A14.04, B2.
#include "pdu_builders.hpp"
#include "protocol/scsi/logical_unit.hpp"

namespace faultlun::iscsi::session_manage_test {
namespace {

using namespace testing;
using namespace std::chrono_literals;

enum : std::uint8_t {
  kAbortTask = 1,
  kAbortTaskSet = 2,
  kClearAca = 3,
  kClearTaskSet = 4,
  kLunReset = 5,
  kWarmReset = 6,
  kColdReset = 7,
  kReassign = 8,
  kQueryTask = 9,
  kQueryTaskSet = 10,
  kNexusReset = 11,
  kQueryAsyncEvent = 12,
};
const Parameters kLevel2 = with([](Parameters& p) { p.protocol_level = 2; });

TEST_CASE(
    "ABORT TASK of a task that the daemon does not hold is answered at once and the task never "
    "(A10.02, A10.07)") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(2, kAbortTask, 1, 100));
  REQUIRE(bench.effect<effect::AbortTask>() != nullptr);
  CHECK(bench.effect<effect::AbortTask>()->task == &task);
  CHECK(task.aborted);
  CHECK(is_tmf(bench.answer(), 2, 0));
  CHECK(bench.session->task_count() == 0);
  bench.good(task);  // too late
  CHECK(bench.silent());
}

TEST_CASE("ABORT TASK waits for an operation that still refers to the task (A10.02)") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  int operation = 0;
  task.host = &operation;
  bench.send(task_management(2, kAbortTask, 1, 100));
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(bench.silent());
  bench.session->discard(task);
  CHECK(bench.session->deadline() == TimePoint::min());
  bench.pass(0ms);
  CHECK(is_tmf(bench.answer(), 2, 0));
  CHECK(!bench.session->deadline().has_value());
}

TEST_CASE(
    "an operation that does not end makes ABORT TASK fail with 255 after its limit (A10.01)") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  int operation = 0;
  task.host = &operation;
  bench.send(task_management(2, kAbortTask, 1, 100));
  bench.pass(0ms);
  bench.pass(std::chrono::milliseconds(kTaskManagementOperationWait) - 1ms);
  CHECK(bench.silent());
  bench.pass(1ms);
  CHECK(is_tmf(bench.answer(), 2, 255));
  bench.session->discard(task);
  bench.pass(0ms);
  CHECK(bench.silent());
}

TEST_CASE("complete() of an aborted task counts as discard()") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  int operation = 0;
  task.host = &operation;
  bench.send(task_management(2, kAbortTask, 1, 100));
  bench.good(task);
  bench.pass(0ms);
  CHECK(is_tmf(bench.answer(), 2, 0));
}

TEST_CASE("ABORT TASK of a command never sent uses up its CmdSN (A10.03)") {
  Bench bench;
  bench.cmd_sn = 101;
  bench.send(task_management(2, kAbortTask, 77, 100));
  const auto answer = bench.answer();
  CHECK(is_tmf(answer, 2, 0));
  CHECK(answer.exp_cmd_sn() == 101);
  bench.raw(test_unit_ready(77).cmd_sn(100));
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
}

TEST_CASE("ABORT TASK uses up a CmdSN further ahead when its turn comes (A10.03)") {
  Bench bench;
  bench.cmd_sn = 103;
  bench.send(task_management(2, kAbortTask, 77, 101));
  CHECK(is_tmf(bench.answer(), 2, 0));
  bench.raw(test_unit_ready(77).cmd_sn(101));
  bench.raw(test_unit_ready(3).cmd_sn(102));
  CHECK(bench.effects.empty());
  bench.raw(test_unit_ready(1).cmd_sn(100));
  REQUIRE(bench.count<effect::RunTask>() == 2);
  CHECK(bench.run(0)->initiator_task_tag == 1);
  CHECK(bench.run(1)->initiator_task_tag == 3);
}

TEST_CASE("ABORT TASK of a command that waits behind a gap keeps it from running (A10.02)") {
  Bench bench;
  bench.raw(test_unit_ready(7).cmd_sn(101));
  bench.cmd_sn = 102;
  bench.send(task_management(2, kAbortTask, 7, 101));
  CHECK(is_tmf(bench.answer(), 2, 0));
  bench.raw(test_unit_ready(1).cmd_sn(100));
  CHECK(bench.count<effect::RunTask>() == 1);
}

TEST_CASE("ABORT TASK of an unknown tag with RefCmdSN outside the window answers 1 (A10.04)") {
  Bench bench(8);
  for (const std::uint32_t ref : {99U, 108U, 0U}) {
    bench.send(task_management(2, kAbortTask, 77, ref));
    CHECK(is_tmf(bench.answer(), 2, 1));
  }
}

TEST_CASE("ABORT TASK of a completed task answers 1 (A10.05)") {
  Bench bench;
  bench.good(bench.start(test_unit_ready(1)));
  bench.answers();
  bench.send(task_management(2, kAbortTask, 1, 100));
  CHECK(is_tmf(bench.answer(), 2, 1));
}

TEST_CASE("ABORT TASK of a task management function answers 255 (A10.06)") {
  Bench bench;
  bench.send(task_management(2, kLunReset));
  CHECK(bench.count<effect::ManageTasks>() == 1);
  bench.send(task_management(3, kAbortTask, 2, 100));
  CHECK(is_tmf(bench.answer(), 3, 255));
}

TEST_CASE(
    "ABORT TASK finds an immediate task, whose RefCmdSN is the request's own CmdSN (A10.15)") {
  Bench bench;
  bench.start(test_unit_ready(1).immediate());
  bench.send(task_management(2, kAbortTask, 1, bench.cmd_sn));
  CHECK(is_tmf(bench.answer(), 2, 0));
  bench.send(task_management(3, kAbortTask, 1, bench.cmd_sn));
  CHECK(is_tmf(bench.answer(), 3, 1));
}

TEST_CASE("ABORT TASK with another LUN than the task's answers 1 and aborts nothing") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1).lun(4));
  bench.send(task_management(2, kAbortTask, 1, 100).lun(5));
  CHECK(is_tmf(bench.answer(), 2, 1));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("a LUN field that names nothing answers 2 (A10.12)") {
  for (const auto function : {kAbortTask, kAbortTaskSet, kClearTaskSet, kLunReset}) {
    Bench bench;
    bench.send(task_management(2, function, 1, 100).lun_octet(0xff));
    CHECK(is_tmf(bench.answer(), 2, 2));
    CHECK(bench.effects.empty());
  }
}

TEST_CASE(
    "functions that no table row supports answer 5, TASK REASSIGN answers 4 (A10.01, A10.13, "
    "A10.14)") {
  for (int function = 0; function < 128; ++function) {
    CAPTURE(function);
    Bench bench;
    bench.send(task_management(2, static_cast<std::uint8_t>(function)));
    const auto rows = scsi::task_management_table();
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row.function == function && row.supported && row.least_protocol_level <= 1;
    });
    if (function == kReassign) {
      CHECK(is_tmf(bench.answer(), 2, 4));
    } else if (!known) {
      CHECK(is_tmf(bench.answer(), 2, 5));
    } else {
      CHECK((bench.count<effect::ManageTasks>() == 1) != (bench.answers().size() == 1));
    }
  }
}

TEST_CASE("the functions of RFC 7144 answer 5 below level 2 (A10.13)") {
  for (std::uint8_t function = kQueryTask; function <= kQueryAsyncEvent; ++function) {
    Bench bench;
    bench.send(task_management(2, function));
    CHECK(is_tmf(bench.answer(), 2, 5));
  }
}

TEST_CASE("QUERY TASK tells a live task from none at level 2 (A10.16, A14.04, B2.09)") {
  Bench bench(16, kLevel2);
  Task& task = bench.start(test_unit_ready(1));
  bench.send(task_management(2, kQueryTask, 1, 100));
  CHECK(is_tmf(bench.answer(), 2, 7));
  bench.send(task_management(3, kQueryTask, 9, 100));
  CHECK(is_tmf(bench.answer(), 3, 0));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("QUERY TASK SET looks at the tasks of the unit at level 2 (A10.16, B2.09)") {
  Bench bench(16, kLevel2);
  bench.start(test_unit_ready(1).lun(1));
  bench.send(task_management(2, kQueryTaskSet).lun(1));
  CHECK(is_tmf(bench.answer(), 2, 7));
  bench.send(task_management(3, kQueryTaskSet).lun(2));
  CHECK(is_tmf(bench.answer(), 3, 0));
}

TEST_CASE(
    "QUERY ASYNC EVENT asks the unit and carries its 24 bits of information back (A10.16, B2.10)") {
  Bench bench(16, kLevel2);
  bench.send(task_management(2, kQueryAsyncEvent).lun(3));
  const auto* manage = bench.effect<effect::ManageTasks>();
  REQUIRE(manage != nullptr);
  CHECK(manage->function == kQueryAsyncEvent);
  CHECK(manage->lun == std::uint16_t{3});
  bench.session->finish_task_management(2, 7, 0x123456, bench.out);
  const auto answer = bench.answer();
  CHECK(is_tmf(answer, 2, 7));
  CHECK(answer.be32(8) == 0x12345600);
}

TEST_CASE("ABORT TASK SET aborts the tasks of this nexus on that unit only (B2.02)") {
  Bench bench;
  bench.start(test_unit_ready(1).lun(1));
  Task& other = bench.start(test_unit_ready(2).lun(2));
  bench.start(test_unit_ready(3).lun(1));
  bench.send(task_management(4, kAbortTaskSet).lun(1));
  CHECK(bench.count<effect::AbortTask>() == 2);
  REQUIRE(bench.count<effect::ManageTasks>() == 1);
  CHECK(std::holds_alternative<effect::ManageTasks>(bench.effects.back()));
  CHECK(bench.silent());
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.good(other);
  CHECK(is_response(bench.answer(), 2, scsi::Status::good));
}

TEST_CASE("I_T NEXUS RESET aborts every task of the session (B2.08)") {
  Bench bench(16, kLevel2);
  bench.start(test_unit_ready(1).lun(1));
  bench.start(test_unit_ready(2).lun(2));
  bench.send(task_management(4, kNexusReset));
  CHECK(bench.count<effect::AbortTask>() == 2);
  CHECK(bench.count<effect::ManageTasks>() == 1);
}

TEST_CASE("the answer of ManageTasks is sent with the daemon's response (A10.12, A10.13)") {
  for (const std::uint8_t response : std::initializer_list<std::uint8_t>{0, 2, 5, 6, 255}) {
    Bench bench;
    bench.send(task_management(4, kLunReset).lun(200));
    bench.session->finish_task_management(4, response, 0, bench.out);
    CHECK(is_tmf(bench.answer(), 4, response));
    bench.session->finish_task_management(4, response, 0, bench.out);  // once only
    CHECK(bench.silent());
  }
}

TEST_CASE("a multi-task function waits for commands of lower CmdSN (A10.08)") {
  Bench bench;
  bench.cmd_sn = 101;  // 100 is late
  bench.send(task_management(4, kAbortTaskSet));
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
  bench.raw(test_unit_ready(1).cmd_sn(100));
  CHECK(bench.count<effect::RunTask>() == 1);
  CHECK(bench.count<effect::ManageTasks>() == 0);  // not while other effects are pending
  CHECK(bench.session->deadline() == TimePoint::min());
  bench.pass(0ms);
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(bench.count<effect::ManageTasks>() == 1);
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 4, 0));
}

TEST_CASE(
    "the wait for lower CmdSNs is bounded, and what it covers behind the gap never runs (A10.08)") {
  Bench bench;
  bench.raw(test_unit_ready(1).cmd_sn(101).lun(1));
  bench.raw(test_unit_ready(2).cmd_sn(102).lun(2));
  bench.cmd_sn = 103;
  bench.send(task_management(4, kAbortTaskSet).lun(1));
  REQUIRE(bench.session->deadline().has_value());
  bench.pass(std::chrono::milliseconds(kTaskManagementCommandWait) - 1ms);
  CHECK(bench.effects.empty());
  bench.pass(1ms);
  CHECK(bench.count<effect::ManageTasks>() == 1);
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.raw(test_unit_ready(9).cmd_sn(100));
  REQUIRE(bench.count<effect::RunTask>() == 2);
  CHECK(bench.run(0)->initiator_task_tag == 9);
  CHECK(bench.run(1)->initiator_task_tag == 2);
}

TEST_CASE(
    "a CmdSN used up by ABORT TASK does not trouble a function that stops waiting (A10.03, "
    "A10.08)") {
  Bench bench;
  bench.cmd_sn = 103;
  bench.send(task_management(2, kAbortTask, 77, 101));
  bench.send(task_management(3, kAbortTaskSet));
  bench.pass(std::chrono::milliseconds(kTaskManagementCommandWait));
  CHECK(bench.count<effect::ManageTasks>() == 1);
}

TEST_CASE(
    "after ABORT TASK SET late data is swallowed and the response waits for it (A10.07, A10.08)") {
  Bench bench;
  Task& task = bench.start(write_command(1, 512));
  bench.collect(task, 512);
  const auto r2t = bench.answer();
  bench.send(task_management(4, kAbortTaskSet));
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(bench.silent());
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(256), false));
  CHECK(bench.silent());
  bench.raw(data_out(1, r2t.ttt(), 1, 256, pattern(256), true));
  CHECK(bench.effects.empty());
  CHECK(is_tmf(bench.answer(), 4, 0));
}

TEST_CASE("the wait for late data is bounded (A10.08)") {
  Bench bench;
  bench.collect(bench.start(write_command(1, 512)), 512);
  bench.answers();
  bench.send(task_management(4, kAbortTaskSet));
  bench.session->finish_task_management(4, 0, 0, bench.out);
  bench.pass(0ms);
  bench.pass(std::chrono::milliseconds(kTaskManagementDataWait) - 1ms);
  CHECK(bench.silent());
  bench.pass(1ms);
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.raw(data_out(1, 1, 0, 0, pattern(512), true));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));  // nobody's by now
}

TEST_CASE("ABORT TASK does not wait for late data but swallows it (A10.02)") {
  Bench bench;
  bench.collect(bench.start(write_command(1, 512)), 512);
  const auto r2t = bench.answer();
  bench.send(task_management(4, kAbortTask, 1, 100));
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(512), true));
  CHECK(bench.silent());
}

TEST_CASE("a tag may be used again while late data of its aborted task is still swallowed") {
  Bench bench;
  bench.collect(bench.start(write_command(1, 512)), 512);
  const auto r2t = bench.answer();
  bench.send(task_management(4, kAbortTask, 1, 100));
  bench.answers();
  Task& young = bench.start(write_command(1, 512));
  bench.collect(young, 512);
  const auto second = bench.answer();
  CHECK(second.ttt() != r2t.ttt());
}

TEST_CASE(
    "LOGICAL UNIT RESET hands the tasks over and spares commands that come after it (B2.05)") {
  Bench bench;
  bench.start(test_unit_ready(1).lun(1));
  bench.send(task_management(4, kLunReset).lun(1));
  CHECK(bench.count<effect::AbortTask>() == 0);
  CHECK(bench.count<effect::ManageTasks>() == 1);
  Task& later = bench.start(test_unit_ready(2).lun(1));
  bench.effects.clear();
  bench.session->abort_tasks(std::uint16_t{1}, false, AbortedBy::own_function, bench.out,
                             bench.effects);
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(!later.aborted);
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.good(later);
  CHECK(is_response(bench.answer(), 2, scsi::Status::good));
}

TEST_CASE("TARGET COLD RESET is answered at once, because every connection closes next (A10.11)") {
  Bench bench;
  bench.collect(bench.start(write_command(1, 512)), 512);
  bench.answers();
  bench.send(task_management(4, kColdReset));
  bench.effects.clear();
  bench.session->abort_tasks(std::nullopt, false, AbortedBy::own_function, bench.out,
                             bench.effects);
  bench.session->finish_task_management(4, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 4, 0));
}

TEST_CASE("tasks aborted by others end silently, or with TASK ABORTED when TAS says so (B2.03)") {
  for (const bool tas : {false, true}) {
    CAPTURE(tas);
    Bench bench;
    bench.start(read_command(1, 512).lun(1));
    bench.start(test_unit_ready(2).lun(2));
    bench.effects.clear();
    bench.session->abort_tasks(std::uint16_t{1}, tas, AbortedBy::own_function, bench.out,
                               bench.effects);
    CHECK(bench.count<effect::AbortTask>() == 1);
    const auto list = bench.answers();
    REQUIRE(list.size() == (tas ? 1 : 0));
    if (tas) CHECK(is_response(list[0], 1, scsi::Status::task_aborted));
    CHECK(bench.session->task_count() == 1);
  }
}

TEST_CASE("TASK ABORTED waits for data that is still due (A8.07, B2.03)") {
  Bench bench;
  bench.collect(bench.start(write_command(1, 512)), 512);
  const auto r2t = bench.answer();
  bench.effects.clear();
  bench.session->abort_tasks(std::nullopt, true, AbortedBy::own_function, bench.out, bench.effects);
  CHECK(bench.silent());
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(512), true));
  CHECK(is_response(bench.answer(), 1, scsi::Status::task_aborted));
}

TEST_CASE("a task that only waits for its last data is aborted without the daemon") {
  Bench bench(16, with([](Parameters& p) { p.initial_r2t = false; }));
  Task& task = bench.start(write_command(1, 512).not_final());
  bench.finish(task, scsi::with_status(scsi::Status::busy));
  bench.send(task_management(4, kAbortTask, 1, 100));
  CHECK(bench.effects.empty());
  CHECK(is_tmf(bench.answer(), 4, 0));
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(512), true));
  CHECK(bench.silent());
}

TEST_CASE("functions waiting for their answer are limited: 06h when immediate, 255 otherwise") {
  Bench bench;
  for (std::uint32_t i = 0; i < kMaxTaskManagements; ++i) {
    bench.send(task_management(1000 + i, kLunReset));
    REQUIRE(bench.count<effect::ManageTasks>() == 1);
  }
  bench.send(task_management(9000, kLunReset));
  CHECK(is_reject(bench.answer(), wire::reject::kTooManyImmediateCommands));
  auto numbered = task_management(9001, kLunReset);
  numbered.u8(0, op::kTaskManagementRequest);
  bench.send(numbered);
  CHECK(is_tmf(bench.answer(), 9001, 255));
  bench.session->finish_task_management(1000, 0, 0, bench.out);
  CHECK(is_tmf(bench.answer(), 1000, 0));
  bench.send(task_management(9002, kLunReset));
  CHECK(bench.count<effect::ManageTasks>() == 1);
}

TEST_CASE("the tag of a function in progress is in use") {
  Bench bench;
  bench.send(task_management(4, kLunReset));
  for (const auto& pdu : {test_unit_ready(4), nop_out(4), task_management(4, kLunReset)}) {
    bench.raw(Pdu(pdu).cmd_sn(100));
    CHECK(is_reject(bench.answer(), wire::reject::kTaskInProgress));
  }
}

TEST_CASE("a session with nothing going on has no deadline") {
  Bench bench;
  CHECK(!bench.session->deadline().has_value());
  bench.good(bench.start(test_unit_ready(1)));
  CHECK(!bench.session->deadline().has_value());
}

}  // namespace
}  // namespace faultlun::iscsi::session_manage_test
