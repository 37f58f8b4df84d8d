#include "config/json.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace json_test {

using namespace faultlun::config;

namespace {

/// The only problem of a text that is no JSON.
Problem problem_of(std::string_view text) {
  Json tree;
  Problems problems;
  CHECK_FALSE(parse_json(text, tree, problems));
  REQUIRE(problems.list().size() == 1);
  return problems.list()[0];
}

}  // namespace

TEST_CASE("text becomes the tree that it describes, its keys in order") {
  Json tree;
  Problems problems;
  REQUIRE(parse_json(R"({"z": [1, -2, 3.5, "x", true, null], "a": {"b": {}}})", tree, problems));
  CHECK(problems.empty());
  CHECK(tree.dump() == R"({"z":[1,-2,3.5,"x",true,null],"a":{"b":{}}})");
}

TEST_CASE("text that is no JSON is refused with line and column") {
  CHECK(problem_of("{\n  \"a\": 1,\n}").message.starts_with("line 3, column 1: "));
  CHECK(problem_of("{\n  \"a\" 1}").message.starts_with("line 2, column 7: "));
  CHECK(problem_of("{\n  \"a\" 1}").line == 2);
  CHECK(problem_of("{\"a\": 1").message.starts_with("line 1, column 8: "));
  CHECK(problem_of("nope").message.starts_with("line 1, column 2: "));
}

TEST_CASE("every way of not being JSON is one problem with a remedy") {
  for (const char* text :
       {"{", "}", "[1,]", "{\"a\":1,}", "{'a':1}", "{a:1}", "{\"a\":01}", "{\"a\":+1}",
        "{\"a\":.5}", "{\"a\":1e999}", "// x\n{}", "{} {}", "{\"a\":\"\n\"}", "\"\\ud800\"",
        "\"\xff\"", "{\"a\":NaN}", "{\"a\":tru}", "[1 2]"}) {
    CAPTURE(text);
    CHECK(problem_of(text).message.find(';') != std::string::npos);
  }
}

TEST_CASE("the message about a broken token is short, however long the token is") {
  CHECK(problem_of(std::string(100'000, '\t') + "x").message.size() < 400);
  CHECK(problem_of("\"" + std::string(100'000, 'x')).message.size() < 400);
  CHECK(problem_of("{\"" + std::string(100'000, 'x') + "\n\": 1}").message.size() < 400);
  CHECK(problem_of("[" + std::string(100'000, '1') + "]").message.size() < 400);
}

TEST_CASE("a message is printable ASCII or UTF-8 even when the text is not") {
  const std::string message = problem_of("{\"\xff\xfe\": 1}").message;
  CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20; }));
  CHECK(Json(message).dump().size() > message.size());
}

TEST_CASE("an empty text is refused with the way to ask for the defaults") {
  CHECK(problem_of("").message.find("{}") != std::string::npos);
  CHECK(problem_of(" \n\t").message.find("{}") != std::string::npos);
}

TEST_CASE("octets with NUL in them are no JSON") {
  CHECK(problem_of(std::string_view("{}\0", 3)).message.find("line 1") != std::string::npos);
}

TEST_CASE("a key given twice is an error at its path and line, and the first value counts") {
  Json tree;
  Problems problems;
  REQUIRE(parse_json("{\"a\": [{\"b\": 1,\n\"b\": {\"c\": 2}, \"d\": 3}]}", tree, problems));
  REQUIRE(problems.list().size() == 1);
  CHECK(problems.list()[0].path == "a[0].b");
  CHECK(problems.list()[0].line == 2);
  CHECK(tree.dump() == R"({"a":[{"b":1,"d":3}]})");
}

TEST_CASE("a key may be spelled with escapes and is the same key") {
  Json tree;
  Problems problems;
  REQUIRE(parse_json(R"({"a": 1, "\u0061": 2})", tree, problems));
  CHECK(problems.list().size() == 1);
}

TEST_CASE("depth, key length, keys of an object and size have limits") {
  Json tree;
  Problems problems;
  CHECK(parse_json(std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']'), tree, problems));
  CHECK(problem_of(std::string(kMaxDepth + 1, '[') + std::string(kMaxDepth + 1, ']'))
            .message.find("32") != std::string::npos);
  CHECK(problem_of(std::string(1'000'000, '[')).message.find("32") != std::string::npos);

  CHECK(parse_json("{\"" + std::string(kMaxKeyBytes, 'k') + "\": 1}", tree, problems));
  CHECK(problem_of("{\"" + std::string(kMaxKeyBytes + 1, 'k') + "\": 1}").message.find("longer") !=
        std::string::npos);

  std::string many = "{";
  for (std::size_t i = 0; i < kMaxKeysPerObject; ++i)
    many += (i > 0 ? "," : "") + ("\"k" + std::to_string(i) + "\":1");
  CHECK(parse_json(many + "}", tree, problems));
  CHECK(problem_of(many + ",\"more\":1}").message.find("more keys") != std::string::npos);

  CHECK(problem_of(std::string(kMaxTextBytes + 1, ' ')).message.find("16 MiB") !=
        std::string::npos);
  CHECK(problem_of("[" + std::string(kMaxTextBytes, ' ')).message.find("16 MiB") !=
        std::string::npos);
}

TEST_CASE(
    "problems get the line of what they name, or of what is around it, and are sorted by it") {
  const char* text = "{\n\"a\": [1,\n  2,\n {\"x\": \n5}\n],\n\"b\": {}\n}";
  Problems problems;
  problems.add("b.missing", "");
  problems.add("a[2].x", "");
  problems.add("a[1]", "");
  problems.add("a[2].y.z", "");
  problems.add("nowhere", "");
  locate(text, problems);
  const auto& list = problems.list();
  REQUIRE(list.size() == 5);
  CHECK(list[0].path == "nowhere");
  CHECK(list[0].line == 0);
  CHECK(list[1] == Problem{"a[1]", "", 3});
  CHECK(list[2] == Problem{"a[2].x", "", 4});
  CHECK(list[3] == Problem{"a[2].y.z", "", 4});
  CHECK(list[4] == Problem{"b.missing", "", 7});
}

}  // namespace json_test
