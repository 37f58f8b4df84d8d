// argv in, exit status out; nothing else.
#include "daemon/cli/parse.hpp"
#include "daemon/cli/run.hpp"
#include "daemon/options.hpp"
#include "daemon/serve.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Prints what a command line came to, when it came to nothing else.
template <typename Line>
int print(const Line& line) {
  std::fputs(line.output.c_str(), stdout);
  std::fputs(line.errors.c_str(), stderr);
  return line.exit_status;
}

int run(const std::vector<std::string>& arguments) {
  namespace cli = faultlun::daemon::cli;
  const auto parsed =
      cli::parse(arguments, {variable("FAULTLUN_CONTROL"), variable("FAULTLUN_TOKEN_FILE")});
  if (parsed.invocation)
    return cli::run(*parsed.invocation, cli::real_wire(), {std::cin, std::cout, std::cerr});
  if (!parsed.is_for_serve) return print(parsed);
  const auto line = faultlun::daemon::parse_command_line(arguments);
  return line.options ? faultlun::daemon::serve(*line.options) : print(line);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "faultlun: %s\n", failure.what());
    return 1;
  }
}
