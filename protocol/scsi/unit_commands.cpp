// Commands about the unit itself: readiness, capacity, start and stop, the medium's door, RESERVE
// and RELEASE. SPC-4 §6.47, SBC-3 §5.16, §5.17, §5.25, SPC-2 §7.21 to §7.24.
#include "protocol/bytes/writer.hpp"
#include "protocol/scsi/execution.hpp"
#include "protocol/scsi/limits.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

/// PMI=0 wants LOGICAL BLOCK ADDRESS zero (SBC-3 §5.16.2).
std::optional<Reply> check_capacity_address(std::uint64_t lba, bool partial_medium) {
  if (!partial_medium && lba != 0) return invalid_cdb_field(2);
  return std::nullopt;
}

/// LOEJ: only where there is a medium to move.
Plan load_or_eject(Execution& execution, bool load, bool immediate) {
  auto& unit = execution.unit;
  if (unit.removal_prevented() && (!load || !unit.loaded))
    return refused(sense("medium_removal_prevented"));
  if (load) {
    if (!unit.loaded) unit.raise(sense("medium_may_have_changed"), execution.nexus);
    unit.loaded = true;
    return good();
  }
  if (!unit.loaded) return good();
  unit.loaded = false;
  return FlushMedium{0, 0, immediate};
}

}  // namespace

Plan plan_test_unit_ready(Execution&) {
  return good();
}

Plan plan_read_capacity_10(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  if (auto refusal = check_capacity_address(cdb.be32(2), (cdb[8] & 0x01) != 0))
    return *std::move(refusal);
  const std::uint64_t last = execution.profile().blocks - 1;
  bytes::Writer out;
  out.be32(static_cast<std::uint32_t>(std::min<std::uint64_t>(last, 0xffffffff)));
  out.be32(execution.profile().block_size);
  return parameter_data(std::move(out).take(), 8);
}

Plan plan_read_capacity_16(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const LogicalUnitProfile& profile = execution.profile();
  if (auto refusal = check_capacity_address(cdb.be64(2), (cdb[14] & 0x01) != 0))
    return *std::move(refusal);
  bytes::Writer out;
  out.be64(profile.blocks - 1).be32(profile.block_size);
  out.u8(0).u8(profile.physical_block_exponent & 0x0f);
  out.u8(profile.thin ? 0xc0 : 0).u8(0);  // LBPME, LBPRZ
  out.zeros(16);
  return parameter_data(std::move(out).take(), cdb.be32(10));
}

Plan plan_get_lba_status(Execution& execution) {
  constexpr std::uint32_t kHeader = 8, kDescriptor = 16;
  const LogicalUnitProfile& profile = execution.profile();
  const std::uint64_t lba = execution.cdb().be64(2);
  if (auto beyond = check_range(profile, {lba, 1})) return *std::move(beyond);
  QueryAllocation plan;
  plan.offset_bytes = lba * profile.block_size;
  plan.length_bytes = profile.blocks * profile.block_size - plan.offset_bytes;
  plan.allocation_length = execution.cdb().be32(10);
  plan.most_runs =
      plan.allocation_length < kHeader + kDescriptor
          ? 1
          : std::min((plan.allocation_length - kHeader) / kDescriptor, kMaxLbaStatusDescriptors);
  return plan;
}

Reply lba_status(const QueryAllocation& plan, std::span<const LbaRun> runs,
                 const LogicalUnitProfile& profile) {
  constexpr std::uint8_t kMapped = 0, kDeallocated = 1;
  bytes::Writer out;
  out.zeros(8);
  std::uint64_t lba = plan.offset_bytes / profile.block_size;
  for (const auto& run : runs) {
    const std::uint64_t blocks =
        std::min<std::uint64_t>(run.length_bytes / profile.block_size, 0xffffffff);
    out.be64(lba)
        .be32(static_cast<std::uint32_t>(blocks))
        .u8(run.mapped ? kMapped : kDeallocated)
        .zeros(3);
    lba += blocks;
  }
  out.patch_be32(0, out.size() - 4);
  auto data = std::move(out).take();
  data.resize(std::min<std::size_t>(data.size(), plan.allocation_length));
  Reply reply;
  reply.data_in_length = data.size();
  reply.data_in = std::move(data);
  return reply;
}

Plan plan_start_stop_unit(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  auto& unit = execution.unit;
  const bool immediate = (cdb[1] & 0x01) != 0;
  const int power_condition = cdb[4] >> 4;
  const bool no_flush = (cdb[4] & 0x04) != 0, load_eject = (cdb[4] & 0x02) != 0,
             start = (cdb[4] & 0x01) != 0;
  if (unit.profile.removable) {
    // Such drives have no power conditions: any value is taken and nothing happens, nor does a stop
    // make one not ready.
    if (power_condition != 0 || !load_eject) return good();
    return load_or_eject(execution, start, immediate);
  }
  if (power_condition > 3) return invalid_cdb_field(4, 7);
  if (power_condition != 0) {  // ACTIVE, IDLE, STANDBY: media access works in all of them
    unit.started = true;
    return good();
  }
  if (load_eject) return invalid_cdb_field(4, 1);
  unit.started = start;
  if (start || no_flush) return good();
  return FlushMedium{0, 0, immediate};
}

Plan plan_prevent_allow(Execution& execution) {
  const bool prevent = (execution.cdb()[4] & 0x01) != 0;
  // While another nexus holds RESERVE only PREVENT=0 passes (SPC-2 table 9).
  if (prevent && execution.unit.reserved_by_other(execution.nexus))
    return with_status(Status::reservation_conflict);
  execution.nexus_state.prevents_removal = prevent;
  return good();
}

Plan plan_reserve(Execution& execution) {
  execution.unit.reserved_by = execution.nexus;
  return good();
}

Plan plan_release(Execution& execution) {
  if (execution.unit.reserved_by == execution.nexus) execution.unit.reserved_by.reset();
  return good();
}

}  // namespace faultlun::scsi
