// Logging: one logger per area, key=value text on standard error, never payload bytes.
#pragma once

#include <spdlog/logger.h>

#include <string_view>

namespace faultlun::daemon::log {

spdlog::logger& iscsi();    ///< connections, logins, sessions
spdlog::logger& scsi();     ///< commands, task management
spdlog::logger& faults();   ///< rules
spdlog::logger& lun();      ///< backends
spdlog::logger& control();  ///< HTTP
spdlog::logger& core();     ///< start, stop, configuration

/// "trace", "debug", "info", "warn", "error", "off"; false when the name is none of them.
bool set_level(std::string_view name);

}  // namespace faultlun::daemon::log
