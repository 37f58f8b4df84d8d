#include "protocol/bytes/crc32c.hpp"

#include "protocol/bytes/hex.hpp"

#include <doctest/doctest.h>

namespace crc32c_test {

using namespace faultlun::bytes;

namespace {

std::string on_the_wire(View octets) {
  std::uint8_t digest[4];
  put_digest(digest, crc32c(octets));
  return to_hex(digest);
}

/// Bit by bit, as the polynomial says: what the fast code must agree with.
std::uint32_t slow_crc32c(View octets) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t octet : octets) {
    crc ^= octet;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("the examples of RFC 7143 Appendix A.4 come out in wire order") {
  Buffer rising(32), falling(32);
  for (std::size_t i = 0; i < 32; ++i) {
    rising[i] = static_cast<std::uint8_t>(i);
    falling[i] = static_cast<std::uint8_t>(31 - i);
  }
  CHECK(on_the_wire(Buffer(32, 0x00)) == "aa 36 91 8a");
  CHECK(on_the_wire(Buffer(32, 0xff)) == "43 ab a8 62");
  CHECK(on_the_wire(rising) == "4e 79 dd 46");
  CHECK(on_the_wire(falling) == "5c db 3f 11");
  CHECK(on_the_wire(
            *from_hex("01 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 00 00 00 00 04 00"
                      "00 00 00 14 00 00 00 18 28 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00")) ==
        "56 3a 96 d9");
}

TEST_CASE("the digest equals the polynomial's for every length and alignment") {
  Buffer octets(700);
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(i * 131 + 7);
  for (std::size_t length = 0; length < 600; ++length) {
    const auto view = View(octets).subspan(length % 17, length);
    CHECK(crc32c(view) == slow_crc32c(view));
  }
}

TEST_CASE("a digest is continued wherever the run is split") {
  Buffer octets(100);
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(255 - i);
  const View all(octets);
  for (std::size_t at = 0; at <= all.size(); ++at) {
    CHECK(crc32c_append(crc32c(all.first(at)), all.subspan(at)) == crc32c(all));
  }
}

TEST_CASE("a digest put on the wire is read back") {
  std::uint8_t octets[4];
  put_digest(octets, 0x01020304);
  CHECK(to_hex(octets) == "04 03 02 01");
  CHECK(get_digest(octets) == 0x01020304);
}

}  // namespace crc32c_test
