// The journal as scenarios see it: entries become observations (faults/observation.hpp), with names
// for numbers.  Marks, events and states are left out: scenarios hear of these directly.
//
// A fault that struck data is healed when its command has ended and no overlay of its rule is left
// on any unit; so its overlay goes by the ID of the rule.
#pragma once

#include "daemon/journal_view.hpp"
#include "faults/observation.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace faultlun::daemon {

/// Rules whose faults struck data, until the medium tells the truth again.
class DamageWatch {
 public:
  static constexpr std::size_t kMaxUnderWay = 65536;  ///< commands; of more nothing is known
  /// Session, CmdSN, immediate.
  using Command = std::tuple<std::uint32_t, std::uint32_t, bool>;

  /// False: there are too many commands already.
  bool struck(const std::string& rule, const Command& by);
  void ended(const Command& command);
  void session_ended(std::uint32_t session);

  /// Something may have been healed, which a look at the units would show.
  bool has_candidates() const;
  bool waits_for_commands() const { return !under_way_.empty(); }
  /// Rules that have nothing under way and none of `laid`; they are forgotten.
  std::vector<std::string> take_healed(const std::set<std::string>& laid);

 private:
  std::map<std::string, std::size_t> rules_;  ///< and how many of their commands are under way
  std::multimap<Command, std::string> under_way_;
};

class JournalObserver {
 public:
  /// What the observer does not find in the journal: the media.
  struct Media {
    std::function<std::size_t()> count;           ///< of all overlays; cheap
    std::function<std::set<std::string>()> laid;  ///< the rules that they are of
  };
  using Tell = std::function<void(const faults::Observation&, faults::Time)>;

  JournalObserver(const JournalSources& sources, Media media);

  /// What has happened until now is of no interest.
  void skip();
  /// Tells everything that has happened since; of single commands only if `commands`.  `now` is
  /// when healed overlays are found gone.
  void read(bool commands, faults::Time now, const Tell& tell);

 private:
  void read_entry(const JournalReader::Item& item, bool commands, const Tell& tell);
  void read_command(const JournalEntry& entry, const Tell& tell);
  void read_strike(const JournalReader::Item& item, const Tell& tell);
  void look_for_healed(faults::Time now, const Tell& tell);
  std::string initiator_of(std::uint32_t session);

  JournalSources sources_;
  JournalNames names_;
  Media media_;
  JournalReader reader_;
  std::vector<JournalEntry> last_commands_;  ///< by ring
  DamageWatch damage_;
  std::optional<std::size_t> overlays_;  ///< when they were looked at last; nothing: look again
};

}  // namespace faultlun::daemon
