// Checklist A3: CmdSN, StatSN, DataSN, R2TSN.  RFC 7143 §4.2.2.  The judge behind every connection
// checks StatSN, the window, DataSN, R2TSN and ExpDataSN on each PDU; these tests bring about the
// situations.
#include "tests/e2e/lab.hpp"

namespace a03_sequence_test {

using namespace faultlun::e2e;

namespace {
LabConfig small_window(int commands) {
  LabConfig config;
  config.top_level = R"("limits": {"command_window": )" + std::to_string(commands) + "}";
  return config;
}

Pdu write_command(std::uint32_t lba, const Octets& data) {
  return scsi_command(write_10(lba, static_cast<std::uint16_t>(data.size() / 512)),
                      static_cast<std::uint32_t>(data.size()), kFinal | kWrite | kSimple, data);
}
}  // namespace

TEST_CASE("A3.01 numbering starts from the CmdSN of the leading login, which does not use it up") {
  TargetProcess target;
  LoginOptions options;
  options.cmd_sn = 0x5eed1234;
  RawInitiator session(target.portal());
  const auto outcome = session.login(options);
  REQUIRE(outcome.ok());
  CHECK(outcome.responses.back().exp_cmd_sn() == 0x5eed1234);
  session.drain_attentions();
  CHECK(session.execute(test_unit_ready()).good());
}

TEST_CASE("A3.02 commands run in CmdSN order, not in the order they arrive") {
  TargetProcess target;
  auto session = connect_session(target);
  session.write_blocks(0, Octets(512, 0x11));
  const auto data = noise(512, 7);
  Pdu write = write_command(0, data);
  Pdu read = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
  const auto number = session.cmd_sn;
  const auto later = session.send(read.with_cmd_sn(number + 1));
  session.expect_silence(200);
  const auto earlier = session.send(write.with_cmd_sn(number));
  session.cmd_sn = number + 2;
  CHECK(session.finish(earlier).good());
  CHECK(session.finish(later).data == data);
}

TEST_CASE(
    "A3.03 a command above MaxCmdSN is ignored, and its tag is free for a command in the window") {
  TargetProcess target(small_window(8));
  auto session = connect_session(target);
  const auto max = *session.check.max_cmd_sn();
  CHECK(max - *session.check.exp_cmd_sn() + 1 == 8);
  Pdu beyond = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
  const auto tag = session.send(beyond.with_cmd_sn(max + 1).with_tag(0x77));
  session.expect_silence(200);
  session.check.forget(tag);
  Pdu inside = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
  CHECK(session.finish(session.send(inside.with_tag(0x77))).good());
}

TEST_CASE("A3.04 a duplicate CmdSN is ignored and its command executed once") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto first = noise(512, 1), changed = noise(512, 2);
  const auto number = session.cmd_sn;
  // Twice ahead of its turn, with other data the second time.
  Pdu ahead = write_command(0, first), copy = write_command(0, changed);
  session.send(ahead.with_cmd_sn(number + 1).with_tag(0x100));
  session.send(copy.with_cmd_sn(number + 1).with_tag(0x100));
  Pdu filler = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
  const auto filling = session.send(filler.with_cmd_sn(number));
  session.cmd_sn = number + 2;
  CHECK(session.finish(filling).good());
  CHECK(session.finish(0x100).good());
  CHECK(session.read_blocks(0, 1) == first);
  // Once more after it has been answered.
  session.send(copy.with_cmd_sn(number + 1).with_tag(0x101));
  session.expect_silence(200);
  session.check.forget(0x101);
  CHECK(session.read_blocks(0, 1) == first);
}

TEST_CASE("A3.05 immediate commands pass a shut window and do not advance ExpCmdSN") {
  TargetProcess target(small_window(4));
  auto session = connect_session(target, only_r2t());
  std::vector<std::uint32_t> held;
  for (std::uint32_t i = 0; i < 4; ++i)
    held.push_back(session.start_held_write(i * 16, 16));
  CHECK(*session.check.max_cmd_sn() + 1 == *session.check.exp_cmd_sn());  // shut
  const auto before = *session.check.exp_cmd_sn();
  const Pdu pong = session.exchange(nop_out(octets_of("hello")));
  CHECK(pong.opcode() == Op::nop_in);
  CHECK(pong.exp_cmd_sn() == before);
  ExecuteOptions immediate;
  immediate.immediate_delivery = true;
  CHECK(session.execute(test_unit_ready(), immediate).good());
  CHECK(session.manage(1, 0, held[0]) == 0);
  session.check.forget(held[0]);
  CHECK(*session.check.exp_cmd_sn() == before);
}

TEST_CASE("A3.06 several immediate commands at a time are answered or rejected with reason 06h") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  session.start_held_write(0, 16);
  Octets burst;
  std::vector<std::uint32_t> tags;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Pdu ping = nop_out(noise(64, i));
    ping.with_tag(0x500 + i).with_cmd_sn(session.cmd_sn).with_exp_stat_sn(session.exp_stat_sn);
    session.check.note_sent(ping);
    const auto octets = session.wire_octets(ping);
    burst.insert(burst.end(), octets.begin(), octets.end());
  }
  session.send_octets(burst);
  int answered = 0;
  for (int i = 0; i < 4; ++i) {
    const auto pdu = session.try_receive(i < 3 ? kPatience : 100);
    if (!pdu || pdu->opcode() == Op::r2t) continue;
    const bool too_many = pdu->opcode() == Op::reject && pdu->at(2) == 0x06;
    CHECK_MESSAGE((pdu->opcode() == Op::nop_in || too_many), pdu->describe());
    answered += pdu->opcode() == Op::nop_in ? 1 : 0;
  }
  CHECK(answered >= 1);
  CHECK(session.manage(2) == 0);  // and a task management function always has room
}

TEST_CASE("A3.07 the window never moves backwards under load") {
  TargetProcess target(small_window(16));
  auto session = connect_session(target);
  std::vector<std::uint32_t> tags;
  Dice dice(7);
  for (int round = 0; round < 40; ++round) {
    while (serial_less(session.cmd_sn, *session.check.max_cmd_sn() + 1)) {
      const auto lba = dice.below(1000);
      tags.push_back(session.send(scsi_command(read_10(lba, 8), 4096, kFinal | kRead | kSimple)));
    }
    while (tags.size() > 4) {
      CHECK(session.finish(tags.front()).good());
      tags.erase(tags.begin());
    }
  }
  for (const auto tag : tags)
    CHECK(session.finish(tag).good());
  CHECK(session.check.open_tasks() == 0);
}

TEST_CASE("A3.08 numbers wrap at 32 bits") {
  TargetProcess target(small_window(8));
  LoginOptions options;
  options.cmd_sn = 0xfffffff8;
  auto session = connect_session(target, options);
  for (std::uint32_t i = 0; i < 24; ++i) {
    const auto data = noise(512, i);
    session.write_blocks(i, data);
    CHECK(session.read_blocks(i, 1) == data);
  }
  CHECK(session.cmd_sn < 0x100);
  // Across zero the window still has two edges.
  Pdu beyond = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
  session.check.forget(session.send(beyond.with_cmd_sn(*session.check.max_cmd_sn() + 1)));
  Pdu old = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
  session.check.forget(session.send(old.with_cmd_sn(0xfffffffe)));
  session.expect_silence(200);
  CHECK(session.execute(test_unit_ready()).good());
}

TEST_CASE("A3.09 a window that reopens while nothing is to be sent is announced with a NOP-In") {
  TargetProcess target(small_window(2));
  auto session = connect_session(target, only_r2t());
  auto other = connect_session(target, second_initiator());
  const auto first = session.start_held_write(0, 16);
  const auto second = session.start_held_write(16, 16);
  while (session.try_receive(50)) {
  }
  CHECK(*session.check.max_cmd_sn() + 1 == *session.check.exp_cmd_sn());
  CHECK(other.manage(5, 0) == 0);  // LOGICAL UNIT RESET ends the held writes without an answer
  session.check.forget(first);
  session.check.forget(second);
  session.answer_pings = false;
  const auto news = session.try_receive(2000);
  REQUIRE_MESSAGE(news.has_value(), "the initiator never learns that the window is open again");
  CHECK_MESSAGE(news->opcode() == Op::nop_in, news->describe());
  CHECK(news->tag() == kNoTag);
  CHECK(news->transfer_tag() == kNoTag);
  CHECK(*session.check.max_cmd_sn() + 1 - *session.check.exp_cmd_sn() == 2);
}

TEST_CASE("A3.10 StatSN counts the PDUs that carry status and no others") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto start = session.exp_stat_sn;
  session.write_blocks(0, noise(1 << 20, 1));                       // R2Ts and one status
  CHECK(session.execute_read(read_10(0, 2048), 1 << 20).good());    // many Data-In, one status
  session.expect_alive();                                           // NOP-In with a tag
  CHECK(session.manage(2) == 0);                                    // task management
  CHECK(session.execute(Cdb{0xc1, 0, 0, 0, 0, 0}).status == 0x02);  // CHECK CONDITION
  session.send(Pdu{}.set(0, 0x5e).set(1, 0x80));
  session.expect_reject(0x05);  // Reject
  CHECK(session.exp_stat_sn == start + 6);
}

TEST_CASE("A3.11 an ExpStatSN that acknowledges what was never sent hurts no other session") {
  TargetProcess target;
  auto witness = connect_session(target, second_initiator());
  for (const std::uint32_t skew : {100u, 0u - 100u, 0x80000000u}) {
    auto session = connect_session(target);
    Pdu pdu = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
    pdu.with_exp_stat_sn(session.exp_stat_sn + skew);
    session.send(pdu);
    const auto answer = session.try_receive(1000);
    if (answer) {  // tolerated, or refused as a protocol error
      const bool refused = answer->opcode() == Op::reject && answer->at(2) == 0x04;
      CHECK_MESSAGE((refused || answer->opcode() == Op::scsi_response), answer->describe());
    } else {
      CHECK(session.connection.closed_within(1000));
    }
    witness.expect_alive();
  }
}

TEST_CASE("A3.12 DataSN and R2TSN start at 0 for each command") {
  TargetProcess target;
  auto options = only_r2t();
  options.keys = with(with(options.keys, "MaxBurstLength", "262144"), "MaxOutstandingR2T", "1");
  options.keys =
      with(with(options.keys, "FirstBurstLength", "65536"), "MaxRecvDataSegmentLength", "8192");
  auto session = connect_session(target, options);
  const auto data = noise(1 << 20, 12);
  for (int round = 0; round < 2; ++round) {
    const auto write = session.execute_write(write_10(0, 2048), data);
    CHECK(write.good());
    REQUIRE(write.r2ts.size() == 4);
    for (std::uint32_t i = 0; i < 4; ++i)
      CHECK(write.r2ts[i].u32(36) == i);
    const auto read = session.execute_read(read_10(0, 2048), 1 << 20);
    CHECK(read.data == data);
    CHECK(read.data_in_pdus >= 128);
  }
}

TEST_CASE("A3.13 a gap in DataSN is lost data: the write does not end GOOD") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  session.write_blocks(0, Octets(512, 0x22));
  const auto tag = session.send(scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple));
  const Pdu r2t = session.receive_for(tag);
  REQUIRE(r2t.opcode() == Op::r2t);
  session.send(data_out(tag, r2t.transfer_tag(), /*data_sn=*/1, 0, true, noise(512, 1)));
  const auto answer = session.try_receive(2000);
  if (answer) {
    const bool refused = answer->opcode() == Op::reject;
    const bool failed = answer->opcode() == Op::scsi_response && answer->at(3) == 0x02;
    CHECK_MESSAGE((refused || failed), answer->describe());
    if (refused) {
      session.check.tolerate_unknown_tags = true;
      const auto status = session.try_receive(500);
      if (status) CHECK_MESSAGE(status->at(3) == 0x02, status->describe());
    }
  } else {
    CHECK(session.connection.closed_within(1000));
  }
  check_serves(target);
  auto reader = connect_session(target, second_initiator());
  CHECK(reader.read_blocks(0, 1) == Octets(512, 0x22));
}

TEST_CASE("A3.14 ExpDataSN of a SCSI Response counts the Data-In PDUs, and is 0 without any") {
  TargetProcess target;
  auto session = connect_session(target);
  CHECK(session.execute(test_unit_ready()).last.u32(36) == 0);
  CHECK(session.execute_write(write_10(0, 64), noise(32768, 1)).last.u32(36) == 0);
  const auto failed = session.execute_read(read_10(0xfffffff0, 1), 512);
  CHECK(failed.sense_code() == 0x052100);
  CHECK(failed.last.u32(36) == 0);
  // Data-In followed by a separate response is judged by number on every read of every test.
  const auto read = session.execute_read(read_10(0, 64), 32768);
  CHECK(read.good());
  if (read.last.opcode() == Op::scsi_response) CHECK(read.last.u32(36) == read.data_in_pdus);
}

TEST_CASE("A3.15 ExpCmdSN covers a command by the time its status comes") {
  TargetProcess target;
  auto session = connect_session(target);
  for (int i = 0; i < 5; ++i) {
    const auto number = session.cmd_sn;
    const auto outcome = session.execute(test_unit_ready());
    CHECK(serial_less(number, outcome.last.exp_cmd_sn()));
  }
}

}  // namespace a03_sequence_test
