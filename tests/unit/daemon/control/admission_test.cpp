#include "daemon/control/admission.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace admission_test {

using namespace faultlun::daemon::control;

namespace {

RequestTarget parsed(std::string_view text) {
  RequestTarget target;
  REQUIRE(parse_request_target(text, target) == "");
  return target;
}

bool is_refused(std::string_view text) {
  RequestTarget target;
  return !parse_request_target(text, target).empty();
}

const std::vector<std::string> kNone;

}  // namespace

TEST_CASE("a target is a path and a decoded query") {
  const auto target = parsed("/v1/journal?since=12&name=a%26b+c&follow");
  CHECK(target.path == "/v1/journal");
  CHECK(target.query ==
        std::map<std::string, std::string>{{"since", "12"}, {"name", "a&b c"}, {"follow", ""}});
  CHECK(target.authority == "");
}

TEST_CASE("the path of a target stays encoded") {
  CHECK(parsed("/a%2Fb?x").path == "/a%2Fb");
}

TEST_CASE("an empty query and empty pairs are nothing") {
  CHECK(parsed("/a?").query.empty());
  CHECK(parsed("/a?&&x=1&").query == std::map<std::string, std::string>{{"x", "1"}});
}

TEST_CASE("only the first '=' of a pair divides it") {
  CHECK(parsed("/a?x=1=2").query.at("x") == "1=2");
}

TEST_CASE("the absolute form names its host") {
  CHECK(parsed("http://localhost:1/a?b=c").authority == "localhost:1");
  CHECK(parsed("http://localhost:1/a?b=c").path == "/a");
  CHECK(parsed("HTTP://localhost").path == "/");
}

TEST_CASE("what is neither form is refused") {
  for (const char* text :
       {"", "*", "v1", "https://localhost/a", "http:///a", "http://", "localhost:80", "?a=b"}) {
    CAPTURE(text);
    CHECK(is_refused(text));
  }
}

TEST_CASE("a fragment in a target is refused") {
  CHECK(is_refused("/a#b"));
  CHECK(is_refused("/a?b#c"));
}

TEST_CASE("bad percent-encoding in a query is refused") {
  CHECK(is_refused("/a?x=%"));
  CHECK(is_refused("/a?x=%g0"));
  CHECK(is_refused("/a?%4=x"));
}

TEST_CASE("a key given twice in a query is refused, however it is encoded") {
  CHECK(is_refused("/a?x=1&x=1"));
  CHECK(is_refused("/a?x=1&%78=2"));
}

TEST_CASE("localhost and the loopback addresses are served under any port") {
  for (const char* host : {"localhost", "LocalHost:8326", "127.0.0.1", "127.0.0.1:80",
                           "127.0.0.1:", "[::1]", "[::1]:9", "[0:0:0:0:0:0:0:1]:9"}) {
    CAPTURE(host);
    CHECK(is_host_allowed(host, kNone));
  }
}

TEST_CASE("other names and addresses are not served") {
  for (const char* host : {"",
                           "evil.example",
                           "evil.example:8326",
                           "localhost.evil.example",
                           "evillocalhost",
                           "localhost.",
                           "127.0.0.1.evil.example",
                           "127.0.0.2",
                           "127.1",
                           "2130706433",
                           "192.0.2.1",
                           "[::2]",
                           "::1",
                           "[::1",
                           "[::1]x",
                           "[]",
                           "[localhost",
                           "localhost:x",
                           "localhost:99999",
                           "localhost:80:80",
                           "user@localhost",
                           "localhost/",
                           " localhost",
                           ":8326"}) {
    CAPTURE(host);
    CHECK_FALSE(is_host_allowed(host, kNone));
  }
}

TEST_CASE("the bound address is served however it is written") {
  const std::vector<std::string> own = {"127.0.0.2", "fd00::1"};
  CHECK(is_host_allowed("127.0.0.2:8326", own));
  CHECK(is_host_allowed("[FD00:0::1]", own));
  CHECK_FALSE(is_host_allowed("127.0.0.3", own));
}

TEST_CASE("an address that we do not have allows nothing") {
  const std::vector<std::string> own = {""};
  CHECK_FALSE(is_host_allowed("", own));
  CHECK_FALSE(is_host_allowed("192.0.2.1", own));
}

TEST_CASE("without a token everything is right") {
  CHECK(is_token_right("", ""));
  CHECK(is_token_right("Bearer x", ""));
}

TEST_CASE("the token is right as it is, under any case of the scheme") {
  CHECK(is_token_right("Bearer s3cret", "s3cret"));
  CHECK(is_token_right("bearer s3cret", "s3cret"));
}

TEST_CASE("another token, part of it, more of it or another scheme is wrong") {
  for (const char* given :
       {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Bearer S3CRET",
        "Bearer s3crets3cret", "Bearer  s3cret", "Basic s3cret", "s3cret", "Bearer s3cres"}) {
    CAPTURE(given);
    CHECK_FALSE(is_token_right(given, "s3cret"));
  }
}

TEST_CASE("lengths that differ by 256 are not taken for equal") {
  const std::string token(4, 'a');
  CHECK_FALSE(is_token_right("Bearer " + std::string(4 + 256, 'a'), token));
}

TEST_CASE("any type of a body is JSON to us, but a form with parts and what is compressed") {
  for (const char* type :
       {"", "application/json", "application/x-www-form-urlencoded", "text/plain"})
    CHECK(problem_with_content(type, "").empty());
  CHECK(problem_with_content("Multipart/Form-Data; boundary=x", "").find("curl: --data-binary") !=
        std::string::npos);
  CHECK(problem_with_content("", "Identity").empty());
  CHECK_FALSE(problem_with_content("", "gzip").empty());
}

}  // namespace admission_test
