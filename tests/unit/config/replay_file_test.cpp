#include "config/replay_file.hpp"

#include "tests/unit/faults/command_bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace replay_file_test {

using namespace faultlun;
using namespace faultlun::config;
using faults::Recording;

namespace {

const std::string kHead = R"({"faultlun_journal": 1, "seed": "0x2a"})"
                          "\n";
const std::string kSession =
    R"({"session": 1, "alias": "iqn.a,1,1", "target": "iqn.t", "whole": true})"
    "\n";
const std::string kRule = R"({"serial": 7, "rule": {"id": "busy"}})"
                          "\n";
const std::string kRead = R"({"s": 1, "sn": 9, "lun": 2, "cdb": "280000000007000008"})"
                          "\n";
const std::string kFired =
    R"({"s": 1, "sn": 9, "fired": 7, "key": "content", "of": 5, "index": 2, "draw": 4660})"
    "\n";
const std::string kStrike = R"({"s": 1, "sn": 9, "strike": 7, "effect": 0, "resolved": [250, 1]})"
                            "\n";

/// A rule that answers BUSY; one without an ID is none.
std::optional<faults::Rule> read_rule(const Value& value) {
  static constexpr Key kKeys[] = {{"id", true, "string", "", ""}};
  static constexpr Shape kShape = {"rule", "", kKeys};
  Object in(value, kShape);
  const auto id = in.required("id").text(1, 64);
  in.finish();
  return id ? std::optional(faults::busy_rule(*id)) : std::nullopt;
}

Recording loaded(const std::string& text) {
  auto out = load_recording(text, read_rule);
  if (!out.recording) FAIL(to_text(out.errors.front()));
  return std::move(*out.recording);
}

std::string problem_of(const std::string& text) {
  const auto out = load_recording(text, read_rule);
  CHECK_FALSE(out.recording);
  REQUIRE_FALSE(out.errors.empty());
  return to_text(out.errors.front());
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an export is read back as it was told") {
  const auto recording = loaded(kHead + kSession + kRead + kRule + kFired + kStrike + "\n" +
                                R"({"s": 1, "sn": 10, "imm": true, "cdb": "00"})"
                                "\n"
                                R"({"s": 1, "sn": 10, "lun": 0, "tmf": 5})");
  CHECK(recording.seed == 0x2a);
  REQUIRE(recording.rules.size() == 1);
  CHECK(recording.rules.front().id == "busy");
  REQUIRE(recording.sessions.size() == 1);
  const auto& session = recording.sessions.front();
  CHECK(session.alias == "iqn.a,1,1");
  CHECK(session.target == "iqn.t");
  CHECK(session.whole);
  CHECK(session.in_order == SIZE_MAX);
  REQUIRE(session.events.size() == 3);
  const auto& read = session.events[0];
  CHECK(read.lane == Recording::Lane::command);
  CHECK(read.cmd_sn == 9);
  CHECK(read.has_lun);
  CHECK(read.lun == 2);
  CHECK(read.cdb[5] == 7);
  CHECK(read.cdb.length == 16);
  REQUIRE(read.fired.size() == 1);
  const auto& fired = read.fired.front();
  CHECK(fired.rule == 0);
  CHECK(fired.key == faults::Key::content);
  CHECK(fired.key_number == 5);
  CHECK(fired.index == 2);
  CHECK(fired.draw == 4660);
  CHECK(fired.drawn);
  REQUIRE(fired.strikes.size() == 1);
  CHECK(fired.strikes.front().resolved == std::array<std::uint64_t, 2>{250, 1});
  CHECK(session.events[1].lane == Recording::Lane::immediate);
  CHECK_FALSE(session.events[1].has_lun);
  CHECK(session.events[2].lane == Recording::Lane::function);
  CHECK(session.events[2].function == 5);
}

TEST_CASE("what was decided later is told of the command that has its CmdSN") {
  const auto recording = loaded(kHead + kSession + kRule + kRead +
                                R"({"s": 1, "sn": 10, "cdb": "28"})"
                                "\n" +
                                kFired + kStrike);
  CHECK(recording.sessions.front().events[0].fired.size() == 1);
  CHECK(recording.sessions.front().events[1].fired.empty());
}

TEST_CASE("what could not be carried out then is read over") {
  const std::string unmet = R"({"s": 1, "sn": 9, "unmet": 7, "why": "too many"})"
                            "\n";
  const auto recording = loaded(kHead + kSession + kRule + kRead + kFired + kStrike + unmet);
  const auto& events = recording.sessions.front().events;
  REQUIRE(events.size() == 1);
  CHECK(events.front().fired.front().strikes.size() == 1);
  CHECK(says(problem_of(kHead + kSession + kRead + unmet), "a rule without a line"));
}

TEST_CASE("a loss ends the order of its sessions, at the first one") {
  const std::string loss = R"({"lost": 3, "sessions": [1, 99]})"
                           "\n";
  const auto recording = loaded(kHead + kSession + kRead + loss + kRead + loss);
  CHECK(recording.sessions.front().in_order == 1);
}

TEST_CASE("what is no export is refused with the line, the reason and the remedy") {
  CHECK(says(problem_of(""), "is empty"));
  CHECK(says(problem_of("\n \n"), "is empty"));
  CHECK(says(problem_of("hello"), "line 1"));
  CHECK(says(problem_of(kRead), "faultlun_journal"));
  CHECK(says(problem_of(R"({"faultlun_journal": 2, "seed": 1})"), "reads format 1"));
  CHECK(says(problem_of(kHead + R"({"kind": "command"})"), "line 2"));
  CHECK(says(problem_of(kHead + R"({"kind": "command"})"), "export=1"));
  CHECK(says(problem_of(kHead + "[]"), "none of the lines"));
  CHECK(says(problem_of(kHead + kRead), "line 2: s: is a session without"));
  CHECK(says(problem_of(kHead + kSession + kSession), "line 3: session: is there already"));
  CHECK(says(
      problem_of(kHead + kSession + R"({"session": 2, "alias": "iqn.a,1,1", "target": "iqn.t"})"),
      "alias of another"));
  CHECK(says(problem_of(kHead + kRule + kRule), "line 3: serial: is there already"));
  CHECK(says(problem_of(kHead + R"({"serial": 7, "rule": {"di": "busy"}})"), "rule.id"));
  CHECK(says(problem_of(kHead + kSession + kRead + kFired), "line 4: fired: is a rule without"));
  CHECK(says(problem_of(kHead + kSession + kRule + kFired), "no line before it"));
  CHECK(says(problem_of(kHead + kSession + kRule + kRead + kStrike), "did not fire just before"));
  CHECK(says(problem_of(kHead + kSession + kRule + kRead + kFired +
                        R"({"s": 1, "sn": 9, "strike": 7, "effect": 1, "resolved": [0, 0]})"),
             "no effect of the rule, which has 1"));
  CHECK(says(problem_of(kHead + kSession + kRule + kRead + kFired +
                        R"({"s": 1, "sn": 9, "strike": 7, "effect": 0, "resolved": [0]})"),
             "not two numbers"));
  CHECK(says(problem_of(kHead + kSession + R"({"s": 1, "sn": 9, "cdb": "2"})"),
             "two hexadecimal digits"));
  CHECK(says(problem_of(kHead + kSession + R"({"s": 1, "sn": 9, "cdb": "28", "tmf": 1})"),
             "exclude each other"));
  CHECK(says(problem_of(kHead + kSession + R"({"s": 1, "sn": 4294967296, "cdb": "28"})"), "sn"));
}

TEST_CASE("everything that is wrong is told, up to the limit of problems") {
  std::string text = kHead;
  for (int i = 0; i < 300; ++i)
    text += "{}\n";
  const auto out = load_recording(text, read_rule);
  CHECK(out.errors.size() == kMaxProblems);
  CHECK(out.errors.front().line == 2);
  CHECK(out.errors.back().line == kMaxProblems + 1);
}

TEST_CASE("a line and a journal that are too long are refused") {
  CHECK(says(problem_of(kHead + std::string(kMaxLineBytes + 1, 'x')), "the most is 1048576"));
  CHECK(says(problem_of(std::string(kMaxTextBytes + 1, ' ')), "the most is 16777216"));
}

TEST_CASE("sessions are taken up to their limit") {
  std::string text = kHead;
  for (std::size_t i = 0; i < Recording::kMaxSessions; ++i)
    text += R"({"session": )" + std::to_string(i) + R"(, "alias": "a)" + std::to_string(i) +
            "\", \"target\": \"t\"}\n";
  CHECK(loaded(text).sessions.size() == Recording::kMaxSessions);
  CHECK(says(problem_of(text + R"({"session": 99999, "alias": "b", "target": "t"})"),
             "one session too many"));
}

}  // namespace replay_file_test
