#include "protocol/iscsi/directory.hpp"

#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/text.hpp"

#include <algorithm>

namespace faultlun::iscsi {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// Octets of the UTF-8 sequence at the front, 0 when it is malformed (overlong, surrogate, beyond
/// 10FFFFh).
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = octet(0);
  const std::size_t length = first < 0xc2   ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = octet(1);
  const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                   (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

bool only_name_characters(std::string_view name) {
  while (!name.empty()) {
    const char c = lower(name.front());
    const bool ascii =
        (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == ':' || c == '_';
    const std::size_t length = ascii ? 1 : utf8_length(name);
    if (length == 0) return false;
    name.remove_prefix(length);
  }
  return true;
}

/// "2026-11." and at least one more character.
bool begins_with_date(std::string_view rest) {
  static constexpr std::string_view kForm = "dddd-dd.";
  if (rest.size() <= kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !is_digit(rest[i]) : rest[i] != kForm[i]) return false;
  }
  const auto month = rest.substr(5, 2);
  return month >= "01" && month <= "12";
}

struct HostPort {
  std::string_view host, port;  ///< host with its brackets; port with its colon, or empty
};

HostPort split_address(std::string_view address) {
  const auto bracket = address.rfind(']');
  const auto colon = address.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {address, {}};
  return {address.substr(0, colon), address.substr(colon)};
}

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "[::]" || host.empty();
}
bool is_link_local(std::string_view host) {
  return host.starts_with("169.254.") || same_name(host.substr(0, 5), "[fe80");
}

/// The address to announce for a portal, empty when none is usable.
std::string usable_address(std::string_view address, std::string_view asked_through) {
  const auto portal = split_address(address);
  const auto local = split_address(asked_through);
  if (is_link_local(portal.host) && !same_name(portal.host, local.host)) return {};
  if (!is_wildcard(portal.host)) return std::string(address);
  if (is_wildcard(local.host)) return {};
  return std::string(local.host).append(portal.port);
}

}  // namespace

const TargetEntry* Directory::find(std::string_view name) const {
  const auto found = std::find_if(targets.begin(), targets.end(), [&](const TargetEntry& target) {
    return same_name(target.name, name);
  });
  return found == targets.end() ? nullptr : &*found;
}

std::string normalized_name(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0;
  std::size_t star = std::string_view::npos,
              resume = 0;  // last `*`, and where its match may grow to
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(name[n]))) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool valid_name(std::string_view name) {
  if (name.size() > kMaxNameBytes || name.size() < 4 || !only_name_characters(name)) return false;
  const auto type = name.substr(0, 4), rest = name.substr(4);
  const bool all_hex = std::all_of(rest.begin(), rest.end(), is_hex);
  if (same_name(type, "iqn.")) return begins_with_date(rest);
  if (same_name(type, "eui.")) return all_hex && rest.size() == 16;
  return same_name(type, "naa.") && all_hex && (rest.size() == 16 || rest.size() == 32);
}

bool allows(const TargetEntry& target, std::string_view initiator) {
  return target.initiators.empty() ||
         std::any_of(target.initiators.begin(), target.initiators.end(),
                     [&](const std::string& pattern) { return name_matches(pattern, initiator); });
}

bool reachable_through(const TargetEntry& target, std::uint16_t portal_group_tag) {
  const auto& groups = target.portal_groups;
  return std::find(groups.begin(), groups.end(), portal_group_tag) != groups.end();
}

bool may_see(const TargetEntry& target, std::string_view initiator,
             std::uint16_t portal_group_tag) {
  return allows(target, initiator) && reachable_through(target, portal_group_tag);
}

std::string send_targets(const Directory& directory, std::string_view initiator,
                         std::optional<std::string_view> only, std::string_view portal_address) {
  std::string out;
  for (const auto& target : directory.targets) {
    if (only && !same_name(*only, target.name)) continue;
    if (!allows(target, initiator) || target.service == TargetEntry::Service::removed) continue;
    bool named = false;
    for (const auto& portal : directory.portals) {
      if (!reachable_through(target, portal.group_tag)) continue;
      const auto address = usable_address(portal.address, portal_address);
      if (address.empty()) continue;
      if (!named) append_pair(out, "TargetName", target.name);
      named = true;
      append_pair(out, "TargetAddress", address + "," + std::to_string(portal.group_tag));
    }
  }
  return out;
}

}  // namespace faultlun::iscsi
