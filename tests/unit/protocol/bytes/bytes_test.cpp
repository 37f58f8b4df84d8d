#include "protocol/bytes/bytes.hpp"

#include <doctest/doctest.h>

namespace bytes_test {

using namespace faultlun::bytes;

namespace {

struct Pair {
  std::uint8_t first, second;
};
static_assert(WireStruct<Pair>);
static_assert(!WireStruct<std::uint32_t>);

}  // namespace

TEST_CASE("a wire struct is copied out of octets and back") {
  const Buffer octets{3, 4};
  const auto pair = load<Pair>(View(octets).first<2>());
  CHECK(pair.first == 3);
  CHECK(pair.second == 4);
  Buffer out(2);
  store<Pair>(Span(out).first<2>(), pair);
  CHECK(out == octets);
}

TEST_CASE("lengths are padded to multiples of four") {
  CHECK(padded4(0) == 0);
  CHECK(padded4(1) == 4);
  CHECK(padded4(4) == 4);
  CHECK(padded4(5) == 8);
}

TEST_CASE("text and octets see the same memory") {
  CHECK(text(of("iqn")) == "iqn");
  CHECK(of("A")[0] == 0x41);
}

TEST_CASE("48-bit numbers are loaded big-endian") {
  const Buffer octets{0, 1, 2, 3, 4, 5};
  CHECK(be48(octets.data()) == 0x000102030405);
}

}  // namespace bytes_test
