#include "daemon/control/lun_routes.hpp"

#include "config/json.hpp"
#include "daemon/control/api.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using lun_backends::Overlay;
using In = Parameter::In;
using Type = Parameter::Type;

std::string text_of(std::uint64_t id) {
  char text[20];
  std::snprintf(text, sizeof text, "%012llx", static_cast<unsigned long long>(id));
  return text;
}

std::optional<std::uint64_t> id_of(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || end != text.data() + text.size() || text.size() != 12)
    return std::nullopt;
  return id;
}

Json to_json(const Overlay& overlay, std::uint32_t block_size) {
  Json out = {{"id", text_of(overlay.id)},
              {"rule", overlay.rule},
              {"fault", overlay.fault},
              {"lba", overlay.offset_bytes / block_size},
              {"offset_bytes", overlay.offset_bytes},
              {"length_bytes", overlay.length_bytes},
              {"sticky", overlay.sticky}};
  if (!overlay.note.empty()) out["poison"] = overlay.note;
  return out;
}

Json to_json(const TargetHost& target, LunHost& unit) {
  const auto& profile = unit.profile();
  return {{"target", target.name()},
          {"lun", unit.number()},
          {"backend", unit.device().description()},
          {"blocks", profile.blocks},
          {"block_size", profile.block_size},
          {"serial", profile.serial},
          {"overlays", unit.device().count()}};
}

class Luns {
 public:
  explicit Luns(LunContext context) : world_(*context.world) {}

  Answer list(const Request&) const {
    auto luns = Json::array();
    for (const auto& target : world_.targets())
      for (const auto& unit : target->luns()->by_number)
        if (unit) luns.push_back(to_json(*target, *unit));
    return json_response({{"luns", std::move(luns)}});
  }

  Answer overlays(const Request& request) const {
    const auto found = find(request);
    if (const auto* refusal = std::get_if<Response>(&found)) return *refusal;
    auto& unit = *std::get<Unit>(found);
    auto overlays = Json::array();
    for (const auto& each : unit.device().list())
      overlays.push_back(to_json(each, unit.profile().block_size));
    return json_response({{"lun", unit.number()}, {"overlays", std::move(overlays)}});
  }

  /// By ID, or all with this poison name.
  Answer remove(const Request& request) const {
    const auto found = find(request);
    if (const auto* refusal = std::get_if<Response>(&found)) return *refusal;
    auto& device = std::get<Unit>(found)->device();
    const auto& name = request.parameters.at("id");
    const auto id = id_of(name);
    std::size_t removed = 0;
    for (const auto& each : device.list())
      if ((id && each.id == *id) || (!each.note.empty() && each.note == name))
        removed += device.remove(each.id) ? 1 : 0;
    if (removed == 0)
      return problem(404, "there is no overlay \"" + name + "\" on this unit; GET /v1/luns/" +
                              request.parameters.at("lun") + "/overlays lists those there are");
    return json_response({{"removed", removed}});
  }

  Answer clear(const Request& request) const {
    const auto found = find(request);
    if (const auto* refusal = std::get_if<Response>(&found)) return *refusal;
    auto& device = std::get<Unit>(found)->device();
    std::size_t removed = 0;
    for (const auto& each : device.list())
      removed += device.remove(each.id) ? 1 : 0;
    return json_response({{"removed", removed}});
  }

 private:
  using Unit = std::shared_ptr<LunHost>;

  /// The unit that the path and ?target name.
  std::variant<Unit, Response> find(const Request& request) const {
    const auto name = text(request, "target");
    const auto targets = world_.targets();
    const auto target =
        name.empty() ? (targets.empty() ? nullptr : targets.front()) : world_.find_target(name);
    if (!target)
      return problem(404,
                     "there is no target \"" + name + "\"; GET /v1/targets lists those there are");
    const auto lun = number(request, "lun");
    auto unit = lun && *lun <= UINT16_MAX ? target->luns()->find(static_cast<std::uint16_t>(*lun))
                                          : nullptr;
    if (unit) return unit;
    return problem(404, "target " + target->name() + " has no LUN " + request.parameters.at("lun") +
                            "; GET /v1/luns lists those there are");
  }

  World& world_;
};

}  // namespace

std::vector<Route> lun_routes(LunContext context) {
  const auto luns = std::make_shared<const Luns>(context);
  const auto call = [luns](Answer (Luns::*handler)(const Request&) const) {
    return [luns, handler](const Request& request) { return (*luns.*handler)(request); };
  };
  const Parameter lun{"lun", "number of the unit", In::path, Type::integer};
  const Parameter target{"target", "iSCSI name of the target; the first one when left out"};
  const Parameter id{"id", "of the overlay, 12 hexadecimal digits, or its poison name", In::path};
  std::vector<Route> routes;
  // clang-format off
  routes.push_back({.method = "GET", .pattern = "/v1/luns", .summary = "The units of all targets.", .handler = call(&Luns::list),
    .replies = {{200, "units", "LunList"}}});
  routes.push_back({.method = "GET", .pattern = "/v1/luns/{lun}/overlays", .summary = "Where the medium of a unit lies: one row for each corruption.",
    .handler = call(&Luns::overlays), .parameters = {lun, target}, .replies = {{200, "overlays, by ID", "OverlayList"}}});
  routes.push_back({.method = "DELETE", .pattern = "/v1/luns/{lun}/overlays", .summary = "Removes all overlays of a unit: it tells the truth again.",
    .handler = call(&Luns::clear), .parameters = {lun, target}, .replies = {{200, "how many there were", "Removed"}}});
  routes.push_back({.method = "DELETE", .pattern = "/v1/luns/{lun}/overlays/{id}", .summary = "Removes one overlay: what was written shows again.",
    .handler = call(&Luns::remove), .parameters = {lun, id, target}, .replies = {{200, "how many there were", "Removed"}}});
  // clang-format on
  return routes;
}

}  // namespace faultlun::daemon::control
