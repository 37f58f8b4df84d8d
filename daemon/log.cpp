#include "daemon/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <vector>

namespace faultlun::daemon::log {
namespace {

struct Loggers {
  std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> sink =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  spdlog::logger iscsi{"iscsi", sink}, scsi{"scsi", sink}, faults{"faults", sink}, lun{"lun", sink},
      control{"control", sink}, core{"core", sink};
  std::vector<spdlog::logger*> all{&iscsi, &scsi, &faults, &lun, &control, &core};

  Loggers() {
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%f %l %n: %v");
    for (auto* logger : all)
      logger->flush_on(spdlog::level::warn);
  }
};

Loggers& loggers() {
  static Loggers instance;
  return instance;
}

}  // namespace

spdlog::logger& iscsi() {
  return loggers().iscsi;
}
spdlog::logger& scsi() {
  return loggers().scsi;
}
spdlog::logger& faults() {
  return loggers().faults;
}
spdlog::logger& lun() {
  return loggers().lun;
}
spdlog::logger& control() {
  return loggers().control;
}
spdlog::logger& core() {
  return loggers().core;
}

bool set_level(std::string_view name) {
  const auto level = spdlog::level::from_str(std::string(name));
  if (level == spdlog::level::off && name != "off") return false;
  for (auto* logger : loggers().all)
    logger->set_level(level);
  return true;
}

}  // namespace faultlun::daemon::log
