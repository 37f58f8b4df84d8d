#include "daemon/injection.hpp"

#include "daemon/log.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace faultlun::daemon {
namespace {

bool is_told() {
  return log::faults().should_log(spdlog::level::debug);
}

void tell(const faults::Strike& strike, const faults::Facts& facts, std::uint32_t task_tag,
          std::string_view what) {
  const auto* row = strike.effect->fault;
  log::faults().debug("injected rule={} fault={} session={} cmd_sn={} itt={:#x} lun={} {}",
                      strike.rule->rule.id, row != nullptr ? row->id : "-", facts.session->alias(),
                      facts.cmd_sn, task_tag, facts.lun, what);
}

}  // namespace

void count_injected(const faults::InstalledRule& rule, const faults::Effect& effect) {
  const auto place = static_cast<std::size_t>(&effect - rule.rule.effects.data());
  rule.lifetime->injected[place].fetch_add(1, std::memory_order_relaxed);
}

void note_injected(const faults::Strike& strike, const faults::Facts& facts, std::uint32_t task_tag,
                   std::string_view what) {
  count_injected(*strike.rule, *strike.effect);
  if (is_told()) tell(strike, facts, task_tag, what);
}

void note_injected(const faults::Strike& strike, const faults::Facts& facts, std::uint32_t task_tag,
                   const scsi::Reply& reply) {
  count_injected(*strike.rule, *strike.effect);
  if (!is_told()) return;
  char text[48];
  const auto status = static_cast<unsigned>(reply.status);
  if (reply.sense) {
    const auto& code = reply.sense->code;
    std::snprintf(text, sizeof text, "status=0x%02x sense=%02X/%02X/%02X", status,
                  unsigned{code.key}, unsigned{code.asc}, unsigned{code.ascq});
  } else {
    std::snprintf(text, sizeof text, "status=0x%02x", status);
  }
  tell(strike, facts, task_tag, text);
}

}  // namespace faultlun::daemon
