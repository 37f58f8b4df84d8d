#include "lun_backends/file_steps.hpp"

#include "device_bench.hpp"
#include "lun_backends/zero_area.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <linux/falloc.h>
#include <sys/uio.h>

namespace file_steps_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;
using What = FileCall::What;

namespace {

constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr int kZero = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;

Operation fua_write(const Bytes& from) {
  Operation operation = writing(4096, from);
  operation.fua = true;
  return operation;
}

Operation begun(FileSteps& steps, Operation operation) {
  steps.begin(operation);
  return operation;
}

}  // namespace

TEST_CASE("a read that comes short goes on where it stopped") {
  FileSteps steps;
  Bytes buffer(8192);
  Operation read = begun(steps, reading(512, buffer));
  FileCall call = steps.next(read);
  CHECK(call.what == What::read);
  CHECK(call.offset_bytes == 512);
  CHECK(call.length_bytes == 8192);
  CHECK(call.into == buffer.data());
  CHECK_FALSE(steps.advance(read, 1000));
  call = steps.next(read);
  CHECK(call.offset_bytes == 1512);
  CHECK(call.length_bytes == 7192);
  CHECK(call.into == buffer.data() + 1000);
  CHECK(steps.advance(read, 7192));
  CHECK_FALSE(read.error);
}

TEST_CASE("an interrupted call is made again") {
  FileSteps steps;
  Bytes buffer(512);
  Operation write = begun(steps, writing(0, buffer));
  CHECK_FALSE(steps.advance(write, -EINTR));
  CHECK_FALSE(steps.advance(write, -EAGAIN));
  CHECK(steps.next(write).length_bytes == 512);
  CHECK(steps.advance(write, 512));
  CHECK_FALSE(write.error);
}

TEST_CASE("a full file system is no_space_on_device, at the byte that found no room") {
  Bytes buffer(4096);
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    CAPTURE(error);
    FileSteps steps;
    Operation write = begun(steps, writing(8192, buffer));
    CHECK_FALSE(steps.advance(write, 1024));
    CHECK(steps.advance(write, -error));
    CHECK(write.error == errc::no_space_on_device);
    CHECK(write.error_offset_bytes == 8192 + 1024);
  }
}

TEST_CASE("a medium error keeps its name") {
  FileSteps steps;
  Bytes buffer(4096);
  Operation read = begun(steps, reading(8192, buffer));
  CHECK(steps.advance(read, -EIO));
  CHECK(read.error == errc::io_error);
  CHECK(read.error_offset_bytes == 8192);
}

TEST_CASE("a file that was cut short under us is an I/O error, not an endless loop") {
  FileSteps steps;
  Bytes buffer(4096);
  Operation read = begun(steps, reading(0, buffer));
  CHECK_FALSE(steps.advance(read, 512));
  CHECK(steps.advance(read, 0));
  CHECK(read.error == errc::io_error);
  CHECK(read.error_offset_bytes == 512);
}

TEST_CASE("an error of an earlier use does not stick to an operation") {
  FileSteps steps;
  Bytes buffer(512);
  Operation read = reading(0, buffer);
  read.error = errc::make_error_code(errc::io_error);
  read.in_flight.done_bytes = 17;
  steps.begin(read);
  CHECK(steps.next(read).length_bytes == 512);
  CHECK(steps.advance(read, 512));
  CHECK_FALSE(read.error);
}

TEST_CASE("only writes with FUA ask for the medium, and a flush for all of it") {
  FileSteps steps;
  const Bytes buffer(512);
  CHECK(steps.next(begun(steps, writing(0, buffer))).flags == 0);
  CHECK(steps.next(begun(steps, fua_write(buffer))).flags == RWF_DSYNC);
  Operation flush;
  flush.kind = Operation::Kind::flush;
  steps.begin(flush);
  CHECK(steps.next(flush).what == What::sync_data);
  CHECK(steps.advance(flush, 0));
  CHECK_FALSE(flush.error);
}

TEST_CASE("a flush that the medium refuses is an error") {
  FileSteps steps;
  Operation flush;
  flush.kind = Operation::Kind::flush;
  steps.begin(flush);
  CHECK(steps.advance(flush, -EIO));
  CHECK(flush.error == errc::io_error);
}

TEST_CASE("where write-through is unknown a FUA write syncs afterwards, also the next time") {
  FileSteps steps;
  const Bytes buffer(512);
  for (int time = 0; time < 2; ++time) {
    CAPTURE(time);
    Operation write = begun(steps, fua_write(buffer));
    if (time == 0) CHECK_FALSE(steps.advance(write, -EOPNOTSUPP));
    CHECK(steps.next(write).what == What::write);
    CHECK(steps.next(write).flags == 0);
    CHECK_FALSE(steps.advance(write, 512));
    CHECK(steps.next(write).what == What::sync_data);
    CHECK(steps.advance(write, 0));
    CHECK_FALSE(write.error);
  }
}

TEST_CASE("a write without FUA is not excused when the system does not support it") {
  FileSteps steps;
  const Bytes buffer(512);
  Operation write = begun(steps, writing(0, buffer));
  CHECK(steps.advance(write, -EOPNOTSUPP));
  CHECK(write.error == errc::operation_not_supported);
}

TEST_CASE("a discard punches a hole of its whole length") {
  FileSteps steps;
  Operation discard = begun(steps, discarding(4096, std::uint64_t{1} << 40));
  const FileCall call = steps.next(discard);
  CHECK(call.what == What::fallocate);
  CHECK(call.flags == kPunch);
  CHECK(call.offset_bytes == 4096);
  CHECK(call.length_bytes == std::uint64_t{1} << 40);
  CHECK(steps.advance(discard, 0));
  CHECK_FALSE(discard.error);
}

TEST_CASE("where holes cannot be punched a discard writes zeros, in bounded pieces") {
  FileSteps steps;
  Operation discard = begun(steps, discarding(512, 5 * kZeroAreaBytes / 2));
  CHECK_FALSE(steps.advance(discard, -EOPNOTSUPP));
  CHECK(steps.next(discard).flags == kZero);
  CHECK_FALSE(steps.advance(discard, -EOPNOTSUPP));
  std::uint64_t offset = 512;
  for (const std::uint64_t length : {kZeroAreaBytes, kZeroAreaBytes, kZeroAreaBytes / 2}) {
    const FileCall call = steps.next(discard);
    CHECK(call.what == What::write);
    CHECK(call.from == zero_area().data());
    CHECK(call.offset_bytes == offset);
    CHECK(call.length_bytes == length);
    offset += length;
    CHECK(steps.advance(discard, static_cast<std::int64_t>(length)) == (length < kZeroAreaBytes));
  }
  CHECK_FALSE(discard.error);
}

TEST_CASE("a refusal for good is remembered, one for this range is not") {
  FileSteps steps;
  Operation odd = begun(steps, discarding(0, 512));
  CHECK_FALSE(steps.advance(odd, -EINVAL));
  CHECK(steps.next(begun(steps, discarding(0, 4096))).flags == kPunch);
  CHECK_FALSE(steps.advance(odd, -EOPNOTSUPP));
  CHECK(steps.next(begun(steps, discarding(0, 4096))).what == What::write);
}

TEST_CASE("zeros that find no room are no_space_on_device") {
  FileSteps steps;
  Operation discard = begun(steps, discarding(0, 4096));
  CHECK_FALSE(steps.advance(discard, -EOPNOTSUPP));
  CHECK_FALSE(steps.advance(discard, -EOPNOTSUPP));
  CHECK(steps.advance(discard, -ENOSPC));
  CHECK(discard.error == errc::no_space_on_device);
}

TEST_CASE("no call moves more than the kernel takes at once") {
  FileSteps steps;
  static const std::uint8_t one = 0;
  // Only the arithmetic is looked at; nobody reads through this span.
  Operation write = begun(steps, writing(0, {&one, 5 * FileSteps::kLargestCallBytes}));
  CHECK(steps.next(write).length_bytes == FileSteps::kLargestCallBytes);
  CHECK_FALSE(steps.advance(write, FileSteps::kLargestCallBytes));
  CHECK(steps.next(write).offset_bytes == FileSteps::kLargestCallBytes);
}

TEST_CASE("there is no stamp while content changes, and the stamp of before is void for ever") {
  FileSteps steps;
  Bytes buffer(512);
  const auto before = steps.stamp();
  REQUIRE(before.has_value());
  Operation read = begun(steps, reading(0, buffer));
  CHECK(steps.stamp() == before);
  Operation write = begun(steps, writing(0, buffer));
  CHECK_FALSE(steps.stamp().has_value());
  CHECK_FALSE(steps.unchanged_since(*before));
  Operation discard = begun(steps, discarding(0, 512));
  CHECK(steps.advance(write, 512));
  CHECK_FALSE(steps.stamp().has_value());
  CHECK(steps.advance(discard, -EIO));
  REQUIRE(steps.stamp().has_value());
  CHECK_FALSE(steps.unchanged_since(*before));
  CHECK(steps.unchanged_since(*steps.stamp()));
  CHECK(steps.advance(read, 512));
}

}  // namespace file_steps_test
