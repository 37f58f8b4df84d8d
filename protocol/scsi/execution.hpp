// What a plan_ function of the command table works with, the declarations of those functions, and
// the small things they share.  Inside protocol/scsi only.
#pragma once

#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/sense_codes.hpp"
#include "protocol/scsi/unit_state.hpp"

namespace faultlun::scsi {

struct Execution {
  LogicalUnit::Impl& unit;
  NexusId nexus;
  NexusState& nexus_state;
  const Command& command;
  const CommandRow& row;
  const Surroundings& around;
  std::optional<bytes::View> parameter_list;  ///< second time round: what came of the NeedData

  const Cdb& cdb() const { return command.cdb; }
  const LogicalUnitProfile& profile() const { return unit.profile; }
};

inline Reply good() {
  return {};
}

/// Parameter data for the host, cut to the ALLOCATION LENGTH (a cut is no error, SPC-4 §4.3.5.6).
Reply parameter_data(bytes::Buffer data, std::uint64_t allocation_length);

/// 5/24/00 with a field pointer: byte of the CDB, and the most significant bit of the field (-1:
/// whole bytes).
Reply invalid_cdb_field(std::uint16_t byte, int bit = -1);
/// 5/26/00 with a field pointer into the parameter list.
Reply invalid_parameter(std::size_t byte, int bit = -1);
/// Any other condition without further particulars.
Reply refused(SenseCode code);

/// 5/21/00 with the first address that is not there, when any of the range is beyond the capacity.
std::optional<Reply> check_range(const LogicalUnitProfile& profile, BlockRange range);

/// Length of the parameter list (or data block) that a command announces in its CDB; 0 when it has
/// none.
std::uint64_t parameter_list_length(const Cdb& cdb, const LogicalUnitProfile& profile);

// CDB USAGE DATA as this unit really checks it: without UNMAP bits on a fully provisioned unit.
std::array<std::uint8_t, kMaxUsageBytes> usage_of(const CommandRow& row,
                                                  const LogicalUnitProfile& profile);
inline bool supports(const CommandRow& row, const LogicalUnitProfile& profile) {
  if (row.is(thin_only) && !profile.thin) return false;
  return !row.is(whole_blocks_only) || profile.physical_block_exponent == 0;
}

// inquiry.cpp, report_commands.cpp
bytes::Buffer standard_inquiry(const LogicalUnitProfile& profile, const NexusPorts& ports,
                               std::uint8_t peripheral);
Plan plan_inquiry(Execution& execution);
Plan plan_report_luns(Execution& execution);
Plan plan_request_sense(Execution& execution);
Plan plan_report_supported_operation_codes(Execution& execution);
Plan plan_report_supported_task_management(Execution& execution);
/// The whole REPORT LUNS but for unit attentions: needs no unit, and is the same at every LUN.
Reply report_luns(const Cdb& cdb, std::span<const std::uint16_t> luns);
Reply sense_as_data(const Cdb& cdb, const Sense& sense);

// mode_commands.cpp
Plan plan_mode_sense(Execution& execution);
Plan plan_mode_select(Execution& execution);

// block_commands.cpp
Plan plan_read(Execution& execution);
Plan plan_write(Execution& execution);
Plan plan_write_and_verify(Execution& execution);
Plan plan_verify(Execution& execution);
Plan plan_compare_and_write(Execution& execution);
Plan plan_write_same(Execution& execution);
Plan plan_unmap(Execution& execution);
Plan plan_synchronize_cache(Execution& execution);
Plan plan_pre_fetch(Execution& execution);

// unit_commands.cpp
Plan plan_test_unit_ready(Execution& execution);
Plan plan_read_capacity_10(Execution& execution);
Plan plan_read_capacity_16(Execution& execution);
Plan plan_get_lba_status(Execution& execution);
Plan plan_start_stop_unit(Execution& execution);
Plan plan_prevent_allow(Execution& execution);
Plan plan_reserve(Execution& execution);
Plan plan_release(Execution& execution);

}  // namespace faultlun::scsi
