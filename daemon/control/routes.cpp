#include "daemon/control/routes.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <set>
#include <stdexcept>

namespace faultlun::daemon::control {
namespace {

constexpr std::size_t kMaxQuotedBytes = 120;  ///< of what the client sent, in a message
constexpr std::size_t kMaxSuggestions = 3;

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

struct Match {
  const Route* route = nullptr;
  std::map<std::string, std::string> parameters;
};

/// `parts` are decoded.
std::optional<Match> match(const Route& route, const std::vector<std::string>& parts) {
  const auto pattern = path_parts(route.pattern);
  if (pattern.size() != parts.size()) return std::nullopt;
  Match found;
  found.route = &route;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_path_parameter(pattern[i])) {
      if (parts[i].empty()) return std::nullopt;
      found.parameters[std::string(pattern[i].substr(1, pattern[i].size() - 2))] = parts[i];
    } else if (pattern[i] != parts[i]) {
      return std::nullopt;
    }
  }
  return found;
}

/// The parts of a path without their percent-encoding; nothing when that is bad.
std::optional<std::vector<std::string>> decoded_parts(std::string_view path) {
  std::vector<std::string> parts;
  for (const auto part : path_parts(path)) {
    auto decoded = percent_decode(part);
    if (!decoded || !is_printable(*decoded)) return std::nullopt;
    parts.push_back(std::move(*decoded));
  }
  return parts;
}

std::vector<Match> matches_of(const std::vector<Route>& routes,
                              const std::vector<std::string>& parts) {
  std::vector<Match> matches;
  for (const auto& route : routes)
    if (auto found = match(route, parts)) matches.push_back(std::move(*found));
  return matches;
}

/// The one with the fewest parameters.
Match* best_of(std::vector<Match>& matches, std::string_view method) {
  Match* best = nullptr;
  for (auto& found : matches) {
    const bool better = !best || found.parameters.size() < best->parameters.size();
    if (found.route->method == method && better) best = &found;
  }
  return !best && method == "HEAD" ? best_of(matches, "GET") : best;
}

std::string shortened(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return std::string(text);
  return std::string(text.substr(0, kMaxQuotedBytes)) + "…";
}

/// Insertions, deletions and substitutions between the two (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

/// The pattern with the client's words in place of its {name} parts, so that they cost no distance.
std::string filled_in(std::string_view pattern, std::string_view path) {
  const auto wanted = path_parts(pattern);
  const auto given = path_parts(path);
  std::string text;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool takes = is_path_parameter(wanted[i]) && i < given.size();
    text.append("/").append(takes ? given[i] : wanted[i]);
  }
  return text;
}

/// The nearest patterns, best first; all of them when none is near.
std::vector<std::string> suggestions(const std::vector<Route>& routes, std::string_view path) {
  std::set<std::string> all;
  for (const auto& route : routes)
    all.insert(route.pattern);
  if (path.size() > kMaxQuotedBytes) return {all.begin(), all.end()};
  const std::size_t near = std::max<std::size_t>(2, path.size() / 3);
  std::set<std::pair<std::size_t, std::string>> ranked;
  for (const auto& pattern : all) {
    const std::size_t edits = distance(path, filled_in(pattern, path));
    if (edits <= near) ranked.emplace(edits, pattern);
  }
  if (ranked.empty()) return {all.begin(), all.end()};
  std::vector<std::string> best;
  for (const auto& [edits, pattern] : ranked)
    if (best.size() < kMaxSuggestions) best.push_back(pattern);
  return best;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

Response not_found(const std::vector<Route>& routes, std::string_view path) {
  const auto near = suggestions(routes, path);
  std::string message = "no such path: " + shortened(path);
  if (!near.empty()) message += "; did you mean one of: " + joined(near) + "?";
  return problem(404, message);
}

Response not_allowed(const std::vector<Match>& matches, const Request& request) {
  std::set<std::string> methods;
  for (const auto& found : matches) {
    methods.insert(found.route->method);
    if (found.route->method == "GET") methods.insert("HEAD");
  }
  const std::string allowed = joined({methods.begin(), methods.end()});
  Response response = problem(405, shortened(request.method) + " is not for " +
                                       shortened(request.path) + "; allowed: " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Answer run(const Route& route, const Request& request) {
  const std::string what = route.method + " " + route.pattern + " failed: ";
  try {
    return route.handler(request);
  } catch (const std::exception& error) {
    return problem(500, what + error.what());
  } catch (...) {
    return problem(500, what + "unknown error");
  }
}

/// "GET /v1/sessions/{tsih}" → "get_sessions_tsih".
std::string default_operation_id(const Route& route) {
  std::string id;
  for (const char c : route.method)
    id += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (auto part : path_parts(route.pattern)) {
    if (part == "v1") continue;
    if (is_path_parameter(part)) part = part.substr(1, part.size() - 2);
    id += '_';
    for (const char c : part)
      id += c == '.' || c == '-' ? '_' : c;
  }
  return id;
}

void fill_in(Route& route) {
  const auto parts = path_parts(route.pattern);
  if (route.tag.empty())
    route.tag = parts.front() == "v1" && parts.size() > 1 ? parts[1] : parts[0];
  if (route.operation_id.empty()) route.operation_id = default_operation_id(route);
  if (route.replies.empty()) route.replies.push_back({.status = 200, .description = "ok"});
}

/// What is wrong with a row.
std::string fault_of(const Route& route) {
  if (route.pattern.empty() || route.pattern.front() != '/')
    return "the pattern does not start with '/'";
  if (!route.handler) return "no handler";
  if (route.max_body_bytes > kMostMaxBodyBytes)
    return "a body of " + std::to_string(route.max_body_bytes) + " bytes is too large";
  const auto parts = path_parts(route.pattern);
  for (const auto& parameter : route.parameters) {
    if (parameter.in != Parameter::In::path) continue;
    if (std::find(parts.begin(), parts.end(), "{" + parameter.name + "}") == parts.end())
      return "the pattern has no part {" + parameter.name + "}";
  }
  return {};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool is_path_parameter(std::string_view part) {
  return part.size() > 2 && part.front() == '{' && part.back() == '}';
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> ids;
  for (auto& route : routes_) {
    const std::string row = "route " + route.method + " " + route.pattern;
    fill_in(route);
    if (const auto fault = fault_of(route); !fault.empty())
      throw std::logic_error(row + ": " + fault);
    if (!seen.emplace(route.method, route.pattern).second)
      throw std::logic_error(row + ": twice in the table");
    if (!ids.insert(route.operation_id).second)
      throw std::logic_error(row + ": another has the operation id " + route.operation_id);
  }
}

const Route* Router::find(std::string_view method, std::string_view path) const {
  const auto parts = decoded_parts(path);
  if (!parts) return nullptr;
  auto matches = matches_of(routes_, *parts);
  const Match* best = best_of(matches, method);
  return best ? best->route : nullptr;
}

Answer Router::dispatch(Request request) const {
  if (request.path.empty() || request.path.front() != '/') return not_found(routes_, request.path);
  const auto parts = decoded_parts(request.path);
  if (!parts) return problem(400, "the path has bad percent-encoding: " + shortened(request.path));
  auto matches = matches_of(routes_, *parts);
  if (matches.empty()) return not_found(routes_, request.path);
  Match* best = best_of(matches, request.method);
  if (!best) return not_allowed(matches, request);
  request.parameters = std::move(best->parameters);
  if (const auto wrong = check_parameters(best->route->parameters, request); !wrong.empty())
    return problem(400, wrong);
  return run(*best->route, request);
}

}  // namespace faultlun::daemon::control
