// MODE SENSE and MODE SELECT (6 and 10).  SPC-4 §6.11 to §6.14, §7.5.
#include "protocol/bytes/reader.hpp"
#include "protocol/bytes/writer.hpp"
#include "protocol/scsi/execution.hpp"

#include <algorithm>
#include <bit>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kAllPages = 0x3f, kAllSubpages = 0xff;
constexpr std::uint8_t kWriteProtected = 0x80, kDpoFuaSupported = 0x10;
constexpr std::size_t kShortDescriptor = 8, kLongDescriptor = 16;

bool is_ten(const Execution& execution) {
  return execution.row.cdb_length == 10;
}

bool asked_for(const ModePageRow& row, std::uint8_t page, std::uint8_t subpage) {
  const bool page_matches = page == kAllPages || page == row.page;
  return page_matches && (subpage == kAllSubpages || subpage == row.subpage);
}

/// Mode parameter block descriptor of direct-access devices.  SBC-3 §6.5.2.
void put_block_descriptor(bytes::Writer& out, const LogicalUnitProfile& profile, bool long_lba) {
  if (long_lba) {
    out.be64(profile.blocks).be32(0).be32(profile.block_size);
  } else {
    const std::uint64_t blocks = std::min<std::uint64_t>(profile.blocks, 0xffffffff);
    out.be32(static_cast<std::uint32_t>(blocks)).be32(profile.block_size);
  }
}

void put_pages(bytes::Writer& out, const Execution& execution, std::uint8_t page_control,
               std::uint8_t page, std::uint8_t subpage) {
  const auto table = mode_page_table();
  const ModePages defaults(execution.profile());
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (!asked_for(table[i], page, subpage)) continue;
    switch (page_control) {
      case 0:
        out.octets(execution.unit.modes.current(i));
        break;
      case 1:
        out.octets(bytes::View(table[i].changeable).first(table[i].size));
        break;
      default:
        out.octets(defaults.current(i));
        break;
    }
  }
}

// --- MODE SELECT

/// Where a list differs from the rules; the offset is counted from the start of the parameter list.
struct SelectList {
  bytes::View octets;
  std::size_t header_bytes;
};

/// The header and block descriptor: nothing in them can be changed, so they must say what is so
/// already.
std::optional<Reply> check_head(const SelectList& list, const LogicalUnitProfile& profile,
                                std::size_t* pages_at) {
  if (list.octets.size() < list.header_bytes) return refused(sense("parameter_list_length_error"));
  const bool ten = list.header_bytes == 8;
  const std::size_t type_at = ten ? 2 : 1, length_at = ten ? 6 : 3;
  if (list.octets[type_at] != 0) return invalid_parameter(type_at);
  const bool long_lba = ten && (list.octets[4] & 0x01) != 0;
  const std::size_t length = ten ? bytes::be16(&list.octets[6]) : list.octets[3];
  if (length != 0 && length != (long_lba ? kLongDescriptor : kShortDescriptor)) {
    return invalid_parameter(length_at);
  }
  if (list.octets.size() - list.header_bytes < length)
    return refused(sense("parameter_list_length_error"));
  *pages_at = list.header_bytes + length;
  if (length == 0) return std::nullopt;

  bytes::Reader in(list.octets.subspan(list.header_bytes, length));
  const std::uint64_t blocks = long_lba ? in.be64() : in.be32();
  if (long_lba) in.take(4);
  const std::uint32_t block_size = long_lba ? in.be32() : in.be32() & 0xffffff;
  const std::uint64_t all_ones = long_lba ? ~std::uint64_t{0} : 0xffffffff;
  if (blocks != 0 && blocks != profile.blocks && blocks != all_ones) {
    return invalid_parameter(list.header_bytes);
  }
  if (block_size != profile.block_size) {
    return invalid_parameter(list.header_bytes + (long_lba ? 12 : 5));
  }
  return std::nullopt;
}

/// One mode page of the list: checked against the row and written into `modes`.
std::optional<Reply> take_page(bytes::View page, std::size_t at, std::size_t index,
                               ModePages& modes) {
  const ModePageRow& row = mode_page_table()[index];
  const bytes::View current = modes.current(index);
  ModePageBytes next{};
  std::ranges::copy(current, next.begin());
  for (std::size_t i = row.has_subpage_format() ? 4 : 2; i < row.size; ++i) {
    const unsigned wrong = (page[i] ^ current[i]) & ~unsigned{row.changeable[i]};
    if (wrong != 0) return invalid_parameter(at + i, static_cast<int>(std::bit_width(wrong)) - 1);
    next[i] = page[i];
  }
  modes.assign(index, bytes::View(next).first(row.size));
  return std::nullopt;
}

std::optional<Reply> take_pages(bytes::View list, std::size_t at, ModePages& modes) {
  constexpr std::size_t kHeader = 2, kSubpageHeader = 4;
  while (at < list.size()) {
    const bytes::View rest = list.subspan(at);
    const bool subpage_format = (rest[0] & 0x40) != 0;
    if (rest.size() < (subpage_format ? kSubpageHeader : kHeader)) {
      return refused(sense("parameter_list_length_error"));
    }
    const auto index = find_mode_page(rest[0] & 0x3f, subpage_format ? rest[1] : 0);
    if (!index) return invalid_parameter(at, 5);
    const ModePageRow& row = mode_page_table()[*index];
    if (row.has_subpage_format() != subpage_format) return invalid_parameter(at, 6);
    const std::size_t size =
        subpage_format ? kSubpageHeader + bytes::be16(&rest[2]) : kHeader + std::size_t{rest[1]};
    if (size != row.size) return invalid_parameter(at + (subpage_format ? 2 : 1));
    if (rest.size() < size) return refused(sense("parameter_list_length_error"));
    if (auto refusal = take_page(rest.first(size), at, *index, modes)) return refusal;
    at += size;
  }
  return std::nullopt;
}

/// Values that are each allowed but not together, and methods of reporting that we do not have.
std::optional<Reply> check_exceptions(const ModePages& modes) {
  if (modes.exception_test() && modes.exceptions_disabled()) {
    return refused(sense("invalid_field_in_parameter_list"));
  }
  const int method = modes.exception_method();
  if (method != 0 && method != 2 && method != 6) return refused(sense("parameter_value_invalid"));
  return std::nullopt;
}

}  // namespace

Plan plan_mode_sense(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const bool ten = is_ten(execution);
  const bool no_descriptor = (cdb[1] & 0x08) != 0;
  const bool long_lba = ten && (cdb[1] & 0x10) != 0;
  const std::uint8_t page_control = cdb[2] >> 6, page = cdb[2] & 0x3f, subpage = cdb[3];
  if (page_control == 3) return refused(sense("saving_parameters_not_supported"));
  if (std::ranges::none_of(mode_page_table(),
                           [&](const ModePageRow& row) { return asked_for(row, page, subpage); })) {
    const bool page_known = std::ranges::any_of(mode_page_table(), [&](const ModePageRow& row) {
      return page == kAllPages || page == row.page;
    });
    return page_known ? invalid_cdb_field(3) : invalid_cdb_field(2, 5);
  }

  const std::size_t descriptor = no_descriptor ? 0 : long_lba ? kLongDescriptor : kShortDescriptor;
  const auto device_specific = static_cast<std::uint8_t>(
      (execution.unit.write_protected() ? kWriteProtected : 0) | kDpoFuaSupported);
  bytes::Writer out;
  if (ten) {
    out.be16(0).u8(0).u8(device_specific).u8(long_lba && descriptor != 0 ? 1 : 0).u8(0);
    out.be16(static_cast<std::uint16_t>(descriptor));
  } else {
    out.u8(0).u8(0).u8(device_specific).u8(static_cast<std::uint8_t>(descriptor));
  }
  if (descriptor != 0) put_block_descriptor(out, execution.profile(), long_lba);
  put_pages(out, execution, page_control, page, subpage);
  if (ten) {
    out.patch_be16(0, out.size() - 2);
  } else {
    out.patch_u8(0, out.size() - 1);
  }
  return parameter_data(std::move(out).take(), ten ? cdb.be16(7) : cdb[4]);
}

Plan plan_mode_select(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const std::uint64_t length = parameter_list_length(cdb, execution.profile());
  if (length == 0) return good();
  if ((cdb[1] & 0x10) == 0)
    return invalid_cdb_field(1, 4);  // PF=0: the vendor's own format, we have none
  if (!execution.parameter_list) return NeedData{length};

  auto& modes = execution.unit.modes;
  ModePages next = modes;
  const SelectList list{*execution.parameter_list, is_ten(execution) ? std::size_t{8} : 4};
  std::size_t pages_at = 0;
  if (auto refusal = check_head(list, execution.profile(), &pages_at)) return *std::move(refusal);
  if (auto refusal = take_pages(list.octets, pages_at, next)) return *std::move(refusal);
  if (auto refusal = check_exceptions(next)) return *std::move(refusal);

  const bool changed = !(next == modes);
  const bool cache_goes = modes.write_cache_enabled() && !next.write_cache_enabled();
  modes = next;
  if (changed) execution.unit.raise(sense("mode_parameters_changed"), execution.nexus);
  if (next.exception_test() && next.exception_method() == 2) {
    execution.unit.raise(sense("failure_prediction_test"), std::nullopt);
  }
  if (cache_goes)
    return FlushMedium{};  // what the cache holds goes to the medium first (SBC-3 §6.5.5)
  return good();
}

}  // namespace faultlun::scsi
