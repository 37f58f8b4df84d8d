// Block devices, on a loop device over a sparse file.  Needs root and /dev/loop-control; skipped
// elsewhere.
#include "device_bench.hpp"
#include "lun_backends/file.hpp"
#include "lun_backends/open.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/loop.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace file_block_device_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

class LoopDevice {
 public:
  LoopDevice(const std::string& image, std::uint64_t size_bytes) {
    const int backing = ::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const bool made = backing >= 0 && ftruncate(backing, static_cast<off_t>(size_bytes)) == 0;
    const int number = made && control >= 0 ? ioctl(control, LOOP_CTL_GET_FREE) : -1;
    path_ = "/dev/loop" + std::to_string(number);
    device_ = number >= 0 ? ::open(path_.c_str(), O_RDWR | O_CLOEXEC) : -1;
    attached_ = device_ >= 0 && ioctl(device_, LOOP_SET_FD, backing) == 0;
    if (!attached_) MESSAGE("skipped: no loop device: ", std::string(std::strerror(errno)));
    if (backing >= 0) close(backing);
    if (control >= 0) close(control);
  }
  ~LoopDevice() {
    if (attached_) ioctl(device_, LOOP_CLR_FD);
    if (device_ >= 0) close(device_);
  }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  bool attached() const { return attached_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int device_ = -1;
  bool attached_ = false;
};

BackendSpec disk(const std::string& path, std::uint64_t size_bytes) {
  BackendSpec spec;
  spec.kind = BackendSpec::Kind::file;
  spec.path = path;
  spec.size_bytes = size_bytes;
  return spec;
}

}  // namespace

TEST_CASE("a block device has its own size and reads, writes, flushes and discards like a file") {
  const TemporaryFolder folder;
  const LoopDevice loop(folder.file("backing"), 2u << 20);
  if (!loop.attached()) return;
  FileDevice device(disk(loop.path(), 0));
  CHECK(device.size_bytes() == 2u << 20);
  compare_with_array(device, 5, 300);
}

TEST_CASE("a discard of a block device that starts off its alignment still reads as zeros") {
  const TemporaryFolder folder;
  const LoopDevice loop(folder.file("backing"), 2u << 20);
  if (!loop.attached()) return;
  FileDevice device(disk(loop.path(), 0));
  Bytes data = noise(65536, 3);
  CHECK_FALSE(write(device, 0, data));
  CHECK_FALSE(discard(device, 100, 20000));
  std::fill_n(data.begin() + 100, 20000, std::uint8_t{0});
  CHECK(read(device, 0, data.size()) == data);
}

TEST_CASE("a block device of another size than configured is refused, and so is one in use") {
  const TemporaryFolder folder;
  const LoopDevice loop(folder.file("backing"), 2u << 20);
  if (!loop.attached()) return;
  CHECK_THROWS_WITH_AS(FileDevice{disk(loop.path(), 1u << 20)},
                       (loop.path() + ": is 2097152 bytes, the configuration says 1048576 bytes; "
                                      "leave out \"size\" to take the device as it is")
                           .c_str(),
                       OpenError);
  const FileDevice first(disk(loop.path(), 0));
  CHECK_THROWS_WITH_AS(
      FileDevice{disk(loop.path(), 0)},
      (loop.path() + ": cannot open: Device or resource busy; unmount it or stop whatever uses it")
          .c_str(),
      OpenError);
}

}  // namespace file_block_device_test
