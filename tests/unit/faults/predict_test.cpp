#include "faults/predict.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::predict_test {
namespace {

using Indexes = std::vector<std::uint64_t>;

Prediction predicted(const Rule& rule, std::uint64_t from, std::uint64_t n,
                     std::string_view key = "*") {
  return std::get<Prediction>(predict(rule, 42, key, from, n));
}

TEST_CASE("the indexes below 60 of rule r1 with p = 0.25 are those of D1, from wherever one asks") {
  auto rule = made::rule("r1");
  rule.gate.probability = Ratio{1, 4};
  CHECK(predicted(rule, 0, 60).indexes ==
        Indexes{22, 24, 25, 29, 35, 39, 40, 43, 47, 49, 51, 52, 58});
  CHECK(predicted(rule, 40, 10).indexes == Indexes{40, 43, 47, 49});
  CHECK(predicted(rule, 0, 60).end == 60);
}

TEST_CASE("firings before `from` use up times") {
  auto rule = made::rule("r1");
  rule.gate.probability = Ratio{1, 4};
  rule.gate.times = 4;
  CHECK(predicted(rule, 25, 100).indexes == Indexes{25, 29});
  CHECK(predicted(rule, 25, 100).shares_limit);
  rule.life.once_per = OncePer::session;
  CHECK(predicted(rule, 0, 100).indexes == Indexes{22});
}

TEST_CASE("a key that is not the rule's, and too large a question, are refused") {
  auto rule = made::rule("r1");
  const auto refused = [&](std::string_view key, std::uint64_t from, std::uint64_t n) {
    const auto answer = predict(rule, 42, key, from, n);
    const auto* complaint = std::get_if<Complaint>(&answer);
    return complaint != nullptr ? complaint->field : std::string();
  };
  CHECK(refused("lba:7", 0, 1) == "key");
  CHECK(refused("tmf", 0, 1) == "key");
  CHECK(refused("*", 0, kMaxPredictions) == "");
  CHECK(refused("*", 0, kMaxPredictions + 1) == "n");
  CHECK(refused("*", UINT64_MAX - 5, 100) == "");
  rule.gate.times = 3;
  CHECK(refused("*", kMaxPredictions, 1) == "from");
  rule.gate.skip = 10;
  CHECK(refused("*", kMaxPredictions, 10) == "");
  rule.gate.key = Key::lba;
  CHECK(refused("*", 0, 1) == "key");
  CHECK(refused("lba:", 0, 1) == "key");
  CHECK(refused("lba:12x", 0, 1) == "key");
  CHECK(refused("lba:12", 0, 1) == "");
}

TEST_CASE("caveats say what a prediction cannot know") {
  auto rule = made::rule("r");
  const auto plain = predicted(rule, 0, 1);
  CHECK_FALSE(plain.timed);
  CHECK_FALSE(plain.order_dependent);
  CHECK_FALSE(plain.needs_data);
  CHECK_FALSE(plain.shares_limit);
  CHECK_FALSE(plain.off);
  rule.gate.window = Window{};
  rule.life.global = true;
  rule.gate.budget_bytes = 1;
  rule.gate.run_gate = Ratio{0, 1};
  const auto careful = predicted(rule, 0, 1);
  CHECK(careful.timed);
  CHECK(careful.order_dependent);
  CHECK(careful.needs_data);
  CHECK(careful.off);
  CHECK(careful.indexes.empty());
}

Gate random_gate(made::Dice& dice) {
  Gate gate;
  if (dice.one_in(3)) gate.skip = dice.below(30);
  if (dice.one_in(2)) gate.every = 1 + dice.below(9);
  if (dice.one_in(2)) gate.burst = 1 + dice.below(6);
  if (dice.one_in(3)) gate.repeat = 1 + dice.below(40);
  if (dice.one_in(3)) gate.times = 1 + dice.below(100);
  if (dice.one_in(8)) gate.nth = 1 + dice.below(500);
  if (dice.one_in(2)) gate.probability = Ratio{1 + dice.below(9), 10};
  if (dice.one_in(9)) gate.run_gate = Ratio{1, 2};
  return gate;
}

TEST_CASE("what is predicted is what a million decisions come to: no differences") {
  std::uint64_t decisions = 0, differences = 0;
  for (std::uint64_t seed = 0; decisions < 1'000'000; ++seed) {
    made::Dice dice(seed);
    std::vector<Rule> rules;
    for (int i = 0; i < 10; ++i) {
      auto rule = made::rule("rule-" + std::to_string(i), {made::delay(1 + i)}, random_gate(dice));
      if (dice.one_in(6)) rule.life.once_per = OncePer::session;
      rules.push_back(std::move(rule));
    }
    made::Epochs epochs(seed);
    const auto set = epochs.set(rules);
    const std::uint64_t commands = 1 + dice.below(4000);
    std::vector<Indexes> fired(rules.size());
    made::Initiator initiator(seed);
    initiator.facts.immediate = dice.one_in(4);
    const std::string_view key = initiator.facts.immediate ? "immediate" : "*";
    for (std::uint64_t i = 0; i < commands; ++i)
      for (const auto& verdict : initiator.read(*set).verdicts) {
        ++decisions;
        if (verdict.outcome == Outcome::fired) fired[verdict.rule->order].push_back(verdict.index);
      }
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto from = dice.below(commands);
      const auto whole = std::get<Prediction>(predict(rules[i], seed, key, 0, commands)).indexes;
      differences += whole == fired[i] ? 0 : 1;
      std::erase_if(fired[i], [&](std::uint64_t index) { return index < from; });
      const auto rest =
          std::get<Prediction>(predict(rules[i], seed, key, from, commands - from)).indexes;
      differences += rest == fired[i] ? 0 : 1;
    }
  }
  CHECK(differences == 0);
}

TEST_CASE("predictions for content and lba keys are what decisions come to") {
  auto content = made::rule("content"), lba = made::rule("lba");
  content.gate.key = Key::content;
  lba.gate.key = Key::lba;
  content.gate.probability = lba.gate.probability = Ratio{1, 3};
  content.gate.every = 2;
  made::Epochs epochs;
  const auto set = epochs.set({content, lba});
  made::Initiator initiator;
  WriteHistory writes;
  initiator.writes = &writes;
  Indexes by_content, by_lba;
  std::string content_key;
  for (int i = 0; i < 2000; ++i) {
    const auto& decision = initiator.write(*set, 9, 1);
    REQUIRE(decision.verdicts.size() == 2);
    content_key = key_text(Key::content, decision.verdicts[0].key_number, initiator.facts);
    if (decision.verdicts[0].outcome == Outcome::fired)
      by_content.push_back(decision.verdicts[0].index);
    if (decision.verdicts[1].outcome == Outcome::fired)
      by_lba.push_back(decision.verdicts[1].index);
  }
  CHECK(predicted(content, 0, 2000, content_key).indexes == by_content);
  CHECK(predicted(lba, 0, 2000, "lba:9").indexes == by_lba);
}

}  // namespace
}  // namespace faultlun::faults::predict_test
