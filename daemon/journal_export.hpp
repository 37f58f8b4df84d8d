// The journal as input of a replay (config/replay_file.hpp reads it, and has the format): every
// command and function, every rule that fired with its resolved effects, in as few octets as will
// do.
#pragma once

#include "daemon/journal_view.hpp"
#include "faults/rule.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace faultlun::daemon {

class JournalExport {
 public:
  using RuleToJson = std::function<config::Json(const faults::Rule&)>;

  /// `session`: glob of the aliases that are told of, "": all.
  JournalExport(const JournalSources& sources, JournalCursor from, std::uint64_t seed,
                std::string session, RuleToJson rule_to_json);

  /// The next line; "": nothing of this entry is told, ask again; nothing: that was all.
  std::optional<std::string> next();

 private:
  bool wants(std::uint32_t session);
  void tell(const JournalReader::Item& item);
  void tell_loss(const JournalReader::Item& item);
  void tell_session(std::uint32_t session, std::size_t ring, bool whole);
  void tell_rule(std::uint64_t serial);

  JournalNames names_;
  JournalReader reader_;
  std::string session_;
  RuleToJson rule_to_json_;
  std::deque<std::string> lines_;
  std::map<std::uint32_t, std::size_t> ring_of_;  ///< of the sessions that were told of and live
  std::set<std::uint64_t> rules_;                 ///< that were told of
};

}  // namespace faultlun::daemon
