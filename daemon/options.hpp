// The command line of `faultlun serve` as a plain value, and what it changes in a configuration.
// Pure: files are opened by serve.cpp.  The other commands are in daemon/cli/.
#pragma once

#include "config/model.hpp"
#include "config/problems.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon {

inline constexpr unsigned kMaxThreads = 256;
inline constexpr std::chrono::microseconds kMaxSpin{1'000'000};

struct Options {
  bool json = false;
  std::string config_file;                  ///< empty: config::default_config()
  std::string faults_file;                  ///< its rules replace the configured ones
  std::vector<config::Endpoint> portals;    ///< instead of the configured ones
  std::vector<config::Endpoint> advertise;  ///< one for each portal, in their order
  std::optional<config::Control> control;   ///< its address only
  std::optional<std::uint64_t> seed;
  unsigned threads = 0;               ///< 0: one for each processor, at most 4
  std::chrono::microseconds spin{0};  ///< busy polling before an idle thread sleeps
  bool check = false;                 ///< validate everything, open nothing, exit
  std::string log_level = "info";     ///< a name that log::set_level() knows
};

/// Either options, or what to print and with which exit status.
struct CommandLine {
  std::optional<Options> options;
  int exit_status = 0;  ///< 0 after --help and --version, 2 after a bad command line
  std::string output;   ///< for standard output
  std::string errors;   ///< for standard error, a line for each error
};

/// `arguments` without the program's name; "serve" is among them.
CommandLine parse_command_line(std::span<const std::string> arguments);

/// The names of its options.
std::vector<std::string> serve_options();

/// The configuration with the command line's portals, advertised addresses, control address and
/// seed, complete and validated.  When portals are given they are all in group 1, and every target
/// is reachable through it.
std::vector<config::Problem> apply(const Options& options, config::Config& config);

}  // namespace faultlun::daemon
