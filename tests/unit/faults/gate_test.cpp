#include "faults/gate.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::gate_test {
namespace {

/// What the outcomes of the first matches are: F fired, g gated, x exhausted.
std::string pattern(const Gate& gate, std::uint64_t matches) {
  std::string out;
  for (std::uint64_t i = 0; i < matches; ++i) {
    const auto outcome = count_gate(gate, i);
    out += outcome == Outcome::fired ? 'F' : outcome == Outcome::gated ? 'g' : 'x';
  }
  return out;
}

TEST_CASE("the arithmetic of skip, every, burst, repeat and nth") {
  Gate gate;
  CHECK(pattern(gate, 3) == "FFF");
  gate.skip = 2;
  CHECK(pattern(gate, 5) == "ggFFF");
  gate.every = 2;
  CHECK(pattern(gate, 7) == "gggFgFg");
  gate.burst = 1;
  CHECK(pattern(gate, 7) == "ggFgFgF");
  gate.repeat = 2;
  CHECK(pattern(gate, 7) == "ggFgFgx");
  gate.every.reset();
  gate.burst = 2;
  CHECK(pattern(gate, 8) == "ggFFFFxx");
  gate.repeat.reset();
  CHECK(pattern(gate, 8) == "ggFFxxxx");
  Gate repeated;  // without `burst`, each firing is one
  repeated.every = 2;
  repeated.repeat = 2;
  CHECK(pattern(repeated, 6) == "gFgFxx");
  Gate nth;
  nth.nth = 3;
  CHECK(pattern(nth, 5) == "ggFxx");
}

TEST_CASE("a burst longer than its period always fires, and zeros do no harm") {
  Gate gate;
  gate.every = 2;
  gate.burst = 5;
  CHECK(pattern(gate, 4) == "FFFF");
  gate.every = 0;
  CHECK(pattern(gate, 3) == "FFF");
  gate.every.reset();
  gate.burst = 0;
  CHECK(pattern(gate, 3) == "gxx");
  CHECK(count_gate(gate, UINT64_MAX) == Outcome::exhausted);
}

TEST_CASE("the matches of one burst share the index of its first for their draws") {
  Gate gate;
  CHECK(draw_index(gate, 7) == 7);
  gate.every = 10;
  CHECK(draw_index(gate, 17) == 17);
  gate.skip = 3;
  gate.burst = 4;
  CHECK(draw_index(gate, 2) == 2);
  CHECK(draw_index(gate, 3) == 3);
  CHECK(draw_index(gate, 12) == 3);
  CHECK(draw_index(gate, 13) == 13);
}

TEST_CASE("a window is open from `after`, for its length or for ever") {
  Gate gate;
  CHECK(window_open(gate, Time(-5)));
  gate.window = Window{};
  gate.window->after = Time(10);
  CHECK_FALSE(window_open(gate, Time(9)));
  CHECK(window_open(gate, Time(10)));
  CHECK(window_open(gate, Time(1'000'000)));
  gate.window->length = Time(5);
  CHECK(window_open(gate, Time(14)));
  CHECK_FALSE(window_open(gate, Time(15)));
}

TEST_CASE("a cycle is up first, and one without any time is always up") {
  Gate gate;
  gate.cycle = Cycle{Time(2), Time(3)};
  CHECK(cycle_up(gate, Time(1)));
  CHECK_FALSE(cycle_up(gate, Time(2)));
  CHECK(cycle_up(gate, Time(5)));
  gate.cycle = Cycle{};
  CHECK(cycle_up(gate, Time(7)));
}

TEST_CASE("each outcome has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Outcome::impossible); ++i)
    names.insert(name_of(static_cast<Outcome>(i)));
  CHECK(names.size() == static_cast<std::size_t>(Outcome::impossible) + 1);
  CHECK(name_of(Outcome::masked) == "masked");
  CHECK(counts_as_fired(Outcome::masked));
  CHECK_FALSE(counts_as_fired(Outcome::healed));
}

TEST_CASE("run_gate has a draw of its own") {
  CHECK(run_gate_draw(made::rule("r"), 42) == draw(42, "r", "run", 0, kSlotDecide));
}

}  // namespace
}  // namespace faultlun::faults::gate_test
