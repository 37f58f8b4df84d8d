#include "daemon/control/routes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <set>
#include <stdexcept>

namespace faultlun::daemon::control {
namespace {

constexpr std::size_t kMaxQuotedBytes = 120;  ///< of what the client sent, in a message
constexpr std::size_t kMaxSuggestions = 3;

using Parts = std::vector<std::string_view>;

/// "/v1/luns/3" into "v1", "luns", "3".  A trailing '/' makes an empty last part.
Parts split(std::string_view path) {
  Parts parts;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view part) {
  return part.size() > 2 && part.front() == '{' && part.back() == '}';
}

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
  const Parts pattern = split(route.pattern);
  if (pattern.size() != parts.size()) return std::nullopt;
  Match found;
  found.route = &route;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_parameter(pattern[i])) {
      if (parts[i].empty()) return std::nullopt;
      found.parameters[std::string(pattern[i].substr(1, pattern[i].size() - 2))] = parts[i];
    } else if (pattern[i] != parts[i]) {
      return std::nullopt;
    }
  }
  return found;
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
  const Parts wanted = split(pattern);
  const Parts given = split(path);
  std::string text;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool takes = is_parameter(wanted[i]) && i < given.size();
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

Response run(const Route& route, const Request& request) {
  const std::string what = route.method + " " + route.pattern + " failed: ";
  try {
    return route.handler(request);
  } catch (const std::exception& error) {
    return problem(500, what + error.what());
  } catch (...) {
    return problem(500, what + "unknown error");
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Response problem(unsigned status, std::string_view message) {
  const nlohmann::json body = {{"error", {{"message", message}}}};
  // The message may quote octets of the client that are no UTF-8.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  Response response;
  response.status = status;
  response.body = body.dump(-1, ' ', false, kReplace) + "\n";
  return response;
}

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

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& route : routes_) {
    const std::string row = "route " + route.method + " " + route.pattern;
    if (route.pattern.empty() || route.pattern.front() != '/')
      throw std::logic_error(row + ": the pattern does not start with '/'");
    if (!route.handler) throw std::logic_error(row + ": no handler");
    if (!seen.emplace(route.method, route.pattern).second)
      throw std::logic_error(row + ": twice in the table");
  }
}

Response Router::dispatch(Request request) const {
  std::vector<std::string> parts;
  if (request.path.empty() || request.path.front() != '/') return not_found(routes_, request.path);
  for (const auto part : split(request.path)) {
    auto decoded = percent_decode(part);
    if (!decoded || !is_printable(*decoded))
      return problem(400, "the path has bad percent-encoding: " + shortened(request.path));
    parts.push_back(std::move(*decoded));
  }

  std::vector<Match> matches;
  for (const auto& route : routes_)
    if (auto found = match(route, parts)) matches.push_back(std::move(*found));
  if (matches.empty()) return not_found(routes_, request.path);

  const auto best_for = [&](std::string_view method) {
    Match* best = nullptr;
    for (auto& found : matches) {
      const bool better = !best || found.parameters.size() < best->parameters.size();
      if (found.route->method == method && better) best = &found;
    }
    return best;
  };
  Match* best = best_for(request.method);
  if (!best && request.method == "HEAD") best = best_for("GET");
  if (!best) return not_allowed(matches, request);
  request.parameters = std::move(best->parameters);
  return run(*best->route, request);
}

}  // namespace faultlun::daemon::control
