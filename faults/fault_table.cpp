#include "faults/fault_table.hpp"

#include <algorithm>
#include <vector>

namespace faultlun::faults {

std::span<const FaultRow> fault_table() {
  static const std::vector<FaultRow> kAll = [] {
    std::vector<FaultRow> all;
    for (const auto family : {scsi_faults(), reply_faults(), unit_faults(),
                              task_management_faults(), time_faults(), data_faults()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return kAll;
}

const FaultRow* find_fault(std::string_view id) {
  const auto table = fault_table();
  const auto found = std::ranges::find(table, id, &FaultRow::id);
  return found == table.end() ? nullptr : &*found;
}

bool is_terminal(const Action& action) {
  return std::holds_alternative<Answer>(action) || std::holds_alternative<MediumError>(action) ||
         std::holds_alternative<Silence>(action) || std::holds_alternative<Drop>(action) ||
         std::holds_alternative<Absent>(action);
}

}  // namespace faultlun::faults
