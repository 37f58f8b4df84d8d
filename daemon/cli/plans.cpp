#include "daemon/cli/plans.hpp"

#include "config/problems.hpp"
#include "config/units.hpp"
#include "daemon/client.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace faultlun::daemon::cli {
namespace {

using config::Json;

/// The API says what is wrong with a text that is no JSON; here that is nothing.
Json lenient(std::string_view text) {
  return Json::parse(text, nullptr, false);
}

/// "id" of an object when that is a string.
std::optional<std::string> id_of(const Json& tree) {
  if (!tree.is_object()) return std::nullopt;
  const auto found = tree.find("id");
  if (found == tree.end() || !found->is_string()) return std::nullopt;
  const auto& id = found->get_ref<const std::string&>();
  return id.empty() ? std::nullopt : std::optional(id);
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string query_value(const Option& option, const std::string& given) {
  if (option.takes == Option::Takes::nothing) return "1";
  if (option.takes != Option::Takes::duration) return percent_encode(given);
  const auto duration = config::parse_duration(given);  // parse.cpp has refused what is none
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(
      duration.value.value_or(std::chrono::seconds(0)));
  return std::to_string(ms.count());
}

std::string in_tag_quotes(const std::string& tag) {
  return tag == "*" || tag.find('"') != std::string::npos ? tag : "\"" + tag + "\"";
}

void add_options(const Call& call, Plan& plan) {
  for (const auto& option : call.command->options) {
    if (!call.has(option.name)) continue;
    const auto given = call.option(option.name);
    if (option.goes == Option::Goes::query)
      plan.path += (plan.path.find('?') == std::string::npos ? "?" : "&") +
                   std::string(option.key) + "=" + query_value(option, given);
    else if (option.goes == Option::Goes::header)
      plan.headers.emplace_back(option.key, in_tag_quotes(given));
  }
}

/// The query as it was, behind another path.
void move_to(Plan& plan, std::string method, const std::string& path) {
  const auto query = std::min(plan.path.find('?'), plan.path.size());
  plan.path = path + plan.path.substr(query);
  plan.method = std::move(method);
}

std::string not_json(std::string_view name, const std::string& text) {
  return std::string(name) + ": " + config::in_quotes(text) +
         " is no JSON object; write one, like '{\"key\": 1}'";
}

}  // namespace

std::string filled_in(std::string_view pattern, const Call& call) {
  std::string out;
  while (!pattern.empty()) {
    const auto open = std::min(pattern.find('{'), pattern.size());
    out += pattern.substr(0, open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const auto close = pattern.find('}');
    const auto name = pattern.substr(1, close - 1);
    pattern.remove_prefix(close + 1);
    const auto given = std::find_if(call.arguments.begin(), call.arguments.end(),
                                    [&](const auto& each) { return lower(each.first) == name; });
    if (given != call.arguments.end())
      out += percent_encode(given->second);
    else if (pattern.empty() && out.ends_with('/'))
      out.pop_back();
  }
  return out;
}

Planned plan_request(const Call& call) {
  const Command& command = *call.command;
  Planned out;
  out.plan.method = command.method;
  out.plan.path = filled_in(command.path, call);
  add_options(call, out.plan);
  for (const auto& argument : command.arguments)
    if (argument.kind != Argument::Kind::word) out.plan.body = call.argument(argument.name);
  if (command.plan) out.error = command.plan(call, out.plan);
  return out;
}

std::string plan_rule_put(const Call& call, Plan& plan) {
  const Json tree = lenient(call.argument("RULE"));
  const bool is_set = tree.is_array() || (tree.is_object() && tree.contains("rules"));
  if (is_set && !plan.headers.empty())
    return "--if-match: is for one rule, and this is a set; leave it out";
  if (is_set)
    move_to(plan, "POST", "/v1/populate");
  else if (const auto id = id_of(tree))
    move_to(plan, "PUT", "/v1/rules/" + percent_encode(*id));
  else
    move_to(plan, "POST", "/v1/rules");  // says that the ID is missing, or what is no JSON
  return {};
}

std::string plan_rule_check(const Call& call, Plan& plan) {
  plan.path += "?dry_run=1";
  return plan_rule_put(call, plan);
}

std::string plan_journal(const Call& call, Plan& plan) {
  if (call.has("--export"))
    plan.path += std::string(plan.path.find('?') == std::string::npos ? "?" : "&") + "export=1";
  return {};
}

std::string plan_scenario_put(const Call& call, Plan& plan) {
  const auto text = call.argument("SCENARIO");
  const auto id = id_of(lenient(text));
  if (!id)
    return "SCENARIO: " + config::in_quotes(text) +
           " is no JSON object with an \"id\"; give the scenario a name, like \"id\": \"flaky\"";
  move_to(plan, "PUT", "/v1/scenarios/" + percent_encode(*id));
  return {};
}

std::string plan_scenario_goto(const Call& call, Plan& plan) {
  plan.body =
      Json{{"state", call.argument("STATE")}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {};
}

std::string plan_unit_change(const Call& call, Plan& plan) {
  const auto more = call.argument("ARGUMENTS");
  Json body = {{"do", call.argument("WHAT")}};
  if (!more.empty()) {
    const Json tree = lenient(more);
    if (!tree.is_object()) return not_json("ARGUMENTS", more);
    body.update(tree);
  }
  plan.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {};
}

std::string plan_held_release(const Call& call, Plan& plan) {
  Json body = Json::object();
  for (const auto& option : call.command->options) {
    if (!call.has(option.name)) continue;
    const auto given = call.option(option.name);
    const auto number = config::parse_decimal(given);
    Json& value = body[std::string(option.name.substr(2))];
    if (option.takes == Option::Takes::number && number)
      value = *number;
    else
      value = given;
  }
  plan.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {};
}

std::string plan_api(const Call& call, Plan& plan) {
  plan.method = call.argument("METHOD");
  plan.path = call.argument("PATH");
  for (char& c : plan.method)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (plan.method.empty() || !std::all_of(plan.method.begin(), plan.method.end(),
                                          [](char c) { return c >= 'A' && c <= 'Z'; }))
    return "METHOD: " + config::in_quotes(plan.method) +
           " is no method; write GET, PUT, POST, PATCH or DELETE";
  const bool is_plain = std::all_of(plan.path.begin(), plan.path.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (!plan.path.starts_with('/') || !is_plain)
    return "PATH: " + config::in_quotes(plan.path) +
           " is no path; it starts with / and has no spaces (%20), like /v1/rules";
  return {};
}

}  // namespace faultlun::daemon::cli
