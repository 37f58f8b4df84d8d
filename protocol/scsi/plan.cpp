#include "protocol/scsi/plan.hpp"

namespace faultlun::scsi {
namespace {

struct WantedFromHost {
  std::uint64_t operator()(const Reply&) const { return 0; }
  std::uint64_t operator()(const NeedData& plan) const { return plan.bytes; }
  std::uint64_t operator()(const ReadMedium&) const { return 0; }
  std::uint64_t operator()(const WriteMedium& plan) const { return plan.length_bytes; }
  std::uint64_t operator()(const VerifyMedium& plan) const { return plan.data_out_length; }
  std::uint64_t operator()(const CompareAndWrite& plan) const { return 2 * plan.length_bytes; }
  // Their data has been collected before the plan was made.
  std::uint64_t operator()(const WriteSame&) const { return 0; }
  std::uint64_t operator()(const UnmapMedium&) const { return 0; }
  std::uint64_t operator()(const FlushMedium&) const { return 0; }
  std::uint64_t operator()(const QueryAllocation&) const { return 0; }
};

}  // namespace

std::uint64_t data_out_length(const Plan& plan) {
  return std::visit(WantedFromHost{}, plan);
}

}  // namespace faultlun::scsi
