#include "lun_backends/null_device.hpp"

#include "device_bench.hpp"
#include "lun_backends/zero_area.hpp"

#include <doctest/doctest.h>

#include <cstdint>

namespace null_device_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

TEST_CASE("a null device reads as zeros whatever was written to it") {
  NullDevice device(1u << 20);
  CHECK_FALSE(write(device, 512, noise(4096, 1)));
  CHECK(read(device, 0, 8192) == filled(8192, 0));
}

TEST_CASE("a null device is instant and any size costs nothing") {
  NullDevice device(std::uint64_t{1} << 63);
  CHECK(device.instant());
  CHECK(device.size_bytes() == std::uint64_t{1} << 63);
  CHECK(read(device, (std::uint64_t{1} << 63) - 512, 512) == filled(512, 0));
  CHECK_FALSE(discard(device, 0, std::uint64_t{1} << 63));
  CHECK_FALSE(flush(device));
}

TEST_CASE("a null device shows zeros without a copy, as many as there are in one piece") {
  NullDevice device(std::uint64_t{1} << 40);
  PinnedView view = device.view(512, 4096);
  CHECK(copy_of(view) == filled(4096, 0));
  view.release();
  CHECK(device.view(0, std::uint64_t{1} << 30).octets.size() == kZeroAreaBytes);
}

TEST_CASE("a null device refuses what lies beyond its end") {
  NullDevice device(4096);
  CHECK(write(device, 4096, noise(512, 1)) == errc::invalid_argument);
  CHECK(write(device, 3584, noise(1024, 1)) == errc::invalid_argument);
  CHECK(discard(device, ~std::uint64_t{0}, 2) == errc::invalid_argument);
  CHECK(device.view(4096, 512).octets.empty());
}

}  // namespace null_device_test
