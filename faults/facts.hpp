// What is happening, as plain data: everything a rule may look at when it decides.  Built by the
// daemon, for commands in CmdSN order of one session (determinism contract D1 to D4).
#pragma once

#include "faults/site.hpp"
#include "faults/time.hpp"
#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/status.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::faults {

/// What stays the same for as long as a session lives.  Its alias is the name it keeps over
/// machines and times: initiator name, ISID, login ordinal (D3).
struct SessionFacts {
  std::string initiator;      ///< iSCSI name
  std::string isid;           ///< 12 hexadecimal digits
  std::uint32_t ordinal = 0;  ///< logins of this initiator and ISID to this target so far, from 1
  std::string target;         ///< iSCSI name; empty in a discovery session
  std::uint16_t target_index = 0;
  std::uint16_t portal = 0;  ///< index in the configuration
  std::uint16_t portal_group_tag = 0;
  std::string source;              ///< IP address of the initiator
  std::uint16_t tsih = 0;          ///< not part of the alias: differs from run to run
  std::uint32_t first_cmd_sn = 0;  ///< where the session began to count: some initiators draw it
  bool discovery = false;

  /// "iqn.1991-05.com.microsoft:host,400001370000,1"
  std::string alias() const { return initiator + "," + isid + "," + std::to_string(ordinal); }
};

/// Classes of commands that rules may name beside single commands.
enum class OperationClass : std::uint8_t { other, read, write, flush, unmap, reserve, identify };

/// A command, a task management function, a login or a connection: `site` says which.
struct Facts {
  Site site = Site::cmd_enqueue;
  const SessionFacts* session = nullptr;  ///< never null; of a login: what is known so far
  Time now{};
  std::uint16_t lun = 0;
  bool has_lun = false;  ///< false: the LUN field names no number of ours

  // A SCSI command (cmd.enqueue).
  std::uint32_t cmd_sn = 0;
  bool immediate = false;
  const scsi::Cdb* cdb = nullptr;
  const scsi::CommandRow* row = nullptr;  ///< null: the command table does not know the CDB
  std::uint64_t lba = 0, blocks = 0;      ///< blocks 0: no range
  std::uint32_t block_size = 512;
  scsi::TaskAttribute attribute = scsi::TaskAttribute::simple;
  std::uint32_t expected_data_transfer_length = 0;
  std::uint32_t outstanding = 0;          ///< commands of the session in progress, this included
  std::span<const std::uint8_t> payload;  ///< Data-Out, when `payload_known`
  bool payload_known = false;

  // A task management function (tmf.rx).
  std::uint8_t function = 0;  ///< RFC 7143 §11.5.1

  /// Of a range that is not empty; stops at the end of what 64 bits can say.
  std::uint64_t last_lba() const {
    return blocks - 1 > UINT64_MAX - lba ? UINT64_MAX : lba + (blocks - 1);
  }
};

/// The class that a command belongs to; `other` for unknown ones.
OperationClass class_of(const scsi::Cdb& cdb, const scsi::CommandRow* row);
std::string_view name_of(OperationClass operation);

}  // namespace faultlun::faults
