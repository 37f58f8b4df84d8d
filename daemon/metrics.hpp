// Counters, declared once in a table.  Each loop has its own set that only its thread writes; a
// scrape adds them up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::daemon {

enum class Metric : std::uint8_t {
  connections_accepted,
  connections_refused,
  logins_succeeded,
  logins_failed,
  pdus_received,
  commands,
  commands_check_condition,
  commands_task_set_full,
  read_bytes,
  written_bytes,
  task_management_requests,
  tasks_aborted,
  digest_errors,
  protocol_errors,
  sessions_reinstated,
  connections_timed_out,
  kCount,
};

struct MetricRow {
  Metric metric;
  std::string_view name;  ///< without the prefix "faultlun_" and the suffix "_total"
  std::string_view help;
};
std::span<const MetricRow> metric_table();

/// Written by one thread, read by any.
class Counters {
 public:
  void add(Metric metric, std::uint64_t count = 1) {
    auto& cell = cells_[static_cast<std::size_t>(metric)];
    cell.store(cell.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t read(Metric metric) const {
    return cells_[static_cast<std::size_t>(metric)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Metric::kCount)> cells_{};
};

/// Prometheus text exposition of the sum over `sets`.
std::string exposition(std::span<const Counters* const> sets);

}  // namespace faultlun::daemon
