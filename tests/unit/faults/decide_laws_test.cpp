// Laws of the determinism contract, for random rules and commands.
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace faultlun::faults::decide_laws_test {
namespace {

using made::Dice;
using made::Epochs;
using made::Initiator;

/// Nothing that asks what other rules did: attempts, after_fault, writes.
Rule random_rule(Dice& dice, const std::string& id) {
  std::vector<Effect> effects;
  if (dice.one_in(2)) effects.push_back(made::delay(1 + static_cast<std::int64_t>(dice.below(9))));
  if (dice.one_in(4)) effects.push_back(made::busy());
  if (dice.one_in(4)) effects.push_back(made::medium(MediumError::Heal::after, 2));
  if (effects.empty() || dice.one_in(4)) effects.push_back(made::effect(DataFault(), 7));
  auto rule = made::rule(id, effects);
  if (dice.one_in(3)) rule.match.luns = {static_cast<std::uint16_t>(dice.below(2))};
  if (dice.one_in(3)) rule.match.operations = {made::opcode(dice.one_in(2) ? 0x28 : 0x2a)};
  if (dice.one_in(2)) rule.match.lbas = {{dice.below(64), 1 + dice.below(16)}};
  if (dice.one_in(2)) rule.gate.probability = Ratio{1 + dice.below(4), 5};
  if (dice.one_in(4)) rule.gate.skip = dice.below(10);
  if (dice.one_in(4)) rule.gate.every = 1 + dice.below(4);
  if (dice.one_in(4)) rule.gate.burst = 1 + dice.below(4);
  if (dice.one_in(4)) rule.gate.times = 1 + dice.below(20);
  if (dice.one_in(5)) rule.gate.budget_bytes = dice.below(1 << 18);
  if (dice.one_in(6)) rule.gate.key = Key::lba;
  if (dice.one_in(6)) rule.gate.cycle = Cycle{Time(dice.below(20)), Time(dice.below(20))};
  if (dice.one_in(6)) rule.life.once_per = dice.one_in(2) ? OncePer::session : OncePer::lba;
  if (dice.one_in(9)) rule.observe = true;
  rule.life.priority = static_cast<std::int32_t>(dice.below(3));
  return rule;
}

void send_one(Initiator& initiator, const RuleSet& rules, Dice& dice) {
  initiator.facts.lun = static_cast<std::uint16_t>(dice.below(2));
  initiator.facts.immediate = dice.one_in(8);
  initiator.facts.now += Time(dice.below(5));
  const auto code = static_cast<std::uint8_t>(dice.one_in(2) ? 0x28 : 0x2a);
  const auto lba = dice.below(64);
  initiator.send(rules, code, lba, 1 + dice.below(16));
}

std::vector<Rule> random_rules(Dice& dice) {
  std::vector<Rule> rules;
  for (auto left = 1 + dice.below(6); left != 0; --left)
    rules.push_back(random_rule(dice, "r" + std::to_string(left)));
  return rules;
}

TEST_CASE("another rule changes nothing of a rule's verdicts but fired to masked, or back") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    auto rules = random_rules(dice);
    const auto without = Epochs(seed).set(rules);
    rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(dice.below(rules.size() + 1)),
                 random_rule(dice, "new"));
    const auto with = Epochs(seed).set(rules);
    Initiator alone(seed), crowd(seed);
    Dice commands(seed + 1), same_commands(seed + 1);
    for (int i = 0; i < 200; ++i) {
      send_one(alone, *without, commands);
      send_one(crowd, *with, same_commands);
      std::map<std::string, Verdict> crowd_verdicts;
      for (const auto& each : crowd.decision.verdicts)
        crowd_verdicts[each.rule->rule.id] = each;
      crowd_verdicts.erase("new");
      REQUIRE(crowd_verdicts.size() == alone.decision.verdicts.size());
      for (const auto& each : alone.decision.verdicts) {
        const auto& twin = crowd_verdicts.at(each.rule->rule.id);
        CAPTURE(each.rule->rule.id);
        REQUIRE(twin.index == each.index);
        REQUIRE(twin.draw == each.draw);
        REQUIRE(twin.key_number == each.key_number);
        if (twin.outcome == Outcome::masked)
          REQUIRE(counts_as_fired(each.outcome));
        else
          REQUIRE((twin.outcome == each.outcome));
      }
    }
  }
}

TEST_CASE("the same seed, rules and commands are the same decisions, whatever other sessions do") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const auto rules = random_rules(dice);
    const auto quiet = Epochs(seed).set(rules), busy = Epochs(seed).set(rules);
    Initiator one(seed), twin(seed), other(seed);
    Dice commands(seed + 1), same_commands(seed + 1);
    for (int i = 0; i < 200; ++i) {
      send_one(one, *quiet, commands);
      for (auto n = dice.below(3); n != 0; --n)
        send_one(other, *busy, dice);
      send_one(twin, *busy, same_commands);
    }
    CHECK((one.state.hash == twin.state.hash));
    CHECK(one.state.hash.count == twin.state.hash.count);
  }
}

TEST_CASE("an epoch that changes other rules, or none, changes no decision of a rule") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const auto rules = random_rules(dice);
    Epochs still_epochs(seed), epochs(seed);
    const auto still = still_epochs.set(rules);
    auto moving = epochs.set(rules);
    Initiator one(seed), twin(seed);
    Dice commands(seed + 1), same_commands(seed + 1);
    for (int i = 0; i < 200; ++i) {
      if (dice.one_in(5)) {
        auto more = rules;
        auto other = made::rule("other-" + std::to_string(dice.below(3)));
        other.match.luns = {9};  // never matches
        if (dice.one_in(2)) more.insert(more.begin(), other);
        moving = epochs.set(more);
      }
      send_one(one, *still, commands);
      send_one(twin, *moving, same_commands);
    }
    CHECK((one.state.hash == twin.state.hash));
  }
}

TEST_CASE("another seed is another run") {
  Dice dice(3);
  auto rule = made::rule("r");
  rule.gate.probability = Ratio{1, 2};
  Initiator one(1), other(2);
  for (int i = 0; i < 100; ++i) {
    one.read(*Epochs(1).set({rule}));
    other.read(*Epochs(2).set({rule}));
  }
  CHECK_FALSE((one.state.hash == other.state.hash));
}

TEST_CASE("the hash counts CmdSN from where the session began, and tells commands apart by it") {
  const auto rules = Epochs().set({made::rule("r")});
  Initiator one, drawn, later;
  drawn.session.first_cmd_sn = drawn.facts.cmd_sn = 0xfffffffe;  // wraps
  for (int i = 0; i < 4; ++i) {
    one.read(*rules);
    drawn.read(*rules);
    if (i == 2) ++later.facts.cmd_sn;  // one more command that no rule matched
    later.read(*rules);
  }
  CHECK((one.state.hash == drawn.state.hash));
  CHECK_FALSE((one.state.hash == later.state.hash));
}

}  // namespace
}  // namespace faultlun::faults::decide_laws_test
