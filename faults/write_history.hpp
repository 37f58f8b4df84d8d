// Which blocks of a logical unit were written, how often, and under which epoch of rules: what
// heals a bad block, and the index of key `lba`.  One per unit, kept only while a rule looks at it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace faultlun::faults {

class WriteHistory {
 public:
  /// Stretches of blocks with a history of their own; beyond it the oldest knowledge is merged: a
  /// stretch takes over the state of its neighbour.
  static constexpr std::size_t kMaxStretches = 65536;

  struct State {
    std::uint64_t writes = 0;      ///< since the history began
    std::uint64_t last_epoch = 0;  ///< of the rules under which the last one was decided
    friend bool operator==(const State&, const State&) = default;
  };

  void note_write(std::uint64_t lba, std::uint64_t blocks, std::uint64_t epoch);
  State at(std::uint64_t lba) const;
  /// The first block at or after `lba`, up to `last`, that no write of epoch `since` or later has
  /// touched.  `last` + 1 (or 0 when that wraps) when there is none.
  std::uint64_t first_unwritten(std::uint64_t lba, std::uint64_t last, std::uint64_t since) const;
  /// The first block from `lba` to `last` that a write of epoch `since` or later has touched.
  std::optional<std::uint64_t> first_written(std::uint64_t lba, std::uint64_t last,
                                             std::uint64_t since) const;
  void clear() { stretches_.clear(); }
  std::size_t stretches() const { return stretches_.size(); }

 private:
  void split(std::uint64_t at);

  std::map<std::uint64_t, State> stretches_;  ///< by first block; each goes on to the next
};

}  // namespace faultlun::faults
