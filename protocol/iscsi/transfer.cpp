#include "protocol/iscsi/transfer.hpp"

#include "protocol/iscsi/wire.hpp"

#include <algorithm>

namespace faultlun::iscsi {
namespace {

struct Bounds {
  std::uint32_t begin = 0, end = 0;
};

Bounds bounds_of_r2t(const Task& task, const TransferRules& rules, std::uint32_t index) {
  const auto& transfer = task.transfer;
  const std::uint32_t begin = transfer.r2t_begin + index * rules.max_burst;
  return {begin, begin + std::min(rules.max_burst, transfer.wanted - begin)};
}

/// The open sequence that R2TSN `index` asked for, or null.
DataSequence* open_sequence(Task& task, const TransferRules& rules, std::uint32_t index) {
  auto& transfer = task.transfer;
  if (rules.sequence_in_order) return index == transfer.r2ts_done ? &transfer.sequence : nullptr;
  for (auto& sequence : extra_of(task).sequences)
    if (sequence.open && sequence.index == index) return &sequence;
  return nullptr;
}

void close_unsolicited(Task& task) {
  task.transfer.unsolicited_open = false;
  task.transfer.sequence = {};
}

void close_r2t(Task& task, DataSequence& sequence) {
  ++task.transfer.r2ts_done;
  sequence = {};
}

/// Books [begin, end) as received; false when it overlaps what came before or the pieces are too
/// many.
bool add_range(Task& task, std::uint32_t begin, std::uint32_t end) {
  if (begin == end) return true;
  auto& ranges = extra_of(task).ranges;
  auto next = std::find_if(ranges.begin(), ranges.end(),
                           [&](const auto& range) { return range.end >= begin; });
  if (next != ranges.end() &&
      next->end == begin) {  // grows upwards, perhaps up to the following one
    const auto after = next + 1;
    if (after != ranges.end() && after->begin < end) return false;
    next->end = end;
    if (after != ranges.end() && after->begin == end) {
      next->end = after->end;
      ranges.erase(after);
    }
    return true;
  }
  if (next != ranges.end() && next->begin < end) return false;
  if (next != ranges.end() && next->begin == end) {
    next->begin = begin;
    return true;
  }
  if (ranges.size() >= kMaxDataOutRanges) return false;
  ranges.insert(next, {begin, end});
  return true;
}

/// A PDU of a transfer that has failed already (or whose task is gone): only its F bit matters.
TakenDataOut swallow(Task& task, const DataOutPdu& pdu) {
  auto& transfer = task.transfer;
  if (!pdu.final) return {};
  if (pdu.target_transfer_tag == kReservedTag)
    transfer.unsolicited_open = false;
  else if (outstanding_r2ts(task) > 0)
    ++transfer.r2ts_done;
  return {};
}

TakenDataOut spoil(Task& task, const DataOutPdu& pdu, scsi::SenseCode code,
                   std::uint8_t reject_reason) {
  fail_transfer(task, code);
  swallow(task, pdu);
  return {false, reject_reason};
}

/// Unsolicited data after its F bit, or for a command that announced none.
TakenDataOut unexpected(Task& task) {
  if (!task.writes || task.transfer.reported) return {false, wire::reject::kProtocolError};
  fail_transfer(task, kUnexpectedUnsolicitedData);
  return {};
}

/// A tag that no R2T of this task carries now.  It is taken as the spoilt answer to the oldest R2T,
/// for that answer will hardly come twice; a task that waits for no data is not touched.
TakenDataOut unknown_tag(Task& task, const DataOutPdu& pdu) {
  if (outstanding_r2ts(task) == 0) return {false, wire::reject::kInvalidPduField};
  return spoil(task, pdu, kIncorrectAmountOfData, wire::reject::kInvalidPduField);
}

/// The PDU lies where the sequence may have it.
bool well_placed(Task& task, const TransferRules& rules, const DataSequence& sequence,
                 Bounds bounds, const DataOutPdu& pdu) {
  if (pdu.offset < bounds.begin || pdu.offset > bounds.end) return false;
  if (pdu.length > bounds.end - pdu.offset) return false;
  if (rules.pdu_in_order) return pdu.offset == bounds.begin + sequence.received;
  return add_range(task, pdu.offset, pdu.offset + pdu.length);
}

}  // namespace

TransferRules transfer_rules(const Parameters& parameters) {
  TransferRules rules;
  rules.first_burst = parameters.first_burst_length;
  rules.max_burst = std::max<std::uint32_t>(4, parameters.max_burst_length & ~std::uint32_t{3});
  rules.max_outstanding_r2t =
      std::clamp<std::uint32_t>(parameters.max_outstanding_r2t, 1, kMaxOutstandingR2T);
  rules.initial_r2t = parameters.initial_r2t;
  rules.immediate_data = parameters.immediate_data;
  rules.pdu_in_order = parameters.data_pdu_in_order;
  rules.sequence_in_order = parameters.data_sequence_in_order;
  return rules;
}

std::optional<scsi::SenseCode> begin_transfer(Task& task, const TransferRules& rules,
                                              std::uint32_t immediate_bytes, bool final) {
  auto& transfer = task.transfer;
  if (!task.writes) {
    if (immediate_bytes > 0) return kUnexpectedUnsolicitedData;
    if (!final) return kInvalidFieldInCdb;  // F must be set when no data follows
    if (!task.reads && task.expected_data_transfer_length > 0) return kInvalidFieldInCdb;  // A8.01
    return std::nullopt;
  }
  transfer.unsolicited_limit = std::min(rules.first_burst, task.expected_data_transfer_length);
  transfer.immediate = immediate_bytes;
  if (!final) transfer.sequence.received = immediate_bytes;
  transfer.unsolicited_open = !final;
  if (task.reads) return kInvalidFieldInCdb;  // no bidirectional command exists here
  if (immediate_bytes > 0 && !rules.immediate_data) return kUnexpectedUnsolicitedData;
  if (!final && rules.initial_r2t) return kUnexpectedUnsolicitedData;
  if (immediate_bytes > transfer.unsolicited_limit) return kIncorrectAmountOfData;
  if (!rules.pdu_in_order && !final) add_range(task, 0, immediate_bytes);
  return std::nullopt;
}

TakenDataOut take_data_out(Task& task, const TransferRules& rules, const DataOutPdu& pdu) {
  auto& transfer = task.transfer;
  const bool solicited = pdu.target_transfer_tag != kReservedTag;
  if (transfer.failed) return swallow(task, pdu);
  if (!solicited && !transfer.unsolicited_open) return unexpected(task);

  DataSequence* sequence = &transfer.sequence;
  Bounds bounds{0, transfer.unsolicited_limit};
  if (solicited) {
    const std::uint32_t index = pdu.target_transfer_tag - transfer.first_tag;
    if (outstanding_r2ts(task) == 0 || index >= transfer.r2ts_sent) return unknown_tag(task, pdu);
    sequence = open_sequence(task, rules, index);
    if (sequence == nullptr) return unknown_tag(task, pdu);  // answered already, or out of its turn
    bounds = bounds_of_r2t(task, rules, index);
  }

  if (!pdu.digest_ok)
    return spoil(task, pdu, kProtocolServiceCrcError, wire::reject::kDataDigestError);
  if (pdu.data_sn != sequence->next_data_sn)
    return spoil(task, pdu, kProtocolServiceCrcError, wire::reject::kProtocolError);
  if (solicited && !pdu.lun_agrees)
    return spoil(task, pdu, kIncorrectAmountOfData, wire::reject::kInvalidPduField);
  if (!well_placed(task, rules, *sequence, bounds, pdu))
    return spoil(task, pdu, kIncorrectAmountOfData, 0);

  ++sequence->next_data_sn;
  sequence->received += pdu.length;
  if (!pdu.final) return {true, 0};
  if (sequence->received != bounds.end - bounds.begin)
    return spoil(task, pdu, kIncorrectAmountOfData, 0);
  if (solicited)
    close_r2t(task, *sequence);
  else
    close_unsolicited(task);
  return {true, 0};
}

void fail_transfer(Task& task, scsi::SenseCode code) {
  if (task.transfer.failed) return;
  task.transfer.failed = true;
  task.transfer.failure = code;
}

std::uint32_t r2ts_needed(const Task& task, const TransferRules& rules) {
  const std::uint32_t missing = task.transfer.wanted - task.transfer.received;
  return missing / rules.max_burst + (missing % rules.max_burst != 0 ? 1 : 0);
}

bool may_send_r2t(const Task& task, const TransferRules& rules) {
  const auto& transfer = task.transfer;
  if (!transfer.collecting || transfer.failed || transfer.unsolicited_open) return false;
  if (std::max(transfer.next_r2t_offset, transfer.received) >= transfer.wanted) return false;
  return outstanding_r2ts(task) < rules.max_outstanding_r2t;
}

void begin_r2ts(Task& task, const TransferRules& rules, std::uint32_t first_tag) {
  auto& transfer = task.transfer;
  transfer.first_tag = first_tag;
  transfer.r2t_begin = transfer.received;
  transfer.sequence = {};  // what came unsolicited, immediate data included, is another sequence
  transfer.next_r2t_offset = transfer.received;
  if (rules.pdu_in_order) return;
  extra_of(task).ranges.clear();
  add_range(task, 0, transfer.received);
}

std::optional<R2t> next_r2t(Task& task, const TransferRules& rules) {
  if (!may_send_r2t(task, rules)) return std::nullopt;
  auto& transfer = task.transfer;
  const auto bounds = bounds_of_r2t(task, rules, transfer.r2ts_sent);
  const R2t r2t{transfer.first_tag + transfer.r2ts_sent, transfer.r2ts_sent, bounds.begin,
                bounds.end - bounds.begin};
  if (!rules.sequence_in_order) {
    auto& sequences = extra_of(task).sequences;  // as many as R2Ts may be outstanding: one is free
    *std::find_if(sequences.begin(), sequences.end(),
                  [](const auto& each) { return !each.open; }) = {r2t.sn, 0, 0, true};
  }
  ++transfer.r2ts_sent;
  transfer.next_r2t_offset = bounds.end;
  return r2t;
}

}  // namespace faultlun::iscsi
