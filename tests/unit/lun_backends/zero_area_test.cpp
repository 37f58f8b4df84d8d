#include "lun_backends/zero_area.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace zero_area_test {

using namespace faultlun::lun_backends;

TEST_CASE("the zero area is one area of zeros for the whole process") {
  const auto area = zero_area();
  CHECK(area.size() == kZeroAreaBytes);
  CHECK(std::ranges::all_of(area, [](auto octet) { return octet == 0; }));
  CHECK(zero_area().data() == area.data());
}

}  // namespace zero_area_test
