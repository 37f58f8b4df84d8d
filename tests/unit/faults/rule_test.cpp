#include "faults/rule.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::rule_test {
namespace {

TEST_CASE("a rule is decided where its effects are, or where it says") {
  CHECK(decided_at(made::rule("r")) == Site::cmd_enqueue);
  CHECK(decided_at(made::rule(
            "r", {made::effect(TaskManagementFault(), 0, made::kFunctionFault)})) == Site::tmf_rx);
  auto none = made::rule("r", {});
  CHECK(decided_at(none) == Site::cmd_enqueue);
  none.where = Site::login_rx;
  CHECK(decided_at(none) == Site::login_rx);
}

TEST_CASE("what looks at the clock is timed") {
  auto rule = made::rule("r");
  CHECK_FALSE(is_timed(rule));
  rule.match.after_fault = AfterFault{"x", std::nullopt, 5};
  CHECK_FALSE(is_timed(rule));
  rule.match.after_fault->within = Time(1);
  CHECK(is_timed(rule));
  rule.match.after_fault.reset();
  rule.gate.cycle = Cycle{};
  CHECK(is_timed(rule));
}

TEST_CASE("what looks at other sessions or at what is under way depends on their order") {
  CHECK_FALSE(is_order_dependent(made::rule("r")));
  auto global = made::rule("r"), crowded = global, run = global, nested = global;
  global.life.global = true;
  crowded.gate.max_active = 1;
  run.life.once_per = OncePer::run;
  auto inner = std::make_shared<Match>();
  inner->outstanding = NumberRange{};
  nested.match.none_of = {inner};
  for (const auto& each : {global, crowded, run, nested})
    CHECK(is_order_dependent(each));
}

TEST_CASE("rules are equal when all of them is") {
  CHECK((made::rule("r") == made::rule("r")));
  CHECK_FALSE((made::rule("r") == made::rule("r", {made::delay(11)})));
  auto other = made::rule("r");
  other.note = "x";
  CHECK_FALSE((made::rule("r") == other));
}

}  // namespace
}  // namespace faultlun::faults::rule_test
