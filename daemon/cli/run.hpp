// Carries an invocation out: reads the documents it names, asks the daemon, shows the answer.
#pragma once

#include "daemon/cli/parse.hpp"
#include "daemon/client.hpp"

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string_view>

namespace faultlun::daemon::cli {

/// The way to the daemon, as client.hpp has it.
struct Wire {
  using Patience = std::chrono::milliseconds;
  std::function<HttpAnswer(const HttpRequest&, Patience)> ask;
  std::function<HttpAnswer(const HttpRequest&, Patience,
                           const std::function<bool(std::string_view)>& on_line)>
      lines;
};
Wire real_wire();

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

/// The exit status: 0, 1 when the daemon refused or a verdict is failed, 2 when the command line
/// names something that cannot be read.  Throws std::runtime_error when the daemon is not there.
int run(Invocation invocation, const Wire& wire, const Streams& streams);

}  // namespace faultlun::daemon::cli
