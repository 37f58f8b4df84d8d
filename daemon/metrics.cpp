#include "daemon/metrics.hpp"

#include <algorithm>

namespace faultlun::daemon {
namespace {

// clang-format off
constexpr MetricRow kMetrics[] = {
  {Metric::connections_accepted,     "connections_accepted",     "TCP connections accepted on iSCSI portals"},
  {Metric::connections_refused,      "connections_refused",      "TCP connections closed at once because a limit was reached"},
  {Metric::logins_succeeded,         "logins_succeeded",         "logins that reached the full-feature phase"},
  {Metric::logins_failed,            "logins_failed",            "logins that ended with an error status or a closed connection"},
  {Metric::pdus_received,            "pdus_received",            "whole iSCSI PDUs received"},
  {Metric::commands,                 "commands",                 "SCSI commands begun"},
  {Metric::commands_check_condition, "commands_check_condition", "SCSI commands answered CHECK CONDITION"},
  {Metric::commands_task_set_full,   "commands_task_set_full",   "SCSI commands answered TASK SET FULL because a buffer limit was reached"},
  {Metric::read_bytes,               "read_bytes",               "bytes read from media"},
  {Metric::written_bytes,            "written_bytes",            "bytes written to media"},
  {Metric::task_management_requests, "task_management_requests", "task management function requests carried out by logical units"},
  {Metric::tasks_aborted,            "tasks_aborted",            "tasks aborted by task management, reset or loss of the nexus"},
  {Metric::digest_errors,            "digest_errors",            "PDUs received with a wrong header digest"},
  {Metric::protocol_errors,          "protocol_errors",          "connections closed for a protocol or format error of the peer"},
  {Metric::sessions_reinstated,      "sessions_reinstated",      "sessions ended because the same initiator port logged in again"},
  {Metric::connections_timed_out,    "connections_timed_out",    "connections closed because the peer was silent for too long"},
};
// clang-format on

constexpr bool table_is_sound() {
  for (std::size_t i = 0; i < std::size(kMetrics); ++i)
    if (kMetrics[i].metric != static_cast<Metric>(i)) return false;
  return std::size(kMetrics) == static_cast<std::size_t>(Metric::kCount);
}
static_assert(table_is_sound(), "one row for each metric, in order");

}  // namespace

std::span<const MetricRow> metric_table() {
  return kMetrics;
}

std::string exposition(std::span<const Counters* const> sets) {
  std::string out;
  for (const auto& row : kMetrics) {
    std::uint64_t sum = 0;
    for (const auto* set : sets)
      sum += set->read(row.metric);
    const std::string name = "faultlun_" + std::string(row.name) + "_total";
    out += "# HELP " + name + " " + std::string(row.help) + "\n# TYPE " + name + " counter\n";
    out += name + " " + std::to_string(sum) + "\n";
  }
  return out;
}

}  // namespace faultlun::daemon
