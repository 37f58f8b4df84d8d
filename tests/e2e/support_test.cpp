// The test harness under test: a judge nobody checked convinces nobody.  RFC 7143 Appendix A.4,
// §11.
#include "tests/support/raw_initiator.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace support_test {

using namespace faultlun::support;

namespace {

Pdu response_to(std::uint32_t tag, std::uint32_t stat_sn) {
  Pdu pdu;
  pdu.set(0, 0x21).set(1, 0x80).set32(16, tag).set32(24, stat_sn).set32(28, 2).set32(32, 10);
  return pdu;
}

WireCheck judge_with_read(std::uint32_t tag, std::uint32_t expected_length) {
  WireCheck check;
  check.rules.full_feature = true;
  Pdu command = scsi_command(read_10(0, 1), expected_length, kFinal | kRead);
  command.with_tag(tag).with_cmd_sn(1);
  check.note_sent(command);
  return check;
}

bool found(const std::vector<std::string>& findings, std::string_view id) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const auto& f) { return f.starts_with(id); });
}

}  // namespace

TEST_CASE("A9.01 CRC32C agrees with the worked examples of RFC 7143 Appendix A.4") {
  Octets zeros(32), ones(32, 0xff), rising(32), falling(32);
  for (std::uint8_t i = 0; i < 32; ++i) {
    rising[i] = i;
    falling[i] = static_cast<std::uint8_t>(31 - i);
  }
  // The Appendix prints the octets in the order they are sent: least significant first.
  CHECK(crc32c(zeros.data(), 32) == 0x8a9136aau);
  CHECK(crc32c(ones.data(), 32) == 0x62a8ab43u);
  CHECK(crc32c(rising.data(), 32) == 0x46dd794eu);
  CHECK(crc32c(falling.data(), 32) == 0x113fdb5cu);
  CHECK(crc32c(rising.data() + 10, 22, crc32c(rising.data(), 10)) == 0x46dd794eu);
}

TEST_CASE("the judge accepts a well-formed answer and then wants the next StatSN") {
  auto check = judge_with_read(7, 0);
  CHECK(check.check(response_to(7, 100)).empty());
  CHECK(check.next_stat_sn() == 101u);
}

TEST_CASE("the judge reports reserved bits, a wrong StatSN and an answer nobody asked for") {
  auto check = judge_with_read(7, 0);
  CHECK(found(check.check(response_to(7, 100).set(1, 0xc0)), "A2.01"));
  CHECK(found(check.check(response_to(7, 105)), "A3.10"));
  CHECK(found(check.check(response_to(8, 106)), "an answer"));
}

TEST_CASE("the judge reports a window that moves backwards") {
  auto check = judge_with_read(7, 0);
  CHECK(check.check(response_to(7, 1)).empty());
  CHECK(found(check.check(response_to(7, 2).set32(28, 1)), "A3.07"));
  CHECK(found(check.check(response_to(7, 3).set32(32, 9)), "A3.07"));
}

TEST_CASE(
    "the judge reports Data-In out of order, over the expected length, or with a wrong residual") {
  Pdu data_in;
  data_in.set(0, 0x25).set(1, 0x81).set32(16, 7).set32(20, kNoTag).set32(28, 2).set32(32, 10);
  data_in.data = Octets(512);
  auto check = judge_with_read(7, 512);
  CHECK(check.check(data_in).empty());
  check = judge_with_read(7, 512);
  CHECK(found(check.check(Pdu(data_in).set32(36, 1)), "A3.12"));
  check = judge_with_read(7, 512);
  CHECK(found(check.check(Pdu(data_in).set32(40, 4)), "A7.15"));
  check = judge_with_read(7, 256);
  CHECK(found(check.check(data_in), "A8.03"));
  check = judge_with_read(7, 1024);
  CHECK(found(check.check(data_in), "A8.03"));
}

TEST_CASE("the judge reports an R2T outside its command and one too many") {
  WireCheck check;
  check.rules.full_feature = true;
  Pdu command = scsi_command(write_10(0, 2), 1024, kFinal | kWrite);
  check.note_sent(command.with_tag(7).with_cmd_sn(1));
  Pdu r2t;
  r2t.set(0, 0x31).set(1, 0x80).set32(16, 7).set32(20, 1).set32(28, 2).set32(32, 10).set32(44, 512);
  CHECK(check.check(r2t).empty());
  CHECK(found(check.check(Pdu(r2t).set32(20, 2).set32(36, 1).set32(40, 512)), "A8.14"));
  CHECK(found(check.check(Pdu(r2t).set32(20, 3).set32(36, 2).set32(40, 1024)), "A8.13"));
}

TEST_CASE("text is split strictly: a missing NUL or = is an error") {
  std::string error;
  CHECK(parse_text(octets_of(std::string("A=1\0B=\0", 7)), &error) == Keys{{"A", "1"}, {"B", ""}});
  CHECK(error.empty());
  parse_text(octets_of("A=1"), &error);
  CHECK(!error.empty());
  error.clear();
  parse_text(octets_of(std::string("A\0", 2)), &error);
  CHECK(!error.empty());
}

TEST_CASE("binary values survive hex and base64") {
  for (std::size_t length : {0u, 1u, 2u, 3u, 16u, 255u}) {
    const auto value = noise(length, length);
    CHECK(decode_binary(encode_hex(value)) == value);
    CHECK(decode_binary(encode_base64(value)) == value);
  }
}

}  // namespace support_test
