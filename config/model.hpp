// The configuration as plain values.  What load() returns is complete: defaults, portal groups,
// serial numbers and NAA identifiers are filled in and LUN ranges expanded.  Secrets are not here,
// only the names of their files (secrets.hpp reads them).
#pragma once

#include "config/endpoint.hpp"
#include "faults/rule.hpp"
#include "lun_backends/spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace faultlun::config {

inline constexpr std::size_t kMaxPortals = 256;
inline constexpr std::size_t kMaxTargets = 4096;
inline constexpr std::size_t kMaxInitiators = 4096;  ///< patterns of one target
inline constexpr std::uint16_t kMaxLun = 16383;      ///< flat addressing, SAM-5 §4.7
inline constexpr std::size_t kMaxLuns = 65536;       ///< of all targets together

struct Portal {
  Endpoint listen;
  std::optional<Endpoint> advertise;  ///< nothing: answer with the address the connection came to
  std::uint16_t group = 1;            ///< portal group tag
  friend bool operator==(const Portal&, const Portal&) = default;
};

struct Control {
  Endpoint listen{"127.0.0.1", 8326};
  std::string unix_path;   ///< not empty: a Unix domain socket instead of `listen`
  std::string token_file;  ///< empty: no token
  friend bool operator==(const Control&, const Control&) = default;
};

/// CHAP (RFC 7143 §12.1).
struct Auth {
  struct Account {
    std::string user, secret_file;
    friend bool operator==(const Account&, const Account&) = default;
  };
  std::string user, secret_file;  ///< what the initiator proves
  std::optional<Account> mutual;  ///< what the target proves
  friend bool operator==(const Auth&, const Auth&) = default;
};

struct Limits {
  std::uint16_t max_sessions = 4096;
  std::uint16_t max_connections_per_portal = 8192;
  std::uint16_t command_window = 16384;  ///< iscsi::Session's command_window
  std::chrono::microseconds login_timeout{15'000'000};
  std::chrono::microseconds nop_interval{0};  ///< 0: never ping
  std::chrono::microseconds nop_timeout{5'000'000};
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Redirect {
  Endpoint address;
  bool permanent = false;
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

enum class LunType : std::uint8_t { disk };

/// The fields of scsi::LogicalUnitProfile and the backend under it.
struct Lun {
  std::uint16_t lun = 0;
  LunType type = LunType::disk;
  lun_backends::BackendSpec backend;  ///< its block_size and read_only repeat the unit's
  std::uint32_t block_size = 512;
  std::uint32_t physical_block_size = 4096;
  bool read_only = false;
  bool removable = false;
  bool thin = true;
  bool write_cache = true;
  bool rotational = false;
  std::string vendor = "FAULTLUN";
  std::string product = "VIRTUAL DISK";
  std::string revision = "0001";
  std::string serial;  ///< never empty once loaded
  std::string naa;     ///< 32 hexadecimal digits in lower case, format 6, never empty once loaded
  friend bool operator==(const Lun&, const Lun&) = default;
};

struct Target {
  std::string name, alias;
  std::vector<std::uint16_t> portal_groups;  ///< never empty once loaded
  std::optional<Auth> auth;
  std::vector<std::string> initiators;  ///< patterns; empty: anyone
  std::vector<Lun> luns;
  std::optional<Redirect> redirect;
  bool power_on_unit_attention = true;
  friend bool operator==(const Target&, const Target&) = default;
};

struct Config {
  std::optional<std::uint64_t> seed;  ///< nothing: the daemon draws one and prints it
  std::vector<Portal> portals;
  Control control;
  std::optional<Auth> discovery_auth;
  bool send_targets_all_in_normal_session = false;
  Limits limits;
  std::vector<Target> targets;
  std::vector<faults::Rule> rules;  ///< in order of installation
  friend bool operator==(const Config&, const Config&) = default;
};

/// Names in the configuration, in the order of the enumerations.
inline constexpr std::string_view kBackendKinds[] = {"memory", "file", "pattern", "null"};
inline constexpr std::string_view kPatternWrites[] = {"drop", "check"};
inline constexpr std::string_view kLunTypes[] = {"disk"};

/// n of "2^n logical blocks in a physical block"
/// (scsi::LogicalUnitProfile::physical_block_exponent).
std::uint8_t physical_block_exponent(const Lun& lun);

}  // namespace faultlun::config
