// What happened, in order: every command, every decision of a rule that matched, task management,
// logins, changes of state.  One ring for each loop, written by its thread alone without a lock,
// read by any; the oldest entries are overwritten.  An entry is 64 octets of plain numbers: names
// (aliases, rules, faults) are looked up when somebody reads.
#pragma once

#include "faults/decide.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace faultlun::daemon {

struct JournalEntry {
  enum class Kind : std::uint8_t {
    command,     ///< begun; with Flag::completed it ended in the same moment
    completion,  ///< of a command that took time
    decision,    ///< one rule that matched the command before it
    strike,      ///< an effect of the decision before it
    function,    ///< task management
    session_up,
    session_down,
    rules,  ///< a session adopted an epoch: `a` is its number
    unit,   ///< state of a unit: `code` is the faults::UnitChange::Kind
    mark,
  };
  enum Flag : std::uint8_t {
    completed = 1,
    immediate = 2,
    drawn = 4,  ///< `c` is a draw
    timed = 8,
    order_dependent = 16,
    aborted = 32,
    silent = 64,
    unmet = 128,  ///< strike: told of once more, because it could not be carried out
  };
  Kind kind = Kind::command;
  std::uint8_t flags = 0;
  std::uint8_t code = 0;    ///< opcode; function; Outcome; UnitChange::Kind
  std::uint8_t status = 0;  ///< SCSI status, or response of a function; Key of a decision
  std::uint16_t lun = 0xffff;
  std::uint16_t fault = 0xffff;  ///< strike: index into faults::fault_table()
  std::uint32_t session = 0;     ///< number in the AliasTable
  std::uint32_t cmd_sn = 0;
  std::uint64_t at_ns = 0;  ///< since the start of the daemon
  std::uint64_t a =
      0;  ///< command: LBA; completion: ns taken; decision: index; strike: resolved[0]
  std::uint64_t b = 0;  ///< command: blocks << 32 | EDTL; decision: key number; strike: resolved[1]
  std::uint64_t c = 0;  ///< command: task tag << 32 | service action; decision: draw
  std::uint64_t d = 0;  ///< decision, strike: serial of the rule; command: sense key, ASC, ASCQ
};
static_assert(sizeof(JournalEntry) == 56);

class Journal {
 public:
  static constexpr std::size_t kEntries = 65536;

  Journal();

  /// On the loop's thread.
  void add(const JournalEntry& entry);

  /// From any thread: entries from number `from` on that are still there, at most `most`; `next` is
  /// where to go on.  Returns how many between `from` and the first were overwritten.
  std::uint64_t read(std::uint64_t from, std::size_t most, std::vector<JournalEntry>& out,
                     std::uint64_t& next) const;
  /// Number of the next entry.
  std::uint64_t head() const { return head_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kWords = sizeof(JournalEntry) / sizeof(std::uint64_t);
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Words = std::array<std::uint64_t, kWords>;
  std::unique_ptr<Words[], Free> slots_;  ///< pages that nobody has written to take no memory
  std::atomic<std::uint64_t> head_{0};
};

/// One entry a verdict and one a strike.
void add_decision(Journal& journal, const faults::Decision& decision, const JournalEntry& about);

}  // namespace faultlun::daemon
