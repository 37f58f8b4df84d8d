#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/text.hpp"
#include "protocol/iscsi/wire.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace text_exchange_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using Answer = TextExchange::Answer;

namespace {

constexpr std::uint8_t kProtocolError = 0x04, kTaskInProgress = 0x07,
                       kInvalidField = 0x09;  // §11.17.1

struct Shape {
  bool final = true, more = false;
  std::uint32_t itt = 0x77, tag = kReservedTag;
};

struct TextBench {
  explicit TextBench(SessionType type = SessionType::discovery,
                     std::uint32_t segment_limit = 8192) {
    add("iqn.2026-11.example:a");
    directory.portals = {{"192.0.2.10:3260", 1}, {"[2001:db8::1]:3260", 1}};
    login.type = type;
    login.initiator_name = "iqn.1991-05.com.microsoft:host";
    if (type == SessionType::normal) login.target_name = "iqn.2026-11.example:a";
    login.parameters.peer_max_recv_data_segment_length = segment_limit;
    exchange.emplace(directory, login);
  }

  void add(const std::string& name) {
    TargetEntry entry;
    entry.name = name;
    entry.portal_groups = {1};
    directory.targets.push_back(entry);
  }
  void add_many(int count) {
    for (int i = 0; i < count; ++i)
      add("iqn.2026-11.example:t" + std::to_string(i));
  }

  Answer send_text(const std::string& text, const Shape& shape = {}) {
    wire::TextRequestBhs bhs{};
    bhs.opcode = wire::opcode::kTextRequest;
    bhs.flags = static_cast<std::uint8_t>((shape.final ? 0x80U : 0U) | (shape.more ? 0x40U : 0U));
    bhs.initiator_task_tag = shape.itt;
    bhs.target_transfer_tag = shape.tag;
    bytes::Buffer header(48);
    bytes::store(bytes::Span(header).first<48>(), bhs);
    const auto answer = exchange->receive({.header = header, .ahs = {}, .data = bytes::of(text)});
    check_rules(answer, shape);
    return answer;
  }
  Answer send(const std::vector<std::string>& pairs, const Shape& shape = {}) {
    std::string text;
    for (const auto& pair : pairs)
      text.append(pair).append(1, '\0');
    return send_text(text, shape);
  }

  /// All pieces of an answer, asked for with empty requests.
  std::string collect(Answer answer) {
    std::string whole(bytes::text(answer.data));
    while (answer.more) {
      answer = send_text("", {.tag = answer.target_transfer_tag});
      REQUIRE(answer.kind == Answer::Kind::response);
      whole += bytes::text(answer.data);
    }
    CHECK(answer.final);
    return whole;
  }

  Directory directory;
  LoginResult login;
  std::optional<TextExchange> exchange;

 private:
  /// A4.16 holds for every answer there is.
  static void check_rules(const Answer& answer, const Shape& shape) {
    if (answer.kind == Answer::Kind::reject) {
      CHECK(answer.data.empty());
      return;
    }
    CHECK(answer.final == (answer.target_transfer_tag == kReservedTag));
    CHECK_FALSE((answer.final && answer.more));
    CHECK_FALSE((answer.final && !shape.final));
  }
};

std::string lines(const Answer& answer) {
  CHECK(answer.kind == Answer::Kind::response);
  std::string text(bytes::text(answer.data));
  for (auto& c : text)
    c = c == '\0' ? '\n' : c;
  return text;
}

bool rejected(const Answer& answer, std::uint8_t reason) {
  return answer.kind == Answer::Kind::reject && answer.reject_reason == reason;
}

constexpr const char* kTargetA =
    "TargetName=iqn.2026-11.example:a\n"
    "TargetAddress=192.0.2.10:3260,1\n"
    "TargetAddress=[2001:db8::1]:3260,1\n";

}  // namespace

TEST_CASE("A12.02, A12.05, A7.03, A7.05: SendTargets=All in a discovery session") {
  TextBench bench;
  const auto answer = bench.send({"SendTargets=All"});
  CHECK(answer.final);
  CHECK_FALSE(answer.more);
  CHECK(lines(answer) == kTargetA);
}

TEST_CASE(
    "A12.03: SendTargets of a name in a discovery session, in any case, unknown names give "
    "nothing") {
  TextBench bench;
  bench.add("iqn.2026-11.example:b");
  CHECK(lines(bench.send({"SendTargets=IQN.2026-11.Example:a"})) == kTargetA);
  CHECK(lines(bench.send({"SendTargets=iqn.2026-11.example:c"})).empty());
  CHECK(lines(bench.send({"SendTargets=all"})).empty());
}

TEST_CASE("A12.07, A12.09: who may use nothing gets an empty answer") {
  TextBench bench;
  bench.directory.targets[0].initiators = {"iqn.2001-04.com.example:*"};
  const auto answer = bench.send({"SendTargets=All"});
  CHECK(answer.kind == Answer::Kind::response);
  CHECK(answer.final);
  CHECK(answer.data.empty());
}

TEST_CASE("A12.04: in a normal session the empty value gives the own target, and All is refused") {
  TextBench bench(SessionType::normal);
  bench.add("iqn.2026-11.example:b");
  CHECK(lines(bench.send({"SendTargets="})) == kTargetA);
  CHECK(lines(bench.send({"SendTargets=All"})) == "SendTargets=Reject\n");
  CHECK(lines(bench.send({"SendTargets=iqn.2026-11.example:a"})) == kTargetA);
  CHECK(lines(bench.send({"SendTargets=iqn.2026-11.example:b"})).empty());
}

TEST_CASE("a switch of the directory permits All in a normal session") {
  TextBench bench(SessionType::normal);
  bench.add("iqn.2026-11.example:b");
  bench.directory.send_targets_all_in_normal_session = true;
  CHECK(lines(bench.send({"SendTargets=All"})).find("example:b\n") != std::string::npos);
}

TEST_CASE("the empty value in a discovery session that named no target is refused") {
  TextBench bench;
  CHECK(lines(bench.send({"SendTargets="})) == "SendTargets=Reject\n");
}

TEST_CASE("a new directory answers from the next request on") {
  TextBench bench;
  Directory other;
  bench.exchange->set_directory(other);
  CHECK(lines(bench.send({"SendTargets=All"})).empty());
}

TEST_CASE("A4.05, A2.08: a long answer comes in pieces of the initiator's segment length") {
  TextBench bench(SessionType::discovery, 512);
  bench.add_many(200);
  const auto first = bench.send({"SendTargets=All"});
  CHECK(first.more);
  CHECK(first.data.size() == 512);
  const auto whole = bench.collect(first);
  CHECK(whole == send_targets(bench.directory, bench.login.initiator_name, std::nullopt));
  CHECK(whole.size() > 512 * 10);
}

TEST_CASE("an answer exactly as long as the segment is one piece, one byte more is two") {
  TextBench measure;
  const auto length = static_cast<std::uint32_t>(measure.send({"SendTargets=All"}).data.size());
  TextBench exact(SessionType::discovery, length);
  CHECK(exact.send({"SendTargets=All"}).final);
  TextBench shorter(SessionType::discovery, length - 1);
  const auto first = shorter.send({"SendTargets=All"});
  CHECK(first.more);
  CHECK(shorter.send_text("", {.tag = first.target_transfer_tag}).data.size() == 1);
}

TEST_CASE("a peer with huge segments still gets pieces of at most kMaxDataInSegment") {
  TextBench bench(SessionType::discovery, 16777215);
  bench.add_many(2000);
  const auto first = bench.send({"SendTargets=All"});
  CHECK(first.data.size() == kMaxDataInSegment);
  CHECK(bench.collect(first).size() > kMaxDataInSegment);
}

TEST_CASE("A4.03: a request in pieces gets empty answers with a tag until it is whole") {
  TextBench bench;
  const auto first = bench.send_text("SendTar", {.final = false, .more = true});
  CHECK_FALSE(first.final);
  CHECK_FALSE(first.more);
  CHECK(first.data.empty());
  const auto second =
      bench.send_text("gets=A", {.final = false, .more = true, .tag = first.target_transfer_tag});
  CHECK(second.data.empty());
  const auto last = bench.send_text(std::string("ll\0", 3), {.tag = second.target_transfer_tag});
  CHECK(lines(last) == kTargetA);
}

TEST_CASE("A4.04: C and F together are rejected") {
  TextBench bench;
  CHECK(rejected(bench.send({"SendTargets=All"}, {.final = true, .more = true}), kProtocolError));
}

TEST_CASE("A4.16: F=0 keeps the exchange open with a tag, F=1 ends it") {
  TextBench bench;
  const auto open = bench.send({"X-foo=1"}, {.final = false});
  CHECK_FALSE(open.final);
  CHECK(lines(open) == "X-foo=NotUnderstood\n");
  const auto end = bench.send({"SendTargets=All"}, {.tag = open.target_transfer_tag});
  CHECK(end.final);
  CHECK(lines(end) == kTargetA);
  CHECK(rejected(bench.send_text("", {.tag = open.target_transfer_tag}), kInvalidField));
}

TEST_CASE("an unknown tag is an invalid field, and leaves the open exchange alone") {
  TextBench bench;
  CHECK(rejected(bench.send_text("", {.tag = 5}), kInvalidField));
  const auto open = bench.send_text("", {.final = false});
  CHECK(rejected(bench.send_text("", {.tag = open.target_transfer_tag + 1}), kInvalidField));
  CHECK(bench.send_text("", {.tag = open.target_transfer_tag}).final);
}

TEST_CASE("every exchange has a tag of its own") {
  TextBench bench;
  const auto first = bench.send_text("", {.final = false});
  const auto again = bench.send_text("", {.final = false});  // starts afresh
  CHECK(first.target_transfer_tag != again.target_transfer_tag);
}

TEST_CASE("A4.13: a second exchange while one is open is rejected, then a new one may start") {
  TextBench bench;
  const auto open = bench.send_text("", {.final = false, .itt = 1});
  CHECK(rejected(bench.send({"SendTargets=All"}, {.itt = 2}), kTaskInProgress));
  CHECK(rejected(bench.send_text("", {.itt = 1, .tag = open.target_transfer_tag}), kInvalidField));
  CHECK(lines(bench.send({"SendTargets=All"}, {.itt = 3})) == kTargetA);
}

TEST_CASE("a continuation under another task tag is a protocol error") {
  TextBench bench;
  const auto open = bench.send_text("", {.final = false, .itt = 1});
  CHECK(rejected(bench.send_text("", {.itt = 2, .tag = open.target_transfer_tag}), kProtocolError));
}

TEST_CASE("A4.17: an exchange left half way is forgotten when the task starts again") {
  TextBench bench(SessionType::discovery, 512);
  bench.add_many(50);
  CHECK(bench.send({"SendTargets=All"}).more);
  bench.send_text("SendTargets=iqn.2026-11.exam", {.final = false, .more = true});
  const auto fresh = bench.send({"SendTargets=iqn.2026-11.example:a"});
  CHECK(lines(fresh) == kTargetA);
}

TEST_CASE("text while our long answer is under way is a protocol error and ends the exchange") {
  TextBench bench(SessionType::discovery, 512);
  bench.add_many(50);
  const auto first = bench.send({"SendTargets=All"});
  CHECK(rejected(bench.send({"X-foo=1"}, {.tag = first.target_transfer_tag}), kProtocolError));
  CHECK(rejected(bench.send_text("", {.tag = first.target_transfer_tag}), kInvalidField));
}

TEST_CASE("64 KiB of text are taken in one exchange, one byte more is rejected (A4.02)") {
  for (const std::size_t total : {kMaxTextBytes, kMaxTextBytes + 1}) {
    TextBench bench;
    auto answer = bench.send_text(std::string(8192, 'K'), {.final = false, .more = true});
    for (std::size_t sent = 8192; sent < total;) {
      const std::size_t piece = std::min<std::size_t>(8192, total - sent);
      answer = bench.send_text(std::string(piece, 'K'),
                               {.final = false, .more = true, .tag = answer.target_transfer_tag});
      sent += piece;
    }
    CHECK(rejected(answer, kProtocolError) == (total > kMaxTextBytes));
  }
}

TEST_CASE("A4.18: MaxRecvDataSegmentLength may be declared again, and limits what we send next") {
  for (const auto type : {SessionType::normal, SessionType::discovery}) {
    TextBench bench(type);
    bench.directory.send_targets_all_in_normal_session = true;
    bench.add_many(50);
    const auto answer = bench.send({"MaxRecvDataSegmentLength=1024"});
    CHECK(answer.final);
    CHECK(answer.data.empty());
    CHECK(answer.peer_max_recv_data_segment_length == 1024U);
    CHECK(bench.send({"SendTargets=All"}).data.size() == 1024);
  }
}

TEST_CASE("a declaration takes effect when its exchange ends, not before (A4.15)") {
  TextBench bench;
  bench.add_many(100);
  const auto open = bench.send({"MaxRecvDataSegmentLength=1024"}, {.final = false});
  CHECK_FALSE(open.peer_max_recv_data_segment_length.has_value());
  const auto piece = bench.send({"SendTargets=All"}, {.tag = open.target_transfer_tag});
  CHECK(piece.data.size() == 8192);
  CHECK_FALSE(piece.peer_max_recv_data_segment_length.has_value());
  const auto last = bench.send_text("", {.tag = piece.target_transfer_tag});
  CHECK(last.final);
  CHECK(last.peer_max_recv_data_segment_length == 1024U);
}

TEST_CASE("A4.15: a failed negotiation changes nothing") {
  TextBench bench;
  bench.add_many(100);
  const auto open = bench.send({"MaxRecvDataSegmentLength=1024"}, {.final = false});
  CHECK(rejected(bench.send({"no pair"}, {.tag = open.target_transfer_tag}), kProtocolError));
  const auto answer = bench.send({"SendTargets=All"});
  CHECK(answer.data.size() == 8192);
}

TEST_CASE(
    "A4.14: a key offered twice in one exchange is a protocol error, in two exchanges it is not") {
  TextBench bench;
  CHECK(rejected(bench.send({"MaxRecvDataSegmentLength=1024", "MaxRecvDataSegmentLength=1024"}),
                 kProtocolError));
  const auto open = bench.send({"MaxRecvDataSegmentLength=1024"}, {.final = false});
  CHECK(rejected(bench.send({"MaxRecvDataSegmentLength=512"}, {.tag = open.target_transfer_tag}),
                 kProtocolError));
  CHECK(bench.send({"MaxRecvDataSegmentLength=1024"}).final);
  CHECK(bench.send({"MaxRecvDataSegmentLength=1024"}).final);
  CHECK(rejected(bench.send({"SendTargets=All", "SendTargets=All"}), kProtocolError));
}

TEST_CASE("A4.18, A5.20: keys of the login are answered Reject where they are negotiated") {
  TextBench bench(SessionType::normal);
  for (const std::string pair :
       {"MaxConnections=2", "HeaderDigest=CRC32C", "ErrorRecoveryLevel=0", "InitialR2T=No",
        "MaxBurstLength=512", "TaskReporting=RFC3720", "IFMarkInt=1"}) {
    CAPTURE(pair);
    CHECK(lines(bench.send({pair})) == pair.substr(0, pair.find('=')) + "=Reject\n");
  }
}

TEST_CASE("A5.20: declarations and security keys of the login are protocol errors now") {
  TextBench bench(SessionType::normal);
  for (const std::string pair :
       {"InitiatorName=iqn.a", "TargetName=iqn.b", "SessionType=Normal", "AuthMethod=None",
        "CHAP_A=5", "TargetAddress=192.0.2.1", "X#NodeArchitecture=z",
        "MaxRecvDataSegmentLength=511", "MaxRecvDataSegmentLength=x"}) {
    CAPTURE(pair);
    CHECK(rejected(bench.send({pair}), kProtocolError));
  }
}

TEST_CASE(
    "A4.06, A7.23: unknown keys are NotUnderstood, InitiatorAlias may be declared at any time") {
  TextBench bench(SessionType::normal);
  CHECK(lines(bench.send({"X-com.example.a=1", "Foo=2", "InitiatorAlias=h"})) ==
        "X-com.example.a=NotUnderstood\nFoo=NotUnderstood\n");
}

TEST_CASE("malformed text is a protocol error") {
  TextBench bench;
  CHECK(rejected(bench.send_text("SendTargets=All"), kProtocolError));
  CHECK(rejected(bench.send_text(std::string("=\0", 2)), kProtocolError));
  CHECK(rejected(bench.send({"SendTargets=" + std::string(224, 'x')}), kProtocolError));
}

TEST_CASE("an empty request is answered empty") {
  TextBench bench;
  const auto answer = bench.send_text("");
  CHECK(answer.final);
  CHECK(answer.data.empty());
}

TEST_CASE("A12.06: wildcard portals are announced with the address the session came through") {
  TextBench bench;
  bench.directory.portals = {{"0.0.0.0:3260", 1}};
  bench.login.portal_address = "192.0.2.33:3260";
  bench.exchange.emplace(bench.directory, bench.login);
  CHECK(lines(bench.send({"SendTargets=All"})) ==
        "TargetName=iqn.2026-11.example:a\nTargetAddress=192.0.2.33:3260,1\n");
}

}  // namespace text_exchange_test
