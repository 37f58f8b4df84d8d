#include "protocol/scsi/execution.hpp"

namespace faultlun::scsi {

Reply parameter_data(bytes::Buffer data, std::uint64_t allocation_length) {
  Reply reply;
  if (data.size() > allocation_length) data.resize(static_cast<std::size_t>(allocation_length));
  reply.data_in_length = data.size();
  reply.data_in = std::move(data);
  return reply;
}

Reply invalid_cdb_field(std::uint16_t byte, int bit) {
  Sense why;
  why.code = sense("invalid_field_in_cdb");
  why.field = FieldPointer{true, byte, static_cast<std::int8_t>(bit)};
  return check_condition(std::move(why));
}

Reply invalid_parameter(std::size_t byte, int bit) {
  Sense why;
  why.code = sense("invalid_field_in_parameter_list");
  why.field = FieldPointer{false, static_cast<std::uint16_t>(byte), static_cast<std::int8_t>(bit)};
  return check_condition(std::move(why));
}

Reply refused(SenseCode code) {
  Sense why;
  why.code = code;
  return check_condition(std::move(why));
}

std::optional<Reply> check_range(const LogicalUnitProfile& profile, BlockRange range) {
  // No lba + blocks: it can wrap.
  if (range.lba <= profile.blocks && range.blocks <= profile.blocks - range.lba)
    return std::nullopt;
  Sense why;
  why.code = sense("lba_out_of_range");
  why.information = std::max(range.lba, profile.blocks);
  return check_condition(std::move(why));
}

std::uint64_t parameter_list_length(const Cdb& cdb, const LogicalUnitProfile& profile) {
  switch (cdb.opcode()) {
    case 0x15:
      return cdb[4];  // MODE SELECT(6)
    case 0x42:        // UNMAP
    case 0x55:
      return cdb.be16(7);  // MODE SELECT(10)
    case 0x41:
      return profile.block_size;  // WRITE SAME(10)
    case 0x93:
      return (cdb[1] & 0x01) != 0 ? 0 : profile.block_size;  // WRITE SAME(16), NDOB
    default:
      return 0;
  }
}

std::array<std::uint8_t, kMaxUsageBytes> usage_of(const CommandRow& row,
                                                  const LogicalUnitProfile& profile) {
  auto usage = row.usage;
  if (row.is(unmap_bit) && !profile.thin) usage[1] = static_cast<std::uint8_t>(usage[1] & ~0x08);
  return usage;
}

}  // namespace faultlun::scsi
