// Whatever octets arrive, a login and a text exchange answer well-formed PDUs, stay bounded and
// end.
#include "tests/unit/protocol/iscsi/login_bench.hpp"

#include <doctest/doctest.h>

#include <random>

namespace login_property_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace faultlun::iscsi::test;
using State = Login::State;

namespace {

constexpr unsigned kSeed = 20261121;
constexpr int kLogins = 3000;
constexpr int kPdusPerLogin = 12;

using Engine = std::mt19937;  // its sequence is fixed by the standard; no std:: distributions

std::size_t below(Engine& engine, std::size_t bound) {
  return engine() % bound;
}

bytes::Buffer random_octets(Engine& engine, std::size_t count) {
  bytes::Buffer out(count);
  for (auto& octet : out)
    octet = static_cast<std::uint8_t>(engine());
  return out;
}

/// Pairs that often make sense, so that the deeper states are reached.
std::string plausible_text(Engine& engine) {
  static const std::vector<std::string> kWords = {kName,
                                                  kTo,
                                                  "SessionType=Discovery",
                                                  "SessionType=Normal",
                                                  "AuthMethod=CHAP,None",
                                                  "AuthMethod=None",
                                                  "CHAP_A=7,5",
                                                  "CHAP_N=lab",
                                                  "CHAP_R=0x00112233",
                                                  "CHAP_I=3",
                                                  "CHAP_C=0bAAECAw==",
                                                  "HeaderDigest=CRC32C",
                                                  "MaxBurstLength=0x10000",
                                                  "FirstBurstLength=16777215",
                                                  "MaxRecvDataSegmentLength=512",
                                                  "SendTargets=All",
                                                  "X-foo=bar",
                                                  "InitialR2T=Maybe",
                                                  "TargetAlias=Reject",
                                                  "iSCSIProtocolLevel=2",
                                                  "IFMarkInt=1~2"};
  std::string out;
  for (std::size_t n = below(engine, 5); n > 0; --n)
    out.append(kWords[below(engine, kWords.size())]).append(1, '\0');
  if (below(engine, 4) == 0 && !out.empty())
    out[below(engine, out.size())] = static_cast<char>(engine());
  if (below(engine, 8) == 0) out.resize(below(engine, out.size() + 1));
  return out;
}

struct Octets {
  bytes::Buffer header, data;
};

Octets arbitrary_pdu(Engine& engine) {
  Octets pdu{random_octets(engine, 48), {}};
  if (below(engine, 8) == 0) {
    pdu.data = random_octets(engine, below(engine, 9000));
    return pdu;
  }
  const std::string text = plausible_text(engine);
  const auto octets = bytes::of(text);
  pdu.data.assign(octets.begin(), octets.end());
  if (below(engine, 16) != 0) pdu.header[0] = 0x43;
  static constexpr std::uint8_t kFlags[] = {0x00, 0x40, 0x81, 0x83, 0x04, 0x87, 0x87, 0x44};
  if (below(engine, 8) != 0) pdu.header[1] = kFlags[below(engine, std::size(kFlags))];
  if (below(engine, 8) != 0)
    std::fill(pdu.header.begin() + 2, pdu.header.begin() + 22, std::uint8_t{0});
  return pdu;
}

/// Reads what must hold of every answer; LoginBench::send_raw checks the framing and the pairs.
void check_answer(const Reply& reply) {
  CHECK(reply.octets.size() <= 48 + kLoginMaxDataSegment);
  if (!reply.any) return;
  CHECK(reply.bhs.opcode == wire::opcode::kLoginResponse);
  CHECK((reply.status() == 0) == (reply.state != State::failed));
  if (reply.state == State::full_feature) CHECK(reply.bhs.tsih.value() != 0);
  if (reply.transit()) CHECK_FALSE(reply.more());
}

}  // namespace

TEST_CASE("property: random octets as login PDUs end well, in bounded time and memory") {
  CAPTURE(kSeed);
  Engine engine(kSeed);
  int succeeded = 0, refused = 0;
  for (int i = 0; i < kLogins; ++i) {
    LoginBench bench;
    if (i % 2 == 0) bench.target().chap = {"lab", "secret", "faultlun", "other"};
    for (int n = 0; n < kPdusPerLogin; ++n) {
      const auto pdu = arbitrary_pdu(engine);
      const auto reply = bench.send_raw(pdu.header, pdu.data);
      check_answer(reply);
      succeeded += reply.state == State::full_feature ? 1 : 0;
      refused += reply.state == State::failed ? 1 : 0;
      if (reply.state != State::more) break;
    }
  }
  CHECK(succeeded > 0);
  CHECK(refused > kLogins / 2);
}

TEST_CASE("property: random octets as text requests end well") {
  CAPTURE(kSeed);
  Engine engine(kSeed);
  LoginBench bench;
  LoginResult login;
  login.type = SessionType::discovery;
  login.initiator_name = kInitiator;
  login.parameters.peer_max_recv_data_segment_length = 512;
  TextExchange exchange(bench.directory, login);
  std::uint32_t tag = kReservedTag;
  for (int i = 0; i < kLogins * 4; ++i) {
    auto pdu = arbitrary_pdu(engine);
    bytes::put_be32(pdu.header.data() + 16, 7);
    bytes::put_be32(pdu.header.data() + 20, below(engine, 3) == 0 ? kReservedTag : tag);
    const auto answer = exchange.receive(view_of(pdu.header, pdu.data));
    tag = answer.target_transfer_tag;
    if (answer.kind == TextExchange::Answer::Kind::reject)
      CHECK(answer.reject_reason != 0);
    else
      CHECK(answer.final == (tag == kReservedTag));
    CHECK(answer.data.size() <= kMaxDataInSegment);
  }
}

TEST_CASE(
    "property: the longest text of the shortest pairs is parsed and answered in bounded time") {
  std::string text;
  while (text.size() + 3 <= kMaxTextBytes)
    text.append("A=").append(1, '\0');
  CHECK(parse_text(text).pairs.size() == kMaxTextBytes / 3);
  LoginBench bench;
  bench.send({kName, kTo}, {.transit = false});
  bool failed = false;
  for (std::size_t at = 0; at < text.size() && !failed; at += kLoginMaxDataSegment) {
    const bool more = at + kLoginMaxDataSegment < text.size();
    const auto piece = text.substr(at, kLoginMaxDataSegment);
    const auto reply = bench.send(Request{.transit = false, .more = more, .text = piece});
    CHECK(reply.octets.size() <= 48 + kLoginMaxDataSegment);
    failed = reply.state == State::failed;
  }
  CHECK(failed);  // 64 KiB with the names, and the answer would be longer still
}

}  // namespace login_property_test
