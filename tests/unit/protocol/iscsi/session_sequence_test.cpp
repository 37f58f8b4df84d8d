// CmdSN, StatSN, commands behind a gap, Rejects.  Checklist A2, A3.
#include "pdu_builders.hpp"

namespace faultlun::iscsi::session_sequence_test {
namespace {

using namespace testing;

TEST_CASE(
    "the first command carries the CmdSN of the login and its answer the next StatSN (A3.01, "
    "A3.15)") {
  Bench bench(16, {}, 0x1234, 77);
  bench.good(bench.start(test_unit_ready(1)));
  const auto answer = bench.answer();
  CHECK(is_response(answer, 1, scsi::Status::good));
  CHECK(answer.stat_sn() == 77);
  CHECK(answer.exp_cmd_sn() == 0x1235);
  CHECK(answer.max_cmd_sn() == 0x1235 - 1 + 16);
}

TEST_CASE("a CmdSN below the window is ignored without an answer (A3.03)") {
  Bench bench;
  bench.raw(test_unit_ready(1).cmd_sn(99));
  CHECK(bench.run() == nullptr);
  CHECK(bench.silent());
}

TEST_CASE(
    "a CmdSN above MaxCmdSN is ignored and the same tag is welcome inside the window (A3.03)") {
  Bench bench(4);
  bench.raw(test_unit_ready(1).cmd_sn(104));
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
  bench.raw(test_unit_ready(1).cmd_sn(103));  // MaxCmdSN itself: kept
  CHECK(bench.effects.empty());
  bench.raw(test_unit_ready(2).cmd_sn(100));
  CHECK(bench.run()->initiator_task_tag == 2);
  CHECK(bench.count<effect::RunTask>() == 1);
}

TEST_CASE("a repeated command is executed once (A3.04)") {
  Bench bench;
  const auto command = write_command(1, 4).cmd_sn(100);
  bench.raw(Pdu(command).with(pattern(4, 1)));
  CHECK(bench.count<effect::RunTask>() == 1);
  bench.raw(Pdu(command).with(pattern(4, 9)));
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
}

TEST_CASE("commands behind a gap wait and run in CmdSN order (A3.02)") {
  Bench bench;
  bench.raw(test_unit_ready(3).cmd_sn(102));
  bench.raw(test_unit_ready(2).cmd_sn(101));
  bench.raw(test_unit_ready(2).cmd_sn(101));  // a duplicate of a kept one
  CHECK(bench.effects.empty());
  bench.raw(test_unit_ready(1).cmd_sn(100));
  REQUIRE(bench.count<effect::RunTask>() == 3);
  CHECK(bench.run(0)->cmd_sn == 100);
  CHECK(bench.run(1)->cmd_sn == 101);
  CHECK(bench.run(2)->cmd_sn == 102);
  for (std::size_t i = 0; i < 3; ++i)
    bench.good(*bench.run(i));
  CHECK(bench.answers().back().exp_cmd_sn() == 103);
}

TEST_CASE("immediate data of a command that waited is there when it runs (A3.02)") {
  Bench bench;
  bench.raw(write_command(2, 8).cmd_sn(101).with(pattern(8, 5)));
  bench.raw(test_unit_ready(1).cmd_sn(100));
  const auto* second = bench.effect<effect::RunTask>(1);
  REQUIRE(second != nullptr);
  CHECK(Buffer(second->immediate_data.begin(), second->immediate_data.end()) == pattern(8, 5));
}

TEST_CASE("unsolicited data of a command that waits is kept with it (A3.02)") {
  Bench bench(16, with([](Parameters& p) { p.initial_r2t = false; }));
  bench.raw(write_command(2, 8).cmd_sn(101).with(pattern(4, 1)).not_final());
  bench.raw(data_out(2, kReservedTag, 0, 4, pattern(4, 9), true));
  CHECK(bench.silent());
  bench.raw(test_unit_ready(1).cmd_sn(100));
  Task& write = *bench.run(1);
  bench.collect(write, 8, 4);
  const auto* piece = bench.effect<effect::DataOut>();
  REQUIRE(piece != nullptr);
  CHECK(piece->offset == 4);
  CHECK(Buffer(piece->data.begin(), piece->data.end()) == pattern(4, 9));
  CHECK(bench.count<effect::DataComplete>() == 1);
}

TEST_CASE("the number of PDUs kept behind a gap is limited") {
  Bench bench;
  for (std::uint32_t i = 0; i < kMaxAheadPdus; ++i)
    bench.raw(test_unit_ready(i).cmd_sn(101 + i));
  CHECK(bench.effects.empty());
  bench.raw(test_unit_ready(9999).cmd_sn(101 + kMaxAheadPdus));
  REQUIRE(bench.effect<effect::Close>() != nullptr);
  CHECK(bench.effect<effect::Close>()->why == effect::Close::Why::protocol_error);
}

TEST_CASE("at the limit of kept PDUs the gap can still be plugged") {
  Bench bench;
  for (std::uint32_t i = 0; i < kMaxAheadPdus; ++i)
    bench.raw(test_unit_ready(i).cmd_sn(101 + i));
  bench.raw(test_unit_ready(9999).cmd_sn(100));
  CHECK(bench.count<effect::RunTask>() == kMaxAheadPdus + 1);
  CHECK(bench.count<effect::Close>() == 0);
}

TEST_CASE("the octets kept behind a gap are limited") {
  Bench bench;
  const std::size_t each = 200 * 1024;
  const auto fitting = static_cast<std::uint32_t>(kMaxAheadBytes / (each + kBhsBytes));
  for (std::uint32_t i = 0; i < fitting; ++i) {
    bench.raw(write_command(i, each).cmd_sn(101 + i).with(pattern(each)));
    REQUIRE(bench.effects.empty());
  }
  bench.raw(write_command(999, each).cmd_sn(101 + fitting).with(pattern(each)));
  CHECK(bench.count<effect::Close>() == 1);
}

TEST_CASE("immediate commands run whatever the window says and do not move it (A3.05)") {
  Bench bench(1);
  bench.start(test_unit_ready(1));  // the window is shut now
  bench.send(test_unit_ready(2));
  CHECK(bench.effects.empty());
  Task& urgent = bench.start(test_unit_ready(3).immediate());
  CHECK(urgent.immediate);
  bench.good(urgent);
  const auto answer = bench.answer();
  CHECK(answer.exp_cmd_sn() == 101);
  CHECK(answer.max_cmd_sn() == 100);
  bench.send(nop_out(4).immediate());
  CHECK(bench.answer().itt() == 4);
}

TEST_CASE("immediate SCSI commands beyond the limit are Rejected 06h (A3.06)") {
  Bench bench;
  std::vector<Task*> tasks;
  for (std::uint32_t i = 0; i < kMaxImmediateTasks; ++i)
    tasks.push_back(&bench.start(test_unit_ready(i).immediate()));
  bench.send(test_unit_ready(1000).immediate());
  CHECK(is_reject(bench.answer(), wire::reject::kTooManyImmediateCommands));
  bench.send(task_management(1001, 1, 0xdead));  // one task management request is always possible
  CHECK(bench.answer().opcode() == op::kTaskManagementResponse);
  bench.good(*tasks.front());
  bench.answers();
  bench.start(test_unit_ready(1000).immediate());
}

TEST_CASE("CmdSN and StatSN run across zero (A3.08)") {
  Bench bench(8, {}, 0xfffffffe, 0xfffffffe);
  for (std::uint32_t i = 0; i < 5; ++i)
    bench.good(bench.start(test_unit_ready(i)));
  const auto list = bench.answers();
  REQUIRE(list.size() == 5);
  for (std::uint32_t i = 0; i < 5; ++i)
    CHECK(list[i].stat_sn() == 0xfffffffeU + i);
  CHECK(list.back().exp_cmd_sn() == 3);
}

TEST_CASE("a full window is shut with MaxCmdSN = ExpCmdSN - 1 and never moves back (A3.07)") {
  Bench bench(4);
  std::vector<Task*> tasks;
  for (std::uint32_t i = 0; i < 4; ++i)
    tasks.push_back(&bench.start(test_unit_ready(i)));
  bench.send(nop_out(50).immediate());
  auto answer = bench.answer();
  CHECK(answer.exp_cmd_sn() == 104);
  CHECK(answer.max_cmd_sn() == 103);
  bench.good(*tasks[2]);
  answer = bench.answer();
  CHECK(answer.max_cmd_sn() == 104);  // the status itself tells of the room that it makes
}

TEST_CASE("GOOD in the last Data-In tells of the room that it makes (A3.07)") {
  Bench bench(1);
  Task& task = bench.start(read_command(1, 4));
  Session::DataInCursor cursor{4, 0, 4};
  bench.session->seal_data_in(bench.session->room_for_data_in(task, cursor, 4, bench.out));
  bench.session->finish_data_in(task);
  const auto answer = bench.answer();
  CHECK(answer.exp_cmd_sn() == 101);
  CHECK(answer.max_cmd_sn() == 101);
  CHECK(!bench.session->deadline().has_value());
}

TEST_CASE("a shut window that opens without an answer is told with a NOP-In (A3.09)") {
  Bench bench(1);
  Task& task = bench.start(test_unit_ready(1));
  int operation = 0;
  task.host = &operation;
  bench.send(nop_out(9).immediate());
  CHECK(bench.answer().max_cmd_sn() == 100);
  bench.effects.clear();
  bench.session->abort_tasks(std::nullopt, false, AbortedBy::own_function, bench.out,
                             bench.effects);
  CHECK(bench.count<effect::AbortTask>() == 1);
  CHECK(!bench.session->deadline().has_value());
  bench.session->discard(task);
  CHECK(bench.session->deadline() == TimePoint::min());
  bench.pass(std::chrono::milliseconds(0));
  const auto answer = bench.answer();
  CHECK(answer.opcode() == op::kNopIn);
  CHECK(answer.itt() == kReservedTag);
  CHECK(answer.ttt() == kReservedTag);
  CHECK(answer.max_cmd_sn() == 101);
  CHECK(!bench.session->deadline().has_value());
}

TEST_CASE("an open window needs no NOP-In (A3.09)") {
  Bench bench(2);
  bench.start(test_unit_ready(1));
  bench.session->abort_tasks(std::nullopt, false, AbortedBy::own_function, bench.out,
                             bench.effects);
  bench.pass(std::chrono::milliseconds(0));
  CHECK(bench.silent());
}

TEST_CASE(
    "StatSN counts answers but no R2T, Data-In without status or unsolicited NOP-In (A3.10)") {
  Bench bench(16, with([](Parameters& p) { p.peer_max_recv_data_segment_length = 512; }));
  bench.session->send_nop_in(true, bench.out);
  Task& write = bench.start(write_command(1, 100));
  bench.collect(write, 100);
  Task& read = bench.start(read_command(2, 1024));
  scsi::Reply reply;
  reply.data_in = pattern(1024);
  reply.data_in_length = 1024;
  bench.finish(read, std::move(reply));
  bench.send(nop_out(3));
  const auto list = bench.answers();
  REQUIRE(list.size() == 5);
  CHECK(list[0].stat_sn() == 500);  // NOP-In: the next StatSN, not counted
  CHECK(list[1].opcode() == op::kR2t);
  CHECK(list[1].stat_sn() == 500);
  CHECK(list[2].stat_sn() == 0);  // Data-In without status: reserved
  CHECK(list[3].stat_sn() == 500);
  CHECK(list[4].stat_sn() == 501);
}

TEST_CASE("an unknown opcode is Rejected 05h and the session lives on (A2.03, A2.04)") {
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{
           0x07, 0x0f, 0x11, 0x1c, 0x1e, 0x1f, 0x20, 0x21, 0x3e, 0x3f}) {
    CAPTURE(code);
    Bench bench;
    bench.raw(basic(code).itt(5));
    CHECK(is_reject(bench.answer(), wire::reject::kCommandNotSupported));
    bench.good(bench.start(test_unit_ready(1)));
    CHECK(is_response(bench.answer(), 1, scsi::Status::good));
  }
}

TEST_CASE("SNACK is Rejected 05h at ErrorRecoveryLevel 0 (A13.04)") {
  Bench bench;
  for (std::uint8_t type = 0; type < 5; ++type) {
    bench.raw(basic(op::kSnackRequest).u8(1, static_cast<std::uint8_t>(0x80 | type)).itt(5));
    CHECK(is_reject(bench.answer(), wire::reject::kCommandNotSupported));
  }
}

TEST_CASE("a Login Request in the full-feature phase is a protocol error") {
  Bench bench;
  bench.raw(basic(op::kLoginRequest).immediate().itt(5));
  CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
}

TEST_CASE("a Reject carries the whole header of the bad PDU and advances StatSN (A2.10)") {
  Bench bench;
  auto pdu = basic(0x1e).itt(0xabcd);
  for (std::size_t i = 36; i < kBhsBytes; ++i)
    pdu.u8(i, static_cast<std::uint8_t>(i));
  bench.raw(pdu);
  bench.raw(pdu);
  const auto list = bench.answers();
  REQUIRE(list.size() == 2);
  CHECK(list[0].data == bench.received);
  CHECK(list[0].itt() == kReservedTag);
  CHECK(list[0].flags() == 0x80);
  CHECK(list[0].stat_sn() == 500);
  CHECK(list[1].stat_sn() == 501);
}

TEST_CASE("the CmdSN of a Rejected command counts as not received (A2.13)") {
  Bench bench;
  bench.raw(scsi_command(1, 5, 0, {0}).cmd_sn(100));  // reserved attribute
  const auto answer = bench.answer();
  CHECK(is_reject(answer, wire::reject::kInvalidPduField));
  CHECK(answer.exp_cmd_sn() == 100);
  bench.raw(test_unit_ready(1).cmd_sn(100));
  CHECK(bench.run() != nullptr);
}

TEST_CASE("a tag of a live task is Rejected 07h and the task lives on (A2.15)") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  for (const auto& pdu : {test_unit_ready(1), nop_out(1), text_request(1, "SendTargets="),
                          logout(1, 0), task_management(1, 2)}) {
    bench.raw(Pdu(pdu).cmd_sn(101));
    CHECK(is_reject(bench.answer(), wire::reject::kTaskInProgress));
  }
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("the reserved tag FFFFFFFFh is no task (A2.15)") {
  for (const auto& pdu : {test_unit_ready(kReservedTag), text_request(kReservedTag, ""),
                          logout(kReservedTag, 0), task_management(kReservedTag, 1)}) {
    Bench bench;
    bench.send(pdu);
    CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
    CHECK(bench.effects.empty());
  }
}

TEST_CASE("reserved bits and fields of a command are ignored (A2.02)") {
  Bench bench;
  auto pdu = test_unit_ready(1);
  pdu.u8(0, 0x81).u8(1, static_cast<std::uint8_t>(pdu.header[1] | 0x18)).u8(2, 0xff).u8(3, 0xff);
  CHECK(bench.start(pdu).command.attribute == scsi::TaskAttribute::simple);
}

TEST_CASE("reserved fields of answers are zero (A2.01)") {
  Bench bench;
  Task& task = bench.start(test_unit_ready(1));
  bench.good(task);
  const auto response = bench.answer();
  for (const std::size_t at :
       {2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 40, 41, 42, 43})
    CHECK(response.octet(at) == 0);
  bench.send(logout(2, 0));
  const auto logged_out = bench.answer();
  for (std::size_t at = 36; at < kBhsBytes; ++at)
    CHECK(logged_out.octet(at) == 0);
}

}  // namespace
}  // namespace faultlun::iscsi::session_sequence_test
