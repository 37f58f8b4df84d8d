#include "daemon/rule_book.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace faultlun::daemon::rule_book_test {
namespace {

using faults::Rule;
using faults::made::rule;
using Kind = RuleError::Kind;

struct Workers final : Publisher {
  void publish(std::shared_ptr<const faults::RuleSet> rules, Done done) override {
    sets.push_back(rules);
    Barrier barrier;
    barrier.epoch = rules->epoch();
    barrier.sessions = {{"iqn.a,1,1", 7, 100 + static_cast<std::uint32_t>(sets.size()), 5}};
    done(std::move(barrier));
  }
  std::vector<std::shared_ptr<const faults::RuleSet>> sets;
};

struct Fixture {
  Workers workers;
  TimePoint now{std::chrono::seconds(1000)};
  RuleBook book{42, now, workers};

  Change put(Rule rule, std::string_view source = kApiSource) {
    return std::get<Change>(book.put(source, std::move(rule), {}, now, {}));
  }
  RuleError refused(Rule rule, std::string_view source = kApiSource,
                    const Precondition& precondition = {}) {
    return std::get<RuleError>(book.put(source, std::move(rule), precondition, now, {}));
  }
  Exhaustion exhausted(std::string_view id, std::uint64_t serial) {
    const UsedUp over[] = {{std::string(id), serial}};
    return book.exhausted(over, now, {}).at(0);
  }
  RuleStatus get(std::string_view id) { return book.get(id).value(); }
  std::vector<std::string> ids() {
    std::vector<std::string> out;
    for (const auto& each : book.list())
      out.push_back(each.rule->id);
    return out;
  }
};
using Ids = std::vector<std::string>;

Rule busy(std::string id) {
  return rule(std::move(id), {faults::made::busy()});
}
Rule after(std::string id, std::string other) {
  auto made = rule(std::move(id));
  made.match.after_fault = faults::AfterFault{std::move(other), std::nullopt, std::nullopt};
  return made;
}

TEST_CASE(
    "the same rule again changes nothing, another one under its ID begins anew in its place") {
  Fixture f;
  const auto first = f.put(rule("a"));
  CHECK(first.created == Ids{"a"});
  CHECK(first.epoch == 1);
  f.put(rule("b"));
  const auto before = f.get("a");
  const auto again = f.put(rule("a"));
  CHECK_FALSE(again.anything());
  CHECK(again.epoch == 2);
  CHECK(again.revision == before.revision);
  CHECK(f.get("a").serial == before.serial);
  const auto other = f.put(busy("a"));
  CHECK(other.replaced == Ids{"a"});
  CHECK(other.revision > before.revision);
  CHECK(f.get("a").serial > before.serial);
  CHECK(f.ids() == Ids{"a", "b"});
  CHECK(f.book.rules()->at(0).rule == busy("a"));
  CHECK(f.book.rules()->at(0).lifetime->first_epoch == 3);
}

TEST_CASE("the barrier comes with every change, also with one that changes nothing") {
  Fixture f;
  std::vector<Barrier> barriers;
  const auto keep = [&](Barrier barrier) { barriers.push_back(std::move(barrier)); };
  f.book.put(kApiSource, rule("a"), {}, f.now, keep);
  f.book.put(kApiSource, rule("a"), {}, f.now, keep);
  REQUIRE(barriers.size() == 2);
  CHECK(barriers[0].epoch == 1);
  CHECK(barriers[1].epoch == 1);
  CHECK(barriers[1].sessions.at(0).cmd_sn == 102);
  CHECK(f.workers.sets.at(0) == f.workers.sets.at(1));
}

TEST_CASE("who is told the barrier may change the book at once, and sets come in order") {
  Fixture f;
  std::vector<std::uint64_t> epochs;
  f.book.put(kApiSource, rule("a"), {}, f.now, [&](const Barrier& barrier) {
    epochs.push_back(barrier.epoch);
    f.book.put(kApiSource, rule("b"), {}, f.now,
               [&](const Barrier& second) { epochs.push_back(second.epoch); });
    CHECK(f.book.list().size() == 2);
  });
  CHECK(epochs == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("threads that change rules at the same time publish every epoch once and in order") {
  Fixture f;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        f.book.put(kApiSource, rule("r" + std::to_string(t) + "-" + std::to_string(i)), {}, f.now,
                   {});
    });
  for (auto& each : threads)
    each.join();
  REQUIRE(f.workers.sets.size() == 200);
  for (std::size_t i = 0; i < 200; ++i)
    CHECK(f.workers.sets[i]->epoch() == i + 1);
  CHECK(f.workers.sets.back()->rules().size() == 200);
}

TEST_CASE("preconditions: If-Match with a revision or any, If-None-Match") {
  Fixture f;
  CHECK(f.refused(rule("a"), kApiSource, Precondition::match_any()).kind ==
        Kind::precondition_failed);
  const auto revision = f.put(rule("a")).revision;
  CHECK(f.refused(busy("a"), kApiSource, Precondition::none_match_any()).kind ==
        Kind::precondition_failed);
  const auto stale = f.refused(busy("a"), kApiSource, Precondition::match(revision + 9));
  CHECK(stale.kind == Kind::precondition_failed);
  CHECK(stale.message.find("read it again") != std::string::npos);
  CHECK(std::holds_alternative<Change>(
      f.book.put(kApiSource, busy("a"), Precondition::match(revision), f.now, {})));
  const auto gone = f.book.remove("a", Precondition::match(revision), f.now, {});
  CHECK(std::get<RuleError>(gone).kind == Kind::precondition_failed);
}

TEST_CASE("what names no rule is told so") {
  Fixture f;
  const Precondition any;
  for (const auto& result :
       {f.book.remove("x", any, f.now, {}), f.book.arm("x", any, f.now, {}),
        f.book.disarm("x", any, f.now, {}), f.book.reset("x", any, f.now, {})}) {
    const auto& error = std::get<RuleError>(result);
    CHECK(error.kind == Kind::not_found);
    CHECK(error.message.find("\"x\"") != std::string::npos);
  }
  CHECK_FALSE(f.book.get("x").has_value());
  CHECK(f.workers.sets.empty());
}

TEST_CASE("a disarmed rule stays and takes part in nothing, armed again it keeps its counters") {
  Fixture f;
  f.put(rule("a"));
  const auto before = f.get("a");
  f.now += std::chrono::seconds(5);
  const auto change = std::get<Change>(f.book.disarm("a", {}, f.now, {}));
  CHECK(change.changed == Ids{"a"});
  CHECK(change.revision > before.revision);
  CHECK(f.book.rules()->ignores_commands());
  CHECK_FALSE(f.get("a").rule->life.armed);
  CHECK_FALSE(std::get<Change>(f.book.disarm("a", {}, f.now, {})).anything());
  CHECK(f.put(rule("a")).changed == Ids{"a"});  // the same but for life.armed
  CHECK(f.get("a").rule->life.armed);
  CHECK(f.get("a").serial == before.serial);
  CHECK(f.get("a").armed_at == f.now);
  CHECK(f.get("a").installed_at == before.installed_at);
  CHECK(f.book.rules()->at(0).armed_at == std::chrono::seconds(5));
  f.now += std::chrono::seconds(5);
  f.book.arm("a", {}, f.now, {});  // armed already: window and cycle start again
  CHECK(f.book.rules()->at(0).armed_at == std::chrono::seconds(10));
  CHECK(f.book.rules()->at(0).lifetime->serial == before.serial);
}

TEST_CASE("reset gives a rule new counters, and what it shows says so") {
  Fixture f;
  f.put(rule("a"));
  f.book.rules()->at(0).lifetime->fired = 3;
  f.book.rules()->at(0).lifetime->matched = 9;
  CHECK(f.get("a").fired == 3);
  CHECK(f.get("a").matched == 9);
  const auto before = f.get("a");
  CHECK(std::get<Change>(f.book.reset("a", {}, f.now, {})).replaced == Ids{"a"});
  CHECK(f.get("a").fired == 0);
  CHECK(f.get("a").serial != before.serial);
  CHECK(f.get("a").revision != before.revision);
  CHECK(f.get("a").rule == before.rule);
}

TEST_CASE("a set is taken whole or not at all, and names the rule that is wrong") {
  Fixture f;
  f.put(rule("a"));
  const auto same = f.get("a").serial;
  const auto error =
      std::get<RuleError>(f.book.replace_all({rule("b"), rule("c"), rule("b")}, f.now, {}));
  CHECK(error.path == "rules[2].id");
  CHECK(error.kind == Kind::invalid);
  CHECK(f.ids() == Ids{"a"});
  CHECK(f.workers.sets.size() == 1);
  const auto change = std::get<Change>(f.book.replace_all({rule("b"), rule("a")}, f.now, {}));
  CHECK(change.created == Ids{"b"});
  CHECK(change.removed.empty());
  CHECK(f.ids() == Ids{"b", "a"});
  CHECK(f.get("a").serial == same);
  CHECK(std::get<Change>(f.book.replace_all({rule("c")}, f.now, {})).removed == Ids{"a", "b"});
  const auto populated =
      std::get<Change>(f.book.populate(kApiSource, {rule("d"), busy("c")}, f.now, {}));
  CHECK(populated.created == Ids{"d"});
  CHECK(populated.replaced == Ids{"c"});
  CHECK(f.ids() == Ids{"c", "d"});
}

TEST_CASE("a rule that waits for another one's fault needs it, in the book or in the same set") {
  Fixture f;
  const auto error = f.refused(after("b", "a"));
  CHECK(error.kind == Kind::invalid);
  CHECK(error.path == "match.after_fault.rule");
  CHECK(error.message.find("\"a\"") != std::string::npos);
  CHECK(std::holds_alternative<Change>(
      f.book.populate(kApiSource, {after("b", "a"), rule("a")}, f.now, {})));
  CHECK(f.put(after("c", "a")).created == Ids{"c"});
  const auto lone = std::get<RuleError>(f.book.replace_all({after("b", "a")}, f.now, {}));
  CHECK(lone.path == "rules[0].match.after_fault.rule");
}

TEST_CASE("an ID belongs to one source, and the refusal says to which") {
  Fixture f;
  f.book.replace_source(kConfigSource, {rule("a")}, f.now, {});
  f.put(rule("s"), scenario_source("flaky"));
  CHECK(f.refused(busy("a")).kind == Kind::conflict);
  CHECK(f.refused(busy("a")).message.find("the loaded file") != std::string::npos);
  CHECK(f.refused(busy("s")).message.find("scenario \"flaky\"") != std::string::npos);
  const auto error = std::get<RuleError>(f.book.replace_all({rule("s")}, f.now, {}));
  CHECK(error.kind == Kind::conflict);
  CHECK(error.path == "rules[0].id");
}

TEST_CASE("one source is swapped whole, unchanged rules keep their lifetime, others stay") {
  Fixture f;
  const auto scenario = scenario_source("s");
  f.book.replace_source(scenario, {rule("s1"), rule("s2")}, f.now, {});
  f.put(rule("api"));
  const auto kept = f.get("s2").serial;
  const auto change =
      std::get<Change>(f.book.replace_source(scenario, {rule("s2"), rule("s3")}, f.now, {}));
  CHECK(change.removed == Ids{"s1"});
  CHECK(change.created == Ids{"s3"});
  CHECK(f.get("s2").serial == kept);
  CHECK(f.ids() == Ids{"api", "s2", "s3"});
  RuleFilter filter;
  filter.source = scenario;
  CHECK(f.book.list(filter).size() == 2);
}

TEST_CASE("reset_all goes back to the file, with counters from zero") {
  Fixture f;
  f.book.replace_source(kConfigSource, {rule("a"), after("b", "a")}, f.now, {});
  const auto serial = f.get("a").serial;
  f.book.remove("b", {}, f.now, {});
  f.book.disarm("a", {}, f.now, {});
  f.put(rule("api"));
  f.put(rule("s"), scenario_source("x"));
  const auto change = f.book.reset_all(f.now, {});
  CHECK(f.ids() == Ids{"a", "b"});
  CHECK(f.get("a").rule->life.armed);
  CHECK(f.get("a").serial > serial);
  CHECK(change.replaced == Ids{"a"});
  CHECK(change.created == Ids{"b"});
  CHECK(change.removed == Ids{"api", "s"});
  CHECK(f.book.clear(f.now, {}).removed == Ids{"a", "b"});
  CHECK(f.book.rules()->rules().empty());
}

TEST_CASE("a listing can ask for owner and tag") {
  Fixture f;
  auto tagged = rule("a");
  tagged.life.owner = "ci";
  tagged.life.tags = {"x", "y"};
  f.put(tagged);
  f.put(rule("b"));
  RuleFilter filter;
  filter.tag = "y";
  CHECK(f.book.list(filter).size() == 1);
  filter.owner = "somebody";
  CHECK(f.book.list(filter).empty());
}

TEST_CASE("ttl: the rule goes when its time is over, counted from when it was put") {
  Fixture f;
  auto short_lived = rule("a");
  short_lived.life.ttl = std::chrono::seconds(10);
  CHECK_FALSE(f.book.next_deadline().has_value());
  f.put(short_lived);
  const auto end = f.now + std::chrono::seconds(10);
  CHECK(f.book.next_deadline() == end);
  f.now += std::chrono::seconds(9);
  f.put(short_lived);
  f.book.reset("a", {}, f.now, {});
  CHECK(f.book.next_deadline() == end);
  CHECK(f.book.expire(end - Duration(1), {}).rules.empty());
  CHECK(f.book.expire(end, {}).rules == Ids{"a"});
  CHECK(f.ids().empty());
  CHECK_FALSE(f.book.next_deadline().has_value());
}

TEST_CASE("a lease that is not kept up takes its rules along") {
  Fixture f;
  auto leased = rule("a");
  leased.life.lease = "ci";
  CHECK(f.refused(leased).path == "life.lease");
  const auto second = std::chrono::seconds(1);
  CHECK_FALSE(f.book.keep_lease("ci", 5 * second, f.now).has_value());
  f.put(leased);
  f.put(rule("b"));
  CHECK(f.book.leases().at(0).rules == 1);
  f.book.keep_lease("ci", 5 * second, f.now + 4 * second);
  CHECK(f.book.next_deadline() == f.now + 9 * second);
  CHECK(f.book.expire(f.now + 8 * second, {}).leases.empty());
  const auto over = f.book.expire(f.now + 9 * second, {});
  CHECK(over.leases == Ids{"ci"});
  CHECK(over.rules == Ids{"a"});
  CHECK(f.ids() == Ids{"b"});
  f.book.keep_lease("ci", second, f.now);
  f.put(leased);
  CHECK(std::get<Change>(f.book.drop_lease("ci", f.now, {})).removed == Ids{"a"});
  CHECK(std::get<RuleError>(f.book.drop_lease("ci", f.now, {})).kind == Kind::not_found);
  CHECK(f.refused(leased, kConfigSource).path == "life.lease");
}

TEST_CASE("leases are so many at most, named, and last neither nothing nor for ever") {
  Fixture f;
  const auto second = std::chrono::seconds(1);
  for (std::size_t i = 0; i < kMaxLeases; ++i)
    REQUIRE_FALSE(f.book.keep_lease("l" + std::to_string(i), second, f.now).has_value());
  CHECK(f.book.keep_lease("one too many", second, f.now)->kind == Kind::limit);
  CHECK_FALSE(f.book.keep_lease("l0", second, f.now).has_value());
  CHECK(f.book.keep_lease("l0", Duration::zero(), f.now)->path == "ttl");
  CHECK(f.book.keep_lease("l0", faults::kMaxDelay + second, f.now)->path == "ttl");
  CHECK(f.book.keep_lease("", second, f.now)->kind == Kind::invalid);
}

TEST_CASE("there are so many rules at most, over all sources, and so many sources") {
  Fixture f;
  std::vector<Rule> many;
  for (std::size_t i = 0; i < faults::kMaxRules; ++i)
    many.push_back(rule("r" + std::to_string(i)));
  REQUIRE(std::holds_alternative<Change>(f.book.replace_source(kConfigSource, many, f.now, {})));
  CHECK(f.refused(rule("more")).kind == Kind::limit);
  CHECK(f.put(busy("r5"), kConfigSource).replaced == Ids{"r5"});
  f.book.clear(f.now, {});
  for (std::size_t i = 2; i < kMaxSources; ++i)
    f.put(rule("r" + std::to_string(i)), scenario_source(std::to_string(i)));
  CHECK(f.refused(rule("more"), scenario_source("more")).kind == Kind::limit);
  f.book.remove("r7", {}, f.now, {});  // the last rule of its source
  CHECK(f.put(rule("more"), scenario_source("more")).created == Ids{"more"});
}

TEST_CASE("exhaustion: disarm and remove are done, states and events handed back, once") {
  Fixture f;
  const auto put = [&](const std::string& id, faults::OnExhaust what, std::string name,
                       std::string_view source) {
    auto made = rule(id);
    made.life.on_exhaust = what;
    made.life.on_exhaust_name = std::move(name);
    f.put(made, source);
    return f.get(id).serial;
  };
  const auto disarm = put("d", faults::OnExhaust::disarm, "", kApiSource);
  const auto remove = put("r", faults::OnExhaust::remove, "", kApiSource);
  const auto emit = put("e", faults::OnExhaust::emit, "bang", kApiSource);
  const auto go = put("g", faults::OnExhaust::go_to, "hung", scenario_source("s"));
  f.exhausted("d", disarm + 100);
  CHECK_FALSE(f.get("d").exhausted);
  f.exhausted("d", disarm);
  CHECK(f.get("d").exhausted);
  CHECK_FALSE(f.get("d").rule->life.armed);
  f.book.arm("d", {}, f.now, {});
  f.exhausted("d", disarm);
  CHECK(f.get("d").rule->life.armed);
  f.exhausted("r", remove);
  CHECK_FALSE(f.book.get("r").has_value());
  CHECK(f.exhausted("e", emit).event == "bang");
  CHECK(f.exhausted("e", emit).event.empty());
  CHECK(f.exhausted("g", go).go_to == "hung");
  f.book.reset("e", {}, f.now, {});
  CHECK_FALSE(f.get("e").exhausted);
  auto lost = rule("lost");
  lost.life.on_exhaust = faults::OnExhaust::go_to;
  lost.life.on_exhaust_name = "hung";
  CHECK(f.refused(lost).path == "life.on_exhaust");
}

}  // namespace
}  // namespace faultlun::daemon::rule_book_test
