// REPORT LUNS, REQUEST SENSE, REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS: what
// the tables and the queue of unit attentions have to tell.  SPC-4 §6.33, §6.39, §6.34, §6.35.
#include "protocol/bytes/writer.hpp"
#include "protocol/scsi/execution.hpp"

namespace faultlun::scsi {
namespace {

constexpr std::uint64_t kWellKnownLunField = 0xc101000000000000;

// --- REPORT SUPPORTED OPERATION CODES

/// Command timeouts descriptor.
void put_timeouts(bytes::Writer& out, const CommandRow& row) {
  out.be16(0x000a).u8(0).u8(0).be32(0).be32(row.timeout_seconds);
}

bytes::Buffer all_commands(const LogicalUnitProfile& profile, bool timeouts) {
  constexpr std::uint8_t kServActV = 0x01, kCtdp = 0x02;
  bytes::Writer out;
  out.be32(0);
  for (const CommandRow& row : command_table()) {
    if (!supports(row, profile)) continue;
    out.u8(row.opcode).u8(0);
    out.be16(static_cast<std::uint16_t>(row.has_action() ? row.action : 0)).u8(0);
    out.u8(static_cast<std::uint8_t>((row.has_action() ? kServActV : 0) | (timeouts ? kCtdp : 0)));
    out.be16(row.cdb_length);
    if (timeouts) put_timeouts(out, row);
  }
  out.patch_be32(0, out.size() - 4);
  return std::move(out).take();
}

bytes::Buffer one_command(const CommandRow* row, const LogicalUnitProfile& profile, bool timeouts) {
  constexpr std::uint8_t kNotSupported = 0x01, kSupported = 0x03, kCtdp = 0x80;
  bytes::Writer out;
  if (row == nullptr) {
    out.u8(0).u8(kNotSupported).be16(0);
    return std::move(out).take();
  }
  out.u8(0)
      .u8(static_cast<std::uint8_t>(kSupported | (timeouts ? kCtdp : 0)))
      .be16(row->cdb_length);
  out.octets(bytes::View(usage_of(*row, profile)).first(row->cdb_length));
  if (timeouts) put_timeouts(out, *row);
  return std::move(out).take();
}

}  // namespace

Reply report_luns(const Cdb& cdb, std::span<const std::uint16_t> luns) {
  const std::uint8_t select = cdb[2];
  if (select > 0x02) return invalid_cdb_field(2);
  if (cdb.be32(6) < 16) return invalid_cdb_field(6);
  bytes::Writer out;
  out.be32(0).be32(0);
  if (select != 0x01) {
    for (const std::uint16_t lun : luns) {
      std::array<std::uint8_t, 8> octets{};
      put_lun(octets, lun);
      out.octets(octets);
    }
  }
  if (select != 0x00) out.be64(kWellKnownLunField);
  out.patch_be32(0, out.size() - 8);
  return parameter_data(std::move(out).take(), cdb.be32(6));
}

Plan plan_report_luns(Execution& execution) {
  Reply reply = report_luns(execution.cdb(), execution.around.luns);
  if (reply.status == Status::good) {
    execution.nexus_state.attentions.clear(sense("reported_luns_data_has_changed"));
  }
  return reply;
}

Reply sense_as_data(const Cdb& cdb, const Sense& sense) {
  const SenseBytes octets = build_sense(sense, (cdb[1] & 0x01) != 0);
  const bytes::View view = octets.view();
  return parameter_data({view.begin(), view.end()}, cdb[4]);
}

Plan plan_request_sense(Execution& execution) {
  Sense answer;
  auto& attentions = execution.nexus_state.attentions;
  const auto& unit = execution.unit;
  if (const auto pending = attentions.gravest()) {
    attentions.reported(*pending);
    answer.code = *pending;
  } else if (unit.unready) {
    answer = unit.unready->sense;
  } else if (!unit.loaded) {
    answer.code = sense("medium_not_present_tray_open");
  } else if (!unit.started) {
    answer.code = sense("initializing_command_required");
  } else if (unit.prediction && unit.modes.exception_method() == 6 &&
             !unit.modes.exceptions_disabled()) {
    answer.code = {0x00, unit.prediction->asc, unit.prediction->ascq};
  } else if (unit.modes.exception_test() && unit.modes.exception_method() == 6) {
    answer.code = sense("failure_prediction_test_no_sense");
  }
  return sense_as_data(execution.cdb(), answer);
}

Plan plan_report_supported_operation_codes(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const LogicalUnitProfile& profile = execution.profile();
  const bool timeouts = (cdb[2] & 0x80) != 0;
  const int options = cdb[2] & 0x07;
  if (options == 0) return parameter_data(all_commands(profile, timeouts), cdb.be32(6));
  if (options > 3) return invalid_cdb_field(2, 2);

  const CommandRow* found = nullptr;
  bool has_actions = false;
  bool known = false;
  for (const CommandRow& row : find_opcode(cdb[3])) {
    if (!supports(row, profile)) continue;
    known = true;
    has_actions = row.has_action();
    const int action = row.has_action() ? row.action : 0;
    if (options == 1 || action == cdb.be16(4)) found = &row;
  }
  // 001b must not, 010b must have service actions; 011b takes either.
  if (known && options != 3 && has_actions != (options == 2)) return invalid_cdb_field(2, 2);
  return parameter_data(one_command(found, profile, timeouts), cdb.be32(6));
}

Plan plan_report_supported_task_management(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const bool extended = (cdb[2] & 0x80) != 0;
  if (cdb.be32(6) < 4) return invalid_cdb_field(6);
  std::array<std::uint8_t, 4> head{};
  for (const TaskManagementRow& row : task_management_table()) {
    const bool there =
        row.supported && row.least_protocol_level <= execution.around.ports.iscsi_protocol_level;
    if (!there || row.report_byte >= 2) continue;
    head[row.report_byte] |= static_cast<std::uint8_t>(1U << row.report_bit);
  }
  bytes::Writer out;
  if (extended) head[3] = 0x0c;
  out.octets(head);
  if (extended) out.zeros(12);  // no timeouts to tell
  return parameter_data(std::move(out).take(), cdb.be32(6));
}

}  // namespace faultlun::scsi
