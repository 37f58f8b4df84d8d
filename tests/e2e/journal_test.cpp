// The journal as GET /v1/journal tells it, of everything that a real initiator can bring about:
// which entries there are, in which order, and at what time.
#include "tests/e2e/fault_lab.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace journal_test {

using namespace faultlun::e2e;

namespace {

using nlohmann::json;
using Kinds = std::vector<std::string>;

constexpr std::uint8_t kAbortTask = 1, kAbortTaskSet = 2;
const std::string kOfOne = "session=*:raw,*";

std::vector<json> lines_of(const std::string& body) {
  std::vector<json> out;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) out.push_back(json::parse(line));
  return out;
}

std::vector<json> journal(const ControlClient& control, const std::string& query = "") {
  const auto answer = control.get("/v1/journal?" + query);
  REQUIRE_MESSAGE(answer.ok(), answer.body);
  return lines_of(answer.body);
}

/// "now", as a cursor to read on from.
std::string end_of(const ControlClient& control) {
  const auto all = journal(control);
  REQUIRE(!all.empty());
  return all.back()["cursor"].get<std::string>();
}

Kinds kinds(const std::vector<json>& entries) {
  Kinds out;
  for (const auto& each : entries)
    out.push_back(each["kind"].get<std::string>());
  return out;
}

std::vector<json> only(const std::vector<json>& entries, const std::string& kind) {
  std::vector<json> out;
  std::ranges::copy_if(entries, std::back_inserter(out),
                       [&](const json& each) { return each["kind"] == kind; });
  return out;
}

std::int64_t at(const json& entry) {
  return entry["at_ns"].get<std::int64_t>();
}

/// What happened since, at least until there are `count` of `kind`.
std::vector<json> wait_for(const ControlClient& control, const std::string& query,
                           const std::string& kind, std::size_t count) {
  const auto deadline = now_ms() + kPatience;
  auto entries = journal(control, query);
  while (only(entries, kind).size() < count && now_ms() < deadline) {
    pause(5);
    entries = journal(control, query);
  }
  REQUIRE(only(entries, kind).size() == count);
  return entries;
}

}  // namespace

TEST_CASE("journal: a set is told of when it is published and where each session adopts it") {
  FaultLab lab;
  const auto since = end_of(lab.control);
  const auto put = lab.control
                       .put_rule(rule("busy", R"j({"op":"READ(10)","initiator":"*:raw"})j",
                                      R"({"scsi.status":{"status":"BUSY"}})"))
                       .json();
  const auto entries = journal(lab.control, "since=" + since);
  REQUIRE(kinds(entries) == Kinds{"rules", "rules", "rules"});
  const auto epoch = put["barrier"]["epoch"];
  for (const auto& each : entries)
    CHECK(each["epoch"] == epoch);
  const auto published =
      std::ranges::find_if(entries, [](const json& each) { return !each.contains("session"); });
  REQUIRE(published != entries.end());
  CHECK(at(*published) <= at(entries.back()));
  for (const auto& mark : put["barrier"]["sessions"]) {
    const auto adopted = std::ranges::find_if(entries, [&](const json& each) {
      return each.contains("session") && each["session"] == mark["alias"];
    });
    REQUIRE(adopted != entries.end());
    CHECK((*adopted)["cmd_sn"] == mark["cmd_sn"]);
  }
  const auto begun = journal(lab.control, kOfOne + "&kind=session_up,rules");
  CHECK(kinds(begun) == Kinds{"session_up", "rules", "rules"});
  CHECK(begun[0]["target"] == kTargetName);
  CHECK(begun[1]["epoch"].get<std::uint64_t>() < epoch.get<std::uint64_t>());
}

TEST_CASE("journal: a command, its decisions, what struck and its end come in that order") {
  FaultLab lab;
  lab.control.put_rule(rule("seen", R"j({"op":"READ(10)","initiator":"*:raw"})j",
                            R"({"scsi.status":{"status":"BUSY"}})", R"(,"observe":true)"));
  lab.control.put_rule(rule("slow", R"j({"op":"READ(10)","initiator":"*:raw"})j",
                            R"({"time.service":{"value":"5ms"}})"));
  const auto since = end_of(lab.control);
  lab.one.read_blocks(8, 1);
  const auto entries = journal(lab.control, "since=" + since);
  REQUIRE(kinds(entries) == Kinds{"command", "decision", "decision", "strike", "completion"});
  CHECK(entries[0]["op"] == "READ(10)");
  CHECK(entries[1]["rule"] == "seen");
  CHECK(entries[1]["outcome"] == "observed");
  CHECK(entries[2]["rule"] == "slow");
  CHECK(entries[2]["outcome"] == "fired");
  CHECK(entries[3]["fault"] == "time.service");
  CHECK(entries[4]["status"] == "GOOD");
  const auto took = entries[4]["took_ns"].get<std::int64_t>();
  CHECK(took >= 5'000'000);
  CHECK(at(entries[4]) - at(entries[0]) == took);
}

TEST_CASE("journal: times are those of the commands, to the microsecond") {
  FaultLab lab;
  const auto since = end_of(lab.control);
  using Clock = std::chrono::steady_clock;
  using std::chrono::nanoseconds;
  std::vector<Clock::time_point> sent, answered;
  for (int i = 0; i < 3; ++i) {
    sent.push_back(Clock::now());
    ready(lab.one);
    answered.push_back(Clock::now());
    pause(10);
  }
  const auto entries = journal(lab.control, "since=" + since);
  REQUIRE(kinds(entries) == Kinds{"command", "command", "command"});
  for (std::size_t i = 1; i < 3; ++i) {
    const nanoseconds apart(at(entries[i]) - at(entries[i - 1]));
    CHECK(apart >= sent[i] - answered[i - 1]);
    CHECK(apart <= answered[i] - sent[i - 1]);
  }
  CHECK(std::ranges::any_of(entries, [](const json& each) { return at(each) % 1000 != 0; }));
}

TEST_CASE("journal: functions are told of without any rule, with their answers") {
  FaultLab lab;
  const auto since = end_of(lab.control);
  CHECK(lab.one.manage(kAbortTaskSet) == 0);
  CHECK(lab.one.manage(kAbortTask, 0, 0x77, lab.one.cmd_sn) == 1);
  const auto entries = journal(lab.control, "since=" + since + "&kind=function,response");
  REQUIRE(kinds(entries) == Kinds{"function", "response", "function", "response"});
  CHECK(entries[0]["function"] == "ABORT TASK SET");
  CHECK(entries[0]["task_tag"] == entries[1]["task_tag"]);
  CHECK(entries[1]["response"] == "function complete");
  CHECK(entries[2]["function"] == "ABORT TASK");
  CHECK(entries[2]["referenced_task_tag"] == "0x00000077");
  CHECK(entries[3]["response"] == "task does not exist");
  for (const auto& each : entries)
    CHECK(each["lun"] == 0);
  CHECK(at(entries[0]) <= at(entries[1]));
  CHECK(at(entries[1]) < at(entries[2]));
}

TEST_CASE("journal: what rules decide about a function follows it, and a silent one is flagged") {
  FaultLab lab;
  const auto about = R"({"initiator":"*:raw","tmf":"ABORT_TASK_SET"})";
  lab.control.put_rule(rule("late", about, R"({"tmf.delay":{"delay":"3ms"}})"));
  lab.control.put_rule(rule("never", about, R"({"tmf.never":{}})", R"(,"gate":{"nth":2})"));
  const auto since = end_of(lab.control);
  CHECK(lab.one.manage(kAbortTaskSet) == 0);
  lab.one.check.forget(lab.one.send(task_management(kAbortTaskSet)));
  lab.one.expect_silence(50);
  const auto entries = wait_for(lab.control, "since=" + since, "response", 2);
  REQUIRE(kinds(entries) == Kinds{"function", "decision", "strike", "decision", "response",
                                  "function", "decision", "strike", "decision", "strike",
                                  "response"});
  CHECK(entries[1]["rule"] == "late");
  CHECK(entries[2]["fault"] == "tmf.delay");
  CHECK(entries[3]["rule"] == "never");
  CHECK(entries[3]["outcome"] != "fired");
  CHECK(entries[4]["response"] == "function complete");
  CHECK(entries[4]["took_ns"].get<std::int64_t>() >= 3'000'000);
  CHECK(entries[8]["outcome"] == "fired");
  CHECK(entries[9]["fault"] == "tmf.never");
  CHECK(entries[10]["silent"] == true);
  CHECK_FALSE(entries[10].contains("response"));
}

TEST_CASE("journal: refused logins have name, status and the rule that did it") {
  FaultLab lab;
  const auto since = end_of(lab.control);
  LoginOptions nowhere = second_initiator();
  nowhere.target = "iqn.2026-11.example.faultlun:nowhere";
  CHECK(status_of(lab.target, nowhere) == 0x0203);
  lab.control.put_rule(rule("gone", R"({"op":"INQUIRY","initiator":"*:second"})",
                            R"({"scsi.selection_timeout":{"variant":"login_not_found"}})"));
  lab.two.send(scsi_command(inquiry(36), 36, kFinal | kRead | kSimple));
  CHECK(lab.two.connection.closed_within(kPatience));
  CHECK(status_of(lab.target, second_initiator()) == 0x0203);
  const auto entries = journal(lab.control, "since=" + since + "&kind=login_refused");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0]["initiator"] == nowhere.initiator);
  CHECK(entries[0]["status"] == "0x0203");
  CHECK_FALSE(entries[0].contains("rule"));
  CHECK(entries[1]["initiator"] == nowhere.initiator);
  CHECK(entries[1]["status"] == "0x0203");
  CHECK(entries[1]["rule"] == "gone");
  CHECK(at(entries[0]) < at(entries[1]));
  CHECK(journal(lab.control, "kind=login_refused&rule=gone").size() == 1);
}

TEST_CASE("journal: a login that a rule leaves without an answer is told of as silent") {
  FaultLab lab;
  lab.control.put_rule(rule("gone", R"({"op":"INQUIRY","initiator":"*:second"})",
                            R"({"scsi.selection_timeout":{"variant":"connect_timeout"}})"));
  lab.two.send(scsi_command(inquiry(36), 36, kFinal | kRead | kSimple));
  CHECK(lab.two.connection.closed_within(kPatience));
  RawInitiator again(lab.target.portal());
  const auto who = second_initiator();
  again.send(login_request(
      kOperationalToFull, true, false,
      build_text({{"InitiatorName", who.initiator}, {"TargetName", who.target}}), who.isid));
  CHECK_FALSE(again.connection.readable(100));
  const auto entries = wait_for(lab.control, "kind=login_refused", "login_refused", 1);
  CHECK(entries[0]["silent"] == true);
  CHECK(entries[0]["rule"] == "gone");
  CHECK_FALSE(entries[0].contains("status"));
}

TEST_CASE("journal: a unit that changes is told of with the rule, and its healing") {
  FaultLab lab;
  const auto since = end_of(lab.control);
  lab.strike(R"({"lu.offline":{}})", 1);
  lab.heal();
  const auto entries = journal(lab.control, "since=" + since + "&kind=command,strike,unit");
  const auto units = only(entries, "unit");
  REQUIRE(units.size() == 2);
  CHECK(units[0]["change"] == "offline");
  CHECK(units[0]["lun"] == 1);
  CHECK(units[0]["target_index"] == 0);
  CHECK(units[0]["rule"] == "strike");
  CHECK(units[1]["change"] == "heal");
  CHECK_FALSE(units[1].contains("rule"));
  const auto all = kinds(entries);
  const auto struck = std::ranges::find(all, "strike");
  REQUIRE(struck != all.end());
  CHECK(*std::next(struck) == "unit");
}

TEST_CASE("journal: an effect that could not be carried out is told of, in the export too") {
  FaultLab lab;
  lab.control.put_rule(rule("byte", R"({"op":"read","initiator":"*:raw"})",
                            R"({"data.byte":{"offset":512,"set":"aa"}})"));
  const auto since = end_of(lab.control);
  lab.one.read_blocks(8, 1);
  const auto entries = journal(lab.control, "since=" + since + "&kind=command,strike");
  REQUIRE(kinds(entries) == Kinds{"command", "strike", "strike"});
  CHECK(entries[1]["effect"] == 0);
  CHECK_FALSE(entries[1].contains("unmet"));
  CHECK(entries[2]["rule"] == "byte");
  CHECK(entries[2]["fault"] == "data.byte");
  CHECK(entries[2]["unmet"].get<std::string>().find("range") != std::string::npos);
  const auto exported = lines_of(lab.control.get("/v1/journal?export=1").body);
  const auto strikes =
      std::ranges::count_if(exported, [](const json& each) { return each.contains("strike"); });
  const auto unmet =
      std::ranges::count_if(exported, [](const json& each) { return each.contains("unmet"); });
  CHECK(strikes == 1);
  CHECK(unmet == 1);
}

TEST_CASE("journal: its hash is about decisions alone") {
  const auto hash_of_run = [](bool with_more) {
    const TemporaryDirectory directory;
    const auto config = directory.write("config.json", LabConfig().json(directory));
    const TargetProcess target(std::vector<std::string>{"--config", config, "--seed", "7"});
    const ControlClient control(target);
    control.put_rule(rule("often", R"j({"op":"READ(10)"})j", R"({"scsi.status":{"status":"BUSY"}})",
                          R"(,"gate":{"p":0.5})"));
    RawInitiator session = connect_session(target);
    for (std::uint32_t i = 0; i < 50; ++i) {
      session.execute_read(read_10(i, 1), 512);
      if (with_more && i == 20) {
        session.manage(kAbortTaskSet);
        LoginOptions nowhere = second_initiator();
        nowhere.target = "iqn.2026-11.example.faultlun:nowhere";
        CHECK(status_of(target, nowhere) == 0x0203);
      }
    }
    return control.get("/v1/journal/hash").json()["hash"].get<std::string>();
  };
  const auto hash = hash_of_run(false);
  CHECK(hash == hash_of_run(false));
  CHECK(hash == hash_of_run(true));
}

}  // namespace journal_test
