// Thousands of small worlds, each from one seed.  A failure prints its seed; FAULTLUN_SIM_SEED=<n>
// runs that one alone, FAULTLUN_SIM_RUNS=<n> sets how many are run.
#include "tests/sim/sim_initiator.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace faultlun::sim::random_initiators_test {
namespace {

constexpr unsigned kInitiators = 3;
constexpr int kSteps = 3000;

std::string run_world(std::uint64_t seed, std::size_t& answered) {
  SimWorld sim(seed);
  std::mt19937_64 random(seed);
  {
    std::vector<std::unique_ptr<Initiator>> initiators;
    for (unsigned i = 0; i < kInitiators; ++i)
      initiators.push_back(std::make_unique<Initiator>(sim, i, random()));
    const auto failure = [&]() -> std::string {
      for (const auto& each : initiators)
        if (!each->failure().empty()) return each->failure();
      return "";
    };
    for (int step = 0; step < kSteps; ++step) {
      initiators[random() % kInitiators]->step();
      if (random() % 4 == 0) sim.moody->finish_some(false);
      if (random() % 2 == 0) sim.loop.run_some();
      if (random() % 64 == 0) sim.loop.advance(std::chrono::milliseconds(random() % 50));
      if (auto what = failure(); !what.empty())
        return what + " (step " + std::to_string(step) + ")";
    }
    bool owed = true;
    for (int round = 0; owed && round < 2000; ++round) {
      sim.moody->finish_some(true);
      while (sim.loop.run_some())
        sim.moody->finish_some(true);
      owed = false;
      for (auto& each : initiators)
        owed |= each->settle();
      if (auto what = failure(); !what.empty()) return what + " (settling)";
    }
    for (auto& each : initiators)
      answered += each->answered();
    // Tasks that another initiator's reset aborted are owed until our next command learns of it:
    // that is not a fault.
  }
  sim.moody->finish_some(true);
  while (sim.loop.run_some())
    sim.moody->finish_some(true);
  if (sim.world.busy.use_count() != 1) return "operations are left when everybody has gone";
  if (sim.world.sessions.size() != 0) return "sessions are left when everybody has gone";
  return "";
}

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("FAULTLUN_SIM_SEED")) return {std::strtoull(one, nullptr, 0)};
  std::vector<std::uint64_t> out;
  std::ifstream past(FAULTLUN_SOURCE_DIR "/tests/sim/seeds.txt");
  for (std::string line; std::getline(past, line);)
    if (!line.empty() && line[0] != '#') out.push_back(std::strtoull(line.c_str(), nullptr, 0));
  const char* runs = std::getenv("FAULTLUN_SIM_RUNS");
  const auto count = runs ? std::strtoull(runs, nullptr, 0) : 300;
  for (std::uint64_t i = 0; i < count; ++i)
    out.push_back(0x5eed0000 + i);
  return out;
}

TEST_CASE("random initiators get every answer they are owed, once, right, and in order") {
  std::size_t answered = 0;
  for (const auto seed : seeds()) {
    const auto failure = run_world(seed, answered);
    INFO("FAULTLUN_SIM_SEED=" << seed);
    REQUIRE(failure == "");
  }
  CHECK(answered > 1000);
}

}  // namespace
}  // namespace faultlun::sim::random_initiators_test
