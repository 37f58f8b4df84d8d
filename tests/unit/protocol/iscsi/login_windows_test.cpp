// The Microsoft initiator's offers as measured on the wire: what it sends must work verbatim.
#include "tests/unit/protocol/iscsi/login_bench.hpp"

#include <doctest/doctest.h>

namespace login_windows_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace faultlun::iscsi::test;
using State = Login::State;

namespace {

const std::vector<std::string> kWindowsNormal = {
    "HeaderDigest=None,CRC32C", "DataDigest=None,CRC32C",
    "ErrorRecoveryLevel=2",     "InitialR2T=No",
    "ImmediateData=Yes",        "MaxRecvDataSegmentLength=65536",
    "MaxBurstLength=262144",    "FirstBurstLength=65536",
    "MaxConnections=32",        "MaxOutstandingR2T=16",
    "DefaultTime2Wait=0",       "DefaultTime2Retain=60"};

const std::vector<std::string> kWindowsDiscovery = {
    "HeaderDigest=None,CRC32C", "DataDigest=None,CRC32C", "MaxRecvDataSegmentLength=65536",
    "DefaultTime2Wait=0", "DefaultTime2Retain=60"};

Reply enter_stage_1(LoginBench& bench, std::vector<std::string> pairs) {
  pairs.push_back("AuthMethod=None,CHAP");
  return bench.send(pairs, security_stage(true));
}

}  // namespace

TEST_CASE("Windows, normal session: the measured offer is answered key by key and logs in") {
  LoginBench bench;
  const auto first = enter_stage_1(bench, {kName, "SessionType=Normal", kTo});
  CHECK(first.transit());
  CHECK(first["AuthMethod"] == "None");
  CHECK(first["TargetPortalGroupTag"] == "1");  // else it stalls until its timer

  auto reply = bench.send(kWindowsNormal);
  REQUIRE(reply.state == State::full_feature);
  CHECK(reply["HeaderDigest"] == "None");
  CHECK(reply["DataDigest"] == "None");
  CHECK(reply["ErrorRecoveryLevel"] == "0");
  CHECK(reply["InitialR2T"] == "No");
  CHECK(reply["ImmediateData"] == "Yes");
  CHECK(reply["MaxBurstLength"] == "262144");
  CHECK(reply["FirstBurstLength"] == "65536");
  CHECK(reply["MaxConnections"] == "1");
  CHECK(reply["MaxOutstandingR2T"] == "8");
  CHECK(reply["DefaultTime2Wait"] == "2");
  CHECK(reply["DefaultTime2Retain"] == "20");
  CHECK(bench.login->result().parameters.peer_max_recv_data_segment_length == 65536);
}

TEST_CASE("Windows: only offered keys are answered, besides our own declarations (A4.08)") {
  LoginBench bench;
  enter_stage_1(bench, {kName, "SessionType=Normal", kTo});
  const auto reply = bench.send(kWindowsNormal);
  const std::string offered = text_of(kWindowsNormal);
  for (const auto& [key, value] : reply.keys) {
    CAPTURE(key);
    CHECK(offered.find(key + "=") != offered.npos);
  }
  CHECK(reply.keys.size() == kWindowsNormal.size());  // 11 answers and our segment limit
}

TEST_CASE("Windows: the window after the login is open (MaxCmdSN over ExpCmdSN in every answer)") {
  LoginBench bench;
  const auto first = enter_stage_1(bench, {kName, "SessionType=Normal", kTo});
  const auto last = bench.send(kWindowsNormal);
  for (const auto& reply : {first, last})
    CHECK(reply.bhs.max_cmd_sn.value() - reply.bhs.exp_cmd_sn.value() < 0x80000000U);
  CHECK(last.bhs.max_cmd_sn.value() > last.bhs.exp_cmd_sn.value());
}

TEST_CASE("Windows, discovery session: five keys offered, no target named, then SendTargets=All") {
  LoginBench bench;
  const auto first = enter_stage_1(bench, {kName, "SessionType=Discovery"});
  CHECK(first.transit());
  const auto reply = bench.send(kWindowsDiscovery);
  REQUIRE(reply.state == State::full_feature);
  CHECK(reply.keys.size() == kWindowsDiscovery.size());
  CHECK(bench.login->result().type == SessionType::discovery);
  CHECK(send_targets(bench.directory, bench.login->result().initiator_name, std::nullopt) ==
        text_of({kTo, "TargetAddress=192.0.2.10:3260,1"}));
}

TEST_CASE("Windows with digests asked for: CRC32C is agreed") {
  LoginBench bench;
  const auto reply = bench.send({kName, kTo, "HeaderDigest=CRC32C,None", "DataDigest=CRC32C"});
  CHECK(reply["HeaderDigest"] == "CRC32C");
  CHECK(reply["DataDigest"] == "CRC32C");
  CHECK(bench.login->result().parameters.header_digest);
  CHECK(bench.login->result().parameters.data_digest);
}

TEST_CASE("Windows' reply to a declaration of ours it does not want is heard and not answered") {
  LoginBench bench;
  bench.target().alias = "lab";
  enter_stage_1(bench, {kName, "SessionType=Normal", kTo});
  const auto reply = bench.send({"TargetAlias=NotUnderstood", "TargetPortalGroupTag=Irrelevant"});
  CHECK(reply.state == State::full_feature);
  CHECK_FALSE(reply.has("TargetAlias"));
}

TEST_CASE("the Linux initiator's offer logs in too") {
  LoginBench bench;
  bench.send({kName, "InitiatorAlias=debian", kTo, "SessionType=Normal", "AuthMethod=None"},
             security_stage(true));
  const auto reply = bench.send({"HeaderDigest=None", "DataDigest=None", "DefaultTime2Wait=2",
                                 "DefaultTime2Retain=0", "IFMarker=No", "OFMarker=No",
                                 "ErrorRecoveryLevel=0", "InitialR2T=No", "ImmediateData=Yes",
                                 "MaxBurstLength=16776192", "FirstBurstLength=262144",
                                 "MaxOutstandingR2T=1", "MaxConnections=1", "DataPDUInOrder=Yes",
                                 "DataSequenceInOrder=Yes", "MaxRecvDataSegmentLength=262144"});
  REQUIRE(reply.state == State::full_feature);
  CHECK(reply["MaxBurstLength"] == "1048576");
  CHECK(reply["FirstBurstLength"] == "262144");
  CHECK(reply["IFMarker"] == "No");
  CHECK(reply["DefaultTime2Retain"] == "0");
}

}  // namespace login_windows_test
