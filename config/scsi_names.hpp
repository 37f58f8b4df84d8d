// Names of commands, task management functions and sense keys as people write them in rules: case
// does not count, and a space is as good as an underscore.
#pragma once

#include "config/object.hpp"
#include "faults/match.hpp"
#include "faults/parameter.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

/// By sense key.  SPC-4 §4.5.6.
inline constexpr std::array<std::string_view, 16> kSenseKeyNames = {
    "NO_SENSE",       "RECOVERED_ERROR", "NOT_READY",      "MEDIUM_ERROR",
    "HARDWARE_ERROR", "ILLEGAL_REQUEST", "UNIT_ATTENTION", "DATA_PROTECT",
    "BLANK_CHECK",    "VENDOR_SPECIFIC", "COPY_ABORTED",   "ABORTED_COMMAND",
    "RESERVED",       "VOLUME_OVERFLOW", "MISCOMPARE",     "COMPLETED",
};
/// By faults: scsi::TaskAttribute.
inline constexpr std::string_view kTaskAttributeNames[] = {"untagged", "simple", "ordered",
                                                           "head_of_queue", "aca"};
/// Classes of commands, `tmf` and `any`.
inline constexpr std::string_view kOperationClassNames[] = {"read",    "write",    "flush", "unmap",
                                                            "reserve", "identify", "tmf",   "any"};

/// "READ(10)", "read (10)", "0x28" or a class.
std::optional<faults::OperationMatch> read_operation(const Value& value);
/// "ABORT TASK", "abort_task" or 1: the function's number.  RFC 7143 §11.5.1.
std::optional<std::uint64_t> read_task_management_function(const Value& value);
/// "ABORTED_COMMAND" or "0x0b".
std::optional<std::uint64_t> read_sense_key(const Value& value);
/// "11/00", "03/11/00" or a name of the sense table.
std::optional<faults::SenseRef> read_sense_code(const Value& value);

std::string task_management_text(std::uint64_t function);   ///< "ABORT TASK", "0x0d"
std::string sense_code_text(const faults::SenseRef& code);  ///< "11/00", "03/11/00"

}  // namespace faultlun::config
