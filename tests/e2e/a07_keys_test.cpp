// Checklist A7: every key and its rule.  RFC 7143 §13.  Our side of each: MaxConnections 1,
// ErrorRecoveryLevel 0, MaxBurstLength up to 1 MiB, FirstBurstLength up to 256 KiB,
// MaxOutstandingR2T up to 8, protocol level up to 2.
#include "tests/e2e/lab.hpp"

namespace a07_keys_test {

using namespace faultlun::e2e;

namespace {

std::string answer(const TargetProcess& target, const std::string& key, const std::string& value) {
  return value_of(answers_to(target, {{key, value}}), key);
}

/// `Reject`, or a number that the key allows: what a value out of range may be answered with
/// (A4.10).
bool refused_or_within(const TargetProcess& target, const std::string& key,
                       const std::string& value, unsigned long low, unsigned long high) {
  RawInitiator session(target.portal());
  const auto outcome = session.login(with_keys({{key, value}}));
  if (!outcome.ok()) return login_class(outcome.status) == 2;
  const auto word = value_of(outcome.answers, key);
  if (word == "Reject") return true;
  const bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
  return number && std::stoul(word) >= low && std::stoul(word) <= high;
}

}  // namespace

TEST_CASE("A7.01 digests are negotiated per connection and work from the full-feature phase on") {
  TargetProcess target;
  for (const char* header : {"None", "CRC32C"}) {
    for (const char* data : {"None", "CRC32C"}) {
      CAPTURE(header);
      CAPTURE(data);
      auto session =
          connect_session(target, with_keys({{"HeaderDigest", header}, {"DataDigest", data}}));
      CHECK(session.settled.header_digest == (std::string(header) == "CRC32C"));
      CHECK(session.settled.data_digest == (std::string(data) == "CRC32C"));
      const auto octets = noise(1 << 20, 4);
      session.write_blocks(0, octets);
      CHECK(session.read_blocks(0, 2048) == octets);
      CHECK(session.execute_read(inquiry(37), 37).good());
      session.expect_alive();
      session.logout_and_close();
    }
  }
  CHECK(answer(target, "HeaderDigest", "CRC32C,None") == "CRC32C");
  CHECK(answer(target, "DataDigest", "None,CRC32C") == "None");
}

TEST_CASE("A7.02 MaxConnections is the smaller of the offer and 1") {
  TargetProcess target;
  CHECK(answer(target, "MaxConnections", "1") == "1");
  CHECK(answer(target, "MaxConnections", "65535") == "1");
  CHECK(refused_or_within(target, "MaxConnections", "0", 1, 65535));
  CHECK(refused_or_within(target, "MaxConnections", "65536", 1, 65535));
  RawInitiator finder(target.portal());
  auto options = discovery();
  options.keys = {};
  const auto status = finder.login_step(
      kOperationalToFull, true,
      {{"InitiatorName", kInitiatorName}, {"SessionType", "Discovery"}, {"MaxConnections", "4"}});
  REQUIRE(status.has_value());
  CHECK(status->login_status() == 0);
  CHECK(value_of(status->keys(), "MaxConnections") == "Irrelevant");
}

TEST_CASE("A7.03 SendTargets is answered in the full-feature phase") {
  TargetProcess target;
  RawInitiator session(target.portal());
  REQUIRE(session.login(discovery()).ok());
  CHECK(value_of(session.discover(), "TargetName") == kTargetName);
}

TEST_CASE(
    "A7.04 names up to 223 bytes and aliases up to 255 are declared, the target tells its own "
    "alias") {
  LabConfig config;
  config.targets[0].alias = "The lab disk";
  TargetProcess target(config);
  CHECK(value_of(answers_to(target, {{"InitiatorAlias", std::string(255, 'a')}}), "TargetAlias") ==
        "The lab disk");
  LoginOptions options = with_keys({{"InitiatorAlias", std::string(256, 'a')}});
  RawInitiator session(target.portal());
  const auto outcome = session.login(options);
  CHECK((!outcome.ok() || value_of(outcome.answers, "InitiatorAlias") == "Reject"));
}

TEST_CASE(
    "A7.05 TargetAddress comes from the target alone and carries the group tag in SendTargets") {
  TargetProcess target;
  RawInitiator session(target.portal());
  REQUIRE(session.login(discovery()).ok());
  const auto address = value_of(session.discover(), "TargetAddress");
  CHECK(address == "127.0.0.1:" + std::to_string(target.portal().port) + ",1");
  RawInitiator liar(target.portal());
  const auto outcome = liar.login(with_keys({{"TargetAddress", "192.0.2.1:3260"}}));
  CHECK((!outcome.ok() || value_of(outcome.answers, "TargetAddress") == "Reject"));
}

TEST_CASE("A7.06 TargetPortalGroupTag is the portal's, and not the initiator's to set") {
  LabConfig config;
  config.portals = {{"127.0.0.1:0", "", 1}, {"127.0.0.1:0", "", 65535}};
  config.targets[0].portal_groups = {1, 65535};
  TargetProcess target(config);
  for (const std::size_t portal : {0u, 1u}) {
    RawInitiator session(target.portal(portal));
    const auto outcome = session.login();
    CHECK(value_of(outcome.answers, "TargetPortalGroupTag") == (portal == 0 ? "1" : "65535"));
  }
  RawInitiator liar(target.portal());
  const auto outcome = liar.login(with_keys({{"TargetPortalGroupTag", "9"}}));
  CHECK((!outcome.ok() || value_of(outcome.answers, "TargetPortalGroupTag") != "9"));
}

TEST_CASE("A7.07 InitialR2T is Yes if either side wants it") {
  TargetProcess target;
  CHECK(answer(target, "InitialR2T", "Yes") == "Yes");
  CHECK(answer(target, "InitialR2T", "No") == "No");
  CHECK(answer(target, "InitialR2T", "2") == "Reject");
}

TEST_CASE("A7.08 ImmediateData is Yes if both sides want it") {
  TargetProcess target;
  CHECK(answer(target, "ImmediateData", "Yes") == "Yes");
  CHECK(answer(target, "ImmediateData", "No") == "No");
}

TEST_CASE("A7.09 MaxRecvDataSegmentLength is declared by each side for itself") {
  TargetProcess target;
  CHECK(value_of(answers_to(target, {}), "MaxRecvDataSegmentLength") == "262144");
  for (const char* value : {"512", "513", "1000", "8192", "16777215", "0x2000"}) {
    CAPTURE(value);
    auto session = connect_session(target, with_keys({{"MaxRecvDataSegmentLength", value}}));
    const auto data = noise(65536, 1);
    session.write_blocks(0, data);
    CHECK(session.read_blocks(0, 128) == data);
  }
  for (const char* value : {"511", "0", "16777216", "many"}) {
    CAPTURE(value);
    RawInitiator session(target.portal());
    const auto outcome = session.login_step(
        kOperationalToFull, true, joined(identity_keys(), {{"MaxRecvDataSegmentLength", value}}));
    REQUIRE(outcome.has_value());
    CHECK((outcome->login_status() != 0 ||
           value_of(outcome->keys(), "MaxRecvDataSegmentLength") == "Reject"));
  }
}

TEST_CASE("A7.10 MaxBurstLength is the smaller of the offer and 1 MiB") {
  TargetProcess target;
  const auto burst = [&](const std::string& value) {
    return value_of(answers_to(target, {{"MaxBurstLength", value}, {"FirstBurstLength", "512"}}),
                    "MaxBurstLength");
  };
  CHECK(burst("512") == "512");
  CHECK(burst("16777215") == "1048576");
  CHECK(refused_or_within(target, "MaxBurstLength", "511", 512, 16777215));
  auto options = with_keys({{"MaxBurstLength", "4096"}, {"FirstBurstLength", "4096"}});
  auto session = connect_session(target, options);
  const auto data = noise(65536, 3);
  const auto write = session.execute_write(write_10(0, 128), data);
  CHECK(write.good());
  CHECK(write.r2ts.size() == 15);
  CHECK(session.read_blocks(0, 128) == data);
}

TEST_CASE(
    "A7.11 FirstBurstLength is the smaller of the offer and 256 KiB, never over MaxBurstLength, "
    "irrelevant without unsolicited data") {
  TargetProcess target;
  CHECK(answer(target, "FirstBurstLength", "512") == "512");
  CHECK(answer(target, "FirstBurstLength", "1048576") == "262144");
  const auto small =
      answers_to(target, {{"MaxBurstLength", "8192"}, {"FirstBurstLength", "65536"}});
  const auto value = value_of(small, "FirstBurstLength");
  CHECK_MESSAGE((value == "Reject" || std::stoul(value) <= 8192), value);
  const auto none = answers_to(
      target, {{"InitialR2T", "Yes"}, {"ImmediateData", "No"}, {"FirstBurstLength", "4096"}});
  CHECK(value_of(none, "FirstBurstLength") == "Irrelevant");
}

TEST_CASE("A7.12 DefaultTime2Wait is the larger of the two") {
  TargetProcess target;
  CHECK(std::stoul(answer(target, "DefaultTime2Wait", "0")) <= 2);
  CHECK(answer(target, "DefaultTime2Wait", "3600") == "3600");
  CHECK(refused_or_within(target, "DefaultTime2Wait", "3601", 0, 3600));
}

TEST_CASE("A7.13 DefaultTime2Retain is the smaller of the two") {
  TargetProcess target;
  CHECK(answer(target, "DefaultTime2Retain", "0") == "0");
  CHECK(std::stoul(answer(target, "DefaultTime2Retain", "3600")) <= 20);
  CHECK(refused_or_within(target, "DefaultTime2Retain", "3601", 0, 3600));
}

TEST_CASE("A7.14 MaxOutstandingR2T is the smaller of the offer and 8") {
  TargetProcess target;
  CHECK(answer(target, "MaxOutstandingR2T", "1") == "1");
  CHECK(answer(target, "MaxOutstandingR2T", "65535") == "8");
  CHECK(refused_or_within(target, "MaxOutstandingR2T", "0", 1, 65535));
  CHECK(refused_or_within(target, "MaxOutstandingR2T", "65536", 1, 65535));
}

TEST_CASE("A7.15 DataPDUInOrder is Yes if either side wants it") {
  TargetProcess target;
  CHECK(answer(target, "DataPDUInOrder", "Yes") == "Yes");
  const auto no = answer(target, "DataPDUInOrder", "No");
  CHECK((no == "Yes" || no == "No"));
}

TEST_CASE("A7.16 DataSequenceInOrder is Yes if either side wants it") {
  TargetProcess target;
  CHECK(answer(target, "DataSequenceInOrder", "Yes") == "Yes");
  const auto no = answer(target, "DataSequenceInOrder", "No");
  CHECK((no == "Yes" || no == "No"));
}

TEST_CASE("A7.17 ErrorRecoveryLevel is the smaller of the offer and 0") {
  TargetProcess target;
  for (const char* level : {"0", "1", "2"})
    CHECK(answer(target, "ErrorRecoveryLevel", level) == "0");
  CHECK(refused_or_within(target, "ErrorRecoveryLevel", "3", 0, 0));
}

TEST_CASE("A7.18 SessionType is Normal or Discovery, Normal when left out") {
  TargetProcess target;
  const auto status = [&](const Keys& keys) {
    RawInitiator session(target.portal());
    return first_login(session, keys).login_status();
  };
  CHECK(status(identity_keys()) == 0);
  CHECK(status(joined(identity_keys(), {{"SessionType", "Normal"}})) == 0);
  CHECK(status({{"InitiatorName", kInitiatorName}, {"SessionType", "Discovery"}}) == 0);
  CHECK(login_class(status(joined(identity_keys(), {{"SessionType", "Boot"}}))) == 2);
}

TEST_CASE("A7.19 of TaskReporting RFC3720 is what we do") {
  TargetProcess target;
  CHECK(answer(target, "TaskReporting", "RFC3720") == "RFC3720");
  CHECK(answer(target, "TaskReporting", "FastAbort,RFC3720") == "RFC3720");
  CHECK(answer(target, "TaskReporting", "ResponseFence,FastAbort,RFC3720") == "RFC3720");
  CHECK(answer(target, "TaskReporting", "Nonsense") == "Reject");
}

TEST_CASE("A7.20 iSCSIProtocolLevel is the smaller of the offer and 2") {
  TargetProcess target;
  CHECK(answer(target, "iSCSIProtocolLevel", "0") == "0");
  CHECK(answer(target, "iSCSIProtocolLevel", "1") == "1");
  CHECK(answer(target, "iSCSIProtocolLevel", "2") == "2");
  CHECK(answer(target, "iSCSIProtocolLevel", "31") == "2");
  CHECK(refused_or_within(target, "iSCSIProtocolLevel", "32", 0, 31));
}

TEST_CASE("A7.21 X#NodeArchitecture is taken without an answer and changes nothing") {
  TargetProcess target;
  const auto answers = answers_to(target, {{"X#NodeArchitecture", std::string(255, 'n')}});
  CHECK(value_of(answers, "X#NodeArchitecture") != "NotUnderstood");
}

TEST_CASE("A7.22 the marker keys are known, and refused") {
  TargetProcess target;
  CHECK((answer(target, "IFMarker", "No") == "No" || answer(target, "IFMarker", "No") == "Reject"));
  CHECK(
      (answer(target, "OFMarker", "Yes") == "No" || answer(target, "OFMarker", "Yes") == "Reject"));
  CHECK(answer(target, "OFMarkInt", "65535") == "Reject");
}

TEST_CASE("A7.23 X- keys of others are not understood") {
  TargetProcess target;
  CHECK(answer(target, "X-org.example.turbo", "Yes") == "NotUnderstood");
}

}  // namespace a07_keys_test
