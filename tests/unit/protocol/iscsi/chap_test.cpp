#include "protocol/iscsi/chap.hpp"

#include "protocol/bytes/hex.hpp"

#include <doctest/doctest.h>

#include <numeric>

namespace chap_test {

using namespace faultlun;
using namespace faultlun::iscsi;

namespace {

bytes::Buffer counting(std::size_t count) {
  bytes::Buffer out(count);
  std::iota(out.begin(), out.end(), std::uint8_t{0});
  return out;
}

}  // namespace

TEST_CASE("responses agree with vectors computed elsewhere: MD5, SHA1, SHA-256, SHA3-256") {
  struct Vector {
    ChapAlgorithm algorithm;
    const char* digest;
  };
  // H(2Ah, "lab-secret-123", 00h..0Fh), from Python's hashlib.
  const Vector vectors[] = {
      {ChapAlgorithm::md5, "a3b493c02ecb570e32a6d655d688c9f5"},
      {ChapAlgorithm::sha1, "eabec8fa05d65e7e10488c7d2b84c7cbf8889433"},
      {ChapAlgorithm::sha256, "9576ec7d3541cc9d2cdc621400a44cdbf100abac3c84159dc3e61adcb2a6f881"},
      {ChapAlgorithm::sha3_256, "5a7b6d9eaa79904fd9355674d1afa880e884488ac07f172c082c07c255b00a7c"},
  };
  for (const auto& [algorithm, digest] : vectors) {
    const auto response = chap_response(algorithm, 0x2a, "lab-secret-123", counting(16));
    CHECK(response == bytes::from_hex(digest));
    CHECK(response.size() == chap_digest_bytes(algorithm));
  }
}

TEST_CASE("A6.05: a secret is octets of any value, NUL included") {
  const std::string with_nul("\0secret\xff", 8);
  const auto challenge = counting(16);
  const auto whole = chap_response(ChapAlgorithm::md5, 1, with_nul, challenge);
  CHECK(whole != chap_response(ChapAlgorithm::md5, 1, "", challenge));
  CHECK(whole != chap_response(ChapAlgorithm::md5, 1, with_nul.substr(0, 7), challenge));
}

TEST_CASE("A6.02: the first supported algorithm of the list is chosen") {
  CHECK(choose_chap_algorithm("5") == ChapAlgorithm::md5);
  CHECK(choose_chap_algorithm("6") == ChapAlgorithm::sha1);
  CHECK(choose_chap_algorithm("7") == ChapAlgorithm::sha256);
  CHECK(choose_chap_algorithm("8") == ChapAlgorithm::sha3_256);
  CHECK(choose_chap_algorithm("5,6,7,8") == ChapAlgorithm::md5);
  CHECK(choose_chap_algorithm("8,7,6,5") == ChapAlgorithm::sha3_256);
  CHECK(choose_chap_algorithm("0x7,5") == ChapAlgorithm::sha256);
}

TEST_CASE("A4.09: unknown algorithms are skipped, and none at all is no choice") {
  CHECK(choose_chap_algorithm("99,8,7,6,5") == ChapAlgorithm::sha3_256);
  CHECK(choose_chap_algorithm("MD5,,5") == ChapAlgorithm::md5);
  for (const std::string list : {"", "1", "4,9", "None", ",", "05", "261"}) {
    CAPTURE(list);
    CHECK_FALSE(choose_chap_algorithm(list).has_value());
  }
}

TEST_CASE("octets are the same only with the same length and content") {
  CHECK(same_octets(counting(16), counting(16)));
  CHECK_FALSE(same_octets(counting(16), counting(15)));
  CHECK_FALSE(same_octets(counting(1), bytes::Buffer{1}));
  CHECK(same_octets({}, {}));
}

}  // namespace chap_test
