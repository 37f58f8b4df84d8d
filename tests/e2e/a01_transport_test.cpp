// Checklist A1: transport, names, session model.  RFC 7143 §4, §7.4.
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <set>

namespace a01_transport_test {

using namespace faultlun::e2e;

TEST_CASE("A1.01 without a configuration the portal is port 3260 of the loopback address") {
  const auto ran = run_program({target_binary(), "serve", "--control", "127.0.0.1:0", "--check"});
  CHECK_MESSAGE(ran.status == 0, ran.output);
  // Port 3260 may be taken on this machine: then the refusal has to name it.
  bool busy = false;
  try {
    RawInitiator probe(Endpoint{"127.0.0.1", 3260});
    busy = true;
  } catch (const WireError&) {
    busy = false;
  }
  if (busy) {
    const auto refused = run_program({target_binary(), "serve", "--control", "127.0.0.1:0"});
    CHECK(refused.status == 1);
    CHECK_MESSAGE(refused.output.find("3260") != std::string::npos, refused.output);
    return;
  }
  TargetProcess target(std::vector<std::string>{"--control", "127.0.0.1:0"});
  CHECK(target.portal().port == 3260);
  CHECK(target.portals() == 1);
}

TEST_CASE(
    "A1.02 names of all three forms and of 223 bytes are accepted, longer and malformed ones "
    "refused") {
  TargetProcess target;
  const auto status = [&](const std::string& name) {
    LoginOptions options;
    options.initiator = name;
    RawInitiator session(target.portal());
    return session.login(options).status;
  };
  const std::string prefix = "iqn.2026-11.example.test:";
  CHECK(status(prefix + std::string(223 - prefix.size(), 'x')) == 0);
  CHECK(login_class(status(prefix + std::string(224 - prefix.size(), 'x'))) == 2);
  CHECK(status("eui.02004567a425678d") == 0);
  CHECK(status("naa.52004567ba64678d") == 0);
  CHECK(status("naa.62004567ba64678d0123456789abcdef") == 0);
  CHECK(login_class(status("")) == 2);
}

TEST_CASE("A1.03 names are compared in lower case") {
  LabConfig config;
  config.targets[0].initiators = {"iqn.2026-11.example.test:raw"};
  TargetProcess target(config);
  LoginOptions options;
  options.target = "IQN.2026-11.EXAMPLE.FAULTLUN:LAB";
  options.initiator = "iqn.2026-11.Example.Test:RAW";
  RawInitiator session(target.portal());
  CHECK(session.login(options).status == 0);
}

TEST_CASE(
    "A1.04 the target port name in VPD 83h is the target name, ,t,0x and the portal group tag") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto page = session.execute_read(inquiry(252, 0x83), 252);
  REQUIRE_MESSAGE(page.good(), page.describe());
  const std::string port = std::string(kTargetName) + ",t,0x0001";
  bool found = false;
  for (std::size_t at = 4; at + 4 <= page.data.size(); at += 4u + page.data[at + 3]) {
    const bool target_port = (page.data[at + 1] & 0x30) == 0x10;
    const bool name_string = (page.data[at + 1] & 0x0f) == 8;
    if (!target_port || !name_string) continue;
    const std::string name(
        page.data.begin() + static_cast<std::ptrdiff_t>(at) + 4,
        page.data.begin() + static_cast<std::ptrdiff_t>(at) + 4 + page.data[at + 3]);
    found = found || name.substr(0, name.find('\0')) == port;
  }
  CHECK_MESSAGE(found, hex(page.data.data(), page.data.size()));
}

TEST_CASE("A1.05 a second login with the same name, ISID and portal group reinstates the session") {
  TargetProcess target;
  auto first = connect_session(target);
  auto second = connect_session(target);
  first.expect_closed();
  second.expect_alive();
  LoginOptions other;
  other.isid[5] = 9;
  auto third = connect_session(target, other);
  second.expect_alive();  // another ISID is another session
  third.expect_alive();
}

TEST_CASE("A1.06 a TSIH is never zero, names one session, and means nothing once that has ended") {
  TargetProcess target;
  std::set<std::uint16_t> seen;
  std::vector<RawInitiator> sessions;
  for (std::uint8_t i = 0; i < 20; ++i) {
    LoginOptions options;
    options.isid[5] = i;
    sessions.push_back(connect_session(target, options));
    const auto tsih = sessions.back().login_outcome.tsih;
    CHECK(tsih != 0);
    CHECK(seen.insert(tsih).second);
  }
  LoginOptions dead;
  dead.isid[5] = 0;
  dead.tsih = sessions[0].login_outcome.tsih;
  sessions[0].logout_and_close();
  CHECK(status_of(target, dead) == 0x020a);
}

TEST_CASE("A1.07 MaxConnections is answered 1 and a second connection ends with status 0206") {
  TargetProcess target;
  CHECK(value_of(answers_to(target, {{"MaxConnections", "8"}}), "MaxConnections") == "1");
  auto session = connect_session(target);
  LoginOptions more;
  more.tsih = session.login_outcome.tsih;
  more.cid = 1;
  CHECK(status_of(target, more) == 0x0206);
  session.expect_alive();
}

TEST_CASE("A1.08 a discovery session executes nothing but SendTargets and logout") {
  TargetProcess target;
  const auto refused = [&](Pdu pdu) {
    RawInitiator session(target.portal());
    REQUIRE(session.login(discovery()).ok());
    session.send(std::move(pdu));
    const Pdu answer = session.receive();
    CHECK_MESSAGE(answer.opcode() == Op::reject, answer.describe());
    CHECK(!session.discover().empty());  // the session is none the worse
    session.logout_and_close();
  };
  refused(scsi_command(inquiry(36), 36, kFinal | kRead).with_immediate());
  refused(task_management(1));
  refused(nop_out(octets_of("ping")));
}

TEST_CASE("A1.09 a discovery session runs at ErrorRecoveryLevel 0 whatever is offered") {
  TargetProcess target;
  RawInitiator session(target.portal());
  auto options = discovery();
  options.keys = with(options.keys, "ErrorRecoveryLevel", "2");
  const auto outcome = session.login(options);
  REQUIRE(outcome.ok());
  CHECK(value_of(outcome.answers, "ErrorRecoveryLevel") == "0");
}

TEST_CASE(
    "A1.10 unnamed discovery sessions are independent by portal and reinstated on the same one") {
  LabConfig config;
  config.portals = {{"127.0.0.1:0", "", 1}, {"127.0.0.1:0", "", 2}};
  config.targets[0].portal_groups = {1, 2};
  TargetProcess target(config);
  RawInitiator one(target.portal(0)), two(target.portal(1));
  REQUIRE(one.login(discovery()).ok());
  REQUIRE(two.login(discovery()).ok());
  CHECK(!one.discover().empty());
  CHECK(!two.discover().empty());
  RawInitiator again(target.portal(0));
  REQUIRE(again.login(discovery()).ok());
  one.expect_closed();
  CHECK(!two.discover().empty());
  CHECK(!again.discover().empty());
}

TEST_CASE("A1.11 a named discovery session obeys the ISID rule of normal sessions") {
  TargetProcess target;
  auto normal = connect_session(target);
  auto options = discovery();
  options.named = true;
  RawInitiator named(target.portal());
  REQUIRE(named.login(options).ok());
  normal.expect_closed();
  CHECK(!named.discover().empty());
}

TEST_CASE("A1.12 nothing comes unasked on a discovery session, not even keep-alive pings") {
  LabConfig config;
  config.top_level = R"("limits": {"nop_interval": "150ms", "nop_timeout": "150ms"})";
  TargetProcess target(config);
  RawInitiator session(target.portal());
  REQUIRE(session.login(discovery()).ok());
  session.answer_pings = false;
  session.expect_silence(500);
}

TEST_CASE("A1.14 a task that takes its time blocks neither pings nor other tasks") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto held = session.start_held_write(0, 16);
  session.expect_alive();
  const auto data = noise(4096, 3);
  session.write_blocks(1000, data);
  CHECK(session.read_blocks(1000, 8) == data);
  CHECK(session.finish(held, noise(16 * 512, 5)).good());
}

}  // namespace a01_transport_test
