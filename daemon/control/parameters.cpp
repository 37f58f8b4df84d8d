#include "daemon/control/parameters.hpp"

#include "config/problems.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace faultlun::daemon::control {
namespace {

using In = Parameter::In;
using Type = Parameter::Type;

std::optional<bool> parse_boolean(std::string_view value) {
  if (value.empty() || value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_integer(std::string_view value) {
  const auto parsed = config::parse_decimal(value);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return parsed && *parsed <= kMost ? parsed : std::nullopt;
}

const Parameter* find(const std::vector<Parameter>& documented, In in, std::string_view name) {
  const auto found = std::find_if(documented.begin(), documented.end(), [&](const auto& each) {
    return each.in == in && each.name == name;
  });
  return found == documented.end() ? nullptr : &*found;
}

std::string wrong_value(const Parameter& parameter, std::string_view value) {
  const std::string start = std::string(name_of(parameter.in)) + " parameter " + parameter.name +
                            ": " + config::in_quotes(value);
  if (parameter.type == Type::integer && !parse_integer(value))
    return start + " is no number; write digits only, at most 9223372036854775807";
  if (parameter.type == Type::boolean && !parse_boolean(value))
    return start + " is neither yes nor no; write 1 or 0, true or false";
  return {};
}

std::string unknown_key(const std::vector<Parameter>& documented, std::string_view key) {
  std::vector<std::string_view> names;
  for (const auto& each : documented)
    if (each.in == In::query) names.push_back(each.name);
  return "query parameter " + config::in_quotes(key) + " is unknown" +
         config::did_you_mean(key, names) +
         (names.empty() ? "; this takes none" : "; known: " + config::listed(names));
}

}  // namespace

std::string_view name_of(In in) {
  constexpr std::string_view kNames[] = {"path", "query", "header"};
  return kNames[static_cast<std::size_t>(in)];
}

std::string_view name_of(Type type) {
  constexpr std::string_view kNames[] = {"string", "integer", "boolean"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string check_parameters(const std::vector<Parameter>& documented, const Request& request) {
  for (const auto& [key, value] : request.query) {
    const auto* parameter = find(documented, In::query, key);
    if (!parameter) return unknown_key(documented, key);
    if (auto wrong = wrong_value(*parameter, value); !wrong.empty()) return wrong;
  }
  for (const auto& [name, value] : request.parameters) {
    const auto* parameter = find(documented, In::path, name);
    if (!parameter) continue;
    if (auto wrong = wrong_value(*parameter, value); !wrong.empty()) return wrong;
  }
  for (const auto& parameter : documented)
    if (parameter.in == In::query && parameter.required && !request.query.contains(parameter.name))
      return "query parameter " + parameter.name + " is missing: " + parameter.description;
  return {};
}

bool flag(const Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found != request.query.end() && parse_boolean(found->second).value_or(false);
}

std::optional<std::uint64_t> number(const Request& request, const std::string& name) {
  for (const auto* given : {&request.query, &request.parameters})
    if (const auto found = given->find(name); found != given->end())
      return parse_integer(found->second);
  return std::nullopt;
}

std::string text(const Request& request, const std::string& name) {
  for (const auto* given : {&request.query, &request.parameters})
    if (const auto found = given->find(name); found != given->end()) return found->second;
  return {};
}

}  // namespace faultlun::daemon::control
