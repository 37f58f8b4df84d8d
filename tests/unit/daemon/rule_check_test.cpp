#include "daemon/rule_check.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::daemon::rule_check_test {
namespace {

using faults::made::rule;

/// Path of what is wrong; "fine" when nothing is.
std::string wrong(const faults::Rule& checked) {
  const auto error = check_rule(checked, "rules[1].");
  return error ? error->path : "fine";
}

TEST_CASE("an ID is a name of 1 to 64 octets without control characters") {
  CHECK(wrong(rule("a")) == "fine");
  CHECK(wrong(rule("")) == "rules[1].id");
  CHECK(wrong(rule(std::string(64, 'x'))) == "fine");
  CHECK(wrong(rule(std::string(65, 'x'))) == "rules[1].id");
  CHECK(wrong(rule("a\nb")) == "rules[1].id");
  CHECK(wrong(rule("\x7f")) == "rules[1].id");
}

TEST_CASE("owners, leases and tags are names, and tags are 16 at most") {
  auto made = rule("a");
  made.life.tags.assign(kMaxTagsPerRule, "t");
  made.life.owner = std::string(kMaxNameBytes, 'o');
  made.life.lease = "l";
  CHECK(wrong(made) == "fine");
  made.life.tags.push_back("t");
  CHECK(wrong(made) == "rules[1].life.tags");
  made.life.tags = {"fine", ""};
  CHECK(wrong(made) == "rules[1].life.tags[1]");
  made.life.tags.clear();
  made.life.owner += 'o';
  CHECK(wrong(made) == "rules[1].life.owner");
  made.life.owner.clear();
  made.life.lease = "a\tb";
  CHECK(wrong(made) == "rules[1].life.lease");
}

TEST_CASE("effects are 16 at most and decided in one place") {
  auto made = rule("a", std::vector<faults::Effect>(16, faults::made::delay(1)));
  CHECK(wrong(made) == "fine");
  made.effects.push_back(faults::made::delay(1));
  CHECK(wrong(made) == "rules[1].effect");
  made.effects.resize(1);
  made.effects.push_back(
      faults::made::effect(faults::TaskManagementFault(), 0, faults::made::kFunctionFault));
  CHECK(wrong(made) == "rules[1].effect[1]");
  const auto error = check_rule(made, "");
  CHECK(error->message.find("tmf.rx") != std::string::npos);
  CHECK(error->message.find("make two rules") != std::string::npos);
}

TEST_CASE("a state to go to and an event to emit have names") {
  auto made = rule("a");
  for (const auto what : {faults::OnExhaust::go_to, faults::OnExhaust::emit}) {
    made.life.on_exhaust = what;
    made.life.on_exhaust_name.clear();
    CHECK(wrong(made) == "rules[1].life.on_exhaust");
    made.life.on_exhaust_name = "x";
    CHECK(wrong(made) == "fine");
  }
}

TEST_CASE("a rule waits for one other rule's faults") {
  auto made = rule("a");
  made.match.after_fault = faults::AfterFault{"x", std::nullopt, std::nullopt};
  auto inner = std::make_shared<faults::Match>();
  inner->after_fault = faults::AfterFault{"x", faults::Time(1), std::nullopt};
  made.match.none_of = {inner};
  CHECK(wrong(made) == "fine");
  inner->after_fault->rule = "y";
  CHECK(wrong(made) == "rules[1].match");
}

}  // namespace
}  // namespace faultlun::daemon::rule_check_test
