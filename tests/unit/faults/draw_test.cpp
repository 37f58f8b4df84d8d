#include "faults/draw.hpp"

#include "faults/ratio.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

namespace faultlun::faults::draw_test {
namespace {

TEST_CASE("the draws are the check values of the determinism contract, D1") {
  CHECK(draw(42, "r1", "*", 0, 0) == 0x8783e75fc1d0ccb4);
  CHECK(draw(42, "r1", "*", 1, 0) == 0x927cf572c87367b0);
  CHECK(draw(42, "r1", "*", 2, 0) == 0x62bceafc6a0827a1);
  CHECK(draw(42, "r1", "*", 3, 0) == 0x5cc7ca7d6cc51ab1);
  CHECK(draw(42, "r1", "*", 4, 0) == 0x9c84b48e1cd1fb95);
}

TEST_CASE("with p = 0.25 the indexes below 60 that fire are those of D1") {
  const Ratio quarter{1, 4};
  std::vector<int> fired;
  for (int index = 0; index < 60; ++index) {
    if (quarter.fires(draw(42, "r1", "*", static_cast<std::uint64_t>(index), kSlotDecide))) {
      fired.push_back(index);
    }
  }
  CHECK(fired == std::vector<int>{22, 24, 25, 29, 35, 39, 40, 43, 47, 49, 51, 52, 58});
}

TEST_CASE("with p = 0.01, 2013 of 200,000 fire, as D1 says") {
  const Ratio hundredth{1, 100};
  const Drawer drawer(42, "r1", "*");
  int fired = 0;
  for (std::uint64_t index = 0; index < 200'000; ++index) {
    fired += hundredth.fires(drawer.at(index, kSlotDecide)) ? 1 : 0;
  }
  CHECK(fired == 2013);
}

TEST_CASE(
    "a Drawer gives the draws of draw() for prefixes of every length and indexes of every width") {
  for (std::size_t length = 0; length < 20; ++length) {
    const std::string rule(length, 'r');
    const Drawer drawer(7, rule, "lba");
    for (const std::uint64_t index :
         {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{123'456'789},
          std::numeric_limits<std::uint64_t>::max()}) {
      for (const unsigned slot : {0U, 3U, std::numeric_limits<unsigned>::max()}) {
        const std::string text =
            rule + "\nlba\n" + std::to_string(index) + "\n" + std::to_string(slot);
        CHECK(drawer.at(index, slot) == siphash_2_4(7, 7 ^ 0x9E3779B97F4A7C15, text));
        CHECK(drawer.at(index, slot) == draw(7, rule, "lba", index, slot));
      }
    }
  }
}

TEST_CASE("seed, rule, key, index and slot each change the draw") {
  const std::uint64_t base = draw(1, "a", "k", 0, 0);
  CHECK(draw(2, "a", "k", 0, 0) != base);
  CHECK(draw(1, "b", "k", 0, 0) != base);
  CHECK(draw(1, "a", "j", 0, 0) != base);
  CHECK(draw(1, "a", "k", 1, 0) != base);
  CHECK(draw(1, "a", "k", 0, 1) != base);
}

TEST_CASE("uniform_up_to reaches both ends and nothing beyond") {
  CHECK(uniform_up_to(0, 9) == 0);
  CHECK(uniform_up_to(kQuantiles - 1, 9) == 9);
  CHECK(uniform_up_to(kQuantiles / 2, 9) == 5);
  CHECK(uniform_up_to(kQuantiles - 1, 0) == 0);
  const std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  CHECK(uniform_up_to(kQuantiles - 1, max) == max - 2047);
}

}  // namespace
}  // namespace faultlun::faults::draw_test
