// What each part of a rule does to a decision; the laws that hold for all rules together are in
// decide_laws_test.cpp.
#include "faults/decide.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::decide_test {
namespace {

using made::Epochs;
using made::Initiator;

std::vector<std::uint64_t> fired_of(const RuleSet& rules, Initiator& initiator, int commands) {
  std::vector<std::uint64_t> out;
  for (int i = 0; i < commands; ++i)
    for (const auto& verdict : initiator.read(rules).verdicts)
      if (verdict.outcome == Outcome::fired) out.push_back(verdict.index);
  return out;
}
std::vector<std::uint64_t> fired_with(const Gate& gate, int commands) {
  Initiator initiator;
  return fired_of(*Epochs().set({made::rule("r1", {made::delay(1)}, gate)}), initiator, commands);
}
using Indexes = std::vector<std::uint64_t>;

TEST_CASE("an empty rule set lets every command pass and counts it") {
  const RuleSet rules;
  RuleState state;
  Decision decision;
  const SessionFacts session;
  scsi::Cdb cdb;
  Facts facts;
  facts.session = &session;
  facts.cdb = &cdb;
  for (int opcode = 0; opcode < 256; ++opcode) {
    cdb.raw[0] = static_cast<std::uint8_t>(opcode);
    decide(rules, state, 0x5eed, facts, {}, decision);
    CHECK(decision.quiet());
  }
  CHECK(rules.ignores_commands());
  CHECK(state.commands == 256);
}

TEST_CASE("D1: seed 42, rule r1, p = 0.25 fires at the check values and has their draws") {
  Gate gate;
  gate.probability = Ratio{1, 4};
  CHECK(fired_with(gate, 60) == Indexes{22, 24, 25, 29, 35, 39, 40, 43, 47, 49, 51, 52, 58});
  const auto rules = Epochs().set({made::rule("r1", {made::delay(1)}, gate)});
  Initiator initiator;
  constexpr std::uint64_t kDraws[] = {0x8783e75fc1d0ccb4, 0x927cf572c87367b0, 0x62bceafc6a0827a1,
                                      0x5cc7ca7d6cc51ab1, 0x9c84b48e1cd1fb95};
  for (const auto expected : kDraws)
    CHECK(initiator.read(*rules).verdicts.at(0).draw == expected);
}

TEST_CASE("D1: with p = 0.01, 2013 of 200,000 commands are hit") {
  Gate gate;
  gate.probability = Ratio{1, 100};
  CHECK(fired_with(gate, 200'000).size() == 2013);
}

TEST_CASE("skip, every, burst, repeat, nth and times choose by the number of the match") {
  Gate gate;
  gate.skip = 3;
  CHECK(fired_with(gate, 6) == Indexes{3, 4, 5});
  gate.every = 3;
  CHECK(fired_with(gate, 12) == Indexes{5, 8, 11});
  gate.burst = 2;
  CHECK(fired_with(gate, 12) == Indexes{3, 4, 6, 7, 9, 10});
  gate.repeat = 2;
  CHECK(fired_with(gate, 99) == Indexes{3, 4, 6, 7});
  gate.times = 3;
  CHECK(fired_with(gate, 99) == Indexes{3, 4, 6});
  Gate nth;
  nth.nth = 7;
  CHECK(fired_with(nth, 99) == Indexes{6});
}

TEST_CASE("a burst is drawn as a whole") {
  Gate gate;
  gate.burst = 3;
  gate.every = 10;
  gate.probability = Ratio{1, 2};
  const auto fired = fired_with(gate, 2000);
  CHECK(fired.size() % 3 == 0);
  CHECK(fired.size() > 200);
  CHECK(fired.size() < 400);
  for (std::size_t i = 0; i < fired.size(); i += 3)
    CHECK(fired[i] % 10 == 0);
}

TEST_CASE("budget: not before that many bytes have passed the rule") {
  Gate gate;
  gate.budget_bytes = 8 * 512 * 3;
  CHECK(fired_with(gate, 5) == Indexes{3, 4});
}

TEST_CASE("window and cycle look at the time since the rule was armed last") {
  auto rule = made::rule("r");
  rule.gate.window =
      Window{.since = Window::Since::arm, .mark = "", .after = Time(10), .length = Time(5)};
  auto lifetime = std::make_shared<RuleLifetime>();
  lifetime->serial = 1;
  std::vector<RuleSet::Entry> entries;
  entries.push_back({rule, lifetime, Time(100)});
  const RuleSet rules(entries, 1, 42);
  Initiator initiator;
  const auto at = [&](const RuleSet& set, std::int64_t now) {
    initiator.facts.now = Time(now);
    initiator.read(set);
    return initiator.outcome();
  };
  CHECK(at(rules, 109) == Outcome::closed);
  CHECK(at(rules, 110) == Outcome::fired);
  CHECK(initiator.decision.timed);
  CHECK(at(rules, 114) == Outcome::fired);
  CHECK(at(rules, 115) == Outcome::closed);
  entries[0].rule.gate.window.reset();
  entries[0].rule.gate.cycle = Cycle{Time(3), Time(7)};
  const RuleSet cycling(entries, 2, 42);
  CHECK(at(cycling, 102) == Outcome::fired);
  CHECK(at(cycling, 103) == Outcome::closed);
  CHECK(at(cycling, 110) == Outcome::fired);
}

TEST_CASE("a clock read just before the rule was armed does not close a window that begins then") {
  auto rule = made::rule("r");
  rule.gate.window = Window{};
  Epochs epochs;
  const auto rules = epochs.set({rule});
  auto lifetime = std::make_shared<RuleLifetime>();
  std::vector<RuleSet::Entry> entries;
  entries.push_back({rule, lifetime, Time(100)});
  const RuleSet late(entries, 1, 42);
  Initiator initiator;
  initiator.facts.now = Time(99);
  initiator.read(late);
  CHECK(initiator.outcome() == Outcome::fired);
}

TEST_CASE("a window since a mark is closed until the mark is set") {
  auto rule = made::rule("r");
  rule.gate.window =
      Window{.since = Window::Since::mark, .mark = "m", .after = Time(0), .length = Time(5)};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  initiator.read(*rules);
  CHECK(initiator.outcome() == Outcome::closed);
  Surroundings around;
  around.since = [](const void*, const Window& window) {
    return window.mark == "m" ? std::optional<Time>(7) : std::nullopt;
  };
  initiator.facts.now = Time(8);
  decide(*rules, initiator.state, 42, initiator.facts, around, initiator.decision);
  CHECK(initiator.outcome() == Outcome::fired);
}

TEST_CASE("immediate commands count apart and draw under a key of their own") {
  auto rule = made::rule("r1");
  rule.gate.probability = Ratio{1, 4};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  initiator.read(*rules);
  initiator.facts.immediate = true;
  const auto& verdict = initiator.read(*rules).verdicts.at(0);
  CHECK(verdict.index == 0);
  CHECK(verdict.draw == draw(42, "r1", "immediate", 0, kSlotDecide));
  initiator.facts.immediate = false;
  CHECK(initiator.read(*rules).verdicts.at(0).index == 1);
}

TEST_CASE("key content: a retry after a failure shares the index of its first try") {
  auto rule = made::rule("r", {made::busy()});
  rule.gate.key = Key::content;
  rule.gate.probability = Ratio{1, 2};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  std::uint64_t expected = 0;
  bool failed = false;
  for (int i = 0; i < 200; ++i) {
    const auto verdict = initiator.read(*rules, 64).verdicts.at(0);
    if (i != 0 && !failed) ++expected;
    REQUIRE(verdict.index == expected);
    const auto key = "content:" + std::to_string(verdict.key_number);
    REQUIRE(verdict.draw == draw(42, "r", key, expected, kSlotDecide));
    if (failed) REQUIRE(verdict.outcome == Outcome::fired);  // what is chosen stays chosen
    failed = verdict.outcome == Outcome::fired;
  }
  CHECK(initiator.read(*rules, 72).verdicts.at(0).index == 0);
}

TEST_CASE("key attempt: each retry draws anew, at 65536 times the fresh issue plus its number") {
  auto rule = made::rule("r", {made::busy()});
  rule.gate.key = Key::attempt;
  rule.gate.probability = Ratio{2, 3};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  std::uint64_t fresh = 0, retry = 0;
  for (int i = 0; i < 300; ++i) {
    const auto verdict = initiator.read(*rules, 64).verdicts.at(0);
    REQUIRE(verdict.index == fresh * 65536 + retry);
    if (verdict.outcome == Outcome::fired)
      ++retry;
    else
      ++fresh, retry = 0;
  }
}

TEST_CASE("match.attempt sees how often the same operation failed before") {
  auto rule = made::rule("r", {made::busy()});
  rule.match.attempt = NumberRange{1, 2};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  CHECK(initiator.read(*rules).terminal() != nullptr);
  CHECK(initiator.read(*rules).terminal() != nullptr);
  CHECK(initiator.read(*rules).quiet());
  CHECK(initiator.read(*rules).terminal() != nullptr);  // afresh
}

TEST_CASE("key lba: a block is chosen or not whoever reads it, until it is written") {
  auto rule = made::rule("r", {made::medium(MediumError::Heal::never)});
  rule.gate.key = Key::lba;
  rule.gate.probability = Ratio{1, 8};
  const auto rules = Epochs().set({rule});
  Initiator one, other;
  WriteHistory writes;
  one.writes = other.writes = &writes;
  for (std::uint64_t lba = 0; lba < 200; ++lba) {
    one.read(*rules, lba, 1);
    other.read(*rules, 199 - lba, 1);
  }
  for (std::uint64_t lba = 0; lba < 200; ++lba) {
    const auto verdict = one.read(*rules, lba, 1).verdicts.at(0);
    REQUIRE(verdict.draw == draw(42, "r", "lba:" + std::to_string(lba), 0, kSlotDecide));
    REQUIRE((other.read(*rules, lba, 1).verdicts.at(0).outcome == verdict.outcome));
  }
  CHECK(one.write(*rules, 5, 1).quiet());
  CHECK(one.read(*rules, 5, 1).verdicts.at(0).index == 1);
}

TEST_CASE("key lba: the first chosen block of a command is the bad one") {
  auto rule = made::rule("r", {made::medium(MediumError::Heal::never)});
  rule.gate.key = Key::lba;
  rule.gate.probability = Ratio{1, 8};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  std::uint64_t first = 0;
  while (initiator.read(*rules, first, 1).terminal() == nullptr)
    ++first;
  const auto& decision = initiator.read(*rules, 0, 1000);
  REQUIRE(decision.terminal() != nullptr);
  CHECK(decision.terminal()->resolved[0] == first);
  CHECK(decision.verdicts[0].key_number == first);
}

TEST_CASE("a bad block heals when it is written, and only by writes since the rule is there") {
  Epochs epochs;
  WriteHistory writes;
  Initiator initiator;
  initiator.writes = &writes;
  auto other = made::rule("other", {made::medium(MediumError::Heal::on_write)});
  other.match.lbas = {{1000, 1}};
  initiator.write(*epochs.set({other}), 0, 100);
  auto rule = made::rule("r", {made::medium(MediumError::Heal::on_write)});
  rule.match.lbas = {{10, 4}, {12, 4}};
  const auto rules = epochs.set({other, rule});
  const auto bad = [&](std::uint64_t lba, std::uint64_t blocks) {
    const auto* strike = initiator.read(*rules, lba, blocks).terminal();
    return strike != nullptr ? std::pair(strike->resolved[0], strike->resolved[1])
                             : std::pair(UINT64_MAX, UINT64_MAX);
  };
  CHECK(bad(0, 100) == std::pair<std::uint64_t, std::uint64_t>(10, 15));
  initiator.write(*rules, 0, 11);
  CHECK(bad(0, 100) == std::pair<std::uint64_t, std::uint64_t>(11, 15));
  initiator.write(*rules, 13, 1);
  CHECK(bad(0, 100) == std::pair<std::uint64_t, std::uint64_t>(11, 12));
  CHECK(bad(13, 1).first == UINT64_MAX);
  CHECK(initiator.outcome() == Outcome::healed);
  initiator.write(*rules, 8, 16);
  CHECK(bad(0, 100).first == UINT64_MAX);
}

TEST_CASE("a write that is answered BUSY heals nothing") {
  auto busy = made::rule("busy", {made::busy()}, {});
  busy.match.operations = {made::opcode(0x2a)};
  auto bad = made::rule("bad", {made::medium(MediumError::Heal::on_write)});
  const auto rules = Epochs().set({busy, bad});
  Initiator initiator;
  WriteHistory writes;
  initiator.writes = &writes;
  initiator.write(*rules);
  CHECK(initiator.read(*rules).terminal() != nullptr);
}

TEST_CASE("a bad block heals after n errors, each block by itself") {
  auto rule = made::rule("r", {made::medium(MediumError::Heal::after, 2)});
  rule.match.lbas = {{5, 2}};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  const std::uint64_t bad[] = {5, 5, 6, 6};
  for (const auto lba : bad)
    CHECK(initiator.read(*rules, 0, 10).terminal()->resolved[0] == lba);
  CHECK(initiator.read(*rules, 0, 10).terminal() == nullptr);
  CHECK(initiator.outcome() == Outcome::healed);
}

TEST_CASE("key lba and healing after n: a healed block does not hide the next bad one") {
  auto rule = made::rule("r", {made::medium(MediumError::Heal::after, 1)});
  rule.gate.key = Key::lba;
  rule.match.lbas = {{5, 2}};
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  CHECK(initiator.read(*rules, 0, 10).terminal()->resolved[0] == 5);
  CHECK(initiator.read(*rules, 0, 10).terminal()->resolved[0] == 6);
  initiator.read(*rules, 0, 10);
  CHECK(initiator.outcome() == Outcome::healed);
}

TEST_CASE("first_touch holds until any block of the range is written") {
  auto rule = made::rule("r");
  rule.match.first_touch = true;
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  WriteHistory writes;
  initiator.writes = &writes;
  CHECK_FALSE(initiator.read(*rules, 0, 8).quiet());
  initiator.write(*rules, 7, 1);
  CHECK(initiator.read(*rules, 0, 8).quiet());
  CHECK_FALSE(initiator.read(*rules, 0, 7).quiet());
}

TEST_CASE("after_fault: the other rule fired in this session, so long ago, so many commands ago") {
  auto other = made::rule("other", {made::delay(1)});
  other.gate.nth = 1;
  auto rule = made::rule("r", {made::delay(2)});
  rule.match.after_fault = AfterFault{"other", Time(10), 2};
  const auto rules = Epochs().set({other, rule});
  Initiator initiator, stranger;
  CHECK(initiator.read(*rules).strikes.size() == 2);  // `other` comes first
  initiator.facts.now = Time(10);
  CHECK(initiator.read(*rules).strikes.size() == 1);
  initiator.facts.now = Time(11);
  CHECK(initiator.read(*rules).strikes.empty());
  initiator.facts.now = Time(5);
  CHECK(initiator.read(*rules).strikes.empty());
}

TEST_CASE("a terminal effect stops the list, and the rules behind it still advance") {
  auto first = made::rule("a", {made::delay(3), made::busy(), made::delay(9)});
  first.gate.every = 2;
  auto second = made::rule("b", {made::delay(5)});
  second.gate.times = 3;
  const auto rules = Epochs().set({first, second});
  Initiator initiator;
  CHECK(initiator.read(*rules).strikes.size() == 1);
  const auto& masked = initiator.read(*rules);
  CHECK(masked.strikes.size() == 2);  // the delay, then BUSY
  REQUIRE(masked.terminal() != nullptr);
  CHECK(masked.verdicts.at(1).outcome == Outcome::masked);
  CHECK(initiator.read(*rules).verdicts.at(1).outcome == Outcome::fired);
  CHECK(initiator.read(*rules).verdicts.at(1).outcome == Outcome::exhausted);
}

TEST_CASE("a rule that observes decides and counts, and nothing strikes") {
  auto rule = made::rule("r", {made::busy()});
  rule.observe = true;
  rule.gate.times = 1;
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  CHECK(initiator.read(*rules).strikes.empty());
  CHECK(initiator.outcome() == Outcome::observed);
  initiator.read(*rules);
  CHECK(initiator.outcome() == Outcome::exhausted);
}

TEST_CASE("max_active: no more commands than that are under the rule's effects at a time") {
  auto rule = made::rule("r");
  rule.gate.max_active = 2;
  Epochs epochs;
  const auto rules = epochs.set({rule});
  Initiator initiator;
  initiator.read(*rules), initiator.read(*rules), initiator.read(*rules);
  CHECK(initiator.outcome() == Outcome::crowded);
  CHECK(initiator.decision.strikes.empty());
  CHECK(epochs.lifetime("r").suppressed == 1);
  --epochs.lifetime("r").active;
  initiator.read(*rules);
  CHECK(initiator.outcome() == Outcome::fired);
}

TEST_CASE("once per session, per block and per run") {
  auto session = made::rule("session"), block = made::rule("block"), run = made::rule("run");
  session.life.once_per = OncePer::session;
  block.life.once_per = OncePer::lba;
  run.life.once_per = OncePer::run;
  const auto rules = Epochs().set({session, block, run});
  Initiator one, other;
  CHECK(one.read(*rules, 0).strikes.size() == 3);
  CHECK(one.read(*rules, 0).strikes.empty());
  CHECK(one.read(*rules, 8).strikes.size() == 1);
  CHECK(other.read(*rules, 0).strikes.size() == 2);
}

TEST_CASE("once per run is not used up by a command that has no bad block left") {
  auto rule = made::rule("r", {made::medium(MediumError::Heal::on_write)});
  rule.life.once_per = OncePer::run;
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  WriteHistory writes;
  initiator.writes = &writes;
  initiator.write(*rules, 0, 8);
  initiator.read(*rules, 0, 8);
  CHECK(initiator.outcome() == Outcome::healed);
  CHECK(initiator.read(*rules, 8, 8).terminal() != nullptr);
}

TEST_CASE("scope global: one counter and one limit for all sessions") {
  auto rule = made::rule("r");
  rule.life.global = true;
  rule.gate.times = 3;
  const auto rules = Epochs().set({rule});
  Initiator one, other;
  CHECK(one.read(*rules).verdicts.at(0).index == 0);
  CHECK(other.read(*rules).verdicts.at(0).index == 1);
  CHECK(other.decision.order_dependent);
  one.read(*rules);
  CHECK(one.outcome() == Outcome::fired);
  other.read(*rules);
  CHECK(other.outcome() == Outcome::exhausted);
}

TEST_CASE("counters survive changes of other rules, and a new lifetime begins from zero") {
  Epochs epochs;
  Initiator initiator;
  const auto rule = made::rule("r");
  initiator.read(*epochs.set({rule}));
  CHECK(initiator.read(*epochs.set({made::rule("other"), rule})).verdicts.at(1).index == 1);
  CHECK(initiator.read(*epochs.set({rule})).verdicts.at(0).index == 2);
  auto lifetime = std::make_shared<RuleLifetime>();
  lifetime->serial = 99;
  std::vector<RuleSet::Entry> entries;
  entries.push_back({rule, lifetime});
  const RuleSet again(entries, 4, 42);
  CHECK(initiator.read(again).verdicts.at(0).index == 0);
}

TEST_CASE("payload rules are decided when the data is here, with the try of their command") {
  auto rule = made::rule("r", {made::busy()});
  rule.match.payloads = {{0, {'F', 'I'}, {}}};
  rule.gate.key = Key::content;
  const auto rules = Epochs().set({rule});
  Initiator initiator;
  const std::uint8_t data[] = {'F', 'I', 'L', 'E'};
  const auto with_data = [&]() -> const Decision& {
    CHECK(initiator.write(*rules).quiet());
    initiator.facts.payload = data;
    initiator.facts.payload_known = true;
    decide_payload(*rules, initiator.state, 42, initiator.facts, {}, initiator.decision);
    initiator.facts.payload_known = false;
    return initiator.decision;
  };
  CHECK(with_data().terminal() != nullptr);
  CHECK(initiator.decision.verdicts[0].key_number == content_of(initiator.facts));
  CHECK(with_data().verdicts.at(0).index == 0);  // a retry of what failed
}

TEST_CASE("a task management function is decided by its rules, under its own key") {
  TaskManagementLadder ladder;
  ladder.steps.resize(3);
  ladder.steps[0].function = 1;
  ladder.steps[1].function = 5;
  ladder.steps[2].function = 1;
  ladder.steps[2].fault.delay.shape = Constant{Time(77)};
  auto rule = made::rule("r", {made::effect(ladder, 1, made::kFunctionFault)});
  rule.gate.probability = Ratio{1, 1};
  const auto rules = Epochs().set({rule});
  CHECK(rules->ignores_commands());
  Initiator initiator;
  CHECK(initiator.read(*rules).quiet());
  CHECK(initiator.function(*rules, 1).strikes.at(0).resolved[0] == 0);
  CHECK(initiator.decision.verdicts[0].draw == draw(42, "r", "tmf", 0, kSlotDecide));
  CHECK(initiator.function(*rules, 1).strikes.at(0).resolved[0] == 2);
  CHECK(initiator.decision.strikes[0].resolved[1] == 77);
  initiator.function(*rules, 1);
  CHECK(initiator.outcome() == Outcome::impossible);
  CHECK(initiator.function(*rules, 5).strikes.at(0).resolved[0] == 1);
}

TEST_CASE("grades 2 and 4 swallow functions once a command was, and none of them is a firing") {
  for (const bool data_only : {false, true}) {
    Silence silence;
    silence.data_only = data_only;
    silence.task_management = true;
    Patch patch;  // looks at a CDB, which a function has not
    auto rule = made::rule("r", {made::effect(patch, 8), made::effect(silence, 9)});
    rule.match.operations = {made::operation(OperationClass::read)};
    rule.match.luns = {0};
    rule.gate.times = 2;
    const auto rules = Epochs().set({rule});
    Initiator initiator;
    CHECK(initiator.function(*rules, 1).quiet());
    CHECK(initiator.read(*rules).terminal() != nullptr);
    for (int i = 0; i < 3; ++i)
      CHECK(initiator.function(*rules, 1).terminal() != nullptr);
    CHECK(initiator.read(*rules).terminal() != nullptr);
    CHECK(initiator.read(*rules).terminal() == nullptr);
    initiator.facts.lun = 1;
    CHECK(initiator.function(*rules, 1).quiet());
  }
}

TEST_CASE("logins are refused while the rule is on and open, and by it alone") {
  Drop drop;
  drop.then = Drop::Then::not_found;
  auto rule = made::rule("r", {made::effect(drop, 3)});
  rule.match.initiators = {"iqn.a*"};
  rule.gate.window =
      Window{.since = Window::Since::arm, .mark = "", .after = Time(0), .length = Time(10)};
  Initiator initiator;
  const InstalledRule* why = nullptr;
  const auto rules = Epochs().set({rule});
  CHECK(decide_login(*rules, initiator.facts, why) == Drop::Then::not_found);
  CHECK(why == &rules->at(0));
  initiator.facts.now = Time(10);
  CHECK(decide_login(*rules, initiator.facts, why) == Drop::Then::nothing);
  initiator.facts.now = Time(0);
  initiator.session.initiator = "iqn.b";
  CHECK(decide_login(*rules, initiator.facts, why) == Drop::Then::nothing);
  initiator.session.initiator = "iqn.a";
  rule.gate.run_gate = Ratio{0, 1};
  CHECK(decide_login(*Epochs().set({rule}), initiator.facts, why) == Drop::Then::nothing);
}

TEST_CASE("a rule without effects counts its matches") {
  const auto rules = Epochs().set({made::rule("r", {})});
  Initiator initiator;
  initiator.read(*rules);
  CHECK(initiator.outcome() == Outcome::fired);
  CHECK(initiator.decision.strikes.empty());
}

}  // namespace
}  // namespace faultlun::faults::decide_test
