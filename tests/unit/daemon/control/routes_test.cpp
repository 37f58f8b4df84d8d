#include "daemon/control/routes.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace routes_test {

using namespace faultlun::daemon::control;

namespace {

Response text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

/// Says which row answered and with what.
Route row(std::string method, std::string pattern) {
  const std::string name = method + " " + pattern;
  auto handler = [name](const Request& request) {
    std::string body = name;
    for (const auto& [key, value] : request.parameters)
      body += " " + key + "=" + value;
    return text(body);
  };
  Route made;
  made.method = std::move(method);
  made.pattern = std::move(pattern);
  made.summary = "test";
  made.handler = handler;
  return made;
}

Router small_router() {
  return Router({row("GET", "/v1/sessions"), row("GET", "/v1/sessions/{tsih}"),
                 row("DELETE", "/v1/sessions/{tsih}"), row("POST", "/v1/sessions/all"),
                 row("GET", "/v1/luns/{lun}/parts/{part}"), row("GET", "/metrics")});
}

Response call(const Router& router, std::string method, std::string path) {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  return std::get<Response>(router.dispatch(std::move(request)));
}

std::string message_of(const Response& response) {
  return nlohmann::json::parse(response.body).at("error").at("message");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a request reaches the row with its method and path") {
  const auto router = small_router();
  CHECK(call(router, "GET", "/v1/sessions").body == "GET /v1/sessions");
  CHECK(call(router, "GET", "/metrics").body == "GET /metrics");
}

TEST_CASE("parts in braces become parameters") {
  const auto router = small_router();
  CHECK(call(router, "DELETE", "/v1/sessions/7").body == "DELETE /v1/sessions/{tsih} tsih=7");
  CHECK(call(router, "GET", "/v1/luns/3/parts/x").body ==
        "GET /v1/luns/{lun}/parts/{part} lun=3 part=x");
}

TEST_CASE("a parameter is decoded after the path was split, so that it may hold a slash") {
  CHECK(call(small_router(), "GET", "/v1/sessions/a%2Fb%20c").body ==
        "GET /v1/sessions/{tsih} tsih=a/b c");
}

TEST_CASE("a plus in a path is a plus") {
  CHECK(call(small_router(), "GET", "/v1/sessions/a+b").body == "GET /v1/sessions/{tsih} tsih=a+b");
}

TEST_CASE("literal parts may be percent-encoded as well") {
  CHECK(call(small_router(), "GET", "/v1/%73essions").body == "GET /v1/sessions");
}

TEST_CASE("a pattern with fewer parameters goes before one with more, whatever their order") {
  const Router router({row("GET", "/{a}/{b}"), row("GET", "/{a}/x"), row("GET", "/y/x")});
  CHECK(call(router, "GET", "/y/x").body == "GET /y/x");
  CHECK(call(router, "GET", "/z/x").body == "GET /{a}/x a=z");
  CHECK(call(router, "GET", "/z/z").body == "GET /{a}/{b} a=z b=z");
}

TEST_CASE("a literal row of another method does not hide a row with a parameter") {
  CHECK(call(small_router(), "GET", "/v1/sessions/all").body == "GET /v1/sessions/{tsih} tsih=all");
  CHECK(call(small_router(), "POST", "/v1/sessions/all").body == "POST /v1/sessions/all");
}

TEST_CASE("HEAD is answered by the GET row") {
  CHECK(call(small_router(), "HEAD", "/v1/sessions").body == "GET /v1/sessions");
}

TEST_CASE("HEAD on a path without GET is not allowed") {
  const Router router({row("POST", "/v1/reset")});
  CHECK(call(router, "HEAD", "/v1/reset").status == 405);
}

TEST_CASE("methods are case-sensitive") {
  CHECK(call(small_router(), "get", "/metrics").status == 405);
}

TEST_CASE("an unknown path is 404 and names the nearest path") {
  const auto response = call(small_router(), "GET", "/v1/sesions");
  CHECK(response.status == 404);
  CHECK(response.content_type == "application/json");
  CHECK(message_of(response) == "no such path: /v1/sesions; did you mean one of: /v1/sessions?");
}

TEST_CASE("a parameter costs nothing when the nearest path is looked for") {
  const auto message =
      message_of(call(small_router(), "GET", "/v1/lun/123456789012/parts/abcdefghijkl"));
  CHECK(contains(message, "did you mean one of: /v1/luns/{lun}/parts/{part}?"));
}

TEST_CASE("an unknown path with nothing near names all paths") {
  const auto message = message_of(call(small_router(), "GET", "/x"));
  for (const char* pattern :
       {"/metrics", "/v1/sessions", "/v1/sessions/{tsih}", "/v1/luns/{lun}/parts/{part}"})
    CHECK(contains(message, pattern));
}

TEST_CASE("at most three paths are suggested when some are near") {
  const Router router({row("GET", "/aa"), row("GET", "/ab"), row("GET", "/ac"), row("GET", "/ad")});
  CHECK(message_of(call(router, "GET", "/a")) ==
        "no such path: /a; did you mean one of: /aa, /ab, /ac?");
}

TEST_CASE("an empty table has nothing to suggest") {
  CHECK(message_of(call(Router({}), "GET", "/x")) == "no such path: /x");
}

TEST_CASE("a trailing slash makes another path") {
  CHECK(call(small_router(), "GET", "/v1/sessions/").status == 404);
  CHECK(call(small_router(), "GET", "/metrics/").status == 404);
}

TEST_CASE("a path that is not one is 404") {
  CHECK(call(small_router(), "OPTIONS", "*").status == 404);
  CHECK(call(small_router(), "GET", "").status == 404);
}

TEST_CASE("a long path is quoted in part only") {
  const auto response = call(small_router(), "GET", "/" + std::string(8000, 'a'));
  CHECK(response.status == 404);
  CHECK(response.body.size() < 600);
}

TEST_CASE("a path that is no UTF-8 is quoted without breaking the JSON") {
  const auto response = call(small_router(), "GET", "/\xff\xfe");
  CHECK(response.status == 404);
  CHECK(contains(message_of(response), "no such path: /\xef\xbf\xbd"));
}

TEST_CASE("another method on a known path is 405 and names the methods there are") {
  const auto response = call(small_router(), "PUT", "/v1/sessions/7");
  CHECK(response.status == 405);
  CHECK(message_of(response) == "PUT is not for /v1/sessions/7; allowed: DELETE, GET, HEAD");
  REQUIRE(response.headers.size() == 1);
  CHECK(response.headers[0] == std::pair<std::string, std::string>("Allow", "DELETE, GET, HEAD"));
}

TEST_CASE("bad percent-encoding in a path is 400") {
  for (const char* path : {"/v1/%", "/v1/%4", "/v1/%zz", "/v1/%4g"}) {
    CAPTURE(path);
    CHECK(call(small_router(), "GET", path).status == 400);
  }
}

TEST_CASE("encoded control characters in a path are 400") {
  for (const char* path : {"/v1/sessions/%00", "/v1/sessions/a%0d%0ab", "/v1/sessions/%7f"}) {
    CAPTURE(path);
    CHECK(call(small_router(), "GET", path).status == 400);
  }
}

TEST_CASE("an exception of a handler becomes 500 with its text") {
  const Router router({{"GET", "/boom", "test", [](const Request&) -> Answer {
                          throw std::runtime_error("no \"luck\"");
                        }}});
  const auto response = call(router, "GET", "/boom");
  CHECK(response.status == 500);
  CHECK(message_of(response) == "GET /boom failed: no \"luck\"");
}

TEST_CASE("something thrown that is no exception becomes 500 too") {
  const Router router({{"GET", "/boom", "test", [](const Request&) -> Answer { throw 7; }}});
  CHECK(call(router, "GET", "/boom").status == 500);
}

TEST_CASE("the body and the query reach the handler") {
  Route echo{"POST", "/echo", "test",
             [](const Request& request) { return text(request.query.at("a") + request.body); }};
  echo.parameters = {{"a", "any"}};
  const Router router({echo});
  Request request;
  request.method = "POST";
  request.path = "/echo";
  request.query["a"] = "b";
  request.body = "cd";
  CHECK(std::get<Response>(router.dispatch(request)).body == "bcd");
}

TEST_CASE("a table with the same row twice is refused") {
  CHECK_THROWS_WITH_AS(Router({row("GET", "/a"), row("GET", "/a")}),
                       "route GET /a: twice in the table", std::logic_error);
}

TEST_CASE("a row without a handler is refused") {
  CHECK_THROWS_WITH_AS(Router({{"GET", "/a", "test", nullptr}}), "route GET /a: no handler",
                       std::logic_error);
}

TEST_CASE("a pattern that does not start with a slash is refused") {
  CHECK_THROWS_AS(Router({row("GET", "a")}), std::logic_error);
  CHECK_THROWS_AS(Router({row("GET", "")}), std::logic_error);
}

TEST_CASE("percent-decoding takes both cases of hexadecimal and leaves the rest alone") {
  CHECK(percent_decode("%4a%4A+%25") == "JJ+%");
  CHECK(percent_decode("a+b", true) == "a b");
  CHECK(percent_decode("%2b", true) == "+");
  CHECK(percent_decode("") == "");
  CHECK_FALSE(percent_decode("100%").has_value());
}

TEST_CASE("a row gets a tag, an operation id and an answer when it names none") {
  const auto router = small_router();
  const auto* row_found = router.find("GET", "/v1/sessions/7");
  REQUIRE(row_found);
  CHECK(row_found->tag == "sessions");
  CHECK(row_found->operation_id == "get_sessions_tsih");
  CHECK(row_found->replies.size() == 1);
  CHECK(row_found->max_body_bytes == kMaxBodyBytes);
  CHECK(router.find("GET", "/metrics")->tag == "metrics");
}

TEST_CASE("the row of a request is found as it is asked") {
  const auto router = small_router();
  CHECK(router.find("HEAD", "/metrics")->pattern == "/metrics");
  CHECK(router.find("POST", "/v1/sessions/all")->pattern == "/v1/sessions/all");
  CHECK(router.find("PUT", "/metrics") == nullptr);
  CHECK(router.find("GET", "/nothing") == nullptr);
  CHECK(router.find("GET", "/v1/%zz") == nullptr);
  CHECK(router.find("GET", "") == nullptr);
}

TEST_CASE("a query that a row does not know is 400") {
  Request request;
  request.method = "GET";
  request.path = "/metrics";
  request.query["since"] = "1";
  const auto response = std::get<Response>(small_router().dispatch(request));
  CHECK(response.status == 400);
  CHECK(message_of(response) == "query parameter \"since\" is unknown; this takes none");
}

TEST_CASE("two rows with the same operation id are refused") {
  auto first = row("GET", "/a");
  auto second = row("GET", "/b");
  first.operation_id = second.operation_id = "same";
  CHECK_THROWS_WITH_AS(Router({first, second}), "route GET /b: another has the operation id same",
                       std::logic_error);
}

TEST_CASE("a documented part that is not in the pattern is refused") {
  auto wrong = row("GET", "/a/{b}");
  wrong.parameters = {{"c", "which", Parameter::In::path}};
  CHECK_THROWS_WITH_AS(Router({wrong}), "route GET /a/{b}: the pattern has no part {c}",
                       std::logic_error);
}

TEST_CASE("a row may take 16 MiB and not a byte more") {
  auto wide = row("GET", "/a");
  wide.max_body_bytes = kMostMaxBodyBytes;
  CHECK(Router({wide}).routes().size() == 1);
  wide.max_body_bytes = kMostMaxBodyBytes + 1;
  CHECK_THROWS_AS(Router({wide}), std::logic_error);
}

}  // namespace routes_test
