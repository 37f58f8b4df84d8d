// What the tests of the two file engines share: a file, a flood of operations, and a look at the
// threads of the process.
#pragma once

#include "device_bench.hpp"
#include "lun_backends/file_engine.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace faultlun::lun_backends::bench {

class ScratchFile {
 public:
  static constexpr off_t kBytes = 4 << 20;

  explicit ScratchFile(const TemporaryFolder& folder)
      : descriptor_(::open(folder.file("scratch").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    REQUIRE(descriptor_ >= 0);
    REQUIRE(ftruncate(descriptor_, kBytes) == 0);
  }
  ~ScratchFile() { close(descriptor_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Starts `count` operations at once and waits for them.
inline void flood(FileEngine& engine, std::size_t count) {
  const Bytes data = noise(4096, 1);
  std::vector<Operation> operations(count);
  std::atomic<std::size_t> left{count};
  for (std::size_t i = 0; i < count; ++i) {
    operations[i] = writing((i % 1000) * 4096, data);
    operations[i].owner = &left;
    operations[i].on_done = [](Operation& operation) noexcept {
      auto& counter = *static_cast<std::atomic<std::size_t>*>(operation.owner);
      if (counter.fetch_sub(1) == 1) counter.notify_one();
    };
    engine.start(operations[i]);
  }
  for (std::size_t seen = left; seen != 0; seen = left)
    left.wait(seen);
  for (const auto& operation : operations)
    REQUIRE_FALSE(operation.error);
}

inline void check_every_kind_fails(FileEngine& engine, errc::errc_t error) {
  Bytes buffer(512);
  Operation flush;
  flush.kind = Operation::Kind::flush;
  for (Operation operation : {reading(0, buffer), writing(0, buffer), discarding(0, 512), flush}) {
    CAPTURE(static_cast<int>(operation.kind));
    std::binary_semaphore done(0);
    operation.owner = &done;
    operation.on_done = [](Operation& finished) noexcept {
      static_cast<std::binary_semaphore*>(finished.owner)->release();
    };
    engine.start(operation);
    done.acquire();
    CHECK(operation.error == error);
  }
}

inline std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

inline std::vector<std::filesystem::path> tasks_named(const std::string& name) {
  std::vector<std::filesystem::path> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    if (first_line(task.path() / "comm") == name) found.push_back(task.path());
  return found;
}

inline std::size_t threads_named(const std::string& name) {
  return tasks_named(name).size();
}

/// True when the threads of that name have SIGTERM, SIGINT and SIGHUP blocked.
inline bool blocks_signals(const std::string& name) {
  constexpr std::uint64_t kTheDaemons = 1u << (15 - 1) | 1u << (2 - 1) | 1u << (1 - 1);
  const auto tasks = tasks_named(name);
  for (const auto& task : tasks) {
    std::ifstream status(task / "status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigBlk:") &&
          (std::stoull(line.substr(7), nullptr, 16) & kTheDaemons) != kTheDaemons)
        return false;
  }
  return !tasks.empty();
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

}  // namespace faultlun::lun_backends::bench
