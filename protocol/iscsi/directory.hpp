// What login and discovery need to know of the world: targets, portals, secrets, who may see what.
// Plain values that the daemon fills from the configuration and replaces whole when it changes.
// RFC 7143 §4.2.7 (names), §13.8 (addresses), Appendix C (SendTargets).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::iscsi {

struct PortalAddress {
  std::string address;  ///< "192.0.2.10:3260" or "[2001:db8::1]:3260": what an initiator can reach
  std::uint16_t group_tag = 1;  ///< portal group tag
};

/// CHAP for one target (or for discovery).  Secrets are octets, any value.
struct ChapAccount {
  std::string user, secret;                ///< what the initiator must prove
  std::string mutual_user, mutual_secret;  ///< what we prove; empty: one-way only
  bool required() const { return !user.empty(); }
};

struct TargetEntry {
  enum class Service : std::uint8_t {
    online,
    removed,      ///< it was here and is gone: login ends with 0204, SendTargets leaves it out
    unavailable,  ///< for the moment: login ends with 0301
  };

  std::string name, alias;
  std::vector<std::uint16_t> portal_groups;  ///< tags it is reachable through; empty: none
  std::vector<std::string> initiators;       ///< patterns with `*` and `?`; empty: anyone
  ChapAccount chap;
  std::optional<PortalAddress> redirect;  ///< login is answered 0101/0102 with this address
  bool redirect_permanent = false;
  Service service = Service::online;
};

struct Directory {
  std::vector<TargetEntry> targets;
  std::vector<PortalAddress> portals;  ///< all of them; the addresses to advertise
  ChapAccount discovery_chap;
  bool send_targets_all_in_normal_session = false;  ///< RFC 7143 Appendix C refuses it

  const TargetEntry* find(std::string_view name) const;  ///< names compared in lower case
};

/// ASCII letters to lower case: the part of stringprep (RFC 3722) that names in use need.
std::string normalized_name(std::string_view name);
/// `pattern` with `*` and `?` against a name, both in lower case.
bool name_matches(std::string_view pattern, std::string_view name);
/// iqn., eui. or naa. form, at most kMaxNameBytes, only characters of RFC 3722 (ASCII part and
/// UTF-8). The underscore is not among them, but hosts carry it in their names, so it passes.
bool valid_name(std::string_view name);

/// The access list of the target.
bool allows(const TargetEntry& target, std::string_view initiator);
bool reachable_through(const TargetEntry& target, std::uint16_t portal_group_tag);
/// Both of the above.
bool may_see(const TargetEntry& target, std::string_view initiator, std::uint16_t portal_group_tag);

/// The SendTargets answer (Appendix C): TargetName and TargetAddress pairs, NUL-terminated, of the
/// targets that `initiator` may use, with the addresses of all their portal groups.  `only` limits
/// it to one target. Portals on a wildcard address (0.0.0.0, [::]) are announced with the host of
/// `portal_address`, the local address of the asking connection, or left out when that is empty;
/// link-local addresses are announced only to who came through them (A12.06).
std::string send_targets(const Directory& directory, std::string_view initiator,
                         std::optional<std::string_view> only,
                         std::string_view portal_address = {});

}  // namespace faultlun::iscsi
