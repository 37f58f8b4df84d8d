#include "faults/fault_table.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::fault_table_test {
namespace {

TEST_CASE("every fault has an ID of its own that finds it, and nothing else does") {
  std::set<std::string_view> ids;
  for (const auto& row : fault_table()) {
    CAPTURE(row.id);
    CHECK(ids.insert(row.id).second);
    CHECK(find_fault(row.id) == &row);
    CHECK((row.build != nullptr));
  }
  CHECK(find_fault("no.such_fault") == nullptr);
  CHECK(find_fault("") == nullptr);
}

TEST_CASE("answers, silence and drops end a list, delays and lies do not") {
  CHECK(is_terminal(Answer()));
  CHECK(is_terminal(MediumError()));
  CHECK(is_terminal(Silence()));
  CHECK(is_terminal(Drop()));
  CHECK(is_terminal(Absent()));
  CHECK_FALSE(is_terminal(Delay()));
  CHECK_FALSE(is_terminal(DataFault()));
  CHECK_FALSE(is_terminal(Attention()));
  CHECK_FALSE(is_terminal(TaskManagementFault()));
}

}  // namespace
}  // namespace faultlun::faults::fault_table_test
