// The state of a logical unit.  Inside protocol/scsi only; everyone else sees logical_unit.hpp.
#pragma once

#include "protocol/scsi/attentions.hpp"
#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/logical_unit.hpp"
#include "protocol/scsi/mode_pages.hpp"

#include <map>

namespace faultlun::scsi {

/// What the unit keeps for one I_T nexus.
struct NexusState {
  Attentions attentions;
  bool prevents_removal = false;
};

class LogicalUnit::Impl {
 public:
  explicit Impl(LogicalUnitProfile given) : profile(std::move(given)), modes(profile) {}

  LogicalUnitProfile profile;
  ModePages modes;
  std::map<NexusId, NexusState>
      nexuses;                         // ordered, so that everything that walks it is deterministic
  std::optional<NexusId> reserved_by;  ///< RESERVE(6) and (10)
  bool loaded = true;                  ///< a removable medium is in
  bool started = true;                 ///< not in the stopped power condition

  // What fault rules have done to it.
  std::optional<Unready> unready;
  std::optional<SenseCode> prediction;  ///< informational exception condition
  Attentions for_next_nexus;            ///< the next one to be attached starts with these

  NexusState* find(NexusId nexus) {
    const auto at = nexuses.find(nexus);
    return at == nexuses.end() ? nullptr : &at->second;
  }
  const NexusState* find(NexusId nexus) const {
    const auto at = nexuses.find(nexus);
    return at == nexuses.end() ? nullptr : &at->second;
  }

  void raise(SenseCode condition, std::optional<NexusId> except);
  bool reserved_by_other(NexusId nexus) const { return reserved_by && *reserved_by != nexus; }
  bool removal_prevented() const;
  bool write_protected() const { return profile.read_only || modes.software_write_protect(); }

  /// Everything that may stand in the way before the command's own plan_ function looks at it, in
  /// the order of SAM-5 §5.3.3 and checklist B1.05.  A unit attention that is reported is cleared.
  std::optional<Reply> refuse(NexusId nexus, NexusState& state, const CommandRow* row,
                              const Cdb& cdb);
  std::optional<Reply> not_ready(const CommandRow& row) const;
  const CommandRow* row_of(const Cdb& cdb) const;
};

}  // namespace faultlun::scsi
