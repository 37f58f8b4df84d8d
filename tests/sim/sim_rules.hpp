// Random rules for a simulated target: what stands in them, and how they change while it runs.
#pragma once

#include "tests/sim/sim_world.hpp"

#include <random>
#include <string>
#include <vector>

namespace faultlun::sim {

class RandomRules {
 public:
  /// `seed` also draws which families of faults this world knows.  `units_stay`: none that take a
  /// unit away with its tasks, and none about functions.
  RandomRules(SimWorld& sim, std::uint64_t seed, bool units_stay);

  /// One random change: a rule put, removed, armed, disarmed or reset, or all of them exchanged.
  void change();
  /// No rules; every session knows it when this returns.
  void clear();
  /// Lets held commands go: some, in some order, or all.
  void release(bool all);

 private:
  faults::Rule random_rule();
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  SimWorld& sim_;
  std::mt19937_64 random_;
  std::vector<std::size_t> menu_;  ///< places in the table of faults
};

}  // namespace faultlun::sim
