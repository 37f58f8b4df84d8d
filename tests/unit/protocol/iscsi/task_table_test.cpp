#include "protocol/iscsi/task_table.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace faultlun::iscsi::task_table_test {
namespace {

TEST_CASE("an empty table finds nothing") {
  TaskTable table;
  CHECK(table.find(0) == nullptr);
  CHECK(table.find(7) == nullptr);
  CHECK(table.empty());
}

TEST_CASE("a task is found by its tag until it is released") {
  TaskTable table;
  Task& task = table.add(0);
  CHECK(table.find(0) == &task);
  table.release(task);
  CHECK(table.find(0) == nullptr);
  CHECK(table.empty());
}

TEST_CASE("a forgotten tag may be used again while its task lives on") {
  TaskTable table;
  Task& old = table.add(5);
  table.forget_tag(old);
  CHECK(table.find(5) == nullptr);
  Task& young = table.add(5);
  CHECK(table.find(5) == &young);
  table.release(old);
  CHECK(table.find(5) == &young);
  CHECK(table.size() == 1);
}

TEST_CASE("a released task comes back fresh") {
  TaskTable table;
  Task& task = table.add(1);
  task.aborted = true;
  task.transfer.received = 99;
  table.release(task);
  Task& again = table.add(2);
  CHECK(!again.aborted);
  CHECK(again.transfer.received == 0);
  CHECK(again.initiator_task_tag == 2);
}

TEST_CASE("tasks do not move while others come and go") {
  TaskTable table;
  Task& first = table.add(0);
  for (std::uint32_t tag = 1; tag < 1000; ++tag)
    table.add(tag);
  CHECK(table.find(0) == &first);
  CHECK(table.size() == 1000);
}

TEST_CASE("sixteen thousand tasks fit and an empty table gives the memory back") {
  TaskTable table;
  for (std::uint32_t tag = 0; tag < 16384; ++tag)
    table.add(tag * 64);
  std::size_t visited = 0;
  table.for_each([&](const Task&) { ++visited; });
  CHECK(visited == 16384);
  CHECK(table.memory() < 16384 * (sizeof(Task) + 24));
  for (std::uint32_t tag = 0; tag < 16384; ++tag)
    table.release(*table.find(tag * 64));
  CHECK(table.empty());
  CHECK(table.memory() < 3000);
  CHECK(table.add(3).initiator_task_tag == 3);
}

TEST_CASE("any mixture of calls agrees with a map") {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    TaskTable table;
    std::map<std::uint32_t, Task*> model;
    const std::uint32_t tags = seed % 2 == 0 ? 50 : 5000;
    const std::uint32_t stride = seed % 3 == 0 ? 0x10000 : 1;  // tags that collide in a weak index
    for (int step = 0; step < 4000; ++step) {
      const std::uint32_t tag = static_cast<std::uint32_t>(random()) % tags * stride;
      const auto found = model.find(tag);
      REQUIRE(table.find(tag) == (found == model.end() ? nullptr : found->second));
      if (found == model.end()) {
        model[tag] = &table.add(tag);
      } else if (random() % 2 == 0) {
        table.release(*found->second);
        model.erase(found);
      }
      REQUIRE(table.size() == model.size());
    }
  }
}

}  // namespace
}  // namespace faultlun::iscsi::task_table_test
