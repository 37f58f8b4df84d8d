// What happened, in order: every command, every decision of a rule that matched, task management,
// logins, changes of state.  One ring for each loop, written by its thread alone without a lock,
// read by any; the oldest entries are overwritten.  An entry is 56 octets of plain numbers: names
// (aliases, rules, faults) are looked up when somebody reads (journal_view.hpp).
#pragma once

#include "faults/decide.hpp"
#include "protocol/scsi/sense.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace faultlun::daemon {

/// Made by the functions below, one for each kind: they know which number goes where.
struct JournalEntry {
  enum class Kind : std::uint8_t {
    command,     ///< begun; with Flag::completed it ended in the same moment
    completion,  ///< of a command that took time
    decision,    ///< one rule that matched the command or function before it
    strike,      ///< an effect of the decision before it
    function,    ///< task management, begun
    response,    ///< of a function
    session_up,
    session_down,
    login_refused,
    rules,      ///< a set is in force; of a session: from `cmd_sn` on
    unit,       ///< a unit changed its state
    mark,       ///< somebody set a mark
    replay_on,  ///< a recording is in force instead of the rules
    replay_off,
    event,  ///< somebody raised an event
    state,  ///< a scenario entered a state
  };
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::state) + 1;
  enum Flag : std::uint8_t {
    completed = 1,
    immediate = 2,
    drawn = 4,  ///< `c` is a draw
    timed = 8,
    order_dependent = 16,
    aborted = 32,
    silent = 64,  ///< no answer
    orderly = 1,  ///< session_down: the initiator logged out
    unmet = 128,  ///< strike: told of once more, because it could not be carried out
  };
  static constexpr std::uint16_t kNone = 0xffff;  ///< no LUN, no fault, no target
  static constexpr std::uint8_t kHealed = 0xff;   ///< a code beside those of UnitChange::Kind

  Kind kind = Kind::command;
  std::uint8_t flags = 0;
  std::uint8_t code = 0;    ///< opcode; function; Outcome; place of the effect, or why it is unmet
                            ///< (lun_backends::Refusal); UnitChange::Kind
  std::uint8_t status = 0;  ///< SCSI status; response of a function; Key of a decision
  std::uint16_t lun = kNone;
  std::uint16_t fault = kNone;  ///< strike: index into faults::fault_table(); unit: of the target
  std::uint32_t session = 0;    ///< number in the AliasTable; 0: of none
  std::uint32_t cmd_sn = 0;
  std::uint64_t at_ns = 0;  ///< since the start of the daemon
  /// command: CDB octets 2 to 9; completion, response: ns taken; decision: index; strike:
  /// resolved[0]; function: referenced task tag; rules: epoch; mark, login_refused, event: name;
  /// state: name of the scenario
  std::uint64_t a = 0;
  /// command, completion: CDB octets 10 to 13, EDTL; decision: key number; strike: resolved[1];
  /// login_refused: class and detail; state: its name
  std::uint64_t b = 0;
  /// command, completion: task tag, CDB octets 1, 14 and 15; decision: draw; function: task tag
  std::uint64_t c = 0;
  /// decision, strike, unit, login_refused: serial of the rule, 0: none; end of a command: sense
  /// key, ASC, ASCQ
  std::uint64_t d = 0;

  struct Command {
    std::uint32_t session = 0;
    std::optional<std::uint16_t> lun;
    std::uint32_t cmd_sn = 0;
    bool immediate = false;
    std::uint32_t task_tag = 0;
    std::uint32_t expected_data_transfer_length = 0;
  };
  static JournalEntry command(const Command& about, const scsi::Cdb& cdb, faults::Time at);
  /// The same command that ended in the moment in which it began.
  JournalEntry ended_at_once(std::uint8_t status, scsi::SenseCode sense) const;
  /// The end of this command.  `flag`: aborted, silent or 0.
  JournalEntry completion(std::uint8_t status, scsi::SenseCode sense, faults::Time now,
                          std::uint8_t flag = 0) const;
  /// `about.expected_data_transfer_length` does not count.
  static JournalEntry function(const Command& about, std::uint8_t function,
                               std::uint32_t referenced_task_tag, faults::Time at);
  /// The answer to this function; `flag`: silent when there was none.
  JournalEntry response(std::uint8_t response, faults::Time now, std::uint8_t flag = 0) const;
  static JournalEntry session_up(std::uint32_t session, faults::Time at);
  static JournalEntry session_down(std::uint32_t session, faults::Time at, bool orderly = false);
  /// `name`: number in the table of names of login_refused; `rule`: serial, 0 when no rule did it.
  /// `flag`: silent when the login is left without an answer, or 0.
  static JournalEntry login_refused(std::uint64_t name, std::uint16_t class_and_detail,
                                    std::uint64_t rule, faults::Time at, std::uint8_t flag = 0);
  /// A set was published.
  static JournalEntry rules_published(std::uint64_t epoch, faults::Time at);
  /// A session has it from `cmd_sn` on.
  static JournalEntry rules_adopted(std::uint32_t session, std::uint32_t cmd_sn,
                                    std::uint64_t epoch, faults::Time at);
  static JournalEntry unit_change(std::uint16_t target, std::uint16_t lun,
                                  faults::UnitChange::Kind change, std::uint64_t rule,
                                  faults::Time at);
  /// The unit is as configured again.
  static JournalEntry unit_healed(std::uint16_t target, std::uint16_t lun, faults::Time at);
  /// `name`: number in the table of marks.
  static JournalEntry mark(std::uint64_t name, faults::Time at);
  /// `name`, `scenario`, `state`: numbers in the table of names of the lab.
  static JournalEntry event(std::uint64_t name, faults::Time at);
  static JournalEntry scenario_state(std::uint64_t scenario, std::uint64_t state, faults::Time at);
  static JournalEntry replay(bool on, faults::Time at);
  /// A session goes by the recording, or no longer, from `cmd_sn` on.
  static JournalEntry replay_adopted(bool on, std::uint32_t session, std::uint32_t cmd_sn,
                                     faults::Time at);

  // What an entry says, for readers; each only of the kinds that have it.
  scsi::Cdb cdb() const;  ///< the first 16 octets
  std::uint32_t task_tag() const { return static_cast<std::uint32_t>(c >> 32); }
  std::uint32_t expected_data_transfer_length() const { return static_cast<std::uint32_t>(b); }
  scsi::SenseCode sense() const;

  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;

 private:
  static JournalEntry plain(Kind kind, faults::Time at);
  static JournalEntry of_task(Kind kind, const Command& about, faults::Time at);
  static std::uint64_t number_of(scsi::SenseCode code);
};
static_assert(sizeof(JournalEntry) == 56);

inline JournalEntry JournalEntry::plain(Kind kind, faults::Time at) {
  JournalEntry entry;
  entry.kind = kind;
  entry.at_ns = static_cast<std::uint64_t>(at.count());
  return entry;
}

inline JournalEntry JournalEntry::of_task(Kind kind, const Command& about, faults::Time at) {
  JournalEntry entry = plain(kind, at);
  entry.flags = about.immediate ? immediate : 0;
  entry.lun = about.lun.value_or(kNone);
  entry.session = about.session;
  entry.cmd_sn = about.cmd_sn;
  entry.c = std::uint64_t{about.task_tag} << 32;
  return entry;
}

inline JournalEntry JournalEntry::command(const Command& about, const scsi::Cdb& cdb,
                                          faults::Time at) {
  JournalEntry entry = of_task(Kind::command, about, at);
  entry.code = cdb.opcode();
  entry.a = cdb.be64(2);
  entry.b = std::uint64_t{cdb.be32(10)} << 32 | about.expected_data_transfer_length;
  entry.c |= std::uint64_t{cdb[1]} << 16 | cdb.be16(14);
  return entry;
}

inline std::uint64_t JournalEntry::number_of(scsi::SenseCode code) {
  return std::uint64_t{code.key} << 16 | std::uint64_t{code.asc} << 8 | code.ascq;
}

inline JournalEntry JournalEntry::ended_at_once(std::uint8_t with,
                                                scsi::SenseCode code_of_sense) const {
  JournalEntry entry = *this;
  entry.flags |= completed;
  entry.status = with;
  entry.d = number_of(code_of_sense);
  return entry;
}

class Journal {
 public:
  static constexpr std::size_t kEntries = 65536;

  /// `entries`: a power of two.  One of them is always in the making: so many less one can be read.
  explicit Journal(std::size_t entries = kEntries);

  /// On the loop's thread.  Inline, like the makers that every command needs: an entry that is made
  /// where it is added goes from registers to the ring and nowhere else.
  void add(const JournalEntry& entry) {
    const auto number = head_.load(std::memory_order_relaxed);
    Words& slot = slots_[number & mask_];
    const auto put = [&slot](std::size_t at, std::uint64_t word) {
      std::atomic_ref(slot[at]).store(word, std::memory_order_relaxed);
    };
    // A reader that sees any of these words must see the head as it is now, or later.
    std::atomic_thread_fence(std::memory_order_release);
    put(0, std::uint64_t{entry.fault} << 48 | std::uint64_t{entry.lun} << 32 |
               std::uint64_t{entry.status} << 24 | std::uint64_t{entry.code} << 16 |
               std::uint64_t{entry.flags} << 8 | static_cast<std::uint64_t>(entry.kind));
    put(1, std::uint64_t{entry.cmd_sn} << 32 | entry.session);
    put(2, entry.at_ns);
    put(3, entry.a);
    put(4, entry.b);
    put(5, entry.c);
    put(6, entry.d);
    head_.store(number + 1, std::memory_order_release);
  }

  struct Reading {
    std::uint64_t lost = 0;  ///< overwritten between `from` and the first that was read
    std::uint64_t next = 0;  ///< where to go on
  };
  /// From any thread: appends the entries from number `from` on that are still there, at most
  /// `most`.
  Reading read(std::uint64_t from, std::size_t most, std::vector<JournalEntry>& out) const;
  /// Number of the next entry.
  std::uint64_t head() const { return head_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kWords = 7;
  static_assert(sizeof(JournalEntry) == kWords * sizeof(std::uint64_t));
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Words = std::array<std::uint64_t, kWords>;
  static JournalEntry entry_of(const Words& words);
  std::uint64_t mask_;
  std::unique_ptr<Words[], Free> slots_;  ///< pages that nobody has written to take no memory
  std::atomic<std::uint64_t> head_{0};
};

/// A ring for what belongs to no loop: sets of rules, marks.  Any thread may add.
class SharedJournal {
 public:
  explicit SharedJournal(std::size_t entries = kEntries) : ring_(entries) {}
  void add(const JournalEntry& entry) {
    const std::lock_guard lock(mutex_);
    ring_.add(entry);
  }
  const Journal& ring() const { return ring_; }

 private:
  static constexpr std::size_t kEntries = 4096;
  std::mutex mutex_;
  Journal ring_;
};

/// One entry a verdict and one a strike.
void add_decision(Journal& journal, const faults::Decision& decision, const JournalEntry& about);

}  // namespace faultlun::daemon
