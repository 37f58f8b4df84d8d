#include "lun_backends/file_engine.hpp"

#include <cerrno>
#include <sys/uio.h>

namespace faultlun::lun_backends {

bool FileEngine::read_now(Operation& operation) {
  if (operation.into.size() > kLongestReadNowBytes) return false;
  if (!read_now_works_.load(std::memory_order_relaxed)) return false;
  // A write that begins meanwhile may show in part.  Then the stamp tells, and the read is made
  // again in line.
  const auto stamp = steps_.stamp();
  if (!stamp) return false;
  const iovec piece{operation.into.data(), operation.into.size()};
  const auto got =
      preadv2(file_, &piece, 1, static_cast<off_t>(operation.offset_bytes), RWF_NOWAIT);
  if (got < 0 && errno != EAGAIN && errno != EINTR && errno != EIO)
    read_now_works_.store(false, std::memory_order_relaxed);  // this file system does not know how
  return got == static_cast<ssize_t>(operation.into.size()) && steps_.unchanged_since(*stamp);
}

}  // namespace faultlun::lun_backends
