// The steps on the medium of a command that is more than one plain read or write, or whose device
// takes its time. Each kind of plan is one coroutine; it runs on the loop's thread, starts at once,
// and on an instant device never suspends.
#pragma once

#include "daemon/task_runner.hpp"

#include <coroutine>
#include <exception>

namespace faultlun::daemon {

/// A coroutine that starts at once and that nobody waits for: it ends by TaskRunner::settle().
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// co_await one operation of a device; resumes on the loop's thread.
class DeviceStep {
 public:
  DeviceStep(lun_backends::BlockDevice& device, Loop& loop, lun_backends::Operation operation)
      : device_(device), loop_(loop), operation_(operation) {}
  DeviceStep(const DeviceStep&) = delete;
  DeviceStep& operator=(const DeviceStep&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting);
  const lun_backends::Operation& await_resume() const noexcept { return operation_; }

 private:
  lun_backends::BlockDevice& device_;
  Loop& loop_;
  lun_backends::Operation operation_;
  std::coroutine_handle<> waiting_;
};

/// Does what operation->plan asks (never a Reply or NeedData), then settles.  Data faults of the
/// operation's ordeal strike (data_faults.hpp).
void perform(OperationPtr operation, Loop& loop);
/// The same without data faults.
void perform_honestly(OperationPtr operation, Loop& loop);

/// What a failed device operation means to the logical unit.
scsi::MediumResult medium_result(const lun_backends::Operation& operation);

// ---- parts of steps ----------------------------------------------------------------------------

/// UNMAP: what a device gives back before others have their turn.
inline constexpr std::uint64_t kDiscardBytes = 16 << 20;

bool ok(const scsi::MediumResult& result);
/// False once the task is aborted or its session gone: then no further step may touch the medium
/// behind the back of whoever comes next.
bool wanted(const TaskOperation& operation);
/// Records the first failure.
void note(TaskOperation& operation, const lun_backends::Operation& step);
lun_backends::Operation read_into(std::uint64_t offset_bytes, bytes::Span into);
lun_backends::Operation write_from(std::uint64_t offset_bytes, bytes::View from, bool fua);
/// Compares `octets` of the medium with what the host sent; `sent` may be one block that repeats.
void compare(TaskOperation& operation, bytes::View octets, bytes::View sent, std::uint64_t at,
             bool repeats);
/// The session may have ended while the medium worked.
void settle(TaskOperation& operation);

/// co_await it between the steps of a long command: whatever else waits on this loop has its turn.
class Pause {
 public:
  explicit Pause(Loop& loop) : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    loop_.post([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
};

/// co_await a turn among the commands of a unit that must not overlap.
class Turn {
 public:
  Turn(LunHost& host, Loop& loop) : host_(host), loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    return !host_.begin_turn([this, waiting] { loop_.post([waiting] { waiting.resume(); }); });
  }
  void await_resume() const noexcept {}

 private:
  LunHost& host_;
  Loop& loop_;
};

}  // namespace faultlun::daemon
