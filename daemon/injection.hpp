// Every answer that a rule gives, bends or withholds is told of with its rule: in the journal (a
// strike, where it is decided), in a counter of rule and fault, and in the log.
#pragma once

#include "daemon/ordeal.hpp"

#include <string_view>

namespace faultlun::daemon {

/// Counts it.
void count_injected(const faults::InstalledRule& rule, const faults::Effect& effect);

/// Counts it, and the log says at the level debug what the initiator got: "no answer", say.  Costs
/// an addition when nobody reads such lines.
void note_injected(const faults::Strike& strike, const faults::Facts& facts, std::uint32_t task_tag,
                   std::string_view what);
/// "status=0x02 sense=03/11/00".
void note_injected(const faults::Strike& strike, const faults::Facts& facts, std::uint32_t task_tag,
                   const scsi::Reply& reply);

}  // namespace faultlun::daemon
