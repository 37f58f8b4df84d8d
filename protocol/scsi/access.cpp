// The straight path: every 4 KiB read or write comes through here, so there is no table search, no
// heap and one switch.  It must agree with the command table; a property test compares it with
// LogicalUnit::plan().
#include "protocol/scsi/limits.hpp"
#include "protocol/scsi/logical_unit.hpp"

namespace faultlun::scsi {
namespace {

struct Fields {
  std::uint64_t lba = 0, blocks = 0;
  unsigned unusual = 0;  ///< any bit here: leave it to plan()
};

constexpr std::uint8_t kDpoFua = 0x18, kFua = 0x08, kGroup = 0x1f;

Fields fields_6(const Cdb& cdb) {
  const std::uint32_t blocks = cdb[4] == 0 ? 256 : cdb[4];
  return {cdb.be24(1) & 0x1fffff, blocks, static_cast<unsigned>(cdb[1] & 0xe0) | cdb[5]};
}
Fields fields_10(const Cdb& cdb) {
  return {cdb.be32(2), cdb.be16(7),
          static_cast<unsigned>((cdb[1] & ~kDpoFua) | (cdb[6] & ~kGroup)) | cdb[9]};
}
Fields fields_12(const Cdb& cdb) {
  return {cdb.be32(2), cdb.be32(6),
          static_cast<unsigned>((cdb[1] & ~kDpoFua) | (cdb[10] & ~kGroup)) | cdb[11]};
}
Fields fields_16(const Cdb& cdb) {
  return {cdb.be64(2), cdb.be32(10),
          static_cast<unsigned>((cdb[1] & ~kDpoFua) | (cdb[14] & ~kGroup)) | cdb[15]};
}

}  // namespace

std::optional<Access> plan_access(const Command& command, const LogicalUnitProfile& profile) {
  const Cdb& cdb = command.cdb;
  Fields fields;
  Access access;
  switch (cdb.opcode()) {
    case 0x2a:
      access.write = true;
      [[fallthrough]];
    case 0x28:
      fields = fields_10(cdb);
      break;
    case 0x8a:
      access.write = true;
      [[fallthrough]];
    case 0x88:
      fields = fields_16(cdb);
      break;
    case 0xaa:
      access.write = true;
      [[fallthrough]];
    case 0xa8:
      fields = fields_12(cdb);
      break;
    case 0x0a:
      access.write = true;
      [[fallthrough]];
    case 0x08:
      fields = fields_6(cdb);
      break;
    default:
      return std::nullopt;
  }
  if (fields.unusual != 0 || fields.blocks == 0) return std::nullopt;
  if (command.attribute == TaskAttribute::aca) return std::nullopt;
  if (fields.lba > profile.blocks || fields.blocks > profile.blocks - fields.lba)
    return std::nullopt;
  access.length_bytes = fields.blocks * profile.block_size;
  if (access.length_bytes > kMaxTransferBytes) return std::nullopt;
  access.offset_bytes = fields.lba * profile.block_size;
  access.fua = cdb.opcode() >= 0x20 && (cdb[1] & kFua) != 0;
  return access;
}

}  // namespace faultlun::scsi
