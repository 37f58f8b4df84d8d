#include "protocol/bytes/reader.hpp"

#include <doctest/doctest.h>

namespace reader_test {

using namespace faultlun::bytes;

TEST_CASE("numbers are read big-endian, one after the other") {
  const Buffer octets{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 9};
  Reader in(octets);
  CHECK(in.u8() == 0x01);
  CHECK(in.be16() == 0x0203);
  CHECK(in.be24() == 0x040506);
  CHECK(in.be32() == 0x01020304);
  CHECK(in.be64() == 9);
  CHECK(in.ok());
  CHECK(in.remaining() == 0);
}

TEST_CASE("after one short read every later read fails and is zero") {
  const Buffer octets{1, 2, 3};
  Reader in(octets);
  CHECK(in.be32() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.u8() == 0);
  CHECK(in.take(0).empty());
  CHECK(in.remaining() == 0);
  CHECK_FALSE(in.ok());
}

TEST_CASE("take gives exactly what is asked, or nothing") {
  const Buffer octets{1, 2, 3};
  Reader in(octets);
  CHECK(in.take(2).size() == 2);
  CHECK(in.remaining() == 1);
  CHECK(in.take(2).empty());
  CHECK_FALSE(in.ok());
}

TEST_CASE("nothing at all can be read from nothing") {
  Reader in(View{});
  CHECK(in.ok());
  CHECK(in.u8() == 0);
  CHECK_FALSE(in.ok());
}

}  // namespace reader_test
