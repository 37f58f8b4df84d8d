#include "daemon/control/api.hpp"

#include "config/units.hpp"
#include "daemon/control/openapi.hpp"

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;

/// The format that Prometheus asks for by this name.
constexpr const char* kExpositionType = "text/plain; version=0.0.4";

void check(const ApiContext& context) {
  const auto need = [](bool present, const char* name) {
    if (!present) throw std::logic_error(std::string("the control API has no ") + name);
  };
  need(static_cast<bool>(context.uptime), "uptime");
  need(static_cast<bool>(context.metrics), "metrics");
  need(static_cast<bool>(context.sessions), "sessions");
  need(static_cast<bool>(context.targets), "targets");
  need(static_cast<bool>(context.config), "config");
}

Json version_of(const ApiContext& context) {
  Json value;
  value["name"] = "faultlun";
  value["version"] = context.version;
  value["seed"] = config::seed_text(context.seed);
  value["uptime"] = config::duration_text(context.uptime());
  return value;
}

Json listing(const std::vector<Route>& routes) {
  Json rows = Json::array();
  for (const auto& route : routes) {
    Json row;
    row["method"] = route.method;
    row["path"] = route.pattern;
    row["summary"] = route.summary;
    rows.push_back(std::move(row));
  }
  return Json{{"routes", std::move(rows)}};
}

/// A schema of an object that has at least these properties.
Json object_of(std::initializer_list<std::pair<const char*, const char*>> properties) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const auto& [name, type] : properties) {
    schema["properties"][name] = Json{{"type", type}};
    schema["required"].push_back(name);
  }
  return schema;
}

Json array_of(Json items) {
  return Json{{"type", "array"}, {"items", std::move(items)}};
}

/// What the rows of this file answer.
Json basic_schemas() {
  Json lun = object_of({{"lun", "integer"},
                        {"backend", "string"},
                        {"blocks", "integer"},
                        {"block_size", "integer"},
                        {"size_bytes", "integer"},
                        {"read_only", "boolean"},
                        {"serial", "string"}});
  Json target = object_of({{"name", "string"}, {"luns", "array"}});
  target["properties"]["luns"] = array_of(std::move(lun));
  Json session = object_of({{"initiator", "string"},
                            {"target", "string"},
                            {"type", "string"},
                            {"tsih", "integer"},
                            {"cid", "integer"},
                            {"portal_group", "integer"},
                            {"peer", "string"}});
  for (const char* number : {"cmd_sn", "max_cmd_sn", "window", "stat_sn", "tasks", "rules_epoch",
                             "commands", "under_rules"})
    session["properties"][number] = Json{{"type", "integer"}};
  session["properties"]["alias"] = Json{{"type", "string"}};
  Json routes = object_of({{"routes", "array"}});
  routes["properties"]["routes"] =
      array_of(object_of({{"method", "string"}, {"path", "string"}, {"summary", "string"}}));
  Json problem = object_of({{"error", "object"}});
  problem["properties"]["error"] = object_of({{"message", "string"}});
  return Json{
      {"Problem", std::move(problem)},
      {"Health", object_of({{"status", "string"}})},
      {"Version",
       object_of(
           {{"name", "string"}, {"version", "string"}, {"seed", "string"}, {"uptime", "string"}})},
      {"Sessions", array_of(std::move(session))},
      {"Targets", array_of(std::move(target))},
      {"Config", Json{{"type", "object"}}},
      {"Routes", std::move(routes)},
      {"OpenApi", object_of({{"openapi", "string"}, {"info", "object"}, {"paths", "object"}})}};
}

Response metrics_response(std::string text) {
  Response response;
  response.body = std::move(text);
  response.content_type = kExpositionType;
  return response;
}

}  // namespace

Response json_response(const Json& value, unsigned status) {
  Response response;
  response.status = status;
  response.body = value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

Json problems_to_json(const std::vector<config::Problem>& problems) {
  auto list = Json::array();
  for (const auto& each : problems) {
    Json row = {{"path", each.path}, {"message", each.message}};
    if (each.line != 0) row["line"] = each.line;
    list.push_back(std::move(row));
  }
  return list;
}

Response problems_response(const std::vector<config::Problem>& problems, std::size_t left_out) {
  const auto& first = problems.front();
  Json error = {{"message", first.path.empty() ? first.message : first.path + ": " + first.message},
                {"problems", problems_to_json(problems)}};
  if (left_out != 0) error["problems_left_out"] = left_out;
  return json_response({{"error", std::move(error)}}, 400);
}

Response problems_response(const config::Problems& problems) {
  return problems_response(problems.list(), problems.left_out());
}

std::vector<Route> api_routes(ApiContext context, std::vector<Route> more) {
  check(context);
  const auto api = std::make_shared<const ApiContext>(std::move(context));
  const auto shown = std::make_shared<Json>();  // both are filled below: they list their own rows
  const auto openapi = std::make_shared<Json>();
  std::vector<Route> routes = {
      {.method = "GET",
       .pattern = "/v1/healthz",
       .summary = "Whether the daemon lives; for containers.",
       .handler =
           [](const Request&) {
             return json_response(Json{{"status", "ok"}});
           },
       .replies = {{200, "it lives", "Health"}},
       .is_essential = true,
       .needs_token = false},
      {.method = "GET",
       .pattern = "/v1/version",
       .summary = "Name, version, seed and time since the start.",
       .handler = [api](const Request&) { return json_response(version_of(*api)); },
       .replies = {{200, "who answers", "Version"}}},
      {.method = "GET",
       .pattern = "/v1/sessions",
       .summary = "The sessions that are logged in.",
       .handler = [api](const Request&) { return api->sessions(); },
       .replies = {{200, "the sessions", "Sessions"}}},
      {.method = "GET",
       .pattern = "/v1/targets",
       .summary = "The targets and their logical units.",
       .handler = [api](const Request&) { return json_response(api->targets()); },
       .replies = {{200, "the targets", "Targets"}}},
      {.method = "GET",
       .pattern = "/v1/config",
       .summary = "The configuration in force, with every default written out.",
       .handler = [api](const Request&) { return json_response(api->config()); },
       .replies = {{200, "as in the file", "Config"}}},
      {.method = "GET",
       .pattern = "/v1/routes",
       .summary = "This table.",
       .handler = [shown](const Request&) { return json_response(*shown); },
       .replies = {{200, "the table", "Routes"}}},
      {.method = "GET",
       .pattern = "/v1/openapi.json",
       .summary = "This API as an OpenAPI 3.1 document.",
       .handler = [openapi](const Request&) { return json_response(*openapi); },
       .operation_id = "get_openapi",
       .replies = {{200, "the document", "OpenApi"}}},
      {.method = "GET",
       .pattern = "/metrics",
       .summary = "Counters in the Prometheus text format.",
       .handler = [api](const Request&) { return metrics_response(api->metrics()); },
       .replies = {{200, "the counters", "", kExpositionType}}},
  };
  for (auto& route : more)
    routes.push_back(std::move(route));
  const Router complete(routes);  // with the defaults of the rows
  *shown = listing(complete.routes());
  Json schemas = basic_schemas();
  if (api->schemas) schemas.update(api->schemas());
  *openapi = openapi_of(complete.routes(), api->version, std::move(schemas));
  return complete.routes();
}

}  // namespace faultlun::daemon::control
