#include "config/problems.hpp"

#include <doctest/doctest.h>

namespace problems_test {

using namespace faultlun::config;

TEST_CASE("a problem is one line that names file, line, path and message") {
  CHECK(to_text({"a.b", "wrong; mend it", 12}, "lab.json") == "lab.json:12: a.b: wrong; mend it");
  CHECK(to_text({"a.b", "wrong", 12}) == "line 12: a.b: wrong");
  CHECK(to_text({"a.b", "wrong", 0}, "lab.json") == "lab.json: a.b: wrong");
  CHECK(to_text({"", "wrong", 0}) == "wrong");
  CHECK(to_text({"", "line 3, column 1: wrong", 3}) == "line 3, column 1: wrong");
  CHECK(to_text({"", "line 3, column 1: wrong", 3}, "lab.json") ==
        "lab.json:3: line 3, column 1: wrong");
}

TEST_CASE("control characters in a path or message do not reach the terminal") {
  CHECK(to_text({"a\x1b[2Jb", "x\ny", 0}) == "a\\x1b[2Jb: x\\x0ay");
}

TEST_CASE("a problem that is found again is listed once") {
  Problems problems;
  problems.add("a", "wrong");
  problems.add("a", "wrong");
  problems.add("a", "wrong in another way");
  CHECK(problems.list().size() == 2);
  CHECK(problems.left_out() == 0);
}

TEST_CASE("no more problems are kept than anybody reads, the rest is counted") {
  Problems problems;
  for (std::size_t i = 0; i < kMaxProblems + 5; ++i)
    problems.add(std::to_string(i), "wrong");
  CHECK(problems.list().size() == kMaxProblems);
  CHECK(problems.left_out() == 5);
}

TEST_CASE("a close word is suggested and a distant one is not") {
  constexpr std::string_view words[] = {"opcodes", "secret_file", "size", "block_size", "listen"};
  CHECK(did_you_mean("oppcodes", words) == " (did you mean \"opcodes\"?)");
  CHECK(did_you_mean("secret", words) == " (did you mean \"secret_file\"?)");
  CHECK(did_you_mean("blocksize", words) == " (did you mean \"block_size\"?)");
  CHECK(did_you_mean("sizr", words) == " (did you mean \"size\"?)");
  CHECK(did_you_mean("lisetn", words) == " (did you mean \"listen\"?)");
  CHECK(did_you_mean("SIZE", words) == " (did you mean \"size\"?)");
  CHECK(did_you_mean("colour", words) == "");
  CHECK(did_you_mean("", words) == "");
  CHECK(did_you_mean(std::string(100'000, 'x'), words) == "");
  const auto long_word = "listen" + std::string(58, '_');
  CHECK(did_you_mean(long_word, words) == " (did you mean \"listen\"?)");
  CHECK(did_you_mean(long_word + "_", words) == "");  // over 64 bytes
}

TEST_CASE("a quoted text is short and printable, and is not cut inside a UTF-8 sequence") {
  CHECK(in_quotes("a\tb") == "\"a\\x09b\"");
  CHECK(in_quotes(std::string(59, 'x') + "é!") == "\"" + std::string(59, 'x') + "…\"");
  CHECK(in_quotes(std::string(1000, 'x')).size() < 70);
}

TEST_CASE("words are listed as one says them") {
  constexpr std::string_view words[] = {"a", "b", "c"};
  CHECK(listed(words) == "a, b and c");
  CHECK(listed(std::span(words).first(1)) == "a");
  CHECK(listed({}) == "");
}

}  // namespace problems_test
