#include "protocol/scsi/status.hpp"

#include <doctest/doctest.h>

namespace status_test {

using namespace faultlun::scsi;

TEST_CASE("B1.01 every status has the standard's name, and reserved values say so") {
  CHECK(name_of(Status::good) == "GOOD");
  CHECK(name_of(Status::check_condition) == "CHECK CONDITION");
  CHECK(name_of(Status::condition_met) == "CONDITION MET");
  CHECK(name_of(Status::busy) == "BUSY");
  CHECK(name_of(Status::reservation_conflict) == "RESERVATION CONFLICT");
  CHECK(name_of(Status::task_set_full) == "TASK SET FULL");
  CHECK(name_of(Status::aca_active) == "ACA ACTIVE");
  CHECK(name_of(Status::task_aborted) == "TASK ABORTED");
  CHECK(name_of(static_cast<Status>(0x22)) == "reserved");
}

}  // namespace status_test
