#include "daemon/control/replay_routes.hpp"

#include "config/units.hpp"
#include "daemon/control/api.hpp"
#include "protocol/bytes/hex.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <stdexcept>
#include <utility>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using faults::Recording;
using faults::ReplaySet;

constexpr std::string_view kLaneNames[] = {"command", "immediate", "function"};

Json event_of(const Recording::Event& event) {
  Json out = {{"cmd_sn", event.cmd_sn}};
  if (event.has_lun) out["lun"] = event.lun;
  if (event.lane == Recording::Lane::function) {
    out["tmf"] = event.function;
    return out;
  }
  if (const auto* row = scsi::find_command(event.cdb)) {
    out["op"] = row->name;
    if (row->is(scsi::has_range)) {
      const auto range = scsi::range_of(event.cdb);
      out["lba"] = range.lba;
      out["blocks"] = range.blocks;
    }
  }
  out["cdb"] = bytes::to_hex({event.cdb.raw.data(), std::size_t{16}});
  return out;
}

Json session_of(const ReplaySet::Session& session) {
  const auto& progress = session.progress;
  Json out = {
      {"alias", session.recorded.alias},        {"target", session.recorded.target},
      {"whole", session.recorded.whole},        {"recorded", session.recorded.events.size()},
      {"came", progress.events.load()},         {"by_content", progress.by_content.load()},
      {"by_cmd_sn", progress.by_cmd_sn.load()}, {"unknown", progress.unknown.load()},
      {"with_effects", session.with_effects},   {"struck", progress.struck.load()}};
  if (!progress.diverged.load(std::memory_order_acquire)) return out;
  const auto& expected = session.recorded.events[progress.expected];
  out["divergence"] = Json{{"lane", kLaneNames[static_cast<std::size_t>(expected.lane)]},
                           {"place", progress.place},
                           {"cmd_sn", progress.got.cmd_sn},
                           {"expected", event_of(expected)},
                           {"got", event_of(progress.got)}};
  return out;
}

Json report(const ReplaySet& replay) {
  Json sessions = Json::array();
  std::size_t divergences = 0;
  for (const auto& session : replay.sessions()) {
    sessions.push_back(session_of(session));
    divergences += sessions.back().contains("divergence") ? 1 : 0;
  }
  return Json{{"seed", config::seed_text(replay.seed())},
              {"rules", replay.rules()->rules().size()},
              {"divergences", divergences},
              {"commands_of_other_sessions", replay.strangers().load()},
              {"sessions", std::move(sessions)}};
}

Response unreadable(const config::LoadRecording& loaded) {
  std::string text;
  for (const auto& each : loaded.errors)
    text += (text.empty() ? "" : "\n") + config::to_text(each);
  if (loaded.errors_left_out != 0)
    text += "\nand " + std::to_string(loaded.errors_left_out) + " more";
  return problem(400, text);
}

struct Shared {
  ReplayContext context;
  std::atomic<std::uint32_t> generation{0};
  std::atomic<bool> busy{false};
};

void load(const std::shared_ptr<Shared>& shared, const std::string& body,
          const std::shared_ptr<Deferred>& answer) {
  auto loaded = config::load_recording(body, shared->context.read_rule);
  if (!loaded.recording) {
    shared->busy = false;
    answer->complete(unreadable(loaded));
    return;
  }
  auto replay = std::make_shared<const ReplaySet>(
      std::move(*loaded.recording), shared->generation.fetch_add(1, std::memory_order_relaxed));
  shared->context.install(replay, [shared, replay, answer] {
    shared->busy = false;
    answer->complete(json_response(report(*replay)));
  });
}

Answer post_replay(const Request& request, const std::shared_ptr<Shared>& shared) {
  if (shared->busy.exchange(true))
    return problem(409, "another journal is being read; try again when it is done");
  auto answer = std::make_shared<Deferred>();
  shared->context.run_aside([shared, body = request.body, answer] { load(shared, body, answer); });
  return answer;
}

Answer get_replay(const ReplayContext& context) {
  const auto replay = context.current();
  if (!replay)
    return problem(404,
                   "nothing is replayed: the rules are in force; POST /v1/replay with an "
                   "exported journal starts a replay");
  return json_response(report(*replay));
}

Answer delete_replay(const ReplayContext& context) {
  auto answer = std::make_shared<Deferred>();
  context.install(nullptr, [answer] { answer->complete(no_content()); });
  return answer;
}

}  // namespace

std::vector<Route> replay_routes(ReplayContext context) {
  if (!context.read_rule) throw std::logic_error("replay has no read_rule");
  if (!context.run_aside) throw std::logic_error("replay has no run_aside");
  if (!context.current) throw std::logic_error("replay has no current");
  if (!context.install) throw std::logic_error("replay has no install");
  const auto shared = std::make_shared<Shared>();
  shared->context = std::move(context);
  return {
      {.method = "POST",
       .pattern = "/v1/replay",
       .summary = "Lets what an exported journal recorded strike again, instead of the rules.",
       .handler = [shared](const Request& request) { return post_replay(request, shared); },
       .replies = {{200, "it is in force; what it holds", "Replay"}},
       .max_body_bytes = kMostMaxBodyBytes},
      {.method = "GET",
       .pattern = "/v1/replay",
       .summary = "How far the replay is, and where a session did something else than recorded.",
       .handler = [shared](const Request&) { return get_replay(shared->context); },
       .replies = {{200, "progress and divergences", "Replay"}}},
      {.method = "DELETE",
       .pattern = "/v1/replay",
       .summary = "The rules are in force again.",
       .handler = [shared](const Request&) { return delete_replay(shared->context); },
       .replies = {{204, "the rules are in force"}}},
  };
}

}  // namespace faultlun::daemon::control
