#include "daemon/reports.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <unistd.h>

namespace faultlun::daemon {
namespace {

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void gauge(std::string& out, const std::string& name, const std::string& help,
           std::uint64_t value) {
  out += "# HELP faultlun_" + name + " " + help + "\n# TYPE faultlun_" + name + " gauge\n";
  out += "faultlun_" + name + " " + std::to_string(value) + "\n";
}

}  // namespace

config::Json report_targets(World& world) {
  auto list = config::Json::array();
  for (const auto& target : world.targets()) {
    auto luns = config::Json::array();
    for (const auto& host : target->configured_luns()->by_number) {
      if (!host) continue;
      const auto& profile = host->profile();
      luns.push_back({{"lun", host->number()},
                      {"backend", host->device().description()},
                      {"blocks", profile.blocks},
                      {"block_size", profile.block_size},
                      {"size_bytes", profile.blocks * profile.block_size},
                      {"read_only", profile.read_only},
                      {"serial", profile.serial}});
    }
    list.push_back({{"name", target->name()}, {"luns", std::move(luns)}});
  }
  return list;
}

std::string gauges(World& world) {
  std::size_t units = 0;
  const auto targets = world.targets();
  for (const auto& target : targets)
    units += target->configured_luns()->numbers.size();
  std::string out;
  gauge(out, "sessions", "iSCSI sessions logged in", world.sessions.size());
  gauge(out, "targets", "targets configured", targets.size());
  gauge(out, "logical_units", "logical units configured", units);
  gauge(out, "resident_memory_bytes", "memory of this process that is in RAM", resident_bytes());
  return out;
}

}  // namespace faultlun::daemon
