#include "daemon/options.hpp"

#include "config/read.hpp"
#include "config/units.hpp"
#include "config/validate.hpp"
#include "daemon/cli/help.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace faultlun::daemon {

namespace {

constexpr std::string_view kLogLevels[] = {"trace", "debug", "info", "warn", "error", "off"};
constexpr int kBadCommandLine = 2;

constexpr const char* kFooter =
    "Examples:\n"
    "  faultlun serve\n"
    "      a lab target with one RAM disk of 1 GiB on 127.0.0.1:3260\n"
    "  faultlun serve --portal 0.0.0.0:3260 --advertise 192.0.2.10:3260\n"
    "      the same, reachable from other machines, in a container or behind NAT\n"
    "  faultlun serve --config lab.json --check\n"
    "      every error of a configuration, each with its path and remedy; opens nothing\n"
    "  faultlun serve --config lab.json --seed 0x5eed --log-level debug\n"
    "Exit status: 0 ok, 1 failed at run time, 2 bad command line or configuration.\n";

/// One option as it was given: every value, so that a second one can be refused by name.
struct Given {
  std::vector<std::string> values;
  CLI::Option* option = nullptr;
};

/// The options of one subcommand and what was given for them.
class Subcommand {
 public:
  Subcommand(CLI::App& parent, const char* name, const char* meaning)
      : app_(parent.add_subcommand(name, meaning)) {
    app_->allow_extras();
    app_->footer(kFooter);
    app_->add_flag("--json", json, "print JSON");
    app_->add_flag("--version", version, "print the version and exit");
  }

  void add(const char* name, const char* value_name, const char* meaning) {
    Given& given = given_[name];
    given.option = app_->add_option(name, given.values, meaning);
    given.option->allow_extra_args(false)->type_name(value_name);
  }

  const std::vector<std::string>& all(const char* name) const { return given_.at(name).values; }
  /// The only value, or nothing; a second one is an error.
  std::optional<std::string> one(const char* name, config::Problems& problems) const {
    const auto& values = all(name);
    if (values.size() > 1)
      problems.add(name, "given " + std::to_string(values.size()) + " times; give it once");
    return values.empty() ? std::nullopt : std::optional<std::string>(values.front());
  }

  /// CLI11 takes the next option for the value when there is none: --seed --check.
  void refuse_missing_values(const std::string& help, config::Problems& problems) {
    for (auto& [name, given] : given_) {
      const auto missing = [](const std::string& value) { return value.starts_with("--"); };
      if (std::erase_if(given.values, missing) > 0)
        problems.add(name, "needs a value after it; see " + help);
    }
  }

  std::vector<std::string> option_names() const {
    std::vector<std::string> names = {"--check", "--json", "--version", "--help"};
    for (const auto& [name, given] : given_)
      names.push_back(name);
    return names;
  }
  CLI::App& app() const { return *app_; }
  bool chosen() const { return app_->parsed(); }

  bool json = false;
  bool version = false;

 private:
  CLI::App* app_;
  std::map<std::string, Given> given_;  // its nodes stay where they are: CLI11 keeps references
};

struct CommandSet {
  CLI::App app{"faultlun: an iSCSI target that behaves perfectly until told otherwise", "faultlun"};
  bool json = false;
  bool version = false;
  Subcommand serve{app, "serve", "run the target"};

  CommandSet() {
    app.allow_extras();
    app.require_subcommand(0, 1);
    app.footer(kFooter);
    app.add_flag("--version", version, "print the version and exit");
    app.add_flag("--json", json, "print JSON");
    serve.add("--config", "FILE", "configuration (JSON); without it: the lab target");
    serve.add("--portal", "ADDR:PORT",
              "listen here instead of on the configured portals; may be repeated");
    serve.add("--advertise", "ADDR:PORT",
              "address that initiators are told; one for each portal, in their order");
    serve.add("--control", "ADDR:PORT|unix:PATH", "address of the control API");
    serve.add("--faults", "FILE", "fault rules (JSON), instead of the configured ones");
    serve.add("--seed", "N",
              "seed of every chance, decimal or 0x…; without it: a random one, printed at start");
    serve.add(
        "--threads", "N",
        "threads that serve connections, 1 to 256; without it: one for each processor, at most 4");
    serve.add("--spin", "DURATION",
              "poll this long before a thread sleeps, like 50us, at most 1s; without it: 0s");
    serve.add("--log-level", "LEVEL", "trace, debug, info, warn, error or off; without it: info");
    serve.app().add_flag("--check", check, "check everything, open nothing, exit");
  }
  CommandSet(const CommandSet&) = delete;
  CommandSet& operator=(const CommandSet&) = delete;

  bool check = false;
};

void refuse_extras(const std::vector<std::string>& extras, std::vector<std::string> known,
                   std::string_view help, config::Problems& problems) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  bool after_unknown = false;  // a word behind an unknown option is most likely its value
  for (const std::string& extra : extras) {
    if (extra.starts_with("-") && extra.size() > 1) {
      const std::string name = extra.substr(0, extra.find('='));
      problems.add(name, "unknown option" + config::did_you_mean(name, candidates) + "; see " +
                             std::string(help));
      after_unknown = true;
    } else {
      if (!after_unknown)
        problems.add(config::in_quotes(extra), "not expected here; see " + std::string(help));
      after_unknown = false;
    }
  }
}

std::optional<config::Endpoint> read_endpoint(
    const char* option, const std::string& text,
    config::Parsed<config::Endpoint> (*parse)(std::string_view), config::Problems& problems) {
  auto parsed = parse(text);
  if (!parsed.value) problems.add(option, parsed.error);
  return parsed.value;
}

void read_serve(const CommandSet& set, Options& options, config::Problems& problems) {
  const Subcommand& in = set.serve;
  options.check = set.check;
  if (const auto file = in.one("--config", problems)) {
    options.config_file = *file;
    if (file->empty())
      problems.add("--config", "is empty; name a file, or leave the option out for the lab target");
  }
  for (const std::string& text : in.all("--portal"))
    if (const auto endpoint = read_endpoint("--portal", text, config::parse_listen, problems))
      options.portals.push_back(*endpoint);
  for (const std::string& text : in.all("--advertise"))
    if (const auto endpoint = read_endpoint("--advertise", text, config::parse_reachable, problems))
      options.advertise.push_back(*endpoint);
  if (const auto control = in.one("--control", problems)) {
    options.control.emplace();
    if (const std::string error = config::read_control_address(*control, *options.control);
        !error.empty())
      problems.add("--control", error);
  }
  if (const auto file = in.one("--faults", problems)) {
    options.faults_file = *file;
    if (file->empty())
      problems.add("--faults", "is empty; name a file of rules, or leave the option out");
  }
  if (const auto seed = in.one("--seed", problems)) {
    const auto parsed = config::parse_seed(*seed);
    if (!parsed.value) problems.add("--seed", parsed.error);
    options.seed = parsed.value;
  }
  if (const auto threads = in.one("--threads", problems)) {
    const auto number = config::parse_decimal(*threads);
    if (number && *number >= 1 && *number <= kMaxThreads)
      options.threads = static_cast<unsigned>(*number);
    else
      problems.add("--threads",
                   config::in_quotes(*threads) +
                       " is no number of threads; use 1 to 256, or leave the option out");
  }
  if (const auto spin = in.one("--spin", problems)) {
    const auto parsed = config::parse_duration(*spin);
    if (!parsed.value)
      problems.add("--spin", parsed.error);
    else if (*parsed.value > kMaxSpin)
      problems.add("--spin", config::duration_text(*parsed.value) + " is too long; the most is 1s");
    options.spin = parsed.value.value_or(options.spin);
  }
  if (const auto level = in.one("--log-level", problems)) {
    if (std::find(std::begin(kLogLevels), std::end(kLogLevels), *level) == std::end(kLogLevels))
      problems.add("--log-level", "unknown level " + config::in_quotes(*level) +
                                      config::did_you_mean(*level, kLogLevels) + "; use one of " +
                                      config::listed(kLogLevels));
    options.log_level = *level;
  }
}

CommandLine failed(const config::Problems& problems) {
  CommandLine out;
  out.exit_status = kBadCommandLine;
  for (const config::Problem& problem : problems.list())
    out.errors += "faultlun: " + config::to_text(problem) + "\n";
  return out;
}

CommandLine version_of(bool json) {
  CommandLine out;
  out.output = cli::version_text(json);
  return out;
}

/// CLI11's words for what it refuses by itself ("--seed: 1 required N missing"), with the remedy
/// that it lacks.
CommandLine refused(const CLI::ParseError& error) {
  config::Problems problems;
  const std::string what = error.what();
  const std::size_t colon = what.find(':');
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) && colon != std::string::npos &&
      what.starts_with("--"))
    problems.add(what.substr(0, colon), "needs a value after it; see faultlun serve --help");
  else
    problems.add("", what + "; see faultlun --help");
  return failed(problems);
}

CommandLine interpret(CommandSet& set) {
  config::Problems problems;
  if (set.version || set.serve.version) return version_of(set.json || set.serve.json);
  if (!set.serve.chosen()) {
    problems.add("", "no command; say what to do, like faultlun serve, or see faultlun --help");
    return failed(problems);
  }
  const std::string help = "faultlun serve --help";
  refuse_extras(set.app.remaining(true), set.serve.option_names(), help, problems);
  set.serve.refuse_missing_values(help, problems);
  Options options;
  options.json = set.json || set.serve.json;
  read_serve(set, options, problems);
  if (!problems.empty()) return failed(problems);
  CommandLine out;
  out.options = std::move(options);
  return out;
}

/// The option to blame for what validate() says of a value that came from the command line.
std::string blamed(const Options& options, const std::string& path) {
  if (!options.portals.empty() && path.starts_with("portals"))
    return path.ends_with(".advertise") ? "--advertise" : "--portal";
  if (!options.advertise.empty() && path.starts_with("portals[") && path.ends_with(".advertise"))
    return "--advertise";
  if (options.control && path == "control.listen") return "--control";
  return path;
}

}  // namespace

std::vector<std::string> serve_options() {
  return CommandSet().serve.option_names();
}

CommandLine parse_command_line(std::span<const std::string> arguments) {
  CommandSet set;
  try {
    std::vector<std::string> backwards(arguments.rbegin(),
                                       arguments.rend());  // as CLI11 wants them
    set.app.parse(std::move(backwards));
  } catch (const CLI::Success& help) {
    std::ostringstream text, unused;
    set.app.exit(help, text, unused);
    CommandLine out;
    out.output = text.str();
    return out;
  } catch (const CLI::ParseError& error) {
    return refused(error);
  }
  return interpret(set);
}

std::vector<config::Problem> apply(const Options& options, config::Config& config) {
  config::Problems problems;
  if (!options.portals.empty()) {
    config.portals.clear();
    for (const config::Endpoint& listen : options.portals)
      config.portals.push_back({.listen = listen, .advertise = {}, .group = 1});
    for (config::Target& target : config.targets)
      target.portal_groups = {1};
  }
  if (!options.advertise.empty() && options.advertise.size() != config.portals.size()) {
    problems.add("--advertise", std::to_string(options.advertise.size()) + " given for " +
                                    std::to_string(config.portals.size()) +
                                    " portals; give one for each portal, in their order, or write "
                                    "\"advertise\" into the configuration");
  } else {
    for (std::size_t i = 0; i < options.advertise.size(); ++i)
      config.portals[i].advertise = options.advertise[i];
  }
  if (options.control) {
    config.control.listen = options.control->listen;
    config.control.unix_path = options.control->unix_path;
  }
  if (options.seed) config.seed = options.seed;
  const auto findings = config::validate(config);  // outlives the loop over its list
  for (const config::Problem& problem : findings.errors.list())
    problems.add(blamed(options, problem.path), problem.message);
  return problems.list();
}

}  // namespace faultlun::daemon
