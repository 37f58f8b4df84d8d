// Invocations carried out against a daemon that is a list of answers.
#include "daemon/cli/run.hpp"

#include "tests/unit/daemon/cli/shell_words.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace run_test {

using namespace faultlun::daemon;
using namespace faultlun::daemon::cli;

namespace {

struct Directory {
  Directory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path = "/tmp/faultlun-cli-XXXXXX";
};

/// Answers in their order; keeps what was asked.
struct Daemon {
  std::deque<HttpAnswer> answers;
  std::vector<HttpRequest> asked;

  HttpAnswer next(const HttpRequest& request) {
    asked.push_back(request);
    REQUIRE_FALSE(answers.empty());
    auto answer = answers.front();
    answers.pop_front();
    return answer;
  }
  Wire wire() {
    return {[this](const HttpRequest& request, Wire::Patience) { return next(request); },
            [this](const HttpRequest& request, Wire::Patience,
                   const std::function<bool(std::string_view)>& on_line) {
              auto answer = next(request);
              if (answer.status != 200) return answer;
              std::istringstream lines(answer.body);
              for (std::string line; std::getline(lines, line);)
                if (!on_line(line)) break;
              answer.body.clear();
              return answer;
            }};
  }
};

struct Outcome {
  int status;
  std::string out, err;
};

Outcome run_line(Daemon& daemon, const std::string& line, const std::string& input = "") {
  const auto parsed = parse(shell_words("faultlun " + line));
  CHECK(parsed.errors == "");
  REQUIRE(parsed.invocation);
  std::istringstream in(input);
  std::ostringstream out, err;
  const int status = run(*parsed.invocation, daemon.wire(), {in, out, err});
  return {status, out.str(), err.str()};
}

std::vector<std::string> calls(const Daemon& daemon) {
  std::vector<std::string> out;
  for (const auto& each : daemon.asked)
    out.push_back(each.method + " " + each.path);
  return out;
}

constexpr const char* kChange = R"({"created":["busy"],"barrier":{"sessions":[]}})"
                                "\n";

}  // namespace

TEST_CASE("an answer is shown for people, or as it is with --json") {
  Daemon daemon{{{200, kChange}, {200, kChange}}, {}};
  const auto text = run_line(daemon, R"(rule put '{"id":"busy"}')");
  CHECK(text.status == 0);
  CHECK(text.out == "created busy\n");
  CHECK(text.err == "");
  CHECK(daemon.asked[0].control == "127.0.0.1:8326");
  CHECK(daemon.asked[0].body == R"({"id":"busy"})");
  CHECK(run_line(daemon, R"(rule put '{"id":"busy"}' --json)").out == kChange);
}

TEST_CASE("a document comes from the line, from a file or from standard input") {
  const Directory directory;
  const auto file = directory.write("busy.json", R"({"id":"busy"})");
  Daemon daemon{{{200, kChange}, {200, kChange}}, {}};
  CHECK(run_line(daemon, "rule put " + file).status == 0);
  CHECK(run_line(daemon, "rule put -", R"({"id":"tail"})").status == 0);
  CHECK(calls(daemon) == std::vector<std::string>{"PUT /v1/rules/busy", "PUT /v1/rules/tail"});
}

TEST_CASE("a file that cannot be read is a bad command line, and nobody is asked") {
  Daemon daemon;
  const auto outcome = run_line(daemon, "rule put no/such/file.json");
  CHECK(outcome.status == 2);
  CHECK(outcome.err.starts_with("faultlun: no/such/file.json: cannot be opened"));
  CHECK(daemon.asked.empty());
}

TEST_CASE("what the API refuses is status 1, its problems one a line with their file") {
  const Directory directory;
  const auto file = directory.write("bad.json", R"({"id":"bad"})");
  const std::string refusal =
      R"({"error":{"message":"m","problems":[{"path":"effect","message":"is missing; add it","line":1}]}})";
  Daemon daemon{{{400, refusal}, {400, refusal}, {502, "what?"}}, {}};
  const auto outcome = run_line(daemon, "rule put " + file);
  CHECK(outcome.status == 1);
  CHECK(outcome.out == "");
  CHECK(outcome.err == file + ":1: effect: is missing; add it\n");
  CHECK(run_line(daemon, "rule put " + file + " --json").out == refusal);
  const auto strange = run_line(daemon, "rule ls");
  CHECK(strange.status == 1);
  CHECK(strange.err.find("502") != std::string::npos);
}

TEST_CASE("the token goes along, and a file without one is said to be so") {
  const Directory directory;
  const auto token = directory.write("token", "s3cret\n");
  Daemon daemon{{{200, R"({"leases":[]})"}}, {}};
  CHECK(run_line(daemon, "lease ls --token-file " + token).out == "no leases\n");
  CHECK(daemon.asked[0].token == "s3cret");
  CHECK_THROWS_AS(run_line(daemon, "lease ls --token-file no/such/file"), std::runtime_error);
}

TEST_CASE("what is not JSON is printed as it is") {
  Daemon daemon{{{200, "# HELP a b\na 1\n"}, {204, ""}}, {}};
  CHECK(run_line(daemon, "metrics").out == "# HELP a b\na 1\n");
  CHECK(run_line(daemon, "mark here").out == "");
}

TEST_CASE("the part that was asked for is shown, with --json as well") {
  const std::string all = R"({"faults":[{"id":"a.b","summary":"s"},{"id":"c.d"}]})";
  Daemon daemon{{{200, all}, {200, all}, {200, all}}, {}};
  CHECK(run_line(daemon, "fault show a.b").out.starts_with("a.b: s\n"));
  CHECK(run_line(daemon, "capabilities c.d --json").out == "{\"id\":\"c.d\"}\n");
  const auto none = run_line(daemon, "fault show a.c");
  CHECK(none.status == 1);
  CHECK(none.err.find("no fault \"a.c\"") != std::string::npos);
}

TEST_CASE("the overview asks for each part and shows them together") {
  const auto version = HttpAnswer{200, R"({"version":"9","uptime":"1s","seed":"0x1"})"};
  Daemon daemon{{version, {200, "[]"}, {200, "[]"}, {200, R"({"rules":[]})"}}, {}};
  CHECK(run_line(daemon, "status").out.starts_with("faultlun 9, up 1s, seed 0x1\n"));
  CHECK(calls(daemon) == std::vector<std::string>{"GET /v1/version", "GET /v1/targets",
                                                  "GET /v1/sessions", "GET /v1/rules"});
  Daemon deaf{{version, {401, R"({"error":{"message":"no token"}})"}}, {}};
  const auto refused = run_line(deaf, "status");
  CHECK(refused.status == 1);
  CHECK(refused.err == "no token\n");
}

TEST_CASE("a journal is shown line by line, as it is with --json, and exported to a file") {
  const Directory directory;
  const std::string lines = "{\"at_ns\":0,\"kind\":\"mark\",\"name\":\"here\"}\n\n{\"lost\":2}\n";
  Daemon daemon{
      {{200, lines}, {200, lines}, {200, lines}, {404, "{\"error\":{\"message\":\"no\"}}"}}, {}};
  CHECK(run_line(daemon, "journal").out ==
        "     0.000000  mark           -                                         here\n"
        "--- 2 entries were overwritten before they were read ---\n");
  CHECK(daemon.asked[0].headers.back().second == "application/x-ndjson");
  CHECK(run_line(daemon, "journal --json").out ==
        "{\"at_ns\":0,\"kind\":\"mark\",\"name\":\"here\"}\n{\"lost\":2}\n");
  CHECK(run_line(daemon, "journal --export " + directory.path + "/run.ndjson").out == "");
  CHECK(directory.read("run.ndjson") ==
        "{\"at_ns\":0,\"kind\":\"mark\",\"name\":\"here\"}\n{\"lost\":2}\n");
  CHECK(calls(daemon).back() == "GET /v1/journal?export=1");
  CHECK(run_line(daemon, "journal -f").status == 1);
  CHECK(run_line(daemon, "journal --export " + directory.path + "/no/run").status == 2);
}

TEST_CASE("a verdict of failed is exit status 1, in every format") {
  const HttpAnswer failed{200, R"({"verdict":"failed"})"}, passed{200, R"({"verdict":"passed"})"};
  Daemon daemon{{failed, passed, {200, "<testsuite/>"}, failed}, {}};
  CHECK(run_line(daemon, "scenario result flaky").status == 1);
  CHECK(run_line(daemon, "scenario result flaky --wait").status == 0);
  const auto junit = run_line(daemon, "scenario result flaky --format junit");
  CHECK(junit.status == 1);
  CHECK(junit.out == "<testsuite/>");
  CHECK(calls(daemon) == std::vector<std::string>{"GET /v1/scenarios/flaky/result",
                                                  "GET /v1/scenarios/flaky/result?wait=1",
                                                  "GET /v1/scenarios/flaky/result?format=junit",
                                                  "GET /v1/scenarios/flaky/result"});
}

TEST_CASE("a scenario runs to its verdict and says on the way what happens") {
  const Directory directory;
  const auto file = directory.write("flaky.json", R"({"id":"flaky"})");
  const std::string follow = R"({"at_us":0,"state":"ok","why":"the scenario began"}
{"at_us":1234567,"state":"hung","why":"event go"}
{"verdict":"failed"}
{"state":"after"}
)";
  Daemon daemon{{{201, "{}"},
                 {200, "{}"},
                 {200, follow},
                 {200, R"({"verdict":"failed"})"},
                 {200, "<testsuite/>"}},
                {}};
  const auto outcome =
      run_line(daemon, "scenario run " + file + " --junit " + directory.path + "/out.xml");
  CHECK(outcome.status == 1);
  CHECK(outcome.err == "     0.000 s  ok  (the scenario began)\n     1.234 s  hung  (event go)\n");
  CHECK(outcome.out == "verdict  failed\n");
  CHECK(directory.read("out.xml") == "<testsuite/>");
  CHECK(calls(daemon) == std::vector<std::string>{"PUT /v1/scenarios/flaky",
                                                  "POST /v1/scenarios/flaky/start",
                                                  "GET /v1/scenarios/flaky/follow",
                                                  "GET /v1/scenarios/flaky/result?wait=1",
                                                  "GET /v1/scenarios/flaky/result?format=junit"});
}

TEST_CASE("a scenario that is there is started, and waited for without a word") {
  Daemon daemon{{{202, R"({"scenario":"flaky","run":{"verdict":"running","state":"ok"}})"},
                 {202, "{}"},
                 {200, R"({"scenario":"flaky","verdict":"passed","expectations":[]})"},
                 {409, R"({"error":{"message":"it runs"}})"}},
                {}};
  CHECK(run_line(daemon, "scenario start flaky").out == "flaky: running, in state ok\n");
  const auto waited = run_line(daemon, "scenario start flaky --wait");
  CHECK(waited.status == 0);
  CHECK(waited.err == "");
  CHECK(waited.out == "flaky: passed\n");
  CHECK(run_line(daemon, "scenario start flaky --wait").status == 1);
  CHECK(calls(daemon) == std::vector<std::string>{"POST /v1/scenarios/flaky/start",
                                                  "POST /v1/scenarios/flaky/start",
                                                  "GET /v1/scenarios/flaky/result?wait=1",
                                                  "POST /v1/scenarios/flaky/start"});
}

TEST_CASE("a verdict is written as JUnit XML beside what is shown") {
  const Directory directory;
  Daemon daemon{{{200, R"({"verdict":"failed"})"}, {200, "<testsuite/>"}}, {}};
  CHECK(run_line(daemon, "scenario result flaky --junit " + directory.path + "/out.xml").status ==
        1);
  CHECK(directory.read("out.xml") == "<testsuite/>");
  CHECK(calls(daemon).back() == "GET /v1/scenarios/flaky/result?format=junit");
}

TEST_CASE("a scenario that is only started is not waited for, and a refused one not started") {
  Daemon daemon{{{201, "{}"}, {200, R"({"state":"ok"})"}, {400, R"({"error":{"message":"no"}})"}},
                {}};
  const auto started = run_line(daemon, R"(scenario run '{"id":"a"}')");
  CHECK(started.status == 0);
  CHECK(started.out == "state  ok\n");
  CHECK(run_line(daemon, R"(scenario run '{"id":"b"}')").status == 1);
  CHECK(calls(daemon).back() == "PUT /v1/scenarios/b");
}

TEST_CASE("commands without a daemon ask none") {
  Daemon daemon;
  CHECK(run_line(daemon, "completion bash").out.find("complete -F") != std::string::npos);
  CHECK(run_line(daemon, "help").out.find("Usage:") != std::string::npos);
  CHECK(daemon.asked.empty());
}

}  // namespace run_test
