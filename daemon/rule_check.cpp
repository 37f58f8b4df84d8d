#include "daemon/rule_check.hpp"

#include <algorithm>

namespace faultlun::daemon {
namespace {

std::optional<RuleError> check_text(std::string_view text, std::string_view path,
                                    std::size_t most) {
  const auto error = [&](RuleError::Kind kind, std::string message) {
    return RuleError{kind, std::string(path), std::move(message)};
  };
  if (text.empty()) return error(RuleError::Kind::invalid, "is empty: give a name");
  if (text.size() > most)
    return error(RuleError::Kind::limit, "has " + std::to_string(text.size()) + " octets, and " +
                                             std::to_string(most) + " is the most: shorten it");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, is_control))
    return error(RuleError::Kind::invalid,
                 "has a control character in it: use letters, digits and signs");
  return std::nullopt;
}

/// A rule is decided in one place, so its effects must agree about it.
std::optional<RuleError> check_effects(const faults::Rule& rule, const std::string& path) {
  if (rule.effects.size() > faults::kMaxEffectsPerRule)
    return RuleError{RuleError::Kind::limit, path + "effect",
                     "has " + std::to_string(rule.effects.size()) + " effects, and " +
                         std::to_string(faults::kMaxEffectsPerRule) +
                         " is the most: make several rules"};
  const auto decided = [](const faults::Effect& effect) {
    return faults::site_table()[static_cast<std::size_t>(effect.fault->site)].decided_at;
  };
  for (std::size_t i = 1; i < rule.effects.size(); ++i) {
    const auto &first = rule.effects[0], &other = rule.effects[i];
    if (decided(first) == decided(other)) continue;
    return RuleError{RuleError::Kind::invalid, path + "effect[" + std::to_string(i) + "]",
                     std::string(other.fault->id) + " is decided at " +
                         std::string(faults::name_of(decided(other))) + ", " +
                         std::string(first.fault->id) + " at " +
                         std::string(faults::name_of(decided(first))) + ": make two rules"};
  }
  return std::nullopt;
}

std::optional<RuleError> check_life(const faults::Life& life, const std::string& path) {
  if (life.tags.size() > kMaxTagsPerRule)
    return RuleError{RuleError::Kind::limit, path + "life.tags",
                     "has " + std::to_string(life.tags.size()) + " tags, and " +
                         std::to_string(kMaxTagsPerRule) + " is the most: leave some out"};
  for (std::size_t i = 0; i < life.tags.size(); ++i)
    if (auto error = check_name(life.tags[i], path + "life.tags[" + std::to_string(i) + "]"))
      return error;
  if (!life.owner.empty())
    if (auto error = check_name(life.owner, path + "life.owner")) return error;
  if (!life.lease.empty())
    if (auto error = check_name(life.lease, path + "life.lease")) return error;
  using faults::OnExhaust;
  if (life.on_exhaust == OnExhaust::go_to || life.on_exhaust == OnExhaust::emit)
    return check_name(life.on_exhaust_name, path + "life.on_exhaust");
  return std::nullopt;
}

}  // namespace

std::optional<RuleError> check_name(std::string_view name, std::string_view path) {
  return check_text(name, path, kMaxNameBytes);
}

std::optional<RuleError> check_rule(const faults::Rule& rule, std::string_view path) {
  const std::string prefix(path);
  if (auto error = check_text(rule.id, prefix + "id", faults::kMaxRuleIdBytes)) return error;
  if (auto error = check_effects(rule, prefix)) return error;
  if (auto error = check_life(rule.life, prefix)) return error;
  const auto* after = faults::after_fault_of(rule.match);
  const bool several = faults::any_part(rule.match, [&](const faults::Match& match) {
    return match.after_fault && match.after_fault->rule != after->rule;
  });
  if (several)
    return RuleError{RuleError::Kind::invalid, prefix + "match",
                     "names more than one rule in after_fault: make a rule for each"};
  return std::nullopt;
}

}  // namespace faultlun::daemon
