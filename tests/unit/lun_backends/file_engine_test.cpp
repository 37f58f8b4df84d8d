#include "lun_backends/file_engine.hpp"

#include "file_engine_bench.hpp"

#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

namespace file_engine_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

std::unique_ptr<FileEngine> engine_on(int file) {
  boost::system::error_code why_not;
  auto engine = make_thread_engine(file, why_not);
  REQUIRE(engine != nullptr);
  return engine;
}

/// Starts nothing: what was begun stays under way until the test ends it.
class IdleEngine final : public FileEngine {
 public:
  using FileEngine::FileEngine;
  void start(Operation& operation) override { steps_.begin(operation); }
  void end(Operation& operation, std::int64_t result) { CHECK(steps_.advance(operation, result)); }
  std::string_view name() const override { return "idle"; }
};

}  // namespace

TEST_CASE("what was just written is read now, without waiting in line") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  const Bytes data = noise(65536, 4);
  REQUIRE(pwrite(file.descriptor(), data.data(), data.size(), 4096) == 65536);
  const auto engine = engine_on(file.descriptor());
  Bytes into(data.size());
  Operation read = reading(4096, into);
  if (!engine->read_now(read)) {
    MESSAGE("skipped: this file system cannot tell what the page cache holds");
    return;
  }
  CHECK(into == data);
}

TEST_CASE("nothing is read now while a write or a discard is under way") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  Bytes data = noise(4096, 4);
  REQUIRE(pwrite(file.descriptor(), data.data(), data.size(), 0) == 4096);
  IdleEngine engine(file.descriptor());
  Operation read = reading(0, data);
  const bool can = engine.read_now(read);
  Operation write = writing(1u << 20, data);
  engine.start(write);
  CHECK_FALSE(engine.read_now(read));
  engine.end(write, 4096);
  CHECK(engine.read_now(read) == can);
}

TEST_CASE("long reads, reads past the end of the file and bad descriptors are not for now") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  const auto engine = engine_on(file.descriptor());
  Bytes into(kLongestReadNowBytes + 1);
  Operation longer = reading(0, into);
  CHECK_FALSE(engine->read_now(longer));
  Operation beyond = reading(ScratchFile::kBytes - 512, std::span(into).first(1024));
  CHECK_FALSE(engine->read_now(beyond));
  const auto broken = engine_on(-1);
  Operation read = reading(0, std::span(into).first(512));
  CHECK_FALSE(broken->read_now(read));
  CHECK_FALSE(broken->read_now(read));
}

}  // namespace file_engine_test
