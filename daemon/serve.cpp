#include "daemon/serve.hpp"

#include "config/diff.hpp"
#include "config/load.hpp"
#include "daemon/daemon.hpp"
#include "daemon/log.hpp"
#include "daemon/seed.hpp"
#include "lun_backends/open.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>
#include <thread>

namespace faultlun::daemon {
namespace {

constexpr unsigned kMostDefaultThreads = 4;

struct Settings {
  config::Config config;
  config::Secrets secrets;
};

void print(const std::vector<config::Problem>& problems, const std::string& file,
           const char* kind) {
  for (const auto& problem : problems)
    std::fprintf(stderr, "%s%s\n", kind, config::to_text(problem, file).c_str());
}

/// Everything that can be found wrong without opening a socket or a device; each problem is
/// printed.
std::optional<Settings> read_settings(const Options& options) {
  const auto& file = options.config_file;
  config::LoadResult loaded;
  if (file.empty()) {
    loaded.config = config::default_config();
  } else {
    loaded = config::load_file(file);
  }
  print(loaded.warnings, file, "warning: ");
  print(loaded.errors, file, "");
  if (loaded.errors_left_out != 0)
    std::fprintf(stderr, "%zu more errors\n", loaded.errors_left_out);
  if (!loaded.config) return std::nullopt;
  auto problems = apply(options, *loaded.config);
  for (std::size_t t = 0; t < loaded.config->targets.size(); ++t) {
    const auto& luns = loaded.config->targets[t].luns;
    for (std::size_t l = 0; l < luns.size(); ++l) {
      const auto path =
          "targets[" + std::to_string(t) + "].luns[" + std::to_string(l) + "].backend";
      if (auto text = lun_backends::check(luns[l].backend); !text.empty())
        problems.push_back({path, text, 0});
    }
  }
  auto secrets = config::load_secrets(*loaded.config);
  print(secrets.warnings, file, "warning: ");
  print(secrets.errors, file, "");
  print(problems, file, "");
  if (!problems.empty() || !secrets.secrets) return std::nullopt;
  return Settings{std::move(*loaded.config), std::move(*secrets.secrets)};
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
  if (!next) {
    log::core().error(
        "reload refused: the configuration has errors, printed above; the running one stays");
    return;
  }
  next->config.seed = running.seed;
  const auto changes = config::diff(running, next->config);
  bool refused = false;
  for (const auto& change : changes) {
    if (config::can_apply_live(change.kind)) continue;
    refused = true;
    log::core().error("reload refused: {}: {}", change.path, change.message);
  }
  if (refused) return;
  if (const auto failure = daemon.reload(next->config, std::move(next->secrets));
      !failure.empty()) {
    log::core().error("reload refused: {}", failure);
    return;
  }
  running = std::move(next->config);
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
  if (!settings) return 2;
  if (options.check) return 0;
  if (!settings->config.seed) settings->config.seed = entropy_seed();
  raise_descriptor_limit();
  const auto signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all of them inherit it
  std::signal(SIGPIPE, SIG_IGN);
  try {
    auto running = settings->config;
    Daemon daemon(settings->config, std::move(settings->secrets),
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
