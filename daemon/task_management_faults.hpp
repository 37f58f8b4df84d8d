// What a decision about a task management function comes to: the verdict that the session gets, now
// or later, and what manage_tasks() has to know when the function goes beyond the session.  One per
// connection, touched by its thread alone; no sockets and no timer: the connection asks deadline().
#pragma once

#include "daemon/clock.hpp"
#include "faults/decide.hpp"
#include "protocol/iscsi/session.hpp"

#include <optional>
#include <vector>

namespace faultlun::daemon {

/// The faults of one decision together: delays add, the gravest act and the first response count.
struct CombinedTaskManagementFault {
  faults::TaskManagementFault fault;
  Duration delay{};
  bool drop = false;  ///< the connection is reset instead
};
CombinedTaskManagementFault combine(const faults::Decision& decision);

class TaskManagementFaults {
 public:
  /// Functions remembered.  Then the oldest that has been judged and answered is forgotten: should
  /// it still reach manage_tasks(), it goes its way without its fault.
  static constexpr std::size_t kMaxRemembered = 2 * iscsi::kMaxTaskManagements;

  /// Carries out the decision about a function that arrived: session.judge(), at once or when the
  /// delay is over.  `drop` and `collateral` are the caller's to do.
  CombinedTaskManagementFault judge(const iscsi::effect::JudgeTaskManagement& arrived,
                                    const faults::Decision& decision, TimePoint now,
                                    iscsi::Session& session, iscsi::Outbox& out,
                                    iscsi::Effects& effects);
  /// For ManageTasks: what is left of the fault.  Nothing: none.
  std::optional<faults::TaskManagementFault> take(std::uint32_t initiator_task_tag);

  std::optional<TimePoint> deadline() const;
  /// Releases answers that were held and judges one function that waited: perform its effects, then
  /// ask deadline() again.
  void on_deadline(TimePoint now, iscsi::Session& session, iscsi::Outbox& out,
                   iscsi::Effects& effects);

 private:
  struct Remembered {
    std::uint32_t initiator_task_tag = 0;
    faults::TaskManagementFault fault;
    std::optional<TimePoint> due;
    bool judged = false;  ///< `due` is its answer's, not its own
    bool taken = false;   ///< manage_tasks() knows
  };
  std::vector<Remembered> remembered_;  ///< in order of arrival
};

}  // namespace faultlun::daemon
