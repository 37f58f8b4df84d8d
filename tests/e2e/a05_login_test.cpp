// Checklist A5: login.  RFC 7143 §6.3, §11.12, §11.13.
#include "tests/e2e/lab.hpp"

namespace a05_login_test {

using namespace faultlun::e2e;

namespace {

LabConfig chap_lab() {
  LabConfig config;
  config.targets[0].user = "lab";
  config.targets[0].secret = "correct horse 12";
  return config;
}

}  // namespace

TEST_CASE("A5.01 a first PDU that is no Login closes the connection at once") {
  TargetProcess target;
  for (const Op op : {Op::nop_out, Op::scsi_command, Op::task_management, Op::text, Op::data_out,
                      Op::logout, Op::snack}) {
    RawInitiator session(target.portal());
    Pdu pdu;
    pdu.set(0, static_cast<std::uint8_t>(op)).set(1, 0x80);
    session.send(pdu);
    session.expect_closed(2000);
  }
  check_serves(target);
}

TEST_CASE("A5.02 another PDU during login ends it with status 020B") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const auto open = session.login_step(0x04, false, identity_keys());
  REQUIRE(open.has_value());
  REQUIRE(open->login_status() == 0);
  session.send(scsi_command(test_unit_ready(), 0, kFinal | kSimple));
  const auto answer = session.try_receive(kPatience);
  REQUIRE_MESSAGE(answer.has_value(), "closed without a Login Response");
  CHECK(answer->opcode() == Op::login_response);
  CHECK(answer->login_status() == 0x020b);
  session.expect_closed();
}

TEST_CASE("A5.03 InitiatorName and, except for discovery, TargetName are missed with status 0207") {
  TargetProcess target;
  const auto status = [&](const Keys& keys) {
    RawInitiator session(target.portal());
    return first_login(session, keys).login_status();
  };
  CHECK(status({{"TargetName", kTargetName}}) == 0x0207);
  CHECK(status({{"InitiatorName", kInitiatorName}}) == 0x0207);
  CHECK(status({{"InitiatorName", kInitiatorName}, {"SessionType", "Normal"}}) == 0x0207);
  CHECK(status({{"InitiatorName", kInitiatorName}, {"SessionType", "Discovery"}}) == 0);
  CHECK(status(identity_keys()) == 0);
}

TEST_CASE("A5.04 the first response with text declares TargetPortalGroupTag") {
  LabConfig config;
  config.portals[0].group = 17;
  config.targets[0].portal_groups = {17};
  TargetProcess target(config);
  RawInitiator session(target.portal());
  const Octets all = build_text(joined(identity_keys(), default_keys()));
  Pdu part = login_request(0x04, false, true, Octets(all.begin(), all.begin() + 60), kIsid);
  const Pdu empty = session.exchange(part);
  CHECK(empty.data.empty());
  Pdu rest = login_request(0x04, false, false, Octets(all.begin() + 60, all.end()), kIsid);
  const Pdu answer = session.exchange(rest.with_tag(empty.tag()));
  CHECK(value_of(answer.keys(), "TargetPortalGroupTag") == "17");
  RawInitiator finder(target.portal());
  const auto found = finder.login(discovery());
  REQUIRE(found.ok());
  CHECK(value_of(found.answers, "TargetPortalGroupTag") == "17");
}

TEST_CASE("A5.05 only the legal stages and transitions are accepted") {
  TargetProcess target;
  for (std::uint8_t stages = 0; stages < 16; ++stages) {
    for (const bool transit : {false, true}) {
      const std::uint8_t csg = stages >> 2, nsg = stages & 3;
      if (!transit && nsg != 0) continue;  // NSG is reserved without T (A2.02)
      CAPTURE(static_cast<int>(csg));
      CAPTURE(static_cast<int>(nsg));
      CAPTURE(transit);
      const bool legal = csg <= 1 && (!transit || (nsg != 2 && nsg > csg));
      RawInitiator session(target.portal());
      const auto answer = session.login_step(stages, transit, identity_keys());
      if (!legal) {
        if (answer) CHECK(login_class(answer->login_status()) == 2);
        session.expect_closed();
        continue;
      }
      REQUIRE(answer.has_value());
      CHECK(answer->login_status() == 0);
      CHECK(((answer->flags() >> 2) & 3) == csg);
      if (answer->final()) CHECK((answer->flags() & 3) <= nsg);
    }
  }
  // Never backwards: from the operational stage to the security stage.
  RawInitiator session(target.portal());
  const auto first = session.login_step(0x04, false, identity_keys());
  REQUIRE(first.has_value());
  const auto back = session.login_step(0x00, false, {{"AuthMethod", "None"}});
  if (back) CHECK(login_class(back->login_status()) == 2);
  session.expect_closed();
}

TEST_CASE("A5.06 the target transits only when asked to") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const auto open =
      session.login_step(0x00, false, joined(identity_keys(), {{"AuthMethod", "None"}}));
  REQUIRE(open.has_value());
  CHECK(!open->final());
  CHECK(value_of(open->keys(), "AuthMethod") == "None");
  const auto moved = session.login_step(kSecurityToOperational, true, {});
  REQUIRE(moved.has_value());
  CHECK((moved->flags() & 0x8f) == 0x81);
  const auto waiting = session.login_step(0x04, false, {{"ImmediateData", "Yes"}});
  REQUIRE(waiting.has_value());
  CHECK(!waiting->final());
  const auto done = session.login_step(kOperationalToFull, true, {});
  REQUIRE(done.has_value());
  CHECK((done->flags() & 0x8f) == 0x87);
}

TEST_CASE("A5.07 a TSIH is given in the final response of a new session and nowhere earlier") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const auto open = session.login_step(0x00, false, identity_keys());
  REQUIRE(open.has_value());
  CHECK(open->u16(14) == 0);
  const auto moved = session.login_step(kSecurityToOperational, true, {});
  REQUIRE(moved.has_value());
  CHECK(moved->u16(14) == 0);
  const auto done = session.login_step(kOperationalToFull, true, {});
  REQUIRE(done.has_value());
  CHECK(done->u16(14) != 0);
  CHECK(std::equal(kIsid.begin(), kIsid.end(), done->header.begin() + 8));
}

TEST_CASE("A5.08 ISID, TSIH and CID select new session, reinstatement, or none") {
  TargetProcess target;
  auto first = connect_session(target);
  const auto tsih = first.login_outcome.tsih;
  LoginOptions options;
  options.isid[5] = 0x55;
  auto second = connect_session(target, options);  // another ISID, TSIH 0: a new session
  CHECK(second.login_outcome.tsih != tsih);
  first.expect_alive();
  LoginOptions unknown;
  unknown.tsih = static_cast<std::uint16_t>(tsih + 0x1111);
  CHECK(status_of(target, unknown) == 0x020a);  // a TSIH of nobody
  options.tsih = tsih;
  CHECK(status_of(target, options) == 0x020a);  // a TSIH of another ISID
  LoginOptions more;
  more.tsih = tsih;
  more.cid = 5;
  CHECK(status_of(target, more) == 0x0206);  // one connection more than offered
  first.expect_alive();
  auto again = connect_session(target);  // same ISID, TSIH 0: session reinstatement
  first.expect_closed();
  CHECK(again.login_outcome.tsih != 0);
  second.expect_alive();
}

TEST_CASE(
    "A5.09 the version range must contain 0 and identifying fields stay constant during login") {
  TargetProcess target;
  RawInitiator future(target.portal());
  Pdu pdu = login_request(kOperationalToFull, true, false, build_text(identity_keys()), kIsid);
  CHECK(future.exchange(pdu.set(2, 3).set(3, 1)).login_status() == 0x0205);
  future.expect_closed();
  RawInitiator wide(target.portal());
  Pdu range = login_request(kOperationalToFull, true, false, build_text(identity_keys()), kIsid);
  CHECK(wide.exchange(range.set(2, 9).set(3, 0)).login_status() == 0);
  const auto changed = [&](std::size_t offset) {
    CAPTURE(offset);
    RawInitiator session(target.portal());
    const auto open = session.login_step(0x04, false, identity_keys());
    REQUIRE(open.has_value());
    Pdu next = login_request(kOperationalToFull, true, false, {}, kIsid);
    next.with_tag(open->tag()).set(offset, 9);
    session.send(next);
    const auto answer = session.try_receive(kPatience);
    if (answer) CHECK(login_class(answer->login_status()) == 2);
    session.expect_closed();
  };
  changed(15);  // TSIH
  changed(21);  // CID
  changed(13);  // ISID
}

TEST_CASE("A5.10 after a failed login the connection closes and the response carries no TSIH") {
  TargetProcess target;
  LoginOptions options;
  options.target = "iqn.2026-11.example.faultlun:nobody";
  RawInitiator session(target.portal());
  const auto outcome = session.login(options);
  CHECK(outcome.status != 0);
  CHECK(outcome.tsih == 0);
  session.expect_closed();
}

TEST_CASE("A5.11 each reason for a refusal has its own status code") {
  auto config = chap_lab();
  config.targets.push_back(TargetConfig{});
  config.targets[1].name = "iqn.2026-11.example.faultlun:private";
  config.targets[1].initiators = {"iqn.2026-11.example.friend:*"};
  config.targets.push_back(TargetConfig{});
  config.targets[2].name = "iqn.2026-11.example.faultlun:open";
  config.top_level = R"("limits": {"max_sessions": 2})";
  TargetProcess target(config);
  const auto to = [](const std::string& name) {
    LoginOptions options;
    options.target = name;
    return options;
  };
  auto wrong = to(kTargetName);
  wrong.chap = ChapSecrets{"lab", "wrong horse 1234", "", "", "5", false};
  CHECK(status_of(target, wrong) == 0x0201);  // authentication failure
  CHECK(status_of(target, to("iqn.2026-11.example.faultlun:private")) == 0x0202);  // not allowed
  CHECK(status_of(target, to("iqn.2026-11.example.faultlun:nowhere")) == 0x0203);  // no such target
  auto type = to("iqn.2026-11.example.faultlun:open");
  RawInitiator odd(target.portal());
  const auto answer = odd.login_step(
      kOperationalToFull, true,
      {{"InitiatorName", kInitiatorName}, {"TargetName", type.target}, {"SessionType", "Odd"}});
  REQUIRE(answer.has_value());
  CHECK(answer->login_status() == 0x0209);  // session type
  std::vector<RawInitiator> sessions;
  for (std::uint8_t i = 0; i < 2; ++i) {
    auto options = to("iqn.2026-11.example.faultlun:open");
    options.isid[5] = i;
    sessions.push_back(connect_session(target, options));
  }
  auto full = to("iqn.2026-11.example.faultlun:open");
  full.isid[5] = 7;
  CHECK(status_of(target, full) == 0x0302);  // out of resources
}

TEST_CASE("A5.12 a redirected login names the other address without a group tag") {
  LabConfig config;
  config.targets[0].members = R"("redirect": {"address": "127.0.0.1:3999"})";
  config.targets.push_back(TargetConfig{});
  config.targets[1].name = "iqn.2026-11.example.faultlun:moved";
  config.targets[1].members = R"("redirect": {"address": "[2001:db8::5]:3260", "permanent": true})";
  TargetProcess target(config);
  RawInitiator session(target.portal());
  const auto outcome = session.login();
  CHECK(outcome.status == 0x0101);
  CHECK(value_of(outcome.answers, "TargetAddress") == "127.0.0.1:3999");
  session.expect_closed();
  RawInitiator moved(target.portal());
  LoginOptions options;
  options.target = "iqn.2026-11.example.faultlun:moved";
  const auto permanent = moved.login(options);
  CHECK(permanent.status == 0x0102);
  const auto address = value_of(permanent.answers, "TargetAddress");
  CHECK_MESSAGE((address == "[2001:db8::5]:3260" || address == "[2001:db8::5]"), address);
}

TEST_CASE("A5.13 session reinstatement ends old tasks silently and reports the loss of the nexus") {
  TargetProcess target;
  auto old = connect_session(target, only_r2t());
  CHECK(old.execute(reserve_6()).good());
  old.start_held_write(0, 16);
  RawInitiator fresh(target.portal());
  REQUIRE(fresh.login(only_r2t()).ok());
  old.expect_closed();
  const auto attentions = fresh.drain_attentions();
  REQUIRE(!attentions.empty());
  CHECK(attentions[0] == 0x062907);
  auto other = connect_session(target, second_initiator());
  CHECK(other.read_blocks(0, 16) == Octets(16 * 512));  // not reserved any more, nothing written
}

TEST_CASE("A5.14 a login with the TSIH and CID of a live connection reinstates that connection") {
  TargetProcess target;
  auto session = connect_session(target);
  LoginOptions options;
  options.tsih = session.login_outcome.tsih;
  RawInitiator again(target.portal());
  const auto outcome = again.login(options);
  REQUIRE_MESSAGE(outcome.ok(), "status " << outcome.status);
  session.expect_closed();
  again.drain_attentions();
  CHECK(again.execute(test_unit_ready()).good());
}

TEST_CASE(
    "A5.15 the loss of the nexus is reported at the port's next login, however the session ended") {
  TargetProcess target;
  const auto next_attention = [&] {
    RawInitiator session(target.portal());
    REQUIRE(session.login().ok());
    const auto codes = session.drain_attentions();
    session.connection.close();
    return codes.empty() ? 0u : codes[0];
  };
  CHECK((next_attention() >> 8) == 0x0629);  // power on
  pause_ms(50);
  CHECK(next_attention() == 0x062907);  // the connection just ended
  pause_ms(50);
  {
    RawInitiator session(target.portal());
    REQUIRE(session.login().ok());
    session.drain_attentions();
    session.logout_and_close();
  }
  CHECK(next_attention() == 0x062907);  // logged out
}

TEST_CASE("A5.16 half-open logins are dropped after their time") {
  LabConfig config;
  config.top_level = R"("limits": {"login_timeout": "300ms"})";
  TargetProcess target(config);
  RawInitiator silent(target.portal()), stuck(target.portal()), dripping(target.portal());
  REQUIRE(stuck.login_step(0x04, false, identity_keys()).has_value());
  dripping.connection.write(Octets(20));
  const auto start = now_ms();
  silent.expect_closed(3000);
  stuck.expect_closed(3000);
  dripping.expect_closed(3000);
  CHECK(now_ms() - start >= 200);
  check_serves(target);
}

TEST_CASE("A5.17 a login that skips the security stage of a protected target fails") {
  TargetProcess target(chap_lab());
  const auto status = status_of(target, LoginOptions{});
  CHECK(login_class(status) == 2);
  CHECK(status == 0x0201);
}

TEST_CASE("A5.19 InitiatorName and TargetName may be repeated but not changed") {
  TargetProcess target;
  const auto second_step = [&](const Keys& keys) {
    RawInitiator session(target.portal());
    const auto open = session.login_step(0x00, false, identity_keys());
    REQUIRE(open.has_value());
    const auto moved = session.login_step(kSecurityToOperational, true, {});
    REQUIRE(moved.has_value());
    const auto last = session.login_step(kOperationalToFull, true, keys);
    return last ? last->login_status() : std::uint16_t{0xffff};
  };
  CHECK(second_step(identity_keys()) == 0);
  CHECK(login_class(second_step({{"InitiatorName", "iqn.2026-11.example.test:other"}})) == 2);
  CHECK(login_class(second_step({{"TargetName", "iqn.2026-11.example.faultlun:other"}})) == 2);
}

TEST_CASE("A5.20 keys out of their place are refused") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const auto& [key, value] : Keys{{"MaxConnections", "1"},
                                       {"InitialR2T", "Yes"},
                                       {"MaxBurstLength", "65536"},
                                       {"ErrorRecoveryLevel", "0"},
                                       {"HeaderDigest", "None"},
                                       {"AuthMethod", "None"},
                                       {"SessionType", "Normal"},
                                       {"InitiatorName", kInitiatorName}}) {
    CAPTURE(key);
    const auto tag = session.send(text_request({{key, value}}));
    const Pdu answer = session.receive();
    const auto word = answer.opcode() == Op::text_response ? value_of(answer.keys(), key) : "";
    CHECK_MESSAGE((answer.opcode() == Op::reject || word == "Reject" || word == "Irrelevant"),
                  answer.describe());
    session.check.forget(tag);
  }
  // SendTargets belongs to the full-feature phase, CHAP keys to the security stage.
  RawInitiator early(target.portal());
  const Pdu answer = first_login(early, joined(identity_keys(), {{"SendTargets", "All"}}));
  CHECK(!has_key(answer.keys(), "TargetAddress"));
  CHECK((answer.login_status() != 0 || value_of(answer.keys(), "SendTargets") == "Reject" ||
         value_of(answer.keys(), "SendTargets") == "Irrelevant"));
}

}  // namespace a05_login_test
