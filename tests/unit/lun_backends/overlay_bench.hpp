// What the tests of the overlay device share: a pristine store that answers later, and short words
// for what is true and what shows.
#pragma once

#include "lun_backends/memory.hpp"
#include "lun_backends/overlay.hpp"
#include "tests/unit/lun_backends/device_bench.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace faultlun::lun_backends::bench {

/// Memory that is done later, on a thread of its own, in the order of start().
class LaterDevice final : public BlockDevice {
 public:
  explicit LaterDevice(std::uint64_t size_bytes, std::uint64_t limit = MemoryDevice::kNoLimit)
      : memory_(size_bytes, limit), thread_([this] { work(); }) {}
  ~LaterDevice() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      held_ = false;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::uint64_t size_bytes() const override { return memory_.size_bytes(); }
  Progress start(Operation& operation) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(&operation);
    changed_.notify_all();
    return Progress::pending;
  }
  std::string description() const override { return "later"; }

  /// While held, nothing ends.
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  /// Held operations end with this one, the oldest.
  void finish_one() {
    Operation* operation = nullptr;
    {
      const std::lock_guard lock(mutex_);
      REQUIRE_FALSE(waiting_.empty());
      operation = waiting_.front();
      waiting_.pop_front();
    }
    memory_.start(*operation);
    operation->on_done(*operation);
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || (!held_ && !waiting_.empty()); });
      if (waiting_.empty()) return;
      Operation& operation = *waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      memory_.start(operation);
      operation.on_done(operation);
      lock.lock();
    }
  }

  MemoryDevice memory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Operation*> waiting_;
  bool held_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

inline constexpr std::uint32_t kBlock = 512;
inline constexpr std::uint64_t kSize = 1u << 20;

inline Overlay overlay_of(std::uint64_t id, const std::string& rule = "r", bool sticky = false) {
  Overlay overlay;
  overlay.id = id;
  overlay.rule = rule;
  overlay.fault = "data.test";
  overlay.sticky = sticky;
  return overlay;
}

/// Starts a lie and waits for its end.
inline boost::system::error_code lie(OverlayDevice& device, Operation change,
                                     const Overlay& overlay, std::vector<Patch> patches) {
  std::binary_semaphore done(0);
  change.owner = &done;
  change.on_done = [](Operation& finished) noexcept {
    static_cast<std::binary_semaphore*>(finished.owner)->release();
  };
  const auto started = device.start_lying(change, overlay, std::move(patches));
  REQUIRE(started.has_value());
  if (*started == Progress::pending) done.acquire();
  return change.error;
}

inline Bytes truth(OverlayDevice& device, std::uint64_t offset, std::size_t length) {
  return read(device.pristine(), offset, length);
}

inline Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace faultlun::lun_backends::bench
