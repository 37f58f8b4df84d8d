// What a rule can reach in an event: the effects that apply to it, the blocks that it shares with
// the rule, and which of them are still bad.
#pragma once

#include "faults/rule_state.hpp"
#include "faults/write_history.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace faultlun::faults {

bool writes_medium(const Facts& facts);

/// A rule is about the commands that its effects can strike, whatever else it says.
bool applies(const Rule& rule, const Effect& effect, const Facts& facts);

/// Blocks, the last one included.
struct Stretch {
  std::uint64_t first = 0, last = 0;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// Where the command meets the rule's LBA match: ascending, disjoint.
std::vector<Stretch> common_blocks(const Match& match, const Facts& facts);

/// The effect whose blocks heal by themselves after a number of errors; null: there is none.
const MediumError* self_healing(const Rule& rule);
bool has_healed(const RuleCounter& counter, const MediumError& error, std::uint64_t lba);

/// The first run of blocks in `stretch` that have not healed by themselves; nothing: all have.
std::optional<Stretch> before_healing(Stretch stretch, const RuleCounter& counter,
                                      const MediumError& error);
/// The same for blocks that heal when a write of epoch `since` or later touches them.
std::optional<Stretch> before_rewritten(Stretch stretch, const WriteHistory& writes,
                                        std::uint64_t since);

}  // namespace faultlun::faults
