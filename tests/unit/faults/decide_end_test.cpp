// How a rule ends: the match that uses it up, and what comes of it in its session.
#include "faults/decide.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::faults::decide_end_test {
namespace {

using made::Epochs;
using made::Initiator;

TEST_CASE("the match that uses a rule up says so: times, nth, a lone burst, repeat, once_per") {
  struct Case {
    const char* what;
    void (*set)(Rule&);
    std::size_t last;  ///< number of the match, from 1
  };
  const Case cases[] = {
      {"times", [](Rule& r) { r.gate.times = 3; }, 3},
      {"nth", [](Rule& r) { r.gate.nth = 4; }, 4},
      {"burst",
       [](Rule& r) {
         r.gate.skip = 1;
         r.gate.burst = 2;
       },
       3},
      {"repeat",
       [](Rule& r) {
         r.gate.burst = 1;
         r.gate.every = 2;
         r.gate.repeat = 2;
       },
       4},
      {"session", [](Rule& r) { r.life.once_per = OncePer::session; }, 1},
      {"run", [](Rule& r) { r.life.once_per = OncePer::run; }, 1},
      {"global",
       [](Rule& r) {
         r.life.global = true;
         r.gate.times = 2;
       },
       2},
  };
  for (const auto& each : cases) {
    CAPTURE(each.what);
    auto subject = made::rule("r");
    each.set(subject);
    Epochs epochs;
    const auto rules = epochs.set({subject});
    Initiator initiator;
    for (std::size_t i = 1; i <= each.last + 2; ++i) {
      const auto& decision = initiator.read(*rules);
      REQUIRE(decision.verdicts.size() == 1);
      CHECK(decision.any_last == (i == each.last));
      CHECK(decision.verdicts[0].last == (i == each.last));
      if (i > each.last) CHECK(initiator.outcome() == Outcome::exhausted);
    }
  }
}

TEST_CASE("a rule that ends itself takes no part in its session from then on, until armed anew") {
  for (const auto on_exhaust : {OnExhaust::disarm, OnExhaust::remove, OnExhaust::go_to}) {
    auto subject = made::rule("r");
    subject.gate.times = 2;
    subject.life.on_exhaust = on_exhaust;
    Epochs epochs;
    const auto rules = epochs.set({subject});
    Initiator one, other;
    one.read(*rules);
    CHECK(one.read(*rules).any_last);
    const auto hash = one.state.hash;
    CHECK(one.read(*rules).quiet());
    CHECK(one.state.hash == hash);  // whenever the set without it comes
    CHECK(other.read(*rules).strikes.size() == 1);
    const auto lifetime = rules->at(0).lifetime;
    const RuleSet armed_anew({{subject, lifetime, Time(77)}}, 2, 42);
    CHECK_FALSE(one.read(armed_anew).quiet());
    CHECK(one.outcome() == Outcome::exhausted);
  }
}

}  // namespace
}  // namespace faultlun::faults::decide_end_test
