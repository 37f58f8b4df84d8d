#include "config/arguments.hpp"

#include "tests/unit/config/rule_bench.hpp"

namespace arguments_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using faults::Ratio;
using faults::SenseRef;
using namespace std::chrono_literals;

namespace {

struct Bench {
  explicit Bench(const std::string& text, std::span<const Parameter> parameters = kEvery)
      : tree(Json::parse(text)),
        arguments(read_arguments(Value(&tree, "f", problems), parameters)) {}
  Json tree;
  Problems problems;
  Arguments arguments;
};

void check_bad_argument(const char* text, const char* path, const char* reason) {
  const Bench bench(text);
  CAPTURE(std::string(text));
  REQUIRE(bench.problems.list().size() == 1);
  CAPTURE(bench.problems.list()[0].message);
  CHECK(bench.problems.list()[0].path == path);
  CHECK(bench.problems.list()[0].message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("a parameter of every kind arrives as its type") {
  const Bench bench(R"({"flag": true, "number": "0x10", "difference": -8, "decimal": 0.25,
    "choice": "green", "text": "hi", "octets": "46 49", "duration": "250ms", "size": "1KiB",
    "sense_key": "MEDIUM_ERROR", "sense_code": "03/11/00", "lun": 7, "numbers": [1, "0x2"],
    "decimals": [0.5, "1/3"], "durations": ["1ms", 5], "codes": ["11/00"],
    "objects": [{"tmf": "a", "delay_ms": 3}, {"tmf": "b"}], "object": {"tmf": "c"}})");
  CHECK(bench.problems.empty());
  const Arguments& a = bench.arguments;
  CHECK(a.flag("flag"));
  CHECK(a.number("number") == 16);
  CHECK(a.value<std::int64_t>("difference") == -8);
  CHECK(a.maybe<Ratio>("decimal") == Ratio{1, 4});
  CHECK(a.choice("choice") == 1);
  CHECK(a.text("text") == "hi");
  CHECK(a.value<bytes::Buffer>("octets") == bytes::Buffer{0x46, 0x49});
  CHECK(a.value<std::chrono::nanoseconds>("duration") == 250ms);
  CHECK(a.number("size") == 1024);
  CHECK(a.number("sense_key") == 3);
  CHECK(a.maybe<SenseRef>("sense_code") == SenseRef{std::uint8_t{3}, 0x11, 0});
  CHECK(a.number("lun") == 7);
  CHECK(a.value<std::vector<std::uint64_t>>("numbers") == std::vector<std::uint64_t>{1, 2});
  CHECK(a.value<std::vector<Ratio>>("decimals") == std::vector<Ratio>{{1, 2}, {1, 3}});
  CHECK(a.value<std::vector<std::chrono::nanoseconds>>("durations") ==
        std::vector<std::chrono::nanoseconds>{1ms, 5us});
  CHECK(a.value<std::vector<SenseRef>>("codes") == std::vector<SenseRef>{{std::nullopt, 0x11, 0}});
  const auto steps = a.value<std::vector<Arguments>>("objects");
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].value<std::chrono::nanoseconds>("delay") == 3ms);
  CHECK(steps[1].text("tmf") == "b");
  CHECK(a.value<std::vector<Arguments>>("object").at(0).text("tmf") == "c");
}

TEST_CASE("arguments print and read back equal, and what was left out stays out") {
  for (const char* text :
       {"{}", R"({"decimal": "1/3"})", R"({"difference": -9223372036854775807})",
        R"({"flag": false, "duration_us": 1500, "octets": "00ff", "sense_code": "0B/47/03"})",
        R"({"objects": [{"tmf": "x", "delay": "1h"}], "object": {"tmf": "y"}, "decimals": []})"}) {
    CAPTURE(text);
    const Bench first(text);
    REQUIRE(first.problems.empty());
    const Json printed = arguments_to_json(first.arguments);
    const Bench again(printed.dump());
    CHECK(again.problems.empty());
    CHECK(again.arguments == first.arguments);
    CHECK(arguments_to_json(again.arguments) == printed);
  }
  CHECK(arguments_to_json(Bench("{}").arguments) == Json::object());
}

TEST_CASE("a wrong argument of every kind is refused at its path") {
  check_bad_argument(R"({"flag": 1})", "f.flag", "true or false");
  check_bad_argument(R"({"number": 0})", "f.number", "from 1 to 100");
  check_bad_argument(R"({"number": "0x65"})", "f.number", "from 1 to 100");
  check_bad_argument(R"({"number": "12"})", "f.number", "0x");
  check_bad_argument(R"({"number": -1})", "f.number", "from 1 to 100");
  check_bad_argument(R"({"difference": 1.5})", "f.difference", "whole number");
  check_bad_argument(R"({"difference": 9223372036854775808})", "f.difference", "64 bits");
  check_bad_argument(R"({"decimal": 1.5})", "f.decimal", "from 0 to 1");
  check_bad_argument(R"({"decimal": -0.5})", "f.decimal", "negative");
  check_bad_argument(R"({"decimal": "a\"b"})", "f.decimal", "is no number");
  check_bad_argument(R"({"decimal": "1/0"})", "f.decimal", "divides by 0");
  check_bad_argument(R"({"decimal": ""})", "f.decimal", "is no number");
  check_bad_argument(R"({"decimal": true})", "f.decimal", "0.25");
  check_bad_argument(R"({"choice": "gren"})", "f.choice", "did you mean \"green\"");
  check_bad_argument(R"({"text": ""})", "f.text", "empty");
  check_bad_argument(R"({"text": "123456789"})", "f.text", "the most is 8");
  check_bad_argument(R"({"octets": "4"})", "f.octets", "hexadecimal");
  check_bad_argument(R"({"octets": ""})", "f.octets", "write 1 to 4");
  check_bad_argument(R"({"octets": "0102030405"})", "f.octets", "has 5 octets");
  check_bad_argument(R"({"octets": "zz"})", "f.octets", "hexadecimal");
  check_bad_argument(R"({"duration": 250})", "f.duration", "250ms");
  check_bad_argument(R"({"duration": "1ms", "duration_s": 1})", "f.duration_s", "keep one");
  check_bad_argument(R"({"duration_ms": 1, "duration_s": 1})", "f.duration_s", "\"duration_ms\"");
  check_bad_argument(R"({"duration_ms": "1ms"})", "f.duration_ms", "whole number");
  check_bad_argument(R"({"duration_s": 36000001})", "f.duration_s", "36000000");
  check_bad_argument(R"({"duration_min": 1})", "f.duration_min", "unknown key");
  check_bad_argument(R"({"size": 0})", "f.size", "write a size from");
  check_bad_argument(R"({"size": "1GiB"})", "f.size", "to 1MiB");
  check_bad_argument(R"({"sense_key": "MEDIUM"})", "f.sense_key", "did you mean");
  check_bad_argument(R"({"sense_code": "1100"})", "f.sense_code", "11/00");
  check_bad_argument(R"({"lun": 16384})", "f.lun", "16383");
  check_bad_argument(R"({"numbers": []})", "f.numbers", "at least 1");
  check_bad_argument(R"({"numbers": [1, 2, 3, 4]})", "f.numbers", "the most is 3");
  check_bad_argument(R"({"numbers": [1, "x"]})", "f.numbers[1]", "whole number");
  check_bad_argument(R"({"decimals": [null]})", "f.decimals[0]", "0.25");
  check_bad_argument(R"({"durations": [1.5]})", "f.durations[0]", "whole number");
  check_bad_argument(R"({"codes": ["x"]})", "f.codes[0]", "11/00");
  check_bad_argument(R"({"objects": {}})", "f.objects", "array");
  check_bad_argument(R"({"objects": [{}]})", "f.objects[0].tmf", "missing");
  check_bad_argument(R"({"objects": [{"tmf": "a", "dleay": 1}]})", "f.objects[0].dleay",
                     "did you mean \"delay\"");
  check_bad_argument(R"({"object": 5})", "f.object", "string");
  check_bad_argument(R"({"numer": 5})", "f.numer", "did you mean \"number\"");
  check_bad_argument("[]", "f", "object");
  check_bad_argument("null", "f", "object");
}

TEST_CASE("a value that is no object stands for the only required parameter") {
  const Bench short_form("\"red\"", kStatus);
  const Bench long_form(R"({"status": "red"})", kStatus);
  CHECK(short_form.problems.empty());
  CHECK(short_form.arguments == long_form.arguments);
  CHECK(Bench(R"([{"tmf": "x"}])", kLadder).problems.empty());
  CHECK(Bench("\"5s\"", kPause).arguments.value<std::chrono::nanoseconds>("for") == 5s);
  const Bench missing("{}", kPause);
  REQUIRE(missing.problems.list().size() == 1);
  CHECK(missing.problems.list()[0].path == "f.for");
  CHECK(Bench(R"({"for_ms": 5})", kPause).problems.empty());
}

TEST_CASE("an array is limited even when its row sets no limit") {
  const std::string many = "[" + [] {
    std::string out = "1";
    for (std::size_t i = 0; i < kMaxArgumentElements; ++i)
      out += ",1";
    return out;
  }() + "]";
  const Bench bench("{\"decimals\": " + many + "}");
  REQUIRE(bench.problems.list().size() == 1);
  CHECK(bench.problems.list()[0].message.find("the most is 1024") != std::string::npos);
}

TEST_CASE("a ratio is a JSON number where one says exactly the same, else a fraction") {
  CHECK(ratio_to_json({1, 50}) == Json(0.02));
  CHECK(ratio_to_json({1, 100'000'000}) == Json(1e-8));
  CHECK(ratio_to_json({1, 3}) == Json("1/3"));
  CHECK(ratio_to_json({2, 2}) == Json(1));
  CHECK(ratio_to_json({1234567890123456789, 10'000'000'000'000'000'000U}) ==
        Json("0.1234567890123456789"));
}

}  // namespace arguments_test
