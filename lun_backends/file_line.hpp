// The order in which operations on one file run: a line of those waiting and a table of those
// running.
//
// The kernel does not promise that a read which overlaps a write sees all of a block or nothing of
// it, so operations that overlap never run at once: the later waits, and so do those behind it.
// Overlapping operations therefore take effect in the order in which they were started.  Not
// thread-safe: an engine guards it or owns it.
#pragma once

#include "lun_backends/block_device.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace faultlun::lun_backends {

/// A queue through Operation::in_flight.next: no allocation, whatever its length.
class OperationQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  Operation* front() const { return first_; }
  void push(Operation& operation);
  void pop();
  /// Moves all of `other` to the end of this.
  void append(OperationQueue& other);

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

class FileLine {
 public:
  /// How many operations of one file run at once; the rest wait in line.
  static constexpr std::size_t kMaxRunning = 127;

  void join(Operation& operation) { waiting_.push(operation); }
  void join(OperationQueue& operations) { waiting_.append(operations); }
  /// The next operation that may run now, from here on counted as running; nullptr when none may.
  Operation* take();
  /// `operation` runs no more; it may be gone afterwards.
  void leave(const Operation& operation);

  bool may_take() const;
  bool is_empty() const { return waiting_.empty() && running_count_ == 0; }
  bool anyone_waits() const { return !waiting_.empty(); }

 private:
  struct Extent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Operation* operation = nullptr;
    bool changes = false;
  };
  static Extent extent_of(Operation& operation);

  OperationQueue waiting_;
  std::array<Extent, kMaxRunning> running_;
  std::size_t running_count_ = 0;
};

}  // namespace faultlun::lun_backends
