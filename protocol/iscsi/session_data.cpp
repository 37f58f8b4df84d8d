// Data-Out from the socket to the daemon, and the end of a task.  RFC 7143 §4.2.5.2, §11.4, §11.7,
// §11.8.
#include "protocol/iscsi/session_impl.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace faultlun::iscsi {

void Session::Impl::on_data_out(const PduView& pdu, Outbox& out, Effects& effects) {
  const auto bhs = wire::load<wire::DataOutBhs>(pdu.header);
  Task* const task = tasks_.find(bhs.initiator_task_tag.value());
  if (task == nullptr) {
    if (!pdu.data_digest_ok) return send_reject(pdu, wire::reject::kDataDigestError, out);
    if (!ahead_.empty() && keep_ahead_data(pdu, effects)) return;
    return send_reject(pdu, wire::reject::kInvalidPduField, out);
  }
  DataOutPdu data_out;
  data_out.target_transfer_tag = bhs.target_transfer_tag.value();
  data_out.data_sn = bhs.data_sn.value();
  data_out.offset = bhs.buffer_offset.value();
  data_out.length = static_cast<std::uint32_t>(pdu.data.size());
  data_out.final = pdu.final();
  data_out.digest_ok = pdu.data_digest_ok;
  data_out.lun_agrees = std::memcmp(bhs.lun, task->lun_field, sizeof bhs.lun) == 0;
  const auto taken = take_data_out(*task, rules_, data_out);
  if (taken.reject_reason != 0) send_reject(pdu, taken.reject_reason, out);
  if (taken.deliver && !pdu.data.empty()) deliver(*task, data_out.offset, pdu.data, effects);
  progress(*task, out, effects);
}

void Session::Impl::deliver(Task& task, std::uint32_t offset, bytes::View data, Effects& effects) {
  auto& transfer = task.transfer;
  if (!transfer.collecting) return hold(task, offset, data);
  if ((transfer.lost && transfer.r2ts_sent == 0) || offset >= transfer.wanted) return;
  const auto length =
      std::min<std::uint32_t>(static_cast<std::uint32_t>(data.size()), transfer.wanted - offset);
  transfer.received += length;
  effects.emplace_back(effect::DataOut{&task, offset, data.first(length)});
}

/// Unsolicited data of a command that the daemon has not decided to collect yet.
void Session::Impl::hold(Task& task, std::uint32_t offset, bytes::View data) {
  if (task.transfer.lost) return;
  if (held_bytes_ + data.size() > kMaxHeldDataBytes) return lose(task);
  auto& extra = extra_of(task);
  extra.held.push_back({offset, bytes::Buffer(data.begin(), data.end())});
  extra.held_bytes += data.size();
  held_bytes_ += data.size();
}

/// Forgets the unsolicited data of a task; R2Ts will ask for it again.
void Session::Impl::lose(Task& task) {
  task.transfer.lost = true;
  if (!task.extra) return;
  held_bytes_ -= task.extra->held_bytes;
  task.extra->held_bytes = 0;
  task.extra->held = {};
}

void Session::Impl::collect(Task& task, std::uint64_t device_length, std::size_t immediate_taken,
                            Outbox& out, Effects& effects) {
  if (task.aborted || task.answered) return;
  auto& transfer = task.transfer;
  assert(!transfer.collecting);
  transfer.collecting = true;
  transfer.wanted = task.writes ? static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                      device_length, task.expected_data_transfer_length))
                                : 0;
  const std::uint32_t at_hand = std::min(transfer.immediate, transfer.wanted);
  transfer.received = static_cast<std::uint32_t>(std::min<std::size_t>(immediate_taken, at_hand));
  if (transfer.received < at_hand) lose(task);
  if (task.extra)
    for (const auto& piece : task.extra->held)
      deliver(task, piece.offset, piece.octets, effects);
  progress(task, out, effects);
}

/// What can be done for a task after its data went on.
void Session::Impl::progress(Task& task, Outbox& out, Effects& effects) {
  auto& transfer = task.transfer;
  if (!data_due(task)) {
    if (task.aborted) {
      if (task.draining) drained(task, out);
      return;
    }
    if (task.answered) {
      auto reply = std::move(*task.extra->reply);
      return send_reply(task, std::move(reply), out);
    }
    if (!transfer.collecting || transfer.reported) return;
    if (transfer.failed) {
      transfer.reported = true;
      scsi::Sense sense;
      sense.code = transfer.failure;
      effects.emplace_back(effect::DataFailed{&task, sense});
      return;
    }
    if (transfer.received >= transfer.wanted) {
      transfer.reported = true;
      effects.emplace_back(effect::DataComplete{&task});
      return;
    }
  }
  if (!may_send_r2t(task, rules_)) return;
  if (transfer.paced) {
    effects.emplace_back(effect::R2tDue{&task});
  } else {
    send_r2ts(task, out);
  }
}

bool Session::Impl::send_paced_r2t(Task& task, Outbox& out) {
  if (task.aborted || task.answered || !may_send_r2t(task, rules_)) return false;
  if (task.transfer.r2ts_sent == 0) begin_r2ts(task, rules_, take_tags(r2ts_needed(task, rules_)));
  if (const auto r2t = next_r2t(task, rules_)) send_r2t(task, *r2t, out);
  return may_send_r2t(task, rules_);
}

void Session::Impl::send_r2ts(Task& task, Outbox& out) {
  if (task.transfer.r2ts_sent == 0) begin_r2ts(task, rules_, take_tags(r2ts_needed(task, rules_)));
  while (const auto r2t = next_r2t(task, rules_))
    send_r2t(task, *r2t, out);
}

void Session::Impl::complete(Task& task, scsi::Reply&& reply, Outbox& out) {
  if (task.aborted) return discard(task);
  assert(!task.answered);
  task.answered = true;
  task.host = nullptr;
  if (!data_due(task)) return send_reply(task, std::move(reply), out);
  fail_transfer(
      task,
      kUnexpectedUnsolicitedData);  // from now on its data is swallowed; the reply says what counts
  extra_of(task).reply = std::move(reply);
}

void Session::Impl::send_reply(Task& task, scsi::Reply&& reply, Outbox& out) {
  const bool has_data =
      task.reads && !reply.data_in.empty() && task.expected_data_transfer_length > 0;
  if (has_data) {
    send_parameter_data(task, reply, out);
    if (scsi::is_plain_good(reply)) return finish_data_in(task);
  }
  send_response(task, reply, true, out);
  release_task(task);
}

void Session::Impl::release_task(Task& task) {
  if (task.extra) held_bytes_ -= task.extra->held_bytes;
  if (task.immediate) {
    --immediate_tasks_;
  } else {
    const bool shut = advertised_max_ == window_.expected() - 1;
    window_.end_task();
    if (shut) window_opened_ = true;
  }
  tasks_.release(task);
}

}  // namespace faultlun::iscsi
