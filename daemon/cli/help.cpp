#include "daemon/cli/help.hpp"

#include "daemon/cli/text.hpp"

#include <algorithm>

namespace faultlun::daemon::cli {
namespace {

constexpr std::size_t kWidth = 92;

constexpr std::string_view kExit =
    "Exit status: 0 ok, 1 refused or failed at run time, 2 bad command line or configuration.\n";

bool asks_a_daemon(const Command& command) {
  return command.flow != Flow::offline && command.flow != Flow::serve;
}

std::string left_of(const Option& option) {
  std::string out;
  if (!option.letter.empty()) out = std::string(option.letter) + ", ";
  out += option.name;
  if (!option.value_name.empty()) out.append(" ").append(option.value_name);
  return out;
}

/// "  left   meaning", wrapped.
std::string pairs(const std::vector<std::pair<std::string, std::string>>& list) {
  std::size_t width = 0;
  for (const auto& [left, meaning] : list)
    width = std::max(width, left.size());
  width = std::min<std::size_t>(width, 26);
  const std::string indent(width + 4, ' ');
  std::string out;
  for (const auto& [left, meaning] : list) {
    out += "  " + left;
    if (!meaning.empty()) {
      out += left.size() > width ? "\n" + indent : std::string(width - left.size() + 2, ' ');
      out += wrapped(meaning, kWidth - indent.size(), indent);
    }
    out += "\n";
  }
  return out;
}

std::string options_of(const std::vector<Option>& options) {
  std::vector<std::pair<std::string, std::string>> list;
  for (const auto& option : options)
    list.emplace_back(left_of(option), option.meaning);
  return pairs(list);
}

std::string examples_of(const Command& command) {
  std::string out;
  for (const auto& example : command.examples) {
    out += "  " + std::string(example.line) + "\n";
    if (!example.meaning.empty()) out += "      " + std::string(example.meaning) + "\n";
  }
  return out;
}

std::string commands_beginning(std::string_view words) {
  std::vector<std::pair<std::string, std::string>> list;
  for (const auto& command : command_table()) {
    if (!words.empty() && command.words != words &&
        !command.words.starts_with(std::string(words) + " "))
      continue;
    auto left = usage(command).substr(std::string_view("faultlun ").size());
    list.emplace_back(left.substr(0, left.find(" [OPTION]")), command.summary);
  }
  return pairs(list);
}

std::string calls_of(const Command& command) {
  std::string out = "`" + std::string(command.method) + " " + std::string(command.path) + "`";
  auto more = command.more_calls;
  while (!more.empty()) {
    const auto comma = std::min(more.find(','), more.size());
    out += ", `" + std::string(more.substr(0, comma)) + "`";
    more.remove_prefix(std::min(comma + 1, more.size()));
  }
  return out;
}

std::string for_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*') out += '\\';
    out += c;
  }
  return out;
}

/// Text for troff: what it would take for its own is escaped.
std::string for_troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string usage(const Command& command) {
  std::string out = "faultlun " + std::string(command.words);
  for (const auto& argument : command.arguments) {
    const std::string name(argument.name);
    out += argument.is_required ? " " + name : " [" + name + "]";
  }
  return out + " [OPTION]...";
}

std::string top_help() {
  return "faultlun: an iSCSI target that behaves perfectly until told otherwise\n\n"
         "Usage: faultlun COMMAND [ARGUMENT]... [OPTION]...\n\nCommands:\n" +
         commands_beginning("") + "\nOptions of every command but serve:\n" +
         options_of(common_options()) +
         "\nExamples:\n"
         "  faultlun serve\n"
         "      a lab target with one RAM disk of 1 GiB on 127.0.0.1:3260\n"
         "  faultlun rule put '{\"id\":\"busy\",\"match\":{\"op\":\"READ(10)\"},"
         "\"effect\":{\"scsi.status\":{\"status\":\"BUSY\"}}}'\n"
         "      every READ(10) is answered BUSY\n"
         "  faultlun journal -f\n"
         "      watch what happens\n"
         "  faultlun reset\n"
         "      perfect again\n"
         "`faultlun COMMAND --help` says more, with examples.\n" +
         std::string(kExit);
}

std::string group_help(std::string_view words) {
  return "Usage: faultlun " + std::string(words) + " COMMAND\n\nCommands:\n" +
         commands_beginning(words) + "\n`faultlun " + std::string(words) +
         " COMMAND --help` says more, with examples.\n" + std::string(kExit);
}

std::string command_help(const Command& command) {
  std::string out = usage(command) + "\n" + wrapped(command.summary, kWidth, "") + "\n";
  if (!command.text.empty()) out += "\n" + wrapped(command.text, kWidth, "") + "\n";
  if (!command.arguments.empty()) {
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& argument : command.arguments)
      list.emplace_back(argument.name, argument.meaning);
    out += "\nArguments:\n" + pairs(list);
  }
  if (!command.options.empty()) out += "\nOptions:\n" + options_of(command.options);
  if (asks_a_daemon(command)) out += "\nCommon options:\n" + options_of(common_options());
  if (!command.examples.empty()) out += "\nExamples:\n" + examples_of(command);
  return out + "\n" + std::string(kExit);
}

std::string version_text(bool json) {
  const std::string version = FAULTLUN_VERSION;
  return json ? "{\"name\":\"faultlun\",\"version\":\"" + version + "\"}\n"
              : "faultlun " + version + "\n";
}

std::string markdown_page() {
  std::string out =
      "# The command `faultlun`\n\n"
      "Made from the table in `daemon/cli/` with `faultlun help --page md`; a test compares.\n\n"
      "Every command but `serve`, `completion` and `help` is one call of the control API: `--json` "
      "prints the API's JSON as it\nis, otherwise there is text for people. What the API refuses "
      "is "
      "said on standard error, each problem in a line of its own\n(`path: message`). Exit status: "
      "0 "
      "ok, 1 refused or failed, 2 bad command line.\n\n## Options of every command\n\n"
      "| option | meaning |\n|---|---|\n";
  for (const auto& option : common_options())
    out += "| `" + for_markdown(left_of(option)) + "` | " + for_markdown(option.meaning) + " |\n";
  for (const auto& command : command_table()) {
    out += "\n## " + std::string(command.words) + "\n\n`" + usage(command) + "`\n\n";
    out += "Does: " + for_markdown(command.summary) + ".\n";
    if (!command.text.empty()) out += std::string(command.text) + "\n";
    if (!command.path.empty() && command.flow != Flow::offline)
      out += "\nCalls: " + calls_of(command) + "\n";
    if (!command.arguments.empty() || !command.options.empty()) {
      out += "\n| | |\n|---|---|\n";
      for (const auto& argument : command.arguments)
        out +=
            "| `" + std::string(argument.name) + "` | " + for_markdown(argument.meaning) + " |\n";
      for (const auto& option : command.options)
        out +=
            "| `" + for_markdown(left_of(option)) + "` | " + for_markdown(option.meaning) + " |\n";
    }
    if (command.examples.empty()) continue;
    out += "\n```sh\n";
    for (const auto& [line, meaning] : command.examples)
      out += std::string(line) + (meaning.empty() ? "" : "   # " + std::string(meaning)) + "\n";
    out += "```\n";
  }
  return out;
}

std::string manual_section() {
  std::string out = ".SH COMMANDS\n";
  for (const auto& command : command_table()) {
    if (command.flow == Flow::serve) continue;
    out += ".TP\n.B " + for_troff(usage(command)) + "\n" + for_troff(command.summary) + ".\n";
    for (const auto& option : command.options)
      out += ".RS\n.TP\n.B " + for_troff(left_of(option)) + "\n" + for_troff(option.meaning) +
             "\n.RE\n";
  }
  out += ".SH OPTIONS OF EVERY COMMAND BUT SERVE\n";
  for (const auto& option : common_options())
    out += ".TP\n.B " + for_troff(left_of(option)) + "\n" + for_troff(option.meaning) + "\n";
  return out;
}

std::string help_text(const Call& call) {
  const auto page = call.option("--page");
  if (page == "md") return markdown_page();
  if (page == "man") return manual_section();
  const auto words = call.argument("COMMAND");
  if (words.empty()) return top_help();
  const Command* command = find_command(words);
  return command ? command_help(*command) : group_help(words);
}

}  // namespace faultlun::daemon::cli
