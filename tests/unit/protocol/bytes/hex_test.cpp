#include "protocol/bytes/hex.hpp"

#include <doctest/doctest.h>

namespace hex_test {

using namespace faultlun::bytes;

TEST_CASE("octets become lower-case pairs with spaces, nothing becomes nothing") {
  CHECK(to_hex(Buffer{0x00, 0x1f, 0xa0}) == "00 1f a0");
  CHECK(to_hex({}).empty());
}

TEST_CASE("hexadecimal text is read with white space and comments") {
  CHECK(from_hex("00 1F\n\ta0 # the rest is talk: zz\nff") == Buffer{0x00, 0x1f, 0xa0, 0xff});
  CHECK(from_hex("0102 0304") == Buffer{1, 2, 3, 4});
  CHECK(from_hex("") == Buffer{});
  CHECK(from_hex("# only a comment") == Buffer{});
}

TEST_CASE("odd digits and other characters are refused") {
  CHECK_FALSE(from_hex("0").has_value());
  CHECK_FALSE(from_hex("00 1").has_value());
  CHECK_FALSE(from_hex("0 0").has_value());
  CHECK_FALSE(from_hex("0g").has_value());
  CHECK_FALSE(from_hex("0x00").has_value());
}

TEST_CASE("all octets survive the way to text and back") {
  Buffer all(256);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::uint8_t>(i);
  CHECK(from_hex(to_hex(all)) == all);
}

}  // namespace hex_test
