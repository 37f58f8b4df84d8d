// The unit attention conditions pending for one I_T nexus.  SAM-5 §5.14.
// Oldest first, but the reset class goes before all others and takes away what it covers; no
// condition twice.
#pragma once

#include "protocol/scsi/sense.hpp"

#include <vector>

namespace faultlun::scsi {

/// 29/xx and 3F/01: reported before a reservation conflict, all others after it (SAM-5 §5.3.3,
/// B1.02).
bool is_reset_class(SenseCode condition);

class Attentions {
 public:
  void raise(SenseCode condition);
  std::optional<SenseCode> gravest() const;
  void clear(SenseCode condition);
  bool empty() const { return pending_.empty(); }

 private:
  std::vector<SenseCode>
      pending_;  ///< in order of arrival; each at most once, so the sense table bounds it
};

}  // namespace faultlun::scsi
