// What lies in examples/ does what its notes say: the rules strike, the scenarios come to their
// verdicts with a host that behaves.
#include "tests/e2e/fault_lab.hpp"

#include <fstream>
#include <iterator>

namespace faultlun::e2e::examples_test {
namespace {

using Json = nlohmann::json;

constexpr std::uint8_t kLunReset = 5, kBusy = 0x08;
const std::string kExamples = std::string(FAULTLUN_SOURCE_DIR) + "/examples/";

/// A daemon with the rules of one file, and an initiator.
struct RulesLab {
  explicit RulesLab(const std::string& name)
      : target(std::vector<std::string>{"--portal", "127.0.0.1:0", "--control", "127.0.0.1:0",
                                        "--seed", "0x5eed", "--faults",
                                        kExamples + "rules/" + name}) {}
  TargetProcess target;
  ControlClient control{target};
  RawInitiator session{connect_session(target)};

  std::uint64_t fired(const std::string& rule) const { return control.counter(rule, "fired"); }
};

/// A scenario that was put and started, and a host.
struct ScenarioRun {
  explicit ScenarioRun(std::string name) : id(std::move(name)) {
    std::ifstream in(kExamples + "scenarios/" + id + ".json");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto put = control.call("PUT", "/v1/scenarios/" + id, text);
    REQUIRE_MESSAGE(put.ok(), put.body);
    const auto started = control.post("/v1/scenarios/" + id + "/start");
    REQUIRE_MESSAGE(started.ok(), started.body);
  }
  std::string state() const { return control.get("/v1/scenarios/" + id).json()["run"]["state"]; }
  void wait_for(const std::string& wanted, int ms) const {
    const auto deadline = now_ms() + ms;
    while (state() != wanted && now_ms() < deadline)
      pause(10);
    CHECK(state() == wanted);
  }
  std::string verdict() const {
    const auto answer =
        control.get("/v1/scenarios/" + id + "/result?wait=1&timeout_ms=10000").json();
    INFO(answer.dump());
    CHECK(answer["verdict"] == "passed");
    return answer["verdict"];
  }

  std::string id;
  TargetProcess target;
  ControlClient control{target};
  RawInitiator session{connect_session(target)};
};

TEST_CASE("examples/rules/busy-every-third.json: every third READ(10) of the host is BUSY") {
  RulesLab lab("busy-every-third.json");
  for (int i = 1; i <= 9; ++i)
    CHECK(lab.session.execute_read(read_10(0, 1), 512).status == (i % 3 == 0 ? kBusy : 0));
  CHECK(lab.fired("busy-every-third") == 3);
}

TEST_CASE("examples/rules/dying-disk.json: bad blocks, tired reads and a burst on the link") {
  RulesLab lab("dying-disk.json");
  std::uint64_t parity = 0;
  for (int i = 0; i < 1000; ++i)
    parity += lab.session.execute_write(write_10(0, 1), noise(512, 1)).sense_code() == 0x0b4701;
  CHECK(parity == lab.fired("link-errors"));
  CHECK(parity > 0);
  std::uint64_t bad = 0;
  for (std::uint32_t i = 0; i < 20 && bad == 0; ++i)
    bad += lab.session.execute_read(read_10(i * 2048, 2048), 2048 * 512).sense_code() == 0x031100;
  CHECK(bad == 1);
  CHECK(lab.control.counter("tired-reads", "matched") > 0);
}

TEST_CASE(
    "examples/rules/lying-cache.json: a flush that is none, and everything is answered GOOD") {
  RulesLab lab("lying-cache.json");
  lab.session.write_blocks(0, noise(4096, 1));
  Cdb flush{0x35};
  CHECK(lab.session.execute(flush).good());
  CHECK(lab.fired("flush-lies") == 1);
  CHECK(lab.session.read_blocks(0, 8) == noise(4096, 1));
}

TEST_CASE("examples/rules/slow-disk.json: every read takes its time") {
  RulesLab lab("slow-disk.json");
  const auto begin = now_ms();
  for (int i = 0; i < 5; ++i)
    CHECK(lab.session.execute_read(read_10(static_cast<std::uint32_t>(i) * 10000, 1), 512).good());
  CHECK(now_ms() - begin >= 5);
  CHECK(lab.fired("slow-disk") == 5);
}

TEST_CASE("examples/scenarios/hang-until-reset.json: only a LUN reset helps") {
  ScenarioRun run("hang-until-reset");
  for (int i = 0; i < 10; ++i)
    CHECK(run.session.execute_read(read_10(0, 1), 512).good());
  run.wait_for("hung", 2000);
  expect_no_answer(run.session);
  CHECK(run.session.manage(kLunReset) == 0);
  run.wait_for("reset", 2000);
  run.session.drain_attentions();
  CHECK(run.session.execute_read(read_10(0, 1), 512).good());
  CHECK(run.verdict() == "passed");
}

TEST_CASE("examples/scenarios/weak-sectors.json: they are found, written, and well again") {
  ScenarioRun run("weak-sectors");
  const auto found = run.session.execute_read(read_10(4096, 8), 8 * 512);
  CHECK(found.sense_code() == 0x031100);
  run.wait_for("found", 2000);
  run.session.write_blocks(4096, noise(64 * 512, 3));
  run.wait_for("rewritten", 2000);
  CHECK(run.session.read_blocks(4096, 64) == noise(64 * 512, 3));
  CHECK(run.verdict() == "passed");
}

TEST_CASE("examples/scenarios/busy-disk.json: a host that tries again passes") {
  ScenarioRun run("busy-disk");
  const auto deadline = now_ms() + 8000;
  std::uint8_t status = kBusy;
  while (status == kBusy && now_ms() < deadline) {
    status = run.session.execute_read(read_10(0, 1), 512).status;
    pause(100);
  }
  CHECK(status == 0);
  CHECK(run.verdict() == "passed");
}

TEST_CASE("the long scenarios of examples/ begin with their trouble, and can be stopped") {
  for (const auto* id : {"slow-start", "silent-lun", "session-cut"}) {
    CAPTURE(id);
    ScenarioRun run(id);
    if (run.id == "session-cut")
      CHECK(run.session.execute_read(read_10(0, 1), 512).good());
    else
      expect_no_answer(run.session);  // without power, or without a cable
    const auto stopped = run.control.post("/v1/scenarios/" + run.id + "/stop?discard=1");
    CHECK_MESSAGE(stopped.ok(), stopped.body);
    CHECK(run.control.get("/v1/rules").json()["rules"].empty());
  }
}

}  // namespace
}  // namespace faultlun::e2e::examples_test
