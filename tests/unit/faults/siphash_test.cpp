#include "faults/siphash.hpp"

#include <doctest/doctest.h>

#include <string>

namespace faultlun::faults::siphash_test {
namespace {

constexpr std::uint64_t kK0 = 0x0706050403020100;
constexpr std::uint64_t kK1 = 0x0f0e0d0c0b0a0908;

/// 00 01 02 .. of `length` bytes.
std::string counting(std::size_t length) {
  std::string bytes;
  for (std::size_t i = 0; i < length; ++i)
    bytes += static_cast<char>(i);
  return bytes;
}

TEST_CASE("SipHash-2-4 gives the value of appendix A of the paper") {
  CHECK(siphash_2_4(kK0, kK1, counting(15)) == 0xa129ca6149be45e5);
}

TEST_CASE("SipHash-2-4 gives the vectors of the reference implementation") {
  CHECK(siphash_2_4(kK0, kK1, counting(0)) == 0x726fdb47dd0e0e31);
  CHECK(siphash_2_4(kK0, kK1, counting(1)) == 0x74f839c593dc67fd);
  CHECK(siphash_2_4(kK0, kK1, counting(7)) == 0xab0200f58b01d137);
  CHECK(siphash_2_4(kK0, kK1, counting(8)) == 0x93f5f5799a932462);
  CHECK(siphash_2_4(kK0, kK1, counting(63)) == 0x958a324ceb064572);
}

TEST_CASE("a hash taken in pieces is the hash of the whole, wherever it is cut") {
  const std::string bytes = counting(40);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    SipHash hash(kK0, kK1);
    hash.update(std::string_view(bytes).substr(0, cut));
    CHECK(hash.finish() == siphash_2_4(kK0, kK1, bytes.substr(0, cut)));
    hash.update(std::string_view(bytes).substr(cut));
    CHECK(hash.finish() == siphash_2_4(kK0, kK1, bytes));
  }
}

TEST_CASE("bytes above 7fh are not taken for negative numbers") {
  CHECK(siphash_2_4(kK0, kK1, "\xff") == 0xcad12f7b27ddb802);
  CHECK(siphash_2_4(kK0, kK1, "\xff\xff\xff\xff\xff\xff\xff\xff") == 0x2a68ff30a3d9da34);
}

}  // namespace
}  // namespace faultlun::faults::siphash_test
