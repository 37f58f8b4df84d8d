// Random initiators on a target with random rules, which change at random moments.  Whatever the
// rules do to commands and functions: no answer that nobody asked for, the numbers right, nothing
// left behind.  FAULTLUN_SIM_SEED and FAULTLUN_SIM_RUNS as in random_initiators_test.cpp.
#include "config/rules.hpp"

#include "tests/sim/sim_initiator.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace faultlun::sim {
namespace {

using faults::Time;
using namespace std::chrono_literals;

constexpr unsigned kInitiators = 3;
constexpr int kSteps = 2000;

/// Match and effect, as a file has them.
struct Fault {
  const char* match;
  const char* effect;
};
constexpr Fault kFaults[] = {
    {R"({})", R"({"scsi.status":{"status":"BUSY"}})"},
    {R"({"op":"write"})", R"({"scsi.status":{"status":"TASK_SET_FULL"}})"},
    {R"({"op":"read"})", R"({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}})"},
    {R"({"op":"write"})",
     R"({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"47/03","when":"after"}})"},
    {R"({"op":"read","lba":{"start":100,"len":64}})",
     R"({"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}})"},
    {R"({"op":"write","lba":{"start":300,"len":99}})",
     R"({"scsi.medium":{"asc":"0C/02","information":"first_bad"}})"},
    {R"({"op":"read"})", R"({"scsi.medium":{"asc":"17/01"}})"},
    {R"({"op":"any"})", R"({"scsi.selection_timeout":{"variant":"silent"}})"},
    {R"({"op":"any"})", R"({"scsi.selection_timeout":{"variant":"lun_absent"}})"},
    {R"({"op":"INQUIRY"})", R"({"scsi.inquiry":{"revision":"9999"}})"},
    {R"({"op":"REPORT LUNS"})", R"({"scsi.rlun":{"hide":[1],"add":[200]}})"},
    {R"({"op":["MODE SENSE(6)"]})", R"({"scsi.mode":{"wce":false}})"},
    {R"({"op":"any"})", R"({"scsi.readcap":{"last_lba":2047}})"},
    {R"({"op":"any"})", R"({"ua.queue":{"asc":"2A/09","nexus":"all"}})"},
    {R"({"op":"any"})", R"({"ua.storm":{"codes":["3F/0E"],"count":2}})"},
    {R"({"op":"any"})", R"({"lu.offline":{"for":"40ms"}})"},
    {R"({"op":"any"})", R"({"lu.slow_start":{"for":"20ms"}})"},
    {R"({"op":"any"})", R"({"lu.remove":{}})"},
    {R"({"op":"any"})", R"({"lu.add":{"lun":0}})"},
    {R"({"op":"any"})", R"({"lu.add":{"lun":1}})"},
    {R"({"op":"any"})", R"({"lu.hang":{"grade":3}})"},
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.delay":{"delay":"30ms"}})"},
    {R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.delay":{"delay":"30ms"}})"},
    {R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.reset_ms":{"for":"30ms"}})"},
};
/// After these an abort may say what is not true, or nothing.
constexpr Fault kLies[] = {
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.never":{}})"},
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.response":{"response":5}})"},
    {R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.lie":{}})"},
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.lie":{}})"},
    {R"({"tmf":"ABORT_TASK_SET"})", R"({"tmf.partial":{"survivors":1}})"},
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.collateral":{"status":true}})"},
    {R"({"tmf":"ABORT_TASK"})", R"({"tmf.collateral":{}})"},
    {R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.no_ua":{}})"},
    {R"({"op":"any"})", R"({"lu.hang":{"grade":2}})"},
    {R"({"lun":0})",
     R"({"tmf.ladder":[{"tmf":"ABORT_TASK","do":"fail"},{"tmf":"LOGICAL_UNIT_RESET","do":"never"}]})"},
};

/// Delays, holds and what else only passes time: of the engine itself.
faults::Effect waiting(faults::made::Dice& dice) {
  const auto some = [&] { return Time(dice.below(30'000'000)); };
  switch (dice.below(6)) {
    case 0:
      return faults::made::effect(faults::Hold{"held"});
    case 1:
      return faults::made::effect(
          faults::Shuffle{static_cast<std::uint32_t>(2 + dice.below(3)), some() + 1ms});
    case 2: {
      faults::Pace pace;
      pace.gap.shape = faults::Constant{some()};
      return faults::made::effect(pace);
    }
    default: {
      faults::Delay delay;
      delay.time.distribution.shape = faults::Uniform{0ns, some()};
      delay.at_least = dice.one_in(2);
      delay.when = dice.one_in(2) ? faults::When::after : faults::When::before;
      return faults::made::effect(delay);
    }
  }
}

class Rules {
 public:
  Rules(SimWorld& sim, std::uint64_t seed, bool lies)
      : sim_(sim), dice_(seed), epochs_(seed), lies_(lies) {}

  /// Another set for everybody.
  void swap() {
    std::vector<faults::Rule> rules;
    const auto count = dice_.below(7);
    for (std::uint64_t i = 0; i < count; ++i)
      rules.push_back(random_rule());
    publish(rules);
  }
  void none() { publish({}); }
  /// Lets some held commands go, or all.
  void release(bool all) {
    for (const auto& each : sim_.world.sessions.all())
      if (each->runner() != nullptr)
        each->runner()->release_held([&](const auto&) { return all || dice_.one_in(2); });
  }

 private:
  faults::Rule random_rule() {
    const auto id = "r" + std::to_string(++last_);
    faults::Rule rule;
    if (dice_.one_in(3)) {
      rule = faults::made::rule(id, {waiting(dice_)});
      if (dice_.one_in(4)) rule.effects.push_back(waiting(dice_));
    } else {
      const auto known = std::size(kFaults) + (lies_ ? std::size(kLies) : 0);
      const auto drawn = dice_.below(known);
      const auto& fault =
          drawn < std::size(kFaults) ? kFaults[drawn] : kLies[drawn - std::size(kFaults)];
      const auto loaded = config::load_rules(R"([{"id":")" + id + R"(","match":)" + fault.match +
                                             R"(,"effect":)" + fault.effect + "}]");
      for (const auto& error : loaded.errors)
        FAIL(error.path << ": " << error.message << ": " << fault.match << fault.effect);
      rule = loaded.rules->front();
    }
    if (dice_.one_in(3)) rule.gate.probability = faults::Ratio{1, 1 + dice_.below(8)};
    if (dice_.one_in(3)) rule.gate.every = 1 + dice_.below(6);
    if (dice_.one_in(4)) rule.gate.times = 1 + dice_.below(20);
    if (dice_.one_in(6)) rule.gate.max_active = static_cast<std::uint32_t>(1 + dice_.below(3));
    return rule;
  }
  void publish(const std::vector<faults::Rule>& rules) {
    const auto set = epochs_.set(rules);
    sim_.world.set_rules(set);
    for (const auto& each : sim_.world.sessions.all())
      each->adopt(set);
  }

  SimWorld& sim_;
  faults::made::Dice dice_;
  faults::made::Epochs epochs_;
  bool lies_;
  unsigned last_ = 0;
};

void let_all_finish(SimWorld& sim) {
  sim.moody->finish_some(true);
  while (sim.loop.run_some())
    sim.moody->finish_some(true);
}

/// Everything is answered that can be, and what never will be is aborted.
std::string wind_up(SimWorld& sim, Rules& rules,
                    std::vector<std::unique_ptr<Initiator>>& initiators) {
  rules.none();
  for (int part = 0; part < 2; ++part) {
    for (int round = 0; round < 300; ++round) {
      let_all_finish(sim);
      rules.release(true);
      sim.loop.advance(round % 10 == 0 ? 1s : 10ms);
      bool owed = false;
      for (auto& each : initiators) {
        owed |= each->settle();
        if (!each->failure().empty()) return each->failure() + " (settling)";
      }
      if (!owed && round > 20) break;
    }
    if (part == 0)
      for (auto& each : initiators)
        each->reset_target();
  }
  for (auto& each : initiators) {
    auto& connection = each->connection();
    if (connection.runner() == nullptr) continue;
    if (connection.runner()->under_rules() != 0)
      return std::to_string(connection.runner()->under_rules()) + " commands are still under rules";
    if (connection.budget().used() != 0)
      return std::to_string(connection.budget().used()) + " bytes are not given back";
  }
  return "";
}

std::string run_world(std::uint64_t seed, std::size_t& answered) {
  SimWorld sim(seed);
  std::mt19937_64 random(seed);
  const bool lies = random() % 2 == 0;
  Rules rules(sim, random(), lies);
  {
    std::vector<std::unique_ptr<Initiator>> initiators;
    for (unsigned i = 0; i < kInitiators; ++i) {
      initiators.push_back(std::make_unique<Initiator>(sim, i, random()));
      initiators.back()->expect_faults(lies);
    }
    for (int step = 0; step < kSteps; ++step) {
      auto& one = *initiators[random() % kInitiators];
      one.step();
      if (random() % 4 == 0) sim.moody->finish_some(false);
      if (random() % 2 == 0) sim.loop.run_some();
      if (random() % 32 == 0) sim.loop.advance(std::chrono::milliseconds(random() % 20));
      if (random() % 64 == 0) rules.release(false);
      if (random() % 128 == 0) rules.swap();
      for (const auto& each : initiators)
        if (!each->failure().empty())
          return each->failure() + " (step " + std::to_string(step) + ")";
    }
    if (auto what = wind_up(sim, rules, initiators); !what.empty()) return what;
    for (auto& each : initiators)
      answered += each->answered();
  }
  let_all_finish(sim);
  if (sim.world.busy.use_count() != 1) return "operations are left when everybody has gone";
  if (sim.world.sessions.size() != 0) return "sessions are left when everybody has gone";
  return "";
}

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("FAULTLUN_SIM_SEED")) return {std::strtoull(one, nullptr, 0)};
  const char* runs = std::getenv("FAULTLUN_SIM_RUNS");
  const auto count = runs ? std::strtoull(runs, nullptr, 0) : 200;
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < count; ++i)
    out.push_back(0x4a170000 + i);
  return out;
}

TEST_CASE("under random rules nothing comes late, nothing is left, and all numbers are right") {
  std::size_t answered = 0;
  for (const auto seed : seeds()) {
    INFO("FAULTLUN_SIM_SEED=" << seed);
    const auto failure = run_world(seed, answered);
    REQUIRE(failure == "");
  }
  CHECK(answered > 1000);
}

}  // namespace
}  // namespace faultlun::sim
