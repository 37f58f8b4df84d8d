// Checklist A9: digest errors and lost connections.  RFC 7143 §7.  (A9.01 is in support_test.cpp.)
#include "tests/e2e/lab.hpp"

namespace a09_errors_test {

using namespace faultlun::e2e;

namespace {
LoginOptions digests(const LoginOptions& base = {}) {
  LoginOptions options = base;
  options.keys = with(with(options.keys, "HeaderDigest", "CRC32C"), "DataDigest", "CRC32C");
  return options;
}
}  // namespace

TEST_CASE("A9.02 a wrong header digest closes the connection without a Reject") {
  TargetProcess target;
  auto session = connect_session(target, digests());
  Pdu ping = nop_out(octets_of("ping"));
  ping.spoil_header_digest = true;
  session.check.forget(session.send(ping));
  const auto answer = session.try_receive(2000);
  CHECK_MESSAGE(!answer.has_value(), answer->describe());
  session.expect_closed();
  check_serves(target);
}

TEST_CASE("A9.03 a wrong data digest is rejected with reason 02h and the session lives on") {
  TargetProcess target;
  auto session = connect_session(target, digests(with_keys({{"FirstBurstLength", "65536"}})));
  session.write_blocks(0, Octets(8192, 0x55));
  // Immediate data.
  Pdu write = scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple, noise(512, 1));
  const auto number = session.cmd_sn;
  write.spoil_data_digest = true;
  session.check.forget(session.send(write));
  session.expect_reject(0x02);
  session.cmd_sn = number;
  // Unsolicited data.
  const auto unsolicited = session.send(scsi_command(write_10(0, 16), 8192, kWrite | kSimple));
  Pdu burst = data_out(unsolicited, kNoTag, 0, 0, true, noise(8192, 2));
  burst.spoil_data_digest = true;
  session.send(burst);
  session.expect_reject(0x02);
  CHECK(session.finish(unsolicited).sense_code() == 0x0b4705);
  // Text, and a ping.
  Pdu text = text_request({{"SendTargets", ""}});
  text.spoil_data_digest = true;
  session.check.forget(session.send(text));
  session.expect_reject(0x02);
  Pdu ping = nop_out(octets_of("x"));
  ping.spoil_data_digest = true;
  session.check.forget(session.send(ping));
  session.expect_reject(0x02);
  session.expect_alive();
  CHECK(session.read_blocks(0, 16) == Octets(8192, 0x55));
}

TEST_CASE("A9.03 solicited data with a wrong digest ends its task once all data has come") {
  TargetProcess target;
  auto session = connect_session(target, digests(only_r2t()));
  const auto tag = session.start_held_write(0, 16);
  const Pdu r2t = session.receive_for(tag);
  Pdu bad = data_out(tag, r2t.transfer_tag(), 0, 0, false, noise(4096, 1));
  bad.spoil_data_digest = true;
  session.send(bad);
  session.expect_reject(0x02);
  session.expect_silence(150);  // half of the data is still due
  session.send(data_out(tag, r2t.transfer_tag(), 1, 4096, true, noise(4096, 2)));
  CHECK(session.finish(tag).sense_code() == 0x0b4705);
  session.expect_alive();
}

TEST_CASE("A9.04 a command dropped for its digest leaves a gap in CmdSN that a retry plugs") {
  TargetProcess target;
  auto session = connect_session(target, digests());
  const auto number = session.cmd_sn;
  const auto data = noise(512, 3);
  Pdu write = scsi_command(write_10(3, 1), 512, kFinal | kWrite | kSimple, data);
  write.spoil_data_digest = true;
  write.with_tag(0x999);
  session.check.forget(session.send(write));
  session.expect_reject(0x02);
  const auto later = session.send(scsi_command(read_10(3, 1), 512, kFinal | kRead | kSimple));
  session.expect_silence(150);  // behind the gap
  write.spoil_data_digest = false;
  const auto retry = session.send(write.with_cmd_sn(number));
  CHECK(session.finish(retry).good());
  CHECK(session.finish(later).data == data);
}

TEST_CASE("A9.05 tasks of a lost connection end without effect, and the unit serves on") {
  TargetProcess target;
  {
    auto session = connect_session(target, only_r2t());
    session.write_blocks(0, Octets(8192, 0x66));
    const auto tag = session.start_held_write(0, 16);
    const Pdu r2t = session.receive_for(tag);
    session.send(data_out(tag, r2t.transfer_tag(), 0, 0, false, noise(4096, 1)));
    session.connection.reset();
  }
  check_serves(target);
  auto again = connect_session(target);
  const auto medium = again.read_blocks(0, 16);
  CHECK(Octets(medium.begin() + 4096, medium.end()) == Octets(4096, 0x66));
}

TEST_CASE("A9.08 a session may be reinstated at any time, even inside a PDU or a transfer") {
  TargetProcess target;
  std::vector<RawInitiator> old;
  for (int round = 0; round < 4; ++round) {
    auto session = connect_session(target, only_r2t());
    if (round == 1) session.start_held_write(0, 16);
    if (round == 2) session.connection.write(Octets(17, 0x01));  // part of a header
    if (round == 3) session.send(scsi_command(read_10(0, 2048), 1 << 20, kFinal | kRead | kSimple));
    old.push_back(std::move(session));
  }
  auto last = connect_session(target);
  last.expect_alive();
  for (auto& session : old)
    CHECK(session.connection.closed_within(kPatience));
  CHECK(last.read_blocks(0, 16) == Octets(8192));
}

TEST_CASE("A9.09 reinstatement clears tasks, CmdSN, StatSN and transfers of the old session") {
  TargetProcess target;
  auto options = only_r2t();
  options.cmd_sn = 1000;
  auto first = connect_session(target, options);
  first.start_held_write(0, 16);
  options.cmd_sn = 5;
  RawInitiator second(target.portal());
  const auto outcome = second.login(options);
  REQUIRE(outcome.ok());
  CHECK(outcome.responses.back().exp_cmd_sn() == 5);
  second.drain_attentions();
  const auto held = second.start_held_write(0, 16);  // R2TSN 0 again: the judge looks
  second.answer_r2t(second.receive_for(held), Octets(8192, 0x12));
  CHECK(second.finish(held).good());
}

}  // namespace a09_errors_test
