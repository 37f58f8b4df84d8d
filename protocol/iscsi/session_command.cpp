// Requests of the initiator that carry a CmdSN, but for task management.  RFC 7143 §11.3, §11.10,
// §11.14, §11.18.
#include "protocol/iscsi/session_impl.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>
#include <cstring>

namespace faultlun::iscsi {
namespace {

constexpr std::uint8_t kHighestAttribute = static_cast<std::uint8_t>(scsi::TaskAttribute::aca);
constexpr std::size_t kAhsFixedBytes =
    3;  // AHSLength, AHSType: not counted by AHSLength (§11.2.2.1)
constexpr std::size_t kCdbInHeader = 16;

enum class AhsVerdict : std::uint8_t { ok, malformed, cdb_too_long };

/// Reads the additional header segments; an extended CDB goes behind the 16 octets in `cdb`.  A
/// segment of an unknown type is malformed: a command of which we do not understand a part is not
/// executed.
AhsVerdict parse_ahs(bytes::View ahs, scsi::Cdb& cdb) {
  bool too_long = false;
  bool extended = false;
  while (!ahs.empty()) {
    const std::size_t length =
        bytes::be16(ahs.data());  // counts the octet after AHSType and what follows
    const std::size_t padded = bytes::padded4(kAhsFixedBytes + length);
    if (length == 0 || padded > ahs.size()) return AhsVerdict::malformed;
    const bytes::View content = ahs.subspan(kAhsFixedBytes + 1, length - 1);
    switch (ahs[2]) {
      case wire::kExtendedCdbAhs:
        if (extended || content.empty())
          return AhsVerdict::malformed;  // only for a CDB over 16 octets (A2.07)
        extended = true;
        too_long = kCdbInHeader + content.size() > scsi::kCdbBytes;
        if (too_long) break;
        std::copy(content.begin(), content.end(), cdb.raw.begin() + kCdbInHeader);
        cdb.length = static_cast<std::uint8_t>(kCdbInHeader + content.size());
        break;
      case wire::kBidirectionalReadLengthAhs:
        if (content.size() != 4) return AhsVerdict::malformed;
        break;  // a bidirectional command is refused anyway
      default:
        return AhsVerdict::malformed;
    }
    ahs = ahs.subspan(padded);
  }
  return too_long ? AhsVerdict::cdb_too_long : AhsVerdict::ok;
}

}  // namespace

void Session::Impl::on_scsi_command(const PduView& pdu, Outbox& out, Effects& effects) {
  const auto bhs = wire::load<wire::ScsiCommandBhs>(pdu.header);
  const std::uint32_t tag = bhs.initiator_task_tag.value();
  const bool immediate = pdu.immediate();
  const std::uint8_t attribute = bhs.flags & wire::kAttributeMask;
  if (attribute > kHighestAttribute || tag == kReservedTag)
    return send_reject(pdu, wire::reject::kInvalidPduField, out);
  if (Task* old = tasks_.find(tag)) {
    if (!old->draining)
      return send_reject(pdu, wire::reject::kTaskInProgress, out);  // A2.15, B1.07
    if (old->extra) old->extra->reply.reset();  // the initiator has given its task up
    drained(*old, out);
  }
  if (!managements_.empty() && find_management(tag) != nullptr)
    return send_reject(pdu, wire::reject::kTaskInProgress, out);
  if (immediate && immediate_tasks_ >= kMaxImmediateTasks)
    return send_reject(pdu, wire::reject::kTooManyImmediateCommands, out);
  scsi::Cdb cdb{bytes::View(bhs.cdb)};
  const auto ahs = pdu.ahs.empty() ? AhsVerdict::ok : parse_ahs(pdu.ahs, cdb);
  if (ahs == AhsVerdict::malformed) return send_reject(pdu, wire::reject::kInvalidPduField, out);

  if (immediate) {
    ++immediate_tasks_;
  } else {
    window_.advance();
    window_.begin_task();
  }
  Task& task = tasks_.add(tag);
  task.cmd_sn = bhs.cmd_sn.value();
  task.birth = births_++;
  task.expected_data_transfer_length = bhs.expected_data_transfer_length.value();
  task.immediate = immediate;
  task.reads = (bhs.flags & wire::kRead) != 0;
  task.writes = (bhs.flags & wire::kWrite) != 0;
  std::memcpy(task.lun_field, bhs.lun, sizeof bhs.lun);
  task.lun = scsi::parse_lun(bhs.lun);
  task.command.cdb = cdb;
  task.command.attribute = static_cast<scsi::TaskAttribute>(attribute);

  auto problem =
      begin_transfer(task, rules_, static_cast<std::uint32_t>(pdu.data.size()), pdu.final());
  if (ahs == AhsVerdict::cdb_too_long && !problem)
    problem = kInvalidOperationCode;  // no such command here (A8.21)
  if (problem) return refuse(task, *problem, out);
  effects.emplace_back(effect::RunTask{&task, pdu.data});
}

/// Ends a command that the daemon never hears of, after the data that it announced (A8.07).
void Session::Impl::refuse(Task& task, scsi::SenseCode code, Outbox& out) {
  scsi::Sense sense;
  sense.code = code;
  complete(task, scsi::check_condition(sense), out);
}

void Session::Impl::on_nop_out(const PduView& pdu, Outbox& out) {
  const auto bhs = wire::load<wire::NopOutBhs>(pdu.header);
  const std::uint32_t tag = bhs.initiator_task_tag.value();
  if (tag == kReservedTag && !pdu.immediate())
    return send_reject(pdu, wire::reject::kProtocolError, out);  // A11.07
  if (tag != kReservedTag && tag_in_use(tag))
    return send_reject(pdu, wire::reject::kTaskInProgress, out);
  acknowledge(pdu);
  if (ping_tag_ != kReservedTag && bhs.target_transfer_tag.value() == ping_tag_)
    ping_tag_ = kReservedTag;
  if (tag != kReservedTag) send_nop_answer(pdu, out);
}

void Session::Impl::on_text(const PduView& pdu, Outbox& out) {
  const std::uint32_t tag = pdu.initiator_task_tag();
  if (tag == kReservedTag) return send_reject(pdu, wire::reject::kInvalidPduField, out);
  if (tag_in_use(tag)) return send_reject(pdu, wire::reject::kTaskInProgress, out);
  if (!text_) text_ = std::make_unique<TextExchange>(*directory_, login_);
  const auto answer = text_->receive(pdu);
  if (answer.kind == TextExchange::Answer::Kind::reject)
    return send_reject(pdu, answer.reject_reason, out);
  acknowledge(pdu);
  send_text_response(tag, answer, out);
  if (answer.peer_max_recv_data_segment_length)
    set_peer_segment_limit(*answer.peer_max_recv_data_segment_length);
}

/// §11.14, §11.15.  A session has one connection: closing it closes the session.
void Session::Impl::on_logout(const PduView& pdu, Outbox& out, Effects& effects) {
  constexpr std::uint8_t kCloseSession = 0, kCloseConnection = 1, kRemoveForRecovery = 2;
  constexpr std::uint8_t kClosed = 0, kCidNotFound = 1, kRecoveryNotSupported = 2;
  const auto bhs = wire::load<wire::LogoutRequestBhs>(pdu.header);
  const std::uint32_t tag = bhs.initiator_task_tag.value();
  const std::uint8_t reason = bhs.reason & 0x7f;
  if (tag == kReservedTag) return send_reject(pdu, wire::reject::kInvalidPduField, out);
  if (tag_in_use(tag)) return send_reject(pdu, wire::reject::kTaskInProgress, out);
  if (reason > (discovery() ? kCloseSession : kRemoveForRecovery))
    return send_reject(pdu, wire::reject::kProtocolError, out);
  acknowledge(pdu);

  std::uint8_t response = kClosed;
  if (reason == kRemoveForRecovery) response = kRecoveryNotSupported;
  if (reason == kCloseConnection && bhs.cid.value() != login_.cid) response = kCidNotFound;
  if (response == kClosed) {
    managements_.clear();
    tasks_.for_each([&](Task& task) {
      if (!task.aborted) abort_task(task, false, out, effects);
    });
  }
  send_logout_response(tag, response, out);
  if (response == kClosed) close(effect::Close::Why::logout, "logout", effects);
}

}  // namespace faultlun::iscsi
