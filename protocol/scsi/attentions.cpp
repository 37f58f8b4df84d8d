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
  if (std::ranges::find(pending_, condition) != pending_.end()) return;
  if (rank > 0 && !survives_resets(condition)) {
    const bool covered = std::ranges::any_of(pending_, [&](SenseCode other) {
      return !survives_resets(other) && rank_of(other) >= rank;
    });
    if (covered) return;
  }
  if (rank > 0) {
    std::erase_if(pending_, [&](SenseCode other) {
      return rank_of(other) < rank && !survives_resets(other);
    });
  }
  pending_.push_back(condition);
}

std::optional<SenseCode> Attentions::gravest() const {
  const auto at = std::ranges::max_element(pending_, {}, rank_of);  // the first of equals
  if (at == pending_.end()) return std::nullopt;
  return *at;
}

void Attentions::clear(SenseCode condition) {
  std::erase(pending_, condition);
}

}  // namespace faultlun::scsi
