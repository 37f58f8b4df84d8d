#include "faults/rule.hpp"

#include <algorithm>

namespace faultlun::faults {

Site decided_at(const Rule& rule) {
  if (rule.effects.empty()) return rule.where.value_or(Site::cmd_enqueue);
  return site_table()[static_cast<std::size_t>(rule.effects.front().fault->site)].decided_at;
}

bool is_timed(const Rule& rule) {
  return rule.gate.window || rule.gate.cycle || any_part(rule.match, [](const Match& match) {
           return match.after_fault && match.after_fault->within;
         });
}

bool is_order_dependent(const Rule& rule) {
  return rule.life.global || rule.gate.max_active || rule.life.once_per == OncePer::run ||
         any_part(rule.match, [](const Match& match) {
           return match.outstanding || match.first_touch || match.rewrites ||
                  !match.payloads.empty();
         });
}

}  // namespace faultlun::faults
