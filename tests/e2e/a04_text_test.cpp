// Checklist A4: text format and negotiation.  RFC 7143 §6.
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <set>

namespace a04_text_test {

using namespace faultlun::e2e;

namespace {

/// One Text exchange of one request and one answer, which must be a Text Response.
Keys ask(RawInitiator& session, const Keys& keys) {
  const Pdu answer = session.exchange(text_request(keys));
  REQUIRE_MESSAGE(answer.opcode() == Op::text_response, answer.describe());
  CHECK(answer.final());
  return answer.keys();
}

}  // namespace

TEST_CASE("A4.01 every pair the target sends ends with exactly one NUL") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const Pdu answer = first_login(session, joined(identity_keys(), default_keys()));
  std::string error;
  const auto keys = parse_text(answer.data, &error);
  CHECK_MESSAGE(error.empty(), error);
  REQUIRE(!answer.data.empty());
  CHECK(answer.data.back() == 0);
  for (std::size_t i = 1; i < answer.data.size(); ++i)
    CHECK((answer.data[i - 1] | answer.data[i]) != 0);
  CHECK(keys.size() >= 10);
}

TEST_CASE("A4.02 text of 8192 bytes and more is taken in one negotiation") {
  TargetProcess target;
  LoginOptions options;
  options.keys.clear();
  Keys unknown;
  for (int i = 0; i < 380; ++i)
    unknown.emplace_back("X-com.example.k" + std::to_string(100 + i), "1");
  options.keys = unknown;
  REQUIRE(build_text(unknown).size() > 7600);
  RawInitiator session(target.portal());
  const auto outcome = session.login(options);
  REQUIRE_MESSAGE(outcome.ok(), "status " << outcome.status);
  const auto answered =
      std::count_if(outcome.answers.begin(), outcome.answers.end(),
                    [](const auto& pair) { return pair.second == "NotUnderstood"; });
  CHECK(answered == 380);
}

TEST_CASE("A4.02 text over 64 KiB in one negotiation ends the login and costs nothing more") {
  TargetProcess target;
  RawInitiator session(target.portal());
  Octets text = build_text(identity_keys());
  bool refused = false;
  for (int i = 0; i < 20 && !refused; ++i) {
    text.resize(8000, 'a');
    Pdu part = login_request(kOperationalToFull & 0x04, false, true, text, kIsid);
    part.with_tag(1);
    session.connection.write_some(session.wire_octets(part.with_exp_stat_sn(session.exp_stat_sn)),
                                  1000);
    const auto answer = session.try_receive(kPatience);
    refused = !answer || answer->login_status() != 0;
    if (answer && refused) CHECK(login_class(answer->login_status()) == 2);
    text.clear();
  }
  CHECK(refused);
  check_serves(target);
}

TEST_CASE("A4.03 text that continues (C=1) is collected over PDUs, even in the middle of a key") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const Octets all = build_text(joined(identity_keys(), default_keys()));
  const Octets head(all.begin(), all.begin() + 91), tail(all.begin() + 91, all.end());
  Pdu first = login_request(0x04, false, true, head, kIsid);
  const Pdu empty = session.exchange(first);
  REQUIRE(empty.opcode() == Op::login_response);
  CHECK(empty.login_status() == 0);
  CHECK(empty.data.empty());
  CHECK((empty.flags() & 0xc0) == 0);
  Pdu second = login_request(kOperationalToFull, true, false, tail, kIsid);
  const Pdu answer = session.exchange(second.with_tag(empty.tag()));
  CHECK(answer.login_status() == 0);
  CHECK((answer.flags() & 0x83) == 0x83);
  CHECK(has_key(answer.keys(), "MaxBurstLength"));
}

TEST_CASE("A4.03 text of the full-feature phase continues over PDUs too") {
  TargetProcess target;
  auto session = connect_session(target);
  const Octets all =
      build_text({{"X-com.example.long", std::string(300, 'v')}, {"SendTargets", ""}});
  Pdu first = text_request({}, false, true);
  first.data.assign(all.begin(), all.begin() + 100);
  const Pdu empty = session.exchange(first);
  REQUIRE_MESSAGE(empty.opcode() == Op::text_response, empty.describe());
  CHECK(empty.data.empty());
  CHECK(!empty.final());
  Pdu second = text_request({}, true, false, empty.transfer_tag());
  second.data.assign(all.begin() + 100, all.end());
  const Pdu answer = session.exchange(second.with_tag(empty.tag()));
  CHECK(value_of(answer.keys(), "X-com.example.long") == "NotUnderstood");
  CHECK(value_of(answer.keys(), "TargetName") == kTargetName);
}

TEST_CASE("A4.04 C=1 together with T=1 or F=1 is refused") {
  TargetProcess target;
  RawInitiator session(target.portal());
  const auto answer = session.exchange(
      login_request(kOperationalToFull, true, true, build_text(identity_keys()), kIsid));
  CHECK(login_class(answer.login_status()) == 2);
  session.expect_closed();
  auto full = connect_session(target);
  full.send(text_request({{"SendTargets", ""}}, true, true));
  const Pdu reject = full.receive();
  CHECK_MESSAGE((reject.opcode() == Op::reject && (reject.at(2) == 0x04 || reject.at(2) == 0x09)),
                reject.describe());
  full.expect_alive();
}

TEST_CASE("A4.05 long answers are split with C=1 and wait for empty requests") {
  LabConfig config;
  for (int i = 0; i < 60; ++i) {
    TargetConfig more;
    more.name = "iqn.2026-11.example.faultlun:more" + std::to_string(i);
    more.luns = {memory_lun("0", "1MiB")};
    config.targets.push_back(more);
  }
  TargetProcess target(config);
  auto options = discovery();
  options.keys = with(options.keys, "MaxRecvDataSegmentLength", "512");
  RawInitiator session(target.portal());
  REQUIRE(session.login(options).ok());
  const Pdu first = session.exchange(text_request({{"SendTargets", "All"}}));
  REQUIRE(first.opcode() == Op::text_response);
  CHECK((first.flags() & 0xc0) == 0x40);
  CHECK(first.data.size() <= 512);
  CHECK(first.transfer_tag() != kNoTag);
  session.expect_silence(150);
  Octets all = first.data;
  Pdu last = first;
  while ((last.flags() & 0x40) != 0) {
    Pdu more = text_request({}, true, false, last.transfer_tag());
    last = session.exchange(more.with_tag(first.tag()));
    REQUIRE(last.opcode() == Op::text_response);
    all.insert(all.end(), last.data.begin(), last.data.end());
  }
  CHECK(last.final());
  std::string error;
  CHECK(parse_text(all, &error).size() == 122);
  CHECK(error.empty());
}

TEST_CASE("A4.06 an unknown key is answered NotUnderstood") {
  TargetProcess target;
  const auto answers = answers_to(target, {{"X-com.example.foo", "1"}, {"NoSuchKey", "Yes"}});
  CHECK(value_of(answers, "X-com.example.foo") == "NotUnderstood");
  CHECK(value_of(answers, "NoSuchKey") == "NotUnderstood");
}

TEST_CASE("A4.07 no key of RFC 7143 is answered NotUnderstood") {
  TargetProcess target;
  const auto answers = answers_to(target, {{"TaskReporting", "RFC3720"},
                                           {"iSCSIProtocolLevel", "2"},
                                           {"X#NodeArchitecture", "test"},
                                           {"InitiatorAlias", "bench"},
                                           {"IFMarker", "No"},
                                           {"OFMarker", "No"},
                                           {"IFMarkInt", "2048"},
                                           {"OFMarkInt", "2048"}});
  for (const auto& [key, value] : answers)
    CHECK_MESSAGE(value != "NotUnderstood", key);
  CHECK(has_key(answers, "TaskReporting"));
  CHECK(has_key(answers, "iSCSIProtocolLevel"));
}

TEST_CASE("A4.08 declarative keys get no answer, negotiated keys exactly one") {
  TargetProcess target;
  const auto answers =
      answers_to(target, {{"InitiatorAlias", "bench"}, {"X#NodeArchitecture", "test"}});
  CHECK(!has_key(answers, "InitiatorName"));
  CHECK(!has_key(answers, "InitiatorAlias"));
  CHECK(!has_key(answers, "SessionType"));
  CHECK(!has_key(answers, "TargetName"));
  std::set<std::string> seen;
  for (const auto& [key, value] : answers)
    CHECK_MESSAGE(seen.insert(key).second, key << " answered twice");
  for (const auto& [key, value] : default_keys())
    if (key != "MaxRecvDataSegmentLength") CHECK_MESSAGE(has_key(answers, key), key);
}

TEST_CASE("A4.09 of a list the first supported entry is taken, none fits: Reject") {
  TargetProcess target;
  CHECK(value_of(answers_to(target, {{"HeaderDigest", "Foo,CRC32C,None"}}), "HeaderDigest") ==
        "CRC32C");
  CHECK(value_of(answers_to(target, {{"HeaderDigest", "None,CRC32C"}}), "HeaderDigest") == "None");
  CHECK(value_of(answers_to(target, {{"DataDigest", "Foo,Bar"}}), "DataDigest") == "Reject");
}

TEST_CASE("A4.10 numbers may be decimal or hexadecimal and stay in their range") {
  TargetProcess target;
  const auto burst = [&](const std::string& value) {
    return value_of(answers_to(target, {{"MaxBurstLength", value}, {"FirstBurstLength", "512"}}),
                    "MaxBurstLength");
  };
  CHECK(std::stoul(burst("0x40000"), nullptr, 0) == 262144);
  CHECK(std::stoul(burst("262144"), nullptr, 0) == 262144);
  CHECK(std::stoul(burst("16777215"), nullptr, 0) <= 16777215);
  for (const char* outside : {"511", "16777216", "0", "-1", "1e6", "99999999999999999999", ""}) {
    CAPTURE(outside);
    RawInitiator session(target.portal());
    const auto outcome = session.login(with_keys({{"MaxBurstLength", outside}}));
    if (!outcome.ok()) {
      CHECK(login_class(outcome.status) == 2);
      continue;
    }
    const auto answer = value_of(outcome.answers, "MaxBurstLength");
    if (answer == "Reject") continue;
    const auto number = std::stoul(answer, nullptr, 0);
    CHECK(number >= 512);
    CHECK(number <= 16777215);
  }
}

TEST_CASE("A4.11 a range is answered with a value inside it, for markers with Reject") {
  TargetProcess target;
  const auto answers = answers_to(target, {{"IFMarkInt", "2048~8192"}, {"OFMarkInt", "512~4096"}});
  CHECK(value_of(answers, "IFMarkInt") == "Reject");
  CHECK(value_of(answers, "OFMarkInt") == "Reject");
}

TEST_CASE("A4.12 booleans are Yes or No, and combine by AND or OR") {
  TargetProcess target;
  CHECK(value_of(answers_to(target, {{"ImmediateData", "Maybe"}}), "ImmediateData") == "Reject");
  CHECK(value_of(answers_to(target, {{"ImmediateData", "yes"}}), "ImmediateData") == "Reject");
  CHECK(value_of(answers_to(target, {{"ImmediateData", "No"}}), "ImmediateData") == "No");
  CHECK(value_of(answers_to(target, {{"InitialR2T", "Yes"}}), "InitialR2T") == "Yes");
  CHECK(value_of(answers_to(target, {{"DataPDUInOrder", "Yes"}}), "DataPDUInOrder") == "Yes");
}

TEST_CASE("A4.13 a second Text exchange before the first has ended is rejected") {
  TargetProcess target;
  auto session = connect_session(target);
  const Pdu open = session.exchange(text_request({{"X-com.example.first", "1"}}, false));
  REQUIRE(open.opcode() == Op::text_response);
  REQUIRE(!open.final());
  session.send(text_request({{"SendTargets", ""}}));
  const Pdu reject = session.receive();
  CHECK_MESSAGE((reject.opcode() == Op::reject && (reject.at(2) == 0x04 || reject.at(2) == 0x07)),
                reject.describe());
  session.expect_alive();
}

TEST_CASE("A4.14 negotiating a key twice ends a login and is rejected in the full-feature phase") {
  TargetProcess target;
  LoginOptions options;
  options.keys.emplace_back("MaxBurstLength", "65536");
  CHECK(login_class(status_of(target, options)) == 2);
  auto session = connect_session(target);
  session.send(
      text_request({{"MaxRecvDataSegmentLength", "1024"}, {"MaxRecvDataSegmentLength", "2048"}}));
  session.expect_reject(0x04);
  session.expect_alive();
}

TEST_CASE("A4.15 a text negotiation that fails changes nothing") {
  TargetProcess target;
  auto session = connect_session(target);
  session.send(
      text_request({{"MaxRecvDataSegmentLength", "1024"}, {"MaxRecvDataSegmentLength", "1024"}}));
  session.expect_reject(0x04);
  const auto read = session.execute_read(read_10(0, 128), 65536);
  CHECK(read.good());
  CHECK(read.data_in_pdus < 16);  // segments are still longer than 1024
}

TEST_CASE("A4.16 a Text Response has F=0 with a transfer tag or F=1 without") {
  TargetProcess target;
  auto session = connect_session(target);
  const Pdu open = session.exchange(text_request({{"X-com.example.a", "1"}}, false));
  CHECK(!open.final());
  CHECK(open.transfer_tag() != kNoTag);
  Pdu last = text_request({}, true, false, open.transfer_tag());
  const Pdu done = session.exchange(last.with_tag(open.tag()));
  CHECK(done.final());
  CHECK(done.transfer_tag() == kNoTag);
}

TEST_CASE("A4.17 a request with the reserved transfer tag starts the negotiation again") {
  TargetProcess target;
  auto session = connect_session(target);
  Pdu half = text_request({}, false, true);
  half.data = octets_of("SendTargets=iqn.never.finished");
  const Pdu empty = session.exchange(half);
  REQUIRE_MESSAGE(empty.opcode() == Op::text_response, empty.describe());
  Pdu restart = text_request({{"SendTargets", ""}});
  const Pdu answer = session.exchange(restart.with_tag(empty.tag()));
  REQUIRE_MESSAGE(answer.opcode() == Op::text_response, answer.describe());
  CHECK(answer.final());
  CHECK(value_of(answer.keys(), "TargetName") == kTargetName);
  session.send(text_request({}, true, false, 0x12345678));  // continues what never was
  const Pdu reject = session.receive();
  CHECK_MESSAGE(reject.opcode() == Op::reject, reject.describe());
}

TEST_CASE(
    "A4.18 MaxRecvDataSegmentLength may be declared anew in the full-feature phase, login keys may "
    "not") {
  TargetProcess target;
  auto session = connect_session(target);
  ask(session, {{"MaxRecvDataSegmentLength", "1024"}});
  session.check.rules.our_max_recv_data_segment_length = 1024;
  const auto read = session.execute_read(read_10(0, 128), 65536);
  CHECK(read.good());
  CHECK(read.data_in_pdus >= 64);
  CHECK(value_of(ask(session, {{"X-com.example.foo", "1"}}), "X-com.example.foo") ==
        "NotUnderstood");
  const Pdu answer = session.exchange(text_request({{"X-com.example.only", "1"}}));
  CHECK(answer.final());
  session.send(text_request({{"MaxConnections", "2"}}));
  const Pdu refusal = session.receive();
  const auto word =
      refusal.opcode() == Op::text_response ? value_of(refusal.keys(), "MaxConnections") : "";
  CHECK_MESSAGE((refusal.opcode() == Op::reject || word == "Reject" || word == "Irrelevant"),
                refusal.describe());
  session.expect_alive();
}

TEST_CASE("A4.19 reserved words are answers, never values") {
  TargetProcess target;
  for (const auto& [key, word] : Keys{{"MaxBurstLength", "None"},
                                      {"InitialR2T", "NotUnderstood"},
                                      {"MaxOutstandingR2T", "Irrelevant"},
                                      {"ImmediateData", "Reject"}}) {
    CAPTURE(key);
    RawInitiator session(target.portal());
    const auto outcome = session.login(with_keys({{key, word}}));
    if (outcome.ok()) CHECK(value_of(outcome.answers, key) == "Reject");
    if (!outcome.ok()) CHECK(login_class(outcome.status) == 2);
  }
  LoginOptions alias = with_keys({{"InitiatorAlias", "None"}});
  RawInitiator session(target.portal());
  const auto status = session.login(alias).status;
  CHECK((status == 0 || login_class(status) == 2));
  check_serves(target);
}

TEST_CASE("A4.20 the obsolete marker keys are answered No or Reject, their intervals Reject") {
  TargetProcess target;
  const auto answers = answers_to(
      target,
      {{"IFMarker", "Yes"}, {"OFMarker", "Yes"}, {"IFMarkInt", "2048"}, {"OFMarkInt", "2048"}});
  for (const char* key : {"IFMarker", "OFMarker"}) {
    const auto value = value_of(answers, key);
    CHECK_MESSAGE((value == "No" || value == "Reject"), key << "=" << value);
  }
  CHECK(value_of(answers, "IFMarkInt") == "Reject");
  CHECK(value_of(answers, "OFMarkInt") == "Reject");
}

}  // namespace a04_text_test
