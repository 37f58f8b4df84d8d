// What the daemon keeps for a rule over all sessions: the state of its lanes and buckets, and how
// exactly its delays were met.  Time is an argument.
#pragma once

#include "daemon/ordeal.hpp"

#include <chrono>

namespace faultlun::daemon {

struct Wait {
  faults::Time until{};  ///< since the start of the daemon
  faults::Time asked{};  ///< of this wait
};

/// When a command may go on.  Delays add; those with at_least count from `arrived`, the others from
/// `now`; lanes, buckets and stalls push it further.  `when`: which delays; nothing: all.
Wait due(Ordeal& ordeal, std::optional<faults::When> when, faults::Time now, faults::Time arrived);

/// A command was answered this long after it arrived: achieved minus asked goes into the histograms
/// of the rules that delayed it.
void note_achieved(const Ordeal& ordeal, Duration took);

}  // namespace faultlun::daemon
