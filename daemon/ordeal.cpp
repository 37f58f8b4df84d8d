#include "daemon/ordeal.hpp"

#include <utility>

namespace faultlun::daemon {

using faults::When;

void give_back_active(const faults::Decision& decision) {
  for (const auto& verdict : decision.verdicts)
    if (verdict.outcome == faults::Outcome::fired && verdict.rule->rule.gate.max_active)
      verdict.rule->lifetime->active.fetch_sub(1, std::memory_order_relaxed);
}

Ordeal::Ordeal(std::shared_ptr<const faults::RuleSet> set, faults::Decision made,
               faults::Facts seen, TimePoint arrival)
    : rules(std::move(set)), decision(std::move(made)), facts(std::move(seen)), arrived(arrival) {}

Ordeal::~Ordeal() {
  give_back_active(decision);
}

const faults::Strike* Ordeal::instead_of_unit() const {
  const auto* end = decision.terminal();
  if (end == nullptr) return nullptr;
  const auto& action = end->effect->action;
  if (const auto* answer = std::get_if<faults::Answer>(&action))
    return answer->when == When::before && !answer->blocks ? end : nullptr;
  if (const auto* error = std::get_if<faults::MediumError>(&action))
    return error->partial || error->data_good ? nullptr : end;
  return end;
}

const faults::Strike* Ordeal::after_unit() const {
  return instead_of_unit() == nullptr ? decision.terminal() : nullptr;
}

void Ordeal::add(faults::Decision more) {
  const auto before = static_cast<std::uint32_t>(decision.verdicts.size());
  decision.verdicts.insert(decision.verdicts.end(), more.verdicts.begin(), more.verdicts.end());
  if (decision.terminal() != nullptr) return;
  for (auto strike : more.strikes) {
    strike.verdict += before;
    decision.strikes.push_back(strike);
  }
}

}  // namespace faultlun::daemon
