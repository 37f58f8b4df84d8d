#include "protocol/scsi/logical_unit.hpp"

#include <doctest/doctest.h>

namespace task_management_test {

using namespace faultlun::scsi;

TEST_CASE("the table has the functions 1 to 12 in order") {
  std::uint8_t expected = 1;
  for (const auto& row : task_management_table())
    CHECK(row.function == expected++);
  CHECK(expected == 13);
}

TEST_CASE("CLEAR ACA and TASK REASSIGN are not supported, everything else is") {
  for (const auto& row : task_management_table()) {
    CHECK_MESSAGE(row.supported == (row.function != 3 && row.function != 8), row.name);
  }
}

TEST_CASE("A10.16 the functions of RFC 7144 want protocol level 2") {
  for (const auto& row : task_management_table()) {
    CHECK_MESSAGE(row.least_protocol_level == (row.function >= 9 ? 2 : 1), row.name);
  }
}

}  // namespace task_management_test
