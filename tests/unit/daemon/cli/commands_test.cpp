// THE table: every row is whole, and every example is a command line of its row.
#include "daemon/cli/commands.hpp"

#include "daemon/cli/help.hpp"
#include "daemon/cli/parse.hpp"
#include "tests/unit/daemon/cli/shell_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

namespace commands_test {

using namespace faultlun::daemon::cli;

TEST_CASE("every row has words of its own, a summary and examples") {
  std::set<std::string_view> seen;
  for (const auto& row : command_table()) {
    CAPTURE(row.words);
    CHECK(seen.insert(row.words).second);
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.examples.empty());
    CHECK(find_command(row.words) == &row);
    const bool is_offline = row.flow == Flow::offline || row.flow == Flow::serve;
    CHECK(row.path.empty() == is_offline);
    CHECK(row.method.empty() == is_offline);
    CHECK((row.flow == Flow::offline) == (row.offline != nullptr));
    CHECK((row.flow != Flow::lines || row.view.text != nullptr));
  }
}

TEST_CASE("what must be given stands before what may be given") {
  for (const auto& row : command_table()) {
    CAPTURE(row.words);
    CHECK(std::is_partitioned(row.arguments.begin(), row.arguments.end(),
                              [](const auto& each) { return each.is_required; }));
  }
}

TEST_CASE("options have their long name, a meaning, and a key where they go into the request") {
  for (const auto& row : command_table()) {
    std::set<std::string_view> names;
    auto options = row.options;
    options.insert(options.end(), common_options().begin(), common_options().end());
    for (const auto& option : options) {
      CAPTURE(row.words);
      CAPTURE(option.name);
      CHECK(option.name.starts_with("--"));
      CHECK(names.insert(option.name).second);
      if (!option.letter.empty()) CHECK(names.insert(option.letter).second);
      CHECK_FALSE(option.meaning.empty());
      CHECK((option.takes == Option::Takes::nothing) == option.value_name.empty());
      CHECK((option.goes == Option::Goes::nowhere) == option.key.empty());
    }
  }
}

TEST_CASE("every example is understood, and as a line of its row") {
  for (const auto& row : command_table()) {
    if (row.flow == Flow::serve) continue;
    for (const auto& example : row.examples) {
      CAPTURE(example.line);
      const auto parsed = parse(shell_words(example.line));
      CHECK(parsed.errors == "");
      REQUIRE(parsed.invocation);
      CHECK(parsed.invocation->call.command == &row);
    }
  }
}

TEST_CASE("the line by which the project is accepted is an example") {
  const auto& examples = find_command("rule put")->examples;
  CHECK(std::any_of(examples.begin(), examples.end(), [](const auto& each) {
    return each.line ==
           R"line(faultlun rule put '{"id":"busy","match":{"op":"READ(10)"},"gate":{"every":3},"effect":{"scsi.status":{"status":"BUSY"}}}')line";
  }));
}

}  // namespace commands_test
