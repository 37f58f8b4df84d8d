// What data faults that struck do at the medium: the steps of medium_steps.hpp for commands that
// are lied about.  The pristine store always gets what the host meant; what shows is laid over it
// (lun_backends/overlay.hpp), or changed in one answer.  Several faults of a command apply in
// order.
//
// A fault that cannot be carried out (a limit of the overlays, a place outside of the unit, no
// older version) leaves the command as it is: the log and the journal say so.
#pragma once

#include "daemon/task_runner.hpp"

namespace faultlun::daemon {

/// A WRITE SAME of more is not lied about.
inline constexpr std::uint64_t kMaxLyingWriteSameBytes = 16 << 20;

/// Does what operation->plan asks as the DataFaults of its ordeal want it, then settles.
void perform_lying(OperationPtr operation, Loop& loop);

}  // namespace faultlun::daemon
