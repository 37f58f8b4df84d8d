#include "daemon/fault_replies.hpp"

#include "protocol/bytes/writer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace faultlun::daemon {
namespace {

using faults::Patch;
constexpr std::uint8_t kInquiry = 0x12, kModeSense6 = 0x1a, kReadCapacity10 = 0x25,
                       kModeSense10 = 0x5a, kServiceActionIn16 = 0x9e, kReportLuns = 0xa0;
constexpr std::uint8_t kReadCapacity16 = 0x10;  // its service action

// ---- sense data

scsi::Sense sense_of(const faults::SenseSpec& spec, const faults::Facts& facts) {
  using Information = faults::SenseSpec::Information;
  scsi::Sense sense;
  sense.code = spec.code;
  sense.deferred = spec.deferred;
  if (spec.information == Information::number) sense.information = spec.information_number;
  if (spec.information == Information::lba && facts.blocks != 0) sense.information = facts.lba;
  sense.command_specific = spec.command_specific;
  sense.field = spec.field;
  sense.progress = spec.progress;
  sense.retry_count = spec.retry_count;
  sense.filemark = spec.filemark;
  sense.end_of_medium = spec.end_of_medium;
  sense.incorrect_length = spec.incorrect_length;
  return sense;
}

/// Sense data whose length or response code is not what building it gives.
bytes::Buffer distorted(const scsi::Sense& sense, const faults::SenseSpec& spec, bool descriptor) {
  constexpr std::size_t kAdditionalLengthAt = 7, kHeader = 8, kMostAdditional = 0xff;
  const auto built = scsi::build_sense(sense, descriptor);
  bytes::Buffer out(built.view().begin(), built.view().end());
  if (spec.response_code)
    out[0] = static_cast<std::uint8_t>((out[0] & 0x80) | (*spec.response_code & 0x7f));
  if (!spec.length) return out;
  const bool longer = *spec.length > out.size();
  out.resize(std::min<std::size_t>(*spec.length, scsi::kMaxRawSenseBytes));
  // Zeros are good sense data in fixed format, but no descriptors: there they follow the data.
  if (longer && !descriptor)
    out[kAdditionalLengthAt] =
        static_cast<std::uint8_t>(std::min(out.size() - kHeader, kMostAdditional));
  return out;
}

void put_sense(const faults::SenseSpec& spec, const faults::Facts& facts, bool descriptor_sense,
               scsi::Reply& reply) {
  using Format = faults::SenseSpec::Format;
  reply.descriptor_sense =
      spec.format == Format::automatic ? descriptor_sense : spec.format == Format::descriptor;
  if (spec.missing || spec.raw) {
    reply.raw_sense = spec.missing ? bytes::Buffer() : *spec.raw;
    return;
  }
  reply.sense = sense_of(spec, facts);
  if (spec.response_code || spec.length)
    reply.raw_sense = distorted(*reply.sense, spec, reply.descriptor_sense);
}

// ---- parameter data

bool is_about(const Patch& patch, const scsi::Cdb& cdb) {
  const bool vital = (cdb[1] & 0x01) != 0;
  switch (patch.page) {
    case Patch::Page::inquiry:
      return cdb.opcode() == kInquiry && !vital;
    case Patch::Page::vpd:
      return cdb.opcode() == kInquiry && vital && (!patch.code || *patch.code == cdb[2]);
    case Patch::Page::mode:
      return cdb.opcode() == kModeSense6 || cdb.opcode() == kModeSense10;
    case Patch::Page::capacity:
      return (cdb.opcode() == kReadCapacity10 && !patch.only_16) ||
             (cdb.opcode() == kServiceActionIn16 && (cdb[1] & 0x1f) == kReadCapacity16 &&
              !patch.only_10);
    case Patch::Page::luns:
      return cdb.opcode() == kReportLuns;
  }
  return false;
}

void edit(bytes::Span data, const Patch::Edit& change) {
  using How = Patch::Edit::How;
  for (std::size_t i = 0; i < change.octets.size() && change.offset + i < data.size(); ++i) {
    auto& octet = data[change.offset + i];
    const std::uint8_t given = change.octets[i];
    switch (change.how) {
      case How::set:
        octet = given;
        break;
      case How::exclusive_or:
        octet = static_cast<std::uint8_t>(octet ^ given);
        break;
      case How::set_bits:
        octet = static_cast<std::uint8_t>(octet | given);
        break;
      case How::clear_bits:
        octet = static_cast<std::uint8_t>(octet & ~given);
        break;
    }
  }
}

void put(bytes::Span data, std::size_t at, bytes::View octets) {
  for (std::size_t i = 0; i < octets.size() && at + i < data.size(); ++i)
    data[at + i] = octets[i];
}

void put_text(bytes::Span data, std::size_t at, std::size_t width,
              const std::optional<std::string>& text) {
  if (!text) return;
  bytes::Writer out;
  out.padded_text(*text, width);
  put(data, at, out.view());
}

void patch_inquiry(const Patch::Identity& identity, bytes::Span data) {
  put_text(data, 8, 8, identity.vendor);
  put_text(data, 16, 16, identity.product);
  put_text(data, 32, 4, identity.revision);
}

/// Device Identification: NAA and T10 designators of the unit.
bytes::Buffer identification(const Patch::Identity& identity, bytes::View data) {
  constexpr std::size_t kHeader = 4;
  constexpr std::uint8_t kT10OfUnit = 0x01, kNaaOfUnit = 0x03;  // ASSOCIATION 00b, TYPE
  bytes::Writer out;
  out.octets(data.first(kHeader));
  for (auto rest = data.subspan(kHeader); rest.size() >= kHeader;) {
    const auto size = std::min(rest.size(), kHeader + rest[3]);
    const auto body = rest.subspan(kHeader, size - kHeader);
    bytes::Buffer next(body.begin(), body.end());
    const int kind = rest[1] & 0x3f;
    if (kind == kNaaOfUnit && !identity.naa.empty()) next = identity.naa;
    if (kind == kT10OfUnit) {
      put_text(next, 0, 8, identity.vendor);
      put_text(next, 8, 16, identity.product);
      if (identity.serial && next.size() >= 24) {
        next.resize(24);
        next.insert(next.end(), identity.serial->begin(), identity.serial->end());
      }
    }
    out.octets(rest.first(3)).u8(static_cast<std::uint8_t>(next.size())).octets(next);
    rest = rest.subspan(size);
  }
  out.patch_be16(2, out.size() - kHeader);
  return std::move(out).take();
}

void patch_vpd(const Patch::Identity& identity, bytes::Buffer& data) {
  constexpr std::uint8_t kSerial = 0x80, kIdentification = 0x83;
  if (data.size() < 4 || identity == Patch::Identity{}) return;
  if (data[1] == kIdentification) data = identification(identity, data);
  if (data[1] != kSerial || !identity.serial) return;
  data.resize(4);
  data.insert(data.end(), identity.serial->begin(), identity.serial->end());
  bytes::put_be16(&data[2], static_cast<std::uint16_t>(data.size() - 4));
}

/// WP of the header, and the edits in every page that has the code.
void patch_mode(const Patch& patch, bool ten, bytes::Span data) {
  constexpr std::uint8_t kWriteProtected = 0x80, kSubpageFormat = 0x40;
  const std::size_t header = ten ? 8 : 4;
  if (data.size() < header) return;
  auto& device_specific = data[ten ? 3 : 2];
  if (patch.write_protected)
    device_specific = static_cast<std::uint8_t>((device_specific & ~kWriteProtected) |
                                                (*patch.write_protected ? kWriteProtected : 0));
  const std::size_t descriptors = ten ? bytes::be16(&data[6]) : data[3];
  if (data.size() - header < descriptors) return;
  for (auto rest = data.subspan(header + descriptors); rest.size() >= 4;) {
    const bool subpage = (rest[0] & kSubpageFormat) != 0;
    const std::size_t told =
        subpage ? std::size_t{4} + bytes::be16(&rest[2]) : std::size_t{2} + rest[1];
    const auto size = std::min(told, rest.size());
    if (!subpage && patch.code && (rest[0] & 0x3f) == *patch.code)
      for (const auto& change : patch.edits)
        edit(rest.first(size), change);
    rest = rest.subspan(size);
  }
}

void patch_capacity(const Patch& patch, bool sixteen, bytes::Span data) {
  std::array<std::uint8_t, 8> lba{};
  std::array<std::uint8_t, 4> block_size{};
  if (patch.block_size) bytes::put_be32(block_size.data(), *patch.block_size);
  if (patch.block_size) put(data, sixteen ? 8 : 4, block_size);
  if (!patch.last_lba) return;
  constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
  bytes::put_be64(lba.data(), sixteen ? *patch.last_lba : std::min(*patch.last_lba, kMost32));
  put(data, 0, bytes::View(lba).subspan(sixteen ? 0 : 4));
}

void patch_luns(const Patch& patch, const scsi::Cdb& cdb, bytes::Buffer& data) {
  constexpr std::size_t kHeader = 8, kEntry = 8;
  constexpr std::uint8_t kWellKnownOnly = 0x01;
  if (data.size() < kHeader || (patch.hide_luns.empty() && patch.add_luns.empty())) return;
  bytes::Writer out;
  out.octets(bytes::View(data).first(kHeader));
  std::vector<std::uint16_t> listed;
  for (std::size_t at = kHeader; at + kEntry <= data.size(); at += kEntry) {
    const auto entry = bytes::View(data).subspan(at).first<kEntry>();
    const auto lun = scsi::parse_lun(entry);
    if (lun && std::ranges::find(patch.hide_luns, *lun) != patch.hide_luns.end()) continue;
    if (lun) listed.push_back(*lun);
    out.octets(entry);
  }
  for (const auto lun : patch.add_luns) {
    if (cdb[2] == kWellKnownOnly || std::ranges::find(listed, lun) != listed.end()) continue;
    std::array<std::uint8_t, kEntry> entry{};
    scsi::put_lun(entry, lun);
    out.octets(entry);
  }
  out.patch_be32(0, out.size() - kHeader);
  data = std::move(out).take();
}

// ---- ALLOCATION LENGTH

struct AllocationRow {
  std::uint8_t opcode;
  std::uint8_t at, octets;
  std::uint8_t least;  ///< the unit refuses less
};
constexpr AllocationRow kAllocations[] = {
    {kInquiry, 3, 2, 0},     {kModeSense6, 4, 1, 0},         {kModeSense10, 7, 2, 0},
    {kReportLuns, 6, 4, 16}, {kServiceActionIn16, 10, 4, 0},
};

const AllocationRow* allocation_of(const scsi::Cdb& cdb) {
  const auto* row = std::ranges::find(kAllocations, cdb.opcode(), &AllocationRow::opcode);
  if (row == std::end(kAllocations)) return nullptr;
  if (row->opcode == kServiceActionIn16 && (cdb[1] & 0x1f) != kReadCapacity16) return nullptr;
  return row;
}

std::uint64_t allocation_length(const AllocationRow& row, const scsi::Cdb& cdb) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < row.octets; ++i)
    length = length << 8 | cdb[row.at + i];
  return length;
}

}  // namespace

scsi::Reply as_reply(const faults::Answer& answer, const faults::Facts& facts,
                     bool descriptor_sense) {
  scsi::Reply reply;
  reply.status = answer.status;
  reply.status_qualifier = answer.status_qualifier;
  if (answer.sense) put_sense(*answer.sense, facts, descriptor_sense, reply);
  const auto all = answer.when == faults::When::after ? facts.blocks : 0;
  const auto moved = std::min(answer.blocks.value_or(all), facts.blocks) * facts.block_size;
  if (facts.row == nullptr) return reply;
  if (facts.row->data == scsi::DataDirection::in) reply.data_in_length = moved;
  // WRITE SAME takes one block, whatever its range.
  if (facts.row->data == scsi::DataDirection::out)
    reply.data_out_length = std::min<std::uint64_t>(moved, facts.expected_data_transfer_length);
  return reply;
}

scsi::Reply as_reply(const faults::MediumError& error, std::uint64_t first_bad_lba,
                     bool descriptor_sense) {
  scsi::Sense sense;
  sense.code = error.code;
  if (error.information) sense.information = first_bad_lba;
  auto reply = scsi::check_condition(std::move(sense));
  reply.descriptor_sense = descriptor_sense;
  return reply;
}

std::uint64_t blocks_before(const faults::MediumError& error, const faults::Facts& facts,
                            std::uint64_t first_bad_lba) {
  if (error.data_good) return facts.blocks;
  if (!error.partial || first_bad_lba < facts.lba) return 0;
  return std::min(first_bad_lba - facts.lba, facts.blocks);
}

scsi::Reply as_reply(const faults::Absent&, const scsi::Command& command,
                     const scsi::Surroundings& around) {
  return scsi::answer_absent_unit(command, around);
}

void apply(const Patch& patch, const scsi::Cdb& cdb, scsi::Reply& reply) {
  if (reply.status != scsi::Status::good || !is_about(patch, cdb)) return;
  auto& data = reply.data_in;
  switch (patch.page) {
    case Patch::Page::inquiry:
      patch_inquiry(patch.identity, data);
      break;
    case Patch::Page::vpd:
      patch_vpd(patch.identity, data);
      break;
    case Patch::Page::mode:
      patch_mode(patch, cdb.opcode() == kModeSense10, data);
      break;
    case Patch::Page::capacity:
      patch_capacity(patch, cdb.opcode() == kServiceActionIn16, data);
      break;
    case Patch::Page::luns:
      patch_luns(patch, cdb, data);
      break;
  }
  if (patch.page != Patch::Page::mode)
    for (const auto& change : patch.edits)
      edit(data, change);
  if (patch.truncate && data.size() > *patch.truncate) data.resize(*patch.truncate);
  reply.data_in_length = data.size();
}

scsi::Cdb widened(const scsi::Cdb& cdb) {
  const auto* row = allocation_of(cdb);
  if (row == nullptr || allocation_length(*row, cdb) < row->least) return cdb;
  auto out = cdb;
  std::fill_n(out.raw.begin() + row->at, row->octets, std::uint8_t{0xff});
  return out;
}

void cut_to_allocation(const scsi::Cdb& cdb, scsi::Reply& reply) {
  const auto* row = allocation_of(cdb);
  if (row == nullptr || reply.status != scsi::Status::good) return;
  const auto length = allocation_length(*row, cdb);
  if (reply.data_in.size() > length) reply.data_in.resize(static_cast<std::size_t>(length));
  reply.data_in_length = reply.data_in.size();
}

}  // namespace faultlun::daemon
