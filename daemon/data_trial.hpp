// All that a command that is lied about carries beside its operation: its faults, resolved, and how
// they are laid over the medium.  Inside data_faults.cpp and data_trial.cpp only.
#pragma once

#include "daemon/data_faults.hpp"
#include "daemon/data_patches.hpp"
#include "lun_backends/overlay.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace faultlun::daemon {

/// One fault of the command.
struct Struck {
  const faults::Strike* strike = nullptr;
  const faults::DataFault* fault = nullptr;
  Chance chance{0, 0};
  std::vector<ByteRange> area;  ///< what it changes in place
  lun_backends::Overlay overlay;
  std::uint64_t serial = 0;  ///< of the rule's lifetime
  bool unmet = false;        ///< said so already

  bool is(faults::DataFault::Kind kind) const { return fault->kind == kind; }
  bool lasts() const { return fault->lasting != faults::DataFault::Lasting::transient; }
};

/// What one fault lays over the medium; `others` on `other` when that is another unit.
struct Lie {
  Struck* struck = nullptr;
  Patches own;
  std::shared_ptr<LunHost> other;
  Patches others;
};

/// A place on a unit of the target.
struct Place {
  std::shared_ptr<LunHost> host;
  std::uint64_t offset_bytes = 0;
};

/// All that a command that is lied about carries beside its operation.  The session may end
/// meanwhile; what is here does not end with it.
class Trial {
 public:
  Trial(OperationPtr operation, Loop& loop);

  LunHost& host() const { return *operation_->host; }
  lun_backends::OverlayDevice& device() const { return host().device(); }
  std::vector<Struck>& struck() { return struck_; }
  Struck* find(faults::DataFault::Kind kind);

  /// Says that a fault could not be carried out, once.
  void unmet(Struck& struck, lun_backends::Refusal why);
  /// Says so of all faults.
  void unmet_all(lun_backends::Refusal why);

  /// False, and said so: it was refused.
  bool lay(Struck& struck, Patches patches);
  bool lay(Lie& lie, bool own_laid);
  /// Before the medium is touched.
  void wrap();

  std::uint64_t blocks_of(std::uint64_t bytes) const { return bytes / host().profile().block_size; }
  /// The other place of a fault for a range; nothing, and said so, when there is none.
  std::optional<Place> elsewhere(Struck& struck, ByteRange range);

 private:
  bool still_meant(const Struck& struck) const;
  std::shared_ptr<LunHost> unit_of(const faults::DataFault& fault) const;

  OperationPtr operation_;
  Loop& loop_;
  World& world_;
  std::shared_ptr<const LunMap> luns_;
  std::vector<Struck> struck_;
};

}  // namespace faultlun::daemon
