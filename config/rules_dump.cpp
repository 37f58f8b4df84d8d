// A rule as JSON: what differs from the defaults, in the order of the keys.
#include "config/rules_parts.hpp"
#include "config/units.hpp"

namespace faultlun::config {

Json rule_to_json(const faults::Rule& rule) {
  Json out = {{"id", rule.id}};
  if (rule.where) out["where"] = faults::name_of(*rule.where);
  const auto put = [&](const char* key, Json part) {
    if (!part.empty()) out[key] = std::move(part);
  };
  put("match", parts::match_to_json(rule.match));
  put("gate", parts::gate_to_json(rule.gate));
  if (!rule.effects.empty()) out["effect"] = parts::effects_to_json(rule.effects);
  if (rule.seed) out["seed"] = seed_text(*rule.seed);
  put("life", parts::life_to_json(rule.life));
  if (rule.observe) out["observe"] = true;
  if (!rule.note.empty()) out["note"] = rule.note;
  return out;
}

Json rules_to_json(std::span<const faults::Rule> rules) {
  Json out = Json::array();
  for (const faults::Rule& rule : rules)
    out.push_back(rule_to_json(rule));
  return out;
}

std::string rule_text(const faults::Rule& rule) {
  return rule_to_json(rule).dump();
}

}  // namespace faultlun::config
