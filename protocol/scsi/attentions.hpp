// The unit attention conditions pending for one I_T nexus.  SAM-5 §5.14.
// Oldest first, but the reset class goes before all others and takes away what it covers; no
// condition twice, unless a fault rule says so.
#pragma once

#include "protocol/scsi/sense.hpp"

#include <span>
#include <vector>

namespace faultlun::scsi {

/// 29/xx and 3F/01: reported before a reservation conflict, all others after it (SAM-5 §5.3.3,
/// B1.02).
bool is_reset_class(SenseCode condition);

class Attentions {
 public:
  /// Kinds of conditions beside the reset class, of which precedence leaves one; then more of them
  /// are not established.
  static constexpr std::size_t kMaxPending = 64;

  void raise(SenseCode condition);
  /// A fault rule says so: reported `times` times, and no other condition covers it or is covered.
  void raise_exactly(SenseCode condition, std::uint32_t times);
  std::optional<SenseCode> gravest() const;
  /// It has been reported once.
  void reported(SenseCode condition);
  void clear(SenseCode condition);
  /// Those among `conditions`, or all of them when there are none.
  void clear_any(std::span<const SenseCode> conditions);
  /// Everything that pends here pends in `other` instead.
  void move_to(Attentions& other);
  bool empty() const { return pending_.empty(); }

 private:
  struct Pending {
    SenseCode condition;
    std::uint32_t left = 1;  ///< times that it will be reported
  };
  std::vector<Pending> pending_;  ///< in order of arrival, no condition twice
};

}  // namespace faultlun::scsi
