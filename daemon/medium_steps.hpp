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

/// Does what operation->plan asks (never a Reply or NeedData), then settles.
void perform(OperationPtr operation, Loop& loop);

/// What a failed device operation means to the logical unit.
scsi::MediumResult medium_result(const lun_backends::Operation& operation);

}  // namespace faultlun::daemon
