#include "protocol/scsi/attentions.hpp"

#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

/// Precedence levels of SAM-5 §5.14.2; 0 for everything that is no reset.
int rank_of(SenseCode condition) {
  if (condition == sense("power_on_or_reset_occurred") || condition == sense("power_on_occurred"))
    return 5;
  if (condition == sense("microcode_has_been_changed")) return 4;
  if (condition == sense("scsi_bus_reset_occurred")) return 4;
  if (condition == sense("i_t_nexus_loss_occurred")) return 1;
  if (condition.key == 0x06 && condition.asc == 0x29) return condition.ascq <= 0x04 ? 3 : 2;
  return 0;
}

/// A reset puts the unit into a known state, so word of earlier changes is stale; but it does not
/// make a host look again at what LUNs there are, how large they are or what they are called.
bool survives_resets(SenseCode condition) {
  return condition == sense("reported_luns_data_has_changed") ||
         condition == sense("capacity_data_has_changed") ||
         condition == sense("inquiry_data_has_changed") ||
         condition == sense("microcode_has_been_changed");
}

}  // namespace

bool is_reset_class(SenseCode condition) {
  return rank_of(condition) > 0;
}

void Attentions::raise(SenseCode condition) {
  const int rank = rank_of(condition);
  if (std::ranges::find(pending_, condition, &Pending::condition) != pending_.end()) return;
  if (rank > 0 && !survives_resets(condition)) {
    const bool covered = std::ranges::any_of(pending_, [&](const Pending& other) {
      return !survives_resets(other.condition) && rank_of(other.condition) >= rank;
    });
    if (covered) return;
  }
  if (rank > 0) {
    std::erase_if(pending_, [&](const Pending& other) {
      return rank_of(other.condition) < rank && !survives_resets(other.condition);
    });
  } else if (pending_.size() >= kMaxPending) {
    return;
  }
  pending_.push_back({condition, 1});
}

void Attentions::raise_exactly(SenseCode condition, std::uint32_t times) {
  if (times == 0) return;
  const auto at = std::ranges::find(pending_, condition, &Pending::condition);
  if (at != pending_.end())
    at->left = std::max(at->left, times);
  else if (pending_.size() < kMaxPending)
    pending_.push_back({condition, times});
}

std::optional<SenseCode> Attentions::gravest() const {
  const auto at = std::ranges::max_element(
      pending_, {}, [](const Pending& each) { return rank_of(each.condition); });
  if (at == pending_.end()) return std::nullopt;  // else the first of equals
  return at->condition;
}

void Attentions::reported(SenseCode condition) {
  const auto at = std::ranges::find(pending_, condition, &Pending::condition);
  if (at != pending_.end() && --at->left == 0) pending_.erase(at);
}

void Attentions::clear(SenseCode condition) {
  std::erase_if(pending_, [&](const Pending& each) { return each.condition == condition; });
}

void Attentions::clear_any(std::span<const SenseCode> conditions) {
  if (conditions.empty()) pending_.clear();
  for (const auto condition : conditions)
    clear(condition);
}

void Attentions::move_to(Attentions& other) {
  for (const auto& each : pending_)
    other.raise_exactly(each.condition, each.left);
  pending_.clear();
}

}  // namespace faultlun::scsi
