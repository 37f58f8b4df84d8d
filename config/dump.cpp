#include "config/dump.hpp"

#include "config/read.hpp"
#include "config/rules.hpp"
#include "config/units.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::config {

namespace {

template <typename Names, typename Enum>
std::string name_of(const Names& names, Enum value) {
  return std::string(names[static_cast<std::size_t>(value)]);
}

Json auth_json(const Auth& auth) {
  Json out = {{"user", auth.user}, {"secret_file", auth.secret_file}};
  if (auth.mutual)
    out["mutual"] = {{"user", auth.mutual->user}, {"secret_file", auth.mutual->secret_file}};
  return out;
}

Json portal_json(const Portal& portal) {
  Json out = {{"listen", to_text(portal.listen)}};
  if (portal.advertise) out["advertise"] = to_text(*portal.advertise);
  out["group"] = portal.group;
  return out;
}

Json control_json(const Control& control) {
  Json out = {{"listen", control_address_text(control)}};
  if (!control.token_file.empty()) out["token_file"] = control.token_file;
  return out;
}

Json limits_json(const Limits& limits) {
  return {{"max_sessions", limits.max_sessions},
          {"max_connections_per_portal", limits.max_connections_per_portal},
          {"command_window", limits.command_window},
          {"login_timeout", duration_text(limits.login_timeout)},
          {"nop_interval", duration_text(limits.nop_interval)},
          {"nop_timeout", duration_text(limits.nop_timeout)}};
}

Json backend_json(const lun_backends::BackendSpec& spec) {
  using Kind = lun_backends::BackendSpec::Kind;
  Json out = {{"kind", name_of(kBackendKinds, spec.kind)}};
  if (spec.size_bytes != 0) out["size"] = size_text(spec.size_bytes);
  if (spec.kind == Kind::file) out["path"] = spec.path;
  if (spec.kind == Kind::pattern) out["writes"] = name_of(kPatternWrites, spec.writes);
  return out;
}

Json lun_json(const Lun& lun) {
  return {{"lun", lun.lun},
          {"type", name_of(kLunTypes, lun.type)},
          {"backend", backend_json(lun.backend)},
          {"block_size", lun.block_size},
          {"physical_block_size", lun.physical_block_size},
          {"read_only", lun.read_only},
          {"removable", lun.removable},
          {"thin", lun.thin},
          {"write_cache", lun.write_cache},
          {"rotational", lun.rotational},
          {"vendor", lun.vendor},
          {"product", lun.product},
          {"revision", lun.revision},
          {"serial", lun.serial},
          {"naa", lun.naa}};
}

Json target_json(const Target& target) {
  Json out = {
      {"name", target.name}, {"alias", target.alias}, {"portal_groups", target.portal_groups}};
  if (target.auth) out["auth"] = auth_json(*target.auth);
  out["initiators"] = target.initiators;
  out["luns"] = Json::array();
  for (const Lun& lun : target.luns)
    out["luns"].push_back(lun_json(lun));
  if (target.redirect)
    out["redirect"] = {{"address", to_text(target.redirect->address)},
                       {"permanent", target.redirect->permanent}};
  out["power_on_unit_attention"] = target.power_on_unit_attention;
  return out;
}

}  // namespace

Json dump(const Config& config) {
  Json out = Json::object();
  if (config.seed) out["seed"] = seed_text(*config.seed);
  out["portals"] = Json::array();
  for (const Portal& portal : config.portals)
    out["portals"].push_back(portal_json(portal));
  out["control"] = control_json(config.control);
  if (config.discovery_auth) out["discovery_auth"] = auth_json(*config.discovery_auth);
  out["send_targets_all_in_normal_session"] = config.send_targets_all_in_normal_session;
  out["limits"] = limits_json(config.limits);
  out["targets"] = Json::array();
  for (const Target& target : config.targets)
    out["targets"].push_back(target_json(target));
  out["rules"] = rules_to_json(config.rules);
  return out;
}

std::string dump_text(const Config& config) {
  return dump(config).dump(2) + "\n";
}

}  // namespace faultlun::config
