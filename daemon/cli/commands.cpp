#include "daemon/cli/commands.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::daemon::cli {

std::string Call::option(std::string_view name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::string{} : found->second;
}

std::string Call::argument(std::string_view name) const {
  const auto found = arguments.find(name);
  return found == arguments.end() ? std::string{} : found->second;
}

Option drain_option() {
  return {.name = "--drain",
          .key = "drain",
          .meaning = "answer when no command is in progress that was decided before",
          .waits = true};
}

Option dry_run_option() {
  return {.name = "--dry-run", .key = "dry_run", .meaning = "check only, change nothing"};
}

Option if_match_option() {
  return {.name = "--if-match",
          .takes = Option::Takes::text,
          .value_name = "ETAG",
          .goes = Option::Goes::header,
          .key = "If-Match",
          .meaning = "only if the rule still has this entity tag, like r17"};
}

Argument rule_id() {
  return {.name = "ID", .meaning = "ID of the rule", .offer = Argument::Offer::rules};
}

const std::vector<Command>& command_table() {
  static const std::vector<Command> table = [] {
    auto all = rule_commands();
    for (auto part : {record_commands(), lab_commands()})
      std::move(part.begin(), part.end(), std::back_inserter(all));
    std::rotate(all.begin(), all.end() - 1, all.end());  // serve stands first
    return all;
  }();
  return table;
}

const Command* find_command(std::string_view words) {
  const auto& all = command_table();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.words == words; });
  return found == all.end() ? nullptr : &*found;
}

const std::vector<Option>& common_options() {
  using Goes = Option::Goes;
  using Takes = Option::Takes;
  static const std::vector<Option> options = {
      {.name = "--control",
       .takes = Takes::text,
       .value_name = "ADDR:PORT|unix:PATH",
       .goes = Goes::nowhere,
       .meaning = "control API of the daemon; without it: FAULTLUN_CONTROL or 127.0.0.1:8326"},
      {.name = "--token-file",
       .takes = Takes::text,
       .value_name = "FILE",
       .goes = Goes::nowhere,
       .meaning =
           "file with the token of the control API; without it: FAULTLUN_TOKEN_FILE or none"},
      {.name = "--json", .goes = Goes::nowhere, .meaning = "print the API's JSON as it is"},
      {.name = "--timeout",
       .takes = Takes::duration,
       .value_name = "DURATION",
       .goes = Goes::nowhere,
       .meaning = "wait this long for the answer; without it: 5s, or 1h where the command waits"},
      {.name = "--help", .letter = "-h", .goes = Goes::nowhere, .meaning = "say how, and exit"},
      {.name = "--version", .goes = Goes::nowhere, .meaning = "print the version and exit"},
  };
  return options;
}

}  // namespace faultlun::daemon::cli
