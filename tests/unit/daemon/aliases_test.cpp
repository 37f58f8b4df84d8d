#include "daemon/aliases.hpp"

#include <doctest/doctest.h>

namespace aliases_test {

using namespace faultlun;
using daemon::AliasTable;

namespace {

faults::SessionFacts session(std::string initiator, std::string target = "iqn.t") {
  faults::SessionFacts facts;
  facts.initiator = std::move(initiator);
  facts.isid = "400001370000";
  facts.target = std::move(target);
  return facts;
}

AliasTable::Record record(std::string alias, std::uint64_t word, std::string target = "iqn.t") {
  AliasTable::Record made{std::move(alias), std::move(target), 1, {}};
  made.hash.add(word);
  made.hash.count = 1;
  return made;
}

}  // namespace

TEST_CASE("logins of one port to one target are counted from 1, those to another target apart") {
  AliasTable table;
  auto first = session("iqn.a"), again = session("iqn.a"), other = session("iqn.a", "iqn.u");
  const auto number = table.enter(first);
  CHECK(table.enter(again) != number);
  table.enter(other);
  CHECK(first.ordinal == 1);
  CHECK(again.ordinal == 2);
  CHECK(other.ordinal == 1);
  CHECK(table.find(number).alias == "iqn.a,400001370000,1");
  CHECK(table.find(number).target == "iqn.t");
  CHECK(table.find(number + 99).alias.empty());
}

TEST_CASE("after clear() the ordinals begin again and no record is left") {
  AliasTable table;
  auto facts = session("iqn.a");
  table.enter(facts);
  table.leave(facts, faults::RuleState());
  CHECK(table.records().size() == 1);
  table.clear();
  CHECK(table.records().empty());
  table.enter(facts);
  CHECK(facts.ordinal == 1);
}

TEST_CASE("sessions live from their begin to their end, with the name of their initiator") {
  AliasTable table;
  auto one = session("iqn.a"), two = session("iqn.b");
  const auto first = table.enter(one), second = table.enter(two);
  CHECK(table.living() ==
        std::map<std::uint32_t, std::string>{{first, "iqn.a"}, {second, "iqn.b"}});
  table.leave(one, faults::RuleState(), first);
  table.clear();  // those that live go on
  CHECK(table.living() == std::map<std::uint32_t, std::string>{{second, "iqn.b"}});
}

TEST_CASE("records are kept up to their limit") {
  AliasTable table;
  auto facts = session("iqn.a");
  for (std::size_t i = 0; i <= AliasTable::kMaxRecords; ++i) {
    facts.ordinal = static_cast<std::uint32_t>(i);
    table.leave(facts, faults::RuleState());
  }
  CHECK(table.records().size() == AliasTable::kMaxRecords);
  CHECK(table.records().front().alias == "iqn.a,400001370000,1");
}

TEST_CASE("the combined hash depends on what was decided, not on the order of the sessions") {
  const auto a = record("a", 1), b = record("b", 2), twin = record("a", 3);
  CHECK(daemon::combined({a, b, twin}) == daemon::combined({twin, b, a}));
  CHECK(daemon::combined({a, b}) != daemon::combined({a, record("b", 3)}));
  CHECK(daemon::combined({a, b}) != daemon::combined({record("b", 1), record("a", 2)}));
  CHECK(daemon::combined({a}) != daemon::combined({record("a", 1, "iqn.u")}));
  CHECK(daemon::combined({a, b}).count == 2);
}

TEST_CASE("sessions about which nothing was decided do not count") {
  CHECK(daemon::combined({record("a", 1), AliasTable::Record{"b", "iqn.t", 7, {}}}) ==
        daemon::combined({record("a", 1)}));
}

}  // namespace aliases_test
