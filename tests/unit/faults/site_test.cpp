#include "faults/site.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::site_test {
namespace {

TEST_CASE(
    "every site has a name of its own that finds it, and is decided at a point that decides") {
  std::set<std::string_view> names;
  for (const auto& row : site_table()) {
    CAPTURE(row.name);
    names.insert(row.name);
    CHECK(find_site(row.name) == row.site);
    CHECK(name_of(row.site) == row.name);
    CHECK_FALSE(row.meaning.empty());
    CHECK(site_table()[static_cast<std::size_t>(row.decided_at)].decided_at == row.decided_at);
  }
  CHECK(names.size() == site_table().size());
  CHECK_FALSE(find_site("cmd.nothing").has_value());
}

}  // namespace
}  // namespace faultlun::faults::site_test
