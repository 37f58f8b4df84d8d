#include "config/object.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace object_test {

using namespace faultlun::config;
using namespace std::chrono_literals;

namespace {

constexpr Key kKeys[] = {{"count", true, "number", "", ""}, {"opcodes", false, "array", "[]", ""}};
constexpr Shape kThing{"thing", "thing", kKeys};

/// A value of a JSON text, and what was wrong with it.
struct Bench {
  explicit Bench(std::string_view text) : tree(Json::parse(text)), value(&tree, "x", problems) {}
  std::string message() const {
    return problems.list().size() == 1 ? problems.list()[0].message
                                       : std::to_string(problems.list().size()) + " problems";
  }
  Json tree;
  Problems problems;
  Value value;
};

}  // namespace

TEST_CASE("a whole number is never wrapped, truncated or rounded") {
  CHECK(Bench("255").value.whole<std::uint8_t>(0, 255) == 255);
  CHECK(Bench("18446744073709551615").value.whole<std::uint64_t>(0, UINT64_MAX) == UINT64_MAX);
  for (const char* text : {"-1", "256", "70000", "1.9", "1.0", "1e2", "18446744073709551616",
                           "-0.0", "\"7\"", "true", "null", "[7]", "{}"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.whole<std::uint8_t>(0, 255));
    CHECK(bench.message().find("; write a whole number from 0 to 255") != std::string::npos);
    CHECK(bench.problems.list()[0].path == "x");
  }
}

TEST_CASE("a whole number below its range is refused") {
  Bench bench("0");
  CHECK_FALSE(bench.value.whole<std::uint16_t>(1, 65535));
  CHECK(bench.message() == "is 0; write a whole number from 1 to 65535");
}

TEST_CASE("a string has a least and a greatest length and no control characters") {
  CHECK(Bench("\"abc\"").value.text(1, 3) == "abc");
  CHECK(Bench("\"\"").value.text(0, 3) == "");
  for (const char* text : {"\"\"", "\"abcd\"", "\"a\\n\"", "\"a\\u0000\"", "\"a\\u007f\"", "5",
                           "null", "true", "[]", "{}"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.text(1, 3));
    CHECK(bench.message().find(';') != std::string::npos);
  }
}

TEST_CASE("only true and false are booleans") {
  CHECK(Bench("true").value.boolean() == true);
  CHECK(Bench("false").value.boolean() == false);
  for (const char* text : {"0", "1", "\"true\"", "null", "[]"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.boolean());
    CHECK(bench.message().find("; write true or false") != std::string::npos);
  }
}

TEST_CASE("a size is a string with a unit or a whole number of bytes") {
  CHECK(Bench("\"1KiB\"").value.size_bytes() == 1024);
  CHECK(Bench("512").value.size_bytes() == 512);
  for (const char* text :
       {"-512", "1.5", "\"1.5GiB\"", "\"\"", "null", "true", "[]", "18446744073709551616"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.size_bytes());
    CHECK(bench.message().find(';') != std::string::npos);
  }
}

TEST_CASE("a duration is a string with a unit inside its range") {
  CHECK(Bench("\"250ms\"").value.duration(1ms, 1s) == 250ms);
  for (const char* text : {"250", "\"250\"", "\"2s\"", "\"1us\"", "null", "0.25", "\"x\""}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.duration(1ms, 1s));
    CHECK(bench.message().find(';') != std::string::npos);
  }
}

TEST_CASE("a seed is a number or a string") {
  CHECK(Bench("\"0x5eed\"").value.seed() == 0x5eed);
  CHECK(Bench("7").value.seed() == 7);
  for (const char* text : {"-7", "7.0", "\"seven\"", "null", "[]"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(bench.value.seed());
    CHECK(bench.message().find(';') != std::string::npos);
  }
}

TEST_CASE("a choice names what can be chosen and suggests the closest") {
  constexpr std::string_view names[] = {"memory", "file"};
  CHECK(Bench("\"file\"").value.one_of(names) == 1u);
  Bench close("\"memroy\"");
  CHECK_FALSE(close.value.one_of(names));
  CHECK(close.message() ==
        "unknown value \"memroy\" (did you mean \"memory\"?); known: memory and file");
  Bench number("1");
  CHECK_FALSE(number.value.one_of(names));
  CHECK(number.message() == "is 1; write one of memory and file, in quotes");
}

TEST_CASE("an array has a greatest length and its elements have paths") {
  const Bench good("[1, 2]");
  const auto items = good.value.items(2);
  REQUIRE(items.size() == 2);
  CHECK(items[1].path() == "x[1]");
  const Bench longer("[1, 2, 3]");
  CHECK(longer.value.items(2).empty());
  CHECK(longer.message() == "has 3 elements; the most is 2");
  const Bench wrong("{}");
  CHECK(wrong.value.items(2).empty());
  CHECK(wrong.message() == "is an object; write an array in [ ]");
}

TEST_CASE("what is absent is no problem to any reader") {
  Problems problems;
  const Value absent(nullptr, "x", problems);
  constexpr std::string_view names[] = {"a"};
  CHECK_FALSE(absent.present());
  CHECK_FALSE(absent.text(1, 2));
  CHECK_FALSE(absent.boolean());
  CHECK_FALSE(absent.whole<std::uint8_t>(1, 2));
  CHECK_FALSE(absent.size_bytes());
  CHECK_FALSE(absent.seed());
  CHECK_FALSE(absent.duration(0s, 1s));
  CHECK_FALSE(absent.one_of(names));
  CHECK(absent.items(1).empty());
  CHECK(problems.empty());
}

TEST_CASE("an unknown key is an error at its path, with the key that was meant") {
  Bench bench(R"({"count": 1, "oppcodes": [], "colour": 3})");
  Object in(bench.value, kThing);
  CHECK(in.required("count").whole<std::uint8_t>(0, 9) == 1);
  CHECK_FALSE(in.optional("opcodes").present());
  in.finish();
  REQUIRE(bench.problems.list().size() == 2);
  CHECK(to_text(bench.problems.list()[0]) == "x.oppcodes: unknown key (did you mean \"opcodes\"?)");
  CHECK(to_text(bench.problems.list()[1]) ==
        "x.colour: unknown key; known here: count and opcodes");
}

TEST_CASE("a required key that is missing is an error that says what to add") {
  Bench bench("{}");
  Object in(bench.value, kThing);
  CHECK_FALSE(in.required("count").present());
  in.optional("opcodes");
  in.finish();
  CHECK(bench.message() == "missing; add \"count\" (number)");
  CHECK(bench.problems.list()[0].path == "x.count");
}

TEST_CASE("what should be an object and is not is one error, not one for every key") {
  for (const char* text : {"[]", "7", "\"x\"", "null", "true"}) {
    Bench bench(text);
    Object in(bench.value, kThing);
    in.required("count");
    in.optional("opcodes");
    in.finish();
    CHECK(bench.message().find("; write an object in { }") != std::string::npos);
  }
}

}  // namespace object_test
