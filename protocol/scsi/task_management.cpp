// The task management functions of RFC 7143 §11.5.1 and RFC 7144 §6, and their places in SPC-4
// §6.35.
#include "protocol/scsi/logical_unit.hpp"

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kNotReported = 0xff;

// clang-format off
constexpr TaskManagementRow kTaskManagement[] = {
  // function, name           byte, bit                  supported  level
  {1,  "ABORT TASK",               0, 7,                       true,  1},
  {2,  "ABORT TASK SET",           0, 6,                       true,  1},
  {3,  "CLEAR ACA",                0, 5,                       false, 1},
  {4,  "CLEAR TASK SET",           0, 4,                       true,  1},
  {5,  "LOGICAL UNIT RESET",       0, 3,                       true,  1},
  {6,  "TARGET WARM RESET",        0, 1,                       true,  1},
  {7,  "TARGET COLD RESET",        kNotReported, kNotReported, true,  1},
  {8,  "TASK REASSIGN",            kNotReported, kNotReported, false, 1},
  {9,  "QUERY TASK",               0, 2,                       true,  2},
  {10, "QUERY TASK SET",           1, 1,                       true,  2},
  {11, "I_T NEXUS RESET",          1, 0,                       true,  2},
  {12, "QUERY ASYNCHRONOUS EVENT", 1, 2,                       true,  2},
};
// clang-format on

}  // namespace

std::span<const TaskManagementRow> task_management_table() {
  return kTaskManagement;
}

}  // namespace faultlun::scsi
