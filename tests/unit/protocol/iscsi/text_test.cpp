#include "protocol/iscsi/text.hpp"

#include <doctest/doctest.h>

namespace text_test {

using namespace faultlun;
using namespace faultlun::iscsi;
using namespace std::string_literals;

TEST_CASE("a text of two pairs is split at its NULs, and a value may hold '='") {
  const std::string text = "A=1\0CHAP_C=0bAAA=\0"s;
  const auto parsed = parse_text(text);
  REQUIRE(parsed.pairs.size() == 2);
  CHECK(parsed.pairs[0].key == "A");
  CHECK(parsed.pairs[0].value == "1");
  CHECK(parsed.pairs[1].value == "0bAAA=");
}

TEST_CASE("an empty text and an empty value are well formed") {
  CHECK(parse_text("").problem == nullptr);
  const std::string text = "SendTargets=\0"s;
  REQUIRE(parse_text(text).pairs.size() == 1);
  CHECK(parse_text(text).pairs[0].value.empty());
}

TEST_CASE("A4.01: a last pair without its NUL is malformed") {
  CHECK(parse_text("A=1").problem != nullptr);
  CHECK(parse_text("A=1\0B=2"s).problem != nullptr);
}

TEST_CASE("NULs after the last pair are padding, a NUL between pairs is not") {
  CHECK(parse_text("A=1\0\0\0"s).pairs.size() == 1);
  CHECK(parse_text("\0\0"s).problem == nullptr);
  CHECK(parse_text("A=1\0\0B=2\0"s).problem != nullptr);
}

TEST_CASE(
    "malformed pairs: no '=', no key, a first character that is no letter, a foreign character") {
  for (const auto& text :
       {"AB\0"s, "=1\0"s, "1A=1\0"s, ".A=1\0"s, "#=1\0"s, "A B=1\0"s, "A\x80=1\0"s, "A,=1\0"s}) {
    CAPTURE(text);
    CHECK(parse_text(text).problem != nullptr);
    CHECK(parse_text(text).pairs.empty());
  }
}

TEST_CASE("a key of 63 bytes passes, one of 64 does not") {
  CHECK(parse_text(std::string(63, 'K') + "=1\0"s).pairs.size() == 1);
  CHECK(parse_text(std::string(64, 'K') + "=1\0"s).problem != nullptr);
}

TEST_CASE("keys with every permitted character pass, iSCSIProtocolLevel's small first letter too") {
  CHECK(parse_text("iSCSIProtocolLevel=1\0"s).pairs.size() == 1);
  CHECK(parse_text("X-com.example_a+b@c=1\0X#NodeArchitecture=z\0"s).pairs.size() == 2);
}

TEST_CASE("numbers are decimal or 0x hexadecimal (A4.10)") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number("262144") == 262144U);
  CHECK(parse_number("0x40000") == 262144U);
  CHECK(parse_number("0X00fF") == 255U);
  CHECK(parse_number("18446744073709551615") == 0xffffffffffffffffU);
  CHECK(parse_number("0xffffffffffffffff") == 0xffffffffffffffffU);
}

TEST_CASE("what is not a number is not read as one") {
  for (const std::string text : {"", "-1", "+1", " 1", "1 ", "01", "1.0", "0x", "0xg", "1k", "Yes",
                                 "512~1024", "18446744073709551616", "0x10000000000000000"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text).has_value());
  }
}

TEST_CASE(
    "binary values: hexadecimal in either case, an odd count has a leading zero digit (A6.04)") {
  CHECK(decode_binary("0x00fF") == bytes::Buffer{0x00, 0xff});
  CHECK(decode_binary("0XABC") == bytes::Buffer{0x0a, 0xbc});
}

TEST_CASE("binary values: base64 with and without its equals signs (A6.04)") {
  CHECK(decode_binary("0bAAEC") == bytes::Buffer{0, 1, 2});
  CHECK(decode_binary("0B/+8=") == bytes::Buffer{0xff, 0xef});
  CHECK(decode_binary("0b/+8") == bytes::Buffer{0xff, 0xef});
  CHECK(decode_binary("0bfw==") == bytes::Buffer{0x7f});
}

TEST_CASE("malformed binary values are refused") {
  for (const std::string text : {"", "0", "0x", "0b", "0b=", "0xzz", "0b!!!!", "0bA", "0bAAAAA",
                                 "123", "0b====", "0bAA=A", "x00", "0d12"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_binary(text).has_value());
  }
}

TEST_CASE("a binary value of 1024 bytes passes in both forms, one of 1025 does not (A6.04)") {
  CHECK(decode_binary("0x" + std::string(2048, '7'))->size() == 1024);
  CHECK_FALSE(decode_binary("0x" + std::string(2050, '7')).has_value());
  CHECK(decode_binary("0b" + std::string(1366, 'A'))->size() == 1024);  // 1366 * 6 / 8 = 1024.5
  CHECK_FALSE(decode_binary("0b" + std::string(1367, 'A')).has_value());
}

TEST_CASE("what encode_binary writes, decode_binary reads") {
  const bytes::Buffer octets{0x00, 0x01, 0x7f, 0x80, 0xff};
  CHECK(encode_binary(octets) == "0x00017f80ff");
  CHECK(decode_binary(encode_binary(octets)) == octets);
}

TEST_CASE("transfer tags never become FFFFFFFFh") {
  CHECK(next_transfer_tag(0) == 1);
  CHECK(next_transfer_tag(0xfffffffd) == 0xfffffffe);
  CHECK(next_transfer_tag(0xfffffffe) == 0);
  CHECK(next_transfer_tag(0xffffffff) == 0);
}

}  // namespace text_test
