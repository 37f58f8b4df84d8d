#include "daemon/control/api.hpp"

#include "config/units.hpp"

#include <nlohmann/json.hpp>

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

std::vector<Route> api_routes(ApiContext context, std::vector<Route> more) {
  check(context);
  const auto api = std::make_shared<const ApiContext>(std::move(context));
  const auto shown = std::make_shared<Json>();  // filled below: it lists its own row as well
  // clang-format off
  std::vector<Route> routes = {
    {"GET", "/v1/healthz",  "Whether the daemon lives; for containers.",
     [](const Request&) { return json_response(Json{{"status", "ok"}}); }},
    {"GET", "/v1/version",  "Name, version, seed and time since the start.",
     [api](const Request&) { return json_response(version_of(*api)); }},
    {"GET", "/v1/sessions", "The sessions that are logged in.",
     [api](const Request&) { return json_response(api->sessions()); }},
    {"GET", "/v1/targets",  "The targets and their logical units.",
     [api](const Request&) { return json_response(api->targets()); }},
    {"GET", "/v1/config",   "The configuration in force, with every default written out.",
     [api](const Request&) { return json_response(api->config()); }},
    {"GET", "/v1/routes",   "This table.",
     [shown](const Request&) { return json_response(*shown); }},
    {"GET", "/metrics",     "Counters in the Prometheus text format.",
     [api](const Request&) { return metrics_response(api->metrics()); }},
  };
  // clang-format on
  for (auto& route : more)
    routes.push_back(std::move(route));
  *shown = listing(routes);
  return routes;
}

}  // namespace faultlun::daemon::control
