// What rules mean without a command: whether their window is open, which logins they refuse, which
// units they hide.
#include "faults/decide.hpp"

#include <algorithm>

namespace faultlun::faults {

bool is_open(const InstalledRule& rule, Time now, const Surroundings& around) {
  const Gate& gate = rule.rule.gate;
  const auto passed = [&](Time since) { return std::max(Time(0), now - since); };
  if (gate.window) {
    auto since = std::optional<Time>(rule.armed_at);
    if (gate.window->since != Window::Since::arm)
      since = around.since != nullptr ? around.since(around.context, *gate.window) : std::nullopt;
    if (!since || !window_open(gate, passed(*since))) return false;
  }
  return cycle_up(gate, passed(rule.armed_at));
}

namespace {

/// The rule strikes, and will as far as this session can tell.
bool is_at_work(const InstalledRule& rule, const RuleCounter* counter, Time now,
                const Surroundings& around) {
  const Gate& gate = rule.rule.gate;
  const auto& lifetime = *rule.lifetime;
  const bool global = rule.rule.life.global;
  const auto own = [&](std::uint64_t RuleCounter::*number) {
    return counter != nullptr ? counter->*number : 0;
  };
  const auto matches = global ? lifetime.global_matches.load() : own(&RuleCounter::matches);
  const auto fired = global ? lifetime.global_fired.load() : own(&RuleCounter::fired);
  const bool counts = gate.key == Key::counter || gate.key == Key::event;
  const auto counted = counts ? count_gate(gate, matches) : Outcome::gated;
  const auto once = rule.rule.life.once_per;
  const bool used_up = counted == Outcome::exhausted || (gate.times && fired >= *gate.times) ||
                       (once == OncePer::session && own(&RuleCounter::fired) != 0) ||
                       (once == OncePer::run && lifetime.used_up.load());
  if (!rule.runs || used_up || !is_open(rule, now, around)) return false;
  return fired != 0 || (counted == Outcome::fired && !gate.probability && !gate.budget_bytes);
}

}  // namespace

std::vector<std::uint16_t> hidden_units(const RuleSet& rules, const RuleState& state,
                                        const Facts& facts, const Surroundings& around,
                                        std::span<const std::uint16_t> luns) {
  std::vector<std::uint16_t> out;
  for (const auto order : rules.absences()) {
    const InstalledRule& rule = rules.at(order);
    const auto& match = rule.rule.match;
    const bool ours = std::ranges::all_of(rule.session_clauses, [&](const ClauseRow* row) {
      return row->holds(match, facts, Past{});
    });
    if (!ours || !is_at_work(rule, state.look(rules, order), facts.now, around)) continue;
    const auto& absent = match.luns;
    std::ranges::copy_if(luns, std::back_inserter(out), [&](std::uint16_t lun) {
      return absent.empty() || std::ranges::find(absent, lun) != absent.end();
    });
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Drop::Then decide_login(const RuleSet& rules, const Facts& facts, const InstalledRule*& why) {
  for (const auto order : rules.logins()) {
    const InstalledRule& rule = rules.at(order);
    if (!rule.runs || !is_open(rule, facts.now, {})) continue;
    const bool all = std::ranges::all_of(rule.session_clauses, [&](const ClauseRow* row) {
      return row->holds(rule.rule.match, facts, Past{});
    });
    if (!all) continue;
    why = &rule;
    for (const auto& effect : rule.rule.effects)
      if (const auto* drop = std::get_if<Drop>(&effect.action);
          drop != nullptr && drop->then != Drop::Then::nothing)
        return drop->then;
  }
  return Drop::Then::nothing;
}

}  // namespace faultlun::faults
