// What comes back to an initiator, and what it has to look like.
#include "protocol/bytes/hex.hpp"
#include "tests/sim/sim_initiator.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace faultlun::sim {
namespace {

using Header = std::array<std::uint8_t, 48>;

std::uint32_t word(bytes::View header, std::size_t at) {
  return bytes::be32(header.data() + at);
}

}  // namespace

// ---- what comes back
// ----------------------------------------------------------------------------------------

void Initiator::take(bytes::View header, bytes::View data) {
  const auto opcode = header[0];
  const bool has_status = opcode != 0x31 && (opcode != 0x25 || (header[1] & 1) != 0) &&
                          !(opcode == 0x20 && word(header, 16) == 0xffffffff);
  if (has_status) {
    if (exp_stat_sn_ && word(header, 24) != *exp_stat_sn_)
      return fail("StatSN is not the next one");
    exp_stat_sn_ = word(header, 24) + 1;
  }
  const auto max_cmd_sn = word(header, 32);
  if (logged_in_ && static_cast<std::int32_t>(max_cmd_sn - max_cmd_sn_) < 0)
    return fail("MaxCmdSN moved back");
  max_cmd_sn_ = max_cmd_sn;
  switch (opcode) {
    case 0x20: {
      const auto found = pending_.find(word(header, 16));
      if (found == pending_.end() || found->second.kind != Kind::nop)
        return fail("a NOP-In nobody asked for");
      if (!std::ranges::equal(found->second.data, data)) return fail("NOP-In echoed other data");
      pending_.erase(found);
      return;
    }
    case 0x21:
      return take_response(header, data);
    case 0x22:
      return take_task_management(header);
    case 0x23:
      return take_login(header, data);
    case 0x25:
      return take_data_in(header, data);
    case 0x26:
      if (pending_.erase(word(header, 16)) == 0) fail("a logout response to nothing");
      leaving_ = true;
      return;
    case 0x32:
      return take_async_event(header);
    case 0x3f:
      return take_reject(header, data);
    case 0x31:
      return take_r2t(header);
    default:
      fail("unexpected opcode " + std::to_string(opcode));
  }
}

void Initiator::take_login(bytes::View header, bytes::View) {
  if (header[36] != 0) {
    if (!faults_) fail("login refused");
    return;
  }
  logged_in_ = (header[1] & 0x83) == 0x83;
}

void Initiator::take_data_in(bytes::View header, bytes::View data) {
  const auto found = pending_.find(word(header, 16));
  if (found == pending_.end()) return fail("Data-In for no command of ours");
  auto& pending = found->second;
  if (word(header, 36) != pending.next_data_sn++) return fail("DataSN is not the next one");
  if (word(header, 40) != pending.received) return fail("Buffer Offset is not the next one");
  if (data.size() > kSegment) return fail("a segment over MaxRecvDataSegmentLength");
  pending.received += static_cast<std::uint32_t>(data.size());
  if (pending.kind == Kind::read) pending.data.insert(pending.data.end(), data.begin(), data.end());
  if ((header[1] & 1) != 0) finish(found->first, header[3], {});
}

void Initiator::take_r2t(bytes::View header) {
  const auto itt = word(header, 16);
  const auto found = pending_.find(itt);
  if (found == pending_.end()) return fail("an R2T for no command of ours");
  const auto offset = word(header, 40), length = word(header, 44);
  const auto& all = found->second.data;
  if (length == 0 || length > kMaxBurst || offset > all.size() || length > all.size() - offset)
    return fail("an R2T outside the data");
  for (std::uint32_t done = 0, sn = 0; done < length; ++sn) {
    const auto size = std::min(length - done, kSegment);
    Header out{};
    out[0] = 0x05;
    out[1] = done + size == length ? 0x80 : 0;
    out[9] = header[9];
    bytes::put_be32(out.data() + 16, itt);
    std::memcpy(out.data() + 20, header.data() + 20, 4);
    bytes::put_be32(out.data() + 28, exp_stat_sn_.value_or(0));
    bytes::put_be32(out.data() + 36, sn);
    bytes::put_be32(out.data() + 40, offset + done);
    push(out, bytes::View(all).subspan(offset + done, size));
    done += size;
  }
}

void Initiator::take_response(bytes::View header, bytes::View data) {
  finish(word(header, 16), header[3], data.size() > 2 ? data.subspan(2) : bytes::View{});
}

void Initiator::finish(std::uint32_t itt, std::uint8_t status, bytes::View sense) {
  const auto found = pending_.find(itt);
  if (found == pending_.end())
    return fail(forgotten_.contains(itt) ? "an answer for a task aborted by " + forgotten_[itt]
                                         : "an answer to nothing");
  auto pending = std::move(found->second);
  pending_.erase(found);
  ++answered_;
  last_status_ = status;
  last_sense_.assign(sense.begin(), sense.end());
  if (faults_) expect_told(itt, status);
  // Under rules only the journal knows whether an attention tells of tasks that are gone.
  if (!faults_ && status == 0x02 && sense.size() >= 14 && (sense[2] & 0x0f) == 6 &&
      (sense[12] == 0x29 || sense[12] == 0x2f))
    forget_lun(pending.lun, pending.cmd_sn,
               "unit attention " + bytes::to_hex(sense.subspan(12, 2)));
  if (pending.kind == Kind::write) note_write(itt, pending, status == 0);
  if (pending.kind == Kind::read) note_read(itt, pending, status == 0);
}

/// The journal has it that this command was answered, and how.
void Initiator::expect_told(std::uint32_t itt, std::uint8_t status) {
  constexpr std::uint8_t kTaskAborted = 0x40;
  const auto* tale = sim_.story.of(itt);
  if (tale == nullptr) return fail("an answer to a command that the journal has nothing of");
  if (tale->aborted && status != kTaskAborted)
    return fail("an answer to a task that the journal says is aborted");
  // The device may still be at work for a task that ends so.
  if (!tale->ended && status == kTaskAborted) return;
  if (!tale->ended) return fail("an answer to a task that the journal says is in progress");
  if (!tale->aborted && tale->status != status)
    fail("the journal says status " + std::to_string(tale->status) + ", the answer " +
         std::to_string(status));
}

void Initiator::take_task_management(bytes::View header) {
  constexpr std::uint8_t kAbortTask = 1, kNoSuchLun = 2;
  const auto itt = word(header, 16);
  const auto found = pending_.find(itt);
  if (found == pending_.end()) return fail("a task management response to nothing");
  const auto pending = found->second;
  pending_.erase(found);
  ++answered_;
  const auto* tale = faults_ ? sim_.story.of(itt) : nullptr;
  const bool bent = tale != nullptr && !tale->strikes.empty();
  if (header[2] != 0) {
    const bool no_unit = header[2] == kNoSuchLun && faults_;
    if (pending.function != kAbortTask && !bent && !no_unit)
      fail("task management function " + std::to_string(pending.function) +
           " refused: " + std::to_string(header[2]));
    return;
  }
  if (bent) return;  // it may have done less than it says
  const auto why = "function " + std::to_string(pending.function);
  if (pending.function == kAbortTask) {
    const auto victim = pending_.find(pending.first_block);
    if (victim == pending_.end()) return;
    forget(victim->first, victim->second, why);
    pending_.erase(victim);
  } else if (pending.function < 6) {
    forget_lun(pending.lun, pending.cmd_sn, why);
  } else {
    for (const auto lun : {kInstantLun, kMoodyLun, kNoLun})
      forget_lun(lun, pending.cmd_sn, why);
  }
}

/// Nothing may come of it any more, and nobody knows how far it came.
void Initiator::forget(std::uint32_t itt, const Pending& pending, const std::string& why) {
  if (pending.kind == Kind::write) note_write(itt, pending, false);
  if (pending.kind == Kind::read) note_read(itt, pending, false);
  forgotten_[itt] = why;
}

/// Commands on this unit sent before `before_cmd_sn` that have no answer by now will have none.
void Initiator::forget_lun(std::uint16_t lun, std::uint32_t before_cmd_sn, const std::string& why) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto& pending = it->second;
    const bool earlier = static_cast<std::int32_t>(pending.cmd_sn - before_cmd_sn) < 0;
    if (pending.lun != lun || !earlier || !is_command(pending)) {
      ++it;
      continue;
    }
    forget(it->first, pending, why);
    it = pending_.erase(it);
  }
}

/// The target wants to be left, or leaves.
void Initiator::take_async_event(bytes::View header) {
  constexpr std::uint8_t kLogoutRequest = 1, kConnectionDrop = 2, kAllDrop = 3;
  if (!faults_) return fail("an asynchronous event");
  const auto event = header[36];
  if (event == kLogoutRequest && pick(2) == 0) return send_logout();
  if (event < kLogoutRequest || event > kAllDrop || event == kConnectionDrop)
    fail("asynchronous event " + std::to_string(event));
}

/// One that has asked to be left takes nothing more; and data for an aborted task may come too
/// late.
void Initiator::take_reject(bytes::View header, bytes::View data) {
  constexpr std::uint8_t kWaitingForLogout = 0x0c, kInvalidPduField = 0x09, kDataOut = 0x05;
  if (faults_ && header[2] == kInvalidPduField && data.size() >= 48 && data[0] == kDataOut) {
    const auto* tale = sim_.story.of(word(data, 16));
    if (tale != nullptr && tale->aborted) return;
  }
  if (!faults_ || header[2] != kWaitingForLogout || data.size() < 48)
    return fail("a Reject for reason " + std::to_string(header[2]));
  const auto found = pending_.find(word(data, 16));
  if (found == pending_.end()) return fail("a Reject of nothing");
  forget(found->first, found->second, "Reject");
  pending_.erase(found);
}

void Initiator::expect_only_silence() {
  std::map<std::uint32_t, std::string_view> stages;
  if (auto* runner = connection_->runner())
    for (const auto& each : runner->list())
      stages[each.initiator_task_tag] = each.stage;
  for (const auto& [itt, stage] : stages)
    if (stage != "silent") return fail("a command is left " + std::string(stage));
  for (const auto& [itt, pending] : pending_) {
    const auto* tale = sim_.story.of(itt);
    switch (pending.kind) {
      case Kind::nop:
      case Kind::logout:
        return fail("a NOP or a logout without an answer");
      case Kind::task_management:
        if (tale == nullptr || tale->strikes.empty())
          return fail("a function without an answer that no rule concerns");
        break;
      default:
        if (tale == nullptr) return fail("a command that the journal has nothing of");
        if (tale->ended && !tale->aborted) return fail("an answer has got lost");
        if (!tale->ended && !stages.contains(itt)) return fail("a command has got lost");
        if (functions_) break;
        if (tale->aborted) return fail("a command that nobody aborted is aborted");
        if (tale->strikes.empty()) return fail("a command is silent and no rule says so");
    }
  }
  std::erase_if(pending_, [&](const auto& each) {
    const auto* tale = sim_.story.of(each.first);
    if (is_command(each.second) && tale->aborted) forget(each.first, each.second, "others");
    return each.second.kind == Kind::task_management || tale->aborted;
  });
}

}  // namespace faultlun::sim
