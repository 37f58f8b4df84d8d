// What fault rules do to a logical unit: unit attentions as told, a unit that is not ready, a
// medium that is gone, a new microcode, a predicted failure.
#include "protocol/scsi/logical_unit.hpp"
#include "protocol/scsi/sense_codes.hpp"
#include "protocol/scsi/unit_state.hpp"

#include <iterator>
#include <utility>

namespace faultlun::scsi {

void LogicalUnit::establish(std::span<const SenseCode> conditions, std::uint32_t times, To to,
                            NexusId own) {
  for (const auto condition : conditions) {
    if (to == To::next) impl_->for_next_nexus.raise_exactly(condition, times);
    for (auto& [nexus, state] : impl_->nexuses) {
      const bool is_own = nexus == own;
      if (to == To::all || (to == To::own && is_own) || (to == To::others && !is_own))
        state.attentions.raise_exactly(condition, times);
    }
  }
}

void LogicalUnit::lose_attentions(NexusId nexus, std::span<const SenseCode> conditions) {
  if (NexusState* state = impl_->find(nexus)) state->attentions.clear_any(conditions);
}

void LogicalUnit::misdirect_attentions(NexusId own, std::span<const SenseCode> conditions,
                                       std::uint32_t times) {
  const auto from = impl_->nexuses.find(own);
  if (from == impl_->nexuses.end() || impl_->nexuses.size() == 1) return;
  auto wrong = std::next(from);
  if (wrong == impl_->nexuses.end()) wrong = impl_->nexuses.begin();
  if (conditions.empty()) return from->second.attentions.move_to(wrong->second.attentions);
  for (const auto condition : conditions)
    wrong->second.attentions.raise_exactly(condition, times);
}

void LogicalUnit::forget_next_attentions() {
  impl_->for_next_nexus = {};
}

void LogicalUnit::set_unready(std::optional<Unready> why) {
  impl_->unready = std::move(why);
}

void LogicalUnit::eject() {
  impl_->loaded = false;
}

void LogicalUnit::load(bool silent) {
  if (!std::exchange(impl_->loaded, true) && !silent)
    impl_->raise(sense("medium_may_have_changed"), std::nullopt);
}

bool LogicalUnit::loaded() const {
  return impl_->loaded;
}

void LogicalUnit::set_revision(std::string revision) {
  impl_->profile.revision = std::move(revision);
}

void LogicalUnit::predict(std::optional<SenseCode> condition) {
  impl_->prediction = condition;
  const auto& modes = impl_->modes;
  if (condition && modes.exception_method() == 2 && !modes.exceptions_disabled())
    impl_->raise({0x06, condition->asc, condition->ascq}, std::nullopt);
}

}  // namespace faultlun::scsi
