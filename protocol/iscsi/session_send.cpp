// PDUs of the target, written straight into the outbox.  RFC 7143 §11.4, §11.6 to §11.9, §11.11,
// §11.15, §11.17, §11.19.
#include "protocol/bytes/crc32c.hpp"
#include "protocol/iscsi/session_impl.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace faultlun::iscsi {
namespace {

constexpr std::uint8_t kStatusQualifierLevel = 2;  // iSCSIProtocolLevel, RFC 7144 §5.2

struct Residual {
  std::uint8_t flags = 0;
  std::uint32_t count = 0;
};

Residual residual_of(std::uint64_t device_length, std::uint32_t expected) {
  if (device_length > expected) {
    const std::uint64_t count = device_length - expected;
    return {wire::kOverflow,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 0xffffffff))};
  }
  if (device_length < expected)
    return {wire::kUnderflow, expected - static_cast<std::uint32_t>(device_length)};
  return {};
}

/// §11.4.5 (A8.03).  What the device wanted to move against the direction that the command
/// announced is overflow.
Residual residual_of(const Task& task, const scsi::Reply& reply) {
  const std::uint64_t in = std::max<std::uint64_t>(reply.data_in_length, reply.data_in.size());
  const std::uint64_t out = reply.data_out_length;
  if (!task.reads && in > 0) return residual_of(in, 0);
  if (!task.writes && out > 0) return residual_of(out, 0);
  return residual_of(task.reads ? in : out, task.expected_data_transfer_length);
}

}  // namespace

/// ExpCmdSN and MaxCmdSN; `ending_tasks` end with this PDU, so that it may tell of the room they
/// leave.
template <typename T>
void Session::Impl::stamp(T& bhs, std::uint32_t ending_tasks) {
  advertised_max_ = window_.max_after(ending_tasks);
  window_opened_ = false;
  bhs.exp_cmd_sn = window_.expected();
  bhs.max_cmd_sn = advertised_max_;
}

template <typename T>
void Session::Impl::write_header(std::uint8_t* at, const T& bhs) const {
  static_assert(wire::Bhs<T>);
  bytes::store(std::span<std::uint8_t, kBhsBytes>(at, kBhsBytes), bhs);
  if (header_digest_) bytes::put_digest(at + kBhsBytes, bytes::crc32c({at, kBhsBytes}));
}

template <typename T>
void Session::Impl::send(T& bhs, bytes::View data, Outbox& out) {
  bhs.data_segment_length = static_cast<std::uint32_t>(data.size());
  write_header(out.append(header_bytes()), bhs);
  if (data.empty()) return;
  out.append(data);
  constexpr std::uint8_t kPadding[3] = {};
  const auto padding = bytes::View(kPadding).first(bytes::padded4(data.size()) - data.size());
  out.append(padding);
  if (data_digest_)
    bytes::put_digest(out.append(kDigestBytes), bytes::crc32c_append(bytes::crc32c(data), padding));
}

// ---- Data-In
// -------------------------------------------------------------------------------------------------

std::uint32_t Session::Impl::next_data_in(const DataInCursor& cursor) const {
  std::uint32_t length = std::min(cursor.total - cursor.sent, segment_limit_);
  if (cursor.total > data_in_burst_)
    length = std::min(length, data_in_burst_ - cursor.sent % data_in_burst_);
  return length;
}

void Session::Impl::write_data_in_header(std::uint8_t* at, Task& task, DataInCursor& cursor,
                                         std::uint32_t length) {
  wire::DataInBhs bhs{};
  bhs.opcode = wire::opcode::kDataIn;
  bhs.data_segment_length = length;
  bhs.initiator_task_tag = task.initiator_task_tag;
  bhs.target_transfer_tag = kReservedTag;
  bhs.data_sn = task.data_in_pdus++;
  bhs.buffer_offset = cursor.sent;
  cursor.sent += length;
  if (cursor.sent == cursor.total && cursor.with_status) {
    const auto residual = residual_of(cursor.device_length, task.expected_data_transfer_length);
    bhs.flags = static_cast<std::uint8_t>(wire::kFinal | wire::kStatus | residual.flags);
    bhs.residual_count = residual.count;
    bhs.stat_sn = stat_sn_;  // counted by finish_data_in(): until then the PDU may be taken back
    stamp(bhs, task.immediate ? 0 : 1);
  } else {
    if (cursor.sent == cursor.total || cursor.sent % data_in_burst_ == 0) bhs.flags = wire::kFinal;
    stamp(bhs, 0);
  }
  write_header(at, bhs);
}

bytes::Span Session::Impl::room_for_data_in(Task& task, DataInCursor& cursor, std::uint32_t length,
                                            Outbox& out) {
  assert(length > 0);
  assert(length <= next_data_in(cursor));
  const std::size_t tail = bytes::padded4(length) + (data_digest_ ? kDigestBytes : 0);
  std::uint8_t* const at = out.append(header_bytes() + tail);
  write_data_in_header(at, task, cursor, length);
  return {at + header_bytes(), length};
}

void Session::Impl::seal_data_in(bytes::Span room) const {
  const std::size_t padded = bytes::padded4(room.size());
  std::memset(room.data() + room.size(), 0, padded - room.size());
  if (data_digest_) bytes::put_digest(room.data() + padded, bytes::crc32c({room.data(), padded}));
}

void Session::Impl::put_data_in(Task& task, DataInCursor& cursor, bytes::View data, void* pin,
                                void (*release)(void*) noexcept, Outbox& out) {
  assert(!data.empty());
  assert(data.size() <= next_data_in(cursor));
  write_data_in_header(out.append(header_bytes()), task, cursor,
                       static_cast<std::uint32_t>(data.size()));
  out.append_pinned(data, pin, release);
  const std::size_t padding = bytes::padded4(data.size()) - data.size();
  const std::size_t tail = padding + (data_digest_ ? kDigestBytes : 0);
  if (tail == 0) return;
  std::uint8_t* const at = out.append(tail);
  std::memset(at, 0, padding);
  if (data_digest_)
    bytes::put_digest(at + padding, bytes::crc32c_append(bytes::crc32c(data), {at, padding}));
}

void Session::Impl::finish_data_in(Task& task) {
  ++stat_sn_;
  release_task(task);
}

/// Data-In of a reply; the last PDU carries the status when it is GOOD (A8.17).
void Session::Impl::send_parameter_data(Task& task, const scsi::Reply& reply, Outbox& out) {
  DataInCursor cursor;
  cursor.total = data_in_total(task, reply.data_in.size());
  cursor.device_length = std::max<std::uint64_t>(reply.data_in_length, reply.data_in.size());
  cursor.with_status = scsi::is_plain_good(reply);
  while (const std::uint32_t length = next_data_in(cursor)) {
    const auto from = bytes::View(reply.data_in).subspan(cursor.sent, length);
    const auto room = room_for_data_in(task, cursor, length, out);
    std::memcpy(room.data(), from.data(), length);
    seal_data_in(room);
  }
}

// ---- answers
// -------------------------------------------------------------------------------------------------

/// Sense data as a fault rule dictates it; none at all: no data segment either.
void Session::Impl::send_raw_sense(wire::ScsiResponseBhs& bhs, bytes::View sense, Outbox& out) {
  if (sense.empty()) return send(bhs, {}, out);
  std::array<std::uint8_t, 2 + scsi::kMaxRawSenseBytes> segment;
  const auto length = std::min(sense.size(), scsi::kMaxRawSenseBytes);
  bytes::put_be16(segment.data(), static_cast<std::uint16_t>(length));
  std::copy_n(sense.begin(), length, segment.begin() + 2);
  send(bhs, bytes::View(segment).first(2 + length), out);
}

void Session::Impl::send_response(const Task& task, const scsi::Reply& reply, bool task_ends,
                                  Outbox& out) {
  wire::ScsiResponseBhs bhs{};
  const auto residual = residual_of(task, reply);
  bhs.opcode = wire::opcode::kScsiResponse;
  bhs.flags = static_cast<std::uint8_t>(wire::kFinal | residual.flags);
  bhs.status = static_cast<std::uint8_t>(reply.status);
  bhs.initiator_task_tag = task.initiator_task_tag;
  bhs.stat_sn = stat_sn_++;
  bhs.exp_data_sn = task.data_in_pdus;
  bhs.residual_count = residual.count;
  stamp(bhs, task_ends && !task.immediate ? 1 : 0);
  if (reply.status_qualifier != 0 && login_.parameters.protocol_level >= kStatusQualifierLevel)
    bhs.status_qualifier = reply.status_qualifier;
  if (reply.raw_sense) return send_raw_sense(bhs, *reply.raw_sense, out);
  if (!reply.sense) return send(bhs, {}, out);
  const auto sense = scsi::build_sense(*reply.sense, reply.descriptor_sense);
  std::array<std::uint8_t, 2 + sizeof sense.octets>
      segment;  // SenseLength, then the sense data (§11.4.7)
  bytes::put_be16(segment.data(), sense.length);
  std::copy_n(sense.octets.begin(), sense.length, segment.begin() + 2);
  send(bhs, bytes::View(segment).first(std::size_t{2} + sense.length), out);
}

void Session::Impl::send_r2t(const Task& task, const R2t& r2t, Outbox& out) {
  wire::R2tBhs bhs{};
  bhs.opcode = wire::opcode::kR2t;
  bhs.flags = wire::kFinal;
  std::memcpy(bhs.lun, task.lun_field, sizeof bhs.lun);
  bhs.initiator_task_tag = task.initiator_task_tag;
  bhs.target_transfer_tag = r2t.tag;
  bhs.stat_sn = stat_sn_;  // the next one; not counted (A8.13)
  bhs.r2t_sn = r2t.sn;
  bhs.buffer_offset = r2t.offset;
  bhs.desired_data_transfer_length = r2t.length;
  stamp(bhs, 0);
  send(bhs, {}, out);
}

void Session::Impl::send_reject(const PduView& pdu, std::uint8_t reason, Outbox& out) {
  wire::RejectBhs bhs{};
  bhs.opcode = wire::opcode::kReject;
  bhs.flags = wire::kFinal;
  bhs.reason = reason;
  bhs.all_ones = kReservedTag;
  bhs.stat_sn = stat_sn_++;
  stamp(bhs, 0);
  send(bhs, pdu.header, out);
}

void Session::Impl::send_nop_answer(const PduView& pdu, Outbox& out) {
  wire::NopInBhs bhs{};
  bhs.opcode = wire::opcode::kNopIn;
  bhs.flags = wire::kFinal;
  bhs.initiator_task_tag = pdu.initiator_task_tag();
  bhs.target_transfer_tag = kReservedTag;
  bhs.stat_sn = stat_sn_++;
  stamp(bhs, 0);
  const std::size_t limit = login_.parameters.peer_max_recv_data_segment_length;
  send(bhs, pdu.data.first(std::min(pdu.data.size(), limit)), out);
}

void Session::Impl::send_text_response(std::uint32_t initiator_task_tag,
                                       const TextExchange::Answer& answer, Outbox& out) {
  wire::TextResponseBhs bhs{};
  bhs.opcode = wire::opcode::kTextResponse;
  bhs.flags = static_cast<std::uint8_t>((answer.final ? wire::kFinal : 0) |
                                        (answer.more ? wire::kContinue : 0));
  bhs.initiator_task_tag = initiator_task_tag;
  bhs.target_transfer_tag = answer.target_transfer_tag;
  bhs.stat_sn = stat_sn_++;
  stamp(bhs, 0);
  send(bhs, answer.data, out);
}

void Session::Impl::send_task_management_response(std::uint32_t initiator_task_tag,
                                                  std::uint8_t response, std::uint32_t additional,
                                                  Outbox& out) {
  wire::TaskManagementResponseBhs bhs{};
  bhs.opcode = wire::opcode::kTaskManagementResponse;
  bhs.flags = wire::kFinal;
  bhs.response = response;
  bhs.additional_response_information = additional & 0xffffff;
  bhs.initiator_task_tag = initiator_task_tag;
  bhs.stat_sn = stat_sn_++;
  stamp(bhs, 0);
  send(bhs, {}, out);
}

/// Time2Wait and Time2Retain are 0: nothing is kept that an initiator could come back to.
void Session::Impl::send_logout_response(std::uint32_t initiator_task_tag, std::uint8_t response,
                                         Outbox& out) {
  wire::LogoutResponseBhs bhs{};
  bhs.opcode = wire::opcode::kLogoutResponse;
  bhs.flags = wire::kFinal;
  bhs.response = response;
  bhs.initiator_task_tag = initiator_task_tag;
  bhs.stat_sn = stat_sn_++;
  stamp(bhs, 0);
  send(bhs, {}, out);
}

// ---- unasked
// -------------------------------------------------------------------------------------------------

void Session::Impl::send_async_event(std::uint8_t event, std::uint16_t parameter1,
                                     std::uint16_t parameter2, std::uint16_t parameter3,
                                     Outbox& out) {
  constexpr std::uint8_t kLogoutRequested = 1;
  if (discovery() || closed_) return;
  wire::AsyncMessageBhs bhs{};
  bhs.opcode = wire::opcode::kAsyncMessage;
  bhs.flags = wire::kFinal;
  bhs.all_ones = kReservedTag;
  bhs.stat_sn = stat_sn_++;
  bhs.async_event = event;
  bhs.parameter1 = parameter1;
  bhs.parameter2 = parameter2;
  bhs.parameter3 = parameter3;
  stamp(bhs, 0);
  send(bhs, {}, out);
  if (event == kLogoutRequested) logout_requested_ = true;
}

void Session::Impl::send_nop_in(bool want_answer, Outbox& out) {
  if (discovery() || closed_) return;
  if (want_answer) ping_tag_ = take_tags(1);
  wire::NopInBhs bhs{};  // LUN 0, which counts only with a Target Transfer Tag
  bhs.opcode = wire::opcode::kNopIn;
  bhs.flags = wire::kFinal;
  bhs.initiator_task_tag = kReservedTag;
  bhs.target_transfer_tag = want_answer ? ping_tag_ : kReservedTag;
  bhs.stat_sn = stat_sn_;  // the next one; not counted (A3.10)
  stamp(bhs, 0);
  send(bhs, {}, out);
}

std::uint32_t Session::Impl::take_tags(std::uint32_t count) {
  if (next_tag_ > kReservedTag - count) next_tag_ = 1;
  const std::uint32_t first = next_tag_;
  next_tag_ += count;
  return first;
}

}  // namespace faultlun::iscsi
