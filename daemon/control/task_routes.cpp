#include "daemon/control/task_routes.hpp"

#include "config/json.hpp"
#include "config/keys.hpp"
#include "config/object.hpp"
#include "config/units.hpp"
#include "daemon/control/api.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <mutex>

namespace faultlun::daemon::control {
namespace {

using config::Json;

constexpr std::string_view kOrders[] = {"fifo", "lifo", "seeded"};
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::uint16_t kMaxLun = 16383;

// clang-format off
constexpr config::Key kReleaseKeys[] = {
  {"tag", false, "string", "any", "only commands held under this tag"},
  {"rule", false, "string", "any", "only commands held by this rule"},
  {"lun", false, "number 0 to 16383", "any", "only commands at this unit"},
  {"order", false, "\"fifo\", \"lifo\" or \"seeded\"", "\"fifo\"", "in which order those of a session go"},
  {"seed", false, "number or \"0x…\" string", "0", "of the seeded order"},
};
// clang-format on
constexpr config::Shape kReleaseShape = {"release", "body", kReleaseKeys};

/// What every session adds to, on its own thread.
struct Gathering {
  std::mutex mutex;
  Json tasks = Json::array();
  std::size_t released = 0;
};

std::string text_of(Duration duration) {
  return config::duration_text(
      std::chrono::duration_cast<std::chrono::microseconds>(std::max(duration, Duration{})));
}

Json row_of(const TaskRunner::Listed& task, const std::string& session) {
  Json row = {{"session", session}, {"cmd_sn", task.cmd_sn}, {"tag", task.initiator_task_tag}};
  if (task.lun) row["lun"] = *task.lun;
  row["opcode"] = task.opcode;
  const auto rows = scsi::find_opcode(task.opcode);
  if (rows.size() == 1) row["op"] = rows.front().name;
  row["stage"] = task.stage;
  row["age"] = text_of(task.age);
  if (task.due_in) row["due_in"] = text_of(*task.due_in);
  if (!task.rules.empty()) row["rules"] = task.rules;
  return row;
}

Answer list(WorkerPublisher& publisher) {
  auto deferred = std::make_shared<Deferred>();
  auto gathering = std::make_shared<Gathering>();
  publisher.for_each(
      [gathering](Connection& connection) {
        if (!connection.runner()) return;
        const auto session = connection.runner()->facts().alias();
        for (const auto& task : connection.runner()->list()) {
          const std::lock_guard lock(gathering->mutex);
          gathering->tasks.push_back(row_of(task, session));
        }
      },
      [gathering, deferred] {
        deferred->complete(json_response({{"tasks", std::move(gathering->tasks)}}));
      });
  return deferred;
}

Answer release(WorkerPublisher& publisher, const Request& request) {
  config::Problems problems;
  Json tree = Json::object();
  TaskRunner::Release wanted;
  if (request.body.empty() || config::parse_json(request.body, tree, problems)) {
    config::Object in(config::Value(&tree, "", problems), kReleaseShape);
    wanted.tag = in.optional("tag").text(0, kMaxNameBytes);
    wanted.rule = in.optional("rule").text(1, kMaxNameBytes);
    wanted.lun = in.optional("lun").whole<std::uint16_t>(0, kMaxLun);
    if (const auto order = in.optional("order").one_of(kOrders))
      wanted.order = static_cast<TaskRunner::Release::Order>(*order);
    config::take(in.optional("seed").seed(), wanted.seed);
    in.finish();
  }
  if (!problems.empty()) {
    const auto& first = problems.list().front();
    return problem(400, first.path.empty() ? first.message : first.path + ": " + first.message);
  }
  auto deferred = std::make_shared<Deferred>();
  auto gathering = std::make_shared<Gathering>();
  publisher.for_each(
      [gathering, wanted](Connection& connection) {
        if (!connection.runner()) return;
        const auto count = connection.runner()->release(wanted);
        const std::lock_guard lock(gathering->mutex);
        gathering->released += count;
      },
      [gathering, deferred] {
        deferred->complete(json_response({{"released", gathering->released}}));
      });
  return deferred;
}

}  // namespace

std::vector<Route> task_routes(WorkerPublisher& publisher) {
  std::vector<Route> routes;
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/tasks",
       .summary = "Commands in progress that take time: held, delayed, silent, or at the medium.",
       .handler = [&publisher](const Request&) { return list(publisher); },
       .replies = {{200, "the commands", "TaskList"}}});
  routes.push_back(
      {.method = "POST",
       .pattern = "/v1/held/release",
       .summary = "Lets commands go that time.hold or time.reorder keeps.",
       .handler = [&publisher](const Request& request) { return release(publisher, request); },
       .request_schema = "Release",
       .replies = {{200, "how many went", "Released"}}});
  return routes;
}

}  // namespace faultlun::daemon::control
