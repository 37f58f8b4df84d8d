// The unit family of the fault table.
#include "faults/fault_table.hpp"

namespace faultlun::faults {

std::span<const FaultRow> unit_faults() {
  return {};
}

}  // namespace faultlun::faults
