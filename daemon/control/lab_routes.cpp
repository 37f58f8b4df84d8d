#include "daemon/control/lab_routes.hpp"

#include "config/arguments.hpp"
#include "config/json.hpp"
#include "daemon/control/api.hpp"
#include "daemon/session_views.hpp"
#include "daemon/unit_changes.hpp"
#include "faults/fault_table.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using faults::Attention;
using faults::UnitChange;
using In = Parameter::In;
using Type = Parameter::Type;

constexpr std::string_view kDo = "do";

/// What the API can do to a unit without a command that brings it about.
bool is_about_units(const faults::Action& action) {
  return std::holds_alternative<UnitChange>(action) || std::holds_alternative<Attention>(action);
}

/// IDs of the families lu and ua, for suggestions.
std::vector<std::string_view> unit_faults() {
  std::vector<std::string_view> ids;
  for (const auto& row : faults::unit_faults())
    ids.push_back(row.id);
  return ids;
}

/// The fault that "do" names.
const faults::FaultRow* fault_of(const Json& tree, config::Problems& problems) {
  const auto given = tree.find(kDo);
  const auto write = R"(; write one of the families lu and ua, like "lu.offline")";
  if (given == tree.end() || !given->is_string()) {
    problems.add(std::string(kDo),
                 std::string(given == tree.end() ? "missing: it names the fault"
                                                 : "is no string: it names the fault") +
                     write);
    return nullptr;
  }
  const auto& id = given->get_ref<const std::string&>();
  const auto ids = unit_faults();
  for (const auto& row : faults::unit_faults())
    if (row.id == id) return &row;
  const bool elsewhere = faults::find_fault(id) != nullptr;
  problems.add(std::string(kDo), elsewhere
                                     ? config::in_quotes(id) + " strikes commands, not units" +
                                           write + ", or put a rule with this effect"
                                     : "there is no fault " + config::in_quotes(id) +
                                           config::did_you_mean(id, ids) + write);
  return nullptr;
}

/// What cannot be done because there is no command whose nexus it would be.
void check_nexus(const faults::FaultRow& row, const faults::Action& action,
                 config::Problems& problems) {
  const std::string put_rule = "put a rule with this effect, which a command of that nexus matches";
  if (!is_about_units(action)) {
    problems.add(std::string(kDo),
                 config::in_quotes(row.id) + " strikes commands, not units; " + put_rule);
    return;
  }
  const auto* attention = std::get_if<Attention>(&action);
  if (attention == nullptr) return;
  if (attention->wrong_nexus)
    problems.add(std::string(kDo), config::in_quotes(row.id) +
                                       " needs the nexus of a command, and there is none; " +
                                       put_rule);
  else if (attention->nexus == Attention::Nexus::own)
    problems.add("nexus",
                 "own is the nexus of a command, and there is none; write all, others (the "
                 "same here) or next_login, or " +
                     put_rule);
}

/// Nothing when there are problems.
std::optional<faults::Action> read_change(const Request& request, config::Problems& problems) {
  Json tree;
  if (!config::parse_json(request.body, tree, problems)) return std::nullopt;
  if (!tree.is_object()) {
    problems.add("", R"(is no object; write one, like {"do": "lu.offline"})");
    return std::nullopt;
  }
  const auto* row = fault_of(tree, problems);
  if (row == nullptr) return std::nullopt;
  constexpr std::string_view kBesides[] = {kDo};
  const auto arguments =
      config::read_arguments(config::Value(&tree, "", problems), row->parameters, kBesides);
  if (!problems.empty()) return std::nullopt;
  auto built = row->build(arguments);
  if (const auto* complaint = std::get_if<faults::Complaint>(&built)) {
    problems.add(complaint->field, complaint->message);
    return std::nullopt;
  }
  auto& action = std::get<faults::Action>(built);
  check_nexus(*row, action, problems);
  return problems.empty() ? std::optional(std::move(action)) : std::nullopt;
}

class Lab {
 public:
  explicit Lab(LabContext context) : context_(std::move(context)) {}

  Answer units(const Request&) const {
    auto deferred = std::make_shared<Deferred>();
    list_units(*context_.workers, *context_.world, context_.now(), [deferred](Json units) {
      deferred->complete(json_response({{"units", std::move(units)}}));
    });
    return deferred;
  }

  Answer connections(const Request&) const {
    auto deferred = std::make_shared<Deferred>();
    list_connections(*context_.workers, [deferred](Json connections) {
      deferred->complete(json_response({{"connections", std::move(connections)}}));
    });
    return deferred;
  }

  Answer change(const Request& request) const {
    const auto target = target_of(request);
    if (!target)
      return problem(404, "there is no target \"" + text(request, "target") +
                              "\"; GET /v1/targets lists those there are");
    const auto lun = number(request, "lun");
    const auto unit = lun && *lun <= UINT16_MAX
                          ? target->configured_luns()->find(static_cast<std::uint16_t>(*lun))
                          : nullptr;
    if (!unit)
      return problem(404, "target " + target->name() + " has no LUN " +
                              request.parameters.at("lun") +
                              "; GET /v1/units lists those there are");
    config::Problems problems;
    const auto action = read_change(request, problems);
    if (!action) {
      config::locate(request.body, problems);
      return problems_response(problems);
    }
    if (const auto* change = std::get_if<UnitChange>(&*action))
      return carry_out(*target, *unit, *change);
    raise(*unit, std::get<Attention>(*action), scsi::NexusId{});
    return json_response(row_of(*target, *unit));
  }

 private:
  std::shared_ptr<TargetHost> target_of(const Request& request) const {
    const auto name = text(request, "target");
    if (!name.empty()) return context_.world->find_target(name);
    const auto targets = context_.world->targets();
    return targets.empty() ? nullptr : targets.front();
  }

  Answer carry_out(TargetHost& target, LunHost& unit, const UnitChange& change) const {
    const auto lun = change.lun.value_or(unit.number());
    const auto changed = target.configured_luns()->find(lun);
    if (!changed)
      return problem(400, "lun: target " + target.name() + " has no LUN " + std::to_string(lun) +
                              "; GET /v1/units lists those there are");
    const auto now = context_.now();
    change_unit(*context_.world, target, lun, change, now, {kChangedByApi});
    return json_response(row_of(target, *changed));
  }

  /// The unit as GET /v1/units has it, without what its sessions know.
  Json row_of(const TargetHost& target, LunHost& unit) const {
    return report_unit(target, unit, context_.now());
  }

  LabContext context_;
};

}  // namespace

std::vector<Route> lab_routes(LabContext context) {
  const auto lab = std::make_shared<const Lab>(std::move(context));
  const auto call = [lab](Answer (Lab::*handler)(const Request&) const) {
    return [lab, handler](const Request& request) { return (*lab.*handler)(request); };
  };
  const Parameter lun{"lun", "number of the unit", In::path, Type::integer};
  const Parameter target{"target", "iSCSI name of the target; the first one when left out"};
  std::vector<Route> routes;
  // clang-format off
  routes.push_back({.method = "GET", .pattern = "/v1/units", .summary = "The state of every unit: its condition, since when and whose doing, overlays, commands held.",
    .handler = call(&Lab::units), .replies = {{200, "units", "UnitList"}}});
  routes.push_back({.method = "POST", .pattern = "/v1/luns/{lun}/change", .summary = "Changes a unit now, as a rule with this effect would.",
    .handler = call(&Lab::change), .parameters = {lun, target}, .request_schema = "UnitChange", .replies = {{200, "the unit as it is now", "Unit"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/connections", .summary = "Every connection: peer, portal, session, command window, counters.",
    .handler = call(&Lab::connections), .replies = {{200, "connections", "ConnectionList"}}});
  // clang-format on
  return routes;
}

Answer sessions_answer(WorkerPublisher& workers) {
  auto deferred = std::make_shared<Deferred>();
  list_sessions(workers,
                [deferred](Json sessions) { deferred->complete(json_response(sessions)); });
  return deferred;
}

}  // namespace faultlun::daemon::control
