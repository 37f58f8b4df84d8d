#include "daemon/cli/parse.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace parse_test {

using namespace faultlun::daemon::cli;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

Invocation good(const Words& words, const Environment& environment = {}) {
  const auto parsed = parse(words, environment);
  CHECK(parsed.errors == "");
  REQUIRE(parsed.invocation);
  return *parsed.invocation;
}

/// Refused with status 2 and these words on standard error.
void check_refused(const Words& words, const std::string& said,
                   const Environment& environment = {}) {
  const auto parsed = parse(words, environment);
  CAPTURE(said);
  CAPTURE(parsed.errors);
  CHECK_FALSE(parsed.invocation);
  CHECK_FALSE(parsed.is_for_serve);
  CHECK(parsed.exit_status == 2);
  CHECK(parsed.output.empty());
  CHECK(parsed.errors.find(said) != std::string::npos);
  CHECK(parsed.errors.starts_with("faultlun: "));
  CHECK(parsed.errors.ends_with("\n"));
  CHECK(parsed.errors.find(';') != std::string::npos);
}

}  // namespace

TEST_CASE("words, arguments and options arrive in any order behind the words") {
  const auto out = good({"rule", "rm", "--drain", "busy", "--json"});
  CHECK(out.call.command->words == "rule rm");
  CHECK(out.call.argument("ID") == "busy");
  CHECK(out.call.has("--drain"));
  CHECK_FALSE(out.call.has("--if-match"));
  CHECK(out.json);
}

TEST_CASE("the longest words win, and what goes on is an argument") {
  CHECK(good({"journal"}).call.command->words == "journal");
  CHECK(good({"journal", "hash"}).call.command->words == "journal hash");
  CHECK(good({"replay", "status"}).call.command->words == "replay status");
  const auto replay = good({"replay", "./status"});
  CHECK(replay.call.command->words == "replay");
  CHECK(replay.call.argument("FILE") == "./status");
}

TEST_CASE("common options may stand before the command") {
  const auto out = good({"--control", "127.0.0.1:9", "--json", "rule", "ls"});
  CHECK(out.call.command->words == "rule ls");
  CHECK(out.control == "127.0.0.1:9");
  CHECK(out.json);
}

TEST_CASE("- is standard input and -- ends the options") {
  CHECK(good({"rule", "put", "-"}).call.argument("RULE") == "-");
  CHECK(good({"rule", "get", "--", "--odd"}).call.argument("ID") == "--odd");
}

TEST_CASE("the daemon is found by option, by variable or at the default") {
  const Environment variable{"127.0.0.1:1", ""};
  CHECK(good({"status"}).control == "127.0.0.1:8326");
  CHECK(good({"status"}, variable).control == "127.0.0.1:1");
  CHECK(good({"status", "--control", "127.0.0.1:2"}, variable).control == "127.0.0.1:2");
  CHECK(good({"healthcheck", "--control", "http://lab.example:3/"}).control == "lab.example:3");
  CHECK(good({"healthcheck", "--control", "unix:/run/x"}).control == "unix:/run/x");
}

TEST_CASE("an address that nobody can connect to is refused with where it came from") {
  check_refused({"status", "--control", "127.0.0.1:0"}, "--control: ");
  check_refused({"status", "--control", "0.0.0.0:8326"}, "--control: ");
  check_refused({"status"}, "FAULTLUN_CONTROL: ", {"nonsense", ""});
  check_refused({"healthcheck"}, "FAULTLUN_CONTROL: ", {"unix:", ""});
}

TEST_CASE("the token's file is that of the command line, else of the environment") {
  const Environment variable{"", "/run/token"};
  CHECK(good({"status"}).token_file.empty());
  CHECK(good({"status"}, variable).token_file == "/run/token");
  CHECK(good({"status", "--token-file", "mine"}, variable).token_file == "mine");
  check_refused({"status", "--token-file="}, "--token-file: is empty");
  check_refused({"status", "--token-file", "a", "--token-file", "b"},
                "--token-file: given 2 times");
}

TEST_CASE("patience is 5 s, an hour where the command waits, or what was asked for") {
  CHECK(good({"rule", "ls"}).patience == 5s);
  CHECK(good({"rule", "rm", "busy", "--drain"}).patience == 1h);
  CHECK(good({"rule", "rm", "busy", "--drain", "--timeout", "250ms"}).patience == 250ms);
  check_refused({"rule", "ls", "--timeout", "5"}, "--timeout: \"5\" has no unit");
  check_refused({"rule", "ls", "--timeout", "0s"}, "--timeout: ");
  check_refused({"rule", "ls", "--timeout", "2h"}, "--timeout: ");
}

TEST_CASE("an unknown command is refused with the one that was meant and those there are") {
  check_refused({"rul", "ls"},
                "\"rul\": unknown command (did you mean \"rule\"?); known: serve, rule, ");
  check_refused({"rule", "lst"},
                "\"rule lst\": unknown command (did you mean \"ls\"?); known: ls, get, put");
  check_refused({"rule"}, "rule: says only half of it");
  check_refused({}, "no command; say what to do, like faultlun serve");
  check_refused({"--json"}, "no command");
}

TEST_CASE("an unknown option is refused with the one that was meant, its value with it") {
  check_refused({"rule", "rm", "busy", "--drian"},
                "--drian: unknown option (did you mean \"--drain\"?); see faultlun rule rm --help");
  check_refused({"status", "--seed", "1"}, "--seed: unknown option");
  check_refused({"--config", "lab.json", "status"}, "--config: unknown option");
  const auto parsed = parse(Words{"status", "--seed", "1"});
  CHECK(std::count(parsed.errors.begin(), parsed.errors.end(), '\n') == 1);
}

TEST_CASE("arguments that are missing, empty or too many are refused by name") {
  check_refused({"rule", "get"}, "ID: is missing: ID of the rule; see faultlun rule get --help");
  check_refused({"rule", "get", ""}, "ID: is empty");
  check_refused({"rule", "get", "a", "b"}, "\"b\": not expected here");
}

TEST_CASE("values are checked before anybody is asked") {
  check_refused({"rule", "predict", "a", "--from", "-1"}, "--from: \"-1\" is no whole number");
  check_refused({"rule", "predict", "a", "--from"}, "--from: needs a value");
  check_refused({"rule", "predict", "a", "--from", "--json"}, "--from: needs a value");
  check_refused({"lease", "keep", "a", "--ttl", "30"}, "--ttl: \"30\" has no unit");
  check_refused({"rule", "rm", "a", "--drain=1"}, "--drain: takes no value");
  check_refused({"rule", "ls", "--tag="}, "--tag: is empty");
}

TEST_CASE("all errors of a command line are found in one go") {
  const auto parsed = parse(Words{"rule", "predict", "--from", "x", "-n", "y", "--colour", "red"});
  CHECK(std::count(parsed.errors.begin(), parsed.errors.end(), '\n') == 4);  // and no ID
}

TEST_CASE("serve is for others, whatever stands around it") {
  CHECK(parse(Words{"serve"}).is_for_serve);
  CHECK(parse(Words{"--json", "serve", "--check"}).is_for_serve);
  CHECK(parse(Words{"serve", "--help"}).is_for_serve);
}

TEST_CASE("--help and --version are content wherever they stand") {
  for (const auto& words : std::vector<Words>{{"--help"},
                                              {"-h"},
                                              {"rule", "--help"},
                                              {"rule", "put", "--help"},
                                              {"rule", "put", "x", "y", "-h"}}) {
    const auto parsed = parse(words);
    CHECK(parsed.exit_status == 0);
    CHECK(parsed.errors == "");
    CHECK(parsed.output.find("Exit status:") != std::string::npos);
  }
  CHECK(parse(Words{"--version"}).output == "faultlun " FAULTLUN_VERSION "\n");
  CHECK(parse(Words{"status", "--version", "--json"}).output ==
        "{\"name\":\"faultlun\",\"version\":\"" FAULTLUN_VERSION "\"}\n");
}

}  // namespace parse_test
