// The command `faultlun` against a running daemon: every example of the table whose calls the
// daemon serves, the refusals, completion.
#include "daemon/cli/command.hpp"
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::e2e::cli_test {
namespace {

using daemon::cli::Command;

constexpr const char* kBusy = R"~({"id":"busy","match":{"op":"READ(10)"
}
, "gate" : {"every" : 3}, "effect" : {
  "scsi.status" : {
    "status" : "BUSY"
  }
}
})~";
constexpr const char* kFlaky =
    R"({"id":"flaky","states":{"ok":{"rules":[]},"hung":{"rules":[]}},"start":"ok",
        "transitions":[{"from":"ok","to":"hung","when":{"after_ms":700}}]})";

/// "GET /v1/rules/{}": what a call is, whatever its parameters are called.
std::string shape_of(std::string_view call) {
  std::string out;
  bool is_inside = false;
  for (const char c : call) {
    if (c == '}') is_inside = false;
    if (!is_inside) out += c;
    if (c == '{') is_inside = true;
  }
  return out;
}

/// Every call that the row may make.
std::vector<std::string> calls_of(const Command& row) {
  std::vector<std::string> out;
  const auto add_all = [&](std::string_view list, char between, const std::string& before) {
    while (!list.empty()) {
      const auto end = std::min(list.find(between), list.size());
      out.push_back(shape_of(before + std::string(list.substr(0, end))));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  };
  if (row.words != "api") add_all(row.path, ' ', std::string(row.method) + " ");
  add_all(row.more_calls, ',', "");
  return out;
}

/// A daemon, a shell in a directory with the files that the examples name, and `faultlun` in PATH.
class Lab {
 public:
  Lab() : session_(connect_session(target_)) {
    directory_.write("busy.json", kBusy);
    directory_.write("rules.json", "{\"rules\":[" + std::string(kBusy) + "]}");
    directory_.write("flaky.json", kFlaky);
    directory_.write("token", "any-token");
    const auto routes = shell("faultlun api GET /v1/routes --json").output;
    // {"method":"GET","path":"/v1/rules","summary":…
    constexpr std::string_view kMethod = "\"method\":\"", kPath = "\",\"path\":\"";
    for (auto at = routes.find(kMethod); at != std::string::npos; at = routes.find(kMethod, at)) {
      at += kMethod.size();
      const auto path = routes.find(kPath, at);
      const auto end = routes.find('"', path + kPath.size());
      REQUIRE(end != std::string::npos);
      served_.insert(shape_of(routes.substr(at, path - at) + " " +
                              routes.substr(path + kPath.size(), end - path - kPath.size())));
    }
  }

  Ran shell(const std::string& line) const {
    const auto& binary = target_binary();
    return run_program({"/bin/bash", "-c",
                        "cd " + directory_.path() +
                            " && export PATH=" + binary.substr(0, binary.rfind('/')) +
                            ":$PATH FAULTLUN_CONTROL=" + target_.control() + "\n" + line});
  }
  bool serves(const Command& row) const {
    const auto calls = calls_of(row);
    return std::all_of(calls.begin(), calls.end(),
                       [&](const auto& each) { return served_.contains(each); });
  }
  bool serves(const std::string& call) const { return served_.contains(call); }
  const TargetProcess& target() const { return target_; }
  RawInitiator& session() { return session_; }
  const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
  TargetProcess target_;
  RawInitiator session_;
  std::set<std::string> served_;
};

/// What has to be there for the examples of a row, where the daemon can have it.
std::string before(const Lab& lab, std::string_view words) {
  std::string lines = "faultlun reset && faultlun rule put busy.json";
  if (words.starts_with("lease")) lines += " && faultlun lease keep nightly";
  if (lab.serves("PUT /v1/scenarios/{}") && words.starts_with("scenario")) {
    if (words == "scenario run" || words == "scenario put")
      lines += " && { faultlun scenario stop flaky; faultlun scenario rm flaky; true; }";
    else
      lines += " && { faultlun scenario stop flaky; faultlun scenario put flaky.json; }";
    if (words == "scenario stop" || words == "scenario goto" || words == "scenario result")
      lines += " && faultlun scenario start flaky";
  }
  if (lab.serves("GET /v1/journal")) lines += " && faultlun journal --export run.ndjson";
  if (lab.serves("POST /v1/replay") && words.starts_with("replay"))
    lines += " && { faultlun replay stop; true; }";
  if (lab.serves("POST /v1/replay") && words.starts_with("replay "))
    lines += " && faultlun replay run.ndjson";
  return lines;
}

/// The number that the daemon gave the session, instead of the one in the example.
std::string with_tsih(std::string line) {
  if (line.starts_with("faultlun session logout"))
    line = "faultlun session logout \"$(faultlun session ls | awk 'NR == 2 { print $1 }')\"";
  return line;
}

TEST_CASE("every example of a command whose calls are served does what it says") {
  Lab lab;
  std::string skipped;
  std::size_t ran = 0;
  for (const auto& row : daemon::cli::command_table()) {
    if (row.flow == daemon::cli::Flow::serve) continue;
    if (!lab.serves(row)) {
      skipped += (skipped.empty() ? "" : ", ") + std::string(row.words);
      continue;
    }
    for (const auto& example : row.examples) {
      CAPTURE(example.line);
      std::string line = with_tsih(std::string(example.line));
      if (line.find("192.0.2.10") != std::string::npos) continue;  // another machine
      const bool is_endless = line.find(" -f") != std::string::npos;
      if (is_endless) line = "timeout 2 " + line;
      const auto prepared = lab.shell(before(lab, row.words));
      CHECK_MESSAGE(prepared.status == 0, prepared.output);
      const auto done = lab.shell(line);
      CHECK_MESSAGE(done.status == (is_endless ? 124 : 0), done.output);
      ++ran;
    }
  }
  MESSAGE(ran << " examples; not served by this daemon: " << skipped);
  CHECK(ran >= 25);
}

TEST_CASE("the rule that the project is accepted by answers every third READ(10) BUSY") {
  Lab lab;
  const auto put = lab.shell(
      R"~(faultlun rule put '{"id":"busy","match":{"op":"READ(10)"
}
, "gate" : {"every" : 3}, "effect" : {
  "scsi.status" : {
    "status" : "BUSY"
  }
}
}
')~");
  CHECK_MESSAGE(put.status == 0, put.output);
  CHECK(put.output.starts_with("created busy\n"));
  std::string answers;
  for (int i = 0; i < 9; ++i)
    answers += lab.session().execute_read(read_10(0, 1), 512).status == 0x08 ? 'B' : '-';
  CHECK(std::count(answers.begin(), answers.end(), 'B') == 3);
  const auto first = answers.find('B');
  CHECK(answers.substr(first, 6) == "B--B--");
  const auto listed = lab.shell("faultlun rule ls").output;
  CHECK_MESSAGE(listed.find("busy  armed        9      3") != std::string::npos, listed);
}

TEST_CASE("a set is populated by rule put and replaced by rules replace") {
  Lab lab;
  CHECK(lab.shell(R"(faultlun rule put '{"id":"other","effect":{"scsi.status":"BUSY"}}')").status ==
        0);
  CHECK(lab.shell("faultlun rule put - --drain < rules.json").output.find("created busy") !=
        std::string::npos);
  CHECK(lab.shell("faultlun rule get other").status == 0);
  CHECK(lab.shell("faultlun rules replace rules.json").output.find("removed other") !=
        std::string::npos);
  CHECK(lab.shell("faultlun rule get other").status == 1);
}

TEST_CASE("what is refused changes nothing, says each problem in a line, and is status 1") {
  Lab lab;
  lab.directory().write("bad.json", R"({"id": "bad",
 "match": {"opp": "read"},
 "gate": {"evry": 3},
 "effect": {"scsi.status": {"status": "BUSY"}}})");
  const auto refused = lab.shell("faultlun rule put bad.json");
  CHECK(refused.status == 1);
  CHECK_MESSAGE(refused.output.find("bad.json:2: match.opp: ") != std::string::npos,
                refused.output);
  CHECK_MESSAGE(refused.output.find("\nbad.json:3: gate.evry: ") != std::string::npos,
                refused.output);
  CHECK(lab.shell("faultlun rule check bad.json").status == 1);
  CHECK(lab.shell("faultlun rule ls").output == "no rules: everything behaves perfectly\n");
  const auto missing = lab.shell("faultlun rule get nobody");
  CHECK(missing.status == 1);
  CHECK(missing.output.find("there is no rule \"nobody\"") != std::string::npos);
  CHECK(lab.shell("faultlun rule put busy.json --if-match r999").status == 1);
  CHECK(lab.shell("faultlun rul ls").status == 2);
  CHECK(lab.shell("faultlun rule put no-such-file.json").status == 2);
}

TEST_CASE("a daemon that is not there is named with a remedy, and is status 1") {
  const auto ran = run_program({target_binary(), "rule", "ls", "--control", "127.0.0.1:1"});
  CHECK(ran.status == 1);
  CHECK(ran.output.starts_with("faultlun: cannot reach the daemon at 127.0.0.1:1: "));
  CHECK(ran.output.find("--control") != std::string::npos);
}

TEST_CASE("bash completes commands, options, and IDs that the daemon knows") {
  Lab lab;
  REQUIRE(lab.shell("faultlun rule put busy.json").status == 0);
  const auto completed = [&](const std::string& words) {
    return lab
        .shell("source <(faultlun completion bash); COMP_WORDS=(" + words +
               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _faultlun; echo \"${COMPREPLY[*]}\"")
        .output;
  };
  CHECK(completed("faultlun sce") == "scenario\n");
  CHECK(completed("faultlun lease ''") == "drop keep ls\n");
  CHECK(completed("faultlun rule rm --dr") == "--drain\n");
  CHECK(completed("faultlun rule arm ''") == "busy\n");
  CHECK(completed("faultlun rule arm --drain b") == "busy\n");
  CHECK(completed("faultlun fault show scsi.stat") == "scsi.status\n");
  CHECK(completed("faultlun rule put bus") == "busy.json\n");
  CHECK(completed("faultlun serve --adv") == "--advertise\n");
}

}  // namespace
}  // namespace faultlun::e2e::cli_test
