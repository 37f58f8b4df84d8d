// What becomes of a SCSI answer when a fault strikes: answers made of the primitives of
// faults/action.hpp, and parameter data changed on its way out.  Pure functions over values.
#pragma once

#include "faults/action.hpp"
#include "faults/facts.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <cstdint>

namespace faultlun::daemon {

/// `descriptor_sense`: D_SENSE of the unit, for a rule that leaves the format to it.  The lengths
/// of what was moved (for the residual) are set for commands with a range: none for When::before,
/// all for When::after, or `answer.blocks`; a caller that moved something else corrects them.
scsi::Reply as_reply(const faults::Answer& answer, const faults::Facts& facts,
                     bool descriptor_sense);

/// The caller sets data_in_length or data_out_length to what blocks_before() came to.
scsi::Reply as_reply(const faults::MediumError& error, std::uint64_t first_bad_lba,
                     bool descriptor_sense);
/// Blocks that the command moves although it touches a bad one.
std::uint64_t blocks_before(const faults::MediumError& error, const faults::Facts& facts,
                            std::uint64_t first_bad_lba);

/// REPORT LUNS lists `around.luns`: the caller leaves the unit out unless `absent.listed`.
scsi::Reply as_reply(const faults::Absent& absent, const scsi::Command& command,
                     const scsi::Surroundings& around);

/// Changes the parameter data of a GOOD reply; does nothing to any other, or when `cdb` is not what
/// the patch is about.  A patch counts on data that has not been cut to the ALLOCATION LENGTH, so
/// the unit plans widened(cdb), every patch is applied, and cut_to_allocation() does the cutting:
///
///   command.cdb = widened(cdb);  reply = plan(command);
///   for (patch : patches) apply(patch, cdb, reply);
///   cut_to_allocation(cdb, reply);
void apply(const faults::Patch& patch, const scsi::Cdb& cdb, scsi::Reply& reply);

/// The same command with the largest ALLOCATION LENGTH that its field can hold; as it is when it
/// has none or when the unit would refuse the length that it has.
scsi::Cdb widened(const scsi::Cdb& cdb);
void cut_to_allocation(const scsi::Cdb& cdb, scsi::Reply& reply);

}  // namespace faultlun::daemon
