#include "faults/parameter.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::parameter_test {
namespace {

constexpr std::string_view kColours[] = {"red", "green"};
constexpr Parameter kRows[] = {
    {.name = "n", .kind = Kind::number},
    {.name = "on", .kind = Kind::flag},
    {.name = "colour", .kind = Kind::choice, .choices = kColours},
};

TEST_CASE("what was left out is the fallback, what was given is itself") {
  Arguments arguments(kRows);
  CHECK_FALSE(arguments.has("n"));
  CHECK(arguments.number("n", 7) == 7);
  CHECK(arguments.flag("on", true));
  CHECK(arguments.choice("colour", 1) == 1);
  CHECK_FALSE(arguments.maybe<std::uint64_t>("n").has_value());
  arguments.set("n", std::uint64_t{3});
  arguments.set("on", false);
  arguments.set("colour", std::string("red"));
  CHECK(arguments.has("n"));
  CHECK(arguments.number("n", 7) == 3);
  CHECK_FALSE(arguments.flag("on", true));
  CHECK(arguments.choice("colour", 1) == 0);
  CHECK(arguments.text("colour") == "red");
}

TEST_CASE("arguments are equal when rows and values are") {
  Arguments a(kRows), b(kRows);
  CHECK((a == b));
  a.set("n", std::uint64_t{1});
  CHECK_FALSE((a == b));
  b.set("n", std::uint64_t{1});
  CHECK((a == b));
  CHECK_FALSE((Arguments() == a));
}

}  // namespace
}  // namespace faultlun::faults::parameter_test
