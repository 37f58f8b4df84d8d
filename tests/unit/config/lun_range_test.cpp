#include "config/lun_range.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace lun_range_test {

using namespace faultlun::config;

namespace {

std::optional<LunRange> range_of(const char* text) {
  const Json tree = Json::parse(text);
  Problems problems;
  const auto range = read_lun_range(Value(&tree, "lun", problems));
  CHECK(range.has_value() == problems.empty());
  return range;
}

}  // namespace

TEST_CASE("a LUN is a number or a range in a string") {
  CHECK(range_of("7") == LunRange{7, 7});
  CHECK(range_of("\"7\"") == LunRange{7, 7});
  CHECK(range_of("\"2-54\"") == LunRange{2, 54});
  CHECK(range_of("\"0-16383\"") == LunRange{0, 16383});
}

TEST_CASE("what is no LUN and no range is refused") {
  for (const char* text : {"16384", "-1", "1.5", "null", "[]", "\"\"", "\"-\"", "\"3-\"", "\"-3\"",
                           "\"5-4\"", "\"0-16384\"", "\"1-2-3\"", "\"0x1\"", "\"a\""}) {
    CAPTURE(text);
    CHECK_FALSE(range_of(text));
  }
}

}  // namespace lun_range_test
