// Random initiators on a target with random rules, which change at random moments.  Whatever the
// rules do: every command ends as the journal says, no answer comes that nobody asked for, the
// numbers are right, blocks read as they were written and damaged, and nothing is left behind.
// FAULTLUN_SIM_SEED=<n> runs one world alone, FAULTLUN_SIM_WORLDS=<n> sets how many are run, from
// FAULTLUN_SIM_FIRST on.
#include "daemon/log.hpp"
#include "tests/sim/sim_initiator.hpp"
#include "tests/sim/sim_rules.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace faultlun::sim::rules_test {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kInitiators = 3;
constexpr int kSteps = 2000;
constexpr std::uint64_t kTwiceEvery = 16;  ///< one world in so many runs twice

/// What two runs of the same seed have in common.
struct Outcome {
  std::string failure;
  std::size_t answered = 0;
  std::vector<std::uint64_t> transcripts;
  faults::DecisionHash decisions{};
};

class RuledWorld {
 public:
  explicit RuledWorld(std::uint64_t seed)
      : sim_(seed),
        random_(seed),
        units_stay_(random_() % 4 == 0),
        rules_(sim_, random_(), units_stay_) {
    for (unsigned i = 0; i < kInitiators; ++i) {
      initiators_.push_back(std::make_unique<Initiator>(sim_, i, random_()));
      initiators_.back()->expect_faults();
      if (units_stay_) initiators_.back()->send_no_functions();
    }
  }

  Outcome run() {
    Outcome out;
    out.failure = live();
    if (out.failure.empty()) out.failure = random_() % 3 == 0 ? shut_down() : wind_up();
    for (auto& each : initiators_) {
      out.answered += each->answered();
      out.transcripts.push_back(each->transcript());
    }
    initiators_.clear();
    finish_all();
    out.decisions = daemon::combined(sim_.world.aliases.records());
    if (out.failure.empty()) out.failure = left_behind();
    return out;
  }

 private:
  std::string live() {
    for (int step = 0; step < kSteps; ++step) {
      initiators_[random_() % kInitiators]->step();
      if (random_() % 4 == 0) sim_.moody->finish_some(false);
      if (random_() % 2 == 0) sim_.loop.run_some();
      if (random_() % 32 == 0) sim_.loop.advance(std::chrono::milliseconds(random_() % 20));
      if (random_() % 64 == 0) rules_.release(false);
      if (random_() % 64 == 0) rules_.change();
      if (random_() % 500 == 0) reset_everything();
      if (random_() % 800 == 0)
        initiators_[random_() % kInitiators]->connection().request_logout(1);
      if (auto what = failure(); !what.empty())
        return what + " (step " + std::to_string(step) + ")";
    }
    return "";
  }

  /// POST /v1/reset, in the middle of everything.
  void reset_everything() {
    rules_.clear();
    sim_.heal();
    sim_.story.healed();
    for (auto& each : initiators_)
      each->healed();
  }

  /// All that can be answered is; then everything is reset, and the target is perfect again.
  std::string wind_up() {
    if (random_() % 2 == 0) rules_.clear();
    if (auto what = settle(); !what.empty()) return what + " (settling under rules)";
    rules_.clear();
    if (auto what = settle(); !what.empty()) return what + " (settling)";
    for (auto& each : initiators_) {
      each->expect_only_silence();
      each->expect_truth();
    }
    if (auto what = failure(); !what.empty()) return what + " (at rest)";
    reset_everything();
    const bool by_function = random_() % 2 == 0;
    for (auto& each : initiators_)
      by_function ? each->reset_target() : each->reconnect();
    if (auto what = settle(); !what.empty()) return what + " (after the reset)";
    for (auto& each : initiators_) {
      each->expect_perfection();
      each->expect_truth();
    }
    if (auto what = failure(); !what.empty()) return what + " (all is well)";
    for (auto& each : initiators_)
      if (auto what = each->leftovers(); !what.empty()) return what;
    if (sim_.publisher.active() != 0) return "rules still count commands under their effects";
    return "";
  }

  /// As a daemon that stops: everybody is told, and flushed, and gone; the devices come later.
  std::string shut_down() {
    for (const auto& each : sim_.world.sessions.all())
      each->shut_down();
    for (int round = 0; round < 50; ++round)
      for (auto& each : initiators_)
        each->part();
    return failure();
  }

  std::string settle() {
    int quiet = 0;
    for (int round = 0; round < 400 && quiet < 20; ++round) {
      finish_all();
      rules_.release(true);
      sim_.loop.advance(round % 10 == 0 ? 1s : 10ms);
      bool owed = false;
      for (auto& each : initiators_)
        owed |= each->settle();
      if (auto what = failure(); !what.empty()) return what;
      quiet = owed ? 0 : quiet + 1;
    }
    return "";
  }

  void finish_all() {
    sim_.moody->finish_some(true);
    while (sim_.loop.run_some())
      sim_.moody->finish_some(true);
  }

  std::string failure() const {
    for (const auto& each : initiators_)
      if (!each->failure().empty()) return each->failure();
    return "";
  }

  std::string left_behind() {
    if (sim_.world.busy.use_count() != 1) return "operations are left when everybody has gone";
    if (sim_.world.sessions.size() != 0) return "sessions are left when everybody has gone";
    if (sim_.loop.next_deadline()) return "timers are left when everybody has gone";
    if (sim_.publisher.active() != 0) return "rules count commands when everybody has gone";
    if (sim_.story.lost() != 0) return "the journal is too short for this test";
    return "";
  }

  SimWorld sim_;
  std::mt19937_64 random_;
  bool units_stay_;
  RandomRules rules_;
  std::vector<std::unique_ptr<Initiator>> initiators_;
};

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

TEST_CASE("under random rules nothing comes late, nothing is left, and all numbers are right") {
  const bool one = std::getenv("FAULTLUN_SIM_SEED") != nullptr;
  const auto first = number_of(one ? "FAULTLUN_SIM_SEED" : "FAULTLUN_SIM_FIRST", 0x4a170000);
  const auto worlds = one ? 1 : number_of("FAULTLUN_SIM_WORLDS", 200);
  if (!one) daemon::log::set_level("off");
  std::size_t answered = 0;
  for (auto seed = first; seed < first + worlds; ++seed) {
    INFO("FAULTLUN_SIM_SEED=" << seed);
    const auto outcome = RuledWorld(seed).run();
    REQUIRE(outcome.failure == "");
    answered += outcome.answered;
    if (seed % kTwiceEvery != 0) continue;
    const auto again = RuledWorld(seed).run();
    CHECK(again.transcripts == outcome.transcripts);
    CHECK(again.decisions == outcome.decisions);
  }
  if (!one) CHECK(answered > 200 * worlds);
}

}  // namespace
}  // namespace faultlun::sim::rules_test
