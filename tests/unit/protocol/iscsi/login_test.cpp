#include "protocol/iscsi/login.hpp"

#include "tests/unit/protocol/iscsi/login_bench.hpp"

#include <doctest/doctest.h>

namespace login_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace faultlun::iscsi::test;
using State = Login::State;

namespace {

const std::vector<std::string> kNames = {kName, kTo};

/// Names and security stage done, now in stage 1.
Reply reach_operational(LoginBench& bench) {
  return bench.send({kName, kTo, "AuthMethod=None"}, security_stage(true));
}

}  // namespace

TEST_CASE("the shortest login: one request in stage 1, one answer, full-feature phase") {
  LoginBench bench;
  const auto reply = bench.send(kNames);
  REQUIRE(reply.state == State::full_feature);
  CHECK(reply.status() == 0);
  CHECK(reply.transit());
  CHECK(reply.csg() == 1);
  CHECK(reply.nsg() == 3);
  const auto& result = bench.login->result();
  CHECK(result.initiator_name == kInitiator);
  CHECK(result.target_name == kTarget);
  CHECK(result.type == SessionType::normal);
  CHECK(result.tsih == 7);
  CHECK(result.cid == 1);
  CHECK(result.cmd_sn == 100);
  CHECK_FALSE(result.reinstates);
  CHECK(bench.login->status() == 0);
  CHECK(bench.login->failure().empty());
}

TEST_CASE(
    "the fields of a Login Response: echoes, numbers, versions, reserved bytes (A2.01, A2.05)") {
  LoginBench bench;
  const auto reply = bench.send(kNames, {.itt = 0xcafe0001, .cmd_sn = 0xfffffff0});
  CHECK(reply.bhs.opcode == 0x23);
  CHECK(reply.bhs.flags == 0x87);
  CHECK(reply.bhs.version_max == 0);
  CHECK(reply.bhs.version_active == 0);
  CHECK(reply.bhs.total_ahs_length == 0);
  CHECK(reply.bhs.initiator_task_tag.value() == 0xcafe0001);
  CHECK(std::equal(reply.bhs.isid, reply.bhs.isid + 6, Request{}.isid.begin()));
  CHECK(reply.bhs.stat_sn.value() == 1);
  CHECK(reply.bhs.exp_cmd_sn.value() == 0xfffffff0);
  for (const auto octet : reply.bhs.reserved1)
    CHECK(octet == 0);
  for (const auto octet : reply.bhs.reserved2)
    CHECK(octet == 0);
}

TEST_CASE(
    "A3.01, A3.07: ExpCmdSN is the login's CmdSN and MaxCmdSN opens the window, over zero too") {
  for (const std::uint32_t cmd_sn : {0U, 1U, 0x7fffffffU, 0xfffffff0U, 0xffffffffU}) {
    LoginBench bench;
    const auto reply = bench.send(kNames, {.cmd_sn = cmd_sn});
    CHECK(reply.bhs.exp_cmd_sn.value() == cmd_sn);
    CHECK(reply.bhs.max_cmd_sn.value() - cmd_sn + 1 == kCommandWindow);
    CHECK(bench.login->result().cmd_sn == cmd_sn);
  }
}

TEST_CASE("MaxCmdSN is never below ExpCmdSN, whatever window is configured") {
  for (const std::uint32_t window : {0U, 1U, 32U}) {
    LoginBench bench;
    auto context = bench.context();
    context.command_window = window;
    bench.login.emplace(context);
    const auto reply = bench.send(kNames);
    CHECK(reply.bhs.max_cmd_sn.value() - reply.bhs.exp_cmd_sn.value() == std::max(window, 1U) - 1);
  }
}

TEST_CASE("A3.10: StatSN grows by one with each answer, and the session goes on from the next") {
  LoginBench bench;
  auto context = bench.context();
  context.first_stat_sn = 0xffffffff;
  bench.login.emplace(context);
  CHECK(reach_operational(bench).bhs.stat_sn.value() == 0xffffffff);
  CHECK(bench.send({"HeaderDigest=None"}, {.transit = false}).bhs.stat_sn.value() == 0);
  CHECK(bench.send(Request{}).bhs.stat_sn.value() == 1);
  CHECK(bench.login->result().stat_sn == 2);
}

TEST_CASE("A5.01: any other first PDU closes the connection without an answer") {
  for (unsigned opcode = 0; opcode < 64; ++opcode) {
    if (opcode == wire::opcode::kLoginRequest) continue;
    LoginBench bench;
    bytes::Buffer header(48);
    header[0] = static_cast<std::uint8_t>(opcode | 0x40U);
    header[1] = 0x87;
    const auto reply = bench.send_raw(header, {});
    CHECK(reply.state == State::failed);
    CHECK_FALSE(reply.any);
    CHECK_FALSE(bench.login->failure().empty());
  }
}

TEST_CASE("A5.02: any other PDU during the login is answered 020B") {
  LoginBench bench;
  REQUIRE(reach_operational(bench).state == State::more);
  bytes::Buffer header(48);
  header[0] = 0x01;  // SCSI Command
  header[1] = 0x80;
  const auto reply = bench.send_raw(header, {});
  CHECK(reply.state == State::failed);
  CHECK(reply.status() == 0x020b);
  CHECK(reply.bhs.opcode == wire::opcode::kLoginResponse);
  CHECK(reply.bhs.initiator_task_tag.value() == 0x1234);
}

TEST_CASE("after it failed or ended a login takes no more PDUs") {
  LoginBench failed;
  failed.send({kTo});
  CHECK(failed.send(kNames).state == State::failed);
  CHECK_FALSE(failed.send(kNames).any);
  LoginBench ended;
  ended.send(kNames);
  CHECK(ended.send(kNames).state == State::full_feature);
  CHECK_FALSE(ended.send(kNames).any);
}

TEST_CASE("A5.05: all CSG/NSG pairs of a first request, with T=0 and T=1") {
  for (unsigned csg = 0; csg < 4; ++csg) {
    for (unsigned nsg = 0; nsg < 4; ++nsg) {
      for (const bool transit : {false, true}) {
        CAPTURE(csg);
        CAPTURE(nsg);
        CAPTURE(transit);
        LoginBench bench;
        const auto reply = bench.send({kName, kTo}, {.csg = csg, .nsg = nsg, .transit = transit});
        const bool starts = csg < 2;
        const bool later = nsg > csg && nsg != 2;
        const bool good = starts && (later || !transit);
        CHECK(reply.status() == (good ? 0 : 0x0200));
        if (!good) continue;
        CHECK(reply.transit() == transit);
        CHECK(reply.csg() == csg);
        CHECK(reply.nsg() == (transit ? nsg : 0));
        CHECK((reply.state == State::full_feature) == (transit && nsg == 3));
      }
    }
  }
}

TEST_CASE("A5.05: stages follow one another, and none comes back") {
  LoginBench forward;
  CHECK(reach_operational(forward).nsg() == 1);
  CHECK(forward.send({"HeaderDigest=None"}, {.transit = false}).status() == 0);
  CHECK(forward.send(Request{}).state == State::full_feature);

  LoginBench back;
  reach_operational(back);
  CHECK(back.send(Request(security_stage())).status() == 0x0200);

  LoginBench ahead;  // stage 1 without T=1 from stage 0
  ahead.send({kName, kTo, "AuthMethod=None"}, security_stage());
  CHECK(ahead.send(Request{}).status() == 0x0200);
}

TEST_CASE("A5.06: T=1 is answered only where T=1 was asked") {
  LoginBench bench;
  CHECK_FALSE(bench.send({kName, kTo, "AuthMethod=None"}, security_stage()).transit());
  CHECK_FALSE(bench.send(Request(security_stage())).transit());
  CHECK(bench.send(Request(security_stage(true))).transit());
  CHECK_FALSE(bench.send({"ImmediateData=Yes"}, {.transit = false}).transit());
  CHECK(bench.send(Request{}).transit());
}

TEST_CASE("A5.07: a new TSIH shows in the final answer alone") {
  LoginBench bench;
  CHECK(reach_operational(bench).bhs.tsih.value() == 0);
  CHECK(bench.send({"ImmediateData=Yes"}, {.transit = false}).bhs.tsih.value() == 0);
  CHECK(bench.send(Request{}).bhs.tsih.value() == 7);
}

TEST_CASE("A5.10: a failing answer has T=0, no keys and no TSIH of ours") {
  LoginBench bench;
  bench.send({kName, kTo}, {.transit = false});
  const auto reply = bench.send({"MaxBurstLength=Reject"});
  CHECK(reply.state == State::failed);
  CHECK(reply.status() == 0x0200);
  CHECK_FALSE(reply.transit());
  CHECK(reply.text.empty());
  CHECK(reply.bhs.tsih.value() == 0);
  CHECK(bench.login->status() == 0x0200);
  CHECK_FALSE(bench.login->failure().empty());
}

TEST_CASE("A5.04: the portal group tag comes with the first answer that may carry text, and once") {
  for (const unsigned csg : {0U, 1U}) {
    LoginBench bench;
    auto context = bench.context();
    context.portal_group_tag = 1;
    bench.login.emplace(context);
    const auto first = bench.send(
        Request{.csg = csg, .nsg = 0, .transit = false, .more = true, .text = text_of({kName})});
    CHECK(first.text.empty());
    const auto second = bench.send({kTo}, {.csg = csg, .nsg = 0, .transit = false});
    CHECK(second["TargetPortalGroupTag"] == "1");
    const auto third = bench.send(Request{.csg = csg, .nsg = 0, .transit = false});
    CHECK_FALSE(third.has("TargetPortalGroupTag"));
  }
}

TEST_CASE("A5.04, A7.06: the tag is that of the portal, in discovery sessions too") {
  LoginBench bench;
  auto context = bench.context();
  context.portal_group_tag = 512;
  bench.login.emplace(context);
  const auto reply = bench.send({kName, "SessionType=Discovery"});
  CHECK(reply.state == State::full_feature);
  CHECK(reply["TargetPortalGroupTag"] == "512");
  CHECK(bench.login->result().portal_group_tag == 512);
}

TEST_CASE("the target's alias is declared where there is one") {
  LoginBench bench;
  bench.target().alias = "lab disk";
  CHECK(bench.send(kNames)["TargetAlias"] == "lab disk");
  LoginBench without;
  CHECK_FALSE(without.send(kNames).has("TargetAlias"));
}

TEST_CASE("our MaxRecvDataSegmentLength is declared once, in the operational stage") {
  LoginBench bench;
  CHECK_FALSE(reach_operational(bench).has("MaxRecvDataSegmentLength"));
  CHECK(bench.send(Request{.transit = false})["MaxRecvDataSegmentLength"] == "262144");
  CHECK_FALSE(bench.send(Request{}).has("MaxRecvDataSegmentLength"));
  CHECK(bench.login->result().parameters.our_max_recv_data_segment_length == 262144);
}

TEST_CASE("a login that skips the operational stage leaves every default") {
  LoginBench bench;
  const auto reply = bench.send({kName, kTo, "AuthMethod=None"}, security_stage(true, 3));
  REQUIRE(reply.state == State::full_feature);
  const auto& p = bench.login->result().parameters;
  CHECK(p.our_max_recv_data_segment_length == 8192);
  CHECK(p.peer_max_recv_data_segment_length == 8192);
  CHECK(p.initial_r2t);
  CHECK(p.max_burst_length == 262144);
}

TEST_CASE(
    "A4.03: a text split in the middle of a key is collected, each piece gets an empty answer") {
  const std::string text = text_of({kName, kTo, "HeaderDigest=CRC32C", "MaxBurstLength=0x10000"});
  for (std::size_t cut = 0; cut <= text.size(); cut += 7) {
    LoginBench bench;
    const auto first =
        bench.send(Request{.transit = false, .more = true, .text = text.substr(0, cut)});
    CHECK(first.state == State::more);
    CHECK(first.text.empty());
    CHECK_FALSE(first.transit());
    CHECK_FALSE(first.more());
    const auto second = bench.send(Request{.text = text.substr(cut)});
    REQUIRE(second.state == State::full_feature);
    CHECK(second["HeaderDigest"] == "CRC32C");
    CHECK(second["MaxBurstLength"] == "65536");
  }
}

TEST_CASE("A4.03: a text in pieces of one byte works as well") {
  LoginBench bench;
  const std::string text = text_of({kName, kTo, "ImmediateData=No"});
  for (const char c : text)
    bench.send(Request{.transit = false, .more = true, .text = std::string(1, c)});
  CHECK(bench.send(Request{})["ImmediateData"] == "No");
}

TEST_CASE("A4.04: C and T together are refused") {
  LoginBench bench;
  CHECK(bench.send(Request{.more = true, .text = text_of({kName})}).status() == 0x0200);
}

TEST_CASE(
    "A4.02: 8 KiB of unknown keys are answered NotUnderstood, in several pieces with C=1 (A4.05)") {
  LoginBench bench;
  bench.send({kName, kTo}, {.transit = false});
  std::vector<std::string> pairs;
  for (int i = 0; i < 1100; ++i)
    pairs.push_back("X-k" + std::to_string(i) + "=v");
  std::string text = text_of(pairs);
  REQUIRE(text.size() > 8192);
  bench.send(Request{.transit = false, .more = true, .text = text.substr(0, 8192)});
  auto reply = bench.send(Request{.text = text.substr(8192)});
  std::string answer = reply.text;
  while (reply.more()) {
    CHECK_FALSE(reply.transit());
    CHECK(reply.text.size() == kLoginMaxDataSegment);
    reply = bench.send(Request{});
    answer += reply.text;
  }
  CHECK(reply.state == State::full_feature);
  CHECK(parse_text(answer).pairs.size() == 1100);
  CHECK(parse_text(answer).pairs.back().value == "NotUnderstood");
}

TEST_CASE("while our long answer is under way the initiator may only ask for the rest") {
  for (const bool more : {false, true}) {
    LoginBench bench;
    bench.send({kName, kTo}, {.transit = false});
    REQUIRE(bench.send(std::vector<std::string>(1000, "X-k=v"), {.transit = false}).more());
    Request request{.transit = false, .more = more};
    request.text = more ? "" : text_of({"ImmediateData=No"});
    CHECK(bench.send(request).status() == 0x0200);
  }
}

TEST_CASE("64 KiB of text are taken in one login, one byte more is not (A4.02)") {
  const auto fill = [](LoginBench& bench, std::size_t left) {
    while (left > 0) {
      const std::size_t piece = std::min<std::size_t>(left, 8192);
      const auto reply =
          bench.send(Request{.transit = false, .more = true, .text = std::string(piece, 'K')});
      if (reply.state == State::failed) return reply.status();
      left -= piece;
    }
    return 0U;
  };
  LoginBench limit;
  CHECK(fill(limit, kMaxTextBytes) == 0);
  LoginBench over;
  CHECK(fill(over, kMaxTextBytes + 1) == 0x0200);
}

TEST_CASE("a login of more than kMaxLoginRequests requests ends") {
  LoginBench bench;
  bench.send({kName, kTo}, {.transit = false});
  for (std::uint32_t i = 1; i < kMaxLoginRequests; ++i)
    REQUIRE(bench.send(Request{.transit = false}).state == State::more);
  CHECK(bench.send(Request{.transit = false}).status() == 0x0200);
}

TEST_CASE("a data segment over 8192 bytes is refused") {
  LoginBench bench;
  CHECK(bench.send(Request{.transit = false, .more = true, .text = std::string(8193, 'K')})
            .status() == 0x0200);
}

TEST_CASE("malformed text ends the login with 0200") {
  for (const std::string text : {"no equals", "=1", "InitiatorName"}) {
    CAPTURE(text);
    LoginBench bench;
    CHECK(bench.send({kName, kTo, text}).status() == 0x0200);
  }
  LoginBench open_end;
  CHECK(open_end.send(Request{.text = std::string(kName)}).status() == 0x0200);
}

TEST_CASE("A4.14: a key negotiated twice ends the login, over requests and stages") {
  LoginBench bench;
  bench.send({kName, kTo, "MaxBurstLength=512"}, {.transit = false});
  CHECK(bench.send({"MaxBurstLength=512"}).status() == 0x0200);
}

TEST_CASE("A5.19: repeated names are tolerated while they stay the same") {
  LoginBench same;
  same.send({kName, kTo, "InitiatorAlias=h", "SessionType=Normal", "AuthMethod=None"},
            security_stage(true));
  CHECK(same.send({kName, kTo, "InitiatorAlias=h", "SessionType=Normal"}).state ==
        State::full_feature);
  CHECK(same.login->result().initiator_alias == "h");
  for (const std::string other :
       {"InitiatorName=iqn.1991-05.com.microsoft:other", "TargetName=iqn.2026-11.x:y",
        "SessionType=Discovery", "InitiatorAlias=other"}) {
    CAPTURE(other);
    LoginBench changed;
    changed.send({kName, kTo, "InitiatorAlias=h", "AuthMethod=None"}, security_stage(true));
    CHECK(changed.send({other}).status() == 0x0200);
  }
}

TEST_CASE("A5.09: version, ISID, TSIH and CID must not change during the login") {
  const Request changes[] = {
      {.version_max = 1}, {.isid = {1, 2, 3, 4, 5, 6}}, {.tsih = 3}, {.cid = 2}};
  for (const auto& change : changes) {
    LoginBench bench;
    reach_operational(bench);
    CHECK(bench.send(change).status() == 0x0200);
  }
}

TEST_CASE("A1.03: names are compared in lower case") {
  LoginBench bench;
  CHECK(bench
            .send({"InitiatorName=IQN.1991-05.COM.Microsoft:HOST",
                   "TargetName=IQN.2026-11.Example.FaultLUN:LAB"})
            .state == State::full_feature);
  CHECK(bench.login->result().initiator_name == kInitiator);
  CHECK(bench.login->result().target_name == kTarget);
}

TEST_CASE("A1.02: one logs in to a name of 223 bytes, one of 224 bytes ends with 0200") {
  LoginBench bench;
  const std::string longest =
      std::string(kTarget) + std::string(kMaxNameBytes - std::string_view(kTarget).size(), 'x');
  bench.target().name = longest;
  CHECK(bench.send({kName, "TargetName=" + longest}).state == State::full_feature);
  LoginBench over;
  CHECK(over.send({kName, "TargetName=" + longest + "x"}).status() == 0x0200);
}

TEST_CASE("A2.02: reserved bits and fields of the request are ignored") {
  LoginBench bench;
  bytes::Buffer header(48);
  header[0] = 0xc3;  // reserved bit 7
  header[1] = 0xb7;  // reserved bits 5 and 4
  header[22] = header[23] = 0xff;
  for (std::size_t i = 32; i < 48; ++i)
    header[i] = 0xff;
  const auto text = text_of(kNames);
  CHECK(bench.send_raw(header, bytes::of(text)).state == State::full_feature);
}

TEST_CASE("several logins do not know of each other") {
  LoginBench one, other;
  one.send({kName, kTo, "HeaderDigest=CRC32C"}, {.transit = false});
  other.send({kName, kTo}, {.transit = false});
  one.send(Request{});
  other.send(Request{});
  CHECK(one.login->result().parameters.header_digest);
  CHECK_FALSE(other.login->result().parameters.header_digest);
}

}  // namespace login_test
