#include "daemon/cli/help.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace help_test {

using namespace faultlun::daemon::cli;

namespace {

std::string contents(const char* path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in, path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("the help of a command teaches: usage, arguments, options, examples") {
  CHECK(
      command_help(*find_command("lease keep")).starts_with(R"(faultlun lease keep OWNER [OPTION]...
start a lease or keep it up; rules with its name go when nobody does

Arguments:
  OWNER  name of the lease: life.lease of rules

Options:
  --ttl DURATION  how long it lasts; without it: 30s

Common options:
)"));
  CHECK(command_help(*find_command("lease keep")).ends_with(R"(
Examples:
  faultlun lease keep nightly --ttl 2min
      to be said again within two minutes

Exit status: 0 ok, 1 refused or failed at run time, 2 bad command line or configuration.
)"));
}

TEST_CASE("the help of a group and the first help name every command") {
  const auto top = top_help(), rule = group_help("rule");
  for (const auto& command : command_table()) {
    CAPTURE(command.words);
    CHECK(top.find("  " + std::string(command.words)) != std::string::npos);
    const bool is_of_group = command.words.starts_with("rule ");
    CHECK((rule.find("  " + std::string(command.words) + " ") != std::string::npos) == is_of_group);
  }
}

TEST_CASE("help is found by words, as a page, or all of it") {
  Call call;
  CHECK(help_text(call) == top_help());
  call.arguments["COMMAND"] = "rule put";
  CHECK(help_text(call) == command_help(*find_command("rule put")));
  call.arguments["COMMAND"] = "rule";
  CHECK(help_text(call) == group_help("rule"));
  call.options["--page"] = "md";
  CHECK(help_text(call) == markdown_page());
}

TEST_CASE("docs/cli.md is what `faultlun help --page md` prints") {
  CHECK(contents(FAULTLUN_SOURCE_DIR "/docs/cli.md") == markdown_page());
}

TEST_CASE("the manual page has the section that `faultlun help --page man` prints") {
  CHECK(contents(FAULTLUN_SOURCE_DIR "/packaging/faultlun.1").find(manual_section()) !=
        std::string::npos);
}

}  // namespace help_test
