#include "protocol/bytes/writer.hpp"

#include "protocol/bytes/hex.hpp"
#include "protocol/bytes/reader.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace writer_test {

using namespace faultlun::bytes;

TEST_CASE("numbers are written big-endian") {
  Writer out;
  out.u8(1).be16(0x0203).be24(0x040506).be32(0x0708090a).be64(0x0b0c0d0e0f101112).zeros(2);
  CHECK(to_hex(out.view()) == "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 00 00");
}

TEST_CASE("text is cut or filled to its width") {
  Writer out;
  out.padded_text("ABCDEF", 4).padded_text("x", 3).padded_text("y", 3, 0);
  CHECK(to_hex(out.view()) == "41 42 43 44 78 20 20 79 00 00");
}

TEST_CASE("a slot is patched in place, and never outside of what was written") {
  Writer out;
  out.be16(0).u8(0).be32(0).octets(Buffer{7, 8});
  out.patch_be16(0, 0x0102);
  out.patch_u8(2, 3);
  out.patch_be32(3, 0x04050607);
  CHECK(to_hex(out.view()) == "01 02 03 04 05 06 07 07 08");
  CHECK_THROWS_AS(out.patch_u8(9, 1), std::out_of_range);
  CHECK_THROWS_AS(out.patch_be16(8, 1), std::out_of_range);
  CHECK_THROWS_AS(out.patch_be32(6, 1), std::out_of_range);
}

TEST_CASE("what was written is read back") {
  Writer out;
  out.be24(0xabcdef).be64(~std::uint64_t{0});
  const Buffer octets = std::move(out).take();
  Reader in(octets);
  CHECK(in.be24() == 0xabcdef);
  CHECK(in.be64() == ~std::uint64_t{0});
  CHECK(in.ok());
}

}  // namespace writer_test
