// What fault rules and the control API do to logical units, with everything around it: the change
// of one unit, the other units that hear of it, tasks that are lost with it, and unit attentions.
// Callable on any thread.
#pragma once

#include "config/json.hpp"
#include "daemon/world.hpp"
#include "faults/decide.hpp"

namespace faultlun::daemon {

struct ChangedBy {
  std::string_view who;    ///< a rule, or whoever else; as GET /v1/units shows it
  std::uint64_t rule = 0;  ///< its serial, for the journal; 0 when it was no rule
};

/// Carries out `change` on the unit `lun` (or on change.lun).  An unplugged unit leaves luns() and
/// REPORT LUNS, the others get 6/3F/0E (unless silent), and it loses its tasks, as a unit without
/// power does: those of every session that are in progress are never answered.  Nothing happens
/// when there is no such unit.
void change_unit(World& world, TargetHost& target, std::uint16_t lun,
                 const faults::UnitChange& change, faults::Time now, ChangedBy by = {});

/// Establishes unit attentions; `own` is the nexus whose command matched.
void raise(LunHost& host, const faults::Attention& attention, scsi::NexusId own);
/// Forgets what pends for `own`, unreported.
void lose(LunHost& host, const faults::NoAttention& missing, scsi::NexusId own);

/// Everything in a decision that happens to units before the command itself does, in order:
/// UnitChange and Attention, then NoAttention, so that what is missing is missing in any case.
/// True when there was any: then the command has to take the planned path.
bool apply_to_units(World& world, TargetHost& target, LunHost& host,
                    const faults::Decision& decision, scsi::NexusId own, faults::Time now);

/// POST /v1/reset: every unit is as configured.  How many were not.
std::size_t heal_units(World& world, faults::Time now);

/// {"target": …, "lun": 0, "state": "starting", "remaining_us": …, "progress_percent": 25, …}
config::Json report_unit(const TargetHost& target, LunHost& host, faults::Time now);
/// Of every unit.
config::Json report_units(World& world, faults::Time now);

}  // namespace faultlun::daemon
