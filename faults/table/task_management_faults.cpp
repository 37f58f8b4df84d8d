// The task_management family of the fault table.
#include "faults/fault_table.hpp"

namespace faultlun::faults {

std::span<const FaultRow> task_management_faults() {
  return {};
}

}  // namespace faultlun::faults
