// The journal for readers: the rings of all threads merged into one stream, each entry as a JSON
// object with names instead of numbers.  A cursor ("12.0.7", one number for each ring) says where
// to go on.
//
// Within a ring, and so within a session, entries keep the order in which things happened; rings
// are merged by time.  Times are whole nanoseconds (at_ns, took_ns): exact in every JSON reader for
// the first hundred days.
#pragma once

#include "config/json.hpp"
#include "daemon/aliases.hpp"
#include "daemon/journal.hpp"
#include "daemon/name_table.hpp"
#include "daemon/rule_names.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon {

/// All of it outlives whoever reads.
struct JournalSources {
  std::vector<const Journal*> rings;  ///< the workers' in their order, then the shared one
  const AliasTable* aliases = nullptr;
  const RuleNames* rules = nullptr;
  const NameTable* marks = nullptr;
  const NameTable* logins = nullptr;  ///< of JournalEntry::login_refused
  const NameTable* lab = nullptr;     ///< of events, scenarios and their states
};

/// Numbers of the entries that come next, one for each ring.
using JournalCursor = std::vector<std::uint64_t>;
std::string cursor_text(const JournalCursor& cursor);
/// Nothing unless it has a number for each ring, none beyond what there is.
std::optional<JournalCursor> parse_cursor(std::string_view text, const JournalSources& sources);
JournalCursor oldest_cursor(const JournalSources& sources);
JournalCursor newest_cursor(const JournalSources& sources);

class JournalReader {
 public:
  static constexpr std::size_t kAtATime = 256;  ///< entries that are copied from a ring

  /// Up to what is there now.
  JournalReader(std::vector<const Journal*> rings, JournalCursor from);

  struct Item {
    std::size_t ring = 0;
    std::uint64_t lost = 0;  ///< not 0: so many entries of the ring are gone, and `entry` is none
    JournalEntry entry;
  };
  /// Nothing when all that was there is read.
  std::optional<Item> next();
  /// Goes on up to what is there now.  False: that is no more than before.
  bool look_again();
  /// Behind what next() gave last.
  const JournalCursor& cursor() const { return cursor_; }

 private:
  struct Ring {
    const Journal* journal = nullptr;
    std::uint64_t end = 0, fetched = 0;
    std::vector<JournalEntry> entries;
    std::size_t at = 0;
  };
  std::vector<Ring> rings_;
  JournalCursor cursor_;
};

std::string_view name_of(JournalEntry::Kind kind);
std::optional<JournalEntry::Kind> find_journal_kind(std::string_view name);

/// Names for entries.  Remembers the sessions that it was asked for: the table of aliases has a
/// lock.
class JournalNames {
 public:
  static constexpr std::size_t kMaxRemembered = 1024;

  explicit JournalNames(const JournalSources& sources) : sources_(sources) {}
  /// Name and target of a session; "#12" when it was forgotten.
  const AliasTable::Record& session(std::uint32_t number);
  std::string rule(std::uint64_t serial) const;
  const JournalSources& sources() const { return sources_; }

 private:
  JournalSources sources_;
  std::map<std::uint32_t, AliasTable::Record> sessions_;
};

/// What an entry tells.
config::Json to_json(const JournalEntry& entry, JournalNames& names);

/// Every part that is given must hold.
struct JournalFilter {
  std::string session{};  ///< glob of an alias; "": any, and entries of no session
  std::string rule{};     ///< ID
  std::vector<JournalEntry::Kind> kinds{};
  std::optional<std::uint16_t> lun{};
  std::uint64_t not_before_ns = 0;
  bool holds(const JournalEntry& entry, JournalNames& names) const;
};

/// When the mark of this name was set last; nothing when the journal does not hold it.
std::optional<std::uint64_t> mark_set_at(const JournalSources& sources, std::string_view name);

}  // namespace faultlun::daemon
