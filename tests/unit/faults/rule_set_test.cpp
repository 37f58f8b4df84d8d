#include "faults/rule_set.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace faultlun::faults::rule_set_test {
namespace {

using made::Dice;
using made::Epochs;

constexpr std::uint64_t kEdges[] = {0, 1, 7, 8, 9, 100, 4096, UINT64_MAX - 8, UINT64_MAX};
constexpr std::uint8_t kOpcodes[] = {0x00, 0x08, 0x0a, 0x12, 0x28, 0x2a, 0x35, 0x42,
                                     0x56, 0x5e, 0x88, 0x8a, 0x91, 0x9e, 0xa0, 0xff};

std::uint64_t some_lba(Dice& dice) {
  return dice.one_in(4) ? kEdges[dice.below(std::size(kEdges))] : dice.below(300);
}

Match random_match(Dice& dice) {
  Match match;
  while (dice.one_in(2))
    match.luns.push_back(static_cast<std::uint16_t>(dice.below(4)));
  while (dice.one_in(2)) {
    if (dice.one_in(3))
      match.operations.push_back(made::operation(static_cast<OperationClass>(dice.below(7))));
    else
      match.operations.push_back(made::opcode(kOpcodes[dice.below(std::size(kOpcodes))]));
    if (dice.one_in(10)) match.operations.back().kind = OperationMatch::Kind::any;
  }
  while (dice.one_in(2)) {
    LbaMatch range;
    range.start = some_lba(dice);
    range.length = dice.one_in(8) ? kEdges[dice.below(std::size(kEdges))] : dice.below(40);
    range.mode = static_cast<LbaMatch::Mode>(dice.below(4));
    match.lbas.push_back(range);
  }
  if (dice.one_in(4)) {
    auto inner = std::make_shared<Match>();
    inner->luns = {static_cast<std::uint16_t>(dice.below(4))};
    match.none_of.push_back(inner);
  }
  return match;
}

/// Order numbers of the rules that match, by trying every one.
std::vector<std::uint32_t> by_force(const RuleSet& rules, const Facts& facts) {
  std::vector<std::uint32_t> out;
  for (const auto& each : rules.rules())
    if (each->rule.life.armed && matches(each->rule.match, facts, Past{}))
      out.push_back(each->order);
  return out;
}

void check_against_force(const RuleSet& rules, Dice& dice, int commands) {
  std::vector<std::uint32_t> found;
  const SessionFacts session;
  for (int i = 0; i < commands; ++i) {
    scsi::Cdb cdb;
    cdb.raw[0] = dice.one_in(6) ? static_cast<std::uint8_t>(dice.below(256))
                                : kOpcodes[dice.below(std::size(kOpcodes))];
    Facts facts;
    facts.session = &session;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    facts.has_lun = !dice.one_in(8);
    facts.lun = static_cast<std::uint16_t>(dice.below(5));
    facts.lba = some_lba(dice);
    facts.blocks = dice.one_in(6) ? 0 : dice.one_in(6) ? UINT64_MAX : 1 + dice.below(50);
    rules.candidates(facts, found);
    REQUIRE(std::ranges::is_sorted(found));
    REQUIRE(std::ranges::adjacent_find(found) == found.end());
    std::erase_if(found, [&](std::uint32_t order) {
      return !matches(rules.at(order).rule.match, facts, Past{});
    });
    REQUIRE(found == by_force(rules, facts));
  }
}

TEST_CASE("the index finds every rule that matches, each once and in order: 300 random sets") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    std::vector<Rule> rules;
    for (auto left = 1 + dice.below(60); left != 0; --left) {
      auto rule = made::rule("r" + std::to_string(left));
      rule.match = random_match(dice);
      rule.life.priority = static_cast<std::int32_t>(dice.below(3));
      rule.life.armed = !dice.one_in(10);
      rules.push_back(std::move(rule));
    }
    check_against_force(*Epochs().set(rules), dice, 200);
  }
}

TEST_CASE("ranges nested too deep for the index are looked at always, each once and in order") {
  std::vector<Rule> rules;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    auto rule = made::rule("r" + std::to_string(i));
    rule.match.lbas = {{i, 100'000 - 2 * i}, {i + 5, 3}};
    rules.push_back(std::move(rule));
  }
  Dice dice(1);
  const auto set = Epochs().set(rules);
  check_against_force(*set, dice, 300);
}

TEST_CASE("rules are evaluated by priority, then in the order of installation") {
  auto low = made::rule("low"), first = made::rule("first"), second = made::rule("second");
  first.life.priority = second.life.priority = 5;
  const auto set = Epochs().set({low, first, second});
  CHECK(set->at(0).rule.id == "first");
  CHECK(set->at(1).rule.id == "second");
  CHECK(set->at(2).rule.id == "low");
  CHECK(set->find("low") == &set->at(2));
  CHECK(set->find("none") == nullptr);
}

TEST_CASE("a disarmed rule is in the set but takes part in nothing") {
  auto rule = made::rule("r");
  rule.life.armed = false;
  const auto set = Epochs().set({rule});
  CHECK(set->rules().size() == 1);
  CHECK(set->ignores_commands());
  CHECK(set->has_serial(1));
  CHECK_FALSE(set->has_serial(2));
}

TEST_CASE("a set says what its rules need, however deep in a `not` it is asked for") {
  CHECK_FALSE(Epochs().set({made::rule("plain")})->needs_attempts());
  auto rule = made::rule("r");
  auto inner = std::make_shared<Match>();
  inner->attempt = NumberRange{2, 2};
  inner->first_touch = true;
  inner->payloads = {{0, {1}, {}}};
  inner->after_fault = AfterFault{"other", Time(5), std::nullopt};
  rule.match.none_of = {inner};
  const auto set = Epochs().set({made::rule("other"), rule});
  CHECK(set->needs_attempts());
  CHECK(set->needs_write_history());
  CHECK(set->has_payload_rules());
  CHECK(set->at(1).after_fault == 0);
  CHECK(set->at(1).timed);
  CHECK(set->at(1).order_dependent);
}

TEST_CASE("a set says whether a rule of it lets commands wait for a moment") {
  CHECK_FALSE(Epochs().set({made::rule("busy", {made::busy()})})->has_delays());
  CHECK(Epochs().set({made::rule("slow")})->has_delays());
  Shuffle shuffle;
  CHECK(Epochs().set({made::rule("mixed", {made::effect(shuffle)})})->has_delays());
  auto rule = made::rule("disarmed");
  rule.life.armed = false;
  CHECK_FALSE(Epochs().set({rule})->has_delays());
}

TEST_CASE("the empty set has candidates for nothing") {
  scsi::Cdb cdb;
  Facts facts;
  facts.cdb = &cdb;
  std::vector<std::uint32_t> found = {1, 2};
  RuleSet().candidates(facts, found);
  CHECK(found.empty());
}

TEST_CASE("a run gate is drawn once for a run: half of the seeds have the rule") {
  auto rule = made::rule("r");
  rule.gate.run_gate = Ratio{1, 2};
  int on = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    on += Epochs(seed).set({rule})->at(0).runs ? 1 : 0;
  CHECK(on > 430);
  CHECK(on < 570);
}

}  // namespace
}  // namespace faultlun::faults::rule_set_test
