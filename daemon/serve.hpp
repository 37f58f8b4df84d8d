// `faultlun serve`: configuration, daemon, signals.  Exit statuses of the contract: 0 stopped as
// asked, 1 failed at run time, 2 bad configuration.
#pragma once

#include "daemon/options.hpp"

namespace faultlun::daemon {

int serve(const Options& options);

}  // namespace faultlun::daemon
