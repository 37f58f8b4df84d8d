// Replay (D6): the journal of a run with random rules, given to a daemon of another seed without
// rules, makes the same things happen to the same commands; the first other command is reported.
#include "tests/e2e/fault_lab.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <sstream>
#include <tuple>

namespace replay_test {

using namespace faultlun::e2e;

namespace {

using nlohmann::json;

constexpr unsigned kCommands = 200;
constexpr std::uint8_t kAbortTaskSet = 2;

constexpr char kRules[] = R"j({"rules":[
{"id":"weak","match":{"op":"read","lba":{"start":64,"len":200}},"gate":{"p":0.05,"key":"lba"},
 "effect":{"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true}}},
{"id":"thirds","match":{"op":"READ(10)","blocks":{"min":4}},"gate":{"every":3},
 "effect":{"scsi.status":{"status":"BUSY"}}},
{"id":"chance","match":{"op":["read","write"]},"gate":{"p":0.1},
 "effect":{"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}}},
{"id":"flips","match":{"op":"read"},"gate":{"p":0.2},"effect":{"data.flip":{}}},
{"id":"loses","match":{"op":"write"},"gate":{"p":0.2},"effect":{"data.lost_write":{}}},
{"id":"slow","match":{"op":"any"},"gate":{"p":0.3},
 "effect":{"time.service":{"dist":"uniform","min":"100us","max":"2ms"}}},
{"id":"denies","match":{"tmf":"ABORT_TASK_SET"},"gate":{"p":0.5},"effect":{"tmf.response":{"response":255}}}
]})j";

/// What an initiator sees of one command or function.
struct Answer {
  std::uint8_t status = 0;
  std::uint32_t sense = 0;
  Octets data;
  friend bool operator==(const Answer&, const Answer&) = default;
};
using Answers = std::vector<Answer>;

/// Command number `other` reads a block that no other reads.
Answers work(RawInitiator& session, std::optional<unsigned> other = {}) {
  Answers answers;
  std::mt19937 random(1);
  for (unsigned i = 0; i < kCommands; ++i) {
    const auto blocks = static_cast<std::uint16_t>(1 + random() % 8);
    auto lba = static_cast<std::uint32_t>(random() % 500);
    const bool writes = random() % 3 == 0;
    if (other == i) {
      const auto outcome = session.execute_read(read_10(9999, 1), 512);
      answers.push_back({outcome.status, outcome.sense_code(), outcome.data});
      continue;
    }
    if (i % 10 == 9) answers.push_back({session.manage(kAbortTaskSet), 0, {}});
    const auto outcome = writes
                             ? session.execute_write(write_10(lba, blocks), noise(blocks * 512U, i))
                             : session.execute_read(read_10(lba, blocks), blocks * 512U);
    answers.push_back({outcome.status, outcome.sense_code(), outcome.data});
  }
  return answers;
}

std::vector<json> entries(const ControlClient& control, const std::string& query) {
  const auto answer = control.get("/v1/journal?" + query);
  REQUIRE_MESSAGE(answer.ok(), answer.body);
  std::vector<json> out;
  std::istringstream lines(answer.body);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) out.push_back(json::parse(line));
  return out;
}

/// Everything that struck: which command, counted from the session's first; rule; fault; what was
/// drawn.
using Struck = std::vector<std::tuple<std::uint32_t, std::string, std::string, std::string>>;
Struck struck(const ControlClient& control, std::uint32_t first_cmd_sn) {
  Struck out;
  for (const auto& each : entries(control, "kind=strike"))
    out.emplace_back(each["cmd_sn"].get<std::uint32_t>() - first_cmd_sn,
                     each["rule"].get<std::string>(), each["fault"].get<std::string>(),
                     each["resolved"].dump());
  return out;
}

struct Daemon {
  explicit Daemon(const std::string& seed)
      : target(std::vector<std::string>{"--config",
                                        directory.write("config.json", LabConfig().json(directory)),
                                        "--seed", seed}),
        control(target) {}

  void replay(const std::string& journal) const {
    const auto answer = control.post("/v1/replay", journal);
    REQUIRE_MESSAGE(answer.ok(), answer.body);
  }
  json report() const { return control.get("/v1/replay").json(); }

  TemporaryDirectory directory;
  TargetProcess target;
  ControlClient control;
};

/// One run, and what became of it.
struct Recorded {
  Recorded() {
    Daemon daemon("11");
    const auto put = daemon.control.call("PUT", "/v1/rules", kRules);
    REQUIRE_MESSAGE(put.ok(), put.body);
    auto session = connect_session(daemon.target);
    answers = work(session);
    session.logout_and_close();
    journal = daemon.control.get("/v1/journal?export=1").body;
    strikes = struck(daemon.control, 1);
  }
  Answers answers;
  std::string journal;
  Struck strikes;
};

LoginOptions starting_at(std::uint32_t cmd_sn) {
  LoginOptions options;
  options.cmd_sn = cmd_sn;
  return options;
}

}  // namespace

TEST_CASE("replay: the same commands meet the same faults, without rules and with another seed") {
  const Recorded recorded;
  CHECK(recorded.strikes.size() > kCommands / 4);
  const Daemon daemon("12");
  daemon.replay(recorded.journal);
  auto session = connect_session(daemon.target, starting_at(70'000));
  CHECK(work(session) == recorded.answers);
  session.logout_and_close();
  CHECK(struck(daemon.control, 70'000) == recorded.strikes);
  const auto report = daemon.report();
  CHECK(report["divergences"] == 0);
  REQUIRE(report["sessions"].size() == 1);
  const auto& told = report["sessions"][0];
  CHECK(told["whole"] == true);
  CHECK(told["came"] == told["recorded"]);
  CHECK(told["by_content"] == told["recorded"]);
  CHECK(told["struck"] == told["with_effects"]);
  CHECK(daemon.control.get("/v1/rules").json()["rules"].empty());
}

TEST_CASE(
    "replay: the first command that is another is reported, with both, and the rest goes on") {
  constexpr unsigned kOther = 120;
  const Recorded recorded;
  const Daemon daemon("12");
  daemon.replay(recorded.journal);
  auto session = connect_session(daemon.target);
  const auto answers = work(session, kOther);
  const auto report = daemon.report();
  CHECK(report["divergences"] == 1);
  const auto commands = entries(daemon.control, "kind=command");
  const auto other = std::ranges::find_if(
      commands, [](const json& each) { return each.contains("lba") && each["lba"] == 9999; });
  REQUIRE(other != commands.end());
  const auto divergence = report["sessions"][0]["divergence"];
  CHECK(divergence["lane"] == "command");
  CHECK(divergence["place"] == other - commands.begin());
  CHECK(divergence["cmd_sn"] == (*other)["cmd_sn"]);
  CHECK(divergence["got"]["lba"] == 9999);
  CHECK(divergence["got"]["op"] == "READ(10)");
  CHECK(divergence["expected"]["cmd_sn"] == (*other)["cmd_sn"]);
  CHECK(divergence["expected"]["lba"] != 9999);
  // Functions come between the commands: one before every tenth.
  const auto at = kOther + kOther / 10;
  REQUIRE(answers.size() == recorded.answers.size());
  CHECK(std::equal(answers.begin(), answers.begin() + at, recorded.answers.begin()));
  std::size_t alike = 0;
  for (std::size_t i = at; i < answers.size(); ++i)
    alike += answers[i].status == recorded.answers[i].status ? 1U : 0U;
  CHECK(alike + 2 >= answers.size() - at);
}

TEST_CASE("replay: rules that change meanwhile wait for its end") {
  const Daemon daemon("12");
  auto session = connect_session(daemon.target);
  const auto first = session.cmd_sn;
  daemon.replay(daemon.control.get("/v1/journal?export=1").body);
  daemon.control.put_rule(
      rule("busy", R"j({"op":"READ(10)"})j", R"({"scsi.status":{"status":"BUSY"}})"));
  CHECK(session.execute_read(read_10(0, 1), 512).good());
  CHECK(daemon.control.counter("busy", "matched") == 0);
  const auto last = session.cmd_sn;
  CHECK(daemon.control.call("DELETE", "/v1/replay").status == 204);
  CHECK(session.execute_read(read_10(0, 1), 512).status == 8);
  CHECK(daemon.control.counter("busy", "fired") == 1);
  CHECK(daemon.control.get("/v1/replay").status == 404);
  CHECK(daemon.control.call("DELETE", "/v1/replay").status == 204);
  const auto told = entries(daemon.control, "kind=replay_on,replay_off");
  REQUIRE(told.size() == 4);
  const auto of_session = [&](const char* kind) {
    return *std::ranges::find_if(
        told, [&](const json& each) { return each["kind"] == kind && each.contains("session"); });
  };
  CHECK(of_session("replay_on")["cmd_sn"] == first);
  CHECK(of_session("replay_off")["cmd_sn"] == last);
  const auto adopted = entries(daemon.control, "kind=rules&session=*");
  CHECK(adopted.back()["cmd_sn"] == last);
}

TEST_CASE("replay: a reset ends it, and what it holds is answered") {
  std::string journal;
  {
    Daemon daemon("11");
    daemon.control.put_rule(rule("hold", R"j({"op":"READ(10)"})j", R"({"time.hold":{}})"));
    auto session = connect_session(daemon.target);
    const auto tag = session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
    session.expect_alive();
    journal = daemon.control.get("/v1/journal?export=1").body;
    REQUIRE(daemon.control.post("/v1/reset").ok());
    CHECK(session.finish(tag).good());
  }
  const Daemon daemon("12");
  daemon.replay(journal);
  auto session = connect_session(daemon.target);
  const auto tag = session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
  session.expect_alive();
  session.expect_silence(50);
  CHECK(daemon.report()["sessions"][0]["struck"] == 1);
  const auto before = now_ms();
  REQUIRE(daemon.control.post("/v1/reset").ok());
  CHECK(session.finish(tag).good());
  CHECK(now_ms() - before < 1000);
  CHECK(daemon.control.get("/v1/replay").status == 404);
  CHECK(session.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("replay: what is no journal is refused with its line, and changes nothing") {
  const Daemon daemon("12");
  const auto nonsense =
      daemon.control.post("/v1/replay", "{\"faultlun_journal\":1,\"seed\":\"1\"}\n{\"x\":1}\n");
  CHECK(nonsense.status == 400);
  CHECK(nonsense.body.find("line 2") != std::string::npos);
  CHECK(daemon.control.get("/v1/replay").status == 404);
  daemon.replay("{\"faultlun_journal\":1,\"seed\":\"1\"}\n");
  CHECK(daemon.control.post("/v1/replay", "nonsense").status == 400);
  CHECK(daemon.report()["seed"] == "0x1");  // the one before is still in force
}

TEST_CASE("replay: others are served while a large journal is read") {
  const Daemon daemon("12");
  std::string journal =
      "{\"faultlun_journal\":1,\"seed\":\"1\"}\n"
      "{\"session\":1,\"alias\":\"a,1,1\",\"target\":\"t\"}\n";
  for (unsigned i = 0; journal.size() < (15U << 20); ++i)
    journal +=
        "{\"s\":1,\"sn\":" + std::to_string(i) + ",\"lun\":0,\"cdb\":\"280000000000000001\"}\n";
  std::atomic<bool> over{false};
  ControlAnswer answer;
  std::thread poster([&] {
    answer = daemon.control.post("/v1/replay", journal);
    over = true;
  });
  unsigned served = 0;
  while (!over && served < 1000)
    served += daemon.control.get("/v1/targets").ok() ? 1U : 0U;
  poster.join();
  CHECK_MESSAGE(answer.ok(), answer.body);
  CHECK(served > 5);
}

}  // namespace replay_test
