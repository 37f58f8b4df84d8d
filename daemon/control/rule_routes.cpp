#include "daemon/control/rule_routes.hpp"

#include "config/fault_schema.hpp"
#include "config/json.hpp"
#include "config/rules.hpp"
#include "config/units.hpp"
#include "daemon/control/api.hpp"
#include "daemon/control/conditions.hpp"
#include "daemon/rule_metrics.hpp"
#include "faults/predict.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using In = Parameter::In;
using Type = Parameter::Type;

constexpr std::size_t kRuleSetBodyBytes = kMostMaxBodyBytes;
constexpr auto kDefaultLease = std::chrono::seconds(30);

// ---- what goes out -----------------------------------------------------------------------------

Json to_json(const Barrier& barrier) {
  auto sessions = Json::array();
  for (const auto& mark : barrier.sessions)
    sessions.push_back({{"alias", mark.alias},
                        {"tsih", mark.tsih},
                        {"cmd_sn", mark.cmd_sn},
                        {"stat_sn", mark.stat_sn}});
  return {{"epoch", barrier.epoch}, {"sessions", std::move(sessions)}};
}

Json to_json(const Change& change) {
  Json out = {{"epoch", change.epoch}};
  if (change.revision != 0) out["revision"] = change.revision;
  out["created"] = change.created;
  out["replaced"] = change.replaced;
  out["changed"] = change.changed;
  out["removed"] = change.removed;
  return out;
}

Json to_json(const RuleStatus& status, TimePoint now) {
  const auto since = [&](TimePoint then) {
    return config::duration_text(std::chrono::duration_cast<std::chrono::microseconds>(now - then));
  };
  Json state = {{"armed", status.rule->life.armed}, {"exhausted", status.exhausted},
                {"revision", status.revision},      {"source", status.source},
                {"matched", status.matched},        {"fired", status.fired},
                {"suppressed", status.suppressed},  {"observed", status.observed},
                {"active", status.active},          {"installed_for", since(status.installed_at)}};
  if (status.rule->life.armed) state["armed_for"] = since(status.armed_at);
  if (status.expires_at)
    state["expires_in"] =
        config::duration_text(std::chrono::duration_cast<std::chrono::microseconds>(
            std::max(*status.expires_at - now, TimePoint::duration{})));
  return {{"rule", config::rule_to_json(*status.rule)}, {"state", std::move(state)}};
}

Response refused(const RuleError& error) {
  using Kind = RuleError::Kind;
  const auto status = [&] {
    switch (error.kind) {
      case Kind::not_found:
        return 404U;
      case Kind::precondition_failed:
        return 412U;
      case Kind::conflict:
      case Kind::limit:
        return 409U;
      case Kind::invalid:
        break;
    }
    return 400U;
  }();
  return problem(status, error.path.empty() ? error.message : error.path + ": " + error.message);
}

// ---- what comes in -----------------------------------------------------------------------------

/// Nothing, and `answer` is set, when the text is not one rule.
std::optional<faults::Rule> parse_rule(const Request& request, std::optional<std::string_view> id,
                                       Response& answer) {
  config::Problems problems;
  Json tree;
  std::optional<faults::Rule> rule;
  if (config::parse_json(request.body, tree, problems))
    rule = config::read_rule(config::Value(&tree, "", problems), id);
  if (rule && problems.empty()) return rule;
  config::locate(request.body, problems);
  answer = problems_response(problems);
  return std::nullopt;
}

std::optional<std::vector<faults::Rule>> parse_rules(const Request& request, Response& answer) {
  auto loaded = config::load_rules(request.body);
  if (loaded.rules) return std::move(loaded.rules);
  answer = problems_response(loaded.errors, loaded.errors_left_out);
  return std::nullopt;
}

/// If-Match and If-None-Match against a rule as it is now, for the book to check again.
std::optional<Response> condition_of(const Request& request, const std::optional<RuleStatus>& now,
                                     Precondition& precondition) {
  if (auto refusal = check_conditions(request, now ? etag_of(now->revision) : "")) return refusal;
  const bool asked =
      !request.header("if-match").empty() || !request.header("if-none-match").empty();
  if (asked)
    precondition = now ? Precondition::match(now->revision) : Precondition::none_match_any();
  return std::nullopt;
}

class Api {
 public:
  explicit Api(RuleContext given) : context(std::move(given)) {}

  RuleBook& book() const { return *context.book; }
  TimePoint now() const { return context.now(); }

  /// Makes the change that `edit(done)` makes, and answers when every session has it.
  template <typename Edit>
  Answer change(const Request& request, Edit edit, std::string id = {}, unsigned created = 200) {
    auto deferred = std::make_shared<Deferred>();
    auto made = std::make_shared<Json>();
    auto status = std::make_shared<unsigned>(200);
    auto revision = std::make_shared<std::uint64_t>(0);
    // The barrier may come before edit() returns: the answer needs both.
    auto parts = std::make_shared<std::atomic<int>>(2);
    auto barrier = std::make_shared<Barrier>();
    const bool drains = flag(request, "drain");
    const auto finish = [deferred, made, status, revision, barrier](bool drained) {
      (*made)["barrier"] = to_json(*barrier);
      if (drained) (*made)["drained"] = true;
      auto response = json_response(*made, *status);
      if (*revision != 0) response.headers.emplace_back("ETag", etag_of(*revision));
      deferred->complete(std::move(response));
    };
    const auto arrive = [this, parts, barrier, drains, finish] {
      if (--*parts != 0) return;
      if (!drains) return finish(false);
      context.drain(barrier->epoch, [finish] { finish(true); });
    };
    const auto outcome = edit([barrier, arrive](Barrier reached) {
      *barrier = std::move(reached);
      arrive();
    });
    if (const auto* error = std::get_if<RuleError>(&outcome)) return refused(*error);
    const auto& change = std::get<Change>(outcome);
    *made = to_json(change);
    *revision = change.revision;
    if (!change.created.empty()) *status = created;
    if (!id.empty())
      if (const auto now_there = book().get(id))
        (*made)["rule"] = to_json(*now_there, now())["rule"];
    arrive();
    return deferred;
  }

  Answer put(const Request& request);
  Answer post(const Request& request);
  Answer patch(const Request& request);
  Answer remove(const Request& request);
  Answer show(const Request& request);
  Answer list(const Request& request);
  Answer replace(const Request& request);
  Answer populate(const Request& request);
  Answer predict(const Request& request);
  Answer reset_all(const Request& request);
  template <typename Edit>
  Answer life(const Request& request, Edit edit);
  Answer keep_lease(const Request& request);
  Answer drop_lease(const Request& request);
  Answer leases(const Request& request);

  RuleContext context;
};

Answer Api::put(const Request& request) {
  const auto id = request.parameters.at("id");
  const auto before = book().get(id);
  Precondition precondition;
  if (auto refusal = condition_of(request, before, precondition)) return *refusal;
  Response answer;
  auto rule = parse_rule(request, id, answer);
  if (!rule) return answer;
  if (flag(request, "dry_run"))
    return json_response({{"dry_run", true}, {"rule", config::rule_to_json(*rule)}});
  return change(
      request,
      [&](Done done) {
        return book().put(kApiSource, std::move(*rule), precondition, now(), std::move(done));
      },
      id, 201);
}

Answer Api::post(const Request& request) {
  Response answer;
  auto rule = parse_rule(request, std::nullopt, answer);
  if (!rule) return answer;
  const auto id = rule->id;
  if (flag(request, "dry_run"))
    return json_response({{"dry_run", true}, {"rule", config::rule_to_json(*rule)}});
  return change(
      request,
      [&](Done done) {
        return book().put(kApiSource, std::move(*rule), {}, now(), std::move(done));
      },
      id, 201);
}

/// JSON Merge Patch (RFC 7396) of the rule as GET shows it.
Answer Api::patch(const Request& request) {
  const auto id = request.parameters.at("id");
  const auto before = book().get(id);
  if (!before)
    return problem(404, "there is no rule \"" + id + "\"; GET /v1/rules lists those there are");
  Precondition precondition;
  if (auto refusal = condition_of(request, before, precondition)) return *refusal;
  config::Problems problems;
  Json changes;
  if (!config::parse_json(request.body, changes, problems)) return problems_response(problems);
  auto tree = config::rule_to_json(*before->rule);
  tree.merge_patch(changes);
  auto rule = config::read_rule(config::Value(&tree, "", problems), id);
  if (!rule || !problems.empty()) return problems_response(problems);
  if (flag(request, "dry_run"))
    return json_response({{"dry_run", true}, {"rule", config::rule_to_json(*rule)}});
  const auto source = before->source;
  const auto same = Precondition::match(before->revision);  // nobody may have changed it meanwhile
  return change(
      request,
      [&](Done done) { return book().put(source, std::move(*rule), same, now(), std::move(done)); },
      id);
}

Answer Api::remove(const Request& request) {
  const auto id = request.parameters.at("id");
  Precondition precondition;
  if (auto refusal = condition_of(request, book().get(id), precondition)) return *refusal;
  return change(request,
                [&](Done done) { return book().remove(id, precondition, now(), std::move(done)); });
}

Answer Api::show(const Request& request) {
  const auto id = request.parameters.at("id");
  const auto found = book().get(id);
  if (!found)
    return problem(404, "there is no rule \"" + id + "\"; GET /v1/rules lists those there are");
  const auto tag = etag_of(found->revision);
  if (auto refusal = check_conditions(request, tag)) return *refusal;
  auto shown = to_json(*found, now());
  if (auto error = latency_error_to_json(*found->lifetime))
    shown["state"]["latency_error"] = std::move(*error);
  auto response = json_response(shown);
  response.headers.emplace_back("ETag", tag);
  return response;
}

Answer Api::list(const Request& request) {
  RuleFilter filter;
  const auto given = [&](const char* name) {
    const auto value = text(request, name);
    return value.empty() ? std::nullopt : std::optional(value);
  };
  filter.owner = given("owner");
  filter.tag = given("tag");
  filter.source = given("source");
  auto rules = Json::array();
  for (const auto& each : book().list(filter))
    rules.push_back(to_json(each, now()));
  const auto epoch = book().rules()->epoch();
  auto response = json_response({{"epoch", epoch}, {"rules", std::move(rules)}});
  response.headers.emplace_back("ETag", etag_of(epoch));
  return response;
}

Answer Api::replace(const Request& request) {
  if (auto refusal = check_conditions(request, etag_of(book().rules()->epoch()))) return *refusal;
  Response answer;
  auto rules = parse_rules(request, answer);
  if (!rules) return answer;
  if (flag(request, "dry_run"))
    return json_response({{"dry_run", true}, {"rules", config::rules_to_json(*rules)}});
  return change(request, [&](Done done) {
    return book().replace_all(std::move(*rules), now(), std::move(done));
  });
}

Answer Api::populate(const Request& request) {
  Response answer;
  auto rules = parse_rules(request, answer);
  if (!rules) return answer;
  if (flag(request, "dry_run"))
    return json_response({{"dry_run", true}, {"rules", config::rules_to_json(*rules)}});
  return change(request, [&](Done done) {
    return book().populate(kApiSource, std::move(*rules), now(), std::move(done));
  });
}

template <typename Edit>
Answer Api::life(const Request& request, Edit edit) {
  const auto id = request.parameters.at("id");
  Precondition precondition;
  if (auto refusal = condition_of(request, book().get(id), precondition)) return *refusal;
  return change(
      request, [&](Done done) { return (book().*edit)(id, precondition, now(), std::move(done)); },
      id);
}

Answer Api::predict(const Request& request) {
  const auto id = request.parameters.at("id");
  const auto found = book().get(id);
  if (!found)
    return problem(404, "there is no rule \"" + id + "\"; GET /v1/rules lists those there are");
  const auto asked = text(request, "key");
  const std::string key = asked.empty() ? "*" : asked;
  const auto from = number(request, "from").value_or(0), n = number(request, "n").value_or(1000);
  const auto outcome = faults::predict(*found->rule, context.seed, key, from, n);
  if (const auto* complaint = std::get_if<faults::Complaint>(&outcome))
    return problem(400, complaint->field + ": " + complaint->message);
  const auto& prediction = std::get<faults::Prediction>(outcome);
  return json_response({{"rule", id},
                        {"seed", config::seed_text(context.seed)},
                        {"key", key},
                        {"from", from},
                        {"end", prediction.end},
                        {"fires", prediction.indexes},
                        {"off", prediction.off},
                        {"timed", prediction.timed},
                        {"order_dependent", prediction.order_dependent},
                        {"needs_data", prediction.needs_data},
                        {"shares_limit", prediction.shares_limit}});
}

/// Rules, units, overlays, held commands: as after the start.
Answer Api::reset_all(const Request& request) {
  context.heal(flag(request, "data"));
  return change(request, [&](Done done) -> ChangeOrError {
    return book().reset_all(now(), std::move(done));
  });
}

Answer Api::keep_lease(const Request& request) {
  const auto name = request.parameters.at("owner");
  auto ttl = std::chrono::milliseconds(kDefaultLease);
  if (const auto given = number(request, "ttl_ms")) ttl = std::chrono::milliseconds(*given);
  if (const auto error = book().keep_lease(name, ttl, now())) return refused(*error);
  return json_response({{"lease", name}, {"ttl_ms", ttl.count()}});
}

Answer Api::drop_lease(const Request& request) {
  return change(request, [&](Done done) {
    return book().drop_lease(request.parameters.at("owner"), now(), std::move(done));
  });
}

Answer Api::leases(const Request&) {
  auto list = Json::array();
  for (const auto& each : book().leases())
    list.push_back(
        {{"lease", each.name},
         {"rules", each.rules},
         {"expires_in_ms",
          std::chrono::duration_cast<std::chrono::milliseconds>(each.expires_at - now()).count()}});
  return json_response({{"leases", std::move(list)}});
}

}  // namespace

std::vector<Route> rule_routes(RuleContext context) {
  const auto api = std::make_shared<Api>(std::move(context));
  const Parameter id = {"id", "the rule's ID", In::path};
  const Parameter dry_run = {"dry_run", "check only, change nothing", In::query, Type::boolean};
  const Parameter drain = {"drain", "answer when no command is in progress that was decided before",
                           In::query, Type::boolean};
  const Parameter if_match = {"If-Match", "the ETag that the rule must have", In::header};
  const Reply changed = {200, "changed, in force everywhere", "Change"};
  const auto call = [api](Answer (Api::*method)(const Request&)) {
    return [api, method](const Request& request) { return ((*api).*method)(request); };
  };
  const auto life = [api](auto edit) {
    return [api, edit](const Request& request) { return api->life(request, edit); };
  };
  std::vector<Route> routes;
  // clang-format off
  routes.push_back({.method = "GET", .pattern = "/v1/capabilities",
    .summary = "Every fault with the JSON Schema of its parameters, and the words of the rule language.",
    .handler = [api](const Request&) -> Answer { return json_response(config::capabilities(api->context.version)); },
    .replies = {{200, "the tables of this version", "Capabilities"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/rules", .summary = "The rules in order of evaluation, with their counters.",
    .handler = call(&Api::list),
    .parameters = {{"owner", "only of this owner"}, {"tag", "only with this tag"}, {"source", "only from config, api or scenario:ID"}},
    .replies = {{200, "the rules; ETag is the epoch", "RuleList"}}});
  routes.push_back({.method = "PUT", .pattern = "/v1/rules", .summary = "Replaces the whole set, all or nothing.",
    .handler = call(&Api::replace), .parameters = {dry_run, drain, if_match}, .request_schema = "RuleSet",
    .replies = {changed}, .max_body_bytes = kRuleSetBodyBytes});
  routes.push_back({.method = "POST", .pattern = "/v1/rules", .summary = "Puts one rule, whose ID is in the body.",
    .handler = call(&Api::post), .parameters = {dry_run, drain}, .request_schema = "Rule",
    .replies = {changed, {201, "a new rule, in force everywhere", "Change"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/populate", .summary = "Puts several rules, all or none; other rules stay.",
    .handler = call(&Api::populate), .parameters = {dry_run, drain}, .request_schema = "RuleSet",
    .replies = {changed}, .max_body_bytes = kRuleSetBodyBytes});
  routes.push_back({.method = "GET", .pattern = "/v1/rules/{id}", .summary = "One rule with its counters.",
    .handler = call(&Api::show), .parameters = {id}, .replies = {{200, "the rule; ETag is its revision", "RuleStatus"}}});
  routes.push_back({.method = "PUT", .pattern = "/v1/rules/{id}", .summary = "Adds or replaces one rule; the same rule again changes nothing.",
    .handler = call(&Api::put), .parameters = {id, dry_run, drain, if_match}, .request_schema = "Rule",
    .replies = {changed, {201, "a new rule, in force everywhere", "Change"}}});
  routes.push_back({.method = "PATCH", .pattern = "/v1/rules/{id}", .summary = "Changes parts of a rule (JSON Merge Patch); it starts anew.",
    .handler = call(&Api::patch), .parameters = {id, dry_run, drain, if_match}, .request_schema = "Object", .replies = {changed}});
  routes.push_back({.method = "DELETE", .pattern = "/v1/rules/{id}", .summary = "Removes one rule.",
    .handler = call(&Api::remove), .parameters = {id, drain, if_match}, .replies = {changed}});
  routes.push_back({.method = "POST", .pattern = "/v1/rules/{id}/arm", .summary = "Arms a rule; its window and cycle start again.",
    .handler = life(&RuleBook::arm), .parameters = {id, drain, if_match}, .replies = {changed}});
  routes.push_back({.method = "POST", .pattern = "/v1/rules/{id}/disarm", .summary = "Disarms a rule; it stays, with its counters.",
    .handler = life(&RuleBook::disarm), .parameters = {id, drain, if_match}, .replies = {changed}});
  routes.push_back({.method = "POST", .pattern = "/v1/rules/{id}/reset", .summary = "Counters of a rule to zero; what healed is bad again.",
    .handler = life(&RuleBook::reset), .parameters = {id, drain, if_match}, .replies = {changed}});
  routes.push_back({.method = "GET", .pattern = "/v1/rules/{id}/predict", .summary = "Which matches will fire, computed without running.",
    .handler = call(&Api::predict),
    .parameters = {id, {"key", "the key string: * (default), immediate, lba:N, content:N, attempt:N"},
                   {"from", "first index", In::query, Type::integer}, {"n", "how many indexes to look at", In::query, Type::integer}},
    .replies = {{200, "the indexes that fire", "Prediction"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/leases", .summary = "Leases that are kept up.", .handler = call(&Api::leases),
    .replies = {{200, "leases", "LeaseList"}}});
  routes.push_back({.method = "PUT", .pattern = "/v1/leases/{owner}", .summary = "Starts a lease or keeps it up; rules with its name go when nobody does.",
    .handler = call(&Api::keep_lease),
    .parameters = {{"owner", "name of the lease", In::path}, {"ttl_ms", "how long it lasts; 30 s when left out", In::query, Type::integer}},
    .replies = {{200, "kept", "Lease"}}});
  routes.push_back({.method = "DELETE", .pattern = "/v1/leases/{owner}", .summary = "Ends a lease; its rules go.",
    .handler = call(&Api::drop_lease), .parameters = {{"owner", "name of the lease", In::path}, drain}, .replies = {changed}});
  routes.push_back({.method = "POST", .pattern = "/v1/reset",
    .summary = "Back to the loaded configuration: other rules gone, scenarios stopped, units and media healed, held commands let go.",
    .handler = call(&Api::reset_all),
    .parameters = {{"data", "memory disks are emptied, too", In::query, Type::boolean}, drain},
    .replies = {changed}, .is_essential = true});
  // clang-format on
  return routes;
}

}  // namespace faultlun::daemon::control
