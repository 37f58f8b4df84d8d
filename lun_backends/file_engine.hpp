// Who makes the system calls of a file device.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/file_steps.hpp"

#include <boost/system/error_code.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

namespace faultlun::lun_backends {

/// Performs operations that were already checked, on threads of its own, and calls on_done there.
/// start() may be called from any thread, on_done included.  The destructor returns when everything
/// started is done and its on_done has returned; it must not be called from on_done.
class FileEngine {
 public:
  explicit FileEngine(int file) : file_(file) {}
  virtual ~FileEngine() = default;
  FileEngine(const FileEngine&) = delete;
  FileEngine& operator=(const FileEngine&) = delete;

  virtual void start(Operation& operation) = 0;
  virtual std::string_view name() const = 0;

  /// Reads what the page cache holds, on the calling thread and without waiting for a medium. False
  /// when it holds not all of it, or while something is being written: then start() the read.
  bool read_now(Operation& operation);

 protected:
  const int file_;
  FileSteps steps_;

 private:
  std::atomic<bool> read_now_works_{true};
};

/// Longer reads always go to the engine's threads: copying them would hold up whoever asks.
inline constexpr std::size_t kLongestReadNowBytes = 128u << 10;

/// Threads per file; they are made when operations wait for them.
inline constexpr std::size_t kFileThreads = 4;

/// One ring and one thread per file.  Null, with `why_not` set, where the kernel or the container
/// refuses.
std::unique_ptr<FileEngine> make_ring_engine(int file, boost::system::error_code& why_not);

/// pread, pwrite and friends on up to kFileThreads threads.  Null, with `why_not` set, when not
/// even one thread can be made.
std::unique_ptr<FileEngine> make_thread_engine(int file, boost::system::error_code& why_not);

}  // namespace faultlun::lun_backends
