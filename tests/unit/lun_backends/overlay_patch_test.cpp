#include "lun_backends/overlay_patch.hpp"

#include <doctest/doctest.h>

namespace overlay_patch_test {

using namespace faultlun::lun_backends;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes seen(const Patch& patch, std::uint64_t offset, Bytes below) {
  apply(patch, offset, below);
  return below;
}

}  // namespace

TEST_CASE("a patch shows other bytes, from whatever byte it is looked at") {
  const auto patch = patch_showing(100, {1, 2, 3, 4});
  CHECK(patch.length_bytes == 4);
  CHECK(patch.is_opaque());
  CHECK(seen(patch, 100, {9, 9, 9, 9}) == Bytes{1, 2, 3, 4});
  CHECK(seen(patch, 102, {9}) == Bytes{3});
  CHECK(seen(patch, 104, {}).empty());
}

TEST_CASE("a filling patch repeats its unit from its first byte, and is zeros without one") {
  const auto patch = patch_filling(10, 100, {1, 2, 3});
  CHECK(seen(patch, 10, Bytes(7)) == Bytes{1, 2, 3, 1, 2, 3, 1});
  CHECK(seen(patch, 15, Bytes(4)) == Bytes{3, 1, 2, 3});
  CHECK(seen(patch_filling(10, 100), 50, {7, 8}) == Bytes{0, 0});
}

TEST_CASE("flipped bits are flipped and the others are as they were") {
  const auto patch = patch_flipping(0, 6, {0x01, 0x80, 0x00});
  CHECK_FALSE(patch.is_opaque());
  CHECK(seen(patch, 0, {0xff, 0xff, 0xff, 0x00, 0x00, 0x00}) ==
        Bytes{0xfe, 0x7f, 0xff, 0x01, 0x80, 0x00});
  CHECK(seen(patch_flipping(0, 2, {}), 0, {5, 6}) == Bytes{5, 6});
}

TEST_CASE("stuck bits are one or zero whatever is written") {
  CHECK(seen(patch_setting(0, 4, {0x0f, 0x00}), 0, {0x00, 0x12, 0xff, 0xff}) ==
        Bytes{0x0f, 0x12, 0xff, 0xff});
  CHECK(seen(patch_clearing(0, 4, {0x0f, 0x00}), 0, {0x00, 0x12, 0xff, 0xff}) ==
        Bytes{0x00, 0x12, 0xf0, 0xff});
  CHECK(seen(patch_setting(0, 2, {}), 0, {5, 6}) == Bytes{5, 6});
  CHECK(seen(patch_clearing(0, 2, {}), 0, {5, 6}) == Bytes{5, 6});
}

}  // namespace overlay_patch_test
