#include "faults/complaint.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::complaint_test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a duration is printed exactly, in its largest whole unit") {
  CHECK(duration_text(0ns) == "0ns");
  CHECK(duration_text(1ns) == "1ns");
  CHECK(duration_text(1500us) == "1500us");
  CHECK(duration_text(250ms) == "250ms");
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(kMaxDelay) == "10000h");
  CHECK(duration_text(-2s) == "-2s");
}

TEST_CASE("a number within its range, ends included, gives no complaint") {
  Complaints complaints;
  require_range(complaints, "n", std::uint64_t{1}, 1, 5);
  require_range(complaints, "n", std::uint64_t{5}, 1, 5);
  require_range(complaints, "d", 0ns);
  require_range(complaints, "d", kMaxDelay);
  CHECK(complaints.empty());
}

TEST_CASE("a complaint names the field, the reason and the remedy, and complaints add up") {
  Complaints complaints;
  require_range(complaints, "lanes", std::uint64_t{0}, 1, 5);
  require_range(complaints, "mean", kMaxDelay + 1ms);
  REQUIRE(complaints.size() == 2);
  CHECK(complaints[0] ==
        Complaint{"lanes", "is 0, below the least of 1: give a number from 1 to 5"});
  CHECK(complaints[1] == Complaint{"mean",
                                   "is 36000000001ms, above the most of 10000h: give a duration "
                                   "from 0ns to 10000h"});
}

}  // namespace
}  // namespace faultlun::faults::complaint_test
