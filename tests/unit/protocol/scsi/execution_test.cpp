#include "protocol/scsi/execution.hpp"

#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace execution_test {

using namespace faultlun;
using namespace faultlun::scsi;

TEST_CASE("B6.02 parameter data is cut to the ALLOCATION LENGTH, and counted after the cut") {
  const Reply whole = parameter_data(bytes::Buffer(10), 20),
              cut = parameter_data(bytes::Buffer(10), 3);
  CHECK(whole.data_in_length == 10);
  CHECK(cut.data_in.size() == 3);
  CHECK(cut.data_in_length == 3);
  CHECK(parameter_data(bytes::Buffer(10), 0).data_in.empty());
}

TEST_CASE("a range that would wrap around 64 bits is beyond the end") {
  const auto profile = small_disk();
  CHECK(check_range(profile, {1, ~std::uint64_t{0}}).has_value());
  CHECK(check_range(profile, {~std::uint64_t{0}, 2}).has_value());
  CHECK_FALSE(check_range(profile, {0, 2048}).has_value());
  CHECK_FALSE(check_range(profile, {2048, 0}).has_value());
}

TEST_CASE("the parameter list's length is read where each command has it") {
  const auto profile = small_disk();
  CHECK(parameter_list_length(cdb_of({0x15, 0x10, 0, 0, 24, 0}), profile) == 24);
  CHECK(parameter_list_length(cdb_of({0x55, 0x10, 0, 0, 0, 0, 0, 1, 2, 0}), profile) == 0x102);
  CHECK(parameter_list_length(cdb_of({0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}), profile) == 24);
  CHECK(parameter_list_length(cdb_of({0x41}), profile) == 512);
  CHECK(parameter_list_length(cdb_of({0x93, 0x00}), profile) == 512);
  CHECK(parameter_list_length(cdb_of({0x93, 0x01}), profile) == 0);
  CHECK(parameter_list_length(cdb_of({0x2a, 0, 0, 0, 0, 0, 0, 0, 9, 0}), profile) == 0);
}

}  // namespace execution_test
