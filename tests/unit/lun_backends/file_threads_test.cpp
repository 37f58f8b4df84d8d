#include "file_engine_bench.hpp"
#include "lun_backends/file_engine.hpp"

#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <fcntl.h>

namespace file_threads_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

TEST_CASE(
    "the thread engine makes threads as work waits, never more than its limit, and ends them") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  boost::system::error_code why_not;
  auto engine = make_thread_engine(file.descriptor(), why_not);
  REQUIRE(engine != nullptr);
  CHECK(engine->name() == "threads");
  CHECK(threads_named("lun-file") == 1);
  flood(*engine, 500);
  const std::size_t threads = threads_named("lun-file");
  CHECK(threads >= 1);
  CHECK(threads <= kFileThreads);
  engine.reset();
  CHECK(threads_named("lun-file") == 0);
}

TEST_CASE("no signal reaches the threads of the thread engine") {
  const TemporaryFolder folder;
  const ScratchFile file(folder);
  boost::system::error_code why_not;
  const auto engine = make_thread_engine(file.descriptor(), why_not);
  CHECK(blocks_signals("lun-file"));
}

TEST_CASE("the thread engine reports what the system says, here of a descriptor that is none") {
  boost::system::error_code why_not;
  const auto engine = make_thread_engine(-1, why_not);
  REQUIRE(engine != nullptr);
  check_every_kind_fails(*engine, errc::bad_file_descriptor);
}

}  // namespace file_threads_test
