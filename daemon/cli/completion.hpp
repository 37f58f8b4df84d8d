// Completion for bash, made from the table: packaging/completion/faultlun.bash.  Pure.
#pragma once

#include "daemon/cli/command.hpp"

#include <string>

namespace faultlun::daemon::cli {

std::string bash_completion(const Call& call = {});

}  // namespace faultlun::daemon::cli
