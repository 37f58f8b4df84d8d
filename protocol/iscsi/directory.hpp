// What login and discovery need to know of the world: targets, portals, secrets, who may see what.  Plain values that the daemon
// fills from the configuration and replaces whole when it changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::iscsi {

struct PortalAddress {
  std::string address;          ///< "192.0.2.10:3260" or "[2001:db8::1]:3260": what an initiator can reach
  std::uint16_t group_tag = 1;  ///< portal group tag
};

/// CHAP for one target (or for discovery).  Secrets are octets, any value.
struct ChapAccount {
  std::string user, secret;                ///< what the initiator must prove
  std::string mutual_user, mutual_secret;  ///< what we prove; empty: one-way only
  bool required() const { return !user.empty(); }
};

struct TargetEntry {
  std::string name, alias;
  std::vector<std::uint16_t> portal_groups;   ///< tags it is reachable through
  std::vector<std::string> initiators;        ///< patterns with `*` and `?`; empty: anyone
  ChapAccount chap;
  std::optional<PortalAddress> redirect;      ///< login is answered 0101/0102 with this address
  bool redirect_permanent = false;
};

struct Directory {
  std::vector<TargetEntry> targets;
  std::vector<PortalAddress> portals;         ///< all of them; the addresses to advertise
  ChapAccount discovery_chap;
  bool send_targets_all_in_normal_session = false;  ///< RFC 7143 Appendix C refuses it

  const TargetEntry* find(std::string_view name) const;  ///< names compared in lower case
};

/// `pattern` with `*` and `?` against a name, both in lower case.
bool name_matches(std::string_view pattern, std::string_view name);
/// iqn., eui. or naa. form, at most kMaxNameBytes, only characters of RFC 3722 (ASCII part and UTF-8).
bool valid_name(std::string_view name);
bool may_see(const TargetEntry& target, std::string_view initiator, std::uint16_t portal_group_tag);

/// The SendTargets answer (Appendix C): TargetName and TargetAddress pairs, NUL-terminated.  `only` limits it to one target.
/// With `any_group`, every portal of every group of a target is listed (discovery); the initiator sees only what it may use.
std::string send_targets(const Directory& directory, std::string_view initiator,
                         std::optional<std::string_view> only);

}  // namespace faultlun::iscsi
