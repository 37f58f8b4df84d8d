// Checklist A10: task management.  RFC 7143 §4.2.3, §11.5, §11.6; RFC 7144.
#include "tests/e2e/lab.hpp"

#include <algorithm>

namespace a10_task_management_test {

using namespace faultlun::e2e;

namespace {
constexpr std::uint8_t kAbortTask = 1, kAbortTaskSet = 2, kClearAca = 3, kClearTaskSet = 4,
                       kLunReset = 5, kWarmReset = 6, kColdReset = 7, kReassign = 8, kQueryTask = 9,
                       kQueryTaskSet = 10, kNexusReset = 11, kQueryAsync = 12;

LoginOptions at_level(const char* level) {
  auto options = only_r2t();
  options.keys = with(options.keys, "iSCSIProtocolLevel", level);
  return options;
}
}  // namespace

TEST_CASE("A10.01 every function, known or not, gets a response") {
  TargetProcess target;
  for (const char* level : {"1", "2"}) {
    for (std::uint8_t function = 1; function <= 13; ++function) {
      CAPTURE(static_cast<int>(function));
      CAPTURE(level);
      auto session = connect_session(target, at_level(level));
      const Pdu answer = session.exchange(task_management(function));
      REQUIRE_MESSAGE(answer.opcode() == Op::task_management_response, answer.describe());
      CHECK((answer.at(2) <= 7 || answer.at(2) == 255));
      if (function == 13) CHECK((answer.at(2) == 5 || answer.at(2) == 255));
    }
  }
}

TEST_CASE("A10.02 B2.01 ABORT TASK of a live task answers 0, and the task never answers") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(0, 16);
  const auto other = session.start_held_write(16, 16);
  CHECK(session.manage(kAbortTask, 0, held, session.cmd_sn - 2) == 0);
  session.check.forget(held);
  const Pdu first = session.receive_for(held);  // its R2T, which came before the abort
  session.check.tolerate_unknown_tags = true;
  session.answer_r2t(first, noise(8192, 1));  // too late: must be dropped or rejected
  CHECK(session.finish(other, noise(8192, 2)).good());
  CHECK(session.read_blocks(0, 16) == Octets(8192));
  CHECK(session.read_blocks(16, 16) == noise(8192, 2));
}

TEST_CASE("A10.03 aborting a command that has not come yet counts it as received") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto number = session.cmd_sn;
  session.cmd_sn = number + 1;  // the command `number` is on its way, as it were
  CHECK(session.manage(kAbortTask, 0, 0x4242, number) == 0);
  CHECK(*session.check.exp_cmd_sn() == number + 1);
  const auto late =
      session.send(scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple, noise(512, 1))
                       .with_tag(0x4242)
                       .with_cmd_sn(number));
  session.expect_silence(150);
  session.check.forget(late);
  CHECK(session.read_blocks(0, 1) == Octets(512));
}

TEST_CASE("A10.04 an unknown tag with RefCmdSN outside the window answers 1") {
  TargetProcess target;
  auto session = connect_session(target);
  CHECK(session.manage(kAbortTask, 0, 0x4242, session.cmd_sn + 1'000'000) == 1);
  CHECK(session.manage(kAbortTask, 0, 0x4242, session.cmd_sn - 1'000'000) == 1);
  session.expect_alive();
}

TEST_CASE("A10.05 aborting a command that has been answered answers 1") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto number = session.cmd_sn;
  const auto done = session.execute(test_unit_ready());
  CHECK(session.manage(kAbortTask, 0, done.last.tag(), number) == 1);
}

TEST_CASE("A10.06 aborting a task management function is rejected with 255") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  session.start_held_write(0, 16);
  const auto pending = session.send(task_management(kAbortTaskSet));
  const auto waiting = session.try_receive(150);
  if (waiting && waiting->opcode() == Op::task_management_response) {
    MESSAGE("ABORT TASK SET does not wait, nothing to abort");
    Pdu self = task_management(kAbortTask, 0, 0x8888);
    CHECK(session.exchange(self.with_tag(0x8888)).at(2) == 255);
    return;
  }
  CHECK(session.manage(kAbortTask, 0, pending) == 255);
}

TEST_CASE("A10.07 after the response nothing more is heard of the tasks it covers") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  std::vector<Pdu> r2ts;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const auto tag = session.start_held_write(i * 16, 16);
    r2ts.push_back(session.receive_for(tag));
  }
  for (const auto& r2t : r2ts) {
    CHECK(session.manage(kAbortTask, 0, r2t.tag(), 0) == 0);
    session.check.forget(r2t.tag());
  }
  session.expect_silence(200);
  CHECK(session.read_blocks(0, 128) == Octets(65536));
}

TEST_CASE(
    "A10.08 ABORT TASK SET waits for the data its own session was asked for, then ends every "
    "task") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(0, 16);
  const Pdu r2t = session.receive_for(held);
  const auto function = session.send(task_management(kAbortTaskSet));
  session.expect_silence(200);
  session.answer_r2t(r2t, noise(8192, 1));
  const Pdu answer = session.receive_for(function);
  CHECK(answer.opcode() == Op::task_management_response);
  CHECK(answer.at(2) == 0);
  session.check.forget(held);
  session.expect_silence(150);
  CHECK(session.read_blocks(0, 16) == Octets(8192));
}

TEST_CASE("A10.08 ABORT TASK SET waits for commands with lower CmdSN that are still on their way") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto number = session.cmd_sn;
  session.cmd_sn = number + 1;
  const auto function = session.send(task_management(kAbortTaskSet));
  session.expect_silence(150);
  const auto late =
      session.send(scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple, noise(512, 1))
                       .with_cmd_sn(number));
  session.check.tolerate_unknown_tags = true;
  Pdu answer = session.receive();
  if (answer.tag() == late)
    answer = session.receive();  // finished before the function began: allowed
  CHECK(answer.tag() == function);
  CHECK(answer.at(2) == 0);
  session.check.forget(late);
}

TEST_CASE("A10.09 a nexus hears of a reset by another with its first response afterwards") {
  TargetProcess target;
  auto victim = connect_session(target, only_r2t());
  auto issuer = connect_session(target, second_initiator());
  const auto held = victim.start_held_write(0, 16);
  CHECK(issuer.manage(kLunReset) == 0);
  victim.check.forget(held);
  victim.receive_for(held);  // the R2T from before
  const auto first = victim.execute(test_unit_ready());
  CHECK(first.status == 0x02);
  CHECK((first.sense_code() >> 8) == 0x0629);
}

TEST_CASE("A10.10 B2.05 LOGICAL UNIT RESET and the target resets are carried out") {
  TargetProcess target(lab_with_luns("\"0-1\""));
  auto session = connect_session(target, only_r2t());
  session.drain_attentions(1);
  for (const auto function : {kLunReset, kWarmReset}) {
    const auto at_0 = session.start_held_write(0, 16, 0);
    const auto at_1 = session.start_held_write(0, 16, 1);
    const Pdu r2t = session.receive_for(at_1);
    session.receive_for(at_0);
    CHECK(session.manage(function, 0) == 0);
    session.check.forget(at_0);
    CHECK(!session.drain_attentions(0).empty());
    if (function == kLunReset) {  // the other unit goes on
      session.answer_r2t(r2t, noise(8192, 1));
      CHECK(session.finish(at_1).good());
      CHECK(session.drain_attentions(1).empty());
    } else {
      session.check.forget(at_1);
      CHECK(!session.drain_attentions(1).empty());
    }
    session.expect_silence(100);
  }
  CHECK((session.manage(kClearAca) == 0 || session.manage(kClearAca) == 5));
  CHECK(session.manage(kClearTaskSet) == 0);
}

TEST_CASE("A10.11 B2.07 COLD RESET answers and then ends every session of the target") {
  TargetProcess target;
  auto issuer = connect_session(target);
  auto other = connect_session(target, second_initiator());
  CHECK(issuer.manage(kColdReset) == 0);
  issuer.expect_closed();
  other.expect_closed();
  RawInitiator again(target.portal());
  REQUIRE(again.login().ok());
  const auto attentions = again.drain_attentions();
  REQUIRE(!attentions.empty());
  CHECK((attentions[0] >> 8) == 0x0629);
  CHECK(attentions[0] != 0x062907);  // power on outranks the loss of the nexus
}

TEST_CASE("A10.12 a function for a unit that does not exist answers 2") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const std::uint8_t function : {kAbortTaskSet, kClearTaskSet, kLunReset}) {
    CAPTURE(static_cast<int>(function));
    CHECK(session.manage(function, 200) == 2);
  }
}

TEST_CASE("A10.13 functions of RFC 7144 are not supported below protocol level 2") {
  TargetProcess target;
  auto session = connect_session(target, at_level("1"));
  for (const std::uint8_t function : {kQueryTask, kQueryTaskSet, kNexusReset, kQueryAsync}) {
    CAPTURE(static_cast<int>(function));
    const auto answer = session.manage(function);
    CHECK((answer == 5 || answer == 255));
  }
}

TEST_CASE("A10.14 TASK REASSIGN is answered 4: reassignment is not supported") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(0, 16);
  CHECK(session.manage(kReassign, 0, held, session.cmd_sn - 1) == 4);
  CHECK(session.finish(held, noise(8192, 1)).good());
}

TEST_CASE("A10.15 an immediate task is aborted with RefCmdSN equal to its CmdSN") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held =
      session.send(scsi_command(write_10(0, 16), 8192, kFinal | kWrite | kSimple).with_immediate());
  const Pdu r2t = session.receive_for(held);
  REQUIRE(r2t.opcode() == Op::r2t);
  CHECK(session.manage(kAbortTask, 0, held, session.cmd_sn) == 0);
  session.check.forget(held);
  session.expect_silence(100);
}

TEST_CASE(
    "A10.16 A14.04 B2.09 at protocol level 2 tasks and task sets can be queried and the nexus "
    "reset") {
  TargetProcess target;
  auto session = connect_session(target, at_level("2"));
  REQUIRE(session.settled.protocol_level == 2);
  const auto held = session.start_held_write(0, 16);
  CHECK(session.manage(kQueryTask, 0, held, session.cmd_sn - 1) ==
        7);  // function succeeded: the task exists
  CHECK(session.manage(kQueryTaskSet) == 7);
  CHECK(session.finish(held, noise(8192, 1)).good());
  CHECK(session.manage(kQueryTask, 0, held, session.cmd_sn - 1) == 0);  // complete: it does not
  CHECK(session.manage(kQueryTaskSet) == 0);
  const auto doomed = session.start_held_write(0, 16);
  CHECK(session.manage(kNexusReset) == 0);
  session.check.forget(doomed);
  session.receive_for(doomed);
  const auto attentions = session.drain_attentions();
  REQUIRE(!attentions.empty());
  CHECK(attentions[0] == 0x062907);
}

TEST_CASE("A10.16 B2.10 QUERY ASYNCHRONOUS EVENT tells of a unit attention without clearing it") {
  TargetProcess target;
  auto session = connect_session(target, at_level("2"));
  auto other = connect_session(target, second_initiator());
  CHECK(session.manage(kQueryAsync) == 0);  // nothing pending
  CHECK(other.manage(kLunReset) == 0);
  const Pdu answer = session.exchange(task_management(kQueryAsync));
  CHECK(answer.at(2) == 7);
  CHECK((answer.at(8) & 0x0f) == 0x06);  // additional response information: sense key, ASC, ASCQ
  CHECK(answer.at(9) == 0x29);
  CHECK(!session.drain_attentions().empty());
  CHECK(session.manage(kQueryAsync) == 0);
}

}  // namespace a10_task_management_test
