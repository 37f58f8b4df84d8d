// Which status a refused login gets (A5.11), and the table of ISID, TSIH and CID (A5.08).
#include "protocol/iscsi/login_admission.hpp"

#include "tests/unit/protocol/iscsi/login_bench.hpp"

#include <doctest/doctest.h>

namespace login_admission_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace faultlun::iscsi::test;
using State = Login::State;

namespace {

unsigned status_of(LoginBench& bench, const std::vector<std::string>& pairs,
                   const Request& shape = {}) {
  const auto reply = bench.send(pairs, shape);
  CHECK((reply.state == State::failed) == (reply.status() != 0));
  CHECK(bench.login->status() == reply.status());
  return reply.status();
}

unsigned status_of(const std::vector<std::string>& pairs, const Request& shape = {}) {
  LoginBench bench;
  return status_of(bench, pairs, shape);
}

}  // namespace

TEST_CASE("A5.03: a first request without InitiatorName or TargetName is answered 0207") {
  CHECK(status_of({kTo}) == 0x0207);
  CHECK(status_of({kName}) == 0x0207);
  CHECK(status_of(std::vector<std::string>{}) == 0x0207);
  CHECK(status_of({"SessionType=Discovery"}) == 0x0207);
  CHECK(status_of({"AuthMethod=None"}, security_stage()) == 0x0207);
  CHECK(status_of({kName, "SessionType=Normal"}) == 0x0207);
}

TEST_CASE("A5.03: a discovery session needs no TargetName, and SessionType defaults to Normal") {
  CHECK(status_of({kName, "SessionType=Discovery"}) == 0);
  LoginBench bench;
  CHECK(status_of(bench, {kName, kTo}) == 0);
  CHECK(bench.login->result().type == SessionType::normal);
}

TEST_CASE("a TargetName that comes after the first request is too late") {
  LoginBench bench;
  bench.send({kName, "SessionType=Discovery"}, {.transit = false});
  CHECK(status_of(bench, {kTo}) == 0x0200);
}

TEST_CASE("an InitiatorName that is no iSCSI name is answered 0200") {
  for (const std::string name : {"", "host", "iqn.", "iqn.2026-11.a b", "None"}) {
    CAPTURE(name);
    CHECK(status_of({"InitiatorName=" + name, kTo}) == 0x0200);
  }
  CHECK(status_of({"InitiatorName=eui.02004567A425678D", kTo}) == 0);
  CHECK(status_of({"InitiatorName=naa.52004567BA64678D", kTo}) == 0);
}

TEST_CASE(
    "A5.11: 0202 for an initiator the access list does not name, before the target does anything") {
  LoginBench bench;
  bench.target().initiators = {"iqn.2001-04.com.example:*"};
  CHECK(status_of(bench, {kName, kTo}) == 0x0202);
  LoginBench listed;
  listed.target().initiators = {"iqn.2001-04.com.example:*", "iqn.1991-05.com.microsoft:*"};
  CHECK(status_of(listed, {kName, kTo}) == 0);
}

TEST_CASE("A5.11: 0203 for a target that is not there, or not behind this portal group") {
  CHECK(status_of({kName, "TargetName=iqn.2026-11.example.faultlun:other"}) == 0x0203);
  CHECK(status_of({kName, "TargetName="}) == 0x0203);
  LoginBench bench;
  bench.target().portal_groups = {2};
  CHECK(status_of(bench, {kName, kTo}) == 0x0203);
}

TEST_CASE("A5.11: 0204 for a removed target, 0301 for one out of service") {
  LoginBench removed;
  removed.target().service = TargetEntry::Service::removed;
  CHECK(status_of(removed, {kName, kTo}) == 0x0204);
  LoginBench unavailable;
  unavailable.target().service = TargetEntry::Service::unavailable;
  CHECK(status_of(unavailable, {kName, kTo}) == 0x0301);
}

TEST_CASE("A5.09, A5.11: 0205 when the version range does not contain 0") {
  CHECK(status_of({kName, kTo}, {.version_max = 1, .version_min = 1}) == 0x0205);
  CHECK(status_of({kName, kTo}, {.version_max = 255, .version_min = 0}) == 0);
}

TEST_CASE("A5.11, A7.18: 0209 for a session type that does not exist") {
  CHECK(status_of({kName, kTo, "SessionType=Boot"}) == 0x0209);
  CHECK(status_of({kName, kTo, "SessionType=normal"}) == 0x0209);
  CHECK(status_of({kName, kTo, "SessionType="}) == 0x0209);
}

TEST_CASE("A5.11: 0302 when there is no room for a session, a reinstated one needs none") {
  LoginBench full;
  full.sessions.has_room = false;
  CHECK(status_of(full, {kName, kTo}) == 0x0302);
  LoginBench replaced;
  replaced.sessions.has_room = false;
  replaced.sessions.live_tsih = 3;
  CHECK(status_of(replaced, {kName, kTo}) == 0);
}

TEST_CASE("A5.11: 0302 when the last room was taken during the login, or no TSIH is left") {
  LoginBench bench;
  bench.send({kName, kTo}, {.transit = false});
  bench.sessions.has_room = false;
  CHECK(status_of(bench, {}) == 0x0302);
  LoginBench handles;
  handles.sessions.next = 0;
  CHECK(status_of(handles, {kName, kTo}) == 0x0302);
}

TEST_CASE(
    "A5.12: a moved target is answered 0101 or 0102 with TargetAddress without the group tag") {
  for (const bool permanent : {false, true}) {
    LoginBench bench;
    bench.target().redirect = PortalAddress{"[2001:db8::5]:3261", 4};
    bench.target().redirect_permanent = permanent;
    const auto reply = bench.send({kName, kTo});
    CHECK(reply.state == State::failed);
    CHECK(reply.status() == (permanent ? 0x0102 : 0x0101));
    CHECK(reply.keys.size() == 1);
    CHECK(reply["TargetAddress"] == "[2001:db8::5]:3261");
    CHECK_FALSE(reply.transit());
  }
}

TEST_CASE("A5.12: a redirect may leave the port out, and comes before authentication") {
  LoginBench bench;
  bench.target().redirect = PortalAddress{"192.0.2.99", 1};
  bench.target().chap = {"user", "secret", "", ""};
  const auto reply = bench.send({kName, kTo, "AuthMethod=CHAP"}, security_stage());
  CHECK(reply.status() == 0x0101);
  CHECK(reply["TargetAddress"] == "192.0.2.99");
}

TEST_CASE("A5.08: TSIH 0 makes a new session, a foreign TSIH does not exist (020A, A1.06)") {
  CHECK(status_of({kName, kTo}) == 0);
  CHECK(status_of({kName, kTo}, {.tsih = 9}) == 0x020a);
  LoginBench dead;
  dead.sessions.live_tsih = 3;
  CHECK(status_of(dead, {kName, kTo}, {.tsih = 4}) == 0x020a);
}

TEST_CASE("A5.08, A5.14: the TSIH and CID of a live session reinstate its connection") {
  LoginBench bench;
  bench.sessions.live_tsih = 3;
  bench.sessions.session.cid = 1;
  bench.sessions.session.parameters.max_burst_length = 131072;
  bench.sessions.session.parameters.header_digest = true;
  const auto reply =
      bench.send({kName, kTo, "DataDigest=CRC32C", "MaxBurstLength=512"}, {.tsih = 3});
  REQUIRE(reply.state == State::full_feature);
  CHECK(reply.bhs.tsih.value() == 3);
  CHECK(reply["MaxBurstLength"] == "Reject");  // leading-only (A5.20)
  const auto& result = bench.login->result();
  CHECK(result.reinstates);
  CHECK(result.tsih == 3);
  CHECK(result.parameters.max_burst_length == 131072);  // session-wide: kept
  CHECK(result.parameters.data_digest);                 // connection-wide: negotiated anew
  CHECK_FALSE(result.parameters.header_digest);
}

TEST_CASE("A5.08, A1.07: another CID would be a second connection: 0206 (MaxConnections is 1)") {
  LoginBench bench;
  bench.sessions.live_tsih = 3;
  CHECK(status_of(bench, {kName, kTo}, {.tsih = 3, .cid = 2}) == 0x0206);
}

TEST_CASE("A5.11: 0208 for a connection that cannot be part of that session") {
  LoginBench bench;
  bench.sessions.live_tsih = 3;
  bench.sessions.session.type = SessionType::discovery;
  CHECK(status_of(bench, {kName, kTo}, {.tsih = 3}) == 0x0208);
}

TEST_CASE("A5.08: a session that dies while its connection logs in again does not exist any more") {
  LoginBench bench;
  bench.sessions.live_tsih = 3;
  bench.send({kName, kTo}, {.transit = false, .tsih = 3});
  bench.sessions.live_tsih = 0;
  CHECK(status_of(bench, {}, {.tsih = 3}) == 0x020a);
}

TEST_CASE(
    "A12.01, A1.11: a discovery session may name a target, which must be there and allow it") {
  CHECK(status_of({kName, kTo, "SessionType=Discovery"}) == 0);
  CHECK(status_of({kName, "TargetName=iqn.2026-11.x:y", "SessionType=Discovery"}) == 0x0203);
  LoginBench bench;
  bench.target().initiators = {"iqn.2001-04.com.example:*"};
  CHECK(status_of(bench, {kName, kTo, "SessionType=Discovery"}) == 0x0202);
}

}  // namespace login_admission_test
