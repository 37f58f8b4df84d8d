#include "protocol/scsi/plan.hpp"

#include <doctest/doctest.h>

namespace plan_test {

using namespace faultlun::scsi;

TEST_CASE("a plan says how much Data-Out the device still wants") {
  CHECK(data_out_length(NeedData{24}) == 24);
  CHECK(data_out_length(WriteMedium{0, 4096}) == 4096);
  CHECK(data_out_length(VerifyMedium{0, 4096, true, true, 512}) == 512);
  CHECK(data_out_length(CompareAndWrite{0, 512}) == 1024);
}

TEST_CASE("a plan that reads, or whose data has come already, wants none") {
  CHECK(data_out_length(Reply{}) == 0);
  CHECK(data_out_length(ReadMedium{0, 512}) == 0);
  CHECK(data_out_length(VerifyMedium{0, 4096}) == 0);
  CHECK(data_out_length(WriteSame{0, 4096, faultlun::bytes::Buffer(512)}) == 0);
  CHECK(data_out_length(UnmapMedium{}) == 0);
  CHECK(data_out_length(FlushMedium{}) == 0);
}

}  // namespace plan_test
