// Checklist A11: asynchronous messages, NOP, logout.  RFC 7143 §11.9, §11.14, §11.18.
#include "tests/e2e/lab.hpp"

#include <csignal>

namespace a11_async_test {

using namespace faultlun::e2e;

namespace {
LabConfig pinging(const char* interval, const char* timeout) {
  LabConfig config;
  config.top_level = std::string(R"("limits": {"nop_interval": ")") + interval +
                     R"(", "nop_timeout": ")" + timeout + "\"}";
  return config;
}
}  // namespace

TEST_CASE("A11.03 on shutdown sessions hear that their connections are dropped, then they are") {
  TargetProcess target;
  auto session = connect_session(target);
  auto second = connect_session(target, second_initiator());
  kill(target.pid(), SIGTERM);
  for (auto* each : {&session, &second}) {
    const auto message = each->try_receive(3000);
    REQUIRE_MESSAGE(message.has_value(), "closed without an Asynchronous Message");
    CHECK_MESSAGE(message->opcode() == Op::async_message, message->describe());
    CHECK((message->at(36) == 3 || message->at(36) == 2));   // all connections, or this one
    if (message->at(36) == 2) CHECK(message->u16(38) == 0);  // Parameter1: our CID
    CHECK(message->data.empty());
    each->expect_closed();
  }
}

TEST_CASE(
    "A11.02 a session whose target is removed is asked to log out, and closed if it does not") {
  LabConfig config;
  config.targets.push_back(TargetConfig{});
  config.targets[1].name = "iqn.2026-11.example.faultlun:passing";
  TargetProcess target(config);
  auto stays = connect_session(target);
  auto options = second_initiator();
  options.target = config.targets[1].name;
  auto goes = connect_session(target, options);
  config.targets.pop_back();
  target.replace_config(config.json(target.directory()));
  const auto message = goes.try_receive(3000);
  REQUIRE_MESSAGE(message.has_value(), "closed or forgotten without an Asynchronous Message");
  CHECK_MESSAGE(message->opcode() == Op::async_message, message->describe());
  REQUIRE(message->at(36) == 1);
  const int grace = message->u16(42) * 1000;  // Parameter3: seconds to log out in
  CHECK(grace > 0);
  const auto start = now_ms();
  goes.expect_closed(grace + kPatience);  // it does not, and is closed
  CHECK(now_ms() - start >= grace - 500);
  stays.expect_alive();
  CHECK(status_of(target, options) == 0x0203);
}

TEST_CASE("A11.06 a NOP-Out is answered with its own data, as far as the initiator takes it") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const std::size_t length : {0u, 1u, 4096u, 262144u}) {
    CAPTURE(length);
    const auto data = noise(length, 5);
    const Pdu pong = session.exchange(nop_out(data));
    CHECK(pong.opcode() == Op::nop_in);
    CHECK(pong.data == data);
  }
  auto narrow = connect_session(target, with_keys({{"MaxRecvDataSegmentLength", "512"}}));
  const auto data = noise(1000, 6);
  const Pdu cut = narrow.exchange(nop_out(data));
  CHECK(cut.data == Octets(data.begin(), data.begin() + 512));
}

TEST_CASE("A11.06 a NOP-Out that is not immediate takes its place in CmdSN order") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto before = *session.check.exp_cmd_sn();
  Pdu ping = nop_out(octets_of("in order"));
  const Pdu pong = session.exchange(ping.with_immediate(false));
  CHECK(text_of(pong.data) == "in order");
  CHECK(*session.check.exp_cmd_sn() == before + 1);
}

TEST_CASE("A11.07 a NOP-Out without a tag gets no answer") {
  TargetProcess target;
  auto session = connect_session(target);
  Pdu silent = nop_out(octets_of("confirms ExpStatSN only"));
  session.send(silent.with_tag(kNoTag));
  session.expect_silence(200);
  session.expect_alive();
}

TEST_CASE(
    "A11.08 a ping of the target has no initiator tag, no data, and a transfer tag when it wants "
    "an answer") {
  TargetProcess target(pinging("150ms", "2s"));
  auto session = connect_session(target);
  session.answer_pings = false;
  for (int i = 0; i < 3; ++i) {
    const Pdu ping = session.receive(2000);
    REQUIRE_MESSAGE(ping.opcode() == Op::nop_in, ping.describe());
    CHECK(ping.tag() == kNoTag);
    CHECK(ping.transfer_tag() != kNoTag);
    CHECK(ping.data.empty());
    session.send(nop_out_answer(ping));
  }
  session.expect_alive();
}

TEST_CASE(
    "A11.09 an initiator that leaves pings unanswered is dropped after the timeout and not "
    "before") {
  TargetProcess target(pinging("100ms", "400ms"));
  auto session = connect_session(target);
  session.answer_pings = false;
  const Pdu ping = session.receive(2000);
  REQUIRE(ping.opcode() == Op::nop_in);
  const auto start = now_ms();
  session.expect_closed(4000);
  const auto waited = now_ms() - start;
  CHECK(waited >= 350);
  CHECK(waited < 3000);
  check_serves(target);
}

TEST_CASE("A11.10 logout ends the session or the connection with whatever tasks it had") {
  TargetProcess target;
  for (const std::uint8_t reason : {std::uint8_t{0}, std::uint8_t{1}}) {
    CAPTURE(static_cast<int>(reason));
    auto session = connect_session(target, only_r2t());
    const auto held = session.start_held_write(0, 16);
    session.receive_for(held);
    const Pdu answer = session.exchange(logout(reason));
    CHECK(answer.opcode() == Op::logout_response);
    CHECK(answer.at(2) == 0);
    session.expect_closed();
  }
  auto reader = connect_session(target);
  CHECK(reader.read_blocks(0, 16) == Octets(8192));
}

TEST_CASE("A11.11 logout of an unknown connection answers 1, for recovery 2") {
  TargetProcess target;
  auto session = connect_session(target);
  const Pdu unknown = session.exchange(logout(1, 77));
  CHECK(unknown.opcode() == Op::logout_response);
  CHECK(unknown.at(2) == 1);
  session.expect_alive();
  const Pdu recovery = session.exchange(logout(2, 0));
  CHECK(recovery.opcode() == Op::logout_response);
  CHECK(recovery.at(2) == 2);
}

TEST_CASE("A11.12 after the logout response the target closes the connection") {
  TargetProcess target;
  auto session = connect_session(target);
  const Pdu answer = session.exchange(logout(0));
  CHECK(answer.at(2) == 0);
  session.expect_closed(1000);
  RawInitiator finder(target.portal());
  REQUIRE(finder.login(discovery()).ok());
  finder.logout_and_close();
}

}  // namespace a11_async_test
