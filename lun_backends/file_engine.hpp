// Who makes the system calls of a file device.
#pragma once

#include "lun_backends/block_device.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace faultlun::lun_backends {

/// Performs operations that were already checked, on threads of its own, and calls on_done there.
/// start() may be called from any thread, on_done included.  The destructor returns when everything
/// started is done and its on_done has returned; it must not be called from on_done.
class FileEngine {
 public:
  virtual ~FileEngine() = default;
  virtual void start(Operation& operation) = 0;
  virtual std::string_view name() const = 0;
};

/// Threads per file; they are made when operations wait for them.
inline constexpr std::size_t kFileThreads = 4;

/// One ring and one thread per file.  Null, with `why_not` set, where the kernel or the container
/// refuses.
std::unique_ptr<FileEngine> make_ring_engine(int file, boost::system::error_code& why_not);

/// pread, pwrite and friends on up to kFileThreads threads.  Null, with `why_not` set, when not
/// even one thread can be made.
std::unique_ptr<FileEngine> make_thread_engine(int file, boost::system::error_code& why_not);

}  // namespace faultlun::lun_backends
