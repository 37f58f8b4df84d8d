#include "daemon/book_keeper.hpp"

#include "tests/sim/sim_world.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::daemon::book_keeper_test {
namespace {

using namespace std::chrono_literals;
using faults::OnExhaust;
using faults::made::rule;

struct Workers final : Publisher {
  void publish(std::shared_ptr<const faults::RuleSet> rules, Done done) override {
    last = std::move(rules);
    ++sets;
    done(Barrier{last->epoch(), {}});
  }
  std::shared_ptr<const faults::RuleSet> last;
  int sets = 0;
};

struct Fixture {
  sim::ManualLoop loop;
  Workers workers;
  RuleBook book{42, loop.now(), workers};
  UsedUpRules used_up;
  BookKeeper keeper{loop, book, used_up};

  void run() {
    while (loop.run_some()) {
    }
  }
  void advance(Duration by) {
    loop.advance(by);
    run();
  }
  void put(faults::Rule rule, std::string_view source = kApiSource) {
    REQUIRE(std::holds_alternative<Change>(book.put(source, std::move(rule), {}, loop.now(), {})));
    run();
  }
  bool has(std::string_view id) const { return book.get(id).has_value(); }
};

faults::Rule with_ttl(std::string id, Duration ttl) {
  auto made = rule(std::move(id));
  made.life.ttl = ttl;
  return made;
}
faults::Rule once(std::string id, OnExhaust what, std::string name = "") {
  auto made = rule(std::move(id));
  made.gate.times = 1;
  made.life.on_exhaust = what;
  made.life.on_exhaust_name = std::move(name);
  return made;
}

TEST_CASE("without leases and ttl there is no timer") {
  Fixture f;
  f.put(rule("a"));
  CHECK_FALSE(f.loop.next_deadline().has_value());
}

TEST_CASE("a rule goes exactly when its ttl is over, and the timer follows the nearest") {
  Fixture f;
  f.put(with_ttl("late", 10s));
  CHECK(f.loop.next_deadline() == f.loop.now() + 10s);
  f.put(with_ttl("soon", 2s));
  CHECK(f.loop.next_deadline() == f.loop.now() + 2s);
  f.advance(2s - 1ns);
  CHECK(f.has("soon"));
  f.advance(1ns);
  CHECK_FALSE(f.has("soon"));
  CHECK(f.loop.next_deadline() == f.loop.now() + 8s);
  f.advance(8s);
  CHECK_FALSE(f.has("late"));
  CHECK_FALSE(f.loop.next_deadline().has_value());
}

TEST_CASE("a lease that is kept up lives on, and its rules go with it when nobody does") {
  Fixture f;
  CHECK_FALSE(f.book.keep_lease("me", 3s, f.loop.now()).has_value());
  auto mine = rule("mine");
  mine.life.lease = "me";
  f.put(mine);
  f.advance(2s);
  CHECK_FALSE(f.book.keep_lease("me", 3s, f.loop.now()).has_value());
  f.advance(1s);  // the timer of the first one
  CHECK(f.has("mine"));
  CHECK(f.loop.next_deadline() == f.loop.now() + 2s);
  f.advance(2s);
  CHECK_FALSE(f.has("mine"));
  CHECK(f.book.leases().empty());
  CHECK_FALSE(f.loop.next_deadline().has_value());
}

TEST_CASE("a rule that is used up is disarmed or removed by a new set, and told of once") {
  Fixture f;
  std::vector<std::string> told;
  f.keeper.set_on_exhausted([&](std::string_view id, const Exhaustion& asked) {
    told.push_back(std::string(id) + " " + asked.event + asked.go_to);
  });
  f.put(once("d", OnExhaust::disarm));
  f.put(once("r", OnExhaust::remove));
  f.put(once("e", OnExhaust::emit, "bang"));
  f.put(once("n", OnExhaust::nothing));
  f.put(once("g", OnExhaust::go_to, "hung"), scenario_source("s"));
  const auto sets = f.workers.sets;
  const auto epoch = f.book.rules()->epoch();
  faults::made::Initiator one, two;
  for (auto* initiator : {&one, &two})
    f.used_up.note(initiator->read(*f.workers.last));
  f.run();
  CHECK(told == std::vector<std::string>{"d ", "r ", "e bang", "n ", "g hung"});
  CHECK_FALSE(f.book.get("d")->rule->life.armed);
  CHECK_FALSE(f.has("r"));
  CHECK(f.book.get("n")->rule->life.armed);
  CHECK(f.book.get("n")->exhausted);
  CHECK(f.workers.sets == sets + 1);  // one set for all of them
  CHECK(f.book.rules()->epoch() == epoch + 1);
}

TEST_CASE("a rule that was replaced before its exhaustion was heard of keeps its new lifetime") {
  Fixture f;
  f.put(once("d", OnExhaust::disarm));
  faults::made::Initiator initiator;
  f.used_up.note(initiator.read(*f.workers.last));
  auto other = once("d", OnExhaust::disarm);
  other.note = "another";
  f.put(other);
  f.run();
  CHECK(f.book.get("d")->rule->life.armed);
  CHECK_FALSE(f.book.get("d")->exhausted);
}

TEST_CASE("rules that are used up wait in a queue of limited length, and no lifetime is lost") {
  UsedUpRules queue;
  int woken = 0;
  queue.set_wake([&] { ++woken; });
  faults::made::Epochs epochs;
  const auto set = epochs.set({once("last", OnExhaust::remove)});
  faults::Decision decision;
  decision.verdicts.push_back({.rule = &set->at(0), .last = true});
  std::vector<std::shared_ptr<faults::InstalledRule>> others;
  for (std::size_t i = 0; i < UsedUpRules::kMost; ++i) {
    others.push_back(std::make_shared<faults::InstalledRule>(set->at(0)));
    others.back()->lifetime = std::make_shared<faults::RuleLifetime>();
    faults::Decision one;
    one.verdicts.push_back({.rule = others.back().get(), .last = true});
    queue.note(one);
  }
  queue.note(decision);  // no room
  CHECK(queue.take().size() == UsedUpRules::kMost);
  CHECK(woken == 1);
  queue.note(decision);
  queue.note(decision);
  CHECK(queue.take().size() == 1);
  CHECK(woken == 2);
}

}  // namespace
}  // namespace faultlun::daemon::book_keeper_test
