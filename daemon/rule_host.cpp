#include "daemon/rule_host.hpp"

#include <algorithm>

namespace faultlun::daemon {

using faults::When;

Wait due(Ordeal& ordeal, std::optional<When> when, faults::Time now, faults::Time arrived) {
  faults::Time inclusive{}, on_top{};
  for (const auto& strike : ordeal.decision.strikes) {
    const auto* delay = std::get_if<faults::Delay>(&strike.effect->action);
    if (delay == nullptr || (when && delay->when != *when)) continue;
    const faults::Time time(static_cast<std::int64_t>(strike.resolved[0]));
    (delay->at_least ? inclusive : on_top) += time;
  }
  return {std::max(now, arrived + inclusive) + on_top, inclusive + on_top};
}

void note_achieved(const Ordeal&, Duration) {}

}  // namespace faultlun::daemon
