#include "daemon/control/explain_routes.hpp"

#include "config/event.hpp"
#include "daemon/control/api.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using faults::Explained;

Json forecast_of(const faults::Forecast& next) {
  Json out = {{"outcome", faults::name_of(next.outcome)}, {"index", next.index}};
  if (next.drawn) {
    char digits[20];
    std::snprintf(digits, sizeof digits, "0x%016llx", static_cast<unsigned long long>(next.draw));
    out["draw"] = digits;
  }
  if (!next.certain) out["certain"] = false;
  return out;
}

Json reasons_of(const Explained& each) {
  Json out = Json::array();
  if (!each.armed) out.push_back("life.armed");
  if (!each.site) out.push_back("where");
  if (!each.can_strike) out.push_back("effect");
  for (const auto name : each.missing)
    out.push_back("match." + std::string(name));
  return out;
}

Json report(const std::vector<Explained>& all, bool has_state) {
  Json matches = Json::array(), near_misses = Json::array(), others = Json::array();
  std::size_t left_out = 0;
  for (const auto& each : all) {
    Json& list = each.matches() ? matches : each.obstacles() == 1 ? near_misses : others;
    if (list.size() >= kMaxExplained) {
      ++left_out;
      continue;
    }
    Json line = {{"rule", each.rule->rule.id}};
    if (each.matches())
      line["next"] = forecast_of(*each.next);
    else
      line["because"] = reasons_of(each);
    list.push_back(std::move(line));
  }
  Json out = {{"counters", has_state ? "session" : "new"},
              {"matches", std::move(matches)},
              {"near_misses", std::move(near_misses)},
              {"others", std::move(others)}};
  if (left_out != 0) out["left_out"] = left_out;
  return out;
}

Response unreadable(const config::Problems& problems) {
  std::string text;
  for (const auto& each : problems.list())
    text += (text.empty() ? "" : "\n") + config::to_text(each);
  return problem(400, text);
}

Answer post_explain(const Request& request, const ExplainContext& context) {
  Json body;
  config::Problems problems;
  std::shared_ptr<config::Event> event;
  if (config::parse_json(request.body, body, problems))
    event = config::read_event(config::Value(&body, "", problems));
  if (!event) return unreadable(problems);
  event->facts.now = context.now();
  auto rules = context.rules();
  if (!context.with_session || event->session.initiator.empty())
    return json_response(
        report(faults::explain(*rules, nullptr, context.seed, event->facts, event->past), false));
  auto answer = std::make_shared<Deferred>();
  context.with_session(event->session.alias(), [answer, event, rules = std::move(rules),
                                                seed = context.seed](const auto* state) {
    answer->complete(json_response(
        report(faults::explain(*rules, state, seed, event->facts, event->past), state != nullptr)));
  });
  return answer;
}

}  // namespace

std::vector<Route> explain_routes(ExplainContext context) {
  if (!context.now) throw std::logic_error("explain has no now");
  if (!context.rules) throw std::logic_error("explain has no rules");
  const auto shared = std::make_shared<const ExplainContext>(std::move(context));
  return {{.method = "POST",
           .pattern = "/v1/explain",
           .summary = "Which rules match an event, which nearly do, and why not.",
           .handler = [shared](const Request& request) { return post_explain(request, *shared); },
           .request_schema = "Event",
           .replies = {{200, "matches with what their gates would say next, near misses, others",
                        "Explanation"}}}};
}

}  // namespace faultlun::daemon::control
