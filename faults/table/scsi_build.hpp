// Build functions of the scsi family: arguments in, a primitive of action.hpp or a complaint out.
// The rows that name them, with parameters and words, are in scsi_faults.cpp.
#pragma once

#include "faults/fault_table.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace faultlun::faults {

using Code = std::variant<scsi::SenseCode, Complaint>;

/// The sense code that `asc` (a SenseRef) and `key` name; `asc` left out: `fallback`.  The key is
/// the one that is given, else the first of `keys` that the sense table has with this code, else
/// the first of `keys`.  Without `keys` any key may be given, and the table must know exactly one
/// when none is.
Code sense_code_of(const Arguments& arguments, SenseRef fallback,
                   std::span<const std::uint8_t> keys);

/// "BUSY", "TASK SET FULL", "task_set_full", "0x14" or "20".
std::optional<scsi::Status> parse_status(std::string_view text);

/// One way that a parallel bus, or what stands in its place, breaks a transfer.
struct ParityVariant {
  std::string_view name;
  scsi::SenseCode code;
};
std::span<const ParityVariant> parity_variants();

/// What a host may take for a selection timeout; index of the choice `variant`.
enum class SelectionVariant : std::uint8_t {
  lun_absent,
  report_luns_hides,
  connect_timeout,
  login_not_found,
  sense_0b4500,
  silent,
};

Built build_sense_fault(const Arguments& arguments);
Built build_status(const Arguments& arguments);
Built build_sense_missing(const Arguments& arguments);
Built build_parity(const Arguments& arguments);
Built build_selection_timeout(const Arguments& arguments);
Built build_medium(const Arguments& arguments);
Built build_hardware(const Arguments& arguments);
Built build_not_ready(const Arguments& arguments);
Built build_abort(const Arguments& arguments);
Built build_protect(const Arguments& arguments);
Built build_illegal(const Arguments& arguments);
Built build_predict(const Arguments& arguments);
Built build_protection_information(const Arguments& arguments);

}  // namespace faultlun::faults
