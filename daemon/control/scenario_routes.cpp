#include "daemon/control/scenario_routes.hpp"

#include "config/keys.hpp"
#include "config/object.hpp"
#include "config/rules.hpp"
#include "config/scenario.hpp"
#include "daemon/control/api.hpp"
#include "daemon/control/conditions.hpp"
#include "daemon/scenario_report.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using faults::ScenarioRun;
using In = Parameter::In;
using Type = Parameter::Type;

// clang-format off
constexpr config::Key kGotoKeys[] = {
  {"state", true, "string", "", "name of the state to enter"},
};
// clang-format on
constexpr config::Shape kGotoShape = {"goto", "body", kGotoKeys};

Response refused(const ScenarioError& error) {
  return problem(error.kind == ScenarioError::Kind::not_found ? 404 : 409, error.message);
}

Json run_json(const ScenarioStatus& status, faults::Time now) {
  if (!status.run) return nullptr;
  const auto verdict = status.run->verdict(now);
  const auto since = [&](faults::Time then) {
    return std::chrono::duration_cast<std::chrono::microseconds>(verdict.ended - then).count();
  };
  return {{"number", status.runs},
          {"verdict", faults::name_of(verdict.is)},
          {"state", status.scenario->states[status.run->state()].name},
          {"in_state_us", since(status.run->entered_at())},
          {"took_us", since(verdict.started)}};
}

class Api {
 public:
  explicit Api(ScenarioContext given) : context_(std::move(given)) {}

  Answer put(const Request& request);
  Answer show(const Request& request);
  Answer list(const Request& request);
  Answer remove(const Request& request);
  Answer start(const Request& request);
  Answer stop(const Request& request);
  Answer go_to(const Request& request);
  Answer result(const Request& request);
  Answer follow(const Request& request);
  Answer raise(const Request& request);
  Answer mark(const Request& request);

 private:
  ScenarioRunner& runner() const { return *context_.runner; }
  faults::Time now() const { return context_.now(); }
  static std::string id(const Request& request) { return request.parameters.at("id"); }
  Response not_found(const Request& request) const {
    return problem(404, "there is no scenario \"" + id(request) +
                            "\"; GET /v1/scenarios lists those there are");
  }
  Response result_of(const ScenarioRun& run, bool junit) const;
  Answer wait_for(const std::string& id, std::shared_ptr<const ScenarioRun> run,
                  const Request& request, bool junit);
  Answer told(const Request& request, std::string_view what,
              void (ScenarioRunner::*tell)(const std::string&, faults::Time));

  ScenarioContext context_;
};

Answer Api::put(const Request& request) {
  const auto before = runner().find(id(request));
  if (auto refusal = check_conditions(request, before ? etag_of(before->revision) : ""))
    return *refusal;
  auto loaded = config::load_scenario(request.body, id(request));
  if (!loaded.scenario) return problems_response(loaded.errors, loaded.errors_left_out);
  Json answer = {{"scenario", config::scenario_to_json(*loaded.scenario)},
                 {"warnings", problems_to_json(loaded.warnings)}};
  if (flag(request, "dry_run")) {
    answer["dry_run"] = true;
    return json_response(answer);
  }
  if (const auto error = runner().put(std::move(*loaded.scenario))) return refused(*error);
  auto response = json_response(answer, before ? 200 : 201);
  response.headers.emplace_back("ETag", etag_of(runner().find(id(request))->revision));
  return response;
}

Answer Api::show(const Request& request) {
  const auto found = runner().find(id(request));
  if (!found) return not_found(request);
  auto response = json_response(
      {{"scenario", config::scenario_to_json(*found->scenario)}, {"run", run_json(*found, now())}});
  response.headers.emplace_back("ETag", etag_of(found->revision));
  return response;
}

Answer Api::list(const Request&) {
  auto rows = Json::array();
  for (const auto& each : runner().list()) {
    Json row = {{"id", each.scenario->id},
                {"running", each.run != nullptr && !each.run->is_over()},
                {"state", nullptr},
                {"verdict", nullptr}};
    if (each.run) {
      row["state"] = each.scenario->states[each.run->state()].name;
      row["verdict"] = faults::name_of(each.run->verdict(now()).is);
    }
    rows.push_back(std::move(row));
  }
  return json_response({{"scenarios", std::move(rows)}});
}

Answer Api::remove(const Request& request) {
  const auto found = runner().find(id(request));
  if (auto refusal = check_conditions(request, found ? etag_of(found->revision) : ""))
    return *refusal;
  if (const auto error = runner().remove(id(request), now())) return refused(*error);
  return no_content();
}

Response Api::result_of(const ScenarioRun& run, bool junit) const {
  const auto verdict = run.verdict(now());
  if (!junit) return json_response(verdict_to_json(run.scenario(), verdict));
  Response response;
  response.body = junit_xml(run.scenario(), verdict);
  response.content_type = "application/xml";
  return response;
}

Answer Api::wait_for(const std::string& id, std::shared_ptr<const ScenarioRun> run,
                     const Request& request, bool junit) {
  auto timeout = Deferred::kMaxTimeout;
  if (const auto given = number(request, "timeout_ms"))
    timeout = std::chrono::milliseconds(
        std::min(*given, static_cast<std::uint64_t>(Deferred::kMaxTimeout.count())));
  const auto deferred = std::make_shared<Deferred>(timeout);
  const auto error = runner().when_over(
      id, [this, deferred, run, junit] { deferred->complete(result_of(*run, junit)); },
      [deferred] { return deferred->is_abandoned(); });
  if (error) return refused(*error);
  return deferred;
}

Answer Api::start(const Request& request) {
  if (const auto error = runner().start(id(request), now())) return refused(*error);
  const auto status = *runner().find(id(request));
  if (flag(request, "wait")) return wait_for(id(request), status.run, request, false);
  return json_response({{"scenario", id(request)}, {"run", run_json(status, now())}}, 202);
}

Answer Api::stop(const Request& request) {
  if (const auto error = runner().stop(id(request), flag(request, "discard"), now()))
    return refused(*error);
  return result_of(*runner().find(id(request))->run, false);
}

Answer Api::go_to(const Request& request) {
  config::Problems problems;
  Json tree = Json::object();
  std::optional<std::string> state;
  if (request.body.empty() || config::parse_json(request.body, tree, problems)) {
    config::Object in(config::Value(&tree, "", problems), kGotoShape);
    state = in.required("state").text(1, config::kMaxNameBytes);
    in.finish();
  }
  if (!problems.empty()) {
    const auto& first = problems.list().front();
    return problem(400, first.path.empty() ? first.message : first.path + ": " + first.message);
  }
  if (const auto error = runner().go_to(id(request), *state, now())) return refused(*error);
  const auto status = *runner().find(id(request));
  return json_response({{"scenario", id(request)}, {"run", run_json(status, now())}});
}

Answer Api::result(const Request& request) {
  const auto found = runner().find(id(request));
  if (!found) return not_found(request);
  const auto format = text(request, "format");
  if (!format.empty() && format != "json" && format != "junit")
    return problem(400, "format is \"" + format + "\"; write json or junit");
  if (!found->run)
    return problem(409, "the scenario \"" + id(request) +
                            "\" has not run yet; POST /v1/scenarios/" + id(request) +
                            "/start begins it");
  const bool junit = format == "junit";
  if (flag(request, "wait")) return wait_for(id(request), found->run, request, junit);
  return result_of(*found->run, junit);
}

/// One record for each state, and the result as the last one.
Answer Api::follow(const Request& request) {
  const auto found = runner().find(id(request));
  if (!found) return not_found(request);
  if (!found->run)
    return problem(409, "the scenario \"" + id(request) +
                            "\" has not run yet; POST /v1/scenarios/" + id(request) +
                            "/start begins it");
  Stream stream;
  stream.next = [this, run = found->run, next = std::size_t{0},
                 ended = false](Record& record) mutable {
    const auto dump = [](const Json& json) {
      return json.dump(-1, ' ', false, Json::error_handler_t::replace);
    };
    const auto& timeline = run->timeline();
    if (next < timeline.size()) {
      record.event = "state";
      record.data = dump(step_to_json(run->scenario(), timeline[next++], timeline.front().at));
      return Pull::record;
    }
    if (ended) return Pull::end;
    if (!run->is_over()) return Pull::wait;
    ended = true;
    auto result = verdict_to_json(run->scenario(), run->verdict(now()));
    result.erase("timeline");  // it was sent already
    record.event = "result";
    record.data = dump(result);
    return Pull::record;
  };
  return stream;
}

Answer Api::told(const Request& request, std::string_view what,
                 void (ScenarioRunner::*tell)(const std::string&, faults::Time)) {
  const auto& name = request.parameters.at("name");
  if (name.size() > config::kMaxNameBytes)
    return problem(400, "that is too long for a name; write 1 to " +
                            std::to_string(config::kMaxNameBytes) + " bytes");
  (runner().*tell)(name, now());
  return json_response({{std::string(what), name}});
}

Answer Api::raise(const Request& request) {
  return told(request, "event", &ScenarioRunner::raise_event);
}

Answer Api::mark(const Request& request) {
  return told(request, "mark", &ScenarioRunner::set_mark);
}

/// As text: easier to read than to build.
constexpr const char* kAnswers = R"({
  "ScenarioRun": {"type": ["object", "null"], "description": "the last run; null: none yet", "properties": {
    "number": {"type": "integer"}, "state": {"type": "string"},
    "verdict": {"enum": ["running", "settling", "passed", "failed", "stopped"]},
    "in_state_us": {"type": "integer"}, "took_us": {"type": "integer"}}},
  "ScenarioStatus": {"type": "object", "required": ["scenario", "run"], "properties": {
    "scenario": {"$ref": "#/components/schemas/scenario"},
    "run": {"$ref": "#/components/schemas/ScenarioRun"}}},
  "ScenarioStarted": {"type": "object", "required": ["scenario", "run"], "properties": {
    "scenario": {"type": "string"}, "run": {"$ref": "#/components/schemas/ScenarioRun"}}},
  "ScenarioPut": {"type": "object", "required": ["scenario", "warnings"], "properties": {
    "scenario": {"$ref": "#/components/schemas/scenario"}, "dry_run": {"type": "boolean"},
    "warnings": {"type": "array", "items": {"type": "object", "properties": {
      "path": {"type": "string"}, "message": {"type": "string"}, "line": {"type": "integer"}}}}}},
  "ScenarioList": {"type": "object", "required": ["scenarios"], "properties": {
    "scenarios": {"type": "array", "items": {"type": "object", "properties": {
      "id": {"type": "string"}, "running": {"type": "boolean"},
      "state": {"type": ["string", "null"], "description": "of the last run; null: none yet"},
      "verdict": {"type": ["string", "null"]}}}}}},
  "Noted": {"type": "object", "properties": {"event": {"type": "string"}, "mark": {"type": "string"}}},
  "ScenarioGoto": {"type": "object", "required": ["state"], "additionalProperties": false,
    "properties": {"state": {"type": "string", "description": "name of the state to enter"}}},
  "ScenarioStep": {"type": "object", "description": "a state that was entered, or (the last one) the result",
    "properties": {"at_us": {"type": "integer"}, "state": {"type": "string"}, "why": {"type": "string"}}},
  "ScenarioResult": {"type": "object", "required": ["scenario", "verdict", "took_us", "expectations", "timeline"],
    "properties": {"scenario": {"type": "string"}, "why": {"type": "string"},
      "verdict": {"enum": ["running", "settling", "passed", "failed", "stopped"]},
      "took_us": {"type": "integer"}, "timeline_left_out": {"type": "integer"},
      "expectations": {"type": "array", "items": {"type": "object", "properties": {
        "expect": {"$ref": "#/components/schemas/expect"}, "passed": {"type": "boolean"}, "why": {"type": "string"}}}},
      "timeline": {"type": "array", "items": {"$ref": "#/components/schemas/ScenarioStep"}}}}
})";

}  // namespace

std::vector<Route> scenario_routes(ScenarioContext context) {
  const auto api = std::make_shared<Api>(std::move(context));
  const Parameter id = {"id", "the scenario's ID", In::path};
  const Parameter dry_run = {"dry_run", "check only, change nothing", In::query, Type::boolean};
  const Parameter wait = {"wait", "answer when the run is over", In::query, Type::boolean};
  const Parameter timeout = {"timeout_ms", "with wait: at most so long; 24 h when left out",
                             In::query, Type::integer};
  const Parameter if_match = {"If-Match", "the ETag that the scenario must have", In::header};
  const Parameter name = {"name", "its name", In::path};
  const Reply result = {200, "the verdict", "ScenarioResult"};
  const auto call = [api](Answer (Api::*method)(const Request&)) {
    return [api, method](const Request& request) { return ((*api).*method)(request); };
  };
  std::vector<Route> routes;
  // clang-format off
  routes.push_back({.method = "GET", .pattern = "/v1/scenarios", .summary = "The scenarios, with what came of their last runs.",
    .handler = call(&Api::list), .replies = {{200, "by ID", "ScenarioList"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/scenarios/{id}", .summary = "One scenario, and the state that it is in.",
    .handler = call(&Api::show), .parameters = {id}, .replies = {{200, "the scenario; ETag is its revision", "ScenarioStatus"}}});
  routes.push_back({.method = "PUT", .pattern = "/v1/scenarios/{id}", .summary = "Adds or replaces a scenario that is not running; nothing starts.",
    .handler = call(&Api::put), .parameters = {id, dry_run, if_match}, .request_schema = "scenario",
    .replies = {{200, "replaced, or the same", "ScenarioPut"}, {201, "a new scenario", "ScenarioPut"}}});
  routes.push_back({.method = "DELETE", .pattern = "/v1/scenarios/{id}", .summary = "Removes a scenario; a run that is under way is broken off.",
    .handler = call(&Api::remove), .parameters = {id, if_match}, .replies = {{204, "removed"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/scenarios/{id}/start", .summary = "Begins a run in the scenario's first state.",
    .handler = call(&Api::start), .parameters = {id, wait, timeout},
    .replies = {{202, "it runs", "ScenarioStarted"}, {200, "with wait: the verdict", "ScenarioResult"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/scenarios/{id}/stop", .summary = "Ends the run and judges it.",
    .handler = call(&Api::stop), .parameters = {id, {"discard", "break it off, without a judgement", In::query, Type::boolean}},
    .replies = {result}});
  routes.push_back({.method = "POST", .pattern = "/v1/scenarios/{id}/goto", .summary = "Enters a state, whatever leads there.",
    .handler = call(&Api::go_to), .parameters = {id}, .request_schema = "ScenarioGoto",
    .replies = {{200, "it is there", "ScenarioStarted"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/scenarios/{id}/result", .summary = "The verdict of the last run; while it runs, how things stand.",
    .handler = call(&Api::result),
    .parameters = {id, wait, timeout, {"format", "json (default), or junit for JUnit XML", In::query}},
    .replies = {result, {200, "with format junit", "", "application/xml"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/scenarios/{id}/follow", .summary = "The states of the last run as it enters them, then its verdict.",
    .handler = call(&Api::follow), .parameters = {id},
    .replies = {{200, "a record for each", "ScenarioStep", "application/x-ndjson"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/events/{name}", .summary = "Raises an event that scenarios may wait for.",
    .handler = call(&Api::raise), .parameters = {name}, .replies = {{200, "they have heard of it", "Noted"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/marks/{name}", .summary = "Sets a mark: in the journal, for windows of rules, and for scenarios.",
    .handler = call(&Api::mark), .parameters = {name}, .replies = {{200, "it is set", "Noted"}}});
  // clang-format on
  return routes;
}

Json scenario_schemas() {
  auto schemas = Json::parse(kAnswers);
  const auto parts = config::scenario_definitions("#/components/schemas/");
  for (const auto& [key, schema] : parts.items())
    schemas[key] = schema;
  return schemas;
}

}  // namespace faultlun::daemon::control
