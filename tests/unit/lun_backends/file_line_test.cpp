#include "lun_backends/file_line.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

namespace file_line_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

Bytes page(4096);

}  // namespace

TEST_CASE("a queue of operations is first in, first out, and can be moved as a whole") {
  std::vector<Operation> operations(5);
  OperationQueue first;
  OperationQueue second;
  first.append(second);
  CHECK(first.empty());
  first.push(operations[0]);
  second.push(operations[1]);
  second.push(operations[2]);
  first.append(second);
  CHECK(second.empty());
  second.push(operations[3]);
  first.append(second);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(first.front() == &operations[static_cast<std::size_t>(i)]);
    first.pop();
  }
  CHECK(first.empty());
  first.push(operations[4]);
  CHECK(first.front() == &operations[4]);
}

TEST_CASE("operations apart from each other run together") {
  FileLine line;
  Operation a = writing(0, page);
  Operation b = writing(4096, page);
  Operation c = discarding(8192, 4096);
  for (auto* operation : {&a, &b, &c})
    line.join(*operation);
  CHECK(line.take() == &a);
  CHECK(line.take() == &b);
  CHECK(line.take() == &c);
  CHECK(line.take() == nullptr);
}

TEST_CASE("reads of the same place run together") {
  FileLine line;
  Operation a = reading(0, page);
  Operation b = reading(512, page);
  line.join(a);
  line.join(b);
  CHECK(line.take() == &a);
  CHECK(line.take() == &b);
}

TEST_CASE("an operation that overlaps a running one waits, and those behind it wait too") {
  FileLine line;
  Operation write = writing(4096, page);
  Operation read = reading(8191, page);
  Operation elsewhere = reading(1u << 20, page);
  for (auto* operation : {&write, &read, &elsewhere})
    line.join(*operation);
  CHECK(line.take() == &write);
  CHECK_FALSE(line.may_take());
  CHECK(line.take() == nullptr);
  line.leave(write);
  CHECK(line.take() == &read);
  CHECK(line.take() == &elsewhere);
  line.leave(elsewhere);
  line.leave(read);
  CHECK(line.is_empty());
}

TEST_CASE("a write waits for a read of the same place, a discard for both") {
  FileLine line;
  Operation read = reading(0, page);
  Operation write = writing(0, page);
  Operation discard = discarding(0, 1u << 20);
  for (auto* operation : {&read, &write, &discard})
    line.join(*operation);
  CHECK(line.take() == &read);
  CHECK(line.take() == nullptr);
  line.leave(read);
  CHECK(line.take() == &write);
  CHECK(line.take() == nullptr);
  line.leave(write);
  CHECK(line.take() == &discard);
}

TEST_CASE("a flush concerns no range and waits for nobody") {
  FileLine line;
  Operation write = writing(0, page);
  Operation flush;
  flush.kind = Operation::Kind::flush;
  line.join(write);
  line.join(flush);
  CHECK(line.take() == &write);
  CHECK(line.take() == &flush);
}

TEST_CASE("neighbours at the far end of the address range do not seem to overlap") {
  FileLine line;
  const std::uint64_t end = (std::uint64_t{1} << 63) - 4096;
  Operation a = writing(end - 4096, page);
  Operation b = writing(end, page);
  line.join(a);
  line.join(b);
  CHECK(line.take() == &a);
  CHECK(line.take() == &b);
}

TEST_CASE("no more than kMaxRunning run at once, the rest keep their order") {
  FileLine line;
  std::vector<Operation> operations(FileLine::kMaxRunning + 40);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    operations[i] = writing(i * 4096, page);
    line.join(operations[i]);
  }
  for (std::size_t i = 0; i < FileLine::kMaxRunning; ++i)
    REQUIRE(line.take() == &operations[i]);
  CHECK(line.take() == nullptr);
  line.leave(operations[50]);
  CHECK(line.take() == &operations[FileLine::kMaxRunning]);
  CHECK(line.take() == nullptr);
}

TEST_CASE("whatever the order in which operations end, overlapping ones never run together") {
  Dice dice(11);
  FileLine line;
  std::vector<Operation> operations(3000);
  std::vector<Operation*> running;
  std::size_t started = 0;
  for (std::size_t joined = 0; started < operations.size() || !running.empty();) {
    if (joined < operations.size() && dice.one_in(2)) {
      Operation& next = operations[joined++];
      const auto length = std::span(page).first(512 * (1 + dice.below(8)));
      const std::uint64_t offset = 512 * dice.below(200);
      next = dice.one_in(2) ? reading(offset, length) : writing(offset, length);
      line.join(next);
    }
    if (Operation* next = line.take()) {
      REQUIRE(next == &operations[started++]);
      const std::uint64_t end = next->offset_bytes + std::max(next->into.size(), next->from.size());
      for (const Operation* other : running) {
        const std::uint64_t other_end =
            other->offset_bytes + std::max(other->into.size(), other->from.size());
        const bool overlap = next->offset_bytes < other_end && other->offset_bytes < end;
        const bool both_read = next->from.empty() && other->from.empty();
        REQUIRE_FALSE((overlap && !both_read));
      }
      running.push_back(next);
    } else if (!running.empty()) {
      const std::size_t which = dice.below(running.size());
      line.leave(*running[which]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  CHECK(line.is_empty());
}

}  // namespace file_line_test
