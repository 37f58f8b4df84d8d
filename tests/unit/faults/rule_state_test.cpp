#include "faults/rule_state.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::rule_state_test {
namespace {

TEST_CASE("tries: afresh unless the last one failed") {
  Attempts attempts;
  const auto is = [](const Attempts::Try& each, std::uint64_t fresh, std::uint32_t attempt) {
    return each.fresh == fresh && each.attempt == attempt;
  };
  CHECK(is(attempts.begin(7), 0, 1));
  CHECK(is(attempts.begin(7), 1, 1));
  attempts.failed(7);
  CHECK(is(attempts.begin(7), 1, 2));
  CHECK(is(attempts.look(7), 1, 2));
  attempts.failed(7);
  CHECK(is(attempts.begin(7), 1, 3));
  CHECK(is(attempts.begin(7), 2, 1));
  CHECK(is(attempts.begin(8), 0, 1));
  attempts.failed(9);
  CHECK(is(attempts.look(9), 0, 1));
  CHECK(attempts.tracked() == 2);
}

TEST_CASE("so many contents are tracked at most, the oldest is forgotten") {
  Attempts attempts;
  for (std::uint64_t i = 0; i <= Attempts::kMaxTracked; ++i)
    attempts.begin(i);
  CHECK(attempts.tracked() == Attempts::kMaxTracked);
  CHECK(attempts.begin(1).fresh == 1);
  CHECK(attempts.begin(0).fresh == 0);
}

TEST_CASE("a set in force keeps the counters of its rules, and forgets those of others") {
  made::Epochs epochs;
  RuleState state;
  const auto both = epochs.set({made::rule("a"), made::rule("b")});
  state.counter(*both, 0).matches = 5;
  state.counter(*both, 1).matches = 6;
  CHECK(state.look(*both, 0)->matches == 5);
  const auto moved = epochs.set({made::rule("c"), made::rule("b")});
  CHECK(state.counter(*moved, 1).matches == 6);
  CHECK(state.look(*moved, 0) == nullptr);
  CHECK(state.find(1) == nullptr);
  CHECK(state.find(2)->matches == 6);
}

TEST_CASE("the hash tells order and words apart") {
  DecisionHash one, other;
  one.add(1), one.add(2);
  other.add(2), other.add(1);
  CHECK_FALSE((one == other));
}

}  // namespace
}  // namespace faultlun::faults::rule_state_test
