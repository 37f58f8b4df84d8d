// Checklist B2: who loses tasks by which function, and who hears of it how.  SAM-5 §7.
#include "tests/e2e/lab.hpp"

namespace b02_task_management_test {

using namespace faultlun::e2e;

namespace {

/// Two nexuses, each with a write in flight at LUN 0.
struct TwoNexuses {
  TwoNexuses()
      : one(connect_session(target, only_r2t())), two(connect_session(target, options_of_two())) {
    held_one = one.start_held_write(0, 16);
    r2t_one = one.receive_for(held_one);
    held_two = two.start_held_write(16, 16);
    r2t_two = two.receive_for(held_two);
  }
  static LoginOptions options_of_two() {
    auto options = second_initiator();
    options.keys = only_r2t().keys;
    return options;
  }
  /// Both writes are gone: late data changes nothing and nobody answers.
  void check_both_gone() {
    for (auto* session : {&one, &two}) {
      session->check.tolerate_unknown_tags = true;
      session->drain_attentions();
    }
    one.check.forget(held_one);
    two.check.forget(held_two);
    CHECK(one.read_blocks(0, 32) == Octets(32 * 512));
  }
  TargetProcess target;
  RawInitiator one, two;
  std::uint32_t held_one = 0, held_two = 0;
  Pdu r2t_one, r2t_two;
};

/// Sets the TAS bit of the Control mode page through `session`.
void set_task_aborted_status(RawInitiator& session) {
  const auto sensed = session.execute_read(mode_sense_6(0x0a), 252);
  REQUIRE(sensed.good());
  Octets list(sensed.data.begin(), sensed.data.begin() + 4 + 12);
  list[0] = list[2] = 0;
  list[4] &= 0x7f;  // PS is reserved in MODE SELECT
  list[4 + 5] |= 0x40;
  const auto outcome = session.execute_write(mode_select_6(16), list);
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
}

}  // namespace

TEST_CASE(
    "B2.02 ABORT TASK SET ends the tasks of its own nexus only and raises no unit attention") {
  TwoNexuses lab;
  const auto function = lab.one.send(task_management(2));
  lab.one.answer_r2t(lab.r2t_one, noise(8192, 1));
  CHECK(lab.one.receive_for(function).at(2) == 0);
  lab.one.check.forget(lab.held_one);
  lab.two.answer_r2t(lab.r2t_two, noise(8192, 2));
  CHECK(lab.two.finish(lab.held_two).good());
  CHECK(lab.one.drain_attentions().empty());
  CHECK(lab.two.drain_attentions().empty());
  CHECK(lab.two.read_blocks(0, 16) == Octets(8192));
}

TEST_CASE("B2.03 CLEAR TASK SET ends everybody's tasks, the others hear 2F/00") {
  TwoNexuses lab;
  const auto function = lab.one.send(task_management(4));
  lab.one.answer_r2t(lab.r2t_one, noise(8192, 1));
  CHECK(lab.one.receive_for(function).at(2) == 0);
  CHECK(lab.one.drain_attentions().empty());
  CHECK(lab.two.drain_attentions() == std::vector<std::uint32_t>{0x062f00});
  lab.check_both_gone();
}

TEST_CASE("B2.03 with TAS=1 CLEAR TASK SET answers the others' tasks with TASK ABORTED instead") {
  TwoNexuses lab;
  lab.one.answer_r2t(lab.r2t_one, Octets(8192));
  CHECK(lab.one.finish(lab.held_one).good());
  set_task_aborted_status(lab.one);
  lab.two.drain_attentions();  // 2A/01 mode parameters changed
  CHECK(lab.one.manage(4) == 0);
  lab.two.answer_r2t(lab.r2t_two, noise(8192, 2));
  CHECK(lab.two.finish(lab.held_two).status == 0x40);
  CHECK(lab.two.drain_attentions().empty());
}

TEST_CASE("B2.05 LOGICAL UNIT RESET ends all tasks, frees the unit and is heard by every nexus") {
  TwoNexuses lab;
  CHECK(lab.one.manage(5) == 0);
  const auto own = lab.one.drain_attentions(), other = lab.two.drain_attentions();
  REQUIRE(own.size() == 1);
  REQUIRE(other.size() == 1);
  CHECK((own[0] >> 8) == 0x0629);
  CHECK((other[0] >> 8) == 0x0629);
  lab.check_both_gone();
  CHECK(lab.two.execute(reserve_6()).good());
  CHECK(lab.one.execute(test_unit_ready()).status == 0x18);
  CHECK(lab.one.manage(5) == 0);
  lab.one.drain_attentions();
  CHECK(lab.one.execute(test_unit_ready()).good());
}

TEST_CASE("B2.06 TARGET WARM RESET does the same to every unit and keeps the sessions") {
  TwoNexuses lab;
  CHECK(lab.two.manage(6) == 0);
  CHECK(!lab.one.drain_attentions().empty());
  CHECK(!lab.two.drain_attentions().empty());
  lab.check_both_gone();
  lab.one.expect_alive();
  lab.two.expect_alive();
}

TEST_CASE("B2.08 the loss of a nexus ends its tasks and its RESERVE, and concerns nobody else") {
  TwoNexuses lab;
  lab.one.answer_r2t(lab.r2t_one, Octets(8192));
  CHECK(lab.one.finish(lab.held_one).good());
  lab.two.answer_r2t(lab.r2t_two, Octets(8192));
  CHECK(lab.two.finish(lab.held_two).good());
  CHECK(lab.one.execute(reserve_6()).good());
  CHECK(lab.two.execute(test_unit_ready()).status == 0x18);
  lab.one.connection.reset();
  const auto deadline = now_ms() + 3000;
  Outcome outcome;
  do {
    outcome = lab.two.execute(test_unit_ready());
  } while (outcome.status == 0x18 && now_ms() < deadline);
  CHECK_MESSAGE(outcome.good(), outcome.describe());
  RawInitiator again(lab.target.portal());
  REQUIRE(again.login().ok());
  CHECK(again.drain_attentions() == std::vector<std::uint32_t>{0x062907});
}

}  // namespace b02_task_management_test
