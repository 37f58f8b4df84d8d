#include "config/octets.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace octets_test {

using namespace faultlun::config;
using Octets = std::vector<std::uint8_t>;

namespace {

std::string problem_of(const char* text, std::size_t least, std::size_t most) {
  const Json json = text;
  Problems problems;
  CHECK_FALSE(read_octets(Value(&json, "cdb", problems), least, most));
  REQUIRE(problems.list().size() == 1);
  return to_text(problems.list().front());
}

}  // namespace

TEST_CASE("octets are pairs of hexadecimal digits with spaces as one likes") {
  CHECK(parse_octets("28 00 fF") == Octets{0x28, 0x00, 0xff});
  CHECK(parse_octets("2800ff") == Octets{0x28, 0x00, 0xff});
  CHECK(parse_octets("2800 ff ") == Octets{0x28, 0x00, 0xff});
  CHECK(parse_octets("") == Octets{});
  for (const char* wrong : {"2", "28 0", "2 8", "0x28", "gg", "-1", "+1"})
    CHECK_MESSAGE(!parse_octets(wrong), wrong);
}

TEST_CASE("a value that is no sequence of octets, or too long or short a one, is a problem") {
  CHECK(problem_of("28 0", 1, 16).find("two hexadecimal digits") != std::string::npos);
  CHECK(problem_of("28", 2, 16) == "cdb: has 1 octets; write 2 to 16");
  CHECK(problem_of("28 00 00", 1, 2) == "cdb: has 3 octets; write 1 to 2");
}

}  // namespace octets_test
