// What a target answers for LUNs without a unit behind them, and for the REPORT LUNS well-known
// logical unit. SAM-5 §4.7.4, SPC-4 §6.6.2 and §8.2; checklist B1.04.  Windows needs a valid vendor
// string even on an absent LUN 0.
#include "protocol/bytes/writer.hpp"
#include "protocol/scsi/execution.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kNoDevice = 0x7f;         // qualifier 011b, type 1Fh
constexpr std::uint8_t kWellKnownDevice = 0x1e;  // qualifier 000b, type 1Eh

/// Standard data, and of the VPD pages the list that names only itself.
Reply inquiry(const Cdb& cdb, const NexusPorts& ports, std::uint8_t peripheral) {
  const bool vital_product_data = (cdb[1] & 0x01) != 0;
  if (cdb[2] != 0) return invalid_cdb_field(2);
  if (!vital_product_data) {
    const LogicalUnitProfile nothing;
    return parameter_data(standard_inquiry(nothing, ports, peripheral), cdb.be16(3));
  }
  bytes::Writer out;
  out.u8(peripheral).u8(0).be16(1).u8(0);
  return parameter_data(std::move(out).take(), cdb.be16(3));
}

std::optional<Reply> common_answer(const Command& command, const Surroundings& around,
                                   std::uint8_t peripheral, SenseCode pollable_sense) {
  const Cdb& cdb = command.cdb;
  const CommandRow* row = find_command(cdb);
  if (row == nullptr || !row->is(passes_attention)) return std::nullopt;
  if (const auto wrong = check_usage(*row, cdb)) return invalid_cdb_field(wrong->byte, wrong->bit);
  switch (cdb.opcode()) {
    case 0x12:
      return inquiry(cdb, around.ports, peripheral);
    case 0xa0:
      return report_luns(cdb, around.luns);
    case 0x03: {
      Sense answer;
      answer.code = pollable_sense;
      return sense_as_data(cdb, answer);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

Reply answer_absent_unit(const Command& command, const Surroundings& around) {
  auto answer = common_answer(command, around, kNoDevice, sense("logical_unit_not_supported"));
  return answer ? *std::move(answer) : refused(sense("logical_unit_not_supported"));
}

Reply answer_well_known_report_luns(const Command& command, const Surroundings& around) {
  if (command.cdb.opcode() == 0x00) {  // TEST UNIT READY
    const auto wrong = check_usage(*find_command(command.cdb), command.cdb);
    return wrong ? invalid_cdb_field(wrong->byte, wrong->bit) : good();
  }
  auto answer =
      common_answer(command, around, kWellKnownDevice, sense("no_additional_sense_information"));
  return answer ? *std::move(answer) : refused(sense("invalid_command_operation_code"));
}

}  // namespace faultlun::scsi
