// A direct-access logical unit: its state, and what it makes of a command.  SAM-5, SPC-4, SBC-3.
// A value without clock, thread, lock or log: the host serialises calls (daemon/lun_host).
//
//   plan(command) ─► Reply            answer it
//                 ─► NeedData         collect the parameter list ─► plan_with_data()
//                 ─► ReadMedium, …    do it ─► finish() ─► Reply
#pragma once

#include "protocol/scsi/command.hpp"
#include "protocol/scsi/plan.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace faultlun::scsi {

/// What the unit is, fixed while it lives (a resize makes a new geometry).
struct LogicalUnitProfile {
  std::uint64_t blocks = 0;                  ///< capacity in logical blocks, at least 1
  std::uint32_t block_size = 512;            ///< 512 or 4096 bytes
  std::uint8_t physical_block_exponent = 3;  ///< 2^n logical blocks in a physical block
  bool read_only = false;
  bool removable = false;
  bool thin = true;         ///< LBPME: UNMAP and WRITE SAME with UNMAP work
  bool write_cache = true;  ///< initial WCE
  bool rotational = false;
  bool orders_tasks = false;        ///< the host honours ORDERED and HEAD OF QUEUE; VPD 86h says so
  std::string vendor = "FAULTLUN";  ///< at most 8 ASCII characters
  std::string product = "VIRTUAL DISK";  ///< at most 16
  std::string revision = "0001";         ///< at most 4
  std::string serial;                    ///< VPD 80h, at most 36 ASCII characters
  std::uint64_t naa[2] = {0, 0};         ///< VPD 83h: NAA 6, 16 octets, big-endian
};

/// The ports at the two ends of an I_T nexus, for VPD 83h and reservations.
struct NexusPorts {
  std::string initiator_port;  ///< "iqn…,i,0x…" (RFC 7143 §4.4.2)
  std::string target_name;     ///< "iqn…"
  std::string target_port;     ///< "iqn…,t,0x0001"
  std::uint16_t target_port_group = 1;
  std::uint16_t relative_target_port = 1;
  std::uint8_t iscsi_protocol_level = 1;  ///< version descriptor 0960h + level (RFC 7144 §4.2)
};

/// What lies around the unit when it plans a command.
struct Surroundings {
  const NexusPorts& ports;
  std::span<const std::uint16_t> luns;  ///< the target's LUNs, ascending, for REPORT LUNS
};

/// Why the unit is not ready, as a fault rule has it: this sense, with progress if there is any,
/// for commands that need the medium; `strict`: for all but those that nothing stops (INQUIRY,
/// REPORT LUNS, REQUEST SENSE, which tells it as pollable sense data; SPC-4 §5.12, SBC-3 §4.11.2,
/// §5.3).
struct Unready {
  Sense sense;
  bool strict = false;
  friend bool operator==(const Unready&, const Unready&) = default;
};

enum class ResetKind : std::uint8_t { logical_unit, target_warm, target_cold, power_on };

class LogicalUnit {
 public:
  explicit LogicalUnit(LogicalUnitProfile profile);
  ~LogicalUnit();
  LogicalUnit(LogicalUnit&&) noexcept;
  LogicalUnit& operator=(LogicalUnit&&) noexcept;

  const LogicalUnitProfile& profile() const;

  /// Decides a command whose Data-Out has not been looked at.  A pending unit attention of `nexus`
  /// is reported and cleared here (SAM-5 §5.14).  `nexus` must be attached.
  Plan plan(NexusId nexus, const Command& command, const Surroundings& around);

  /// Continues after NeedData with the parameter list that came (it may be shorter than asked).
  Plan plan_with_data(NexusId nexus, const Command& command, const Surroundings& around,
                      bytes::View parameter_list);

  /// Turns the medium's result into the answer and fills the SPDTL fields.
  Reply finish(NexusId nexus, const Command& command, const Plan& plan, const MediumResult& result);

  /// A new I_T nexus, with the unit attention it starts with, if any (29/00 first, 29/07 later).
  void attach(NexusId nexus, std::optional<SenseCode> first_attention);
  /// The I_T nexus is lost: its unit attentions, PREVENT and RESERVE go; its tasks are the host's
  /// affair.
  void detach(NexusId nexus);

  /// Queues a unit attention for every attached nexus but `except`.
  void raise(SenseCode condition, std::optional<NexusId> except = std::nullopt);
  void raise_for(NexusId nexus, SenseCode condition);
  /// The oldest and gravest pending unit attention, without clearing it (QUERY ASYNC EVENT).
  std::optional<SenseCode> pending_attention(NexusId nexus) const;

  /// Effects of a reset on the unit's state: mode pages to saved values, PREVENT off, reservations
  /// of SCSI-2 gone, unit attention 29/xx for every nexus (SAM-5 §6.3) unless a fault forbids it.
  void reset(ResetKind kind, bool attention = true);

  // ---- faults (injected_conditions.cpp)

  enum class To : std::uint8_t { own, others, all, next };  ///< next: whoever is attached next
  /// Unit attentions as a rule says, each reported `times` times; no other one covers them.
  void establish(std::span<const SenseCode> conditions, std::uint32_t times, To to, NexusId own);
  /// Pending ones among `conditions` (none given: all) are forgotten without being reported.
  void lose_attentions(NexusId nexus, std::span<const SenseCode> conditions);
  /// What pends for `own` pends for the nexus next to it instead; nothing happens when it is alone.
  /// With `conditions` it is those that the wrong nexus gets.
  void misdirect_attentions(NexusId own, std::span<const SenseCode> conditions,
                            std::uint32_t times);
  void forget_next_attentions();  ///< those for the nexus attached next
  void set_unready(std::optional<Unready> why);
  /// The door: out (2/3A/02) and in again (6/28/00 for all unless `silent`).
  void eject();
  void load(bool silent);
  bool loaded() const;
  /// PRODUCT REVISION LEVEL of INQUIRY, at most 4 ASCII characters.
  void set_revision(std::string revision);
  /// An informational exception condition, reported as the MRIE field of mode page 1Ch asks: 2 a
  /// unit attention for all, 6 REQUEST SENSE; not at all with DEXCPT.  Nothing: over.
  void predict(std::optional<SenseCode> condition);

  /// Nothing stands in the way of plain reads (or writes) from this nexus: no unit attention,
  /// reservation, not-ready or write protection.  Then plan_access() may be used without plan().
  bool straight_read(NexusId nexus) const;
  bool straight_write(NexusId nexus) const;

  /// Control mode page: TAS, and TST=001b.
  bool task_aborted_status() const;
  bool one_task_set_per_nexus() const;
  bool descriptor_sense() const;  ///< D_SENSE
  /// Caching mode page.
  bool write_cache_enabled() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// The straight path: READ and WRITE (6, 10, 12, 16) planned from the command and the geometry
/// alone. Nothing when the command is of another kind or anything in it is unusual (the ACA
/// attribute, say); plan() then finds the exact answer. Equal to what plan() returns when
/// straight_read()/straight_write() hold and WCE is set (a test compares them); `fua` is the CDB's
/// own bit: the caller adds write-through when write_cache_enabled() does not hold.
struct Access {
  bool write = false;
  bool fua = false;
  std::uint64_t offset_bytes = 0, length_bytes = 0;
};
std::optional<Access> plan_access(const Command& command, const LogicalUnitProfile& profile);

/// A LUN of the target that has no unit behind it (SAM-5 §4.7.4, SPC-4): INQUIRY answers with
/// qualifier 011b, REPORT LUNS and REQUEST SENSE are served, all else is 5/25/00.
Reply answer_absent_unit(const Command& command, const Surroundings& around);

/// The REPORT LUNS well-known logical unit, LUN C101000000000000h (SPC-4 §8.2): the host asks
/// before parse_lun(). INQUIRY (type 1Eh), REPORT LUNS, REQUEST SENSE and TEST UNIT READY; all else
/// is 5/20/00.
bool is_report_luns_well_known(std::span<const std::uint8_t, 8> octets);
Reply answer_well_known_report_luns(const Command& command, const Surroundings& around);

/// The answer to GET LBA STATUS (SBC-3 §5.6): one descriptor a run, cut to the plan's allocation
/// length.
struct LbaRun {
  std::uint64_t length_bytes = 0;
  bool mapped = true;
};
Reply lba_status(const QueryAllocation& plan, std::span<const LbaRun> runs,
                 const LogicalUnitProfile& profile);

/// What a fault rule or a log wants to know of a CDB; blocks is 0 when the command has no range.
struct CommandShape {
  std::string_view name;  ///< "READ(10)", or "" when the table does not have it
  std::uint64_t lba = 0;
  std::uint64_t blocks = 0;
  bool reads = false, writes = false;  ///< medium access
};
CommandShape describe(const Cdb& cdb);

/// LUN structure of SAM-5 §4.7: 8 octets on the wire and the number 0–16383 (peripheral, flat,
/// extended flat). Nothing for formats that name no unit of ours.  REPORT LUNS writes peripheral
/// below 256, flat above.
std::optional<std::uint16_t> parse_lun(std::span<const std::uint8_t, 8> octets);
void put_lun(std::span<std::uint8_t, 8> octets, std::uint16_t lun);

/// Which task management functions the target carries out: REPORT SUPPORTED TASK MANAGEMENT
/// FUNCTIONS reads this table and so does the session.
struct TaskManagementRow {
  std::uint8_t
      function;  ///< RFC 7143 §11.5.1 and RFC 7144 §6: 1 ABORT TASK … 12 QUERY ASYNCHRONOUS EVENT
  std::string_view name;  ///< "ABORT TASK"
  std::uint8_t report_byte,
      report_bit;  ///< place in the REPORT SUPPORTED TMF data; 0xff: not reported there
  bool supported;
  std::uint8_t least_protocol_level;  ///< 1, or 2 for the functions of RFC 7144
};
std::span<const TaskManagementRow> task_management_table();

}  // namespace faultlun::scsi
