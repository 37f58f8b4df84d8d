#include "daemon/control/openapi.hpp"

#include "daemon/control/api.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace openapi_test {

using namespace faultlun::daemon::control;
using faultlun::config::Json;

namespace {

Answer nothing(const Request&) {
  return no_content();
}

/// A row with everything that documents one.
Route rich_row() {
  return {.method = "PUT",
          .pattern = "/v1/rules/{id}/copies/{n}",
          .summary = "Puts a rule.",
          .handler = nothing,
          .operation_id = "put_rule",
          .parameters = {{"dry_run", "checks only", Parameter::In::query, Parameter::Type::boolean},
                         {"n", "which", Parameter::In::path, Parameter::Type::integer},
                         {"If-Match", "the ETag", Parameter::In::header}},
          .request_schema = "Rule",
          .replies = {{200, "changed", "Rule"},
                      {200, "changed", "Rule", "application/x-ndjson"},
                      {201, "made", "Rule"},
                      {204, "nothing to tell"}}};
}

Json with_rule() {
  return Json{{"Rule", Json{{"type", "object"}}}};
}

Router whole_api() {
  ApiContext api;
  api.version = "1.2.3";
  api.uptime = [] { return std::chrono::microseconds(0); };
  api.metrics = [] { return std::string(); };
  api.targets = api.config = [] { return Json::object(); };
  api.sessions = [] { return json_response(Json::object()); };
  api.schemas = with_rule;
  return Router(api_routes(std::move(api), {rich_row()}));
}

Json served(const Router& router) {
  Request request;
  request.method = "GET";
  request.path = "/v1/openapi.json";
  return Json::parse(std::get<Response>(router.dispatch(request)).body);
}

/// Every "$ref" anywhere in the value.
void collect(const Json& value, std::vector<std::string>& references) {
  if (value.is_object() && value.contains("$ref"))
    references.push_back(std::string(value.at("$ref")));
  if (value.is_structured())
    for (const auto& each : value)
      collect(each, references);
}

}  // namespace

TEST_CASE("every route is in the document, and nothing else is") {
  const auto router = whole_api();
  const auto document = served(router);
  CHECK(document.at("openapi") == "3.1.0");
  CHECK(document.at("info").at("version") == "1.2.3");
  std::set<std::string> documented, routed;
  for (const auto& [path, methods] : document.at("paths").items())
    for (const auto& [method, operation] : methods.items())
      documented.insert(method + " " + path);
  for (const auto& route : router.routes()) {
    std::string method = route.method;
    for (auto& c : method)
      c = static_cast<char>(std::tolower(c));
    routed.insert(method + " " + route.pattern);
  }
  CHECK(documented == routed);
}

TEST_CASE("every reference leads to a schema") {
  const auto document = served(whole_api());
  std::vector<std::string> references;
  collect(document, references);
  CHECK(references.size() > 10);
  for (auto reference : references) {
    CAPTURE(reference);
    REQUIRE(reference.starts_with("#/"));
    CHECK(document.contains(Json::json_pointer(reference.substr(1))));
  }
}

TEST_CASE("operation ids are there and unique, and every answer has a description") {
  const auto document = served(whole_api());
  std::set<std::string> ids;
  for (const auto& methods : document.at("paths"))
    for (const auto& operation : methods) {
      CHECK(ids.insert(std::string(operation.at("operationId"))).second);
      CHECK_FALSE(std::string(operation.at("summary")).empty());
      CHECK(operation.at("responses").size() >= 2);
      for (const auto& response : operation.at("responses"))
        CHECK_FALSE(std::string(response.at("description")).empty());
    }
  CHECK(ids.contains("get_healthz"));
}

TEST_CASE("the parameters of a path are those of its pattern, in its order, and required") {
  const auto document = served(whole_api());
  for (const auto& [path, methods] : document.at("paths").items())
    for (const auto& operation : methods) {
      CAPTURE(path);
      std::string pattern;
      for (const auto part : path_parts(path))
        if (is_path_parameter(part)) pattern += std::string(part);
      std::string documented;
      for (const auto& parameter : operation.value("parameters", Json::array()))
        if (parameter.at("in") == "path") {
          documented += "{" + std::string(parameter.at("name")) + "}";
          CHECK(parameter.at("required") == true);
        }
      CHECK(documented == pattern);
    }
}

TEST_CASE("a row says its parameters, its body and its answers") {
  const auto operation = served(whole_api()).at("paths").at("/v1/rules/{id}/copies/{n}").at("put");
  CHECK(operation.at("operationId") == "put_rule");
  CHECK(operation.at("tags") == Json::array({"rules"}));
  CHECK(operation.at("parameters").size() == 4);
  CHECK(operation.at("parameters")[1].at("schema").at("type") == "integer");
  CHECK(operation.at("parameters")[2].at("schema").at("type") == "boolean");
  CHECK(operation.at("parameters")[3].at("in") == "header");
  CHECK(operation.at("requestBody").at("content").at("application/json").at("schema").at("$ref") ==
        "#/components/schemas/Rule");
  const auto& responses = operation.at("responses");
  CHECK(responses.at("200").at("content").size() == 2);
  CHECK_FALSE(responses.at("204").contains("content"));
  CHECK(responses.at("default").at("content").contains("application/json"));
}

TEST_CASE("a route that needs no token says so") {
  const auto paths = served(whole_api()).at("paths");
  CHECK(paths.at("/v1/healthz").at("get").at("security").empty());
  CHECK_FALSE(paths.at("/v1/version").at("get").contains("security"));
}

TEST_CASE("a schema that is not there is refused by the name of its row") {
  auto row = rich_row();
  row.request_schema = "Rulle";
  const Router router({row});
  Json schemas = with_rule();
  schemas["Problem"] = Json::object();
  CHECK_THROWS_WITH_AS(openapi_of(router.routes(), "1", schemas),
                       "route PUT /v1/rules/{id}/copies/{n}: there is no schema Rulle",
                       std::logic_error);
}

}  // namespace openapi_test
