#include "daemon/rule_names.hpp"

#include <doctest/doctest.h>

namespace rule_names_test {

using namespace faultlun;
using daemon::RuleNames;

namespace {

faults::RuleSet::Entry entry(std::string id, std::uint64_t serial) {
  faults::RuleSet::Entry made;
  made.rule.id = std::move(id);
  made.lifetime = std::make_shared<faults::RuleLifetime>();
  made.lifetime->serial = serial;
  return made;
}

}  // namespace

TEST_CASE("rules are found by serial while they are there and after they have gone") {
  RuleNames names;
  names.publish(faults::RuleSet({entry("busy", 1), entry("slow", 2)}, 1, 0));
  CHECK(names.id_of(1) == "busy");
  CHECK(names.gone() == 0);
  names.publish(faults::RuleSet({entry("slow", 2), entry("busy", 3)}, 2, 0));
  CHECK(names.id_of(1) == "busy");
  CHECK(names.id_of(2) == "slow");
  CHECK(names.id_of(3) == "busy");
  CHECK(names.gone() == 1);
  CHECK(names.find(4) == nullptr);
  CHECK(names.id_of(4).empty());
}

TEST_CASE("a rule that has gone lets go of its counters") {
  RuleNames names;
  std::weak_ptr<faults::RuleLifetime> lifetime;
  {
    auto made = entry("busy", 1);
    lifetime = made.lifetime;
    std::vector<faults::RuleSet::Entry> entries;
    entries.push_back(std::move(made));
    names.publish(faults::RuleSet(std::move(entries), 1, 0));
  }
  CHECK_FALSE(lifetime.expired());
  names.publish(faults::RuleSet());
  CHECK(lifetime.expired());
  CHECK(names.id_of(1) == "busy");
}

TEST_CASE(
    "of the rules that have gone the oldest are forgotten at the limit, those in force never") {
  RuleNames names;
  names.publish(faults::RuleSet({entry("old", 1), entry("here", 2)}, 1, 0));
  std::vector<faults::RuleSet::Entry> many;
  many.push_back(entry("here", 2));
  for (std::uint64_t serial = 3; many.size() <= RuleNames::kMaxGone; ++serial)
    many.push_back(entry("r", serial));
  names.publish(faults::RuleSet(std::move(many), 2, 0));
  CHECK(names.id_of(1) == "old");
  names.publish(faults::RuleSet({entry("here", 2)}, 3, 0));
  CHECK(names.gone() == RuleNames::kMaxGone);
  CHECK(names.id_of(1).empty());
  CHECK(names.id_of(2) == "here");
}

}  // namespace rule_names_test
