// What a row of the command table says: the words, the call of the control API behind them, how its
// body is made and how its answer is shown.  Everything that has to know the commands reads these
// rows: the command line, --help, completion, docs/cli.md, the manual page, the tests.
#pragma once

#include "config/json.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::daemon::cli {

struct Argument {
  enum class Kind : std::uint8_t {
    word,
    document,  ///< JSON in place, the name of a file, or "-" for standard input
    file,      ///< any octets: the name of a file, or "-"
  };
  /// What the shell may offer.
  enum class Offer : std::uint8_t { nothing, files, rules, faults, scenarios };

  std::string_view name{};  ///< "ID": fills {id} of the path when there is one
  std::string_view meaning{};
  Kind kind = Kind::word;
  bool is_required = true;
  Offer offer = Offer::nothing;
};

struct Option {
  enum class Takes : std::uint8_t { nothing, text, number, duration };
  enum class Goes : std::uint8_t {
    query,   ///< as `key`; a duration in milliseconds, no value as 1
    header,  ///< as `key`, an entity tag
    nowhere  ///< the row's own functions read it
  };

  std::string_view name{};    ///< "--since"
  std::string_view letter{};  ///< "-f", or ""
  Takes takes = Takes::nothing;
  std::string_view value_name{};  ///< "CURSOR"
  Goes goes = Goes::query;
  std::string_view key{};
  std::string_view meaning{};
  bool waits = false;  ///< the answer comes when something has happened: longer patience
};

struct Example {
  std::string_view line{};  ///< as typed in a shell
  std::string_view meaning{};
};

struct Command;

/// A command line that is understood: what was given, by the names of the row.
struct Call {
  const Command* command = nullptr;
  std::map<std::string, std::string, std::less<>> arguments;  ///< documents: their text
  std::map<std::string, std::string, std::less<>> files;      ///< of documents read from one
  std::map<std::string, std::string, std::less<>> options;

  bool has(std::string_view option) const { return options.contains(option); }
  /// "" when it was not given.
  std::string option(std::string_view name) const;
  std::string argument(std::string_view name) const;
};

/// A request of the API, without where it goes.
struct Plan {
  std::string method, path, body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// How the row gets its answer and what comes out of it.
enum class Flow : std::uint8_t {
  request,       ///< one request, its answer shown
  lines,         ///< one request, each line of its answer shown as it comes
  overview,      ///< a GET of each path, shown together
  scenario_run,  ///< the request, then start unless it was that; follow, result when it is asked
                 ///< for
  verdict,       ///< as request, with --junit twice; "verdict": "failed" is a failure
  offline,       ///< no daemon takes part: `offline` makes the text
  serve,         ///< the daemon itself
};

/// Heading and place of a column in each object of a list.
struct Column {
  std::string_view heading{}, pointer{};
};

struct View {
  std::string_view list{};        ///< JSON pointer of the array that `columns` show
  std::vector<Column> columns{};  ///< none: everything there is, as it stands
  std::string_view none{};        ///< said instead of an empty list
  std::string (*text)(const config::Json&) =
      nullptr;  ///< instead of a table; or a line of Flow::lines
};

struct Picked;  ///< views.hpp

struct Command {
  std::string_view words{};   ///< "rule put"
  std::string_view method{};  ///< "PUT"
  std::string_view path{};    ///< "/v1/rules/{id}"; several with spaces between
  std::string_view summary{};
  std::vector<Argument> arguments{};
  std::vector<Option> options{};
  std::string_view text{};  ///< more for --help
  std::vector<Example> examples{};
  View view{};
  /// Changes the plan that the row makes; what is wrong with the command line, or "".
  std::string (*plan)(const Call&, Plan&) = nullptr;
  Picked (*pick)(const config::Json&, const Call&) = nullptr;  ///< the part that was asked for
  std::string (*offline)(const Call&) = nullptr;
  Flow flow = Flow::request;
  std::string_view more_calls{};  ///< further "METHOD PATH" it may use, with commas between
};

/// THE table, in the order of --help.
const std::vector<Command>& command_table();
const Command* find_command(std::string_view words);

/// Of every command but serve.
const std::vector<Option>& common_options();

}  // namespace faultlun::daemon::cli
