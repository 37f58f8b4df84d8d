// Status codes and task attributes.  SAM-5 §5.3 and §8.9.
#pragma once

#include <cstdint>
#include <string_view>

namespace faultlun::scsi {

enum class Status : std::uint8_t {
  good = 0x00,
  check_condition = 0x02,
  condition_met = 0x04,
  busy = 0x08,
  reservation_conflict = 0x18,
  task_set_full = 0x28,
  aca_active = 0x30,
  task_aborted = 0x40,
};

/// Task attributes with the codes that iSCSI carries (RFC 7143 §11.3.1); 5 to 7 are reserved.
enum class TaskAttribute : std::uint8_t {
  untagged = 0,
  simple = 1,
  ordered = 2,
  head_of_queue = 3,
  aca = 4
};

/// The standard's name, for logs and for rules: "CHECK CONDITION"; "reserved" for any other value.
std::string_view name_of(Status status);

}  // namespace faultlun::scsi
