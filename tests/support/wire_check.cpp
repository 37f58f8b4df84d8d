#include "tests/support/wire_check.hpp"

#include <algorithm>
#include <span>

namespace faultlun::support {

bool serial_less(std::uint32_t a, std::uint32_t b) {
  return a != b && b - a < 0x80000000u;
}

namespace {

/// Bits that must be zero in one octet of a target PDU (A2.01, RFC 7143 §11).
struct Reserved {
  std::uint8_t first, last;  ///< octets, inclusive
  std::uint8_t bits = 0xff;
};

// clang-format off
constexpr Reserved kNopIn[]      = {{1, 1, 0x7f}, {2, 4}, {36, 47}};
constexpr Reserved kResponse[]   = {{1, 1, 0x61}, {4, 4}, {8, 15}, {20, 23}};
constexpr Reserved kTaskMgmt[]   = {{1, 1, 0x7f}, {3, 4}, {5, 7}, {8, 15}, {20, 23}, {36, 47}};
constexpr Reserved kTaskMgmt2[]  = {{1, 1, 0x7f}, {3, 4}, {5, 7}, {11, 15}, {20, 23}, {36, 47}};  // RFC 7144: 8 to 10
constexpr Reserved kResponse2[]  = {{1, 1, 0x61}, {4, 4}, {10, 15}, {20, 23}};                     // RFC 7144: 8 and 9
constexpr Reserved kLogin[]      = {{1, 1, 0x30}, {4, 4}, {20, 23}, {38, 47}};
constexpr Reserved kText[]       = {{1, 1, 0x3f}, {2, 4}, {36, 47}};
constexpr Reserved kDataIn[]     = {{1, 1, 0x38}, {2, 2}, {4, 4}};
constexpr Reserved kLogout[]     = {{1, 1, 0x7f}, {3, 4}, {5, 7}, {8, 15}, {20, 23}, {36, 39}, {44, 47}};
constexpr Reserved kR2t[]        = {{1, 1, 0x7f}, {2, 4}, {5, 7}};
constexpr Reserved kAsync[]      = {{1, 1, 0x7f}, {2, 4}, {20, 23}, {44, 47}};
constexpr Reserved kReject[]     = {{1, 1, 0x7f}, {3, 4}, {8, 15}, {20, 23}, {40, 47}};
// clang-format on

std::span<const Reserved> reserved_of(Op op, std::uint8_t protocol_level) {
  switch (op) {
    case Op::nop_in:
      return kNopIn;
    case Op::scsi_response:
      return protocol_level >= 2 ? std::span<const Reserved>(kResponse2) : kResponse;
    case Op::task_management_response:
      return protocol_level >= 2 ? std::span<const Reserved>(kTaskMgmt2) : kTaskMgmt;
    case Op::login_response:
      return kLogin;
    case Op::text_response:
      return kText;
    case Op::data_in:
      return kDataIn;
    case Op::logout_response:
      return kLogout;
    case Op::r2t:
      return kR2t;
    case Op::async_message:
      return kAsync;
    case Op::reject:
      return kReject;
    default:
      return {};
  }
}

bool carries_status(const Pdu& pdu) {
  switch (pdu.opcode()) {
    case Op::r2t:
      return false;
    case Op::data_in:
      return (pdu.flags() & 0x01) != 0;
    case Op::nop_in:
      return pdu.tag() != kNoTag;
    default:
      return true;
  }
}

/// Which request an answer belongs to; nothing for PDUs that answer none.
std::optional<Op> request_of(Op op) {
  switch (op) {
    case Op::scsi_response:
    case Op::data_in:
    case Op::r2t:
      return Op::scsi_command;
    case Op::task_management_response:
      return Op::task_management;
    case Op::text_response:
      return Op::text;
    case Op::logout_response:
      return Op::logout;
    case Op::nop_in:
      return Op::nop_out;
    default:
      return std::nullopt;
  }
}

bool all_zero(const Pdu& pdu, std::size_t first, std::size_t last) {
  return std::all_of(pdu.header.begin() + static_cast<std::ptrdiff_t>(first),
                     pdu.header.begin() + static_cast<std::ptrdiff_t>(last) + 1,
                     [](std::uint8_t v) { return v == 0; });
}

}  // namespace

void WireCheck::note_sent(const Pdu& pdu) {
  switch (pdu.opcode()) {
    case Op::scsi_command:
    case Op::task_management:
    case Op::text:
    case Op::logout:
    case Op::nop_out: {
      if (pdu.tag() == kNoTag) return;
      OpenTask task;
      task.kind = pdu.opcode();
      task.expected_length = pdu.u32(20);
      task.cmd_sn = pdu.cmd_sn();
      task.immediate = pdu.immediate();
      task.reads = (pdu.flags() & kRead) != 0;
      task.writes = (pdu.flags() & kWrite) != 0;
      std::copy(pdu.header.begin() + 8, pdu.header.begin() + 16, task.lun.begin());
      tasks_.insert_or_assign(pdu.tag(), task);
      return;
    }
    case Op::data_out: {
      const auto task = tasks_.find(pdu.tag());
      if (task != tasks_.end() && pdu.final()) task->second.open_r2ts.erase(pdu.transfer_tag());
      return;
    }
    default:
      return;
  }
}

std::vector<std::string> WireCheck::check(const Pdu& pdu) {
  Findings findings;
  check_format(pdu, findings);
  check_fields(pdu, findings);
  check_numbers(pdu, findings);
  check_task(pdu, findings);
  return findings;
}

void WireCheck::check_format(const Pdu& pdu, Findings& findings) const {
  const auto reserved = reserved_of(pdu.opcode(), rules.protocol_level);
  if (reserved.empty()) {
    findings.push_back("A2.04: opcode no target may send");
    return;
  }
  if ((pdu.header[0] & 0xc0) != 0) findings.push_back("A2.01: reserved bits in octet 0");
  for (const auto& field : reserved)
    for (std::size_t at = field.first; at <= field.last; ++at)
      if ((pdu.header[at] & field.bits) != 0)
        findings.push_back("A2.01: reserved bits set in octet " + std::to_string(at));
  const bool always_final = pdu.opcode() != Op::login_response &&
                            pdu.opcode() != Op::text_response && pdu.opcode() != Op::data_in;
  if (always_final && !pdu.final()) findings.push_back("A2.01: bit 7 of octet 1 must be 1");
  if (!pdu.ahs.empty()) findings.push_back("A2.05: an additional header segment from the target");
  if (pdu.data.size() > rules.our_max_recv_data_segment_length)
    findings.push_back("A2.08: data segment of " + std::to_string(pdu.data.size()) +
                       " octets is over our MaxRecvDataSegmentLength");
  if (!rules.full_feature && pdu.opcode() != Op::login_response && pdu.opcode() != Op::reject)
    findings.push_back("A5: only Login Responses may come before the full-feature phase");
  if (rules.full_feature && pdu.opcode() == Op::login_response)
    findings.push_back("A5: a Login Response in the full-feature phase");
}

void WireCheck::check_fields(const Pdu& pdu, Findings& findings) const {
  const auto expect = [&](bool ok, const char* what) {
    if (!ok) findings.push_back(what);
  };
  switch (pdu.opcode()) {
    case Op::nop_in:
      if (pdu.tag() == kNoTag) {
        expect(pdu.data.empty(), "A11.08: an unsolicited NOP-In with data");
        expect(pdu.transfer_tag() != kNoTag || all_zero(pdu, 8, 15),
               "A11.08: LUN in a NOP-In without TTT");
      } else {
        expect(pdu.transfer_tag() == kNoTag,
               "A11.06: a NOP-In that answers must have TTT FFFFFFFFh");
      }
      break;
    case Op::data_in: {
      const bool status = (pdu.flags() & 0x01) != 0;
      expect((pdu.flags() & 0x40) == 0, "A8.20: A bit at ErrorRecoveryLevel 0");
      expect(!status || pdu.final(), "A8.17: S bit without F");
      expect(pdu.transfer_tag() == kNoTag, "A8.20: Data-In TTT although the A bit is 0");
      expect(all_zero(pdu, 8, 15), "A2.01: LUN is reserved in Data-In while TTT is FFFFFFFFh");
      if (!status) {
        expect(pdu.at(3) == 0, "A2.01: status octet in Data-In without S");
        expect(pdu.stat_sn() == 0, "A2.01: StatSN is reserved in Data-In without S");
        expect((pdu.flags() & 0x06) == 0, "A2.01: O or U in Data-In without S");
        expect(pdu.u32(44) == 0, "A2.01: residual count in Data-In without S");
      }
      break;
    }
    case Op::text_response:
      if (pdu.final())
        expect(pdu.transfer_tag() == kNoTag, "A4.16: F=1 needs TTT FFFFFFFFh");
      else
        expect(pdu.transfer_tag() != kNoTag, "A4.16: F=0 needs a valid TTT");
      expect((pdu.flags() & 0xc0) != 0xc0, "A4.04: C=1 together with F=1");
      break;
    case Op::login_response: {
      const bool transit = pdu.final();
      expect((pdu.flags() & 0xc0) != 0xc0, "A4.04: C=1 together with T=1");
      expect(transit || (pdu.flags() & 0x03) == 0, "A2.01: NSG is reserved while T=0");
      expect(pdu.at(2) == 0 && pdu.at(3) == 0, "A5.09: version other than 0");
      break;
    }
    case Op::async_message:
    case Op::reject:
      expect(pdu.tag() == kNoTag, "A2.10: octets 16 to 19 must be FFFFFFFFh");
      break;
    case Op::r2t:
      expect(pdu.transfer_tag() != kNoTag, "A8.13: R2T without a Target Transfer Tag");
      break;
    default:
      break;
  }
  if (pdu.opcode() == Op::reject) {
    expect(pdu.data.size() >= 48, "A2.10: Reject without the rejected header");
    expect(pdu.at(2) >= 0x02 && pdu.at(2) <= 0x0c && pdu.at(2) != 0x0b,
           "A2.11: reserved Reject reason");
  }
}

void WireCheck::check_numbers(const Pdu& pdu, Findings& findings) {
  const bool failed_login = pdu.opcode() == Op::login_response && pdu.at(36) != 0;
  if (failed_login) return;  // its numbers need not be valid, RFC 7143 §11.13.4
  const bool counts = carries_status(pdu);
  const bool shows_stat_sn = counts || pdu.opcode() != Op::data_in;
  if (shows_stat_sn) {
    if (next_stat_sn_ && pdu.stat_sn() != *next_stat_sn_)
      findings.push_back("A3.10: StatSN " + std::to_string(pdu.stat_sn()) + ", expected " +
                         std::to_string(*next_stat_sn_));
    next_stat_sn_ = pdu.stat_sn() + (counts ? 1 : 0);
  }
  const auto exp = pdu.exp_cmd_sn();
  const auto max = pdu.max_cmd_sn();
  if (exp_cmd_sn_ && serial_less(exp, *exp_cmd_sn_))
    findings.push_back("A3.07: ExpCmdSN went backwards");
  if (max_cmd_sn_ && serial_less(max, *max_cmd_sn_))
    findings.push_back("A3.07: MaxCmdSN went backwards");
  if (serial_less(max, exp - 1)) findings.push_back("A3.07: MaxCmdSN below ExpCmdSN-1");
  exp_cmd_sn_ = exp;
  max_cmd_sn_ = max;
}

void WireCheck::check_task(const Pdu& pdu, Findings& findings) {
  const auto request = request_of(pdu.opcode());
  if (!request || pdu.tag() == kNoTag) return;
  const auto found = tasks_.find(pdu.tag());
  if (found == tasks_.end() || found->second.kind != *request) {
    if (!tolerate_unknown_tags)
      findings.push_back("an answer to a tag that has no outstanding request: " +
                         std::to_string(pdu.tag()));
    return;
  }
  OpenTask& task = found->second;
  bool done = true;
  switch (pdu.opcode()) {
    case Op::data_in:
      check_data_in(pdu, task, findings);
      done = (pdu.flags() & 0x01) != 0;
      break;
    case Op::r2t:
      check_r2t(pdu, task, findings);
      done = false;
      break;
    case Op::scsi_response:
      check_scsi_response(pdu, task, findings);
      break;
    case Op::text_response:
      done = pdu.final();
      break;
    default:
      break;
  }
  if (!done) return;
  if (!task.immediate && !serial_less(task.cmd_sn, pdu.exp_cmd_sn()))
    findings.push_back("A3.15: answered before ExpCmdSN acknowledged the request");
  tasks_.erase(found);
}

void WireCheck::check_data_in(const Pdu& pdu, OpenTask& task, Findings& findings) const {
  if (!task.reads) findings.push_back("A8: Data-In for a command without R");
  if (pdu.u32(36) != task.data_in_pdus)
    findings.push_back("A3.12: DataSN is not contiguous from 0");
  if (pdu.u32(40) != task.data_in_bytes)
    findings.push_back("A7.15: Buffer Offset is not contiguous (DataPDUInOrder=Yes)");
  ++task.data_in_pdus;
  task.data_in_bytes += static_cast<std::uint32_t>(pdu.data.size());
  task.burst_bytes += static_cast<std::uint32_t>(pdu.data.size());
  if (task.data_in_bytes > task.expected_length)
    findings.push_back("A8.03: more Data-In than the Expected Data Transfer Length");
  if (task.burst_bytes > rules.max_burst_length)
    findings.push_back("A7.10: Data-In sequence over MaxBurstLength");
  if (pdu.final()) task.burst_bytes = 0;
  task.last_data_in_final = pdu.final();
  if ((pdu.flags() & 0x01) == 0) return;
  if (pdu.at(3) == 0x02) findings.push_back("A8.06: CHECK CONDITION in a Data-In");
  check_residual(pdu, task, findings);
}

void WireCheck::check_r2t(const Pdu& pdu, OpenTask& task, Findings& findings) const {
  const auto offset = pdu.u32(40);
  const auto length = pdu.u32(44);
  if (!task.writes) findings.push_back("A8.13: R2T for a command without W");
  if (pdu.u32(36) != task.r2ts) findings.push_back("A3.12: R2TSN is not contiguous from 0");
  if (task.next_r2t_offset && offset != *task.next_r2t_offset)
    findings.push_back("A8.15: R2Ts are not contiguous (DataSequenceInOrder=Yes)");
  if (length == 0 || length > rules.max_burst_length)
    findings.push_back("A8.13: Desired Data Transfer Length 0 or over MaxBurstLength");
  if (std::uint64_t{offset} + length > task.expected_length)
    findings.push_back("A8.13: R2T beyond the Expected Data Transfer Length");
  if (!std::equal(task.lun.begin(), task.lun.end(), pdu.header.begin() + 8))
    findings.push_back("A2.14: LUN of the R2T differs from its command's");
  if (!task.open_r2ts.insert(pdu.transfer_tag()).second)
    findings.push_back("A8.13: Target Transfer Tag already in use");
  if (task.open_r2ts.size() > rules.max_outstanding_r2t)
    findings.push_back("A8.14: more outstanding R2Ts than negotiated");
  ++task.r2ts;
  task.next_r2t_offset = offset + length;
}

void WireCheck::check_scsi_response(const Pdu& pdu, const OpenTask& task,
                                    Findings& findings) const {
  const auto response = pdu.at(2);
  const auto status = pdu.at(3);
  const auto exp_data_sn = pdu.u32(36);
  if (response != 0) {
    if (exp_data_sn != 0) findings.push_back("A3.14: ExpDataSN with a Response other than 0");
    return;
  }
  if (!task.last_data_in_final)
    findings.push_back("A8.17: the last Data-In before the response had F=0");
  if (exp_data_sn != task.data_in_pdus && !(task.reads && task.writes))
    findings.push_back("A3.14: ExpDataSN is not the number of Data-In PDUs");
  if (status == 0x02) {
    const bool framed =
        pdu.data.size() >= 2 && std::size_t{get16(pdu.data.data())} + 2 <= pdu.data.size();
    if (!framed || get16(pdu.data.data()) == 0)
      if (!tolerate_missing_sense) findings.push_back("A8.06: CHECK CONDITION without sense data");
  } else if (!pdu.data.empty() && rules.protocol_level < 2) {
    findings.push_back("A14.03: data segment with a status other than CHECK CONDITION");
  }
  if ((pdu.flags() & 0x18) == 0 && pdu.u32(40) != 0)
    findings.push_back("A8.05: bidirectional residual without o or u");
  check_residual(pdu, task, findings);
}

void WireCheck::check_residual(const Pdu& pdu, const OpenTask& task, Findings& findings) const {
  const bool over = (pdu.flags() & 0x04) != 0;
  const bool under = (pdu.flags() & 0x02) != 0;
  const auto residual = pdu.u32(44);
  if (over && under) findings.push_back("A8.03: both O and U");
  if (!over && !under && residual != 0)
    findings.push_back("A8.03: a residual count without O or U");
  if ((over || under) && residual == 0)
    findings.push_back("A8.03: O or U with a residual count of 0");
  if (under && residual > task.expected_length)
    findings.push_back("A8.03: underflow larger than the Expected Data Transfer Length");
  if (!task.reads || task.writes || pdu.at(3) != 0x00) return;  // exact only with GOOD
  const auto missing = task.expected_length - task.data_in_bytes;
  if (missing != (under ? residual : 0))
    findings.push_back("A8.03: underflow count does not match the data that came");
}

}  // namespace faultlun::support
