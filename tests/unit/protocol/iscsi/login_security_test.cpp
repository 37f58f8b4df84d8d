#include "protocol/iscsi/login_security.hpp"

#include "tests/unit/protocol/iscsi/login_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace login_security_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace faultlun::iscsi::test;
using State = Login::State;

namespace {

constexpr const char* kSecret = "lab-secret-123";
constexpr const char* kMutualSecret = "other-secret-1";

std::string base64(bytes::View octets) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "0b";
  unsigned window = 0;
  int bits = 0;
  for (const auto octet : octets) {
    window = window << 8U | octet;
    for (bits += 8; bits >= 6; bits -= 6)
      out += kDigits[window >> (bits - 6) & 63U];
  }
  if (bits > 0) out += kDigits[window << (6 - bits) & 63U];
  while ((out.size() - 2) % 4 != 0)
    out += '=';
  return out;
}

/// An initiator that does CHAP, step by step.
struct ChapBench : LoginBench {
  ChapBench() { target().chap = {"lab", kSecret, "", ""}; }
  void with_mutual() { target().chap = {"lab", kSecret, "faultlun", kMutualSecret}; }

  Reply step(const std::vector<std::string>& pairs, bool transit = false) {
    return send(pairs, security_stage(transit));
  }
  Reply agree_method() { return step({kName, kTo, "AuthMethod=CHAP,None"}); }
  Reply challenge(const std::string& algorithms = "5") {
    agree_method();
    const auto reply = step({"CHAP_A=" + algorithms});
    if (!reply.has("CHAP_C")) return reply;
    algorithm = static_cast<ChapAlgorithm>(parse_number(reply["CHAP_A"]).value());
    identifier = static_cast<std::uint8_t>(parse_number(reply["CHAP_I"]).value());
    theirs = decode_binary(reply["CHAP_C"]).value();
    return reply;
  }
  bytes::Buffer response(std::string_view secret = kSecret) const {
    return chap_response(algorithm, identifier, secret, theirs);
  }
  std::string proof(std::string_view secret = kSecret) const {
    return "CHAP_R=" + encode_binary(response(secret));
  }

  ChapAlgorithm algorithm = ChapAlgorithm::md5;
  std::uint8_t identifier = 0;
  bytes::Buffer theirs;
};

unsigned status_after_challenge(const std::vector<std::string>& pairs) {
  ChapBench bench;
  bench.challenge();
  return bench.step(pairs, true).status();
}

}  // namespace

TEST_CASE("A6.01: one-way CHAP goes through its steps and on to the operational stage") {
  ChapBench first;
  const auto agreed = first.agree_method();
  CHECK(agreed["AuthMethod"] == "CHAP");
  CHECK(agreed["TargetPortalGroupTag"] == "1");
  ChapBench fresh;
  const auto challenge = fresh.challenge();
  CHECK(challenge["CHAP_A"] == "5");
  CHECK(challenge.keys.size() == 3);
  const auto done = fresh.step({"CHAP_N=lab", fresh.proof()}, true);
  CHECK(done.status() == 0);
  CHECK(done.transit());
  CHECK(done.text.empty());
  CHECK(fresh.send({"HeaderDigest=None"}).state == State::full_feature);
}

TEST_CASE("A6.02: every algorithm authenticates, with a challenge as long as its digest") {
  for (const std::string algorithm : {"5", "6", "7", "8", "99,8,7,6,5"}) {
    CAPTURE(algorithm);
    ChapBench bench;
    const auto challenge = bench.challenge(algorithm);
    CHECK(challenge["CHAP_A"] == (algorithm.size() > 1 ? "8" : algorithm));
    CHECK(bench.theirs.size() == chap_digest_bytes(bench.algorithm));
    CHECK(bench.step({"CHAP_N=lab", bench.proof()}, true).transit());
  }
}

TEST_CASE("A6.02: no algorithm in common is answered 0201") {
  ChapBench bench;
  CHECK(bench.challenge("1,99").status() == 0x0201);
}

TEST_CASE("A6.01: mutual CHAP proves the target in the answer to the last step") {
  ChapBench bench;
  bench.with_mutual();
  bench.challenge("7");
  const bytes::Buffer ours{1, 2, 3, 4, 5, 6, 7, 8};
  const auto reply = bench.step(
      {"CHAP_N=lab", bench.proof(), "CHAP_I=200", "CHAP_C=" + encode_binary(ours)}, true);
  CHECK(reply.transit());
  CHECK(reply["CHAP_N"] == "faultlun");
  CHECK(decode_binary(reply["CHAP_R"]) ==
        chap_response(ChapAlgorithm::sha256, 200, kMutualSecret, ours));
}

TEST_CASE("an initiator need not ask a mutual target for its proof") {
  ChapBench bench;
  bench.with_mutual();
  bench.challenge();
  const auto reply = bench.step({"CHAP_N=lab", bench.proof()}, true);
  CHECK(reply.transit());
  CHECK_FALSE(reply.has("CHAP_R"));
}

TEST_CASE("a target without a secret of its own refuses to be asked for it: 0201") {
  ChapBench bench;
  bench.challenge();
  CHECK(bench.step({"CHAP_N=lab", bench.proof(), "CHAP_I=1", "CHAP_C=0x0102"}, true).status() ==
        0x0201);
}

TEST_CASE("A5.06: T=1 is answered T=0 while CHAP is not done") {
  ChapBench bench;
  CHECK_FALSE(bench.send({kName, kTo, "AuthMethod=CHAP"}, security_stage(true)).transit());
  CHECK_FALSE(bench.step({"CHAP_A=5"}, true).transit());
}

TEST_CASE("after the proof with T=0 the stage is left by a later request with T=1") {
  ChapBench bench;
  bench.challenge();
  CHECK_FALSE(bench.step({"CHAP_N=lab", bench.proof()}).transit());
  CHECK(bench.send(Request(security_stage(true))).transit());
}

TEST_CASE("CHAP straight to the full-feature phase, without an operational stage") {
  ChapBench bench;
  bench.challenge();
  CHECK(bench.send({"CHAP_N=lab", bench.proof()}, security_stage(true, 3)).state ==
        State::full_feature);
}

TEST_CASE("A6.04: responses in hexadecimal and base64, either case, are accepted when right") {
  for (int form = 0; form < 4; ++form) {
    ChapBench bench;
    bench.challenge();
    std::string value = form < 2 ? encode_binary(bench.response()) : base64(bench.response());
    if (form == 1)
      std::transform(value.begin(), value.end(), value.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
    if (form == 3) value[1] = 'B';
    CHECK(bench.step({"CHAP_N=lab", "CHAP_R=" + value}, true).status() == 0);
  }
}

TEST_CASE("A6.04: wrong responses in both encodings are 0201, malformed ones 0200") {
  ChapBench hex, base;
  hex.challenge();
  CHECK(hex.step({"CHAP_N=lab", hex.proof("wrong")}, true).status() == 0x0201);
  base.challenge();
  CHECK(base.step({"CHAP_N=lab", "CHAP_R=" + base64(base.response("wrong"))}, true).status() ==
        0x0201);
  CHECK(status_after_challenge({"CHAP_N=lab", "CHAP_R=0xzz"}) == 0x0200);
  CHECK(status_after_challenge({"CHAP_N=lab", "CHAP_R="}) == 0x0200);
  CHECK(status_after_challenge({"CHAP_N=lab", "CHAP_R=secret"}) == 0x0200);
}

TEST_CASE("a response cut short or with an octet too many is wrong") {
  for (const std::size_t length : {0U, 15U, 17U}) {
    ChapBench bench;
    bench.challenge();
    auto response = bench.response();
    response.resize(length);
    const auto reply = bench.step({"CHAP_N=lab", "CHAP_R=" + encode_binary(response)}, true);
    CHECK(reply.status() == (length == 0 ? 0x0200 : 0x0201));  // 0x alone is no binary value
  }
}

TEST_CASE(
    "A6.04: the initiator's challenge may have 1024 bytes in either form, 1025 are too many") {
  for (const std::size_t length : {1U, 1024U, 1025U}) {
    const bytes::Buffer ours(length, 0x5a);
    for (const auto& value : {encode_binary(ours), base64(ours)}) {
      ChapBench bench;
      bench.with_mutual();
      bench.challenge();
      const auto reply =
          bench.step({"CHAP_N=lab", bench.proof(), "CHAP_I=0x0a", "CHAP_C=" + value}, true);
      CHECK(reply.status() == (length > 1024 ? 0x0200 : 0));
      if (length > 1024) continue;
      CHECK(decode_binary(reply["CHAP_R"]) ==
            chap_response(ChapAlgorithm::md5, 10, kMutualSecret, ours));
    }
  }
}

TEST_CASE("A6.12: an unknown user and a wrong secret look the same") {
  ChapBench user, secret;
  user.challenge();
  secret.challenge();
  const auto unknown = user.step({"CHAP_N=nobody", user.proof()}, true);
  const auto wrong = secret.step({"CHAP_N=lab", secret.proof("wrong")}, true);
  CHECK(unknown.status() == 0x0201);
  CHECK(unknown.octets == wrong.octets);
  CHECK(user.login->failure() == secret.login->failure());
}

TEST_CASE("CHAP_N is text even where it looks like a number, and is compared exactly") {
  ChapBench bench;
  bench.target().chap.user = "0x41";
  bench.challenge();
  CHECK(bench.step({"CHAP_N=0x41", bench.proof()}, true).status() == 0);
  ChapBench decoded;
  decoded.target().chap.user = "A";
  decoded.challenge();
  CHECK(decoded.step({"CHAP_N=0x41", decoded.proof()}, true).status() == 0x0201);
  CHECK(status_after_challenge({"CHAP_N=LAB", "CHAP_R=0x00"}) == 0x0201);
}

TEST_CASE("A6.05: a secret of any octets, NUL included, authenticates") {
  ChapBench bench;
  const std::string secret("\0\xff\n secret", 10);
  bench.target().chap.secret = secret;
  bench.challenge();
  CHECK(bench.step({"CHAP_N=lab", bench.proof(secret)}, true).status() == 0);
}

TEST_CASE("A6.03: keys missing from a step are 0207") {
  ChapBench bench;
  bench.agree_method();
  CHECK(bench.step({"InitiatorAlias=h"}).status() == 0x0207);
  CHECK(status_after_challenge({"CHAP_N=lab"}) == 0x0207);
  CHECK(status_after_challenge({"CHAP_R=0x00"}) == 0x0207);
  CHECK(status_after_challenge(std::vector<std::string>{}) == 0x0207);
  ChapBench half;
  half.with_mutual();
  half.challenge();
  CHECK(half.step({"CHAP_N=lab", half.proof(), "CHAP_I=1"}).status() == 0x0207);
  ChapBench other;
  other.with_mutual();
  other.challenge();
  CHECK(other.step({"CHAP_N=lab", other.proof(), "CHAP_C=0x01"}).status() == 0x0207);
}

TEST_CASE("A6.03: keys of another step, or repeated, are 0200") {
  for (const std::string early :
       {"CHAP_A=5", "CHAP_N=lab", "CHAP_R=0x00", "CHAP_I=1", "CHAP_C=0x00"}) {
    CAPTURE(early);
    ChapBench with_method;
    CHECK(with_method.step({kName, kTo, "AuthMethod=CHAP", early}).status() == 0x0200);
    if (early == "CHAP_A=5") continue;
    ChapBench with_algorithm;
    with_algorithm.agree_method();
    CHECK(with_algorithm.step({"CHAP_A=5", early}).status() == 0x0200);
  }
  CHECK(status_after_challenge({"CHAP_A=5"}) == 0x0200);
  CHECK(status_after_challenge({"AuthMethod=CHAP"}) == 0x0200);
  CHECK(status_after_challenge({"CHAP_N=lab", "CHAP_N=lab", "CHAP_R=0x00"}) == 0x0200);
}

TEST_CASE("A6.03: CHAP keys after the authentication are 0200") {
  ChapBench bench;
  bench.challenge();
  bench.step({"CHAP_N=lab", bench.proof()});
  CHECK(bench.step({"CHAP_I=1"}).status() == 0x0200);
  ChapBench later;
  later.challenge();
  later.step({"CHAP_N=lab", later.proof()}, true);
  CHECK(later.send({"CHAP_I=1"}).status() == 0x0200);
}

TEST_CASE("CHAP_I is an octet") {
  for (const std::string value : {"256", "-1", "x", ""}) {
    CAPTURE(value);
    ChapBench bench;
    bench.with_mutual();
    bench.challenge();
    CHECK(bench.step({"CHAP_N=lab", bench.proof(), "CHAP_I=" + value, "CHAP_C=0x01"}).status() ==
          0x0200);
  }
}

TEST_CASE("A6.06: a response that the target itself would give is refused, even when it fits") {
  ChapBench reflected;
  reflected.with_mutual();
  reflected.challenge();
  CHECK(reflected.step({"CHAP_N=lab", reflected.proof(kMutualSecret)}, true).status() == 0x0201);
  ChapBench same_secret;
  same_secret.target().chap = {"lab", kSecret, "faultlun", kSecret};
  same_secret.challenge();
  CHECK(same_secret.step({"CHAP_N=lab", same_secret.proof()}, true).status() == 0x0201);
}

TEST_CASE("A6.07: our own challenge coming back closes the connection") {
  ChapBench bench;
  bench.with_mutual();
  bench.challenge();
  const auto reply = bench.step(
      {"CHAP_N=lab", bench.proof(), "CHAP_I=9", "CHAP_C=" + encode_binary(bench.theirs)}, true);
  CHECK(reply.state == State::failed);
  CHECK(reply.status() == 0x0201);
  CHECK_FALSE(reply.has("CHAP_R"));
}

TEST_CASE(
    "A6.10: AuthMethod on a target with CHAP takes CHAP wherever it stands, and nothing else") {
  for (const std::string offer : {"CHAP", "CHAP,None", "None,CHAP", "KRB5,CHAP", "X-foo,CHAP"}) {
    CAPTURE(offer);
    ChapBench bench;
    CHECK(bench.step({kName, kTo, "AuthMethod=" + offer})["AuthMethod"] == "CHAP");
  }
  for (const std::string offer : {"None", "KRB5", "", "chap", "SRP,SPKM1"}) {
    CAPTURE(offer);
    ChapBench bench;
    CHECK(bench.step({kName, kTo, "AuthMethod=" + offer}).status() == 0x0201);
  }
}

TEST_CASE("A6.10: AuthMethod on a target without CHAP takes None, and refuses what lacks it") {
  for (const std::string offer : {"None", "CHAP,None", "None,CHAP"}) {
    CAPTURE(offer);
    LoginBench bench;
    CHECK(bench.send({kName, kTo, "AuthMethod=" + offer}, security_stage(true))["AuthMethod"] ==
          "None");
  }
  for (const std::string offer : {"CHAP", "KRB5", ""}) {
    CAPTURE(offer);
    LoginBench bench;
    CHECK(bench.send({kName, kTo, "AuthMethod=" + offer}, security_stage(true)).status() == 0x0201);
  }
}

TEST_CASE("A5.17: where CHAP is required a login that starts at stage 1 is 0201") {
  ChapBench bench;
  CHECK(bench.send({kName, kTo}).status() == 0x0201);
  ChapBench waiting;
  CHECK(waiting.send({kName, kTo}, {.transit = false}).status() == 0x0201);
}

TEST_CASE(
    "A5.17: leaving the security stage without AuthMethod is 0201, staying in it is allowed") {
  ChapBench leaving;
  CHECK(leaving.step({kName, kTo}, true).status() == 0x0201);
  ChapBench staying;
  CHECK(staying.step({kName, kTo}).status() == 0);
  CHECK(staying.step({"AuthMethod=CHAP"})["AuthMethod"] == "CHAP");
}

TEST_CASE("discovery has an account of its own, and a target's does not count there") {
  ChapBench bench;
  bench.directory.discovery_chap = {"disco", "discovery-secret", "", ""};
  CHECK(bench.send({kName, "SessionType=Discovery"}).status() == 0x0201);
  ChapBench chap;
  chap.directory.discovery_chap = {"disco", "discovery-secret", "", ""};
  chap.step({kName, "SessionType=Discovery", "AuthMethod=CHAP"});
  const auto challenge = chap.step({"CHAP_A=5"});
  chap.identifier = static_cast<std::uint8_t>(parse_number(challenge["CHAP_I"]).value());
  chap.theirs = decode_binary(challenge["CHAP_C"]).value();
  CHECK(chap.step({"CHAP_N=disco", chap.proof("discovery-secret")}, true).transit());
  ChapBench open;
  CHECK(open.send({kName, "SessionType=Discovery"}).state == State::full_feature);
}

TEST_CASE("A6.11: challenges come from the source of randomness, each login its own") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    ChapBench bench;
    auto context = bench.context();
    context.random = [](bytes::Span out) {
      static std::uint32_t draw = 0;
      ++draw;
      for (std::size_t at = 0; at < out.size(); ++at)
        out[at] = static_cast<std::uint8_t>(draw >> (at % 4 * 8));
    };
    bench.login.emplace(context);
    CHECK(seen.insert(bench.challenge()["CHAP_C"]).second);
  }
}

TEST_CASE("without a source of randomness CHAP ends with a target error, 0300") {
  ChapBench bench;
  auto context = bench.context();
  context.random = nullptr;
  bench.login.emplace(context);
  CHECK(bench.challenge().status() == 0x0300);
}

}  // namespace login_security_test
