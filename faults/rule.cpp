#include "faults/rule.hpp"

#include <algorithm>

namespace faultlun::faults {

Site decided_at(const Rule& rule) {
  if (rule.effects.empty()) return rule.where.value_or(Site::cmd_enqueue);
  return site_table()[static_cast<std::size_t>(rule.effects.front().fault->site)].decided_at;
}

bool is_timed(const Rule& rule) {
  return rule.gate.window || rule.gate.cycle ||
         (rule.match.after_fault && rule.match.after_fault->within);
}

bool is_order_dependent(const Rule& rule) {
  return rule.life.global || rule.gate.max_active || rule.match.outstanding ||
         rule.match.first_touch || rule.match.rewrites || rule.life.once_per == OncePer::run ||
         !rule.match.payloads.empty();
}

}  // namespace faultlun::faults
