// The command line of every command but serve: words and options against the table.  Pure: the
// environment is an argument, and files are opened by run.cpp.
#pragma once

#include "daemon/cli/command.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::daemon::cli {

inline constexpr std::chrono::milliseconds kPatience{5000};
inline constexpr std::chrono::milliseconds kLongPatience{3'600'000};

/// FAULTLUN_CONTROL and FAULTLUN_TOKEN_FILE; "" when they are not set.
struct Environment {
  std::string control, token_file;
};

struct Invocation {
  Call call;
  bool json = false;
  std::string control;  ///< as http_request() takes it
  std::string token_file;
  std::chrono::milliseconds patience = kPatience;
};

/// Either an invocation, or what to print and with which exit status.
struct Parsed {
  std::optional<Invocation> invocation;
  int exit_status = 0;  ///< 0 after --help and --version, 2 after a bad command line
  std::string output, errors;
  bool is_for_serve = false;  ///< the command is serve: parse_command_line() of options.hpp goes on
};

/// `arguments` without the program's name.
Parsed parse(std::span<const std::string> arguments, const Environment& environment = {});

}  // namespace faultlun::daemon::cli
