// Which units REPORT LUNS leaves out because rules make them absent.
#include "faults/decide.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::hidden_units_test {
namespace {

using made::Epochs;
using made::Initiator;
using Luns = std::vector<std::uint16_t>;

constexpr std::uint16_t kAll[] = {0, 1, 2, 300};

Rule absent_rule(Luns luns, Gate gate = {}, bool listed = false) {
  auto rule = made::rule("gone", {made::effect(Absent{listed})}, std::move(gate));
  rule.match.luns = std::move(luns);
  return rule;
}

struct Bench {
  explicit Bench(const Rule& rule) : rules(Epochs().set({rule})) {}
  Luns hidden() const { return hidden_units(*rules, initiator.state, initiator.facts, {}, kAll); }
  void command_at(std::uint16_t lun) {
    initiator.facts.lun = lun;
    initiator.read(*rules);
  }
  std::shared_ptr<const RuleSet> rules;
  Initiator initiator;
};

TEST_CASE("a rule that needs no count and no luck hides its units before it has struck") {
  CHECK(Bench(absent_rule({1, 300})).hidden() == Luns{1, 300});
  CHECK(Bench(absent_rule({})).hidden() == Luns{0, 1, 2, 300});
  CHECK(Bench(absent_rule({7})).hidden().empty());
  CHECK(Bench(absent_rule({1}, {}, true)).hidden().empty());
  CHECK(!Bench(absent_rule({1}, {}, true)).rules->hides_units());
}

TEST_CASE(
    "one that counts, or has a chance, hides them once it has struck and until it is used up") {
  Gate gate;
  gate.skip = 2;
  gate.times = 2;
  Bench bench(absent_rule({1}, gate));
  for (const auto& expected : {Luns{}, Luns{}, Luns{1}, Luns{1}, Luns{}}) {
    CHECK(bench.hidden() == expected);
    bench.command_at(1);
    bench.command_at(2);
  }
  Gate chance;
  chance.probability = Ratio{1, 1};
  Bench drawn(absent_rule({1}, chance));
  CHECK(drawn.hidden().empty());
  drawn.command_at(1);
  CHECK(drawn.hidden() == Luns{1});
}

TEST_CASE("the n-th command alone, or once per session, hides nothing afterwards") {
  Gate nth;
  nth.nth = 1;
  Bench bench(absent_rule({1}, nth));
  CHECK(bench.hidden() == Luns{1});
  bench.command_at(1);
  CHECK(bench.hidden().empty());
  auto once = absent_rule({1});
  once.life.once_per = OncePer::session;
  Bench other(once);
  other.command_at(1);
  CHECK(other.hidden().empty());
}

TEST_CASE("a rule of another initiator, an observer and one about some commands hide nothing") {
  auto rule = absent_rule({1});
  rule.match.initiators = {"iqn.b*"};
  CHECK(Bench(rule).hidden().empty());
  rule.match.initiators = {"iqn.a*"};
  CHECK(Bench(rule).hidden() == Luns{1});
  rule.observe = true;
  CHECK(Bench(rule).hidden().empty());
  rule.observe = false;
  rule.match.operations = {made::opcode(0x28)};
  CHECK(Bench(rule).hidden().empty());
  rule.match.operations = {OperationMatch{}};  // any
  CHECK(Bench(rule).hidden() == Luns{1});
  rule.life.armed = false;
  CHECK(Bench(rule).hidden().empty());
}

TEST_CASE("a window that is closed hides nothing") {
  Gate gate;
  gate.window =
      Window{.since = Window::Since::arm, .mark = "", .after = Time(10), .length = Time(5)};
  Bench bench(absent_rule({1}, gate));
  CHECK(bench.hidden().empty());
  bench.initiator.facts.now = Time(12);
  CHECK(bench.hidden() == Luns{1});
}

}  // namespace
}  // namespace faultlun::faults::hidden_units_test
