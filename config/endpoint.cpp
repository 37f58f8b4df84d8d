#include "config/endpoint.hpp"

#include "config/problems.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace faultlun::config {

namespace {

constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::size_t kMaxZoneBytes = 15;  // IFNAMSIZ less the NUL

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool parse_v4(std::string_view text, std::uint8_t* out) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    const std::string_view digits = text.substr(0, dot);
    const auto value = parse_decimal(digits);
    if (!value || *value > 255 || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0'))
      return false;
    out[part] = static_cast<std::uint8_t>(*value);
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

/// Groups between colons into `out`; a dotted quad may stand for the last two.  Nothing when one is
/// malformed.
std::optional<std::size_t> parse_groups(std::string_view text, std::uint8_t (&out)[16]) {
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      if (colon != std::string_view::npos || used > 12 || !parse_v4(group, out + used))
        return std::nullopt;
      return used + 4;
    }
    std::uint16_t value = 0;
    const auto [end, problem] =
        std::from_chars(group.data(), group.data() + group.size(), value, 16);
    const bool whole = problem == std::errc{} && end == group.data() + group.size();
    if (!whole || group.size() > 4 || used > 14) return std::nullopt;
    out[used++] = static_cast<std::uint8_t>(value >> 8);
    out[used++] = static_cast<std::uint8_t>(value & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // a trailing single colon
  }
  return used;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) {
  const std::size_t gap = text.find("::");
  std::uint8_t head[16] = {};
  std::uint8_t tail[16] = {};
  if (gap == std::string_view::npos) {
    if (parse_groups(text, head) != 16u) return false;
    std::copy(std::begin(head), std::end(head), out.begin());
    return true;
  }
  if (text.find("::", gap + 1) != std::string_view::npos) return false;
  if (text.substr(0, gap).find('.') != std::string_view::npos) return false;
  const auto before = parse_groups(text.substr(0, gap), head);
  const auto after = parse_groups(text.substr(gap + 2), tail);
  if (!before || !after || *before + *after > 14) return false;
  out.fill(0);
  std::copy_n(head, *before, out.begin());
  std::copy_n(tail, *after, out.end() - static_cast<std::ptrdiff_t>(*after));
  return true;
}

bool valid_zone(std::string_view zone) {
  if (zone.empty() || zone.size() > kMaxZoneBytes) return false;
  return std::all_of(zone.begin(), zone.end(), [](char c) {
    return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
  });
}

bool valid_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' || label.back() == '-')
    return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; });
}

bool valid_host_name(std::string_view host) {
  if (host.size() > kMaxHostBytes) return false;
  std::string_view rest = host;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!valid_label(label)) return false;
    // A last label of digits only is a mistyped IPv4 address, never a domain.
    if (dot == std::string_view::npos) return !std::all_of(label.begin(), label.end(), is_digit);
    rest.remove_prefix(dot + 1);
  }
}

struct HostAndPort {
  std::string_view host, port;
  bool bracketed = false;
};

/// Host and port apart, or the reason why not.
std::string split_endpoint(std::string_view text, HostAndPort& out) {
  if (text.empty())
    return "is empty; write an address and a port, like \"127.0.0.1:3260\" or \"[::1]:3260\"";
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos)
      return "lacks the closing bracket; write IPv6 like \"[2001:db8::1]:3260\"";
    out = {text.substr(1, end - 1), text.substr(end + 1), true};
    if (!out.port.starts_with(':'))
      return "has no port; add one after the bracket, like \"[2001:db8::1]:3260\"";
    out.port.remove_prefix(1);
    return {};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return "has no port; add one, like \"" + std::string(text.substr(0, 80)) + ":3260\"";
  if (text.find(':') != colon)
    return "is an IPv6 address without brackets; write it like \"[2001:db8::1]:3260\"";
  out = {text.substr(0, colon), text.substr(colon + 1), false};
  return {};
}

std::string check_host(const HostAndPort& in, bool names_allowed) {
  const auto ip = parse_ip(in.host);
  const std::string name = in_quotes(in.host);
  if (in.bracketed && !(ip && ip->v6))
    return "has " + name +
           " in brackets, which is no IPv6 address; write it like \"[2001:db8::1]:3260\"";
  if (in.host.empty())
    return "has no address before the colon; write 0.0.0.0 or [::] for every address";
  if (ip && is_mapped_v4(*ip))
    return "is an IPv4 address in IPv6 clothing; write the IPv4 address itself";
  if (ip) return {};
  if (!names_allowed)
    return "has " + name +
           ", which is no IP address; write a number like 192.0.2.10 (host names are not looked "
           "up)";
  if (!valid_host_name(in.host))
    return "has " + name +
           ", which is neither an IP address nor a host name; write it like \"192.0.2.10:3260\"";
  return {};
}

Parsed<Endpoint> parse_endpoint(std::string_view text, bool names_allowed) {
  HostAndPort parts;
  std::string error = split_endpoint(text, parts);
  if (error.empty()) error = check_host(parts, names_allowed);
  if (!error.empty()) return {{}, in_quotes(text) + " " + error};
  const auto port = parse_decimal(parts.port);
  if (!port || *port > 65535 || parts.port.size() > 5)
    return {{},
            in_quotes(text) + " has the port " + in_quotes(parts.port) +
                "; use a number from 0 to 65535"};
  return {Endpoint{std::string(parts.host), static_cast<std::uint16_t>(*port)}, {}};
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  IpAddress out;
  if (text.find(':') == std::string_view::npos) {
    if (!parse_v4(text, out.octets.data())) return std::nullopt;
    return out;
  }
  out.v6 = true;
  if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
    out.zone = text.substr(percent + 1);
    if (!valid_zone(out.zone)) return std::nullopt;
    text = text.substr(0, percent);
  }
  if (!parse_v6(text, out.octets)) return std::nullopt;
  return out;
}

bool is_wildcard(const IpAddress& address) {
  return std::all_of(address.octets.begin(), address.octets.end(),
                     [](std::uint8_t o) { return o == 0; });
}

bool is_loopback(const IpAddress& address) {
  if (!address.v6) return address.octets[0] == 127;
  return std::all_of(address.octets.begin(), address.octets.end() - 1,
                     [](std::uint8_t o) { return o == 0; }) &&
         address.octets[15] == 1;
}

bool is_mapped_v4(const IpAddress& address) {
  constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address.v6 && std::equal(std::begin(kPrefix), std::end(kPrefix), address.octets.begin());
}

Parsed<Endpoint> parse_listen(std::string_view text) {
  return parse_endpoint(text, false);
}

Parsed<Endpoint> parse_reachable(std::string_view text) {
  Parsed<Endpoint> parsed = parse_endpoint(text, true);
  if (!parsed.value) return parsed;
  const auto ip = parse_ip(parsed.value->host);
  if (ip && is_wildcard(*ip))
    return {{},
            in_quotes(text) + " is no address to connect to; write one that initiators can reach"};
  if (ip && !ip->zone.empty())
    return {
        {},
        in_quotes(text) +
            " has a zone, which means something on this machine only; leave the part after % out"};
  if (parsed.value->port == 0)
    return {{},
            in_quotes(text) +
                " has port 0, which nobody can connect to; write the real port, like 3260"};
  return parsed;
}

bool listeners_clash(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.port == 0) return false;
  const auto left = parse_ip(a.host);
  const auto right = parse_ip(b.host);
  if (!left || !right || left->v6 != right->v6) return false;
  return is_wildcard(*left) || is_wildcard(*right) || *left == *right;
}

}  // namespace faultlun::config
