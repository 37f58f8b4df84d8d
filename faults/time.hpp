// Time as the fault engine counts it: a value that it is given, never one that it asks for.
#pragma once

#include <chrono>

namespace faultlun::faults {

using Time = std::chrono::nanoseconds;  ///< since the start of the daemon; or a stretch of time

}  // namespace faultlun::faults
