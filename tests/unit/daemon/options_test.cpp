#include "daemon/options.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace options_test {

using namespace faultlun::daemon;
using namespace faultlun;
using namespace std::chrono_literals;

namespace {

CommandLine parse(std::vector<std::string> arguments) {
  return parse_command_line(arguments);
}

Options good(std::vector<std::string> arguments) {
  const CommandLine line = parse(std::move(arguments));
  CAPTURE(line.errors);
  REQUIRE(line.options);
  CHECK(line.exit_status == 0);
  CHECK(line.output.empty());
  CHECK(line.errors.empty());
  return *line.options;
}

/// Refused with status 2 and these words in one line on standard error.
void check_refused(std::vector<std::string> arguments, const std::string& words) {
  const CommandLine line = parse(std::move(arguments));
  CAPTURE(words);
  CAPTURE(line.errors);
  CHECK_FALSE(line.options);
  CHECK(line.exit_status == 2);
  CHECK(line.output.empty());
  CHECK(line.errors.find(words) != std::string::npos);
  CHECK(line.errors.starts_with("faultlun: "));
  CHECK(line.errors.ends_with("\n"));
  CHECK(line.errors.find(';') != std::string::npos);
}

std::vector<config::Problem> applied(std::vector<std::string> arguments, config::Config& config) {
  arguments.insert(arguments.begin(), "serve");
  return apply(good(std::move(arguments)), config);
}

}  // namespace

TEST_CASE("serve alone is the lab target with every default") {
  const Options options = good({"serve"});
  CHECK(options.config_file.empty());
  CHECK(options.portals.empty());
  CHECK(options.advertise.empty());
  CHECK_FALSE(options.control);
  CHECK_FALSE(options.seed);
  CHECK(options.threads == 0);
  CHECK(options.spin == 0us);
  CHECK_FALSE(options.check);
  CHECK_FALSE(options.json);
  CHECK(options.log_level == "info");
}

TEST_CASE("every option of serve arrives") {
  const Options options =
      good({"serve",       "--config",   "lab.json",    "--portal",        "127.0.0.1:3260",
            "--portal",    "[::1]:0",    "--advertise", "192.0.2.10:3260", "--control",
            "127.0.0.1:0", "--seed",     "0x5eed",      "--threads",       "4",
            "--spin",      "50us",       "--check",     "--log-level",     "debug",
            "--faults",    "rules.json", "--json"});
  CHECK(options.config_file == "lab.json");
  CHECK(options.faults_file == "rules.json");
  CHECK(options.portals == std::vector<config::Endpoint>{{"127.0.0.1", 3260}, {"::1", 0}});
  CHECK(options.advertise == std::vector<config::Endpoint>{{"192.0.2.10", 3260}});
  REQUIRE(options.control);
  CHECK(options.control->listen == config::Endpoint{"127.0.0.1", 0});
  CHECK(options.seed == 0x5eed);
  CHECK(options.threads == 4);
  CHECK(options.spin == 50us);
  CHECK(options.check);
  CHECK(options.log_level == "debug");
  CHECK(options.json);
}

TEST_CASE("256 threads and a second of spinning are the most") {
  CHECK(good({"serve", "--threads", "256"}).threads == 256);
  check_refused({"serve", "--threads", "257"}, "--threads: ");
  CHECK(good({"serve", "--spin", "1s"}).spin == 1s);
  check_refused({"serve", "--spin", "1000001us"}, "--spin: ");
}

TEST_CASE("a value may follow an equals sign") {
  const Options options =
      good({"serve", "--portal=[::1]:3260", "--seed=7", "--control=unix:/run/x"});
  CHECK(options.portals == std::vector<config::Endpoint>{{"::1", 3260}});
  CHECK(options.seed == 7);
  CHECK(options.control->unix_path == "/run/x");
}

TEST_CASE("wrong values are refused by option, reason and remedy") {
  check_refused({"serve", "--portal", "127.0.0.1"}, "--portal: \"127.0.0.1\" has no port");
  check_refused({"serve", "--portal", "localhost:3260"}, "--portal: ");
  check_refused({"serve", "--advertise", "0.0.0.0:3260"},
                "--advertise: \"0.0.0.0:3260\" is no address to connect to");
  check_refused({"serve", "--control", "8326"}, "--control: ");
  check_refused({"serve", "--control", "unix:"}, "--control: \"unix:\" has no path");
  check_refused({"serve", "--seed", "-1"}, "--seed: \"-1\" is not a seed");
  check_refused({"serve", "--seed", "0x10000000000000000"}, "--seed: ");
  check_refused({"serve", "--threads", "0"}, "--threads: \"0\" is no number of threads");
  check_refused({"serve", "--threads", "257"}, "--threads: ");
  check_refused({"serve", "--threads", "-1"}, "--threads: ");
  check_refused({"serve", "--threads", "1.5"}, "--threads: ");
  check_refused({"serve", "--spin", "50"}, "--spin: \"50\" has no unit");
  check_refused({"serve", "--spin", "2s"}, "--spin: 2s is too long");
  check_refused({"serve", "--log-level", "debgu"},
                "--log-level: unknown level \"debgu\" (did you mean \"debug\"?)");
  check_refused({"serve", "--config", ""}, "--config: is empty");
  check_refused({"serve", "--faults", ""}, "--faults: is empty");
  check_refused({"serve", "--faults", "a", "--faults", "b"}, "--faults: given 2 times");
}

TEST_CASE("all errors of a command line are found in one go") {
  const CommandLine line = parse(
      {"serve", "--seed", "x", "--threads", "x", "--portal", "x", "--portal", "y", "--colour"});
  CHECK(std::count(line.errors.begin(), line.errors.end(), '\n') == 5);
}

TEST_CASE("an option without its value is refused by name") {
  for (const char* option : {"--config", "--portal", "--advertise", "--control", "--faults",
                             "--seed", "--threads", "--spin", "--log-level"}) {
    CAPTURE(option);
    check_refused({"serve", option}, std::string(option) + ": needs a value");
    check_refused({"serve", option, "--check"}, std::string(option) + ": needs a value");
  }
}

TEST_CASE("an option that is meant once and given twice is refused") {
  for (const char* option :
       {"--config", "--control", "--seed", "--threads", "--spin", "--log-level"}) {
    CAPTURE(option);
    check_refused({"serve", option, "1", option, "1"}, std::string(option) + ": given 2 times");
  }
}

TEST_CASE("an unknown option is refused with the one that was meant") {
  check_refused({"serve", "--prtal", "127.0.0.1:3260"},
                "--prtal: unknown option (did you mean \"--portal\"?)");
  check_refused({"serve", "--portals=127.0.0.1:3260"},
                "--portals: unknown option (did you mean \"--portal\"?)");
  check_refused({"serve", "-x"}, "-x: unknown option");
}

TEST_CASE("words that nobody asked for are refused") {
  check_refused({"serve", "lab.json"}, "\"lab.json\": not expected here");
  check_refused({"serve", "--check", "x", "y"}, "\"y\": not expected here");
  check_refused({"serve", "status"}, "\"status\": not expected here");
}

TEST_CASE("--version prints the version and is content, wherever it stands") {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"serve", "--version"}, {"--version", "serve"}}) {
    const CommandLine line = parse(arguments);
    CHECK_FALSE(line.options);
    CHECK(line.exit_status == 0);
    CHECK(line.output == "faultlun " FAULTLUN_VERSION "\n");
    CHECK(line.errors.empty());
  }
  CHECK(parse({"serve", "--version", "--json"}).output ==
        "{\"name\":\"faultlun\",\"version\":\"" FAULTLUN_VERSION "\"}\n");
}

TEST_CASE("--help explains every option and shows examples") {
  for (const char* option : {"--help", "-h"}) {
    const CommandLine line = parse({"serve", option});
    CHECK(line.exit_status == 0);
    CHECK(line.errors.empty());
    for (const char* word :
         {"--config", "--portal", "--advertise", "--control", "--faults", "--seed", "--threads",
          "--spin", "--check", "--log-level", "--json", "--version",
          "Examples:", "faultlun serve --portal 0.0.0.0:3260 --advertise", "Exit status:"}) {
      CAPTURE(word);
      CHECK(line.output.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("portals of the command line replace the configured ones and lead to every target") {
  config::Config config = config::default_config();
  config.portals[0].group = 7;
  config.portals[0].advertise = config::Endpoint{"192.0.2.1", 1};
  config.targets[0].portal_groups = {7};
  CHECK(applied({"--portal", "127.0.0.1:0", "--portal", "[::1]:0"}, config).empty());
  REQUIRE(config.portals.size() == 2);
  CHECK(config.portals[0] == config::Portal{{"127.0.0.1", 0}, {}, 1});
  CHECK(config.portals[1] == config::Portal{{"::1", 0}, {}, 1});
  CHECK(config.targets[0].portal_groups == std::vector<std::uint16_t>{1});
}

TEST_CASE("advertised addresses go to the portals in their order") {
  config::Config config = config::default_config();
  CHECK(applied({"--advertise", "192.0.2.10:3260"}, config).empty());
  CHECK(config.portals[0].advertise == config::Endpoint{"192.0.2.10", 3260});
  CHECK(applied({"--portal", "0.0.0.0:1", "--portal", "0.0.0.0:2", "--advertise", "a.example:1",
                 "--advertise", "b.example:2"},
                config)
            .empty());
  CHECK(config.portals[1].advertise == config::Endpoint{"b.example", 2});
  const auto problems = applied(
      {"--portal", "0.0.0.0:1", "--portal", "0.0.0.0:2", "--advertise", "a.example:1"}, config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].path == "--advertise");
  CHECK(problems[0].message.starts_with("1 given for 2 portals; "));
}

TEST_CASE("control address and seed replace the configured ones, the token stays") {
  config::Config config = config::default_config();
  config.control.token_file = "token";
  config.seed = 1;
  CHECK(applied({"--control", "0.0.0.0:0", "--seed", "2"}, config).empty());
  CHECK(config.control.listen == config::Endpoint{"0.0.0.0", 0});
  CHECK(config.control.token_file == "token");
  CHECK(config.seed == 2);
  CHECK(applied({"--control", "unix:/run/x"}, config).empty());
  CHECK(config.control.unix_path == "/run/x");
  CHECK(applied({"--control", "127.0.0.1:1"}, config).empty());
  CHECK(config.control.unix_path.empty());
}

TEST_CASE("nothing given changes nothing") {
  config::Config config = config::default_config();
  CHECK(applied({}, config).empty());
  CHECK(config == config::default_config());
}

TEST_CASE("what the command line makes wrong is blamed on its option") {
  config::Config config = config::default_config();
  auto problems = applied({"--portal", "127.0.0.1:1", "--portal", "0.0.0.0:1"}, config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].path == "--portal");
  config = config::default_config();
  problems = applied({"--control", "0.0.0.0:8326"}, config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].path == "--control");
  CHECK(problems[0].message.find("token_file") != std::string::npos);
  config = config::default_config();
  problems = applied({"--control", "127.0.0.1:3260"}, config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].path == "--control");
}

}  // namespace options_test
