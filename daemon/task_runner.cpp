#include "daemon/task_runner.hpp"

#include "daemon/medium_steps.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

namespace faultlun::daemon {
namespace {

using lun_backends::Operation;
using lun_backends::Progress;

/// The last run of a GET LBA STATUS answer is not followed further than this: a host asks on from
/// there.
constexpr std::uint64_t kEnoughLbaStatusBytes = 1ULL << 30;

constexpr auto kNexusLoss = scsi::sense("i_t_nexus_loss_occurred");

/// bench/ builds the daemon once more without the fault engine and its journal, to compare.
#ifdef FAULTLUN_WITHOUT_FAULTS
constexpr bool kFaults = false;
#else
constexpr bool kFaults = true;
#endif

/// SCSI port names of the two ends (RFC 7143 §4.4.2).
scsi::NexusPorts ports_of(const iscsi::LoginResult& login) {
  char isid[16];
  const auto* i = login.isid.data();
  std::snprintf(isid, sizeof isid, "%02x%02x%02x%02x%02x%02x", i[0], i[1], i[2], i[3], i[4], i[5]);
  char tag[8];
  std::snprintf(tag, sizeof tag, "%04x", login.portal_group_tag);
  scsi::NexusPorts ports;
  ports.initiator_port = login.initiator_name + ",i,0x" + isid;
  ports.target_name = login.target_name;
  ports.target_port = login.target_name + ",t,0x" + tag;
  ports.target_port_group = login.portal_group_tag;
  ports.relative_target_port = login.portal_group_tag;
  ports.iscsi_protocol_level = login.parameters.protocol_level;
  return ports;
}

}  // namespace

std::uint64_t expected_data_out(const iscsi::Task& task, std::uint64_t device_length) {
  return task.writes ? std::min<std::uint64_t>(device_length, task.expected_data_transfer_length)
                     : 0;
}

/// GET LBA STATUS: runs of whole blocks, neighbours of the same state joined.
scsi::Reply allocation_of(LunHost& host, const scsi::QueryAllocation& query) {
  const std::uint64_t longest =
      std::uint64_t{0xffffffff} * host.profile().block_size;  // what a descriptor can say
  std::vector<scsi::LbaRun> runs;
  for (std::uint64_t done = 0; done < query.length_bytes;) {
    const auto found =
        host.device().allocation(query.offset_bytes + done, query.length_bytes - done);
    const auto length = std::min(found.length_bytes, longest);
    const bool joins = !runs.empty() && runs.back().mapped == found.allocated &&
                       runs.back().length_bytes + length <= longest;
    if (!joins && runs.size() == query.most_runs) break;
    if (joins)
      runs.back().length_bytes += length;
    else
      runs.push_back({length, found.allocated});
    done += length;
    if (runs.size() == query.most_runs && runs.back().length_bytes >= kEnoughLbaStatusBytes) break;
  }
  return scsi::lba_status(query, runs, host.profile());
}

TaskRunner::TaskRunner(Loop& loop, World& world, iscsi::Session& session, iscsi::Outbox& out,
                       std::shared_ptr<TargetHost> target, DataBudget& budget,
                       faults::SessionFacts facts, std::uint32_t session_number)
    : loop_(loop),
      world_(world),
      session_(session),
      out_(out),
      target_(std::move(target)),
      budget_(budget),
      nexus_(world.new_nexus()),
      ports_(ports_of(session.login())),
      first_attention_(target_->first_attention(ports_.initiator_port)),
      luns_(target_->luns()),
      facts_(std::move(facts)),
      rules_(world.rules()),
      number_(session_number) {
  const auto now = world_.since_start(loop_.now());
  loop_.journal().add(JournalEntry::session_up(number_, now));
  if (const auto replay = world_.replay())
    adopt_replay(replay);
  else
    loop_.journal().add(
        JournalEntry::rules_adopted(number_, session_.next_cmd_sn(), rules_->epoch(), now));
}

TaskRunner::~TaskRunner() {
  for (const auto& operation : operations_) {
    loop_.disarm(*operation);
    operation->runner = nullptr;
    operation->task = nullptr;
    budget_.give_back(operation->charged);
  }
  world_.aliases.leave(facts_, rule_state_, number_);
  loop_.journal().add(
      JournalEntry::session_down(number_, world_.since_start(loop_.now()), logged_out_));
  for (auto& page : paths_) {
    if (!page) continue;
    for (auto& path : *page)
      if (path.host) path.host->with_unit([this](scsi::LogicalUnit& unit) { unit.detach(nexus_); });
  }
}

void TaskRunner::renew_nexus() {
  first_attention_ = kNexusLoss;
  for (auto& page : paths_) {
    if (!page) continue;
    for (auto& path : *page) {
      if (path.host) path.host->with_unit([this](scsi::LogicalUnit& unit) { unit.detach(nexus_); });
      path = {};
    }
  }
}

// ---- the way to a unit
// --------------------------------------------------------------------------------------

LunPath* TaskRunner::new_path_to(std::uint16_t lun) {
  const std::size_t page = lun / kPathsPerPage;
  luns_ = target_->luns();
  auto host = luns_->find(lun);
  if (!host) return nullptr;
  if (page >= paths_.size()) paths_.resize(page + 1);
  if (!paths_[page]) paths_[page] = std::make_unique<std::array<LunPath, kPathsPerPage>>();
  host->with_unit([this](scsi::LogicalUnit& unit) { unit.attach(nexus_, first_attention_); });
  auto& path = (*paths_[page])[lun % kPathsPerPage];
  path = {};
  path.host = std::move(host);
  return &path;
}

void TaskRunner::refresh(LunPath& path) {
  // The epoch first: whatever changes after this moves it on, and the next command asks again.
  path.epoch = path.host->epoch();
  path.host->look_at_unit([&](const scsi::LogicalUnit& unit) {
    const bool usual = !path.host->disturbed();
    path.straight_read = usual && unit.straight_read(nexus_);
    path.straight_write = usual && unit.straight_write(nexus_);
    path.write_through = !unit.write_cache_enabled();
  });
}

// ---- a command begins
// ---------------------------------------------------------------------------------------

inline JournalEntry TaskRunner::entry_for(const iscsi::Task& task) const {
  JournalEntry::Command about;
  about.session = number_;
  about.lun = task.lun;
  about.cmd_sn = task.cmd_sn;
  about.immediate = task.immediate;
  about.task_tag = task.initiator_task_tag;
  about.expected_data_transfer_length = task.expected_data_transfer_length;
  return JournalEntry::command(about, task.command.cdb, world_.since_start(now_));
}

/// A command that no rule matched, and its end if it has come already.
inline void TaskRunner::tell(const JournalEntry& entry) {
  const bool over = std::exchange(ended_, Ended::no) == Ended::yes;
  loop_.journal().add(over ? entry.ended_at_once(last_status_, last_sense_) : entry);
}

void TaskRunner::run(iscsi::Task& task, bytes::View immediate_data, iscsi::Effects& effects) {
  loop_.counters().add(Metric::commands);
  if constexpr (!kFaults) return undisturbed(task, immediate_data, effects);
  if ((replay_ || !rules_->ignores_commands()) && judge(task, immediate_data, effects)) return;
  const JournalEntry entry = entry_for(task);
  ended_ = Ended::in_run;
  undisturbed(task, immediate_data, effects);
  tell(entry);
}

/// What the rules make of the command.  False: they have nothing to do with it, and the journal has
/// not heard of it.
bool TaskRunner::judge(iscsi::Task& task, bytes::View immediate_data, iscsi::Effects& effects) {
  decide(task);
  // The journal tells of a command before its decisions, and of both before the end.  Of a command
  // that no rule matched and that ends at once, one entry tells all.
  if (decision_.quiet()) {
    if (!looks_at_data(task)) return false;
    loop_.journal().add(entry_for(task));
    return disturbed(task, immediate_data, effects);
  }
  ++matched_;
  const JournalEntry entry = entry_for(task);
  loop_.journal().add(entry);
  tell_decision(entry);
  if (disturbed(task, immediate_data, effects)) return true;
  ended_ = Ended::in_run;
  undisturbed(task, immediate_data, effects);
  if (ended_ == Ended::yes) tell_end(entry, 0);
  ended_ = Ended::no;
  return true;
}

/// The command that `entry` told of ends now.
void TaskRunner::tell_end(const JournalEntry& entry, std::uint8_t flag) {
  loop_.journal().add(
      entry.completion(last_status_, last_sense_, world_.since_start(loop_.now()), flag));
}

void TaskRunner::undisturbed(iscsi::Task& task, bytes::View immediate_data,
                             iscsi::Effects& effects) {
  LunPath* path = task.lun ? path_to(*task.lun) : nullptr;
  if (!path) return answer_elsewhere(task);
  if (path->epoch != path->host->epoch()) refresh(*path);
  if (const auto access = scsi::plan_access(task.command, path->host->profile());
      access && (access->write ? path->straight_write : path->straight_read))
    return straight(task, *path, *access, immediate_data, effects);
  planned(task, *path, immediate_data, effects);
}

scsi::Reply TaskRunner::answer_without_path(const iscsi::Task& task, const scsi::Command& command,
                                            std::span<const std::uint16_t> hidden) {
  luns_ = target_->luns();
  const auto around = surroundings(hidden);
  return !task.lun && scsi::is_report_luns_well_known(task.lun_field)
             ? scsi::answer_well_known_report_luns(command, around)
             : scsi::answer_absent_unit(command, around);
}

void TaskRunner::answer_elsewhere(iscsi::Task& task) {
  complete(task, answer_without_path(task, task.command, hidden_from(task)));
}

scsi::Surroundings TaskRunner::surroundings(std::span<const std::uint16_t> hidden) {
  if (hidden.empty()) return {ports_, luns_->numbers};
  listed_.clear();
  std::ranges::copy_if(luns_->numbers, std::back_inserter(listed_), [&](std::uint16_t lun) {
    return std::ranges::find(hidden, lun) == hidden.end();
  });
  return {ports_, listed_};
}

void TaskRunner::straight(iscsi::Task& task, LunPath& path, const scsi::Access& access,
                          bytes::View immediate, iscsi::Effects& effects) {
  const bool instant = path.host->device().instant();
  if (!access.write && instant) return straight_read(task, path, access);
  if (!access.write) {
    return carry_out(task, path.host,
                     scsi::ReadMedium{access.offset_bytes, access.length_bytes, access.fua}, {},
                     effects);
  }
  const scsi::WriteMedium plan{access.offset_bytes, access.length_bytes,
                               access.fua || path.write_through, false, false};
  const auto expected = expected_data_out(task, access.length_bytes);
  if (!instant || expected != access.length_bytes || immediate.size() < expected)
    return carry_out(task, path.host, plan, immediate, effects);
  Operation operation;
  operation.kind = Operation::Kind::write;
  operation.offset_bytes = access.offset_bytes;
  operation.from = immediate.first(expected);
  operation.fua = plan.fua;
  path.host->device().start(operation);
  scsi::Reply reply;
  if (operation.error) {
    const auto result = medium_result(operation);
    reply = path.host->with_unit(
        [&](scsi::LogicalUnit& unit) { return unit.finish(nexus_, task.command, plan, result); });
  }
  reply.data_out_length = access.length_bytes;
  loop_.counters().add(Metric::written_bytes, expected);
  complete(task, std::move(reply));
}

void TaskRunner::straight_read(iscsi::Task& task, LunPath& path, const scsi::Access& access) {
  iscsi::Session::DataInCursor cursor;
  cursor.device_length = access.length_bytes;
  cursor.total = iscsi::Session::data_in_total(task, access.length_bytes);
  if (cursor.total == 0) {
    scsi::Reply reply;
    reply.data_in_length = access.length_bytes;
    return complete(task, std::move(reply));
  }
  auto& device = path.host->device();
  while (const auto allowed = session_.next_data_in(cursor)) {
    const auto offset = access.offset_bytes + cursor.sent;
    if (allowed >= kPinnedReadBytes) {
      auto view = device.view(offset, allowed);
      // A view that ends early (at a chunk) is sent as a shorter PDU while that leaves whole words.
      if (!view.octets.empty() && (view.octets.size() == allowed || view.octets.size() % 4 == 0)) {
        session_.put_data_in(task, cursor, view.octets, view.pin, view.release_pin, out_);
        continue;
      }
      view.release();
    }
    const auto room = session_.room_for_data_in(task, cursor, allowed, out_);
    Operation operation;
    operation.offset_bytes = offset;
    operation.into = room;
    device.start(operation);  // an instant device has nothing to fail on when reading
    session_.seal_data_in(room);
  }
  loop_.counters().add(Metric::read_bytes, cursor.total);
  note_status(scsi::Status::good, {});
  session_.finish_data_in(task);
}

void TaskRunner::planned(iscsi::Task& task, LunPath& path, bytes::View immediate,
                         iscsi::Effects& effects) {
  auto verdict = path.host->verdict(world_.since_start(now_));
  if (verdict.kind != UnitVerdict::Kind::go_on)
    return answer_without_unit(task, path.host, std::move(verdict));
  luns_ = target_->luns();
  task.command.data_out_offered = task.writes ? task.expected_data_transfer_length : 0;
  const auto hidden = hidden_from(task);
  auto plan = path.host->with_unit([&](scsi::LogicalUnit& unit) {
    return unit.plan(nexus_, task.command, surroundings(hidden));
  });
  carry_out(task, path.host, std::move(plan), immediate, effects);
}

/// The unit is in a state in which it does not look at commands.
void TaskRunner::answer_without_unit(iscsi::Task& task, const std::shared_ptr<LunHost>& host,
                                     UnitVerdict verdict) {
  switch (verdict.kind) {
    case UnitVerdict::Kind::absent:
      return answer_elsewhere(task);
    case UnitVerdict::Kind::reply:
      return complete(task, std::move(verdict.reply));
    case UnitVerdict::Kind::silence:
      begin(task, host, scsi::Reply{})->stage = TaskOperation::Stage::silent;
      return;
    case UnitVerdict::Kind::go_on:
      break;
  }
}

void TaskRunner::carry_out(iscsi::Task& task, const std::shared_ptr<LunHost>& host, scsi::Plan plan,
                           bytes::View immediate, iscsi::Effects& effects) {
  if (auto* reply = std::get_if<scsi::Reply>(&plan)) return complete(task, std::move(*reply));
  if (const auto* query = std::get_if<scsi::QueryAllocation>(&plan))
    return complete(task, allocation_of(*host, *query));
  const auto wanted = scsi::data_out_length(plan);
  const auto expected = expected_data_out(task, wanted);
  auto operation = begin(task, host, std::move(plan));
  const auto* write = std::get_if<scsi::WriteMedium>(&operation->plan);
  operation->streaming = write && !write->verify && host->device().instant();
  operation->stream_end = expected / host->profile().block_size * host->profile().block_size;
  const auto* read = std::get_if<scsi::ReadMedium>(&operation->plan);
  const auto buffered = operation->streaming ? 0 : read ? read->length_bytes : expected;
  if (!budget_.take(buffered)) {
    end(*operation);
    loop_.counters().add(Metric::commands_task_set_full);
    return complete(task, scsi::with_status(scsi::Status::task_set_full));
  }
  operation->charged = buffered;
  if (expected == 0) return proceed(operation);
  if (!operation->streaming) operation->data.resize(expected);
  const auto taken = std::min<std::size_t>(immediate.size(), expected);
  if (taken != 0) data_out(task, 0, immediate.first(taken));
  session_.collect(task, wanted, taken, out_, effects);
}

OperationPtr TaskRunner::begin(iscsi::Task& task, const std::shared_ptr<LunHost>& host,
                               scsi::Plan plan) {
  auto operation = std::make_shared<TaskOperation>();
  operation->runner = this;
  operation->task = &task;
  operation->host = host;
  operation->command = task.command;
  operation->plan = std::move(plan);
  operation->busy = world_.busy;
  operation->entry = entry_for(task);
  operation->rules_epoch = rules_->epoch();
  operation->place = operations_.insert(operations_.end(), operation);
  task.host = operation.get();
  return operation;
}

/// The operation is over for this session; a coroutine may still hold it.
void TaskRunner::end(TaskOperation& operation) {
  if (operation.ordeal) {
    loop_.disarm(operation);
    --ordeals_;
  }
  budget_.give_back(operation.charged);
  operation.charged = 0;
  if (operation.task && ended_ != Ended::in_run) ending_ = operation.entry;
  if (operation.task) operation.task->host = nullptr;
  operation.runner = nullptr;
  operation.task = nullptr;
  operations_.erase(operation.place);
}

// ---- data arrives
// -------------------------------------------------------------------------------------------

void TaskRunner::data_out(iscsi::Task& task, std::uint32_t offset, bytes::View data) {
  auto* operation = static_cast<TaskOperation*>(task.host);
  if (!operation || operation->aborted) return;
  if (!operation->streaming) {
    if (offset > operation->data.size() || data.size() > operation->data.size() - offset) return;
    std::memcpy(operation->data.data() + offset, data.data(), data.size());
    return;
  }
  const auto& plan = std::get<scsi::WriteMedium>(operation->plan);
  if (operation->result.outcome != scsi::MediumResult::Outcome::ok ||
      offset >= operation->stream_end)
    return;
  data = data.first(std::min<std::size_t>(data.size(), operation->stream_end - offset));
  Operation write;
  write.kind = Operation::Kind::write;
  write.offset_bytes = plan.offset_bytes + offset;
  write.from = data;
  write.fua = plan.fua;
  operation->host->device().start(write);
  if (write.error) operation->result = medium_result(write);
  loop_.counters().add(Metric::written_bytes, data.size());
}

void TaskRunner::data_complete(iscsi::Task& task) {
  auto* operation = static_cast<TaskOperation*>(task.host);
  if (operation && !operation->aborted) proceed(*operation->place);
}

void TaskRunner::data_failed(iscsi::Task& task, const scsi::Sense& sense) {
  auto* operation = static_cast<TaskOperation*>(task.host);
  if (operation) end(*operation);
  complete(task, scsi::check_condition(sense));
}

/// Everything the initiator had to send is here.
void TaskRunner::proceed(const OperationPtr& held) {
  const OperationPtr operation = held;  // `held` may be the list's own
  if (operation->ordeal && operation->stage == TaskOperation::Stage::none)
    return proceed_ordeal(operation);
  if (std::holds_alternative<scsi::NeedData>(operation->plan)) {
    auto next = operation->host->with_unit([&](scsi::LogicalUnit& unit) {
      return unit.plan_with_data(nexus_, operation->command, surroundings({}), operation->data);
    });
    const auto consumed = scsi::data_out_length(operation->plan);
    if (auto* reply = std::get_if<scsi::Reply>(&next)) {
      auto& task = *operation->task;
      reply->data_out_length = std::max<std::uint64_t>(reply->data_out_length, consumed);
      if (operation->ordeal) return answer_ordeal(*operation, std::move(*reply), {}, 0);
      end(*operation);
      return complete(task, std::move(*reply));
    }
    operation->plan = std::move(next);
  }
  operation->running = true;
  perform(operation, loop_);
}

// ---- a command ends
// -----------------------------------------------------------------------------------------

void TaskRunner::settle(TaskOperation& operation) {
  auto& task = *operation.task;
  if (operation.aborted) {
    end(operation);
    tell_aborted();
    session_.discard(task);
    return output_ready();  // the answer to the function that aborted it may have waited for this
  }
  auto reply = operation.host->with_unit([&](scsi::LogicalUnit& unit) {
    return unit.finish(nexus_, operation.command, operation.plan, operation.result);
  });
  if (operation.ordeal) return answer_ordeal(operation, std::move(reply), {}, 0);
  end(operation);
  complete(task, std::move(reply));
  output_ready();
}

void TaskRunner::send_read_data(TaskOperation& operation, std::unique_ptr<std::uint8_t[]> data,
                                std::uint64_t length) {
  auto& task = *operation.task;
  if (operation.aborted) {
    end(operation);
    tell_aborted();
    session_.discard(task);
    return output_ready();
  }
  if (operation.ordeal) {
    scsi::Reply good;
    good.data_in_length = length;
    return answer_ordeal(operation, std::move(good), std::move(data), length);
  }
  const auto charged = std::exchange(operation.charged, 0);
  end(operation);
  send_data_in(task, std::move(data), length, charged, std::nullopt);
  output_ready();
}

/// Data-In, then `ending`, or GOOD on the last PDU.  The task is gone.
void TaskRunner::send_data_in(iscsi::Task& task, std::unique_ptr<std::uint8_t[]> data,
                              std::uint64_t length, std::uint64_t charged,
                              std::optional<scsi::Reply> ending) {
  struct SharedData {
    std::unique_ptr<std::uint8_t[]> octets;
    std::uint64_t charged;
    DataBudget* budget;
    std::uint32_t pins = 1;  // the first one is ours, until all are handed out
    static void release(void* pin) noexcept {
      auto* self = static_cast<SharedData*>(pin);
      if (--self->pins != 0) return;
      self->budget->give_back(self->charged);
      delete self;
    }
  };
  iscsi::Session::DataInCursor cursor;
  cursor.device_length = length;
  cursor.total = iscsi::Session::data_in_total(task, length);
  cursor.with_status = !ending;
  auto* shared = new SharedData{std::move(data), charged, &budget_};
  loop_.counters().add(Metric::read_bytes, cursor.total);
  while (const auto allowed = session_.next_data_in(cursor)) {
    ++shared->pins;
    const bytes::View piece(shared->octets.get() + cursor.sent, allowed);
    session_.put_data_in(task, cursor, piece, shared, &SharedData::release, out_);
  }
  if (ending) {
    complete(task, std::move(*ending));
  } else if (cursor.total == 0) {
    scsi::Reply reply;
    reply.data_in_length = length;
    complete(task, std::move(reply));
  } else {
    note_status(scsi::Status::good, {});
    session_.finish_data_in(task);
  }
  SharedData::release(shared);
}

void TaskRunner::complete(iscsi::Task& task, scsi::Reply reply) {
  if (reply.status == scsi::Status::check_condition)
    loop_.counters().add(Metric::commands_check_condition);
  note_status(reply.status, reply.sense ? reply.sense->code : scsi::SenseCode{});
  session_.complete(task, std::move(reply), out_);
}

/// The answer of the command that ends now, for the journal.
void TaskRunner::note_status(scsi::Status status, scsi::SenseCode sense) {
  if constexpr (!kFaults) return;
  last_status_ = static_cast<std::uint8_t>(status);
  last_sense_ = sense;
  if (ended_ == Ended::in_run) {
    ended_ = Ended::yes;
  } else if (ending_) {
    tell_end(*std::exchange(ending_, std::nullopt), 0);
  }
}

void TaskRunner::tell_aborted() {
  last_status_ = 0;
  last_sense_ = {};
  if (ending_) tell_end(*std::exchange(ending_, std::nullopt), JournalEntry::aborted);
}

void TaskRunner::abort(iscsi::Task& task) {
  loop_.counters().add(Metric::tasks_aborted);
  auto* operation = static_cast<TaskOperation*>(task.host);
  if (!operation) return;
  operation->aborted = true;
  if (operation->running) return;  // settle() will see it
  end(*operation);
  tell_aborted();
  session_.discard(task);
}

}  // namespace faultlun::daemon
