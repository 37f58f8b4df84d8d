// Checklist B3: unit attentions, seen from two initiators.  SAM-5 §5.14, SPC-4.
#include "tests/e2e/lab.hpp"

namespace b03_unit_attention_test {

using namespace faultlun::e2e;

namespace {

/// One nexus has a unit attention pending (a reset by the other).
struct Pending {
  Pending() : one(connect_session(target)), two(connect_session(target, second_initiator())) {
    REQUIRE(two.manage(5) == 0);
    two.drain_attentions();
  }
  TargetProcess target;
  RawInitiator one, two;
};

}  // namespace

TEST_CASE("B3.01 a mode change is a unit attention for the other nexus only") {
  TargetProcess target;
  auto one = connect_session(target);
  auto two = connect_session(target, second_initiator());
  const auto sensed = one.execute_read(mode_sense_6(0x0a), 252);
  REQUIRE(sensed.good());
  Octets list(sensed.data.begin(), sensed.data.begin() + 16);
  list[0] = list[2] = 0;
  list[4] &= 0x7f;
  list[4 + 2] ^= 0x04;  // D_SENSE
  REQUIRE(one.execute_write(mode_select_6(16), list).good());
  CHECK(one.execute(test_unit_ready()).good());
  const auto told = two.execute(test_unit_ready());
  CHECK(told.sense_code() == 0x062a01);
  CHECK(told.sense[0] == 0x72);  // and the change is in force: descriptor format
  CHECK(two.execute(test_unit_ready()).good());
}

TEST_CASE("B3.02 INQUIRY is carried out and leaves the unit attention pending") {
  Pending lab;
  CHECK(lab.one.execute_read(inquiry(36), 36).good());
  CHECK((lab.one.execute(test_unit_ready()).sense_code() >> 8) == 0x0629);
  CHECK(lab.one.execute(test_unit_ready()).good());
}

TEST_CASE("B3.03 REPORT LUNS is carried out and leaves the unit attention pending") {
  Pending lab;
  CHECK(lab.one.execute_read(report_luns(64), 64).good());
  CHECK((lab.one.execute(test_unit_ready()).sense_code() >> 8) == 0x0629);
}

TEST_CASE("B3.04 REQUEST SENSE returns the unit attention as data and clears it") {
  Pending lab;
  const auto sensed = lab.one.execute_read(request_sense(), 252);
  REQUIRE(sensed.good());
  REQUIRE(sensed.data.size() >= 14);
  CHECK((sensed.data[2] & 0x0f) == 0x06);
  CHECK(sensed.data[12] == 0x29);
  CHECK(lab.one.execute(test_unit_ready()).good());
}

TEST_CASE("B3.05 any other command ends with the unit attention and is not carried out") {
  Pending lab;
  const auto outcome = lab.one.execute_write(write_10(0, 1), noise(512, 1));
  CHECK((outcome.sense_code() >> 8) == 0x0629);
  CHECK(lab.one.read_blocks(0, 1) == Octets(512));
  CHECK(lab.one.execute_write(write_10(0, 1), noise(512, 1)).good());
}

TEST_CASE("B3.07 the same event twice is reported once, power-on class first") {
  Pending lab;
  REQUIRE(lab.two.manage(5) == 0);
  REQUIRE(lab.two.manage(5) == 0);
  CHECK(lab.one.drain_attentions().size() == 1);
  RawInitiator fresh(lab.target.portal());
  auto options = second_initiator();
  options.isid[5] = 0x33;
  REQUIRE(fresh.login(options).ok());
  const auto first = fresh.drain_attentions();
  REQUIRE(!first.empty());
  CHECK(first[0] == 0x062900);  // a nexus that is new to the unit
}

}  // namespace b03_unit_attention_test
