#include "file_engine_bench.hpp"
#include "lun_backends/file.hpp"
#include "lun_backends/file_engine.hpp"
#include "lun_backends/open.hpp"

#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>

namespace file_ring_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

/// Null, with a message, where the kernel refuses.
std::unique_ptr<FileEngine> ring_or_message(int file) {
  boost::system::error_code why_not;
  auto engine = make_ring_engine(file, why_not);
  if (!engine) MESSAGE("skipped: the kernel refuses io_uring: ", why_not.message());
  return engine;
}

/// From here on io_uring_setup answers `error` to this thread and those it makes, as container
/// runtimes have it.
bool refuse_io_uring(int error) {
  std::array filter{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("the ring engine works on one thread and leaves no thread and no descriptor behind") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  const std::size_t descriptors = open_descriptors();
  auto engine = ring_or_message(file.descriptor());
  if (!engine) return;
  CHECK(engine->name() == "io_uring");
  flood(*engine, 500);
  CHECK(threads_named("lun-file-ring") == 1);
  engine.reset();
  CHECK(threads_named("lun-file-ring") == 0);
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("no signal reaches the thread of the ring engine") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  const auto engine = ring_or_message(file.descriptor());
  if (engine) CHECK(blocks_signals("lun-file-ring"));
}

TEST_CASE("the ring engine reports what the system says, here of a descriptor that is none") {
  const auto engine = ring_or_message(-1);
  if (engine) check_every_kind_fails(*engine, errc::bad_file_descriptor);
}

TEST_CASE("rings that come and go while asleep or busy never hang") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  for (std::size_t round = 0; round < 50; ++round) {
    const auto engine = ring_or_message(file.descriptor());
    if (!engine) return;
    flood(*engine, round % 3);
  }
}

TEST_CASE(
    "where the kernel refuses io_uring the file runs on threads, unless the ring was asked for") {
  for (const int error : {EPERM, ENOSYS}) {
    CAPTURE(error);
    bool refused = false;
    std::string description;
    std::string complaint;
    std::thread([&] {
      refused = refuse_io_uring(error);
      const TemporaryFolder folder;
      BackendSpec spec;
      spec.kind = BackendSpec::Kind::file;
      spec.path = folder.file("disk.img");
      spec.size_bytes = 8192;
      description = FileDevice(spec).description();
      try {
        const FileDevice device(spec, FileEngineChoice::io_uring);
      } catch (const OpenError& thrown) {
        complaint = std::string(thrown.what()).substr(spec.path.size());
      }
    }).join();
    if (!refused) {
      MESSAGE("skipped: no seccomp filters here");
      return;
    }
    CHECK(description == "file (threads)");
    CHECK(complaint == ": io_uring is not to be had here: " + std::string(std::strerror(error)) +
                           "; allow io_uring_setup, or use the threads engine "
                           "(FAULTLUN_FILE_ENGINE=threads)");
  }
}

}  // namespace file_ring_test
