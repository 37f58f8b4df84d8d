// An operation on a file as a sequence of system calls, without making them: what comes next, and
// what its result means.  Both engines (io_uring, threads) drive this, so short writes,
// interruptions and file systems that lack a call are treated alike, and tested without a kernel.
#pragma once

#include "lun_backends/block_device.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace faultlun::lun_backends {

/// One system call on the file.
struct FileCall {
  enum class What : std::uint8_t { read, write, sync_data, fallocate };
  What what = What::sync_data;
  int flags = 0;  ///< write: RWF_…; fallocate: FALLOC_FL_…
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::uint8_t* into = nullptr;        ///< read
  const std::uint8_t* from = nullptr;  ///< write
};

class FileSteps {
 public:
  /// The most that one call moves; the kernel would cut at 2 GiB anyway.
  static constexpr std::uint64_t kLargestCallBytes = 1u << 30;

  void begin(Operation& operation);
  FileCall next(const Operation& operation) const;
  /// `result` is what the call returned: bytes, 0, or a negative errno.  True when the operation is
  /// finished and its error set.
  bool advance(Operation& operation, std::int64_t result);

  /// For those who look at the file without waiting in line: a stamp of its content, none while a
  /// write or a discard is under way.
  std::optional<std::uint64_t> stamp() const;
  bool unchanged_since(std::uint64_t stamp) const { return changes_begun_.load() == stamp; }

 private:
  bool finish(Operation& operation);

  // What the file system has refused once is not asked again.
  std::atomic<std::uint8_t> first_discard_step_{0};
  std::atomic<bool> write_through_works_{true};

  std::atomic<std::uint64_t> changes_begun_{0};
  std::atomic<std::uint64_t> changes_ended_{0};

  bool refused(Operation& operation, int error);
};

}  // namespace faultlun::lun_backends
