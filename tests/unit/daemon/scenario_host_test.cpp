// The part of a host that the rule book does, on a book of its own.
#include "daemon/scenario_host.hpp"

#include "tests/unit/daemon/fake_scenario_host.hpp"

namespace scenario_host_test {

using namespace faultlun;
using namespace faultlun::daemon;
using Do = faults::ChangeRule::Do;

namespace {

class NoPublisher final : public Publisher {
 public:
  void publish(std::shared_ptr<const faults::RuleSet> rules, Done done) override {
    done({rules->epoch(), {}});
  }
};

/// All but the rules is of no interest.
class BookHost final : public RuleBookHost {
 public:
  using RuleBookHost::RuleBookHost;
  std::string change_unit(const faults::ChangeUnit&, faults::Time) override { return {}; }
  void release_held(const std::string&) override {}
  void catch_up(faults::Time) override {}
  void note_mark(const std::string&, faults::Time) override {}
  void note_event(const std::string&, faults::Time) override {}
  void note_state(const std::string&, const std::string&, faults::Time) override {}
  std::vector<faults::SessionUp> sessions() const override { return {}; }
};

struct Bench {
  NoPublisher publisher;
  RuleBook book{42, TimePoint{}, publisher};
  BookHost host{book, [] { return TimePoint{} + std::chrono::seconds(1); }};

  static faults::Rule rule(const std::string& id) {
    faults::Rule made;
    made.id = id;
    made.observe = true;
    return made;
  }
  std::vector<std::string> ids(const std::string& source) const {
    std::vector<std::string> out;
    for (const auto& each : book.list({.owner = {}, .tag = {}, .source = source}))
      out.push_back(each.rule->id);
    return out;
  }
};
using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("rules of a scenario become a source of their own, and go with an empty list") {
  Bench b;
  CHECK(b.host.put_rules("s", {Bench::rule("a"), Bench::rule("b")}) == "");
  CHECK(b.ids("scenario:s") == Ids{"a", "b"});
  CHECK(b.host.put_rules("s", {Bench::rule("b")}) == "");
  CHECK(b.ids("scenario:s") == Ids{"b"});
  CHECK(b.host.put_rules("s", {}) == "");
  CHECK(b.ids("scenario:s") == Ids{});
}

TEST_CASE("a rule whose ID is taken refuses all of them, with the reason") {
  Bench b;
  b.book.put(kApiSource, Bench::rule("taken"), {}, {}, {});
  const auto why = b.host.put_rules("s", {Bench::rule("fine"), Bench::rule("taken")});
  CHECK(why.find("taken") != std::string::npos);
  CHECK(b.ids("scenario:s") == Ids{});
}

TEST_CASE("rules that are there are found with what they say, armed, disarmed and reset") {
  Bench b;
  auto tail = Bench::rule("tail");
  tail.life.must_fire = false;
  b.book.put(kApiSource, tail, {}, {}, {});
  b.book.put(kApiSource, Bench::rule("other"), {}, {}, {});
  REQUIRE(b.host.find_rule("tail").has_value());
  CHECK(b.host.find_rule("tail")->armed);
  CHECK_FALSE(b.host.find_rule("tail")->must_fire);
  CHECK(b.host.find_rule("other")->must_fire);
  CHECK_FALSE(b.host.find_rule("nobody").has_value());
  CHECK(b.host.change_rule({Do::disarm, "tail"}) == "");
  CHECK_FALSE(b.host.find_rule("tail")->armed);
  CHECK(b.host.change_rule({Do::arm, "tail"}) == "");
  CHECK(b.host.find_rule("tail")->armed);
  const auto serial = b.book.get("tail")->serial;
  CHECK(b.host.change_rule({Do::reset, "tail"}) == "");
  CHECK(b.book.get("tail")->serial > serial);
  for (const auto what : {Do::arm, Do::disarm, Do::reset})
    CHECK(b.host.change_rule({what, "nobody"}).find("nobody") != std::string::npos);
}

}  // namespace scenario_host_test
