#include "daemon/name_table.hpp"

#include <doctest/doctest.h>

namespace name_table_test {

using faultlun::daemon::NameTable;

TEST_CASE("a name is found by its number and a name given twice has two") {
  NameTable table;
  const auto first = table.add("start"), other = table.add("end"), again = table.add("start");
  CHECK(first != again);
  CHECK(table.find(first) == "start");
  CHECK(table.find(other) == "end");
  CHECK(table.number_of("start") == again);
  CHECK(table.number_of("never") == std::nullopt);
  CHECK(table.find(0) == std::nullopt);
  CHECK(table.find(again + 1) == std::nullopt);
}

TEST_CASE("the oldest names are forgotten at the limit") {
  NameTable table;
  const auto first = table.add("first"), second = table.add("second");
  for (std::size_t i = 2; i < NameTable::kMaxNames; ++i)
    table.add("more");
  CHECK(table.find(first) == "first");
  const auto last = table.add("one too many");
  CHECK(table.find(first) == std::nullopt);
  CHECK(table.find(second) == "second");
  CHECK(table.find(last) == "one too many");
}

TEST_CASE("a name that is too long is cut") {
  NameTable table;
  const auto number = table.add(std::string(NameTable::kMaxNameBytes + 1, 'x'));
  CHECK(table.find(number)->size() == NameTable::kMaxNameBytes);
}

}  // namespace name_table_test
