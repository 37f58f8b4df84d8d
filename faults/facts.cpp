#include "faults/facts.hpp"

namespace faultlun::faults {

OperationClass class_of(const scsi::Cdb& cdb, const scsi::CommandRow* row) {
  switch (cdb.opcode()) {
    case 0x16:
    case 0x17:
    case 0x56:
    case 0x57:
    case 0x5e:
    case 0x5f:
      return OperationClass::reserve;
    case 0x35:
    case 0x91:
      return OperationClass::flush;
    case 0x42:
      return OperationClass::unmap;
    case 0x12:
    case 0x1a:
    case 0x25:
    case 0x5a:
    case 0xa0:
      return OperationClass::identify;
    default:
      break;
  }
  if (row == nullptr) return OperationClass::other;
  if (row->is(scsi::writes)) return OperationClass::write;
  if (row->name.starts_with("READ(")) return OperationClass::read;
  if (row->name == "READ CAPACITY(16)") return OperationClass::identify;
  return OperationClass::other;
}

std::string_view name_of(OperationClass operation) {
  constexpr std::string_view kNames[] = {"other", "read",    "write",   "flush",
                                         "unmap", "reserve", "identify"};
  return kNames[static_cast<std::size_t>(operation)];
}

}  // namespace faultlun::faults
