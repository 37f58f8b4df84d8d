// What a fault does, as plain data: the small set of primitives that the faults of the table
// (fault_table.hpp) are made of.  `daemon/` carries them out; nothing here acts by itself.
//
// Of one decision: delays add, changes of the medium and of replies apply in order, and the first
// terminal primitive (Answer, MediumError, Silence, Drop) stops the list.
#pragma once

#include "faults/distribution.hpp"
#include "faults/service_time.hpp"
#include "faults/time.hpp"
#include "protocol/scsi/command.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace faultlun::faults {

/// Whether a primitive strikes before the logical unit hears of the command, or instead of the
/// answer that the unit gave.
enum class When : std::uint8_t { before, after };

// ---- answers -----------------------------------------------------------------------------------

/// Sense data as a rule describes it.  SPC-4 §4.5.
struct SenseSpec {
  enum class Format : std::uint8_t { automatic, fixed, descriptor };  ///< automatic: D_SENSE
  enum class Information : std::uint8_t { none, lba, number };  ///< lba: the command's first block
  scsi::SenseCode code;
  Format format = Format::automatic;
  bool deferred = false;
  Information information = Information::none;
  std::uint64_t information_number = 0;
  std::optional<std::uint64_t> command_specific;
  std::optional<scsi::FieldPointer> field;  ///< SENSE KEY SPECIFIC, one of three
  std::optional<std::uint16_t> progress;
  std::optional<std::uint16_t> retry_count;
  bool filemark = false, end_of_medium = false, incorrect_length = false;
  std::optional<std::uint8_t> response_code;  ///< another than 70h to 73h
  std::optional<std::uint16_t> length;        ///< cut, or padded with zeros, to this
  bool missing = false;                       ///< CHECK CONDITION without any sense data
  std::optional<bytes::Buffer> raw;           ///< these octets and nothing else
  friend bool operator==(const SenseSpec&, const SenseSpec&) = default;
};

/// Terminal.  The command is answered with this status.
struct Answer {
  scsi::Status status = scsi::Status::check_condition;  ///< any octet
  std::optional<SenseSpec> sense;
  std::uint16_t status_qualifier = 0;  ///< RFC 7144 §6; SAM-5 §5.3.2
  When when = When::before;
  /// Reads: this many blocks are delivered first; writes: stored first.  Nothing: none before, all
  /// after.
  std::optional<std::uint64_t> blocks;
  friend bool operator==(const Answer&, const Answer&) = default;
};

/// Terminal where the command touches a bad block.  Blocks are bad within the LBA match of the
/// rule, or everywhere without one.
struct MediumError {
  enum class Heal : std::uint8_t { never, on_write, after };
  scsi::SenseCode code;
  Heal heal = Heal::never;
  std::uint32_t heal_after = 0;  ///< Heal::after: errors until a block heals by itself
  bool information = true;       ///< INFORMATION: the first bad LBA
  bool partial = false;          ///< blocks before the first bad one are transferred
  bool data_good = false;        ///< recovered error: all data is right
  bool of_writes = false;        ///< strikes writes, when the rule does not say which commands
  friend bool operator==(const MediumError&, const MediumError&) = default;
};

/// Terminal.  The command is never answered.  SCST's grades: odd ones answer task management.
struct Silence {
  bool data_only = false;        ///< only commands that transfer data (grades 3 and 4)
  bool task_management = false;  ///< functions are swallowed, too (grades 2 and 4)
  friend bool operator==(const Silence&, const Silence&) = default;
};

/// Terminal.  The connection is closed without a word.
struct Drop {
  bool reset = true;  ///< RST rather than FIN
  /// New logins of the initiator that matched are refused, or not even heard, while the rule lives.
  enum class Then : std::uint8_t { nothing, not_found, silent };
  Then then = Then::nothing;
  friend bool operator==(const Drop&, const Drop&) = default;
};

/// The unit is not there for this nexus: INQUIRY says qualifier 011b, anything else 5/25/00, and
/// REPORT LUNS leaves it out (`listed`: does not).  Terminal.
struct Absent {
  bool listed = false;
  friend bool operator==(const Absent&, const Absent&) = default;
};

// ---- time --------------------------------------------------------------------------------------

/// How long a command takes.
struct Delay {
  ServiceTime time;          ///< timing.hpp: distribution and modifiers
  bool at_least = true;      ///< counts time already spent; false: comes on top of it
  When when = When::before;  ///< before the medium is touched, or before the answer leaves
  friend bool operator==(const Delay&, const Delay&) = default;
};
/// The gap between Data-In PDUs, or before each R2T.
struct Pace {
  Distribution gap;
  friend bool operator==(const Pace&, const Pace&) = default;
};
/// The whole unit pauses now and then.
struct Pause {
  Stall pattern;
  friend bool operator==(const Pause&, const Pause&) = default;
};
/// Token bucket: commands a second, or bytes a second.
struct Throttle {
  TokenBucket bucket;
  bool bytes = false;
  friend bool operator==(const Throttle&, const Throttle&) = default;
};
/// Fast for a budget of bytes, then slow.
struct Slowdown {
  Cliff pattern;
  friend bool operator==(const Slowdown&, const Slowdown&) = default;
};
/// Until it is released (POST /v1/held/release) or aborted.
struct Hold {
  std::string tag;
  friend bool operator==(const Hold&, const Hold&) = default;
};
/// Held until `window` commands are, then released in seeded order; or after `for_at_most`.
struct Shuffle {
  std::uint32_t window = 2;
  Time for_at_most{};
  friend bool operator==(const Shuffle&, const Shuffle&) = default;
};

// ---- replies -----------------------------------------------------------------------------------

/// Changes parameter data on its way out.
struct Patch {
  enum class Page : std::uint8_t { inquiry, vpd, mode, capacity, luns };
  struct Edit {
    enum class How : std::uint8_t { set, exclusive_or, set_bits, clear_bits };
    std::uint32_t offset = 0;  ///< octets from the start of the data (mode: of the page)
    bytes::Buffer octets;
    How how = How::set;
    friend bool operator==(const Edit&, const Edit&) = default;
  };
  /// Another name: standard INQUIRY data, VPD 80h (serial), VPD 83h (all but the revision).
  struct Identity {
    std::optional<std::string> vendor, product, revision, serial;
    bytes::Buffer naa;  ///< 8 or 16 octets; empty: as it is
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  Page page = Page::inquiry;
  std::optional<std::uint8_t> code;     ///< VPD or mode page; nothing: any
  Identity identity;                    ///< Page::inquiry, Page::vpd
  std::optional<bool> write_protected;  ///< Page::mode: WP of the header
  std::vector<Edit> edits;
  std::optional<std::uint32_t> truncate;           ///< octets that are left
  std::vector<std::uint16_t> add_luns, hide_luns;  ///< Page::luns
  std::optional<std::uint64_t> last_lba;           ///< Page::capacity
  std::optional<std::uint32_t> block_size;
  bool only_10 = false, only_16 = false;  ///< Page::capacity: one of the two commands
  friend bool operator==(const Patch&, const Patch&) = default;
};

// ---- unit attentions and state of units ---------------------------------------------------------

/// Establishes unit attention conditions.
struct Attention {
  enum class Nexus : std::uint8_t { own, others, all, next_login };
  std::vector<scsi::SenseCode> codes;  ///< several: one after the other (`storm`)
  Nexus nexus = Nexus::all;
  std::uint32_t count = 1;  ///< times that each is reported, to each nexus
  /// Reported by a nexus that it does not concern: what pends for the one whose command matched, or
  /// `codes`, goes to its neighbour.
  bool wrong_nexus = false;
  friend bool operator==(const Attention&, const Attention&) = default;
};
/// Unit attentions of this kind that pend for the nexus are forgotten before the command that
/// matched would report them; no codes: all of them.
struct NoAttention {
  std::vector<scsi::SenseCode> codes;
  friend bool operator==(const NoAttention&, const NoAttention&) = default;
};

/// A change of a unit's state, carried out before the command that triggered it.
struct UnitChange {
  enum class Kind : std::uint8_t {
    offline,  ///< 2/04/12, or `code` when it is given, until online or for `duration`
    online,
    remove,       ///< hot unplug, 6/3F/0E on the other units
    add,          ///< hot plug of a removed unit
    slow_start,   ///< 2/04/01 with progress for `duration`
    power_cycle,  ///< silent for `off`, then 6/29/01, then slow start for `duration`
    microcode,    ///< 6/3F/01, INQUIRY revision becomes `text`
    sanitize,     ///< 2/04/1B with progress for `duration`
    format,       ///< 2/04/04 with progress for `duration`
    eject,        ///< 2/3A/02 until load
    load,         ///< 6/28/00
    predict,      ///< informational exception `code`
  };
  Kind kind = Kind::offline;
  Time duration{}, off{};
  std::string text;
  scsi::SenseCode code;
  bool silent = false;               ///< without the unit attention that goes with it
  std::optional<std::uint16_t> lun;  ///< of another unit than the one that matched
  friend bool operator==(const UnitChange&, const UnitChange&) = default;
};

// ---- lies of the medium
// --------------------------------------------------------------------------

/// Data that is not what it should be.  `data` faults of the table; overlay.hpp has the mechanism.
/// What a fault changes in place (flip, set_bytes, swap, zero, stale, pattern, lost_write,
/// wire_flip) are the blocks that the command shares with the rule's LBA match, all of them without
/// one; under key lba the block drawn.  The others concern the command as a whole.
struct DataFault {
  enum class Kind : std::uint8_t {
    flip,
    set_bytes,
    swap,
    zero,
    stale,
    pattern,
    lost_write,
    misdirect,
    torn,
    dup_write,
    flush_lie,
    fua_lie,
    caw_not_atomic,
    unmap_lie,
    wrap,
    wire_flip,
  };
  enum class Shown : std::uint8_t { old, zero, random };  ///< unmap_lie
  enum class Lasting : std::uint8_t { transient, stuck, until_rewrite };
  Kind kind = Kind::flip;
  Lasting lasting = Lasting::until_rewrite;
  std::uint32_t bits = 1;         ///< flip, wire_flip: how many bits
  std::optional<Ratio> per_bit;   ///< or each bit with this probability
  std::uint64_t offset = 0;       ///< set_bytes: from the first byte of what is changed
  bytes::Buffer octets;           ///< set_bytes, pattern
  bool exclusive_or = false;      ///< set_bytes
  std::int64_t delta_blocks = 0;  ///< misdirect, dup_write: where to
  /// swap, misdirect, dup_write: the other end; neither this nor delta_blocks: drawn.
  std::optional<std::uint64_t> lba;
  std::optional<std::uint16_t> lun;  ///< misdirect: on another unit
  std::uint32_t versions = 1;        ///< stale: how far back
  bool acknowledged = true;          ///< lost_write: false: answered with a write error
  // torn: one of the three; none: the number of blocks is drawn.
  std::vector<std::uint32_t> parts;     ///< these blocks of the write persist, from 0
  std::optional<Ratio> fraction;        ///< this part of it, from its beginning
  std::optional<std::uint64_t> blocks;  ///< this many blocks, from its beginning
  Shown shown = Shown::old;
  std::uint64_t capacity_bytes = 0;  ///< wrap
  Time gap{};                        ///< caw_not_atomic: between comparing and writing
  std::string poison;                ///< the name under which the overlay is listed; empty: made up
  friend bool operator==(const DataFault&, const DataFault&) = default;
};

// ---- task management
// -----------------------------------------------------------------------------

/// What becomes of a task management function.
struct TaskManagementFault {
  enum class Act : std::uint8_t { perform, skip, partial };
  Act act = Act::perform;
  bool answered = true;
  std::optional<std::uint8_t> response = std::nullopt;  ///< RFC 7143 §11.6.1; nothing: the true one
  Distribution delay = {};                              ///< of the answer
  bool delay_first = false;           ///< the function itself waits, not only its answer
  std::uint32_t survivors = 1;        ///< partial: tasks that go on
  bool collateral = false;            ///< tasks of other initiators vanish, too
  bool collateral_status = false;     ///< ... with TASK ABORTED instead of silence
  bool collateral_attention = false;  ///< ... and a unit attention
  Time busy_after{};                  ///< reset: the unit answers BUSY for this long
  bool no_attention = false;          ///< reset: without the unit attention
  friend bool operator==(const TaskManagementFault&, const TaskManagementFault&) = default;
};
/// One step for each function of a kind that comes: the first one that fits and is not used up.
struct TaskManagementLadder {
  static constexpr std::uint8_t kAnyFunction = 0;
  static constexpr std::size_t kMaxSteps = 64;
  static constexpr std::uint32_t kForEver = UINT32_MAX;  ///< `times` of a step that is not used up
  struct Step {
    std::uint8_t function = kAnyFunction;
    std::uint32_t times = 1;
    TaskManagementFault fault;
    bool drop = false;  ///< the connection is closed instead
    bool is_about(std::uint8_t asked) const {
      return function == kAnyFunction || function == asked;
    }
    friend bool operator==(const Step&, const Step&) = default;
  };
  std::vector<Step> steps;
  friend bool operator==(const TaskManagementLadder&, const TaskManagementLadder&) = default;
};

using Action = std::variant<Answer, MediumError, Silence, Drop, Absent, Delay, Pace, Pause,
                            Throttle, Slowdown, Hold, Shuffle, Patch, Attention, NoAttention,
                            UnitChange, DataFault, TaskManagementFault, TaskManagementLadder>;

bool is_terminal(const Action& action);

}  // namespace faultlun::faults
