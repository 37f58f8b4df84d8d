#include "faults/write_history.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <array>

namespace faultlun::faults::write_history_test {
namespace {

using State = WriteHistory::State;

TEST_CASE("blocks count their writes and remember the epoch of the last") {
  WriteHistory history;
  CHECK((history.at(5) == State{0, 0}));
  history.note_write(2, 4, 7);
  history.note_write(4, 4, 9);
  history.note_write(0, 0, 99);
  CHECK((history.at(1) == State{0, 0}));
  CHECK((history.at(2) == State{1, 7}));
  CHECK((history.at(5) == State{2, 9}));
  CHECK((history.at(7) == State{1, 9}));
  CHECK((history.at(8) == State{0, 0}));
}

TEST_CASE("the first block that was, or was not, written since an epoch") {
  WriteHistory history;
  history.note_write(10, 10, 5);
  CHECK(history.first_unwritten(10, 30, 5) == 20);
  CHECK(history.first_unwritten(10, 19, 5) == 20);
  CHECK(history.first_unwritten(10, 19, 6) == 10);
  CHECK(history.first_unwritten(3, 30, 0) == 3);
  CHECK(history.first_written(3, 30, 5) == 10);
  CHECK(history.first_written(12, 30, 5) == 12);
  CHECK_FALSE(history.first_written(3, 9, 5).has_value());
  CHECK_FALSE(history.first_written(3, 30, 6).has_value());
}

TEST_CASE("writes may reach the end of what 64 bits can say") {
  WriteHistory history;
  history.note_write(UINT64_MAX - 1, 50, 1);
  CHECK(history.at(UINT64_MAX).writes == 1);
  CHECK(history.first_written(0, UINT64_MAX, 1) == UINT64_MAX - 1);
  history.note_write(0, UINT64_MAX, 1);
  CHECK(history.at(0).writes == 1);
}

TEST_CASE("random writes: the same as an array of blocks, and neighbours that are equal are one") {
  constexpr std::size_t kBlocks = 64;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    made::Dice dice(seed);
    WriteHistory history;
    std::array<State, kBlocks> blocks{};
    for (int i = 0; i < 200; ++i) {
      const auto lba = dice.below(kBlocks), length = dice.below(kBlocks - lba + 1);
      const auto epoch = 1 + static_cast<std::uint64_t>(i) / 20;
      history.note_write(lba, length, epoch);
      for (auto at = lba; at < lba + length; ++at)
        ++blocks[at].writes, blocks[at].last_epoch = epoch;
      std::size_t runs = 1;
      for (std::size_t at = 0; at < kBlocks; ++at) {
        REQUIRE((history.at(at) == blocks[at]));
        runs += at != 0 && !(blocks[at] == blocks[at - 1]) ? 1U : 0U;
      }
      REQUIRE(history.stretches() <= runs + 2);
      const auto from = dice.below(kBlocks), to = from + dice.below(kBlocks - from);
      const auto since = dice.below(12);
      std::optional<std::uint64_t> written;
      auto unwritten = to + 1;
      for (auto at = to + 1; at-- > from;) {
        const bool is_written = blocks[at].writes != 0 && blocks[at].last_epoch >= since;
        if (is_written) written = at;
        if (!is_written) unwritten = at;
      }
      REQUIRE(history.first_written(from, to, since) == written);
      REQUIRE(history.first_unwritten(from, to, since) == unwritten);
    }
  }
}

TEST_CASE("the history has so many stretches at most") {
  WriteHistory history;
  for (std::uint64_t i = 0; i < WriteHistory::kMaxStretches; ++i)
    history.note_write(i * 4, 2, 1);
  CHECK(history.stretches() == WriteHistory::kMaxStretches);
  history.clear();
  CHECK(history.stretches() == 0);
}

}  // namespace
}  // namespace faultlun::faults::write_history_test
