#include "daemon/control/admission.hpp"

#include "config/endpoint.hpp"
#include "config/units.hpp"
#include "daemon/control/routes.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace faultlun::daemon::control {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kBearer = "bearer ";
constexpr std::string_view kMultipart = "multipart/";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos
                           ? std::string{}
                           : percent_decode(pair.substr(equals + 1), true);
    if (!key || !value) return "the query has bad percent-encoding";
    if (!query.emplace(*key, *value).second) return "the query has the key \"" + *key + "\" twice";
  }
  return {};
}

/// "[::1]:80" → "::1", "localhost:80" → "localhost"; nothing when it is neither with a sound port.
std::optional<std::string_view> without_port(std::string_view host) {
  std::string_view rest;
  if (!host.empty() && host.front() == '[') {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    rest = host.substr(end + 1);
    host = host.substr(1, end - 1);
  } else if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    rest = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (rest.empty()) return host;
  if (rest.front() != ':') return std::nullopt;
  const auto port = rest.size() == 1 ? 0 : config::parse_decimal(rest.substr(1));
  if (!port || *port > 65535) return std::nullopt;
  return host;
}

}  // namespace

std::string parse_request_target(std::string_view text, RequestTarget& target) {
  if (equal_ignoring_case(text.substr(0, kScheme.size()), kScheme)) {
    text.remove_prefix(kScheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    if (target.authority.empty()) return "the request target names no host";
    text.remove_prefix(end);
    if (text.empty()) text = "/";
  }
  const auto question = text.find('?');
  const auto path = text.substr(0, question);
  if (path.empty() || path.front() != '/')
    return "the request target is not a path that starts with '/'";
  if (text.find('#') != std::string_view::npos) return "the request target has a '#' in it";
  target.path = path;
  return question == std::string_view::npos ? std::string{}
                                            : parse_query(text.substr(question + 1), target.query);
}

bool is_host_allowed(std::string_view host, std::span<const std::string> addresses) {
  const auto name = without_port(host);
  if (!name) return false;
  if (equal_ignoring_case(*name, "localhost")) return true;
  const auto given = config::parse_ip(*name);
  if (!given) return false;
  if (*name == "127.0.0.1" || given == config::parse_ip("::1")) return true;
  return std::any_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
    return given == config::parse_ip(address);
  });
}

bool is_token_right(std::string_view authorization, std::string_view token) {
  if (token.empty()) return true;
  if (!equal_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) return false;
  const auto given = authorization.substr(kBearer.size());
  volatile std::size_t difference =
      given.size() ^ token.size();  // volatile: no early way out of the loop
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto octet = static_cast<unsigned char>(given[i] ^ token[i % token.size()]);
    difference = difference | octet;
  }
  return difference == 0;
}

std::string problem_with_content(std::string_view type, std::string_view encoding) {
  if (equal_ignoring_case(type.substr(0, kMultipart.size()), kMultipart))
    return "a form with parts is not read; send the JSON as it is, with Content-Type: "
           "application/json (curl: --data-binary @FILE instead of -F)";
  if (!encoding.empty() && !equal_ignoring_case(encoding, "identity"))
    return "a body with a Content-Encoding is not read; send the JSON as it is";
  return {};
}

}  // namespace faultlun::daemon::control
