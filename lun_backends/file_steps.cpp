#include "lun_backends/file_steps.hpp"

#include "lun_backends/operation.hpp"
#include "lun_backends/zero_area.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/uio.h>

namespace faultlun::lun_backends {
namespace {

// Steps of a discard, each the refuge of the one before.  On block devices the kernel turns the
// first into a discard that is known to zero, and the second into whatever zeroes.
constexpr std::uint8_t kPunchHole = 0;
constexpr std::uint8_t kZeroRange = 1;
constexpr std::uint8_t kWriteZeros = 2;

// Steps of a write.  The last one is taken only where RWF_DSYNC is unknown.
constexpr std::uint8_t kWrite = 0;
constexpr std::uint8_t kSyncAfterWrite = 1;

bool says_cannot(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

boost::system::error_code as_error(int error) {
  if (error == EDQUOT || error == EFBIG) error = ENOSPC;  // for the initiator the disk is full
  return {error, boost::system::generic_category()};
}

bool transfers(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::read:
      return true;
    case Operation::Kind::write:
      return operation.in_flight.step == kWrite;
    case Operation::Kind::discard:
      return operation.in_flight.step == kWriteZeros;
    case Operation::Kind::flush:
      return false;
  }
  return false;
}

}  // namespace

void FileSteps::begin(Operation& operation) {
  if (changes_content(operation)) changes_begun_.fetch_add(1);
  operation.in_flight.done_bytes = 0;
  operation.in_flight.step = operation.kind == Operation::Kind::discard
                                 ? first_discard_step_.load(std::memory_order_relaxed)
                                 : std::uint8_t{0};
}

FileCall FileSteps::next(const Operation& operation) const {
  const std::uint64_t done = operation.in_flight.done_bytes;
  FileCall call;
  call.offset_bytes = operation.offset_bytes + done;
  call.length_bytes = std::min(length_of(operation) - done, kLargestCallBytes);
  switch (operation.kind) {
    case Operation::Kind::read:
      call.what = FileCall::What::read;
      call.into = operation.into.data() + done;
      break;
    case Operation::Kind::write:
      if (operation.in_flight.step == kSyncAfterWrite) break;
      call.what = FileCall::What::write;
      call.from = operation.from.data() + done;
      if (operation.fua && write_through_works_.load(std::memory_order_relaxed))
        call.flags = RWF_DSYNC;
      break;
    case Operation::Kind::discard:
      if (operation.in_flight.step == kWriteZeros) {
        call.what = FileCall::What::write;
        call.from = zero_area().data();
        call.length_bytes = std::min<std::uint64_t>(call.length_bytes, kZeroAreaBytes);
      } else {
        call.what = FileCall::What::fallocate;
        call.flags =
            FALLOC_FL_KEEP_SIZE |
            (operation.in_flight.step == kZeroRange ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
        call.length_bytes = length_of(operation);
      }
      break;
    case Operation::Kind::flush:
      break;
  }
  return call;
}

bool FileSteps::advance(Operation& operation, std::int64_t result) {
  auto& state = operation.in_flight;
  if (result == -EINTR || result == -EAGAIN) return false;
  if (result < 0 && refused(operation, static_cast<int>(-result))) return false;
  // Nothing moved although the file was long enough when it was opened: somebody cut it short.
  if (result == 0 && transfers(operation)) result = -EIO;
  if (result < 0) {
    finish_badly(operation, as_error(static_cast<int>(-result)),
                 operation.offset_bytes + state.done_bytes);
    return finish(operation);
  }
  if (transfers(operation)) {
    state.done_bytes += static_cast<std::uint64_t>(result);
    if (state.done_bytes < length_of(operation)) return false;
    if (operation.kind == Operation::Kind::write && operation.fua &&
        !write_through_works_.load(std::memory_order_relaxed)) {
      state.step = kSyncAfterWrite;
      return false;
    }
  }
  finish_well(operation);
  return finish(operation);
}

bool FileSteps::finish(Operation& operation) {
  if (changes_content(operation)) changes_ended_.fetch_add(1);
  return true;
}

std::optional<std::uint64_t> FileSteps::stamp() const {
  const std::uint64_t ended = changes_ended_.load();  // first: then equal means equal at one moment
  const std::uint64_t begun = changes_begun_.load();
  if (ended != begun) return std::nullopt;
  return begun;
}

/// True when the system cannot do it this way and there is another.
bool FileSteps::refused(Operation& operation, int error) {
  auto& step = operation.in_flight.step;
  if (operation.kind == Operation::Kind::discard && step != kWriteZeros && says_cannot(error)) {
    ++step;
    // EINVAL may come from this range's alignment; the others are for good.
    if (error != EINVAL) first_discard_step_.store(step, std::memory_order_relaxed);
    return true;
  }
  if (operation.kind == Operation::Kind::write && operation.fua && step == kWrite &&
      error == EOPNOTSUPP && write_through_works_.load(std::memory_order_relaxed)) {
    write_through_works_.store(false, std::memory_order_relaxed);
    return true;
  }
  return false;
}

}  // namespace faultlun::lun_backends
