// Commands that read or change the medium.  SBC-3 §5.
// Order inside each, after the table's checks: LBA range, lengths against the Block Limits page,
// parameter list.
#include "protocol/bytes/reader.hpp"
#include "protocol/scsi/execution.hpp"
#include "protocol/scsi/limits.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kForceUnitAccess = 0x08, kImmediate = 0x02;

/// Where the length of the CDB's range lies, for a field pointer.
std::uint16_t length_at(const Execution& execution) {
  switch (execution.row.cdb_length) {
    case 6:
      return 4;
    case 10:
      return 7;
    case 12:
      return 6;
    default:
      return execution.cdb().opcode() == 0x89 ? 13 : 10;
  }
}

/// The CDB's range in bytes, checked: against the capacity, then against MAXIMUM TRANSFER LENGTH.
struct Checked {
  Extent extent;
  std::optional<Reply> refusal;
};
Checked transfer_range(const Execution& execution) {
  const LogicalUnitProfile& profile = execution.profile();
  const BlockRange range = range_of(execution.cdb());
  if (auto beyond = check_range(profile, range)) return {{}, std::move(beyond)};
  if (range.blocks > kMaxTransferBytes / profile.block_size) {
    return {{}, invalid_cdb_field(length_at(execution))};
  }
  return {{range.lba * profile.block_size, range.blocks * profile.block_size}, std::nullopt};
}

/// 0 blocks mean "to the end of the medium" (SYNCHRONIZE CACHE, PRE-FETCH, WRITE SAME).
BlockRange to_the_end_if_zero(BlockRange range, const LogicalUnitProfile& profile) {
  if (range.blocks == 0 && range.lba < profile.blocks) range.blocks = profile.blocks - range.lba;
  return range;
}

bool force_unit_access(const Execution& execution) {
  return execution.row.cdb_length != 6 && (execution.cdb()[1] & kForceUnitAccess) != 0;
}

bool writes_through(const Execution& execution) {
  return force_unit_access(execution) || !execution.unit.modes.write_cache_enabled();
}

}  // namespace

Plan plan_read(Execution& execution) {
  auto [extent, refusal] = transfer_range(execution);
  if (refusal) return *std::move(refusal);
  if (extent.length_bytes == 0) return good();
  return ReadMedium{extent.offset_bytes, extent.length_bytes, force_unit_access(execution)};
}

Plan plan_write(Execution& execution) {
  auto [extent, refusal] = transfer_range(execution);
  if (refusal) return *std::move(refusal);
  if (extent.length_bytes == 0) return good();
  return WriteMedium{extent.offset_bytes, extent.length_bytes, writes_through(execution)};
}

Plan plan_write_and_verify(Execution& execution) {
  auto [extent, refusal] = transfer_range(execution);
  if (refusal) return *std::move(refusal);
  if (extent.length_bytes == 0) return good();
  const bool compare = (execution.cdb()[1] & 0x02) != 0;
  return WriteMedium{extent.offset_bytes, extent.length_bytes, true, true, compare};
}

Plan plan_verify(Execution& execution) {
  const unsigned byte_check = execution.cdb()[1] >> 1 & 0x03U;
  if (byte_check == 2) return invalid_cdb_field(1, 2);
  auto [extent, refusal] = transfer_range(execution);
  if (refusal) return *std::move(refusal);
  if (extent.length_bytes == 0) return good();
  const bool compare = byte_check != 0, one_block = byte_check == 3;
  const std::uint64_t wanted = one_block ? execution.profile().block_size : extent.length_bytes;
  return VerifyMedium{extent.offset_bytes, extent.length_bytes, compare, one_block,
                      compare ? wanted : 0};
}

Plan plan_compare_and_write(Execution& execution) {
  auto [extent, refusal] = transfer_range(execution);
  if (refusal) return *std::move(refusal);
  static_assert(kMaxCompareAndWriteBlocks == 0xff,
                "NUMBER OF LOGICAL BLOCKS cannot exceed the limit");
  // A length that was cut to fit the field (256 blocks become 0) shows in the data that is offered.
  const auto& offered = execution.command.data_out_offered;
  if (offered && *offered != 2 * extent.length_bytes) return invalid_cdb_field(13);
  if (extent.length_bytes == 0) return good();
  return CompareAndWrite{extent.offset_bytes, extent.length_bytes, writes_through(execution)};
}

Plan plan_write_same(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const LogicalUnitProfile& profile = execution.profile();
  const bool unmap = (cdb[1] & 0x08) != 0;
  const bool no_data_out = cdb.opcode() == 0x93 && (cdb[1] & 0x01) != 0;
  if (unmap && !profile.thin) return invalid_cdb_field(1, 3);
  const BlockRange range = to_the_end_if_zero(range_of(cdb), profile);
  // "To the end" from the end is no block at all: refused, as hosts and suites expect.
  if (range.lba >= profile.blocks)
    return *check_range(profile, {range.lba, std::max<std::uint64_t>(range.blocks, 1)});
  if (auto beyond = check_range(profile, range)) return *std::move(beyond);
  if (range.blocks > kMaxWriteSameBytes / profile.block_size)
    return invalid_cdb_field(length_at(execution));

  bytes::Buffer block(profile.block_size);
  if (!no_data_out) {
    const auto& offered = execution.command.data_out_offered;
    if (offered && *offered != profile.block_size)
      return refused(sense("invalid_field_in_command_information_unit"));
    if (!execution.parameter_list) return NeedData{profile.block_size};
    const bytes::View came = *execution.parameter_list;
    if (came.size() != block.size())
      return refused(sense("invalid_field_in_command_information_unit"));
    std::ranges::copy(came, block.begin());
  }
  const Extent extent{range.lba * profile.block_size, range.blocks * profile.block_size};
  // SBC-3 §5.43 would write a block that is not all zeros although UNMAP is set (LBPRZ=1).  Linux's
  // own targets, scsi_debug and tgt unmap whatever the block holds, and iscsi-test-cu
  // (WriteSame10.UnmapUntilEnd) asks for that.
  if (unmap) return UnmapMedium{{extent}};
  return WriteSame{extent.offset_bytes, extent.length_bytes, std::move(block)};
}

Plan plan_unmap(Execution& execution) {
  constexpr std::size_t kHeader = 8, kDescriptor = 16;
  const LogicalUnitProfile& profile = execution.profile();
  const std::uint64_t length = parameter_list_length(execution.cdb(), profile);
  if (length == 0) return good();
  if (length < kHeader) return refused(sense("parameter_list_length_error"));
  if (!execution.parameter_list) return NeedData{length};

  bytes::Reader in(*execution.parameter_list);
  in.take(2);
  const std::size_t descriptor_bytes = in.be16();
  in.take(4);
  if (!in.ok() || descriptor_bytes > in.remaining())
    return refused(sense("parameter_list_length_error"));
  if (descriptor_bytes / kDescriptor > kMaxUnmapDescriptors) return invalid_parameter(2);
  // A last descriptor that is not whole is passed over (SBC-3 §5.28.2).
  bytes::Reader list(in.take(descriptor_bytes - descriptor_bytes % kDescriptor));
  UnmapMedium plan;
  std::uint64_t total = 0;
  for (std::size_t at = kHeader; list.remaining() > 0; at += kDescriptor) {
    const BlockRange range{list.be64(), list.be32()};
    list.take(4);
    total += range.blocks;
    if (total > kMaxUnmapBlocks) return invalid_parameter(at + 8);
    if (auto beyond = check_range(profile, range)) return *std::move(beyond);
    if (range.blocks > 0)
      plan.extents.push_back({range.lba * profile.block_size, range.blocks * profile.block_size});
  }
  if (plan.extents.empty()) return good();
  return plan;
}

Plan plan_synchronize_cache(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const LogicalUnitProfile& profile = execution.profile();
  const BlockRange asked = range_of(cdb);
  if (auto beyond = check_range(profile, asked)) return *std::move(beyond);
  const bool immediate = (cdb[1] & kImmediate) != 0;
  if (asked.lba == 0 && asked.blocks == 0) return FlushMedium{0, 0, immediate};
  const BlockRange range = to_the_end_if_zero(asked, profile);
  if (range.blocks == 0) return good();
  return FlushMedium{range.lba * profile.block_size, range.blocks * profile.block_size, immediate};
}

/// There is no read cache to fill.  GOOD says so: CONDITION MET is for blocks that are all in the
/// cache.
Plan plan_pre_fetch(Execution& execution) {
  if (auto beyond = check_range(execution.profile(), range_of(execution.cdb())))
    return *std::move(beyond);
  return good();
}

}  // namespace faultlun::scsi
