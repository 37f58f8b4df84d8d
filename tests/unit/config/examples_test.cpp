// examples/scenarios and examples/rules: each file loads without a word, and the README tells of
// it. The configurations beside them are checked by ctest (label tidy).
#include "config/rules.hpp"
#include "tests/unit/config/bench.hpp"
#include "tests/unit/config/scenario_bench.hpp"
#include "tests/unit/faults/made_scenarios.hpp"

#include <filesystem>

namespace examples_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using faults::made::Is;
using faults::made::kAbortTask;
using faults::made::kUnitReset;
using faults::made::Played;
namespace fs = std::filesystem;

namespace {

const std::string kExamples = FAULTLUN_SOURCE_DIR "/examples/";

std::vector<fs::path> files(const std::string& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(kExamples + folder))
    out.push_back(entry.path());
  return out;
}

faults::Scenario example(const std::string& id) {
  return good_scenario(contents(kExamples + "scenarios/" + id + ".json"));
}
faults::Observation read_begins(std::uint32_t tag) {
  return faults::CommandBegan{1, tag, 0, faults::OperationClass::read, 0, 8};
}
faults::Observation read_ends(std::uint32_t tag, scsi::Status status = scsi::Status::good) {
  return faults::CommandEnded{1,      tag, faults::CommandEnded::How::answered,
                              status, {},  faults::OperationClass::read};
}
/// A run of an example, with a session that is there already.
Played play(const std::string& id) {
  return Played(example(id), {{{1, "iqn.a"}}, {}, {}});
}

}  // namespace

TEST_CASE("every example of a scenario loads without a warning and survives a dump") {
  std::size_t examples = 0;
  for (const auto& path : files("scenarios")) {
    CAPTURE(path.string());
    REQUIRE(path.extension() == ".json");
    const auto plot = good_scenario(contents(path.string()));
    CHECK(plot.id == path.stem().string());
    CHECK_FALSE(plot.note.empty());
    CHECK_FALSE(plot.expect.empty());
    CHECK(plot.lasts);  // it ends in any case
    CHECK(good_scenario(scenario_to_json(plot).dump()) == plot);
    ++examples;
  }
  CHECK(examples >= 4);
}

TEST_CASE("every example of rules loads, and says what its rules are for") {
  std::size_t examples = 0;
  for (const auto& path : files("rules")) {
    CAPTURE(path.string());
    REQUIRE(path.extension() == ".json");
    const LoadRules loaded = load_rules_file(path.string());
    CAPTURE(lines(loaded.errors));
    REQUIRE(loaded.rules);
    CHECK_FALSE(loaded.rules->empty());
    for (const auto& rule : *loaded.rules)
      CHECK_FALSE(rule.note.empty());
    ++examples;
  }
  CHECK(examples >= 3);
}

TEST_CASE("examples/README.md tells of every example, and of no other") {
  const std::string page = contents(kExamples + "README.md");
  std::size_t examples = 0;
  for (const char* folder : {"", "scenarios", "rules"})
    for (const auto& path : files(folder)) {
      if (path.extension() != ".json") continue;
      const std::string name =
          (*folder == 0 ? "" : std::string(folder) + "/") + path.filename().string();
      CAPTURE(name);
      CHECK(page.find("](" + name + ")") != std::string::npos);
      ++examples;
    }
  std::size_t links = 0;
  for (auto at = page.find(".json)"); at != std::string::npos; at = page.find(".json)", at + 1))
    ++links;
  CHECK(links == examples);
}

TEST_CASE("busy-disk passes for a host that tries again, and fails for one that gives up") {
  Played patient = play("busy-disk");
  patient.see(read_begins(1), 10).see(faults::RuleFired{"busy", 1}, 10);
  patient.see(read_ends(1, scsi::Status::busy), 11).tick(5000);
  CHECK(patient.path() == "busyfine");
  CHECK(patient.verdict() == Is::settling);
  patient.see(read_begins(2), 5200).see(read_ends(2), 5201);
  CHECK(patient.verdict() == Is::passed);
  Played gives_up = play("busy-disk");
  gives_up.see(read_begins(1), 10).see(faults::RuleFired{"busy", 1}, 10);
  gives_up.see(read_ends(1, scsi::Status::busy), 11).tick(5000).tick(35'000);
  CHECK(gives_up.verdict() == Is::failed);
}

TEST_CASE("hang-until-reset passes for a host that resets the unit, and not for more or less") {
  const auto hang = [] {
    Played run = play("hang-until-reset");
    run.see(faults::RuleFired{"hang-until-reset.fine.1", 1}, 10);
    run.see(read_begins(1), 20).see(faults::RuleFired{"hang", 1}, 20);
    return run;
  };
  Played resets = hang();
  resets.see(faults::FunctionSent{1, kAbortTask}, 30'000);
  CHECK(resets.path() == "finehung");
  resets.see(faults::FunctionSent{1, kUnitReset}, 40'000);
  resets.see(read_begins(2), 40'100).see(read_ends(2), 40'101);
  CHECK(resets.verdict() == Is::passed);
  Played too_far = hang();
  too_far.see(faults::FunctionSent{1, faults::made::kWarmReset}, 30'000);
  too_far.see(faults::FunctionSent{1, kUnitReset}, 40'000);
  too_far.see(read_begins(2), 40'100).see(read_ends(2), 40'101);
  CHECK(too_far.verdict() == Is::failed);
  Played nothing = hang();
  nothing.tick(300'000);
  nothing.tick(330'000);
  CHECK(nothing.verdict() == Is::failed);
}

TEST_CASE("slow-start passes for a host that waits until the unit is ready") {
  Played run = play("slow-start");
  CHECK(run.all<faults::ScenarioAction>().size() == 1);
  run.see(read_begins(1), 10).tick(22'000);
  run.see(read_ends(1), 22'500).see(faults::RuleFired{"cold", 1}, 22'500).tick(32'000);
  CHECK(run.path() == "startingcoldwarm");
  CHECK(run.verdict() == Is::passed);
}

TEST_CASE("weak-sectors passes when the blocks are written again after they could not be read") {
  Played mends = play("weak-sectors");
  mends.see(faults::RuleFired{"weak-sectors", 1}, 10);
  CHECK(mends.path() == "weakfound");
  mends.see(faults::RuleFired{"weak-sectors.found.1", 1}, 20);
  CHECK(mends.verdict() == Is::passed);
  Played reads_only = play("weak-sectors");
  reads_only.see(faults::RuleFired{"weak-sectors", 1}, 10).tick(600'000);
  CHECK(reads_only.verdict() == Is::failed);
}

TEST_CASE("silent-lun passes for a host that aborts and comes back") {
  const auto pulled = [](bool aborts) {
    Played run = play("silent-lun");
    run.see(read_begins(1), 10).see(faults::RuleFired{"silent", 1}, 10);
    if (aborts) run.see(faults::FunctionSent{1, kAbortTask}, 30'000);
    run.tick(45'000).see(read_begins(2), 46'000).see(read_ends(2), 46'001);
    return run.verdict();
  };
  CHECK(pulled(true) == Is::passed);
  CHECK(pulled(false) == Is::failed);
}

TEST_CASE("session-cut passes for a host that comes back and takes its time over it") {
  const auto back_after = [](std::int64_t milliseconds) {
    Played run = play("session-cut");
    run.see(faults::RuleFired{"cut", 1}, 10).see(faults::SessionDown{1, false}, 10).tick(10'000);
    run.see(faults::SessionUp{1, "iqn.a"}, milliseconds);
    run.see(read_begins(1), milliseconds).see(read_ends(1), milliseconds + 1).tick(200'000);
    return run.verdict();
  };
  CHECK(back_after(12'000) == Is::passed);
  CHECK(back_after(75'000) == Is::failed);
}

}  // namespace examples_test
