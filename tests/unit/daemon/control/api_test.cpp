#include "daemon/control/api.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <stdexcept>
#include <string>

namespace api_test {

using namespace faultlun::daemon::control;
using faultlun::config::Json;

namespace {

ApiContext context() {
  ApiContext api;
  api.version = "1.2.3";
  api.seed = 0x5eed;
  api.uptime = [] { return std::chrono::seconds(73); };
  api.metrics = [] { return std::string("faultlun_commands_total 5\n"); };
  api.sessions = [] { return json_response(Json{{"sessions", Json::array({1, 2})}}); };
  api.targets = [] { return Json{{"targets", Json::array()}}; };
  api.config = [] { return Json{{"seed", "0x5eed"}, {"portals", Json::array()}}; };
  return api;
}

Response get(const Router& router, const std::string& path) {
  Request request;
  request.method = "GET";
  request.path = path;
  return std::get<Response>(router.dispatch(request));
}

Response get(const std::string& path) {
  return get(Router(api_routes(context())), path);
}

}  // namespace

TEST_CASE("healthz says ok") {
  const auto response = get("/v1/healthz");
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  CHECK(response.body == "{\"status\":\"ok\"}\n");
}

TEST_CASE("version gives name, version, seed and uptime") {
  CHECK(get("/v1/version").body ==
        "{\"name\":\"faultlun\",\"version\":\"1.2.3\",\"seed\":\"0x5eed\",\"uptime\":\"73s\"}\n");
}

TEST_CASE("sessions and targets are what the daemon says at the time") {
  auto api = context();
  int calls = 0;
  api.sessions = [&calls] { return json_response(Json{{"sessions", ++calls}}); };
  const Router router(api_routes(std::move(api)));
  CHECK(get(router, "/v1/sessions").body == "{\"sessions\":1}\n");
  CHECK(get(router, "/v1/sessions").body == "{\"sessions\":2}\n");
  CHECK(get(router, "/v1/targets").body == "{\"targets\":[]}\n");
}

TEST_CASE("config keeps the order of its keys") {
  CHECK(get("/v1/config").body == "{\"seed\":\"0x5eed\",\"portals\":[]}\n");
}

TEST_CASE("metrics are text in the Prometheus format") {
  const auto response = get("/metrics");
  CHECK(response.content_type == "text/plain; version=0.0.4");
  CHECK(response.body == "faultlun_commands_total 5\n");
}

TEST_CASE("routes lists every row with a summary, itself and added ones too") {
  const auto added = [](const Request&) { return Response{}; };
  const Router router(api_routes(context(), {{"POST", "/v1/reset", "Back to the start.", added}}));
  const auto listed = Json::parse(get(router, "/v1/routes").body).at("routes");
  REQUIRE(listed.size() == router.routes().size());
  std::set<std::string> paths;
  for (const auto& row : listed) {
    CHECK_FALSE(std::string(row.at("summary")).empty());
    paths.insert(std::string(row.at("method")) + " " + std::string(row.at("path")));
  }
  CHECK(paths == std::set<std::string>{"GET /metrics", "GET /v1/config", "GET /v1/healthz",
                                       "GET /v1/openapi.json", "GET /v1/routes", "GET /v1/sessions",
                                       "GET /v1/targets", "GET /v1/version", "POST /v1/reset"});
}

TEST_CASE("every listed row without parameters answers") {
  const Router router(api_routes(context()));
  for (const auto& route : router.routes()) {
    CAPTURE(route.pattern);
    CHECK(get(router, route.pattern).status == 200);
  }
}

TEST_CASE("text that is no UTF-8 does not break an answer") {
  auto api = context();
  api.sessions = [] { return json_response(Json{{"alias", "\xff"}}); };
  const auto response = get(Router(api_routes(std::move(api))), "/v1/sessions");
  CHECK(response.status == 200);
  CHECK(response.body == "{\"alias\":\"\xef\xbf\xbd\"}\n");
}

TEST_CASE("a daemon that cannot say is 500 with the reason") {
  auto api = context();
  api.targets = []() -> Json { throw std::runtime_error("no targets"); };
  const auto response = get(Router(api_routes(std::move(api))), "/v1/targets");
  CHECK(response.status == 500);
  CHECK(response.body.find("no targets") != std::string::npos);
}

TEST_CASE("a context with a function missing is refused at once") {
  auto api = context();
  api.sessions = nullptr;
  CHECK_THROWS_WITH_AS(api_routes(std::move(api)), "the control API has no sessions",
                       std::logic_error);
}

}  // namespace api_test
