#include "daemon/control/conditions.hpp"

#include <doctest/doctest.h>

#include <string>

namespace conditions_test {

using namespace faultlun::daemon::control;

namespace {

constexpr const char* kNow = "\"r7\"";

/// The status of the answer, 0 when the request may go on.
unsigned verdict(const std::string& method, const std::string& field, const std::string& value,
                 const std::string& current = kNow) {
  Request request;
  request.method = method;
  request.headers[field] = value;
  const auto response = check_conditions(request, current);
  return response ? response->status : 0;
}

}  // namespace

TEST_CASE("tags of revisions and of bodies are quoted and differ when those do") {
  CHECK(etag_of(std::uint64_t{7}) == kNow);
  CHECK(etag_of(std::string_view("a")) == "\"af63dc4c8601ec8c\"");  // FNV-1a's own check value
  CHECK(etag_of(std::string_view("a")) != etag_of(std::string_view("b")));
}

TEST_CASE("a request without conditions goes on, whether there is something or not") {
  CHECK_FALSE(check_conditions(Request{}, kNow));
  CHECK_FALSE(check_conditions(Request{}, ""));
}

TEST_CASE("If-Match goes on with the present tag, one of several, or any") {
  CHECK(verdict("PUT", "if-match", "\"r7\"") == 0);
  CHECK(verdict("PUT", "if-match", "\"r6\" , \"r7\"") == 0);
  CHECK(verdict("PUT", "if-match", " * ") == 0);
}

TEST_CASE("If-Match is 412 with another tag, a weak one, or where there is nothing") {
  CHECK(verdict("PUT", "if-match", "\"r6\"") == 412);
  CHECK(verdict("DELETE", "if-match", "W/\"r7\"") == 412);
  CHECK(verdict("PUT", "if-match", "*", "") == 412);
  CHECK(verdict("PUT", "if-match", "\"r7\"", "") == 412);
}

TEST_CASE("412 names the tag there is, in ETag as well") {
  Request request;
  request.method = "PUT";
  request.headers["if-match"] = "\"r6\"";
  const auto response = check_conditions(request, kNow);
  REQUIRE(response);
  CHECK(response->body.find("is \\\"r7\\\" now; read it again") != std::string::npos);
  REQUIRE(response->headers.size() == 1);
  CHECK(response->headers[0] == std::pair<std::string, std::string>("ETag", kNow));
}

TEST_CASE("If-None-Match with a star only creates") {
  CHECK(verdict("PUT", "if-none-match", "*", "") == 0);
  CHECK(verdict("PUT", "if-none-match", "*") == 412);
}

TEST_CASE("If-None-Match of a read is 304 when nothing has changed, also with a weak tag") {
  CHECK(verdict("GET", "if-none-match", "\"r7\"") == 304);
  CHECK(verdict("HEAD", "if-none-match", "W/\"r7\"") == 304);
  CHECK(verdict("GET", "if-none-match", "\"r6\"") == 0);
}

TEST_CASE("what holds no tags is 400, such as a tag without its quotes") {
  for (const char* value : {"r7", "", "\"r7", "\"r7\" \"r8\"", "\"r7\",", "* x", "w/\"r7\""}) {
    CAPTURE(std::string(value));
    CHECK(verdict("PUT", "if-match", value) == 400);
    CHECK(verdict("PUT", "if-none-match", value) == 400);
  }
}

}  // namespace conditions_test
