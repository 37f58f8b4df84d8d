#include "config/keys.hpp"
#include "config/rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace rule_keys_test {

using namespace faultlun;
using namespace faultlun::config;

TEST_CASE("the keys of a match are the clauses that the engine knows, in its order") {
  std::vector<std::string_view> keys, clauses;
  for (const Key& key : shape("match").keys)
    keys.push_back(key.name);
  for (const auto& row : faults::clause_table())
    clauses.push_back(row.name);
  CHECK(keys == clauses);
}

TEST_CASE("no two objects have the same name and no object has a key twice") {
  std::set<std::string_view> names;
  for (const auto list : {shapes(), rule_shapes()})
    for (const Shape& each : list) {
      CHECK(names.insert(each.name).second);
      CHECK(&shape(each.name) == &each);
      std::set<std::string_view> keys;
      for (const Key& key : each.keys) {
        CHECK(keys.insert(key.name).second);
        CHECK_FALSE(key.meaning.empty());
        CHECK(key.required == key.fallback.empty());
      }
    }
}

}  // namespace rule_keys_test
