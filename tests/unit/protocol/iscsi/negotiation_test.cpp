#include "protocol/iscsi/negotiation.hpp"

#include <doctest/doctest.h>

#include <map>

namespace negotiation_test {

using namespace faultlun;
using namespace faultlun::iscsi;

namespace {

/// Offers one text and keeps the answer.
struct Talk {
  Negotiation negotiation{.stage = Stage::operational};
  Declared declared;
  Problem problem;
  std::map<std::string, std::string> answers;

  Talk& offer(const std::vector<std::string>& pairs) {
    text_.clear();
    for (const auto& pair : pairs)
      text_.append(pair).append(1, '\0');
    const auto parsed = parse_text(text_);
    REQUIRE(parsed.problem == nullptr);
    declared = {};
    std::string out;
    problem = collect(negotiation, parsed.pairs, declared);
    if (!problem) problem = answer(negotiation, parsed.pairs, out);
    answers.clear();
    const auto answered = parse_text(out);
    for (const auto& [key, value] : answered.pairs)
      answers[std::string(key)] = value;
    return *this;
  }
  const Parameters& p() const { return negotiation.parameters; }

 private:
  std::string text_;
};

std::string answer_to(const std::string& pair) {
  Talk talk;
  talk.offer({pair});
  if (talk.problem) return "problem";
  return talk.answers.empty() ? "none" : talk.answers.begin()->second;
}

}  // namespace

TEST_CASE("the table names every key of RFC 7143, and finds each by its name") {
  for (const std::string name : {"AuthMethod",
                                 "HeaderDigest",
                                 "DataDigest",
                                 "MaxConnections",
                                 "SendTargets",
                                 "TargetName",
                                 "InitiatorName",
                                 "TargetAlias",
                                 "InitiatorAlias",
                                 "TargetAddress",
                                 "TargetPortalGroupTag",
                                 "InitialR2T",
                                 "ImmediateData",
                                 "MaxRecvDataSegmentLength",
                                 "MaxBurstLength",
                                 "FirstBurstLength",
                                 "DefaultTime2Wait",
                                 "DefaultTime2Retain",
                                 "MaxOutstandingR2T",
                                 "DataPDUInOrder",
                                 "DataSequenceInOrder",
                                 "ErrorRecoveryLevel",
                                 "SessionType",
                                 "TaskReporting",
                                 "iSCSIProtocolLevel",
                                 "X#NodeArchitecture",
                                 "IFMarker",
                                 "OFMarker",
                                 "IFMarkInt",
                                 "OFMarkInt",
                                 "CHAP_A",
                                 "CHAP_I",
                                 "CHAP_C",
                                 "CHAP_N",
                                 "CHAP_R"}) {
    CAPTURE(name);
    REQUIRE(find_key(name) != nullptr);
    CHECK(find_key(name)->name == name);
  }
  CHECK(find_key("headerdigest") == nullptr);
  CHECK(find_key("") == nullptr);
}

TEST_CASE(
    "every negotiated operational key: admissible offers and their answers (A7.01 to A7.22)") {
  struct Row {
    std::string_view offer, answer;
  };
  static constexpr Row kRows[] = {
      // A7.01: lists in the initiator's order
      {"HeaderDigest=CRC32C,None", "CRC32C"},
      {"HeaderDigest=None,CRC32C", "None"},
      {"DataDigest=CRC32C", "CRC32C"},
      {"DataDigest=None", "None"},
      {"HeaderDigest=Foo,CRC32C,None", "CRC32C"},
      // A7.02
      {"MaxConnections=1", "1"},
      {"MaxConnections=32", "1"},
      {"MaxConnections=65535", "1"},
      // A7.07, A7.08
      {"InitialR2T=Yes", "Yes"},
      {"InitialR2T=No", "No"},
      {"ImmediateData=Yes", "Yes"},
      {"ImmediateData=No", "No"},
      // A7.10, with a number in each form (A4.10)
      {"MaxBurstLength=512", "512"},
      {"MaxBurstLength=262144", "262144"},
      {"MaxBurstLength=0x40000", "262144"},
      {"MaxBurstLength=16777215", "1048576"},
      // A7.11: never over MaxBurstLength, whose default is 262144
      {"FirstBurstLength=512", "512"},
      {"FirstBurstLength=65536", "65536"},
      {"FirstBurstLength=16777215", "262144"},
      // A7.12, A7.13, A7.14
      {"DefaultTime2Wait=0", "2"},
      {"DefaultTime2Wait=2", "2"},
      {"DefaultTime2Wait=3600", "3600"},
      {"DefaultTime2Retain=0", "0"},
      {"DefaultTime2Retain=60", "20"},
      {"MaxOutstandingR2T=1", "1"},
      {"MaxOutstandingR2T=16", "8"},
      {"MaxOutstandingR2T=65535", "8"},
      // A7.15, A7.16, A7.17
      {"DataPDUInOrder=No", "Yes"},
      {"DataPDUInOrder=Yes", "Yes"},
      {"DataSequenceInOrder=No", "Yes"},
      {"DataSequenceInOrder=Yes", "Yes"},
      {"ErrorRecoveryLevel=0", "0"},
      {"ErrorRecoveryLevel=2", "0"},
      // A7.19, A7.20
      {"TaskReporting=RFC3720", "RFC3720"},
      {"TaskReporting=FastAbort,ResponseFence,RFC3720", "RFC3720"},
      {"iSCSIProtocolLevel=0", "0"},
      {"iSCSIProtocolLevel=1", "1"},
      {"iSCSIProtocolLevel=2", "2"},
      {"iSCSIProtocolLevel=31", "2"},
      // A4.11, A4.20, A7.22: never a number, never NotUnderstood
      {"IFMarker=Yes", "No"},
      {"OFMarker=No", "No"},
      {"IFMarkInt=2048~8192", "Reject"},
      {"OFMarkInt=2048", "Reject"},
      // A14.06: iSER is refused
      {"RDMAExtensions=Yes", "No"},
      {"InitiatorRecvDataSegmentLength=8192", "Irrelevant"},
      {"TargetRecvDataSegmentLength=8192", "Irrelevant"},
  };
  for (const auto& row : kRows) {
    CAPTURE(row.offer);
    CHECK(answer_to(std::string(row.offer)) == row.answer);
  }
}

TEST_CASE(
    "out of range, garbage and empty offers are answered Reject and change nothing (A4.10, "
    "A4.12)") {
  for (const std::string offer : {"HeaderDigest=MD5",
                                  "HeaderDigest=",
                                  "HeaderDigest=crc32c",
                                  "DataDigest=Foo,Bar",
                                  "MaxConnections=0",
                                  "MaxConnections=65536",
                                  "MaxConnections=many",
                                  "InitialR2T=Maybe",
                                  "InitialR2T=yes",
                                  "InitialR2T=1",
                                  "ImmediateData=Maybe",
                                  "ImmediateData=",
                                  "MaxBurstLength=511",
                                  "MaxBurstLength=16777216",
                                  "MaxBurstLength=512~1024",
                                  "MaxBurstLength=-1",
                                  "MaxBurstLength=4294967808",
                                  "FirstBurstLength=511",
                                  "FirstBurstLength=16777216",
                                  "DefaultTime2Wait=3601",
                                  "DefaultTime2Retain=3601",
                                  "DefaultTime2Retain=0x",
                                  "MaxOutstandingR2T=0",
                                  "MaxOutstandingR2T=65536",
                                  "DataPDUInOrder=on",
                                  "DataSequenceInOrder=2",
                                  "ErrorRecoveryLevel=3",
                                  "TaskReporting=FastAbort",
                                  "TaskReporting=x",
                                  "iSCSIProtocolLevel=32",
                                  "IFMarker=Maybe",
                                  "OFMarkInt=x",
                                  "RDMAExtensions=1"}) {
    CAPTURE(offer);
    CHECK(answer_to(offer) == "Reject");
    Talk talk;
    talk.offer({offer});
    CHECK(talk.p().max_burst_length == 262144);
    CHECK(talk.p().first_burst_length == 65536);
    CHECK(talk.p().initial_r2t);
    CHECK(talk.p().immediate_data);
    CHECK(talk.p().max_outstanding_r2t == 1);
    CHECK(talk.p().default_time2wait == 2);
    CHECK(talk.p().protocol_level == 1);
    CHECK_FALSE(talk.p().header_digest);
  }
}

TEST_CASE("each outcome lands in the parameters") {
  Talk talk;
  talk.offer({"HeaderDigest=CRC32C", "DataDigest=CRC32C", "InitialR2T=No", "ImmediateData=No",
              "MaxRecvDataSegmentLength=65536", "MaxBurstLength=131072", "FirstBurstLength=4096",
              "MaxOutstandingR2T=4", "DefaultTime2Wait=5", "DefaultTime2Retain=7",
              "ErrorRecoveryLevel=2", "MaxConnections=4", "iSCSIProtocolLevel=2",
              "DataPDUInOrder=No", "DataSequenceInOrder=No"});
  REQUIRE_FALSE(talk.problem.has_value());
  const auto& p = talk.p();
  CHECK(p.header_digest);
  CHECK(p.data_digest);
  CHECK_FALSE(p.initial_r2t);
  CHECK_FALSE(p.immediate_data);
  CHECK(p.peer_max_recv_data_segment_length == 65536);
  CHECK(p.max_burst_length == 131072);
  CHECK(p.first_burst_length == 4096);
  CHECK(p.max_outstanding_r2t == 4);
  CHECK(p.default_time2wait == 5);
  CHECK(p.default_time2retain == 7);
  CHECK(p.error_recovery_level == 0);
  CHECK(p.max_connections == 1);
  CHECK(p.protocol_level == 2);
  CHECK(p.data_pdu_in_order);
  CHECK(p.data_sequence_in_order);
}

TEST_CASE("A4.06, A7.23: unknown keys are answered NotUnderstood, even in numbers") {
  CHECK(answer_to("X-com.example.foo=1") == "NotUnderstood");
  CHECK(answer_to("Foo=None") == "NotUnderstood");
  Talk talk;
  std::vector<std::string> pairs;
  for (int i = 0; i < 1000; ++i)
    pairs.push_back("K" + std::to_string(i) + "=v");
  talk.offer(pairs);
  CHECK_FALSE(talk.problem.has_value());
  CHECK(talk.answers.size() == 1000);
}

TEST_CASE("an answer that would pass 64 KiB is a problem, not a flood") {
  Talk talk;
  talk.offer(std::vector<std::string>(6000, "A=1"));
  CHECK(talk.problem.has_value());
}

TEST_CASE("A4.07, A4.08: declarative keys get no answer, and are never NotUnderstood") {
  for (const std::string pair :
       {"InitiatorName=iqn.x", "InitiatorAlias=host", "TargetName=iqn.y", "SessionType=Normal",
        "MaxRecvDataSegmentLength=262144", "X#NodeArchitecture=Linux", "MaxAHSLength=0",
        "iSERHelloRequired=No"}) {
    CAPTURE(pair);
    CHECK(answer_to(pair) == "none");
  }
}

TEST_CASE(
    "A7.09: MaxRecvDataSegmentLength from 512 to 2^24-1 is taken, anything else is a problem") {
  CHECK(answer_to("MaxRecvDataSegmentLength=512") == "none");
  CHECK(answer_to("MaxRecvDataSegmentLength=16777215") == "none");
  for (const std::string pair :
       {"MaxRecvDataSegmentLength=511", "MaxRecvDataSegmentLength=16777216",
        "MaxRecvDataSegmentLength=0", "MaxRecvDataSegmentLength=x"}) {
    CAPTURE(pair);
    CHECK(answer_to(pair) == "problem");
  }
}

TEST_CASE("A4.14: a key offered twice is a problem, in one request or in two") {
  for (const std::string key :
       {"MaxBurstLength=512", "HeaderDigest=None", "InitialR2T=Yes", "IFMarker=No",
        "MaxRecvDataSegmentLength=512", "TaskReporting=RFC3720", "OFMarkInt=1"}) {
    CAPTURE(key);
    Talk together;
    CHECK(together.offer({key, key}).problem.has_value());
    Talk apart;
    CHECK_FALSE(apart.offer({key}).problem.has_value());
    CHECK(apart.offer({key}).problem.has_value());
  }
}

TEST_CASE("A5.19: identical repetition of a name in one request is tolerated, a change is not") {
  Talk same;
  CHECK_FALSE(same.offer({"InitiatorName=iqn.a", "InitiatorName=iqn.a"}).problem.has_value());
  Talk changed;
  CHECK(changed.offer({"InitiatorName=iqn.a", "InitiatorName=iqn.b"}).problem.has_value());
}

TEST_CASE("A4.19: reserved words are no offers, but as replies to what we declared they pass") {
  for (const std::string pair :
       {"MaxBurstLength=Reject", "HeaderDigest=NotUnderstood", "InitialR2T=Irrelevant",
        "InitiatorAlias=None", "MaxConnections=None", "X-foo=NotUnderstood", "TargetAlias=None"}) {
    CAPTURE(pair);
    CHECK(answer_to(pair) == "problem");
  }
  for (const std::string pair : {"TargetAlias=NotUnderstood", "TargetPortalGroupTag=Irrelevant",
                                 "MaxRecvDataSegmentLength=Reject"}) {
    CAPTURE(pair);
    CHECK(answer_to(pair) == "none");
  }
}

TEST_CASE("A5.20, A7.03, A7.05, A7.06: keys of the target and of another stage are problems") {
  for (const std::string pair :
       {"TargetAlias=x", "TargetAddress=192.0.2.1:3260", "TargetPortalGroupTag=1",
        "SendTargets=All", "AuthMethod=None", "CHAP_A=5", "CHAP_N=x"}) {
    CAPTURE(pair);
    CHECK(answer_to(pair) == "problem");
  }
  for (const std::string pair :
       {"HeaderDigest=None", "MaxBurstLength=512", "MaxRecvDataSegmentLength=8192", "IFMarker=No",
        "SendTargets=All"}) {
    CAPTURE(pair);
    Talk talk;
    talk.negotiation.stage = Stage::security;
    CHECK(talk.offer({pair}).problem.has_value());
  }
}

TEST_CASE("names, type, alias and architecture may come in the security stage") {
  Talk talk;
  talk.negotiation.stage = Stage::security;
  talk.offer({"InitiatorName=iqn.a", "TargetName=iqn.b", "SessionType=Normal", "InitiatorAlias=h",
              "X#NodeArchitecture=z", "AuthMethod=CHAP,None"});
  CHECK_FALSE(talk.problem.has_value());
  CHECK(talk.declared.initiator_name == "iqn.a");
  CHECK(talk.declared.auth_method == "CHAP,None");
}

TEST_CASE("values longer than their limit are problems (A7.04, A7.21)") {
  const auto of_length = [](const char* key, std::size_t length) {
    return answer_to(std::string(key) + "=" + std::string(length, 'v')) != "problem";
  };
  CHECK(of_length("InitiatorName", 223));
  CHECK_FALSE(of_length("InitiatorName", 224));
  CHECK(of_length("TargetName", 223));
  CHECK_FALSE(of_length("TargetName", 224));
  CHECK(of_length("InitiatorAlias", 255));
  CHECK_FALSE(of_length("InitiatorAlias", 256));
  CHECK(of_length("X#NodeArchitecture", 255));
  CHECK_FALSE(of_length("X#NodeArchitecture", 256));
  CHECK(of_length("HeaderDigest", 255));
  CHECK_FALSE(of_length("HeaderDigest", 256));
  CHECK_FALSE(of_length("MaxBurstLength", 256));
}

TEST_CASE("control characters do not get into names and aliases") {
  CHECK(answer_to("InitiatorAlias=a\nb") == "problem");
  CHECK(answer_to("InitiatorAlias=\x7f") == "problem");
  CHECK(answer_to("InitiatorAlias=H\xc3\xb6st") == "none");
}

TEST_CASE("FirstBurstLength never exceeds MaxBurstLength, in whatever order they come (A7.11)") {
  Talk before;
  before.offer({"FirstBurstLength=262144", "MaxBurstLength=4096"});
  CHECK(before.answers["MaxBurstLength"] == "4096");
  CHECK(before.answers["FirstBurstLength"] == "4096");
  Talk only_max;
  only_max.offer({"MaxBurstLength=512"});
  CHECK(only_max.p().first_burst_length == 512);
  Talk later;
  later.offer({"FirstBurstLength=65536"});
  later.offer({"MaxBurstLength=4096"});
  CHECK(later.answers["MaxBurstLength"] == "Reject");
  CHECK(later.p().max_burst_length == 262144);
  CHECK(later.p().first_burst_length == 65536);
}

TEST_CASE("FirstBurstLength is irrelevant when no unsolicited data may come (A7.11)") {
  Talk talk;
  talk.offer({"FirstBurstLength=65536", "InitialR2T=Yes", "ImmediateData=No"});
  CHECK(talk.answers["FirstBurstLength"] == "Irrelevant");
  Talk other;
  other.offer({"FirstBurstLength=65536", "InitialR2T=No", "ImmediateData=No"});
  CHECK(other.answers["FirstBurstLength"] == "65536");
}

TEST_CASE(
    "in a discovery session session-wide transfer keys are Irrelevant, the others are answered") {
  Talk talk;
  talk.negotiation.type = SessionType::discovery;
  talk.offer({"MaxConnections=4", "InitialR2T=No", "ImmediateData=Yes", "MaxBurstLength=512",
              "FirstBurstLength=512", "MaxOutstandingR2T=4", "DataPDUInOrder=Yes",
              "DataSequenceInOrder=Yes", "TaskReporting=RFC3720", "iSCSIProtocolLevel=2",
              "RDMAExtensions=Yes"});
  REQUIRE_FALSE(talk.problem.has_value());
  CHECK(talk.answers.size() == 11);
  for (const auto& [key, value] : talk.answers) {
    CAPTURE(key);
    CHECK(value == "Irrelevant");
  }
  // A1.09: level 0 whatever is offered
  talk.offer({"HeaderDigest=CRC32C", "DefaultTime2Wait=3", "DefaultTime2Retain=3",
              "ErrorRecoveryLevel=2"});
  CHECK(talk.answers["HeaderDigest"] == "CRC32C");
  CHECK(talk.answers["DefaultTime2Wait"] == "3");
  CHECK(talk.answers["DefaultTime2Retain"] == "3");
  CHECK(talk.answers["ErrorRecoveryLevel"] == "0");
}

TEST_CASE(
    "leading-only keys on a later connection are answered Reject, connection keys work (A5.20)") {
  Talk talk;
  talk.negotiation.leading = false;
  talk.negotiation.parameters.max_burst_length = 131072;
  talk.offer(
      {"MaxConnections=1", "MaxBurstLength=512", "ErrorRecoveryLevel=0", "HeaderDigest=CRC32C"});
  CHECK(talk.answers["MaxConnections"] == "Reject");
  CHECK(talk.answers["MaxBurstLength"] == "Reject");
  CHECK(talk.answers["ErrorRecoveryLevel"] == "Reject");
  CHECK(talk.answers["HeaderDigest"] == "CRC32C");
  CHECK(talk.p().max_burst_length == 131072);
}

TEST_CASE("property: whatever is offered alone, the answer is the result rule of both ends") {
  for (std::uint32_t offer = 512; offer < 1U << 24U; offer = offer * 3 / 2 + 1) {
    Talk talk;
    talk.offer(
        {"MaxBurstLength=" + std::to_string(offer), "FirstBurstLength=" + std::to_string(offer)});
    CHECK(talk.p().max_burst_length == std::min(offer, kMaxBurstLength));
    CHECK(talk.p().first_burst_length == std::min(offer, kFirstBurstLength));
    CHECK(talk.p().first_burst_length <= talk.p().max_burst_length);
  }
}

}  // namespace negotiation_test
