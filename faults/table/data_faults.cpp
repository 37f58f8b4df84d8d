// The data family of the fault table.
#include "faults/fault_table.hpp"

namespace faultlun::faults {

std::span<const FaultRow> data_faults() {
  return {};
}

}  // namespace faultlun::faults
