#include "protocol/scsi/logical_unit.hpp"

#include "protocol/scsi/execution.hpp"
#include "protocol/scsi/unit_state.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::scsi {
namespace {

/// The condition a reset leaves with every nexus.
SenseCode attention_of(ResetKind kind) {
  switch (kind) {
    case ResetKind::logical_unit:
      return sense("bus_device_reset_function_occurred");
    case ResetKind::target_warm:
      return sense("power_on_or_reset_occurred");
    case ResetKind::target_cold:
    case ResetKind::power_on:
      return sense("power_on_occurred");
  }
  return sense("power_on_or_reset_occurred");
}

SenseCode code_of(MediumResult::Outcome outcome) {
  switch (outcome) {
    case MediumResult::Outcome::read_error:
      return sense("unrecovered_read_error");
    case MediumResult::Outcome::miscompare:
      return sense("miscompare_during_verify_operation");
    case MediumResult::Outcome::no_space:
      return sense("space_allocation_failed_write_protect");
    case MediumResult::Outcome::ok:
    case MediumResult::Outcome::write_error:
    case MediumResult::Outcome::flush_error:
      break;
  }
  return sense("write_error");
}

/// A reply from a plan_ function, with what only the unit can add.
Plan completed(Plan plan, const LogicalUnit::Impl& unit, std::uint64_t data_out_taken) {
  if (auto* reply = std::get_if<Reply>(&plan)) {
    reply->descriptor_sense = unit.modes.descriptor_sense();
    reply->data_out_length = data_out_taken;
  }
  return plan;
}

Reply logical_unit_not_supported() {
  return refused(sense("logical_unit_not_supported"));
}

}  // namespace

// --- state

void LogicalUnit::Impl::raise(SenseCode condition, std::optional<NexusId> except) {
  for (auto& [nexus, state] : nexuses) {
    if (nexus != except) state.attentions.raise(condition);
  }
}

bool LogicalUnit::Impl::removal_prevented() const {
  return std::ranges::any_of(nexuses,
                             [](const auto& entry) { return entry.second.prevents_removal; });
}

const CommandRow* LogicalUnit::Impl::row_of(const Cdb& cdb) const {
  const CommandRow* row = find_command(cdb);
  return row != nullptr && supports(*row, profile) ? row : nullptr;
}

std::optional<Reply> LogicalUnit::Impl::not_ready(const CommandRow& row) const {
  if (unready && (unready->strict ? !row.is(passes_attention) : (row.traits & media_access) != 0))
    return check_condition(unready->sense);
  if (row.is(needs_medium) && !loaded) return refused(sense("medium_not_present_tray_open"));
  if (row.is(needs_active) && !started) return refused(sense("initializing_command_required"));
  return std::nullopt;
}

std::optional<Reply> LogicalUnit::Impl::refuse(NexusId nexus, NexusState& state,
                                               const CommandRow* row, const Cdb& cdb) {
  const auto report = [&](SenseCode attention) {
    state.attentions.reported(attention);
    return refused(attention);
  };
  const bool attentive = row == nullptr || !row->is(passes_attention);
  const auto attention = attentive ? state.attentions.gravest() : std::nullopt;
  if (attention && is_reset_class(*attention)) return report(*attention);
  if (reserved_by_other(nexus) && (row == nullptr || !row->is(passes_reservation))) {
    return with_status(Status::reservation_conflict);
  }
  if (attention) return report(*attention);
  if (row == nullptr) {
    const auto rows = find_opcode(cdb.opcode());
    if (rows.empty() || !rows.front().has_action())
      return refused(sense("invalid_command_operation_code"));
    return invalid_cdb_field(1, 4);  // SERVICE ACTION
  }
  if (const auto wrong = check_usage(*row, cdb)) return invalid_cdb_field(wrong->byte, wrong->bit);
  if (auto reply = not_ready(*row)) return reply;
  if (row->is(writes) && write_protected()) {
    return refused(profile.read_only ? sense("write_protected")
                                     : sense("logical_unit_software_write_protected"));
  }
  return std::nullopt;
}

// --- commands

LogicalUnit::LogicalUnit(LogicalUnitProfile profile)
    : impl_(std::make_unique<Impl>(std::move(profile))) {}
LogicalUnit::~LogicalUnit() = default;
LogicalUnit::LogicalUnit(LogicalUnit&&) noexcept = default;
LogicalUnit& LogicalUnit::operator=(LogicalUnit&&) noexcept = default;

const LogicalUnitProfile& LogicalUnit::profile() const {
  return impl_->profile;
}

Plan LogicalUnit::plan(NexusId nexus, const Command& command, const Surroundings& around) {
  NexusState* state = impl_->find(nexus);
  if (state == nullptr)
    return logical_unit_not_supported();  // never attached: no such unit for this nexus
  if (command.attribute ==
      TaskAttribute::aca)  // there never is an ACA here: NORMACA=0 (SAM-5 §5.9)
    return completed(refused(sense("invalid_message_error")), *impl_, 0);
  const CommandRow* row = impl_->row_of(command.cdb);
  if (auto refusal = impl_->refuse(nexus, *state, row, command.cdb)) {
    return completed(*std::move(refusal), *impl_, 0);
  }
  Execution execution{*impl_, nexus, *state, command, *row, around, std::nullopt};
  return completed(row->plan(execution), *impl_, 0);
}

Plan LogicalUnit::plan_with_data(NexusId nexus, const Command& command, const Surroundings& around,
                                 bytes::View parameter_list) {
  NexusState* state = impl_->find(nexus);
  const CommandRow* row = impl_->row_of(command.cdb);
  // plan() has been through all of this; whoever calls without it gets an answer, not a surprise.
  if (state == nullptr) return logical_unit_not_supported();
  if (row == nullptr) return refused(sense("invalid_command_operation_code"));
  const std::uint64_t wanted = parameter_list_length(command.cdb, impl_->profile);
  const bytes::View list =
      parameter_list.first(std::min<std::size_t>(parameter_list.size(), wanted));
  Execution execution{*impl_, nexus, *state, command, *row, around, list};
  return completed(row->plan(execution), *impl_, wanted);
}

Reply LogicalUnit::finish(NexusId, const Command& command, const Plan& plan,
                          const MediumResult& result) {
  if (const auto* reply = std::get_if<Reply>(&plan)) return *reply;
  Reply reply;
  if (result.outcome != MediumResult::Outcome::ok) {
    Sense why;
    why.code = code_of(result.outcome);
    if (result.outcome == MediumResult::Outcome::miscompare) {
      why.information = result.offset_bytes;
    } else if (result.outcome != MediumResult::Outcome::flush_error) {
      why.information = result.offset_bytes / impl_->profile.block_size;
    }
    reply = check_condition(std::move(why));
    reply.descriptor_sense = impl_->modes.descriptor_sense();
  } else if (const auto* read = std::get_if<ReadMedium>(&plan)) {
    reply.data_in_length = read->length_bytes;  // after an error none of it is delivered
  }
  reply.data_out_length =
      std::max(data_out_length(plan), parameter_list_length(command.cdb, impl_->profile));
  return reply;
}

// --- nexuses, unit attentions, resets

void LogicalUnit::attach(NexusId nexus, std::optional<SenseCode> first_attention) {
  NexusState& state = impl_->nexuses[nexus];
  state = {};
  if (first_attention) state.attentions.raise(*first_attention);
  impl_->for_next_nexus.move_to(state.attentions);
}

void LogicalUnit::detach(NexusId nexus) {
  impl_->nexuses.erase(nexus);
  if (impl_->reserved_by == nexus) impl_->reserved_by.reset();
}

void LogicalUnit::raise(SenseCode condition, std::optional<NexusId> except) {
  impl_->raise(condition, except);
}

void LogicalUnit::raise_for(NexusId nexus, SenseCode condition) {
  if (NexusState* state = impl_->find(nexus)) state->attentions.raise(condition);
}

std::optional<SenseCode> LogicalUnit::pending_attention(NexusId nexus) const {
  const NexusState* state = std::as_const(*impl_).find(nexus);
  return state != nullptr ? state->attentions.gravest() : std::nullopt;
}

void LogicalUnit::reset(ResetKind kind, bool attention) {
  impl_->modes = ModePages(impl_->profile);
  impl_->reserved_by.reset();
  impl_->started = true;
  for (auto& [nexus, state] : impl_->nexuses)
    state.prevents_removal = false;
  if (attention) impl_->raise(attention_of(kind), std::nullopt);
}

// --- the straight path, and what the host asks

bool LogicalUnit::straight_read(NexusId nexus) const {
  const NexusState* state = std::as_const(*impl_).find(nexus);
  return state != nullptr && state->attentions.empty() && !impl_->reserved_by_other(nexus) &&
         impl_->loaded && impl_->started && !impl_->unready;
}

bool LogicalUnit::straight_write(NexusId nexus) const {
  return straight_read(nexus) && !impl_->write_protected();
}

bool LogicalUnit::task_aborted_status() const {
  return impl_->modes.task_aborted_status();
}
bool LogicalUnit::one_task_set_per_nexus() const {
  return impl_->modes.task_set_type() == 1;
}
bool LogicalUnit::descriptor_sense() const {
  return impl_->modes.descriptor_sense();
}
bool LogicalUnit::write_cache_enabled() const {
  return impl_->modes.write_cache_enabled();
}

}  // namespace faultlun::scsi
