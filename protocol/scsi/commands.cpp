#include "protocol/scsi/commands.hpp"

#include "protocol/scsi/execution.hpp"

#include <algorithm>
#include <bit>

namespace faultlun::scsi {
namespace {

// Runs of octets of a CDB that may have any value.
#define FF2 0xff, 0xff
#define FF4 FF2, FF2
#define FF8 FF4, FF4

constexpr Traits kAlways = passes_attention | passes_reservation;
constexpr Traits kRead = reads | has_range | media_access | protect_field;
constexpr Traits kWrite = writes | has_range | media_access | protect_field;
constexpr auto kNone = DataDirection::none, kIn = DataDirection::in, kOut = DataDirection::out;

// Bits left out on purpose: NACA and the obsolete LINK (INQUIRY says NORMACA=0), FUA_NV, RARC,
// RELADR; all protection fields (PROTECT=0); ANCHOR (ANC_SUP=0); SP (no saved pages); 3RDPTY and
// extents of RESERVE.  SYNC_NV asks for less than we do. Later: LOG SENSE/SELECT (4d, 4c),
// PERSISTENT RESERVE IN/OUT (5e, 5f), GET LBA STATUS (9e/12), …: a row each.
// clang-format off
constexpr CommandRow kCommands[] = {
//  op    action     name                                              data   traits                                     s  len  allowed CDB bits; byte 0 is the opcode
  {0x00, kNoAction, "TEST UNIT READY",                                 kNone, media_access,                             30,   6, {0x00, 0, 0, 0, 0, 0},                          plan_test_unit_ready},
  {0x03, kNoAction, "REQUEST SENSE",                                   kIn,   kAlways,                                  30,   6, {0x03, 0x01, 0, 0, 0xff, 0},                    plan_request_sense},
  {0x08, kNoAction, "READ(6)",                                         kIn,   reads | has_range | media_access,         30,   6, {0x08, 0x1f, FF2, 0xff, 0},                     plan_read},
  {0x0a, kNoAction, "WRITE(6)",                                        kOut,  writes | has_range | media_access,        30,   6, {0x0a, 0x1f, FF2, 0xff, 0},                     plan_write},
  {0x12, kNoAction, "INQUIRY",                                         kIn,   kAlways,                                  30,   6, {0x12, 0x01, 0xff, FF2, 0},                     plan_inquiry},
  {0x15, kNoAction, "MODE SELECT(6)",                                  kOut,  0,                                        30,   6, {0x15, 0x10, 0, 0, 0xff, 0},                    plan_mode_select},
  {0x16, kNoAction, "RESERVE(6)",                                      kNone, 0,                                        30,   6, {0x16, 0, 0, 0, 0, 0},                          plan_reserve},
  {0x17, kNoAction, "RELEASE(6)",                                      kNone, passes_reservation,                       30,   6, {0x17, 0, 0, 0, 0, 0},                          plan_release},
  {0x1a, kNoAction, "MODE SENSE(6)",                                   kIn,   0,                                        30,   6, {0x1a, 0x08, 0xff, 0xff, 0xff, 0},              plan_mode_sense},
  {0x1b, kNoAction, "START STOP UNIT",                                 kNone, 0,                                        60,   6, {0x1b, 0x01, 0, 0, 0xf7, 0},                    plan_start_stop_unit},
  {0x1e, kNoAction, "PREVENT ALLOW MEDIUM REMOVAL",                    kNone, passes_reservation,                       30,   6, {0x1e, 0, 0, 0, 0x01, 0},                       plan_prevent_allow},
  {0x25, kNoAction, "READ CAPACITY(10)",                               kIn,   needs_medium | passes_reservation,        30,  10, {0x25, 0, FF4, 0, 0, 0x01, 0},                  plan_read_capacity_10},
  {0x28, kNoAction, "READ(10)",                                        kIn,   kRead,                                    30,  10, {0x28, 0x18, FF4, 0x1f, FF2, 0},                plan_read},
  {0x2a, kNoAction, "WRITE(10)",                                       kOut,  kWrite,                                   30,  10, {0x2a, 0x18, FF4, 0x1f, FF2, 0},                plan_write},
  {0x2e, kNoAction, "WRITE AND VERIFY(10)",                            kOut,  kWrite,                                   60,  10, {0x2e, 0x12, FF4, 0x1f, FF2, 0},                plan_write_and_verify},
  {0x2f, kNoAction, "VERIFY(10)",                                      kOut,  kRead,                                    60,  10, {0x2f, 0x16, FF4, 0x1f, FF2, 0},                plan_verify},
  {0x34, kNoAction, "PRE-FETCH(10)",                                   kNone, has_range | media_access,                 30,  10, {0x34, 0x02, FF4, 0x1f, FF2, 0},                plan_pre_fetch},
  {0x35, kNoAction, "SYNCHRONIZE CACHE(10)",                           kNone, has_range | media_access,                 60,  10, {0x35, 0x06, FF4, 0x1f, FF2, 0},                plan_synchronize_cache},
  {0x41, kNoAction, "WRITE SAME(10)",                                  kOut,  kWrite | unmap_bit,                       60,  10, {0x41, 0x08, FF4, 0x1f, FF2, 0},                plan_write_same},
  {0x42, kNoAction, "UNMAP",                                           kOut,  writes | media_access | thin_only,        60,  10, {0x42, 0, 0, 0, 0, 0, 0x1f, FF2, 0},            plan_unmap},
  {0x55, kNoAction, "MODE SELECT(10)",                                 kOut,  0,                                        30,  10, {0x55, 0x10, 0, 0, 0, 0, 0, FF2, 0},            plan_mode_select},
  {0x56, kNoAction, "RESERVE(10)",                                     kNone, 0,                                        30,  10, {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0},              plan_reserve},
  {0x57, kNoAction, "RELEASE(10)",                                     kNone, passes_reservation,                       30,  10, {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0},              plan_release},
  {0x5a, kNoAction, "MODE SENSE(10)",                                  kIn,   0,                                        30,  10, {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, FF2, 0},      plan_mode_sense},
  {0x88, kNoAction, "READ(16)",                                        kIn,   kRead,                                    30,  16, {0x88, 0x18, FF8, FF4, 0x1f, 0},                plan_read},
  {0x89, kNoAction, "COMPARE AND WRITE",                               kOut,  kWrite | reads,                           30,  16, {0x89, 0x18, FF8, 0, 0, 0, 0xff, 0x1f, 0},      plan_compare_and_write},
  {0x8a, kNoAction, "WRITE(16)",                                       kOut,  kWrite,                                   30,  16, {0x8a, 0x18, FF8, FF4, 0x1f, 0},                plan_write},
  {0x8e, kNoAction, "WRITE AND VERIFY(16)",                            kOut,  kWrite,                                   60,  16, {0x8e, 0x12, FF8, FF4, 0x1f, 0},                plan_write_and_verify},
  {0x8f, kNoAction, "VERIFY(16)",                                      kOut,  kRead,                                    60,  16, {0x8f, 0x16, FF8, FF4, 0x1f, 0},                plan_verify},
  {0x90, kNoAction, "PRE-FETCH(16)",                                   kNone, has_range | media_access,                 30,  16, {0x90, 0x02, FF8, FF4, 0x1f, 0},                plan_pre_fetch},
  {0x91, kNoAction, "SYNCHRONIZE CACHE(16)",                           kNone, has_range | media_access,                 60,  16, {0x91, 0x06, FF8, FF4, 0x1f, 0},                plan_synchronize_cache},
  {0x93, kNoAction, "WRITE SAME(16)",                                  kOut,  kWrite | unmap_bit,                       60,  16, {0x93, 0x09, FF8, FF4, 0x1f, 0},                plan_write_same},
  {0x9e, 0x10,      "READ CAPACITY(16)",                               kIn,   needs_medium | passes_reservation,        30,  16, {0x9e, 0x10, FF8, FF4, 0x01, 0},                plan_read_capacity_16},
  {0x9e, 0x12,      "GET LBA STATUS",                                  kIn,   media_access | whole_blocks_only,         30,  16, {0x9e, 0x12, FF8, FF4, 0, 0},                   plan_get_lba_status},
  {0xa0, kNoAction, "REPORT LUNS",                                     kIn,   kAlways,                                  30,  12, {0xa0, 0, 0xff, 0, 0, 0, FF4, 0, 0},            plan_report_luns},
  {0xa3, 0x0c,      "REPORT SUPPORTED OPERATION CODES",                kIn,   passes_reservation,                       30,  12, {0xa3, 0x0c, 0x87, 0xff, FF2, FF4, 0, 0},       plan_report_supported_operation_codes},
  {0xa3, 0x0d,      "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",      kIn,   passes_reservation,                       30,  12, {0xa3, 0x0d, 0x80, 0, 0, 0, FF4, 0, 0},         plan_report_supported_task_management},
  {0xa8, kNoAction, "READ(12)",                                        kIn,   kRead,                                    30,  12, {0xa8, 0x18, FF4, FF4, 0x1f, 0},                plan_read},
  {0xaa, kNoAction, "WRITE(12)",                                       kOut,  kWrite,                                   30,  12, {0xaa, 0x18, FF4, FF4, 0x1f, 0},                plan_write},
  {0xae, kNoAction, "WRITE AND VERIFY(12)",                            kOut,  kWrite,                                   60,  12, {0xae, 0x12, FF4, FF4, 0x1f, 0},                plan_write_and_verify},
  {0xaf, kNoAction, "VERIFY(12)",                                      kOut,  kRead,                                    60,  12, {0xaf, 0x16, FF4, FF4, 0x1f, 0},                plan_verify},
};
// clang-format on
#undef FF2
#undef FF4
#undef FF8

// (That every row has its plan_ function is left to a test: with -fsanitize g++ 12 cannot compare
// function pointers at compile time.)
consteval bool row_is_sound(const CommandRow& row) {
  if (row.name.empty() || row.timeout_seconds == 0) return false;
  if (row.cdb_length != group_length(row.opcode)) return false;
  if (row.usage[0] != row.opcode || row.usage[row.cdb_length - 1U] != 0) return false;
  for (std::size_t i = row.cdb_length; i < kMaxUsageBytes; ++i) {
    if (row.usage[i] != 0) return false;
  }
  if (row.has_action() && (row.usage[1] & 0x1f) != row.action) return false;
  if (row.is(protect_field) && (row.usage[1] & 0xe0) != 0) return false;
  if ((row.is(writes) && row.data != DataDirection::out) ||
      (row.is(has_range) && !row.is(media_access))) {
    return false;
  }
  return !row.is(unmap_bit) || (row.usage[1] & 0x08) != 0;
}

consteval bool command_table_is_sound() {
  const auto order = [](const CommandRow& row) {
    return row.opcode << 8 | (row.has_action() ? row.action : 0);
  };
  for (std::size_t i = 0; i < std::size(kCommands); ++i) {
    const CommandRow& row = kCommands[i];
    if (!row_is_sound(row)) return false;
    if (i > 0 && order(kCommands[i - 1]) >= order(row)) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (kCommands[j].name == row.name) return false;
      if (kCommands[j].opcode == row.opcode && kCommands[j].has_action() != row.has_action())
        return false;
    }
  }
  return std::size(kCommands) < 255;
}
static_assert(command_table_is_sound(),
              "sorted, unique, usage[0] is the opcode, lengths fit the group, CONTROL is 0");

struct Slot {
  std::uint8_t first = 0, count = 0;
};
consteval std::array<Slot, 256> make_index() {
  std::array<Slot, 256> index{};
  for (std::size_t i = 0; i < std::size(kCommands); ++i) {
    Slot& slot = index[kCommands[i].opcode];
    if (slot.count == 0) slot.first = static_cast<std::uint8_t>(i);
    ++slot.count;
  }
  return index;
}
constexpr auto kIndex = make_index();

}  // namespace

std::span<const CommandRow> command_table() {
  return kCommands;
}

std::span<const CommandRow> find_opcode(std::uint8_t opcode) {
  const Slot slot = kIndex[opcode];
  return command_table().subspan(slot.first, slot.count);
}

const CommandRow* find_command(const Cdb& cdb) {
  for (const CommandRow& row : find_opcode(cdb.opcode())) {
    if (!row.has_action() || row.action == (cdb[1] & 0x1f)) return &row;
  }
  return nullptr;
}

const CommandRow* find_command(std::string_view name) {
  const auto* row = std::ranges::find(kCommands, name, &CommandRow::name);
  return row == std::end(kCommands) ? nullptr : row;
}

std::optional<FieldPointer> check_usage(const CommandRow& row, const Cdb& cdb) {
  for (std::uint8_t i = 1; i < row.cdb_length; ++i) {
    const unsigned wrong = cdb[i] & ~unsigned{row.usage[i]};
    if (wrong == 0) continue;
    const bool protection = i == 1 && row.is(protect_field) && (wrong & 0xe0) != 0;
    const int bit = protection ? 7 : static_cast<int>(std::bit_width(wrong)) - 1;
    return FieldPointer{true, i, static_cast<std::int8_t>(bit)};
  }
  return std::nullopt;
}

BlockRange range_of(const Cdb& cdb) {
  switch (group_length(cdb.opcode())) {
    case 6:
      return {cdb.be24(1) & 0x1fffff, cdb[4] == 0 ? 256U : cdb[4]};
    case 10:
      return {cdb.be32(2), cdb.be16(7)};
    case 12:
      return {cdb.be32(2), cdb.be32(6)};
    case 16:
      return {cdb.be64(2), cdb.be32(10)};
    default:
      return {};
  }
}

CommandShape describe(const Cdb& cdb) {
  CommandShape shape;
  const CommandRow* row = find_command(cdb);
  if (row == nullptr) return shape;
  shape.name = row->name;
  shape.reads = row->is(reads);
  shape.writes = row->is(writes);
  if (row->is(has_range)) {
    const BlockRange range = range_of(cdb);
    shape.lba = range.lba;
    shape.blocks = range.blocks;
  }
  return shape;
}

}  // namespace faultlun::scsi
