// Addresses with ports: "192.0.2.10:3260", "[2001:db8::1]:3260", "[fe80::1%eth0]:3260",
// "disks.example:3260". Parsed here without sockets or a resolver, so that wrong ones are found
// before anything is opened.
#pragma once

#include "config/units.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::config {

struct Endpoint {
  std::string host;        ///< without brackets
  std::uint16_t port = 0;  ///< 0: the system chooses
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// With brackets around IPv6; what TargetAddress wants (RFC 7143 §13.8).
std::string to_text(const Endpoint& endpoint);

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> octets{};  ///< the first four when !v6
  std::string zone;                       ///< "eth0" of fe80::1%eth0
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

std::optional<IpAddress> parse_ip(std::string_view text);

bool is_wildcard(const IpAddress& address);   ///< 0.0.0.0, ::
bool is_loopback(const IpAddress& address);   ///< 127.0.0.0/8, ::1
bool is_mapped_v4(const IpAddress& address);  ///< ::ffff:192.0.2.1

/// An address to listen on: an IP address and a port, which may be 0.
Parsed<Endpoint> parse_listen(std::string_view text);
/// An address that others connect to: an IP address or a host name, not a wildcard, with a port
/// other than 0.
Parsed<Endpoint> parse_reachable(std::string_view text);

/// Both cannot be listened on at once: the same port, and the same address or a wildcard of the
/// same family.  Port 0 never clashes.
bool listeners_clash(const Endpoint& a, const Endpoint& b);

}  // namespace faultlun::config
