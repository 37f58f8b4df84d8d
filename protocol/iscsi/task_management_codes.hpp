// Function codes of a Task Management Function Request and response codes of its answer.
// RFC 7143 §11.5.1 and §11.6.1, RFC 7144 §6.  Which functions are carried out is a row of
// scsi::task_management_table().
#pragma once

#include <cstdint>

namespace faultlun::iscsi {

namespace task_function {
inline constexpr std::uint8_t kAbortTask = 1;
inline constexpr std::uint8_t kAbortTaskSet = 2;
inline constexpr std::uint8_t kClearAca = 3;
inline constexpr std::uint8_t kClearTaskSet = 4;
inline constexpr std::uint8_t kLogicalUnitReset = 5;
inline constexpr std::uint8_t kTargetWarmReset = 6;
inline constexpr std::uint8_t kTargetColdReset = 7;
inline constexpr std::uint8_t kTaskReassign = 8;
inline constexpr std::uint8_t kQueryTask = 9;
inline constexpr std::uint8_t kQueryTaskSet = 10;
inline constexpr std::uint8_t kItNexusReset = 11;
inline constexpr std::uint8_t kQueryAsyncEvent = 12;
}  // namespace task_function

namespace task_response {
inline constexpr std::uint8_t kComplete = 0;
inline constexpr std::uint8_t kNoSuchTask = 1;
inline constexpr std::uint8_t kNoSuchLun = 2;
inline constexpr std::uint8_t kReassignmentNotSupported = 4;
inline constexpr std::uint8_t kNotSupported = 5;
inline constexpr std::uint8_t kSucceeded = 7;
inline constexpr std::uint8_t kRejected = 255;
}  // namespace task_response

}  // namespace faultlun::iscsi
