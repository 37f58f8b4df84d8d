// Checklist A2: PDU format and Reject.  RFC 7143 §11, §7.3, §7.7.  A2.01 itself is judged on every
// PDU of every test here (tests/support/wire_check.cpp).
#include "tests/e2e/lab.hpp"

#include <algorithm>

namespace a02_pdu_format_test {

using namespace faultlun::e2e;

namespace {

LabConfig many_targets(int count) {
  LabConfig config;
  config.targets.clear();
  for (int i = 0; i < count; ++i) {
    TargetConfig target;
    target.name = "iqn.2026-11.example.faultlun:number" + std::to_string(1000 + i);
    target.luns = {memory_lun("0", "1MiB")};
    config.targets.push_back(target);
  }
  return config;
}

}  // namespace

TEST_CASE("A2.01 every kind of PDU the target sends has its reserved bits and fields zero") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  session.write_blocks(0, noise(65536, 1));                         // R2T, SCSI Response
  session.read_blocks(0, 128);                                      // Data-In
  CHECK(session.execute(Cdb{0xc1, 0, 0, 0, 0, 0}).status == 0x02);  // CHECK CONDITION
  session.expect_alive();                                           // NOP-In
  CHECK(session.manage(2) == 0);                                    // Task Management Response
  CHECK(!session.discover("").empty());                             // Text Response
  session.send(Pdu{}.set(0, 0x5e).set(1, 0x80));                    // Reject
  session.expect_reject(0x05);
  session.logout_and_close();  // Logout Response
}

TEST_CASE("A2.02 reserved bits and fields of requests are ignored") {
  TargetProcess target;
  RawInitiator session(target.portal());
  Pdu login =
      login_request(kOperationalToFull | 0x30, true, false, build_text(identity_keys()), kIsid);
  login.set(0, 0xc3).set16(22, 0xffff);
  for (std::size_t at = 32; at < 48; ++at)
    login.set(at, 0xff);
  const Pdu answer = session.exchange(login);
  REQUIRE_MESSAGE(answer.opcode() == Op::login_response, answer.describe());
  REQUIRE(answer.login_status() == 0);
  Settled settled;
  settled.our_max_recv = 8192;
  session.enter_full_feature(settled);
  session.drain_attentions();

  Pdu read = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple | 0x18);
  CHECK(session.finish(session.send(read.set(0, 0x81).set(2, 0xff).set(3, 0xff))).good());
  Pdu ping = nop_out(octets_of("x"));
  CHECK(
      session
          .exchange(ping.set(0, 0xc0).set(1, 0xff).set16(2, 0xffff).set32(36, kNoTag).set32(44, 1))
          .opcode() == Op::nop_in);
  Pdu abort = task_management(2);
  CHECK(session.exchange(abort.set(0, 0xc2).set(2, 0xff).set(3, 0xff).set32(40, 7).set32(44, 7))
            .at(2) == 0);
  Pdu text = text_request({{"SendTargets", ""}});
  CHECK(session.exchange(text.set(0, 0xc4).set(1, 0xbf).set16(2, 0xffff).set32(32, 1).set32(44, 1))
            .opcode() == Op::text_response);
  Pdu write = scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple);
  const auto tag = session.send(write);
  const Pdu r2t = session.receive_for(tag);
  REQUIRE(r2t.opcode() == Op::r2t);
  Pdu data = data_out(tag, r2t.transfer_tag(), 0, 0, true, noise(512, 9));
  session.send(
      data.set(0, 0x85).set(1, 0xff).set16(2, 0xffff).set32(24, 1).set32(32, 1).set32(44, 1));
  CHECK(session.finish(tag).good());
  Pdu goodbye = logout(0);
  const Pdu bye =
      session.exchange(goodbye.set(0, 0xc6).set16(2, 0xffff).set32(8, 1).set16(22, 1).set32(36, 1));
  CHECK(bye.opcode() == Op::logout_response);
  CHECK(bye.at(2) == 0);
}

TEST_CASE("A2.03 reserved values of defined fields are protocol errors and harm nobody") {
  TargetProcess target;
  auto session = connect_session(target);
  session.send(Pdu{}.set(0, 0x47).set(1, 0x80));  // opcode 07h
  session.expect_reject(0x05);
  const Pdu function = session.exchange(task_management(0x0d));
  CHECK_MESSAGE((function.opcode() == Op::task_management_response &&
                 (function.at(2) == 5 || function.at(2) == 255)),
                function.describe());
  session.send(logout(3));
  const Pdu reason = session.receive();
  CHECK_MESSAGE((reason.opcode() == Op::reject && (reason.at(2) == 0x04 || reason.at(2) == 0x09)),
                reason.describe());
  session.send(snack(4, kNoTag, 0, 0));
  const Pdu type = session.receive();
  CHECK_MESSAGE(type.opcode() == Op::reject, type.describe());
  session.expect_alive();
}

TEST_CASE("A2.04 unknown opcodes are rejected as unsupported commands") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const int opcode : {0x1e, 0x3f, 0x20, 0x08, 0x1c}) {
    CAPTURE(opcode);
    Pdu pdu;
    pdu.set(0, static_cast<std::uint8_t>(opcode | 0x40)).set(1, 0x80);
    pdu.data = octets_of("payload");
    session.send(pdu);
    session.expect_reject(0x05);
  }
  session.expect_alive();
}

TEST_CASE("A2.05 lengths do not count padding, and padding is zero") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const std::size_t length : {1u, 2u, 3u, 4u, 5u, 63u}) {
    Pdu ping = nop_out(noise(length, length));
    ping.padding = 0xee;  // what the initiator pads with is its own affair
    const Pdu pong = session.exchange(ping);
    CHECK(pong.data == ping.data);
  }
  session.write_blocks(0, noise(512, 1));
  CHECK(session.execute_read(inquiry(33), 33).data.size() == 33);
}

TEST_CASE(
    "A2.06 additional header segments of unknown type or wrong length are refused or ignored, "
    "never obeyed") {
  TargetProcess target;
  struct Case {
    const char* name;
    Octets ahs;
  };
  const Case cases[] = {
      {"unknown type", {0x00, 0x05, 0x3f, 0, 1, 2, 3, 4}},
      {"length 0", {0x00, 0x00, 0x01, 0}},
      {"length past the end", {0xff, 0xff, 0x01, 0, 1, 2, 3, 4}},
      {"bidirectional read length", {0x00, 0x05, 0x02, 0, 0, 0, 2, 0}},
      {"two segments, the second cut", {0x00, 0x01, 0x3f, 0, 0x00, 0x09, 0x01, 0}},
      {"as long as can be", Octets(255 * 4, 0x01)}};
  for (const auto& bad : cases) {
    CAPTURE(bad.name);
    auto session = connect_session(target);
    Pdu pdu = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
    pdu.ahs = bad.ahs;
    session.check.tolerate_unknown_tags = true;
    session.send(pdu);
    const auto answer = session.try_receive(2000);
    if (!answer) {
      CHECK(session.connection.closed_within(1000));
      continue;
    }
    const bool rejected =
        answer->opcode() == Op::reject && (answer->at(2) == 0x09 || answer->at(2) == 0x04);
    const bool carried_out =
        answer->opcode() == Op::data_in || answer->opcode() == Op::scsi_response;
    CHECK_MESSAGE((rejected || carried_out), answer->describe());
  }
  check_serves(target);
}

TEST_CASE("A2.07 an extended CDB is for CDBs over 16 octets only") {
  TargetProcess target;
  auto session = connect_session(target);
  Cdb long_cdb(32);
  long_cdb[0] = 0x7f;
  long_cdb[7] = 24;
  CHECK(session.execute(long_cdb).sense_code() == 0x052000);
  Pdu pdu = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
  pdu.ahs = {0x00, 0x01, 0x01, 0x00};  // an extended CDB with nothing in it
  session.send(pdu);
  const Pdu answer = session.receive();
  CHECK_MESSAGE((answer.opcode() == Op::reject || answer.opcode() == Op::data_in ||
                 answer.opcode() == Op::scsi_response),
                answer.describe());
  check_serves(target);
}

TEST_CASE("A2.08 no data segment is longer than what the initiator declared") {
  TargetProcess target(many_targets(200));
  LoginOptions options = with_keys({{"MaxRecvDataSegmentLength", "512"}});
  options.target = "iqn.2026-11.example.faultlun:number1000";
  auto session = connect_session(target, options);
  const auto data = noise(65536, 8);
  session.write_blocks(0, data);
  const auto read = session.execute_read(read_10(0, 128), 65536);
  CHECK(read.data == data);
  CHECK(read.data_in_pdus >= 128);
  auto listing = discovery();
  listing.keys = with(listing.keys, "MaxRecvDataSegmentLength", "512");
  RawInitiator finder(target.portal());
  REQUIRE(finder.login(listing).ok());
  CHECK(finder.discover().size() == 400);
}

TEST_CASE("A2.09 a data segment over the declared limit ends the session") {
  TargetProcess target;
  auto session = connect_session(target);
  Pdu pdu = nop_out();
  pdu.with_lengths(0, 0xffffff);
  session.send(pdu);
  session.expect_closed();
  auto again = connect_session(target);
  Pdu one_too_many = nop_out(noise(again.settled.target_max_recv + 1, 1));
  again.connection.write_some(again.wire_octets(one_too_many), 1000);
  again.expect_closed();
  check_serves(target);
}

TEST_CASE("A2.10 a Reject carries the whole header of the bad PDU and takes a StatSN") {
  TargetProcess target;
  auto session = connect_session(target);
  Pdu pdu;
  pdu.set(0, 0x5e).set(1, 0x80).set32(8, 0x01020304).set32(36, 0xa5a5a5a5).set32(44, 0x5a5a5a5a);
  pdu.data = octets_of("not repeated");
  session.send(pdu);
  const auto before = session.exp_stat_sn;
  const Pdu reject = session.expect_reject(0x05);
  REQUIRE(reject.data.size() == 48);
  CHECK(std::equal(reject.data.begin(), reject.data.end(), session.last_sent.header.begin()));
  CHECK(session.exp_stat_sn == before + 1);
}

TEST_CASE("A2.11 Reject reasons say what happened, and 0Bh is never used") {
  TargetProcess target;
  auto session = connect_session(target, with_keys({{"DataDigest", "CRC32C"}}));
  REQUIRE(session.settled.data_digest);
  Pdu text = text_request({{"SendTargets", ""}});
  text.spoil_data_digest = true;
  session.send(text);
  session.expect_reject(0x02);  // data digest error
  session.send(snack(1, kNoTag, 0, 1));
  const Pdu rejected = session.receive();  // SNACK at level 0: A13.04 allows both reasons
  CHECK(rejected.opcode() == Op::reject);
  CHECK_MESSAGE((rejected.at(2) == 0x04 || rejected.at(2) == 0x05), rejected.describe());
  session.send(Pdu{}.set(0, 0x5e).set(1, 0x80));
  session.expect_reject(0x05);  // command not supported
  const auto held = session.start_held_write(0, 1024);
  session.receive_for(held);
  session.send(data_out(held, 0x7a7a7a7a, 0, 0, true, noise(512, 1)));
  session.expect_reject(0x09);  // invalid PDU field
  CHECK(session.finish(held).sense.size() >= 14);
}

TEST_CASE("A2.12 a rejected Data-Out does not end its task silently") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(8, 16);
  session.send(data_out(held, 0x7a7a7a7a, 0, 0, true, noise(512, 1)));
  const Pdu r2t = session.receive_for(held);
  session.expect_reject(0x09);
  const auto data = noise(16 * 512, 2);
  session.answer_r2t(r2t, data);
  const auto outcome = session.finish(held, data);
  CHECK_MESSAGE((outcome.good() || outcome.sense.size() >= 14), outcome.describe());
  if (outcome.good()) CHECK(session.read_blocks(8, 16) == data);
}

TEST_CASE("A2.13 the CmdSN of a rejected command counts as not received") {
  TargetProcess target;
  auto session = connect_session(target, with_keys({{"DataDigest", "CRC32C"}}));
  const auto data = noise(512, 6);
  Pdu write = scsi_command(write_10(5, 1), 512, kFinal | kWrite | kSimple, data);
  const auto number = session.cmd_sn;
  write.spoil_data_digest = true;
  const auto spoiled = session.send(write);
  session.expect_reject(0x02);
  session.check.forget(spoiled);
  const Pdu pong = session.exchange(nop_out());
  CHECK(pong.exp_cmd_sn() == number);
  write.spoil_data_digest = false;
  write.with_cmd_sn(number);
  CHECK(session.finish(session.send(write)).good());
  CHECK(session.read_blocks(5, 1) == data);
}

TEST_CASE("A2.14 Data-Out must agree with its command in LUN and transfer tag") {
  TargetProcess target(lab_with_luns("\"0-1\""));
  for (const bool wrong_lun : {true, false}) {
    CAPTURE(wrong_lun);
    auto session = connect_session(target, only_r2t());
    const auto held = session.start_held_write(8, 16);
    const Pdu r2t = session.receive_for(held);
    const auto tag = r2t.transfer_tag() + (wrong_lun ? 0 : 77);
    session.send(data_out(held, tag, 0, 0, true, noise(8192, 1), wrong_lun ? 1 : 0));
    const Pdu refused = session.expect_reject(0x09, &session.last_sent);
    CHECK(refused.data.size() == 48);
    session.answer_r2t(r2t, noise(8192, 2));
    const auto outcome = session.finish(held);  // A2.12: its own status, good or not
    CHECK((outcome.good() || outcome.sense.size() >= 14));
    CHECK(session.read_blocks(8, 16) == (outcome.good() ? noise(8192, 2) : Octets(8192)));
    session.send(data_out(0x0badbad0, r2t.transfer_tag(), 0, 0, true, noise(512, 1)));
    const auto stray = session.try_receive(150);  // of a task long gone: dropped or rejected
    if (stray) CHECK_MESSAGE(stray->opcode() == Op::reject, stray->describe());
    session.expect_alive();
  }
}

TEST_CASE("A2.15 a tag in use is not accepted twice, and FFFFFFFFh never names a task") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(8, 16);
  session.check.tolerate_unknown_tags = true;
  Pdu again = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
  again.with_tag(held);
  session.send(again);
  Pdu answer = session.receive();
  if (answer.opcode() == Op::r2t) answer = session.receive();  // the held write's own
  const bool rejected = answer.opcode() == Op::reject && answer.at(2) == 0x07;
  const bool overlapped = answer.opcode() == Op::scsi_response && answer.data.size() >= 16 &&
                          answer.data[4] == 0x0b && answer.data[14] == 0x4e;
  CHECK_MESSAGE((rejected || overlapped), answer.describe());
  if (rejected) --session.cmd_sn;  // A2.13: not received
  Pdu nameless = scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple);
  session.send(nameless.with_tag(kNoTag).with_immediate());
  const Pdu refusal = session.receive();
  CHECK_MESSAGE(refusal.opcode() == Op::reject, refusal.describe());
  check_serves(target);
}

}  // namespace a02_pdu_format_test
