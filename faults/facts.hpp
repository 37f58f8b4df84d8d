// What is happening, as plain data: everything a rule may look at when it decides about a command.
// Built by the daemon in CmdSN order of one session (docs/decisions, determinism contract D1 to
// D4).
#pragma once

#include "protocol/scsi/cdb.hpp"
#include "protocol/scsi/status.hpp"

#include <cstdint>

namespace faultlun::faults {

/// A session under the name it keeps over machines and times: initiator name + ISID + login ordinal
/// (D3).
struct SessionAlias {
  std::uint32_t number = 0;  ///< index into the daemon's table of aliases
};

struct CommandFacts {
  SessionAlias session;
  std::uint32_t cmd_sn = 0;
  bool immediate = false;
  std::uint16_t target = 0;  ///< index of the target in the configuration
  std::uint16_t lun = 0;
  const scsi::Cdb* cdb = nullptr;
  scsi::TaskAttribute attribute = scsi::TaskAttribute::simple;
  std::uint32_t expected_data_transfer_length = 0;
};

}  // namespace faultlun::faults
