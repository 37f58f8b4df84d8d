// Scenarios in a running daemon: what leads from state to state, verdicts, the command line with
// its exit status, and an end of the daemon in the middle.
#include "tests/e2e/fault_lab.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

namespace faultlun::e2e::scenario_test {
namespace {

using Json = nlohmann::json;

constexpr std::uint8_t kLunReset = 5, kAbortTask = 1;
constexpr std::uint8_t kBusy = 0x08;

/// One initiator at a daemon, and a shell with `faultlun` in its path.
struct ScenarioLab {
  TargetProcess target;
  ControlClient control{target};
  RawInitiator session{connect_session(target)};
  TemporaryDirectory directory;

  void put(const std::string& id, const std::string& scenario) {
    const auto answer = control.call("PUT", "/v1/scenarios/" + id, scenario);
    REQUIRE_MESSAGE(answer.ok(), answer.body);
  }
  void start(const std::string& id, const std::string& scenario) {
    put(id, scenario);
    const auto answer = control.post("/v1/scenarios/" + id + "/start");
    REQUIRE_MESSAGE(answer.ok(), answer.body);
  }
  std::string state(const std::string& id) const {
    return control.get("/v1/scenarios/" + id).json()["run"]["state"];
  }
  /// Fails the test when the state is not entered in good time.
  void wait_for_state(const std::string& id, const std::string& wanted) const {
    const auto deadline = now_ms() + kPatience;
    while (state(id) != wanted && now_ms() < deadline)
      pause(5);
    CHECK(state(id) == wanted);
  }
  Json result(const std::string& id) const {
    const auto answer = control.get("/v1/scenarios/" + id + "/result?wait=1&timeout_ms=10000");
    REQUIRE_MESSAGE(answer.ok(), answer.body);
    return answer.json();
  }
  std::uint8_t read_status() { return session.execute_read(read_10(0, 1), 512).status; }
  Ran shell(const std::string& line) const {
    const auto& binary = target_binary();
    return run_program({"/bin/bash", "-c",
                        "cd " + directory.path() +
                            " && export PATH=" + binary.substr(0, binary.rfind('/')) +
                            ":$PATH FAULTLUN_CONTROL=" + target.control() + "\n" + line});
  }
  std::string file(const std::string& name) const {
    std::ifstream in(directory.path() + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

std::vector<std::string> states_of(const Json& result) {
  std::vector<std::string> out;
  for (const auto& step : result["timeline"])
    out.push_back(step["state"]);
  return out;
}
using States = std::vector<std::string>;

std::string why_of(const Json& result, const std::string& that) {
  for (const auto& each : result["expectations"])
    if (each["expect"]["that"] == that)
      return std::string(each["passed"] == true ? "ok: " : "FAIL: ") + std::string(each["why"]);
  return {};
}

TEST_CASE("scenario: states follow each other by commands, time, marks, events and logins") {
  ScenarioLab lab;
  lab.start("walk", R"~({"states":{
      "count": {"rules":[{"id":"busy","match":{"op":"READ(10)"},"gate":{"nth":2},"effect":{"scsi.status":"BUSY"}}]},
      "time":  {"rules":[]}, "mark": {"rules":[]}, "event": {"rules":[]},
      "leave": {"rules":[]}, "come": {"rules":[]}, "done": {}},
    "transitions":[
      {"from":"count","to":"time","when":{"match":{"op":"READ(10)"},"count":3}},
      {"from":"time","to":"mark","when":{"after_ms":150}},
      {"from":"mark","to":"event","when":{"mark":"here"}},
      {"from":"event","to":"leave","when":{"event":"operator.go"}},
      {"from":"leave","to":"come","when":{"login":"down"}},
      {"from":"come","to":"done","when":{"login":"up","count":2}}],
    "expect":[{"that":"final_state","state":"done"},{"that":"fired","rule":"busy","max":1},
              {"that":"retried","min":1}]})~");
  CHECK(lab.read_status() == 0);
  CHECK(lab.read_status() == kBusy);
  CHECK(lab.state("walk") == "count");
  CHECK(lab.read_status() == 0);
  lab.wait_for_state("walk", "time");
  lab.wait_for_state("walk", "mark");
  REQUIRE(lab.control.post("/v1/marks/other").ok());
  CHECK(lab.state("walk") == "mark");
  REQUIRE(lab.control.post("/v1/marks/here").ok());
  CHECK(lab.state("walk") == "event");
  REQUIRE(lab.control.post("/v1/events/operator.go").ok());
  CHECK(lab.state("walk") == "leave");
  lab.session.logout_and_close();
  lab.wait_for_state("walk", "come");
  auto first = connect_session(lab.target);
  pause(50);
  CHECK(lab.state("walk") == "come");
  auto second = connect_session(lab.target, second_initiator());
  const auto result = lab.result("walk");
  CHECK_MESSAGE(result["verdict"] == "passed", result.dump());
  CHECK(states_of(result) == States{"count", "time", "mark", "event", "leave", "come", "done"});
  const auto& timeline = result["timeline"];
  const auto stayed =
      timeline[2]["at_us"].get<std::int64_t>() - timeline[1]["at_us"].get<std::int64_t>();
  CHECK(stayed == 150'000);  // it counts from the moment when it was due
  const auto journal = lab.control.get("/v1/journal").body;
  CHECK(journal.find(R"("kind":"mark")") != std::string::npos);
  CHECK(journal.find(R"("kind":"event","name":"operator.go")") != std::string::npos);
  CHECK(journal.find(R"("scenario":"walk","state":"done")") != std::string::npos);
}

TEST_CASE("scenario: task management functions lead on, and are expected in their order") {
  ScenarioLab lab;
  lab.start("tmf", R"({"states":{"hung":{"rules":[]},"reset":{}},
    "transitions":[{"from":"hung","to":"reset","when":{"tmf":"LOGICAL_UNIT_RESET"}}],
    "expect":[{"that":"tmf_seen","order":["ABORT_TASK","LOGICAL_UNIT_RESET"]},
              {"that":"tmf_not_seen","tmf":"TARGET_COLD_RESET"}]})");
  CHECK(lab.session.manage(kAbortTask, 0, 0x4242, lab.session.cmd_sn - 1) <= 1);
  CHECK(lab.session.manage(kLunReset) == 0);
  const auto result = lab.result("tmf");
  CHECK_MESSAGE(result["verdict"] == "passed", result.dump());
}

TEST_CASE("scenario: its rules are in force while their state stands and gone afterwards") {
  ScenarioLab lab;
  REQUIRE(lab.read_status() == 0);
  lab.start(
      "s",
      R"({"states":{"bad":{"rules":[{"id":"b","effect":{"scsi.status":"BUSY"}}]},"good":{"rules":[]},"end":{}},
    "transitions":[{"from":"bad","to":"good","when":{"event":"heal"}},{"from":"good","to":"end","when":{"event":"end"}}]})");
  CHECK(lab.read_status() == kBusy);
  const auto rules = lab.control.get("/v1/rules?source=scenario:s").json();
  CHECK(rules["rules"].size() == 1);
  REQUIRE(lab.control.post("/v1/events/heal").ok());
  const auto deadline = now_ms() + kPatience;
  while (lab.read_status() != 0 && now_ms() < deadline)
    pause(5);
  CHECK(lab.read_status() == 0);
  REQUIRE(lab.control.post("/v1/scenarios/s/goto", R"({"state":"bad"})").ok());
  const auto again = now_ms() + kPatience;
  while (lab.read_status() == 0 && now_ms() < again)
    pause(5);
  CHECK(lab.read_status() == kBusy);
  const auto stopped = lab.control.post("/v1/scenarios/s/stop").json();
  CHECK(stopped["verdict"] == "passed");
  CHECK(lab.control.get("/v1/rules").json()["rules"].empty());
}

TEST_CASE("scenario: units change and unit attentions are raised when a state is entered") {
  ScenarioLab lab;
  lab.start("s", R"({"states":{"off":{"rules":[],"enter":[{"do":"lu.offline","lun":0}]},
    "on":{"rules":[],"enter":[{"do":"lu.online"},{"do":"ua.queue","asc":"29/01","nexus":"all"}]},"end":{}},
    "transitions":[{"from":"off","to":"on","when":{"event":"on"}},{"from":"on","to":"end","when":{"event":"end"}}]})");
  CHECK(lab.session.execute(test_unit_ready()).status == 0x02);
  REQUIRE(lab.control.post("/v1/events/on").ok());
  const auto told = lab.session.drain_attentions();
  CHECK(std::find(told.begin(), told.end(), 0x062901) != told.end());
  CHECK(lab.session.execute(test_unit_ready()).good());
  CHECK(lab.control.post("/v1/scenarios/s/stop").json()["verdict"] == "passed");
  lab.put("t", R"({"states":{"a":{"rules":[],"enter":[{"do":"lu.offline","lun":9}]}}})");
  const auto refused = lab.control.post("/v1/scenarios/t/start");
  CHECK(refused.status == 409);
  CHECK(refused.body.find("there is no unit 9") != std::string::npos);
}

TEST_CASE("scenario: data that a fault struck and nobody healed fails the expectation of no loss") {
  ScenarioLab lab;
  const auto scenario =
      R"({"states":{"bad":{"rules":[{"id":"rot","match":{"op":"read"},"gate":{"times":1},
        "effect":{"data.flip":{"bits":1}}}]},"end":{}},
        "transitions":[{"from":"bad","to":"end","when":{"event":"end"}}],
        "expect":[{"that":"no_data_loss"}]})";
  const auto data = noise(512, 1);
  lab.session.write_blocks(0, data);
  lab.start("loss", scenario);
  CHECK(lab.session.read_blocks(0, 1) != data);
  REQUIRE(lab.control.post("/v1/events/end").ok());
  const auto lost = lab.result("loss");
  CHECK_MESSAGE(lost["verdict"] == "failed", lost.dump());
  CHECK(why_of(lost, "no_data_loss").starts_with("FAIL: "));
  lab.session.write_blocks(0, data);
  REQUIRE(lab.control.post("/v1/scenarios/loss/start").ok());
  CHECK(lab.session.read_blocks(0, 1) != data);
  lab.session.write_blocks(0, data);  // heals
  CHECK(lab.session.read_blocks(0, 1) == data);
  REQUIRE(lab.control.post("/v1/events/end").ok());
  const auto healed = lab.result("loss");
  CHECK_MESSAGE(healed["verdict"] == "passed", healed.dump());
}

TEST_CASE("scenario: a lost session is missed until its initiator is back, an orderly end is not") {
  ScenarioLab lab;
  lab.start("s", R"({"states":{"a":{"rules":[]},"end":{}},
    "transitions":[{"from":"a","to":"end","when":{"event":"end"}}],
    "expect":[{"that":"reconnected","within_ms":5000},{"that":"no_reconnect_faster_than_ms","value":20}]})");
  auto other = connect_session(lab.target, second_initiator());
  other.logout_and_close();
  lab.session.connection.reset();
  const auto deadline = now_ms() + kPatience;
  while (!lab.control.get("/v1/sessions").json().empty() && now_ms() < deadline)
    pause(5);
  REQUIRE(lab.control.post("/v1/events/end").ok());
  CHECK(lab.control.get("/v1/scenarios/s/result").json()["verdict"] == "settling");
  pause(50);
  auto back = connect_session(lab.target);
  const auto result = lab.result("s");
  CHECK_MESSAGE(result["verdict"] == "passed", result.dump());
}

TEST_CASE("scenario: the command line follows it to its verdict, with exit status and JUnit XML") {
  ScenarioLab lab;
  lab.directory.write("good.json", R"({"id":"good","states":{"a":{"rules":[]},"b":{}},
    "transitions":[{"from":"a","to":"b","when":{"after_ms":50}}]})");
  const auto good = lab.shell("faultlun scenario run good.json --junit good.xml");
  CHECK_MESSAGE(good.status == 0, good.output);
  CHECK(good.output.find("0.000 s  a  (the scenario began)") != std::string::npos);
  CHECK(good.output.find("0.050 s  b  (50ms had passed)") != std::string::npos);
  CHECK(good.output.find("good: passed") != std::string::npos);
  CHECK(lab.file("good.xml").find("<testsuite name=\"good\" tests=\"1\" failures=\"0\"") !=
        std::string::npos);

  lab.directory.write("idle.json", R"({"id":"idle","states":{"a":{"rules":[
      {"id":"never","match":{"op":"unmap"},"effect":{"scsi.status":"BUSY"}}]},"b":{}},
    "transitions":[{"from":"a","to":"b","when":{"event":"done"}}]})");
  CHECK(lab.shell("faultlun scenario put idle.json").status == 0);
  CHECK(lab.shell("faultlun scenario start idle").output == "idle: running, in state a\n");
  CHECK(lab.shell("faultlun scenario ls").output.find("idle  yes      a      running") !=
        std::string::npos);
  CHECK(lab.shell("faultlun scenario goto idle b").status == 0);
  const auto failed = lab.shell("faultlun scenario result idle --wait --junit idle.xml");
  CHECK_MESSAGE(failed.status == 1, failed.output);
  CHECK(failed.output.find("FAIL  must_fire: never fired although the state was entered: never") !=
        std::string::npos);
  CHECK(lab.file("idle.xml").find("failures=\"1\"") != std::string::npos);
  CHECK(
      lab.shell(
             "faultlun scenario start idle --wait & W=$!; sleep 0.3; faultlun event done; wait $W")
          .status == 1);
  CHECK(lab.shell("faultlun scenario result nobody").status == 1);
  CHECK(lab.shell("faultlun scenario rm idle && faultlun scenario get idle").status == 1);
}

TEST_CASE("a window since a mark opens when it is set, and again when it is set again") {
  ScenarioLab lab;
  lab.control.put_rule(R"({"id":"w","effect":{"scsi.status":"BUSY"},
    "gate":{"window":{"since":"mark","mark":"upgrade","for_ms":200}}})");
  CHECK(lab.read_status() == 0);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(lab.control.post("/v1/marks/upgrade").ok());
    CHECK(lab.read_status() == kBusy);
    pause(250);
    CHECK(lab.read_status() == 0);
  }
  REQUIRE(lab.control.post("/v1/marks/other").ok());
  CHECK(lab.read_status() == 0);
}

TEST_CASE("scenario: a reset breaks every run off, and its rules are gone") {
  ScenarioLab lab;
  lab.start("s", R"({"states":{"bad":{"rules":[{"id":"b","effect":{"scsi.status":"BUSY"}}]}}})");
  REQUIRE(lab.control.post("/v1/reset").ok());
  CHECK(lab.read_status() == 0);
  const auto result = lab.control.get("/v1/scenarios/s/result").json();
  CHECK(result["verdict"] == "stopped");
  CHECK(result["why"] == "everything was reset");
  CHECK(lab.control.get("/v1/rules").json()["rules"].empty());
}

TEST_CASE("scenario: SIGTERM ends the daemon at once while one runs, is followed and waited for") {
  std::optional<ScenarioLab> lab;
  lab.emplace();
  lab->start(
      "s",
      R"({"states":{"a":{"rules":[{"id":"h","match":{"op":"read"},"effect":{"time.hold":{}}}]}}})");
  const auto tag = lab->session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
  const auto ran = lab->shell(
      "faultlun scenario result s --wait > wait.txt & "
      "faultlun api GET /v1/scenarios/s/follow > follow.txt & sleep 0.3; kill " +
      std::to_string(lab->target.pid()) + "; wait");
  CHECK(lab->file("wait.txt").find("s: stopped (the daemon ended)") != std::string::npos);
  CHECK(lab->file("follow.txt").find("\"verdict\":\"stopped\"") != std::string::npos);
  lab->session.check.forget(tag);
  const auto start = now_ms();
  lab->target.stop();  // the test fails unless it ended with 0 within 5 s
  CHECK(now_ms() - start < 5000);
}

TEST_CASE("scenario: nothing is read or kept while none runs, and what was before is not heard") {
  ScenarioLab lab;
  for (int i = 0; i < 10; ++i)
    CHECK(lab.read_status() == 0);
  lab.start("s", R"~({"states":{"a":{"rules":[]},"b":{}},
    "transitions":[{"from":"a","to":"b","when":{"match":{"op":"READ(10)"},"count":2}}],
    "expect":[{"that":"state_reached","state":"b"}]})~");
  CHECK(lab.read_status() == 0);
  pause(30);
  CHECK(lab.state("s") == "a");
  CHECK(lab.read_status() == 0);
  CHECK(lab.result("s")["verdict"] == "passed");
  CHECK(states_of(lab.result("s")) == States{"a", "b"});
}

}  // namespace
}  // namespace faultlun::e2e::scenario_test
