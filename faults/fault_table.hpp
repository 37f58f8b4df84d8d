// THE fault table: every fault that a rule may name, one row each, in families.  Rules are read,
// checked, listed (/v1/capabilities), documented (docs/faults/) and built from these rows.  A new
// fault is one row, with its parameters and a build function that makes it of the primitives in
// action.hpp.  The IDs are stable names (contract).
#pragma once

#include "faults/action.hpp"
#include "faults/parameter.hpp"
#include "faults/site.hpp"

#include <span>
#include <string_view>
#include <variant>

namespace faultlun::faults {

/// What a fault does when it fires, or what is wrong with its arguments.
using Built = std::variant<Action, Complaint>;

struct FaultRow {
  std::string_view id;  ///< "scsi.status"
  Site site;            ///< where it strikes
  std::span<const Parameter> parameters;
  Built (*build)(const Arguments&);
  std::string_view summary;  ///< one sentence
  std::string_view wire;     ///< what the initiator sees
  std::string_view host;     ///< what hosts make of it
  std::string_view example;  ///< a whole rule as JSON, to copy
  bool illegal = false;      ///< violates a protocol: a conformance run leaves it out
};

std::span<const FaultRow> fault_table();
/// Null when there is no such fault.
const FaultRow* find_fault(std::string_view id);

// The families, one file each in faults/table/.
std::span<const FaultRow> scsi_faults();             ///< scsi.*
std::span<const FaultRow> reply_faults();            ///< scsi.inquiry, vpd, mode, readcap, rlun
std::span<const FaultRow> unit_faults();             ///< ua.*, lu.*
std::span<const FaultRow> task_management_faults();  ///< tmf.*
std::span<const FaultRow> time_faults();             ///< time.*
std::span<const FaultRow> data_faults();             ///< data.*

/// One effect of a rule: a fault with its arguments, and what they come to.
struct Effect {
  const FaultRow* fault = nullptr;
  Arguments arguments;
  Action action;
  friend bool operator==(const Effect& a, const Effect& b) {
    return a.fault == b.fault && a.arguments == b.arguments;
  }
};

}  // namespace faultlun::faults
