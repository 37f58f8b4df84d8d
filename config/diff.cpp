#include "config/diff.hpp"

#include "config/keys.hpp"
#include "config/problems.hpp"
#include "config/read.hpp"
#include "config/rules.hpp"
#include "config/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace faultlun::config {

namespace {

struct Row {
  ChangeKind kind;
  std::string_view name;
  bool live;
};

// clang-format off
constexpr Row kRows[] = {  // in the order of the enumeration
  {ChangeKind::target_added,                   "target_added",                   true},
  {ChangeKind::target_removed,                 "target_removed",                 true},
  {ChangeKind::target_alias,                   "target_alias",                   true},
  {ChangeKind::target_portal_groups,           "target_portal_groups",           true},
  {ChangeKind::target_auth,                    "target_auth",                    true},
  {ChangeKind::target_initiators,              "target_initiators",              true},
  {ChangeKind::target_redirect,                "target_redirect",                true},
  {ChangeKind::target_power_on_unit_attention, "target_power_on_unit_attention", true},
  {ChangeKind::lun_added,                      "lun_added",                      true},
  {ChangeKind::lun_removed,                    "lun_removed",                    true},
  {ChangeKind::lun_backend,                    "lun_backend",                    false},
  {ChangeKind::lun_properties,                 "lun_properties",                 false},
  {ChangeKind::discovery_auth,                 "discovery_auth",                 true},
  {ChangeKind::send_targets,                   "send_targets",                   true},
  {ChangeKind::limits,                         "limits",                         true},
  {ChangeKind::portal_listen,                  "portal_listen",                  false},
  {ChangeKind::portal_group,                   "portal_group",                   false},
  {ChangeKind::portal_advertise,               "portal_advertise",               true},
  {ChangeKind::control_listen,                 "control_listen",                 false},
  {ChangeKind::control_token,                  "control_token",                  true},
  {ChangeKind::seed,                           "seed",                           false},
  {ChangeKind::rule_added,                     "rule_added",                     true},
  {ChangeKind::rule_removed,                   "rule_removed",                   true},
  {ChangeKind::rule_changed,                   "rule_changed",                   true},
  {ChangeKind::rule_order,                     "rule_order",                     true},
};
// clang-format on

constexpr bool changes_are_in_order() {
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
  return true;
}
static_assert(changes_are_in_order());
static_assert(std::size(kRows) == static_cast<std::size_t>(ChangeKind::rule_order) + 1);

const Row& row(ChangeKind kind) {
  return kRows[static_cast<std::size_t>(kind)];
}

std::string flag(bool value) {
  return value ? "true" : "false";
}

class Differ {
 public:
  Differ(const Config& running, const Config& next) : running_(running), next_(next) {}

  std::vector<Change> run() {
    if (next_.seed && next_.seed != running_.seed)
      add(ChangeKind::seed, "seed", running_.seed ? seed_text(*running_.seed) : "a random one",
          seed_text(*next_.seed));
    compare_portals();
    const std::string control[] = {control_address_text(running_.control),
                                   control_address_text(next_.control)};
    if (control[0] != control[1])
      add(ChangeKind::control_listen, "control.listen", control[0], control[1]);
    if (running_.control.token_file != next_.control.token_file)
      add(ChangeKind::control_token, "control.token_file", running_.control.token_file,
          next_.control.token_file);
    if (running_.discovery_auth != next_.discovery_auth)
      add(ChangeKind::discovery_auth, "discovery_auth", described(running_.discovery_auth),
          described(next_.discovery_auth));
    if (running_.send_targets_all_in_normal_session != next_.send_targets_all_in_normal_session)
      add(ChangeKind::send_targets, "send_targets_all_in_normal_session",
          flag(running_.send_targets_all_in_normal_session),
          flag(next_.send_targets_all_in_normal_session));
    compare_limits();
    compare_targets();
    compare_rules();
    return std::move(changes_);
  }

 private:
  void add(ChangeKind kind, std::string path, const std::string& from, const std::string& to) {
    std::string message = (from.empty() ? "nothing" : from) + " → " + (to.empty() ? "nothing" : to);
    if (!can_apply_live(kind)) message += "; restart the daemon to change it";
    changes_.push_back({kind, std::move(path), std::move(message), target_, lun_});
  }

  static std::string described(const std::optional<Auth>& auth) {
    if (!auth) return "none";
    std::string out = auth->user + " with " + auth->secret_file;
    if (auth->mutual)
      out += ", mutual " + auth->mutual->user + " with " + auth->mutual->secret_file;
    return out;
  }

  static std::string described(const std::optional<Redirect>& redirect) {
    if (!redirect) return "none";
    return to_text(redirect->address) + (redirect->permanent ? " permanently" : " temporarily");
  }

  template <typename List>
  static std::string joined(const List& list) {
    std::string out = "[";
    for (const auto& item : list) {
      if (out.size() > 1) out += ", ";
      if constexpr (std::is_integral_v<std::decay_t<decltype(item)>>)
        out += std::to_string(item);
      else
        out += item;
    }
    return out + "]";
  }

  void compare_portals() {
    const std::size_t both = std::min(running_.portals.size(), next_.portals.size());
    for (std::size_t i = 0; i < std::max(running_.portals.size(), next_.portals.size()); ++i) {
      const std::string path = "portals[" + std::to_string(i) + "]";
      if (i >= both) {
        const bool gone = i < running_.portals.size();
        add(ChangeKind::portal_listen, path, gone ? to_text(running_.portals[i].listen) : "",
            gone ? "" : to_text(next_.portals[i].listen));
        continue;
      }
      const Portal& old = running_.portals[i];
      const Portal& now = next_.portals[i];
      const auto shown = [](const std::optional<Endpoint>& e) {
        return e ? to_text(*e) : std::string();
      };
      if (old.listen != now.listen)
        add(ChangeKind::portal_listen, path + ".listen", to_text(old.listen), to_text(now.listen));
      if (old.group != now.group)
        add(ChangeKind::portal_group, path + ".group", std::to_string(old.group),
            std::to_string(now.group));
      if (old.advertise != now.advertise)
        add(ChangeKind::portal_advertise, path + ".advertise", shown(old.advertise),
            shown(now.advertise));
    }
  }

  void compare_limits() {
    const Limits& old = running_.limits;
    const Limits& now = next_.limits;
    const auto number = [&](const char* key, std::uint16_t from, std::uint16_t to) {
      if (from != to)
        add(ChangeKind::limits, std::string("limits.") + key, std::to_string(from),
            std::to_string(to));
    };
    const auto time = [&](const char* key, std::chrono::microseconds from,
                          std::chrono::microseconds to) {
      if (from != to)
        add(ChangeKind::limits, std::string("limits.") + key, duration_text(from),
            duration_text(to));
    };
    number("max_sessions", old.max_sessions, now.max_sessions);
    number("max_connections_per_portal", old.max_connections_per_portal,
           now.max_connections_per_portal);
    number("command_window", old.command_window, now.command_window);
    time("login_timeout", old.login_timeout, now.login_timeout);
    time("nop_interval", old.nop_interval, now.nop_interval);
    time("nop_timeout", old.nop_timeout, now.nop_timeout);
  }

  void compare_targets() {
    std::map<std::string_view, const Target*> old;
    std::map<std::string_view, const Target*> now;
    for (const Target& target : running_.targets)
      old.emplace(target.name, &target);
    for (const Target& target : next_.targets)
      now.emplace(target.name, &target);
    for (const Target& target : running_.targets) {
      target_ = target.name;
      if (!now.contains(target.name))
        add(ChangeKind::target_removed, "targets[" + target.name + "]", target.name, "");
    }
    for (const Target& target : next_.targets) {
      target_ = target.name;
      const auto before = old.find(target.name);
      if (before == old.end())
        add(ChangeKind::target_added, "targets[" + target.name + "]", "", target.name);
      else
        compare_target(*before->second, target, "targets[" + target.name + "]");
    }
  }

  void compare_target(const Target& old, const Target& now, const std::string& path) {
    if (old.alias != now.alias)
      add(ChangeKind::target_alias, path + ".alias", old.alias, now.alias);
    if (old.portal_groups != now.portal_groups)
      add(ChangeKind::target_portal_groups, path + ".portal_groups", joined(old.portal_groups),
          joined(now.portal_groups));
    if (old.auth != now.auth)
      add(ChangeKind::target_auth, path + ".auth", described(old.auth), described(now.auth));
    if (old.initiators != now.initiators)
      add(ChangeKind::target_initiators, path + ".initiators", joined(old.initiators),
          joined(now.initiators));
    if (old.redirect != now.redirect)
      add(ChangeKind::target_redirect, path + ".redirect", described(old.redirect),
          described(now.redirect));
    if (old.power_on_unit_attention != now.power_on_unit_attention)
      add(ChangeKind::target_power_on_unit_attention, path + ".power_on_unit_attention",
          flag(old.power_on_unit_attention), flag(now.power_on_unit_attention));
    compare_luns(old, now, path + ".luns[");
  }

  void compare_luns(const Target& old_target, const Target& new_target, const std::string& prefix) {
    std::map<std::uint16_t, std::pair<const Lun*, const Lun*>> units;
    for (const Lun& lun : old_target.luns)
      units[lun.lun].first = &lun;
    for (const Lun& lun : new_target.luns)
      units[lun.lun].second = &lun;
    for (const auto& [number, pair] : units) {
      const auto& [old, now] = pair;
      const std::string path = prefix + std::to_string(number) + "]";
      lun_ = number;
      if (!old)
        add(ChangeKind::lun_added, path, "", "LUN " + std::to_string(number));
      else if (!now)
        add(ChangeKind::lun_removed, path, "LUN " + std::to_string(number), "");
      else if (*old != *now)
        compare_lun(*old, *now, path);
    }
    lun_.reset();
  }

  void compare_lun(const Lun& old, const Lun& now, const std::string& path) {
    const auto text = [&](ChangeKind kind, const char* key, const std::string& from,
                          const std::string& to) {
      if (from != to) add(kind, path + key, from, to);
    };
    const auto kind_name = [](const Lun& lun) {
      return std::string(kBackendKinds[static_cast<std::size_t>(lun.backend.kind)]);
    };
    const auto writes_name = [](const Lun& lun) {
      return std::string(kPatternWrites[static_cast<std::size_t>(lun.backend.writes)]);
    };
    text(ChangeKind::lun_backend, ".backend.kind", kind_name(old), kind_name(now));
    text(ChangeKind::lun_backend, ".backend.size", size_text(old.backend.size_bytes),
         size_text(now.backend.size_bytes));
    text(ChangeKind::lun_backend, ".backend.path", old.backend.path, now.backend.path);
    text(ChangeKind::lun_backend, ".backend.writes", writes_name(old), writes_name(now));
    text(ChangeKind::lun_properties, ".block_size", std::to_string(old.block_size),
         std::to_string(now.block_size));
    text(ChangeKind::lun_properties, ".physical_block_size",
         std::to_string(old.physical_block_size), std::to_string(now.physical_block_size));
    text(ChangeKind::lun_properties, ".read_only", flag(old.read_only), flag(now.read_only));
    text(ChangeKind::lun_properties, ".removable", flag(old.removable), flag(now.removable));
    text(ChangeKind::lun_properties, ".thin", flag(old.thin), flag(now.thin));
    text(ChangeKind::lun_properties, ".write_cache", flag(old.write_cache), flag(now.write_cache));
    text(ChangeKind::lun_properties, ".rotational", flag(old.rotational), flag(now.rotational));
    text(ChangeKind::lun_properties, ".vendor", old.vendor, now.vendor);
    text(ChangeKind::lun_properties, ".product", old.product, now.product);
    text(ChangeKind::lun_properties, ".revision", old.revision, now.revision);
    text(ChangeKind::lun_properties, ".serial", old.serial, now.serial);
    text(ChangeKind::lun_properties, ".naa", old.naa, now.naa);
  }

  /// The keys that differ: "gate and life".
  static std::string differences(const faults::Rule& old, const faults::Rule& now) {
    const Json before = rule_to_json(old), after = rule_to_json(now);
    std::vector<std::string_view> keys;
    for (const Key& key : shape("rule").keys) {
      const auto a = before.find(key.name), b = after.find(key.name);
      const bool has_a = a != before.end(), has_b = b != after.end();
      if (has_a != has_b || (has_a && *a != *b)) keys.push_back(key.name);
    }
    return listed(keys);
  }

  void compare_rules() {
    target_.clear();
    std::map<std::string_view, const faults::Rule*> old, now;
    for (const faults::Rule& rule : running_.rules)
      old.emplace(rule.id, &rule);
    for (const faults::Rule& rule : next_.rules)
      now.emplace(rule.id, &rule);
    std::vector<std::string_view> old_order, new_order;  // of those that are in both
    for (const faults::Rule& rule : running_.rules) {
      if (now.contains(rule.id))
        old_order.push_back(rule.id);
      else
        add(ChangeKind::rule_removed, "rules[" + rule.id + "]", rule.id, "");
    }
    for (const faults::Rule& rule : next_.rules) {
      const auto before = old.find(rule.id);
      if (before == old.end()) {
        add(ChangeKind::rule_added, "rules[" + rule.id + "]", "", rule.id);
        continue;
      }
      new_order.push_back(rule.id);
      if (*before->second != rule)
        changes_.push_back({ChangeKind::rule_changed, "rules[" + rule.id + "]",
                            "another " + differences(*before->second, rule), "", std::nullopt});
    }
    if (old_order != new_order)
      add(ChangeKind::rule_order, "rules", "their old order", "another one");
  }

  const Config& running_;
  const Config& next_;
  std::vector<Change> changes_;
  std::string target_;
  std::optional<std::uint16_t> lun_;
};

}  // namespace

std::string_view to_text(ChangeKind kind) {
  return row(kind).name;
}
bool can_apply_live(ChangeKind kind) {
  return row(kind).live;
}
std::vector<Change> diff(const Config& running, const Config& next) {
  return Differ(running, next).run();
}

}  // namespace faultlun::config
