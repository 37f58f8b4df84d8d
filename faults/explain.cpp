#include "faults/explain.hpp"

#include <algorithm>

namespace faultlun::faults {
namespace {

std::uint64_t matches_so_far(const RuleCounter& counter, const Facts& facts) {
  if (facts.site == Site::tmf_rx) return counter.function_matches;
  return facts.immediate ? counter.immediate_matches : counter.matches;
}

/// Up to the draw.
Outcome gate_of(const InstalledRule& rule, const RuleCounter& counter, const Facts& facts,
                Forecast& next) {
  const auto& gate = rule.rule.gate;
  if (!rule.runs) return Outcome::run_gate;
  if (gate.key != Key::lba)
    if (const auto counted = count_gate(gate, next.index); counted != Outcome::fired)
      return counted;
  const auto fired = rule.rule.life.global
                         ? rule.lifetime->global_fired.load(std::memory_order_relaxed)
                         : counter.fired;
  if (gate.times && fired >= *gate.times) return Outcome::exhausted;
  if (gate.budget_bytes && counter.bytes < *gate.budget_bytes) return Outcome::budget;
  const Time armed_for = facts.now - rule.lifetime->armed_at;
  if (gate.window && gate.window->since != Window::Since::arm)
    next.certain = false;
  else if (!window_open(gate, armed_for))
    return Outcome::closed;
  return cycle_up(gate, armed_for) ? Outcome::fired : Outcome::closed;
}

Outcome chance_of(const InstalledRule& rule, std::uint64_t seed, const Facts& facts,
                  Forecast& next) {
  const auto& gate = rule.rule.gate;
  if (!gate.probability) return Outcome::fired;
  if (gate.key == Key::lba) {  // each block has a draw of its own
    next.certain = false;
    return Outcome::fired;
  }
  const bool by_content = gate.key == Key::content || gate.key == Key::attempt;
  const auto name = key_text(gate.key, by_content ? content_of(facts) : 0, facts);
  const auto index = gate.key == Key::counter ? draw_index(gate, next.index) : next.index;
  next.draw = draw(seed, rule.rule.id, name, index, kSlotDecide);
  next.drawn = true;
  return gate.probability->fires(next.draw) ? Outcome::fired : Outcome::chance;
}

bool depends_on_more(const Rule& rule) {
  return rule.gate.max_active || rule.life.once_per != OncePer::never || rule.life.global ||
         std::ranges::any_of(rule.effects, [](const Effect& each) {
           const auto* error = std::get_if<MediumError>(&each.action);
           return error != nullptr && error->heal != MediumError::Heal::never;
         });
}

Forecast forecast(const InstalledRule& rule, const RuleCounter* known, std::uint64_t seed,
                  const Facts& facts, const Past& past) {
  static const RuleCounter kFresh;
  const RuleCounter& counter = known != nullptr ? *known : kFresh;
  Forecast next;
  next.certain = !depends_on_more(rule.rule);
  switch (rule.rule.gate.key) {
    case Key::counter:
    case Key::event:
      next.index = rule.rule.life.global
                       ? rule.lifetime->global_matches.load(std::memory_order_relaxed)
                       : matches_so_far(counter, facts);
      break;
    case Key::content:
    case Key::attempt:  // as if it had never been issued afresh before
      next.index = rule.rule.gate.key == Key::attempt ? past.attempt - 1 : 0;
      next.certain = next.certain && known == nullptr;
      break;
    case Key::lba:
      next.index = past.rewrites;
      break;
  }
  next.outcome = gate_of(rule, counter, facts, next);
  if (next.outcome == Outcome::fired) next.outcome = chance_of(rule, seed, facts, next);
  if (next.outcome == Outcome::fired && rule.rule.observe) next.outcome = Outcome::observed;
  return next;
}

}  // namespace

std::vector<Explained> explain(const RuleSet& rules, const RuleState* state, std::uint64_t seed,
                               const Facts& facts, const Past& past) {
  std::vector<Explained> out;
  for (const auto& rule : rules.rules()) {
    Explained each;
    each.rule = rule.get();
    each.armed = rule->rule.life.armed;
    each.site = rule->site == facts.site;
    // What an effect strikes is asked of commands; functions have their clauses.
    each.can_strike = facts.cdb == nullptr || !each.site || rule->rule.effects.empty() ||
                      std::ranges::any_of(rule->rule.effects, [&](const Effect& effect) {
                        return applies(rule->rule, effect, facts);
                      });
    each.missing = why_not(rule->rule.match, facts, past);
    if (each.matches()) {
      const auto* counter = state != nullptr ? state->find(rule->lifetime->serial) : nullptr;
      each.next = forecast(*rule, counter, seed, facts, past);
    }
    out.push_back(std::move(each));
  }
  std::ranges::stable_sort(out, {}, [](const Explained& each) { return each.obstacles(); });
  return out;
}

}  // namespace faultlun::faults
