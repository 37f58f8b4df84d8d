#include "daemon/serve.hpp"

#include "config/diff.hpp"
#include "config/json.hpp"
#include "config/load.hpp"
#include "config/rules.hpp"
#include "daemon/daemon.hpp"
#include "daemon/log.hpp"
#include "daemon/seed.hpp"
#include "lun_backends/open.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <sys/resource.h>
#include <thread>

namespace faultlun::daemon {
namespace {

constexpr unsigned kMostDefaultThreads = 4;

/// A configuration as read, and everything that was found wrong with it.
struct Settings {
  std::optional<config::Config> config;
  std::optional<config::Secrets> secrets;
  std::vector<config::Problem> errors, warnings;
  std::vector<config::Problem> rule_errors;  ///< of --faults
  std::size_t errors_left_out = 0;

  bool good() const {
    return errors.empty() && rule_errors.empty() && errors_left_out == 0 && config && secrets;
  }
};

void append(std::vector<config::Problem>& to, std::vector<config::Problem> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// What the backends have to say of their units, as far as it can be found without touching
/// anything.
std::vector<config::Problem> check_backends(const config::Config& config) {
  std::vector<config::Problem> problems;
  for (const auto& target : config.targets)
    for (const auto& lun : target.luns)
      if (auto text = lun_backends::check(lun.backend); !text.empty())
        problems.push_back({"target " + target.name + ", LUN " + std::to_string(lun.lun), text, 0});
  return problems;
}

/// Everything that can be found wrong without opening a socket or a device.
Settings read_settings(const Options& options) {
  config::LoadResult loaded;
  if (options.config_file.empty()) {
    loaded.config = config::default_config();
  } else {
    loaded = config::load_file(options.config_file);
  }
  Settings settings{std::move(loaded.config),   {}, std::move(loaded.errors),
                    std::move(loaded.warnings), {}, loaded.errors_left_out};
  config::LoadRules loaded_rules;
  if (!options.faults_file.empty()) {
    loaded_rules = config::load_rules_file(options.faults_file);
    settings.rule_errors = std::move(loaded_rules.errors);
    settings.errors_left_out += loaded_rules.errors_left_out;
  }
  if (!settings.config) return settings;
  if (loaded_rules.rules) settings.config->rules = std::move(*loaded_rules.rules);
  append(settings.errors, apply(options, *settings.config));
  auto secrets = config::load_secrets(*settings.config);
  append(settings.errors, std::move(secrets.errors));
  append(settings.warnings, std::move(secrets.warnings));
  append(settings.errors, check_backends(*settings.config));
  settings.secrets = std::move(secrets.secrets);
  return settings;
}

/// The problems, one a line, on standard error; with `--check --json` as one object on standard
/// output.
void report(const Settings& settings, const Options& options) {
  if (options.check && options.json) {
    const auto list = [](const std::vector<config::Problem>& problems) {
      auto out = config::Json::array();
      for (const auto& problem : problems)
        out.push_back(
            {{"path", problem.path}, {"line", problem.line}, {"message", problem.message}});
      return out;
    };
    auto errors = list(settings.errors);
    for (auto& error : list(settings.rule_errors)) {
      error["file"] = options.faults_file;
      errors.push_back(std::move(error));
    }
    const config::Json answer = {{"valid", settings.good()},
                                 {"errors", std::move(errors)},
                                 {"warnings", list(settings.warnings)}};
    std::printf("%s\n", answer.dump().c_str());
    return;
  }
  const auto print = [](const std::vector<config::Problem>& problems, const char* kind,
                        const std::string& file) {
    for (const auto& problem : problems)
      std::fprintf(stderr, "%s%s\n", kind, config::to_text(problem, file).c_str());
  };
  print(settings.warnings, "warning: ", options.config_file);
  print(settings.errors, "", options.config_file);
  print(settings.rule_errors, "", options.faults_file);
  if (settings.errors_left_out != 0)
    std::fprintf(stderr, "%zu more errors\n", settings.errors_left_out);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log::core().warn("descriptor limit stays as it is");
}

unsigned default_threads() {
  return std::min(kMostDefaultThreads, std::max(1U, std::thread::hardware_concurrency()));
}

/// SIGHUP: all of the new configuration that can be had while running, or none of it.
void reload(Daemon& daemon, const Options& options, config::Config& running) {
  auto next = read_settings(options);
  report(next, options);
  if (!next.good()) {
    log::core().error(
        "reload refused: the configuration has errors, printed above; the running one stays");
    return;
  }
  next.config->seed = running.seed;
  const auto changes = config::diff(running, *next.config);
  bool refused = false;
  for (const auto& change : changes) {
    if (config::can_apply_live(change.kind)) continue;
    refused = true;
    log::core().error("reload refused: {}: {}", change.path, change.message);
  }
  if (refused) return;
  if (const auto failure = daemon.reload(*next.config, std::move(*next.secrets));
      !failure.empty()) {
    log::core().error("reload refused: {}", failure);
    return;
  }
  running = std::move(*next.config);
  for (const auto& change : changes)
    log::core().info("reloaded {}: {}", change.path, change.message);
  log::core().info("reload done changes={}", changes.size());
}

sigset_t our_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, signal);
  return signals;
}

}  // namespace

int serve(const Options& options) {
  log::set_level(options.log_level);
  auto settings = read_settings(options);
  report(settings, options);
  if (!settings.good()) return 2;
  if (options.check) return 0;
  if (!settings.config->seed) settings.config->seed = entropy_seed();
  raise_descriptor_limit();
  const auto signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all of them inherit it
  std::signal(SIGPIPE, SIG_IGN);
  try {
    auto running = *settings.config;
    Daemon daemon(*settings.config, std::move(*settings.secrets),
                  options.threads != 0 ? options.threads : default_threads(), options.spin);
    daemon.start();
    std::printf("%s\n", daemon.ready_line().c_str());
    std::fflush(stdout);
    for (int signal = 0; sigwait(&signals, &signal) == 0;) {
      if (signal != SIGHUP) break;
      reload(daemon, options, running);
    }
    log::core().info("stopping");
    if (!daemon.stop()) {
      log::core().warn("a device did not finish its work in time: it is left behind");
      std::_Exit(0);
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
  return 0;
}

}  // namespace faultlun::daemon
