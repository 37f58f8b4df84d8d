// GET /v1/journal and GET /v1/journal/hash.
#pragma once

#include "daemon/control/routes.hpp"
#include "daemon/journal_export.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace faultlun::daemon::control {

/// What the rows need of the daemon; all of it outlives them.
struct JournalContext {
  JournalSources sources;
  std::uint64_t seed = 0;
  /// Asks every session that lives, on its own thread, and hands all of it to `done`, once, on any
  /// thread.
  using Records = std::vector<AliasTable::Record>;
  std::function<void(std::function<void(Records)> done)> ask_sessions;
  JournalExport::RuleToJson rule_to_json;
};

inline constexpr std::uint64_t kMaxJournalLimit = 1'000'000'000;

std::vector<Route> journal_routes(JournalContext context);

/// Sessions that have gone and those that live, each once, by target and alias.
JournalContext::Records joined(JournalContext::Records gone, JournalContext::Records alive);
/// The body of GET /v1/journal/hash.
config::Json hash_report(std::uint64_t seed, const JournalContext::Records& records);

}  // namespace faultlun::daemon::control
