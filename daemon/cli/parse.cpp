#include "daemon/cli/parse.hpp"

#include "config/problems.hpp"
#include "config/read.hpp"
#include "config/units.hpp"
#include "daemon/cli/help.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace faultlun::daemon::cli {
namespace {

using Takes = Option::Takes;

constexpr int kBadCommandLine = 2;

bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-';
}

std::string_view name_of(std::string_view word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word;
}

const Option* find_option(const std::vector<Option>& options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(), [&](const auto& each) {
    return each.name == name || (!each.letter.empty() && each.letter == name);
  });
  return found == options.end() ? nullptr : &*found;
}

Parsed refused(const config::Problems& problems) {
  Parsed out;
  out.exit_status = kBadCommandLine;
  for (const auto& problem : problems.list())
    out.errors += "faultlun: " + config::to_text(problem) + "\n";
  return out;
}

Parsed refused(std::string path, std::string message) {
  config::Problems problems;
  problems.add(std::move(path), std::move(message));
  return refused(problems);
}

Parsed said(std::string text) {
  Parsed out;
  out.output = std::move(text);
  return out;
}

/// Words that begin a command, or go on behind `words` ("" at first): each once, in their order.
std::vector<std::string_view> next_words(std::string_view words) {
  std::vector<std::string_view> out;
  for (const auto& command : command_table()) {
    auto rest = command.words;
    if (!words.empty()) {
      if (!rest.starts_with(words) || rest.size() <= words.size() || rest[words.size()] != ' ')
        continue;
      rest.remove_prefix(words.size() + 1);
    }
    const auto word = rest.substr(0, rest.find(' '));
    if (std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
  }
  return out;
}

/// Where the words of the command begin and end.
struct Words {
  std::size_t begin = 0, end = 0;
  const Command* command = nullptr;
  std::string group;  ///< words that only begin commands
};

Words find_words(std::span<const std::string> arguments) {
  Words out;
  while (out.begin < arguments.size() && is_option(arguments[out.begin])) {
    const auto& word = arguments[out.begin];
    const Option* option = find_option(common_options(), name_of(word));
    const bool has_value = option && option->takes != Takes::nothing && name_of(word) == word;
    out.begin += has_value ? 2 : 1;
  }
  out.begin = std::min(out.begin, arguments.size());
  out.end = out.begin;
  std::string words;
  for (std::size_t i = out.begin; i < arguments.size() && !is_option(arguments[i]); ++i) {
    const auto longer = words + (words.empty() ? "" : " ") + arguments[i];
    const Command* command = find_command(longer);
    const bool goes_on = !next_words(longer).empty();
    if (!command && !goes_on) break;
    words = longer;
    out.end = i + 1;
    out.command = command;
    out.group = command ? std::string{} : words;
  }
  return out;
}

/// Options and arguments as they are given.
class Reader {
 public:
  Reader(const Command& command, Invocation& into, config::Problems& problems)
      : command_(command), into_(into), problems_(problems) {
    into_.call.command = &command;
  }

  void read(std::span<const std::string> words) {
    bool only_arguments = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (only_arguments || !is_option(words[i]))
        take_argument(words[i]);
      else if (words[i] == "--")
        only_arguments = true;
      else
        i += take_option(words[i], i + 1 < words.size() ? &words[i + 1] : nullptr);
    }
  }

  void finish() {
    for (const auto& argument : command_.arguments)
      if (argument.is_required && !into_.call.arguments.contains(argument.name))
        problems_.add(std::string(argument.name),
                      "is missing: " + std::string(argument.meaning) + "; see " + help());
  }

 private:
  std::string help() const { return "faultlun " + std::string(command_.words) + " --help"; }

  void take_argument(const std::string& word) {
    if (after_unknown_) {  // most likely the value of the option that is not known
      after_unknown_ = false;
      return;
    }
    if (taken_ == command_.arguments.size()) {
      problems_.add(config::in_quotes(word), "not expected here; see " + help());
      return;
    }
    const auto& argument = command_.arguments[taken_++];
    if (word.empty()) problems_.add(std::string(argument.name), "is empty; see " + help());
    into_.call.arguments.emplace(argument.name, word);
  }

  /// How many words more it took.
  std::size_t take_option(const std::string& word, const std::string* next) {
    const auto name = name_of(word);
    const Option* option = find_option(command_.options, name);
    if (!option) option = find_option(common_options(), name);
    if (!option) {
      problems_.add(std::string(name), "unknown option" + meant(name) + "; see " + help());
      after_unknown_ = name == word;
      return 0;
    }
    const bool has_own = name != word;
    if (option->takes == Takes::nothing) {
      if (has_own)
        problems_.add(
            std::string(option->name),
            "takes no value; leave " + config::in_quotes(word.substr(name.size())) + " out");
      put(*option, "");
      return 0;
    }
    if (!has_own && (!next || next->starts_with("--"))) {
      problems_.add(std::string(option->name), "needs a value after it; see " + help());
      return 0;
    }
    put(*option, has_own ? word.substr(name.size() + 1) : *next);
    return has_own ? 0 : 1;
  }

  void put(const Option& option, const std::string& value) {
    const std::string name(option.name);
    if (!into_.call.options.emplace(name, value).second && option.takes != Takes::nothing)
      problems_.add(name, "given 2 times; give it once");
    if (option.takes != Takes::nothing && value.empty())
      problems_.add(name, "is empty; write " + std::string(option.value_name) +
                              " behind it, or leave the option out");
    else if (option.takes == Takes::number && !config::parse_decimal(value))
      problems_.add(name, config::in_quotes(value) + " is no whole number; write digits, like 20");
    else if (option.takes == Takes::duration)
      if (const auto parsed = config::parse_duration(value); !parsed.value)
        problems_.add(name, parsed.error);
    if (option.waits) into_.patience = kLongPatience;
  }

  std::string meant(std::string_view name) const {
    std::vector<std::string_view> candidates;
    for (const auto* list : {&command_.options, &common_options()})
      for (const auto& option : *list)
        candidates.push_back(option.name);
    return config::did_you_mean(name, candidates);
  }

  const Command& command_;
  Invocation& into_;
  config::Problems& problems_;
  std::size_t taken_ = 0;
  bool after_unknown_ = false;
};

/// Where to reach a daemon: what its ready line shows ("http://127.0.0.1:8326") is good, too.
std::string control_of(std::string_view text, const char* source, config::Problems& problems) {
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with("unix:")) {
    config::Control control;
    if (const auto error = config::read_control_address(text, control); !error.empty())
      problems.add(source, error);
    return std::string(text);
  }
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  const auto parsed = config::parse_reachable(text);
  if (!parsed.value) {
    problems.add(source, parsed.error + ", or \"unix:PATH\"");
    return {};
  }
  return config::to_text(*parsed.value);
}

void read_common(Invocation& out, const Environment& environment, config::Problems& problems) {
  const auto& call = out.call;
  out.json = call.has("--json");
  if (const auto given = call.option("--control"); !given.empty())
    out.control = control_of(given, "--control", problems);
  else if (!environment.control.empty())
    out.control = control_of(environment.control, "FAULTLUN_CONTROL", problems);
  else
    out.control = config::to_text(config::Control{}.listen);
  out.token_file = call.option("--token-file");
  if (out.token_file.empty()) out.token_file = environment.token_file;
  if (const auto given = call.option("--timeout"); !given.empty()) {
    const auto parsed = config::parse_duration(given);
    const auto asked = std::chrono::ceil<std::chrono::milliseconds>(
        parsed.value.value_or(std::chrono::microseconds(1)));
    if (asked <= std::chrono::milliseconds(0) || asked > kLongPatience)
      problems.add("--timeout", config::in_quotes(given) + " is out of range; write 1ms to 1h");
    out.patience = asked;
  }
}

Parsed no_command(std::span<const std::string> arguments, const Words& words) {
  if (!words.group.empty()) {
    const auto known = next_words(words.group);
    const auto all = "; known: " + config::listed(known);
    if (words.end < arguments.size() && !is_option(arguments[words.end])) {
      const auto& word = arguments[words.end];
      return refused(config::in_quotes(words.group + " " + word),
                     "unknown command" + config::did_you_mean(word, known) + all);
    }
    return refused(words.group, "says only half of it; write what to do behind it" + all);
  }
  for (const auto& word : arguments.first(words.begin))
    if (!find_option(common_options(), name_of(word)) && is_option(word))
      return refused(std::string(name_of(word)),
                     "unknown option, or one that stands before its command; write it behind, like "
                     "faultlun serve " +
                         std::string(name_of(word)));
  if (words.begin < arguments.size()) {
    const auto known = next_words("");
    const auto& word = arguments[words.begin];
    return refused(config::in_quotes(word), "unknown command" + config::did_you_mean(word, known) +
                                                "; known: " + config::listed(known));
  }
  return refused("", "no command; say what to do, like faultlun serve, or see faultlun --help");
}

bool any_of(std::span<const std::string> arguments, std::string_view name,
            std::string_view letter) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end,
                     [&](const auto& each) { return each == name || each == letter; });
}

}  // namespace

Parsed parse(std::span<const std::string> arguments, const Environment& environment) {
  const Words words = find_words(arguments);
  if (words.command && words.command->flow == Flow::serve) {
    Parsed out;
    out.is_for_serve = true;
    return out;
  }
  if (any_of(arguments, "--version", "--version"))
    return said(version_text(any_of(arguments, "--json", "--json")));
  if (any_of(arguments, "--help", "-h"))
    return said(words.command         ? command_help(*words.command)
                : words.group.empty() ? top_help()
                                      : group_help(words.group));
  if (!words.command) return no_command(arguments, words);
  config::Problems problems;
  Invocation out;
  Reader reader(*words.command, out, problems);
  reader.read(arguments.first(words.begin));
  reader.read(arguments.subspan(words.end));
  reader.finish();
  if (problems.empty()) read_common(out, environment, problems);
  if (!problems.empty()) return refused(problems);
  Parsed parsed;
  parsed.invocation = std::move(out);
  return parsed;
}

}  // namespace faultlun::daemon::cli
