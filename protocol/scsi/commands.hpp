// THE command table: every command the logical unit knows, one row each.  SPC-4, SBC-3, SPC-2
// (RESERVE). Dispatch, CDB validation, the order of checks, REPORT SUPPORTED OPERATION CODES,
// describe() and the command names that rules may use all read these rows.  A new opcode is one row
// here and one plan_ function.
#pragma once

#include "protocol/scsi/cdb.hpp"
#include "protocol/scsi/plan.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace faultlun::scsi {

struct Execution;

enum class DataDirection : std::uint8_t { none, in, out };

/// What is true of a command before anyone looks at its CDB.
enum Trait : std::uint32_t {
  reads = 1U << 0,               ///< moves or checks data of the medium towards the host
  writes = 1U << 1,              ///< changes the medium: refused while write-protected
  has_range = 1U << 2,           ///< LBA and length lie where range_of() looks for them
  passes_attention = 1U << 3,    ///< executed although a unit attention is pending (SAM-5 §5.14)
  passes_reservation = 1U << 4,  ///< executed although another nexus holds RESERVE (SPC-2 §5.5.1)
  needs_medium = 1U << 5,        ///< 2/3A/xx without a medium
  needs_active = 1U << 6,        ///< 2/04/02 in the stopped power condition
  thin_only = 1U << 7,           ///< not there at all on a fully provisioned unit
  protect_field = 1U << 8,       ///< byte 1 bits 7..5 are RDPROTECT, WRPROTECT or VRPROTECT
  unmap_bit = 1U << 9,           ///< byte 1 bit 3 is UNMAP, refused on a fully provisioned unit
  /// Not there where a physical block is several logical ones: iscsi-test-cu
  /// (GetLBAStatus.UnmapSingle) asks there for an LBA inside a physical block and wants an answer
  /// that begins with the next one, against SBC-3 §5.6.
  whole_blocks_only = 1U << 10,
  media_access = needs_medium | needs_active,
};
using Traits = std::uint32_t;

inline constexpr std::int16_t kNoAction = -1;
inline constexpr std::size_t kMaxUsageBytes = 16;

struct CommandRow {
  std::uint8_t opcode;
  std::int16_t action;  ///< service action, or kNoAction
  std::string_view name;
  DataDirection data;
  Traits traits;
  std::uint16_t timeout_seconds;  ///< recommended command timeout
  std::uint8_t cdb_length;
  /// CDB USAGE DATA (SPC-4 §6.34.3): the bits that may be set; opcode and service action as they
  /// are.
  std::array<std::uint8_t, kMaxUsageBytes> usage;
  Plan (*plan)(Execution&);

  constexpr bool is(Traits traits_asked) const { return (traits & traits_asked) == traits_asked; }
  constexpr bool has_action() const { return action != kNoAction; }
};

std::span<const CommandRow> command_table();

/// The rows of one opcode: none when it is unknown, several when it has service actions.
std::span<const CommandRow> find_opcode(std::uint8_t opcode);

/// The row of a CDB, service action included.  One table access for an opcode without service
/// actions.
const CommandRow* find_command(const Cdb& cdb);

/// By name, for rules: "READ(10)".  Null when unknown.
const CommandRow* find_command(std::string_view name);

/// The first bit that is set and may not be (checks all bytes of the row's CDB, CONTROL included).
std::optional<FieldPointer> check_usage(const CommandRow& row, const Cdb& cdb);

struct BlockRange {
  std::uint64_t lba = 0, blocks = 0;
};
/// LBA and TRANSFER LENGTH (or NUMBER OF BLOCKS) where the CDB's group has them; 256 for a zero in
/// READ(6) and WRITE(6).  Only meaningful for rows with `has_range`.
BlockRange range_of(const Cdb& cdb);

/// CDB length by the group code in the opcode (SPC-4 §4.3.5); 0 for groups 3, 6 and 7.
constexpr std::uint8_t group_length(std::uint8_t opcode) {
  constexpr std::uint8_t kLengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};
  return kLengths[opcode >> 5];
}

}  // namespace faultlun::scsi
