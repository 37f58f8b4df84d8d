// argv in, exit status out; nothing else.
#include "config/secrets.hpp"
#include "daemon/client.hpp"
#include "daemon/options.hpp"
#include "daemon/serve.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using faultlun::daemon::Options;

constexpr std::chrono::milliseconds kClientPatience{5000};

std::string control_of(const Options& options) {
  const auto& control = options.control_of;
  return control.unix_path.empty() ? faultlun::config::to_text(control.listen)
                                   : "unix:" + control.unix_path;
}

/// GET, printed as it comes; 0 when the daemon answered 200.
int ask(const Options& options, const char* path) {
  const auto& token_file = options.control_of.token_file;
  std::string token;
  if (!token_file.empty()) {
    auto read = faultlun::config::read_token(token_file);
    if (!read.value) throw std::runtime_error(token_file + ": " + read.error);
    token = std::move(*read.value);
  }
  const auto answer = faultlun::daemon::http_get(control_of(options), path, kClientPatience, token);
  std::fputs(answer.body.c_str(), stdout);
  return answer.status == 200 ? 0 : 1;
}

int run(const Options& options) {
  switch (options.command) {
    case Options::Command::serve:
      return faultlun::daemon::serve(options);
    case Options::Command::healthcheck:
      return ask(options, "/v1/healthz");
    case Options::Command::status:
      return ask(options, "/v1/sessions");
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const char* control = std::getenv("FAULTLUN_CONTROL");
  const char* token_file = std::getenv("FAULTLUN_TOKEN_FILE");
  const auto line = faultlun::daemon::parse_command_line(arguments, control ? control : "",
                                                         token_file ? token_file : "");
  std::fputs(line.output.c_str(), stdout);
  std::fputs(line.errors.c_str(), stderr);
  if (!line.options) return line.exit_status;
  try {
    return run(*line.options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
