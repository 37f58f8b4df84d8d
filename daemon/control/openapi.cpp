#include "daemon/control/openapi.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;

constexpr const char* kJsonType = "application/json";

std::string row_of(const Route& route) {
  return "route " + route.method + " " + route.pattern;
}

Json reference(const Route& route, const std::string& name, const Json& schemas) {
  if (!schemas.contains(name))
    throw std::logic_error(row_of(route) + ": there is no schema " + name);
  return Json{{"$ref", "#/components/schemas/" + name}};
}

Json parameter_of(const Parameter& parameter) {
  Json schema = {{"type", name_of(parameter.type)}};
  if (parameter.type == Parameter::Type::integer) schema["minimum"] = 0;
  Json out = {{"name", parameter.name},
              {"in", name_of(parameter.in)},
              {"required", parameter.required || parameter.in == Parameter::In::path},
              {"schema", std::move(schema)}};
  if (!parameter.description.empty()) out["description"] = parameter.description;
  return out;
}

/// Every {name} of the pattern, described or not, and then the others.
Json parameters_of(const Route& route) {
  Json out = Json::array();
  for (auto part : path_parts(route.pattern)) {
    if (!is_path_parameter(part)) continue;
    part = part.substr(1, part.size() - 2);
    const auto described = std::find_if(
        route.parameters.begin(), route.parameters.end(),
        [&](const Parameter& each) { return each.in == Parameter::In::path && each.name == part; });
    out.push_back(parameter_of(
        described != route.parameters.end()
            ? *described
            : Parameter{.name = std::string(part), .description = {}, .in = Parameter::In::path}));
  }
  for (const auto& parameter : route.parameters)
    if (parameter.in != Parameter::In::path) out.push_back(parameter_of(parameter));
  return out;
}

Json content(const std::string& type, Json schema) {
  return Json{{type, Json{{"schema", std::move(schema)}}}};
}

/// The media types of one status: a row may answer with lines or with events.
Json responses_of(const Route& route, const Json& schemas) {
  Json out = Json::object();
  for (const auto& reply : route.replies) {
    Json& entry = out[std::to_string(reply.status)];
    if (!entry.contains("description")) entry["description"] = reply.description;
    if (reply.status == 204 || reply.status == 304) continue;
    Json schema = reply.schema.empty() ? Json::object() : reference(route, reply.schema, schemas);
    entry["content"].update(content(reply.content_type, std::move(schema)));
  }
  out["default"] = Json{{"description", "an error, with its reason and remedy"},
                        {"content", content(kJsonType, reference(route, kProblemSchema, schemas))}};
  return out;
}

Json operation_of(const Route& route, const Json& schemas) {
  Json out = {{"operationId", route.operation_id},
              {"summary", route.summary},
              {"tags", Json::array({route.tag})}};
  if (Json parameters = parameters_of(route); !parameters.empty())
    out["parameters"] = std::move(parameters);
  if (!route.request_schema.empty())
    out["requestBody"] =
        Json{{"required", true},
             {"content", content(kJsonType, reference(route, route.request_schema, schemas))}};
  out["responses"] = responses_of(route, schemas);
  if (!route.needs_token) out["security"] = Json::array();
  return out;
}

std::string key_of(std::string method) {
  std::transform(method.begin(), method.end(), method.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return method;
}

}  // namespace

Json openapi_of(const std::vector<Route>& routes, const std::string& version, Json schemas) {
  Json paths = Json::object();
  for (const auto& route : routes)
    paths[route.pattern][key_of(route.method)] = operation_of(route, schemas);
  Json out;
  out["openapi"] = "3.1.0";
  out["info"] = Json{{"title", "faultlun control API"}, {"version", version}};
  // Either will do: no token, where the daemon asks for none.
  out["security"] = Json::array({Json::object(), Json{{"token", Json::array()}}});
  out["paths"] = std::move(paths);
  out["components"] =
      Json{{"schemas", std::move(schemas)},
           {"securitySchemes", Json{{"token", Json{{"type", "http"}, {"scheme", "bearer"}}}}}};
  return out;
}

}  // namespace faultlun::daemon::control
