#include "daemon/session_views.hpp"

#include "config/units.hpp"
#include "daemon/unit_changes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace faultlun::daemon {
namespace {

using config::Json;

/// Rows that the threads add to, each under the lock.
struct Gathering {
  std::mutex mutex;
  std::vector<Json> rows;

  void add(Json row) {
    const std::lock_guard lock(mutex);
    rows.push_back(std::move(row));
  }
  /// In an order that does not depend on who came first.
  Json sorted(const char* by) {
    std::ranges::stable_sort(rows, [by](const Json& a, const Json& b) { return a[by] < b[by]; });
    return Json(std::move(rows));
  }
};

std::string text_of(Duration duration) {
  return config::duration_text(std::chrono::duration_cast<std::chrono::microseconds>(duration));
}

/// What is told of a session in any list.
void add_session(Json& row, Connection& connection) {
  const auto& summary = connection.summary();
  row["initiator"] = summary.initiator;
  row["target"] = summary.target;
  row["type"] = summary.discovery ? "discovery" : "normal";
  row["tsih"] = summary.tsih;
  row["cid"] = summary.cid;
  if (const auto* runner = connection.runner()) row["alias"] = runner->facts().alias();
  if (const auto* session = connection.session()) {
    row["cmd_sn"] = session->next_cmd_sn();
    row["max_cmd_sn"] = session->max_cmd_sn();
    row["window"] = session->max_cmd_sn() - session->next_cmd_sn() + 1;
    row["stat_sn"] = session->next_stat_sn();
    row["tasks"] = session->open_tasks();
  }
}

Json session_row(Connection& connection) {
  Json row = Json::object();
  add_session(row, connection);
  row["portal_group"] = connection.summary().portal_group_tag;
  row["peer"] = connection.summary().peer;
  if (const auto* runner = connection.runner()) {
    row["rules_epoch"] = runner->rules().epoch();
    row["commands"] = runner->rule_state().commands;
    row["under_rules"] = runner->under_rules();
  }
  return row;
}

Json connection_row(Connection& connection) {
  const auto& arrival = connection.arrival();
  Json row = {{"peer", arrival.peer_address},
              {"local", arrival.local_address},
              {"portal", arrival.portal_index},
              {"portal_group", arrival.portal_group_tag},
              {"phase", connection.phase_name()},
              {"open_for", text_of(connection.loop().now() - connection.opened_at())},
              {"pdus_received", connection.pdus_received()},
              {"octets_received", connection.octets_received()},
              {"octets_unsent", connection.out().size()},
              {"octets_buffered", connection.budget().used()}};
  if (connection.session() != nullptr) add_session(row, connection);
  return row;
}

/// By target and unit.
struct Load {
  std::size_t commands = 0, held = 0;
};
using Loads = std::map<std::pair<std::string, std::uint16_t>, Load>;

void add_load(Loads& loads, const TaskRunner& runner) {
  for (const auto& task : runner.list()) {
    if (!task.lun) continue;
    auto& load = loads[{runner.facts().target, *task.lun}];
    ++load.commands;
    if (task.stage == "held") ++load.held;
  }
}

}  // namespace

void list_sessions(WorkerPublisher& workers, Listed done) {
  auto gathering = std::make_shared<Gathering>();
  workers.for_each(
      [gathering](Connection& connection) {
        if (connection.logged_in()) gathering->add(session_row(connection));
      },
      [gathering, done = std::move(done)] { done(gathering->sorted("tsih")); });
}

void list_connections(WorkerPublisher& workers, Listed done) {
  auto gathering = std::make_shared<Gathering>();
  workers.for_each(
      [gathering](Connection& connection) { gathering->add(connection_row(connection)); },
      [gathering, done = std::move(done)] { done(gathering->sorted("peer")); });
}

void list_units(WorkerPublisher& workers, World& world, faults::Time now, Listed done) {
  struct Counted {
    std::mutex mutex;
    Loads loads;
  };
  auto counted = std::make_shared<Counted>();
  workers.for_each(
      [counted](Connection& connection) {
        if (connection.runner() == nullptr) return;
        const std::lock_guard lock(counted->mutex);
        add_load(counted->loads, *connection.runner());
      },
      [counted, units = report_units(world, now), done = std::move(done)]() mutable {
        for (auto& unit : units) {
          const auto target = unit["target"].get_ref<const std::string&>();
          const auto lun = static_cast<std::uint16_t>(unit["lun"]);
          const auto& load = counted->loads[{target, lun}];
          unit["commands"] = load.commands;
          unit["held"] = load.held;
        }
        done(std::move(units));
      });
}

void look_at_session(WorkerPublisher& workers, const std::string& alias,
                     std::function<void(const faults::RuleState*)> look) {
  struct Asked {
    std::atomic<bool> found{false};
    std::function<void(const faults::RuleState*)> look;
  };
  auto asked = std::make_shared<Asked>();
  asked->look = std::move(look);
  workers.for_each(
      [asked, alias](Connection& connection) {
        const auto* runner = connection.runner();
        if (runner == nullptr || runner->facts().alias() != alias) return;
        if (!asked->found.exchange(true)) asked->look(&runner->rule_state());
      },
      [asked] {
        if (!asked->found.exchange(true)) asked->look(nullptr);
      });
}

}  // namespace faultlun::daemon
