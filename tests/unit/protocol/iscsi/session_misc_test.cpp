// NOP, Logout, Text, Asynchronous Message, discovery sessions, memory.  Checklist A1.08, A1.12,
// A11, A12.
#include "pdu_builders.hpp"

namespace faultlun::iscsi::session_misc_test {
namespace {

using namespace testing;

struct DiscoveryBench : Bench {
  DiscoveryBench() : Bench(16, {}, 100, 500, SessionType::discovery) {}
};

TEST_CASE("NOP-Out is answered with its own data (A11.06)") {
  for (const std::size_t length : {0, 1, 4096, 8192}) {
    CAPTURE(length);
    Bench bench;
    bench.send(nop_out(9).with(pattern(length)));
    const auto answer = bench.answer();
    CHECK(answer.opcode() == op::kNopIn);
    CHECK(answer.itt() == 9);
    CHECK(answer.ttt() == kReservedTag);
    CHECK(answer.data == pattern(length));
    CHECK(answer.exp_cmd_sn() == 101);
    CHECK(answer.stat_sn() == 500);
  }
}

TEST_CASE("the echo is cut to the initiator's MaxRecvDataSegmentLength (A2.08, A11.06)") {
  Bench bench(16, with([](Parameters& p) { p.peer_max_recv_data_segment_length = 513; }));
  bench.send(nop_out(9).with(pattern(5000)));
  const auto all = pattern(5000);
  CHECK(bench.answer().data == Buffer(all.begin(), all.begin() + 513));
}

TEST_CASE("the longest echo goes out whole (A11.06)") {
  Bench bench(16, with([](Parameters& p) { p.peer_max_recv_data_segment_length = 0xffffff; }));
  bench.send(nop_out(9).with(pattern(kMaxRecvDataSegmentLength)));
  CHECK(bench.answer().data == pattern(kMaxRecvDataSegmentLength));
}

TEST_CASE("NOP-Out with the reserved tag wants no answer and must be immediate (A11.07)") {
  Bench bench;
  bench.send(nop_out(kReservedTag).immediate());
  CHECK(bench.silent());
  bench.send(nop_out(kReservedTag));
  const auto answer = bench.answer();
  CHECK(is_reject(answer, wire::reject::kProtocolError));
  CHECK(answer.exp_cmd_sn() == 100);
}

TEST_CASE("a ping of ours has a tag, no data, and is answered with it (A11.08)") {
  Bench bench;
  bench.session->send_nop_in(true, bench.out);
  const auto ping = bench.answer();
  CHECK(ping.opcode() == op::kNopIn);
  CHECK(ping.itt() == kReservedTag);
  CHECK(ping.ttt() != kReservedTag);
  CHECK(ping.data.empty());
  CHECK(ping.be32(8) == 0);
  CHECK(bench.session->nop_in_outstanding());
  bench.send(nop_out(kReservedTag, ping.ttt() + 1).immediate());
  CHECK(bench.session->nop_in_outstanding());
  bench.send(nop_out(kReservedTag, ping.ttt()).immediate());
  CHECK(!bench.session->nop_in_outstanding());
  CHECK(bench.silent());
}

TEST_CASE("a NOP-In that wants no answer has no tag (A11.08)") {
  Bench bench;
  bench.session->send_nop_in(false, bench.out);
  CHECK(bench.answer().ttt() == kReservedTag);
  CHECK(!bench.session->nop_in_outstanding());
}

// ---- logout
// -----------------------------------------------------------------------------------------------------

TEST_CASE(
    "logout closes the session after its response and aborts what is outstanding (A11.10, "
    "A11.12)") {
  for (const std::uint8_t reason : std::initializer_list<std::uint8_t>{0, 1}) {
    CAPTURE(reason);
    Bench bench;
    Task& task = bench.start(test_unit_ready(1));
    int operation = 0;
    task.host = &operation;
    bench.send(logout(5, reason, 7));
    CHECK(bench.count<effect::AbortTask>() == 1);
    REQUIRE(bench.effect<effect::Close>() != nullptr);
    CHECK(bench.effect<effect::Close>()->why == effect::Close::Why::logout);
    const auto answer = bench.answer();
    CHECK(answer.opcode() == op::kLogoutResponse);
    CHECK(answer.itt() == 5);
    CHECK(answer.octet(2) == 0);
    bench.session->discard(task);
    bench.raw(nop_out(6).immediate());
    CHECK(bench.silent());
    CHECK(!bench.session->deadline().has_value());
  }
}

TEST_CASE("commands before a numbered logout begin first (A11.10)") {
  Bench bench;
  auto numbered = logout(5, 0).cmd_sn(101);
  numbered.u8(0, op::kLogoutRequest);
  bench.raw(numbered);
  CHECK(bench.effects.empty());
  bench.raw(test_unit_ready(1).cmd_sn(100));
  CHECK(bench.answer().opcode() == op::kLogoutResponse);
  CHECK(bench.count<effect::Close>() == 1);
}

TEST_CASE("logout of another connection answers 1 and closes nothing (A11.11)") {
  Bench bench;
  bench.send(logout(5, 1, 8));
  const auto answer = bench.answer();
  CHECK(answer.octet(2) == 1);
  CHECK(bench.effects.empty());
  bench.good(bench.start(test_unit_ready(1)));
}

TEST_CASE("logout for recovery answers 2 at ErrorRecoveryLevel 0 (A11.10, A11.11)") {
  Bench bench;
  bench.send(logout(5, 2, 7));
  CHECK(bench.answer().octet(2) == 2);
  CHECK(bench.effects.empty());
}

TEST_CASE("a reserved logout reason is a protocol error (A2.03)") {
  Bench bench;
  for (const std::uint8_t reason : std::initializer_list<std::uint8_t>{3, 4, 0x7f}) {
    bench.send(logout(5, reason, 7));
    CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
  }
  CHECK(bench.effects.empty());
}

// ---- asynchronous messages
// ----------------------------------------------------------------------------------------

TEST_CASE("asynchronous messages carry event and parameters (A11.02, A11.03, A11.04)") {
  Bench bench;
  CHECK(!bench.session->logout_requested());
  bench.session->send_async_event(2, 7, 2, 20, bench.out);
  CHECK(!bench.session->logout_requested());
  bench.session->send_async_event(1, 0, 0, 10, bench.out);
  CHECK(bench.session->logout_requested());
  const auto list = bench.answers();
  REQUIRE(list.size() == 2);
  CHECK(list[0].opcode() == op::kAsyncMessage);
  CHECK(list[0].itt() == kReservedTag);
  CHECK(list[0].octet(36) == 2);
  CHECK(list[0].be16(38) == 7);
  CHECK(list[0].be16(40) == 2);
  CHECK(list[0].be16(42) == 20);
  CHECK(list[0].stat_sn() == 500);
  CHECK(list[1].octet(36) == 1);
  CHECK(list[1].be16(42) == 10);
  CHECK(list[1].stat_sn() == 501);
}

TEST_CASE("after a logout request commands are still executed (A11.13 leaves the choice)") {
  Bench bench;
  bench.session->send_async_event(1, 0, 0, 10, bench.out);
  bench.good(bench.start(test_unit_ready(1)));
  CHECK(bench.answers().size() == 2);
}

// ---- text and discovery
// -------------------------------------------------------------------------------------------

TEST_CASE("a Text Request is answered by the text exchange and uses up its CmdSN (A12.04)") {
  Bench bench;
  bench.directory.portals.push_back({"192.0.2.1:3260", 1});
  bench.directory.targets.push_back({});
  bench.directory.targets.back().name = "iqn.2026-11.example:disk";
  bench.directory.targets.back().portal_groups = {1};
  bench.send(text_request(3, std::string("SendTargets=") + '\0'));
  const auto answer = bench.answer();
  CHECK(answer.opcode() == op::kTextResponse);
  CHECK(answer.itt() == 3);
  CHECK((answer.flags() & wire::kFinal) != 0);
  CHECK(answer.ttt() == kReservedTag);
  CHECK(answer.exp_cmd_sn() == 101);
  CHECK(answer.stat_sn() == 500);
  CHECK(bytes::text(answer.data).find("TargetName=iqn.2026-11.example:disk") == 0);
}

TEST_CASE("a refused Text Request is Rejected and its CmdSN stays free (A2.13, A4.04)") {
  Bench bench;
  auto request = text_request(3, std::string("SendTargets=") + '\0');
  request.u8(1, wire::kFinal | wire::kContinue);
  bench.send(request);
  const auto answer = bench.answer();
  CHECK(answer.opcode() == op::kReject);
  CHECK(answer.exp_cmd_sn() == 100);
}

TEST_CASE("a limit declared anew in text counts for the next Data-In (A4.18)") {
  Bench bench;
  bench.send(text_request(3, std::string("MaxRecvDataSegmentLength=512") + '\0'));
  CHECK(bench.answer().opcode() == op::kTextResponse);
  CHECK(bench.session->next_data_in({4096, 0, 4096}) == 512);
}

TEST_CASE("a discovery session rejects everything but text and logout (A1.08)") {
  for (const auto& pdu : {test_unit_ready(1), read_command(1, 512), nop_out(1),
                          nop_out(1).immediate(), task_management(1, 5)}) {
    DiscoveryBench bench;
    bench.send(pdu);
    CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
    CHECK(bench.effects.empty());
  }
  DiscoveryBench bench;
  bench.raw(data_out(1, 1, 0, 0, pattern(4), true));
  CHECK(bench.answer().opcode() == op::kReject);
}

TEST_CASE("a discovery session takes text and ends with logout reason 0 only (A1.08)") {
  DiscoveryBench bench;
  bench.send(text_request(3, std::string("SendTargets=All") + '\0'));
  CHECK(bench.answer().opcode() == op::kTextResponse);
  bench.send(logout(4, 1, 7));
  CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
  bench.send(logout(5, 0));
  CHECK(bench.answer().opcode() == op::kLogoutResponse);
  CHECK(bench.count<effect::Close>() == 1);
}

TEST_CASE("a discovery session hears no asynchronous message and no NOP-In (A1.12)") {
  DiscoveryBench bench;
  bench.session->send_nop_in(true, bench.out);
  bench.session->send_async_event(2, 0, 0, 0, bench.out);
  CHECK(bench.silent());
  CHECK(!bench.session->nop_in_outstanding());
}

// ---- memory
// -----------------------------------------------------------------------------------------------------

TEST_CASE("an idle session costs under 4 KiB, also after it was busy") {
  Bench bench;
  CHECK(bench.session->memory() < 4096);
  std::vector<Task*> tasks;
  for (std::uint32_t i = 0; i < 1000; ++i)
    tasks.push_back(&bench.start(test_unit_ready(i)));
  CHECK(bench.session->memory() < 1000 * 300);
  for (Task* task : tasks)
    bench.good(*task);
  bench.answers();
  CHECK(bench.session->memory() < 4096);
}

TEST_CASE("a whole window of 16,384 commands can be held and answered") {
  Bench bench;
  std::vector<Task*> tasks;
  for (std::uint32_t i = 0; i < kCommandWindow; ++i)
    tasks.push_back(&bench.start(test_unit_ready(i)));
  CHECK(bench.session->task_count() == kCommandWindow);
  std::size_t visited = 0;
  bench.session->for_each_task([&](Task&) { ++visited; });
  CHECK(visited == kCommandWindow);
  bench.send(test_unit_ready(99999));
  CHECK(bench.effects.empty());
  for (Task* task : tasks)
    bench.good(*task);
  CHECK(bench.answers().size() == kCommandWindow);
}

TEST_CASE("a session may end with everything still going on") {
  Bench bench(16, with([](Parameters& p) { p.initial_r2t = false; }));
  bench.start(test_unit_ready(1));
  bench.start(write_command(2, 512).not_final());
  bench.raw(data_out(2, kReservedTag, 0, 0, pattern(64), false));
  bench.raw(test_unit_ready(4).cmd_sn(105));
  bench.send(task_management(3, 5));
  bench.session.reset();
  CHECK(bench.out.empty());
}

}  // namespace
}  // namespace faultlun::iscsi::session_misc_test
