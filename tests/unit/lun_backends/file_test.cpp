#include "lun_backends/file.hpp"

#include "device_bench.hpp"
#include "lun_backends/open.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <vector>

namespace file_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

BackendSpec image(const std::string& path, std::uint64_t size_bytes) {
  BackendSpec spec;
  spec.kind = BackendSpec::Kind::file;
  spec.path = path;
  spec.size_bytes = size_bytes;
  return spec;
}

BackendSpec read_only(BackendSpec spec) {
  spec.read_only = true;
  return spec;
}

/// What the constructor says, or "" when it says nothing.
std::string open_error(const BackendSpec& spec) {
  try {
    const FileDevice device(spec, FileEngineChoice::threads);
    return {};
  } catch (const OpenError& error) {
    return error.what();
  }
}

struct stat stat_of(const std::string& path) {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found;
}

void put_file(const std::string& path, const Bytes& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(static_cast<const void*>(content.data())),
             static_cast<std::streamsize>(content.size()));
}

bool holes_are_punched(const TemporaryFolder& folder) {
  const std::string path = folder.file("probe");
  put_file(path, filled(65536, 1));
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool punched = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536) == 0;
  close(file);
  return punched;
}

bool is_root() {
  return geteuid() == 0;
}

/// Both engines, or one and a message where the kernel refuses the other.
std::vector<FileEngineChoice> engines() {
  static const bool ring_allowed = [] {
    const TemporaryFolder folder;
    try {
      const FileDevice device(image(folder.file("disk"), 4096), FileEngineChoice::io_uring);
      return true;
    } catch (const OpenError& error) {
      MESSAGE("io_uring skipped: ", std::string(error.what()));
      return false;
    }
  }();
  if (!ring_allowed) return {FileEngineChoice::threads};
  return {FileEngineChoice::io_uring, FileEngineChoice::threads};
}

std::string name_of(FileEngineChoice choice) {
  return choice == FileEngineChoice::io_uring ? "io_uring" : "threads";
}

/// Calls test(spec of a file that is not there yet, engine) for each engine, in a folder of its
/// own.
template <typename F>
void with_each_engine(std::uint64_t size_bytes, F test) {
  for (const auto engine : engines()) {
    INFO("engine ", name_of(engine));
    const TemporaryFolder folder;
    test(image(folder.file("disk.img"), size_bytes), engine);
  }
}

}  // namespace

TEST_CASE("a missing image is made sparse, at its size, for its owner only") {
  with_each_engine(std::uint64_t{10} << 30, [](const BackendSpec& spec, FileEngineChoice engine) {
    const FileDevice device(spec, engine);
    CHECK(device.size_bytes() == std::uint64_t{10} << 30);
    const auto found = stat_of(spec.path);
    CHECK(found.st_size == std::int64_t{10} << 30);
    CHECK(found.st_blocks * 512 < 65536);
    CHECK((found.st_mode & 0077) == 0);
    CHECK_FALSE(device.instant());
  });
}

TEST_CASE("a file device says which engine it runs on") {
  with_each_engine(4096, [](const BackendSpec& spec, FileEngineChoice engine) {
    const std::string name = name_of(engine);
    { CHECK(FileDevice(spec, engine).description() == "file (" + name + ")"); }
    CHECK(FileDevice(read_only(spec), engine).description() == "file (" + name + ", read-only)");
  });
}

TEST_CASE("what is written is read again, also by the next who opens the file") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    const Bytes data = noise(70000, 1);
    {
      FileDevice device(spec, engine);
      CHECK_FALSE(write(device, 1536, data));
      CHECK(read(device, 1536, data.size()) == data);
      CHECK(read(device, 0, 1536) == filled(1536, 0));
      CHECK_FALSE(flush(device));
    }
    FileDevice device(spec, engine);
    CHECK(read(device, 1536, data.size()) == data);
  });
}

TEST_CASE("a file behaves like an array under random operations") {
  with_each_engine(5 * 65536 + 3 * 512, [](BackendSpec spec, FileEngineChoice engine) {
    const std::string path = spec.path;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      spec.path = path + std::to_string(seed);
      FileDevice device(spec, engine);
      compare_with_array(device, seed, 600);
    }
  });
}

TEST_CASE("several workers on the same blocks of a file see only whole blocks") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    check_blocks_stay_whole(device, 4096, 1500);
  });
}

TEST_CASE("operations that overlap take effect in the order in which they were started") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    constexpr std::size_t kWrites = 300;  // more than may run at once
    std::vector<Bytes> data;
    std::vector<Operation> operations(kWrites);
    std::atomic<std::size_t> done{0};
    for (std::size_t i = 0; i < kWrites; ++i)
      data.push_back(filled(8192, static_cast<std::uint8_t>(i)));
    for (std::size_t i = 0; i < kWrites; ++i) {
      operations[i] = writing(4096 * (i % 2), data[i]);
      operations[i].owner = &done;
      operations[i].on_done = [](Operation& operation) noexcept {
        auto& count = *static_cast<std::atomic<std::size_t>*>(operation.owner);
        count.fetch_add(1);
        count.notify_one();
      };
      REQUIRE(device.start(operations[i]) == Progress::pending);
    }
    CHECK(read(device, 4096, 8192) == data.back());
    CHECK(read(device, 0, 4096) ==
          Bytes(data[kWrites - 2].begin(), data[kWrites - 2].end() - 4096));
    for (std::size_t seen = done; seen < kWrites; seen = done)
      done.wait(seen);
  });
}

TEST_CASE("the destructor waits for every operation outstanding, however many") {
  with_each_engine(64u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    constexpr std::size_t kOperations = 1000;
    std::vector<Operation> operations(kOperations);
    const Bytes data = noise(16384, 3);
    std::atomic<std::size_t> done{0};
    {
      FileDevice device(spec, engine);
      for (std::size_t i = 0; i < kOperations; ++i) {
        operations[i] = writing(i * data.size(), data);
        operations[i].fua = i % 100 == 0;
        operations[i].owner = &done;
        operations[i].on_done = [](Operation& operation) noexcept {
          static_cast<std::atomic<std::size_t>*>(operation.owner)->fetch_add(1);
        };
        REQUIRE(device.start(operations[i]) == Progress::pending);
      }
    }
    CHECK(done == kOperations);
    for (const auto& operation : operations)
      REQUIRE_FALSE(operation.error);
  });
}

TEST_CASE("on_done may start the next operation, even while the destructor waits") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    struct Chain {
      BlockDevice* device = nullptr;
      int left = 200;
      bool failed = false;
    } chain;
    const Bytes data = noise(4096, 3);
    Operation operation = writing(0, data);
    {
      FileDevice device(spec, engine);
      chain.device = &device;
      operation.owner = &chain;
      operation.on_done = [](Operation& finished) noexcept {
        auto& state = *static_cast<Chain*>(finished.owner);
        if (finished.error) state.failed = true;
        if (--state.left == 0) return;
        finished.offset_bytes = finished.offset_bytes == 0 ? 4096 : 0;
        if (state.device->start(finished) != Progress::pending) state.failed = true;
      };
      REQUIRE(device.start(operation) == Progress::pending);
    }
    CHECK(chain.left == 0);
    CHECK_FALSE(chain.failed);
  });
}

TEST_CASE("a discard gives blocks of the file back and reads as zeros") {
  with_each_engine(8u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    CHECK_FALSE(write(device, 0, noise(4u << 20, 1)));
    CHECK_FALSE(flush(device));
    const auto before = stat_of(spec.path).st_blocks;
    CHECK_FALSE(discard(device, 1u << 20, 2u << 20));
    CHECK_FALSE(flush(device));
    CHECK(read(device, 1u << 20, 2u << 20) == filled(2u << 20, 0));
    CHECK(stat_of(spec.path).st_size == 8u << 20);
    const TemporaryFolder folder;
    if (holes_are_punched(folder))
      CHECK(stat_of(spec.path).st_blocks * 512 <= before * 512 - (2 << 20) + 65536);
    else
      MESSAGE("not measured: this file system punches no holes");
  });
}

TEST_CASE("a discard that begins and ends inside pages zeroes exactly its bytes") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    Bytes data = noise(65536, 1);
    CHECK_FALSE(write(device, 0, data));
    CHECK_FALSE(discard(device, 512, 9 * 512));
    std::fill_n(data.begin() + 512, 9 * 512, std::uint8_t{0});
    CHECK(read(device, 0, 65536) == data);
  });
}

TEST_CASE("a huge image holds data near its end") {
  with_each_engine(std::uint64_t{8} << 40, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    const Bytes data = noise(4096, 2);
    const std::uint64_t last = device.size_bytes() - 4096;
    CHECK_FALSE(write(device, last, data));
    CHECK(read(device, last, 4096) == data);
    CHECK(stat_of(spec.path).st_blocks * 512 < 1 << 20);
  });
}

TEST_CASE("what lies beyond the end of a file is refused at once") {
  with_each_engine(8192, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    Bytes data(1024);
    CHECK(write(device, 7680, data) == errc::invalid_argument);
    CHECK(read(device, ~std::uint64_t{0} - 511, data) == errc::invalid_argument);
    CHECK(discard(device, 0, 8193) == errc::invalid_argument);
    CHECK(stat_of(spec.path).st_size == 8192);
  });
}

TEST_CASE("operations of no length on a file are done at once") {
  with_each_engine(8192, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    Operation operation = writing(8192, {});
    CHECK(device.start(operation) == Progress::done);
    CHECK_FALSE(operation.error);
    operation = discarding(0, 0);
    CHECK(device.start(operation) == Progress::done);
  });
}

TEST_CASE("a FUA write and a flush succeed, and the bytes are there") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    const Bytes data = noise(4096, 9);
    CHECK_FALSE(write(device, 4096, data, /*fua=*/true));
    CHECK(read(device, 4096, 4096) == data);
    CHECK_FALSE(flush(device));
  });
}

TEST_CASE("a read-only file takes no writes and no discards, but reads and flushes") {
  with_each_engine(8192, [](const BackendSpec& spec, FileEngineChoice engine) {
    const Bytes data = noise(8192, 1);
    put_file(spec.path, data);
    FileDevice device(read_only(spec), engine);
    CHECK(write(device, 0, data) == errc::read_only_file_system);
    CHECK(discard(device, 0, 512) == errc::read_only_file_system);
    CHECK(read(device, 0, 8192) == data);
    CHECK_FALSE(flush(device));
  });
}

TEST_CASE("a file cut short while it is open gives an I/O error, not a hang") {
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    REQUIRE(truncate(spec.path.c_str(), 4096) == 0);
    Bytes into(8192);
    Operation operation = reading(0, into);
    CHECK(perform(device, operation).error == errc::io_error);
    CHECK(operation.error_offset_bytes == 4096);
  });
}

TEST_CASE("a write that the file system has no room for is no_space_on_device") {
  // The limit on the size of files stands in for a full file system: the kernel answers EFBIG.
  struct Limited {
    rlimit before{};
    Limited() {
      std::signal(SIGXFSZ, SIG_IGN);
      getrlimit(RLIMIT_FSIZE, &before);
      const rlimit small{65536, before.rlim_max};
      setrlimit(RLIMIT_FSIZE, &small);
    }
    ~Limited() { setrlimit(RLIMIT_FSIZE, &before); }
  };
  with_each_engine(1u << 20, [](const BackendSpec& spec, FileEngineChoice engine) {
    FileDevice device(spec, engine);
    const Limited limited;
    const Bytes data = noise(8192, 1);
    Operation operation = writing(65536 - 4096, data);
    CHECK(perform(device, operation).error == errc::no_space_on_device);
    CHECK(operation.error_offset_bytes == 65536);
    CHECK_FALSE(write(device, 0, data));
  });
}

TEST_CASE("an image that another LUN has open is refused") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 8192);
  const FileDevice first(spec, FileEngineChoice::threads);
  const std::string remedy =
      "; give each LUN its own image, or stop the other one (an image may be shared when all open "
      "it with \"read_only\")";
  CHECK(open_error(spec) == spec.path + ": is in use by another LUN or another program" + remedy);
  CHECK(open_error(read_only(spec)) ==
        spec.path + ": is in use by another LUN or another program that writes it" + remedy);
}

TEST_CASE("an image may be shared by those who only read it") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 8192);
  put_file(spec.path, filled(8192, 1));
  {
    const FileDevice first(read_only(spec), FileEngineChoice::threads);
    CHECK(open_error(read_only(spec)).empty());
    CHECK_FALSE(open_error(spec).empty());
  }
  CHECK(open_error(spec).empty());
}

TEST_CASE("a file that exists gives its size when none is configured") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 0);
  put_file(spec.path, filled(5 * 512, 1));
  CHECK(check_file(spec).empty());
  CHECK(FileDevice(spec).size_bytes() == 5 * 512);
}

TEST_CASE("a file of another size than configured is refused, smaller or larger") {
  const TemporaryFolder folder;
  const std::string path = folder.file("disk.img");
  put_file(path, filled(8192, 1));
  CHECK(open_error(image(path, 8192)).empty());
  for (const std::uint64_t size : {std::uint64_t{4096}, std::uint64_t{16384}}) {
    const auto spec = image(path, size);
    const std::string text = path + ": is 8192 bytes, the configuration says " +
                             std::to_string(size) +
                             " bytes; leave out \"size\" to take the file as it is, or resize it: "
                             "truncate -s " +
                             std::to_string(size) + " \"" + path + "\"";
    CHECK(check_file(spec) == text);
    CHECK(open_error(spec) == text);
    CHECK(stat_of(path).st_size == 8192);
  }
}

TEST_CASE("a file that is no whole number of blocks, or empty, is refused") {
  const TemporaryFolder folder;
  BackendSpec spec = image(folder.file("disk.img"), 0);
  put_file(spec.path, filled(4096 + 512, 1));
  CHECK(check_file(spec).empty());
  spec.block_size = 4096;
  CHECK(check_file(spec) ==
        spec.path +
            ": is 4608 bytes, not a multiple of the block size 4096; resize it: "
            "truncate -s 4096 \"" +
            spec.path + "\" (cuts the end off), or choose another \"block_size\"");
  put_file(spec.path, {});
  CHECK(check_file(spec) ==
        spec.path + ": is empty; remove it and give a \"size\", or name another file");
  CHECK(open_error(spec) == check_file(spec));
}

TEST_CASE("a missing file without a size, or read-only, is refused and not made") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 0);
  CHECK(check_file(spec) ==
        spec.path + ": does not exist; give a \"size\" to create it, or correct \"path\"");
  CHECK(open_error(spec) == check_file(spec));
  const BackendSpec locked = read_only(image(spec.path, 8192));
  CHECK(check_file(locked) == spec.path +
                                  ": does not exist and is to be opened read-only; create it, "
                                  "correct \"path\", or remove \"read_only\"");
  CHECK(open_error(locked) == check_file(locked));
  CHECK_FALSE(std::filesystem::exists(spec.path));
}

TEST_CASE("a missing folder is named with its remedy") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("no/where/disk.img"), 8192);
  CHECK(check_file(spec) == spec.path +
                                ": cannot create: No such file or directory; create the folder \"" +
                                folder.file("no/where") + "\" or correct \"path\"");
  CHECK(open_error(spec) == check_file(spec));
}

TEST_CASE("a path through a file, to a folder or to a device that is no disk is refused") {
  const TemporaryFolder folder;
  put_file(folder.file("plain"), filled(512, 1));
  const BackendSpec through = image(folder.file("plain/disk.img"), 8192);
  CHECK(
      check_file(through) ==
      through.path +
          ": cannot open: Not a directory; correct \"path\": a part of it is a file, not a folder");
  CHECK(open_error(through) == check_file(through));
  for (const std::string& path : {folder.path().string(), std::string("/dev/null")}) {
    const BackendSpec spec = image(path, 8192);
    CHECK(check_file(spec) ==
          path + ": is neither a regular file nor a block device; name a raw image or a disk");
    CHECK(open_error(spec) == check_file(spec));
  }
}

TEST_CASE("a path that is empty or contains a zero byte is refused") {
  CHECK(check_file(image("", 8192)) == "file: no \"path\"; name the image or the block device");
  CHECK(check_file(image(std::string("a\0b", 3), 8192)) ==
        "file: \"path\" contains a zero byte; correct it");
}

TEST_CASE("a size that no file can have is refused") {
  const BackendSpec spec = image("disk.img", std::uint64_t{1} << 63);
  CHECK(check_file(spec) ==
        "disk.img: a file cannot have 9223372036854775808 bytes; 9223372036854775807 bytes is the "
        "most, or use the memory or pattern backend");
  CHECK(open_error(spec) == check_file(spec));
}

TEST_CASE("a size that the file system cannot hold is refused and leaves no file behind") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), (std::uint64_t{1} << 63) - 512);
  const std::string text = open_error(spec);
  if (text.empty()) {
    MESSAGE("skipped: this file system holds even 8 EiB");
    return;
  }
  CHECK(text == spec.path +
                    ": its file system cannot hold a file of 9223372036854775296 bytes; choose a "
                    "smaller \"size\", another file system, or the memory backend");
  CHECK_FALSE(std::filesystem::exists(spec.path));
}

TEST_CASE("a file without permission is refused with what to permit") {
  if (is_root()) {
    MESSAGE("skipped: root may do everything");
    return;
  }
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 8192);
  put_file(spec.path, filled(8192, 1));
  chmod(spec.path.c_str(), 0444);
  CHECK(check_file(spec) ==
        spec.path +
            ": cannot open: Permission denied; give the daemon's user permission "
            "to write it, or set \"read_only\"");
  CHECK(open_error(spec) == check_file(spec));
  CHECK(open_error(read_only(spec)).empty());
  chmod(spec.path.c_str(), 0);
  CHECK(check_file(read_only(spec)) ==
        spec.path +
            ": cannot open: Permission denied; give the daemon's user permission to read it");
}

TEST_CASE("the environment chooses the engine, and a choice that does not exist is an error") {
  const TemporaryFolder folder;
  const BackendSpec spec = image(folder.file("disk.img"), 8192);
  REQUIRE(setenv(kFileEngineVariable, "threads", 1) == 0);
  CHECK(FileDevice(spec).description() == "file (threads)");
  REQUIRE(setenv(kFileEngineVariable, "aio", 1) == 0);
  CHECK_THROWS_WITH_AS(
      FileDevice{spec},
      "FAULTLUN_FILE_ENGINE=aio: no such engine; say \"io_uring\" or \"threads\", or unset it",
      OpenError);
  REQUIRE(setenv(kFileEngineVariable, "", 1) == 0);
  CHECK_FALSE(FileDevice(spec).description().empty());
  REQUIRE(unsetenv(kFileEngineVariable) == 0);
}

}  // namespace file_test
