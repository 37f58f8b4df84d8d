// What a new configuration (SIGHUP) changes, as a list of named changes, each with whether a
// running daemon can make it.  Targets are matched by name and units by number, never by position.
// The daemon decides what to do with the list.
#pragma once

#include "config/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

enum class ChangeKind : std::uint8_t {
  target_added,
  target_removed,
  target_alias,
  target_portal_groups,
  target_auth,
  target_initiators,
  target_redirect,
  target_power_on_unit_attention,
  lun_added,
  lun_removed,
  lun_backend,     ///< kind, size, path or writes of a unit that exists
  lun_properties,  ///< anything else of a unit that exists
  discovery_auth,
  send_targets,
  limits,
  portal_listen,  ///< added, removed or moved
  portal_group,
  portal_advertise,
  control_listen,
  control_token,
  seed,
  rule_added,
  rule_removed,
  rule_changed,
  rule_order,  ///< of installation, which decides among rules of equal priority
};

std::string_view to_text(ChangeKind kind);  ///< "lun_added"
/// False: the running daemon keeps the old value until it is restarted.
bool can_apply_live(ChangeKind kind);

struct Change {
  ChangeKind kind;
  std::string path;     ///< "targets[iqn.2026-11.example.faultlun:lab].luns[3].backend.size"
  std::string message;  ///< from what to what; what to do when it needs a restart
  std::string target;   ///< its name, when the change is of a target or a unit
  std::optional<std::uint16_t> lun;
  friend bool operator==(const Change&, const Change&) = default;
};

/// In the order of the configuration.  A new configuration without a seed keeps the running one.
/// That a secret file has new contents cannot be seen here: the daemon reads the files again.
std::vector<Change> diff(const Config& running, const Config& next);

}  // namespace faultlun::config
