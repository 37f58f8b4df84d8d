#include "protocol/iscsi/session.hpp"

#include "protocol/iscsi/session_impl.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::iscsi {

// ---- the public face
// -----------------------------------------------------------------------------------------

Session::Session(LoginResult login, const Directory& directory, std::uint32_t command_window)
    : impl_(std::make_unique<Impl>(std::move(login), directory, command_window)) {}
Session::~Session() = default;

const LoginResult& Session::login() const {
  return impl_->login_;
}

Framing Session::framing() const {
  const auto& parameters = impl_->login_.parameters;
  return {parameters.header_digest, parameters.data_digest,
          parameters.our_max_recv_data_segment_length};
}

void Session::set_directory(const Directory& directory) {
  impl_->set_directory(directory);
}

void Session::receive(const PduView& pdu, TimePoint now, Outbox& out, Effects& effects) {
  impl_->now_ = now;
  impl_->receive(pdu, out, effects);
}

std::optional<TimePoint> Session::deadline() const {
  return impl_->deadline();
}

void Session::on_deadline(TimePoint now, Outbox& out, Effects& effects) {
  impl_->now_ = now;
  impl_->on_deadline(out, effects);
}

void Session::collect(Task& task, std::uint64_t device_length, std::size_t immediate_taken,
                      Outbox& out, Effects& effects) {
  impl_->collect(task, device_length, immediate_taken, out, effects);
}

bool Session::send_r2t(Task& task, Outbox& out) {
  return impl_->send_paced_r2t(task, out);
}

std::uint32_t Session::data_in_total(const Task& task, std::uint64_t device_length) {
  if (!task.reads) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(device_length, task.expected_data_transfer_length));
}

std::uint32_t Session::next_data_in(const DataInCursor& cursor) const {
  return impl_->next_data_in(cursor);
}

bytes::Span Session::room_for_data_in(Task& task, DataInCursor& cursor, std::uint32_t length,
                                      Outbox& out) {
  return impl_->room_for_data_in(task, cursor, length, out);
}

void Session::seal_data_in(bytes::Span room) {
  impl_->seal_data_in(room);
}

void Session::put_data_in(Task& task, DataInCursor& cursor, bytes::View data, void* pin,
                          void (*release)(void*) noexcept, Outbox& out) {
  impl_->put_data_in(task, cursor, data, pin, release, out);
}

void Session::take_back_data_in(Task& task, DataInCursor& cursor, std::uint32_t length) {
  cursor.sent -= length;
  --task.data_in_pdus;
}

void Session::finish_data_in(Task& task) {
  impl_->finish_data_in(task);
}

void Session::complete(Task& task, scsi::Reply reply, Outbox& out) {
  impl_->complete(task, std::move(reply), out);
}

void Session::discard(Task& task) {
  impl_->discard(task);
}

void Session::finish_task_management(std::uint32_t initiator_task_tag, std::uint8_t response,
                                     std::uint32_t additional, Outbox& out) {
  impl_->finish_task_management(initiator_task_tag, response, additional, out);
}

void Session::ask_before_task_management(bool ask) {
  impl_->ask_before_task_management_ = ask;
}

std::vector<Session::ManagementEnd> Session::take_management_ends() {
  return std::exchange(impl_->management_ends_, {});
}

void Session::judge(std::uint32_t initiator_task_tag, const TaskManagementVerdict& verdict,
                    Outbox& out, Effects& effects) {
  // The effect that asked is still in `effects`; what comes of it must not take it for pending.
  Effects own;
  impl_->judge(initiator_task_tag, verdict, out, own);
  effects.insert(effects.end(), own.begin(), own.end());
}

void Session::release_task_management(std::uint32_t initiator_task_tag, Outbox& out) {
  impl_->release_task_management(initiator_task_tag, out);
}

void Session::abort_tasks(std::optional<std::uint16_t> lun, bool task_aborted_status, AbortedBy by,
                          Outbox& out, Effects& effects) {
  impl_->abort_tasks(lun, task_aborted_status, by, out, effects);
}

std::size_t Session::tasks_at(std::optional<std::uint16_t> lun) const {
  std::size_t count = 0;
  impl_->tasks_.for_each([&](const Task& task) {
    if (impl_->with_daemon(task) && (!lun || task.lun == lun)) ++count;
  });
  return count;
}

std::size_t Session::open_tasks() const {
  return impl_->tasks_.size();
}

std::size_t Session::task_count() const {
  return tasks_at(std::nullopt);
}

void Session::visit_tasks(void (*visit)(void* context, Task& task), void* context) {
  impl_->tasks_.for_each([&](Task& task) {
    if (impl_->with_daemon(task)) visit(context, task);
  });
}

void Session::send_async_event(std::uint8_t event, std::uint16_t parameter1,
                               std::uint16_t parameter2, std::uint16_t parameter3, Outbox& out) {
  impl_->send_async_event(event, parameter1, parameter2, parameter3, out);
}

void Session::send_nop_in(bool want_answer, Outbox& out) {
  impl_->send_nop_in(want_answer, out);
}
bool Session::nop_in_outstanding() const {
  return impl_->ping_tag_ != kReservedTag;
}
bool Session::logout_requested() const {
  return impl_->logout_requested_;
}
std::uint32_t Session::next_cmd_sn() const {
  return impl_->next_cmd_sn();
}
std::uint32_t Session::next_stat_sn() const {
  return impl_->next_stat_sn();
}
std::uint32_t Session::max_cmd_sn() const {
  return impl_->max_cmd_sn();
}
std::size_t Session::memory() const {
  return sizeof(Session) + impl_->memory();
}

// ---- inside
// --------------------------------------------------------------------------------------------------

Session::Impl::Impl(LoginResult login, const Directory& directory, std::uint32_t command_window)
    : login_(std::move(login)),
      rules_(transfer_rules(login_.parameters)),
      directory_(&directory),
      window_(login_.cmd_sn, std::max<std::uint32_t>(1, command_window)),
      stat_sn_(login_.stat_sn),
      advertised_max_(window_.max()),
      header_digest_(login_.parameters.header_digest),
      data_digest_(login_.parameters.data_digest) {
  set_peer_segment_limit(login_.parameters.peer_max_recv_data_segment_length);
  data_in_burst_ = rules_.max_burst;
}

void Session::Impl::set_peer_segment_limit(std::uint32_t bytes) {
  login_.parameters.peer_max_recv_data_segment_length = bytes;
  segment_limit_ = std::clamp<std::uint32_t>(bytes & ~std::uint32_t{3}, 4, kMaxDataInSegment);
}

void Session::Impl::set_directory(const Directory& directory) {
  directory_ = &directory;
  if (text_) text_->set_directory(directory);
}

void Session::Impl::receive(const PduView& pdu, Outbox& out, Effects& effects) {
  if (closed_) return;
  if (unsettled_) sweep(out);
  if (!pdu.data_digest_ok) return on_bad_digest(pdu, out, effects);
  switch (pdu.opcode()) {
    case wire::opcode::kScsiCommand:
    case wire::opcode::kNopOut:
    case wire::opcode::kTaskManagementRequest:
    case wire::opcode::kTextRequest:
    case wire::opcode::kLogoutRequest:
      return on_command(pdu, out, effects);
    case wire::opcode::kDataOut:
      return on_data_out(pdu, out, effects);
    case wire::opcode::kLoginRequest:
      return send_reject(pdu, wire::reject::kProtocolError, out);
    default:  // SNACK needs ErrorRecoveryLevel 1 (A13.04); the rest is unknown (A2.04)
      return send_reject(pdu, wire::reject::kCommandNotSupported, out);
  }
}

void Session::Impl::sweep(Outbox& out) {
  unsettled_ = false;
  for (Task* task : finished_)
    release_task(*task);
  finished_.clear();
  replayed_ = {};
  if (!managements_.empty()) answer_managements(out);
}

/// §7.8: the PDU is Rejected and dropped; the CmdSN of a command counts as not received (A9.03,
/// A9.04).
void Session::Impl::on_bad_digest(const PduView& pdu, Outbox& out, Effects& effects) {
  if (pdu.opcode() == wire::opcode::kDataOut) return on_data_out(pdu, out, effects);
  send_reject(pdu, wire::reject::kDataDigestError, out);
}

void Session::Impl::on_command(const PduView& pdu, Outbox& out, Effects& effects) {
  if (!pdu.immediate()) {
    switch (window_.place(pdu.cmd_sn())) {
      case CommandWindow::Place::next:
        break;
      case CommandWindow::Place::ahead:
        return keep_ahead(pdu, effects);
      case CommandWindow::Place::outside:
        return;  // A3.03, A3.04
    }
  }
  dispatch(pdu, out, effects);
  if (!ahead_.empty()) replay(out, effects);
  if (!managements_.empty()) act_on_waiting(out, effects);
}

void Session::Impl::dispatch(const PduView& pdu, Outbox& out, Effects& effects) {
  const std::uint8_t code = pdu.opcode();
  if (code == wire::opcode::kScsiCommand && !discovery()) return on_scsi_command(pdu, out, effects);
  if (code == wire::opcode::kTextRequest) return on_text(pdu, out);
  if (code == wire::opcode::kLogoutRequest) return on_logout(pdu, out, effects);
  if (discovery()) return send_reject(pdu, wire::reject::kProtocolError, out);  // A1.08
  if (code == wire::opcode::kNopOut) return on_nop_out(pdu, out);
  on_task_management(pdu, out, effects);
}

bool Session::Impl::tag_in_use(std::uint32_t initiator_task_tag) const {
  const Task* task = tasks_.find(initiator_task_tag);
  if (task != nullptr && !task->draining) return true;
  return std::any_of(managements_.begin(), managements_.end(), [&](const auto& each) {
    return each.initiator_task_tag == initiator_task_tag;
  });
}

void Session::Impl::close(effect::Close::Why why, const char* text, Effects& effects) {
  closed_ = true;
  effects.emplace_back(effect::Close{why, text});
}

std::size_t Session::Impl::memory() const {
  return sizeof(Impl) + tasks_.memory() + login_.initiator_name.capacity() +
         login_.initiator_alias.capacity() + login_.target_name.capacity() +
         (text_ ? sizeof(TextExchange) : 0) + ahead_.capacity() * sizeof(Ahead) + ahead_bytes_ +
         replayed_.capacity() * sizeof(Ahead) + held_bytes_ + finished_.capacity() * sizeof(Task*) +
         leaving_.capacity() * sizeof(Leaving) + managements_.capacity() * sizeof(Management) +
         management_ends_.capacity() * sizeof(ManagementEnd);
}

// ---- behind a gap
// --------------------------------------------------------------------------------------------

PduView Session::Impl::Ahead::view() const {
  const bytes::View all(octets);
  PduView pdu;
  pdu.header = all.first(kBhsBytes);
  pdu.ahs = all.subspan(kBhsBytes, ahs_bytes);
  pdu.data = all.subspan(kBhsBytes + ahs_bytes);
  return pdu;
}

/// A command inside the window whose turn has not come (A3.02).
void Session::Impl::keep_ahead(const PduView& pdu, Effects& effects) {
  const bool duplicate = std::any_of(ahead_.begin(), ahead_.end(), [&](const Ahead& each) {
    return each.command && each.cmd_sn == pdu.cmd_sn();
  });
  if (!duplicate) add_ahead(pdu, pdu.cmd_sn(), true, effects);
}

/// Unsolicited data of a command that is kept is kept with it.
bool Session::Impl::keep_ahead_data(const PduView& pdu, Effects& effects) {
  const auto bhs = wire::load<wire::DataOutBhs>(pdu.header);
  if (bhs.target_transfer_tag.value() != kReservedTag) return false;
  const auto owner = std::find_if(ahead_.begin(), ahead_.end(), [&](const Ahead& each) {
    return each.command && !each.cancelled && each.view().opcode() == wire::opcode::kScsiCommand &&
           each.view().initiator_task_tag() == pdu.initiator_task_tag();
  });
  if (owner == ahead_.end()) return false;
  add_ahead(pdu, owner->cmd_sn, false, effects);
  return true;
}

void Session::Impl::add_ahead(const PduView& pdu, std::uint32_t cmd_sn, bool command,
                              Effects& effects) {
  Ahead ahead;
  ahead.cmd_sn = cmd_sn;
  ahead.command = command;
  ahead.ahs_bytes = pdu.ahs.size();
  const std::size_t size = pdu.header.size() + pdu.ahs.size() + pdu.data.size();
  if (ahead_.size() >= kMaxAheadPdus || ahead_bytes_ + size > kMaxAheadBytes)
    return close(effect::Close::Why::protocol_error, "too much behind a gap of CmdSN", effects);
  ahead.octets.reserve(size);
  for (const auto part : {pdu.header, pdu.ahs, pdu.data})
    ahead.octets.insert(ahead.octets.end(), part.begin(), part.end());
  ahead_bytes_ += size;
  insert_ahead(std::move(ahead));
}

/// This CmdSN counts as received when its turn comes; the command itself may come later and is then
/// a duplicate.
void Session::Impl::cancel_cmd_sn(std::uint32_t cmd_sn) {
  for (Ahead& ahead : ahead_) {
    if (!ahead.command || ahead.cmd_sn != cmd_sn) continue;
    ahead.cancelled = true;
    return;
  }
  if (ahead_.size() >= kMaxAheadPdus)
    return;  // the gap stays: more is not owed to a peer that fills the list
  Ahead ahead;
  ahead.cmd_sn = cmd_sn;
  ahead.cancelled = true;
  insert_ahead(std::move(ahead));
}

void Session::Impl::insert_ahead(Ahead ahead) {
  const auto after = std::upper_bound(
      ahead_.begin(), ahead_.end(), ahead.cmd_sn,
      [](std::uint32_t sn, const Ahead& each) { return serial_less(sn, each.cmd_sn); });
  ahead_.insert(after, std::move(ahead));
}

Session::Impl::Ahead Session::Impl::take_ahead() {
  Ahead first = std::move(ahead_.front());
  ahead_.erase(ahead_.begin());
  ahead_bytes_ -= first.octets.size();
  if (ahead_.empty()) ahead_ = std::vector<Ahead>();
  return first;
}

/// Runs what the gap held back, in order.
void Session::Impl::replay(Outbox& out, Effects& effects) {
  while (!closed_ && !ahead_.empty() && !serial_less(window_.expected(), ahead_.front().cmd_sn)) {
    unsettled_ = true;
    Ahead next = take_ahead();
    const bool due = next.cmd_sn == window_.expected();
    if (next.command && !due) continue;  // cancelled meanwhile
    if (next.cancelled) {
      window_.advance();
      continue;
    }
    replayed_.push_back(std::move(next));
    const PduView pdu = replayed_.back().view();
    if (replayed_.back().command)
      dispatch(pdu, out, effects);
    else
      on_data_out(pdu, out, effects);
    // A Rejected command leaves its gap; its data then meets no task and is Rejected too.
  }
}

}  // namespace faultlun::iscsi
