// Every kind of PDU that a session sends, octet for octet, written by hand from the figures of RFC
// 7143 §11.
#include "pdu_builders.hpp"
#include "protocol/bytes/hex.hpp"

namespace faultlun::iscsi::session_golden_test {
namespace {

using namespace testing;

/// The octets in the outbox, as text.
std::string sent(Bench& bench) {
  std::string all;
  for (const auto& answer : bench.answers()) {
    Buffer octets = answer.header;
    octets.insert(octets.end(), answer.data.begin(), answer.data.end());
    all += bytes::to_hex(octets);
  }
  return all;
}

std::string golden(std::string_view text) {
  const auto octets = bytes::from_hex(text);
  REQUIRE(octets.has_value());
  return bytes::to_hex(*octets);
}

TEST_CASE("golden: SCSI Response, GOOD with underflow (§11.4)") {
  Bench bench(16);
  bench.good(bench.start(read_command(0x01020304, 512)));
  CHECK(sent(bench) == golden(R"(21 82 00 00  00 000000  # F, U; response 0, GOOD
    0000000000000000  01020304  00000000  000001f4      # ITT, SNACK tag, StatSN
    00000065  00000074  00000000  00000000  00000200)"));
}

TEST_CASE("golden: SCSI Response, CHECK CONDITION with sense (§11.4.7)") {
  Bench bench(16);
  scsi::Sense sense;
  sense.code = {5, 0x20, 0};
  bench.finish(bench.start(test_unit_ready(1)), scsi::check_condition(sense));
  CHECK(sent(bench) == golden(R"(21 80 00 02  00 000014
    0000000000000000  00000001  00000000  000001f4
    00000065  00000074  00000000  00000000  00000000
    0012  70 00 05 00000000 0a 00000000 20 00 00 000000)"));
}

TEST_CASE("golden: SCSI Response, CHECK CONDITION without any sense data") {
  Bench bench(16);
  scsi::Reply reply = scsi::with_status(scsi::Status::check_condition);
  reply.raw_sense.emplace();
  bench.finish(bench.start(test_unit_ready(1)), std::move(reply));
  CHECK(sent(bench) == golden(R"(21 80 00 02  00 000000
    0000000000000000  00000001  00000000  000001f4
    00000065  00000074  00000000  00000000  00000000)"));
}

TEST_CASE("golden: SCSI Response, sense data as a rule dictates it stands in place of the sense") {
  Bench bench(16);
  scsi::Reply reply = scsi::check_condition({});
  reply.raw_sense = bytes::Buffer{0x7f, 0x01, 0x02};
  bench.finish(bench.start(test_unit_ready(1)), std::move(reply));
  CHECK(sent(bench) == golden(R"(21 80 00 02  00 000005
    0000000000000000  00000001  00000000  000001f4
    00000065  00000074  00000000  00000000  00000000
    0003 7f0102)"));
}

TEST_CASE("dictated sense data never exceeds the smallest MaxRecvDataSegmentLength") {
  for (const std::size_t length : {scsi::kMaxRawSenseBytes, scsi::kMaxRawSenseBytes + 1}) {
    Bench bench(16);
    scsi::Reply reply = scsi::check_condition({});
    reply.raw_sense.emplace(length, std::uint8_t{0xaa});
    bench.finish(bench.start(test_unit_ready(1)), std::move(reply));
    const auto answers = bench.answers();
    REQUIRE(answers.size() == 1);
    REQUIRE(answers[0].data.size() == 512);
    CHECK(bytes::be16(answers[0].data.data()) == 510);
  }
}

TEST_CASE("golden: SCSI Response, the status qualifier from level 2 on alone (RFC 7144 §5.2)") {
  for (const int level : {0, 1, 2}) {
    Parameters parameters;
    parameters.protocol_level = static_cast<std::uint8_t>(level);
    Bench bench(16, parameters);
    scsi::Reply reply = scsi::with_status(scsi::Status::task_set_full);
    reply.status_qualifier = 0x4032;
    bench.finish(bench.start(test_unit_ready(1)), std::move(reply));
    const std::string qualifier = level == 2 ? "4032" : "0000";
    CHECK(sent(bench) == golden("21 80 00 28  00 000000 " + qualifier + R"(
      000000000000  00000001  00000000  000001f4
      00000065  00000074  00000000  00000000  00000000)"));
  }
}

TEST_CASE("GOOD with a qualifier leaves the last Data-In PDU and has a response of its own") {
  Bench bench(16, with([](Parameters& p) { p.protocol_level = 2; }));
  scsi::Reply reply;
  reply.data_in = {0xaa, 0xbb, 0xcc, 0xdd};
  reply.data_in_length = 4;
  reply.status_qualifier = 1;
  bench.finish(bench.start(read_command(1, 4)), std::move(reply));
  CHECK(sent(bench) == golden(R"(25 80 00 00  00 000004
    0000000000000000  00000001  ffffffff  00000000
    00000065  00000073  00000000  00000000  00000000  aabbccdd)") +
                           golden(R"(21 80 00 00  00 000000
    0001000000000000  00000001  00000000  000001f4
    00000065  00000074  00000001  00000000  00000000)"));
}

TEST_CASE("golden: SCSI Data-In with GOOD (§11.7)") {
  Bench bench(16);
  scsi::Reply reply;
  reply.data_in = {0xaa, 0xbb, 0xcc, 0xdd};
  reply.data_in_length = 4;
  bench.finish(bench.start(read_command(1, 4)), std::move(reply));
  CHECK(sent(bench) == golden(R"(25 81 00 00  00 000004
    0000000000000000  00000001  ffffffff  000001f4
    00000065  00000074  00000000  00000000  00000000  aabbccdd)"));
}

TEST_CASE("golden: Ready To Transfer (§11.8)") {
  Bench bench(16);
  bench.collect(bench.start(write_command(1, 4096).lun(3)), 4096);
  CHECK(sent(bench) == golden(R"(31 80 00 00  00 000000
    0003000000000000  00000001  00000001  000001f4
    00000065  00000073  00000000  00000000  00001000)"));
}

TEST_CASE("golden: Task Management Function Response with information (§11.6, RFC 7144 §6.2)") {
  Bench bench(16, with([](Parameters& p) { p.protocol_level = 2; }));
  bench.send(task_management(5, 12));
  bench.session->finish_task_management(5, 7, 0xabcdef, bench.out);
  CHECK(sent(bench) == golden(R"(22 80 07 00  00 000000
    abcdef0000000000  00000005  00000000  000001f4
    00000064  00000073  00000000  00000000  00000000)"));
}

TEST_CASE("golden: Asynchronous Message (§11.9)") {
  Bench bench(16);
  bench.session->send_async_event(3, 0x0102, 2, 20, bench.out);
  CHECK(sent(bench) == golden(R"(32 80 00 00  00 000000
    0000000000000000  ffffffff  00000000  000001f4
    00000064  00000073  03 00 0102  0002 0014  00000000)"));
}

TEST_CASE("golden: Logout Response (§11.15)") {
  Bench bench(16);
  bench.send(logout(9, 0));
  CHECK(sent(bench) == golden(R"(26 80 00 00  00 000000
    0000000000000000  00000009  00000000  000001f4
    00000064  00000073  00000000  0000 0000  00000000)"));
}

TEST_CASE("golden: Reject of an unknown opcode (§11.17)") {
  Bench bench(16);
  bench.raw(basic(0x1e).itt(7));
  CHECK(sent(bench) == golden(R"(3f 80 05 00  00 000030
    0000000000000000  ffffffff  00000000  000001f4
    00000064  00000073  00000000  00000000  00000000
    1e 80 00 00  00 000000
    0000000000000000  00000007  00000000  00000000
    00000000  00000000  00000000  00000000  00000000)"));
}

TEST_CASE("golden: NOP-In, an answer and a ping (§11.19)") {
  Bench bench(16);
  bench.send(nop_out(7).with({1, 2, 3, 4}));
  CHECK(sent(bench) == golden(R"(20 80 00 00  00 000004
    0000000000000000  00000007  ffffffff  000001f4
    00000065  00000074  00000000  00000000  00000000  01020304)"));
  bench.session->send_nop_in(true, bench.out);
  CHECK(sent(bench) == golden(R"(20 80 00 00  00 000000
    0000000000000000  ffffffff  00000001  000001f5
    00000065  00000074  00000000  00000000  00000000)"));
}

TEST_CASE("golden: Text Response without keys (§11.11)") {
  Bench bench(16);
  bench.send(text_request(3, ""));
  CHECK(sent(bench) == golden(R"(24 80 00 00  00 000000
    0000000000000000  00000003  ffffffff  000001f4
    00000065  00000074  00000000  00000000  00000000)"));
}

}  // namespace
}  // namespace faultlun::iscsi::session_golden_test
