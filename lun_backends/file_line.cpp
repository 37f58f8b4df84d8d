#include "lun_backends/file_line.hpp"

#include "lun_backends/operation.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace faultlun::lun_backends {

void OperationQueue::push(Operation& operation) {
  operation.in_flight.next = nullptr;
  (last_ != nullptr ? last_->in_flight.next : first_) = &operation;
  last_ = &operation;
}

void OperationQueue::pop() {
  first_ = first_->in_flight.next;
  if (first_ == nullptr) last_ = nullptr;
}

void OperationQueue::append(OperationQueue& other) {
  if (other.empty()) return;
  (last_ != nullptr ? last_->in_flight.next : first_) = other.first_;
  last_ = other.last_;
  other.first_ = other.last_ = nullptr;
}

FileLine::Extent FileLine::extent_of(Operation& operation) {
  const std::uint64_t length = length_of(operation);
  const std::uint64_t begin = length != 0 ? operation.offset_bytes : 0;
  return {begin, begin + length, &operation, changes_content(operation)};
}

bool FileLine::may_take() const {
  if (waiting_.empty() || running_count_ == kMaxRunning) return false;
  const Extent next = extent_of(*waiting_.front());
  const auto running = std::span(running_).first(running_count_);
  return std::ranges::none_of(running, [&](const Extent& other) {
    return (next.changes || other.changes) && next.begin < other.end && other.begin < next.end;
  });
}

Operation* FileLine::take() {
  if (!may_take()) return nullptr;
  Operation* operation = waiting_.front();
  waiting_.pop();
  operation->in_flight.place = static_cast<std::uint32_t>(running_count_);
  running_[running_count_++] = extent_of(*operation);
  return operation;
}

void FileLine::leave(const Operation& operation) {
  const std::size_t place = operation.in_flight.place;
  assert(running_count_ > 0);
  assert(running_[place].operation == &operation);
  running_[place] = running_[--running_count_];
  running_[place].operation->in_flight.place = static_cast<std::uint32_t>(place);
}

}  // namespace faultlun::lun_backends
