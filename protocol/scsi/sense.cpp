#include "protocol/scsi/sense.hpp"

#include "protocol/bytes/reader.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kFixedCurrent = 0x70, kFixedDeferred = 0x71;
constexpr std::uint8_t kDescriptorCurrent = 0x72, kDescriptorDeferred = 0x73;
constexpr std::uint8_t kValid = 0x80;
constexpr std::uint8_t kStreamCommands = 0x04, kBlockCommands = 0x05;  // descriptor types
constexpr std::size_t kFixedBytes = 18, kDescriptorHeaderBytes = 8;

using SenseKeySpecific = std::array<std::uint8_t, 3>;

constexpr std::uint8_t kFilemark = 0x80, kEndOfMedium = 0x40, kIncorrectLength = 0x20;

/// FILEMARK, EOM and ILI where fixed sense data and the stream commands descriptor have them.
std::uint8_t stream_bits(const Sense& sense) {
  return static_cast<std::uint8_t>((sense.filemark ? kFilemark : 0) |
                                   (sense.end_of_medium ? kEndOfMedium : 0) |
                                   (sense.incorrect_length ? kIncorrectLength : 0));
}

void read_stream_bits(Sense& sense, std::uint8_t octet) {
  sense.filemark = (octet & kFilemark) != 0;
  sense.end_of_medium = (octet & kEndOfMedium) != 0;
  sense.incorrect_length = (octet & kIncorrectLength) != 0;
}

/// SENSE KEY SPECIFIC, SPC-4 §4.5.2.4: a field pointer, a progress indication or a retry count;
/// SKSV in the first octet.
std::optional<SenseKeySpecific> sense_key_specific(const Sense& sense) {
  SenseKeySpecific out{0x80, 0, 0};
  if (sense.field) {
    if (sense.field->in_cdb) out[0] |= 0x40;
    if (sense.field->bit >= 0) {
      out[0] = static_cast<std::uint8_t>(out[0] | 0x08 | (sense.field->bit & 0x07));
    }
    bytes::put_be16(&out[1], sense.field->byte);
    return out;
  }
  if (const auto number = sense.progress ? sense.progress : sense.retry_count) {
    bytes::put_be16(&out[1], *number);
    return out;
  }
  return std::nullopt;
}

void read_sense_key_specific(Sense& sense, bytes::View octets) {
  if (octets.size() < 3 || (octets[0] & 0x80) == 0) return;
  const std::uint16_t number = bytes::be16(&octets[1]);
  if (sense.code.key == 0x05) {
    const bool bit_is_valid = (octets[0] & 0x08) != 0;
    sense.field = FieldPointer{(octets[0] & 0x40) != 0, number,
                               static_cast<std::int8_t>(bit_is_valid ? octets[0] & 0x07 : -1)};
  } else if (sense.code.key == 0x00 || sense.code.key == 0x02) {
    sense.progress = number;
  } else if (sense.code.key == 0x01 || sense.code.key == 0x03 || sense.code.key == 0x04) {
    sense.retry_count = number;
  }
}

SenseBytes build_fixed(const Sense& sense) {
  constexpr std::uint64_t kFits = 0xffffffff;
  SenseBytes out;
  out.length = kFixedBytes;
  auto& octets = out.octets;
  octets[0] = sense.deferred ? kFixedDeferred : kFixedCurrent;
  if (sense.information && *sense.information <= kFits) {
    octets[0] |= kValid;
    bytes::put_be32(&octets[3], static_cast<std::uint32_t>(*sense.information));
  }
  octets[2] = static_cast<std::uint8_t>(stream_bits(sense) | sense.code.key);
  octets[7] = kFixedBytes - 8;
  if (sense.command_specific && *sense.command_specific <= kFits) {
    bytes::put_be32(&octets[8], static_cast<std::uint32_t>(*sense.command_specific));
  }
  octets[12] = sense.code.asc;
  octets[13] = sense.code.ascq;
  if (const auto specific = sense_key_specific(sense)) {
    std::copy(specific->begin(), specific->end(), octets.begin() + 15);
  }
  return out;
}

SenseBytes build_descriptors(const Sense& sense) {
  SenseBytes out;
  auto& octets = out.octets;
  octets[0] = sense.deferred ? kDescriptorDeferred : kDescriptorCurrent;
  octets[1] = sense.code.key;
  octets[2] = sense.code.asc;
  octets[3] = sense.code.ascq;
  std::size_t at = kDescriptorHeaderBytes;
  if (sense.information) {
    octets[at] = 0x00;
    octets[at + 1] = 0x0a;
    octets[at + 2] = kValid;
    bytes::put_be64(&octets[at + 4], *sense.information);
    at += 12;
  }
  if (sense.command_specific) {
    octets[at] = 0x01;
    octets[at + 1] = 0x0a;
    bytes::put_be64(&octets[at + 4], *sense.command_specific);
    at += 12;
  }
  if (const auto specific = sense_key_specific(sense)) {
    octets[at] = 0x02;
    octets[at + 1] = 0x06;
    std::copy(specific->begin(), specific->end(),
              octets.begin() + static_cast<std::ptrdiff_t>(at) + 4);
    at += 8;
  }
  if (const auto bits = stream_bits(sense); bits != 0) {
    // ILI alone has a place among the block commands; the other two are of streams.
    octets[at] = bits == kIncorrectLength ? kBlockCommands : kStreamCommands;
    octets[at + 1] = 0x02;
    octets[at + 3] = bits;
    at += 4;
  }
  octets[7] = static_cast<std::uint8_t>(at - kDescriptorHeaderBytes);
  out.length = static_cast<std::uint8_t>(at);
  return out;
}

std::optional<Sense> parse_fixed(bytes::View octets) {
  if (octets.size() < kDescriptorHeaderBytes) return std::nullopt;
  octets = octets.first(std::min<std::size_t>(octets.size(), 8U + octets[7]));
  Sense sense;
  sense.deferred = (octets[0] & 0x7f) == kFixedDeferred;
  sense.code.key = octets[2] & 0x0f;
  read_stream_bits(sense, octets[2]);
  if ((octets[0] & kValid) != 0) sense.information = bytes::be32(&octets[3]);
  if (octets.size() >= 12 && bytes::be32(&octets[8]) != 0) {
    sense.command_specific = bytes::be32(&octets[8]);  // no VALID bit here: zero means absent
  }
  if (octets.size() >= 13) sense.code.asc = octets[12];
  if (octets.size() >= 14) sense.code.ascq = octets[13];
  if (octets.size() >= 18) read_sense_key_specific(sense, octets.subspan(15, 3));
  return sense;
}

std::optional<Sense> parse_descriptors(bytes::View octets) {
  bytes::Reader in(octets);
  Sense sense;
  sense.deferred = in.u8() == kDescriptorDeferred;
  sense.code.key = in.u8() & 0x0f;
  sense.code.asc = in.u8();
  sense.code.ascq = in.u8();
  in.take(3);
  const std::size_t length = in.u8();
  if (!in.ok()) return std::nullopt;
  bytes::Reader list(in.take(std::min(length, in.remaining())));
  while (list.remaining() >= 2) {
    const std::uint8_t type = list.u8();
    const bytes::View body = list.take(list.u8());
    if (!list.ok()) break;  // a descriptor cut short says nothing
    if (type == 0x00 && body.size() >= 10 && (body[0] & kValid) != 0) {
      sense.information = bytes::be64(&body[2]);
    } else if (type == 0x01 && body.size() >= 10) {
      sense.command_specific = bytes::be64(&body[2]);
    } else if (type == 0x02 && body.size() >= 5) {
      read_sense_key_specific(sense, body.subspan(2, 3));
    } else if ((type == kStreamCommands || type == kBlockCommands) && body.size() >= 2) {
      read_stream_bits(sense, body[1]);
    }
  }
  return sense;
}

}  // namespace

SenseBytes build_sense(const Sense& sense, bool descriptor_format) {
  return descriptor_format ? build_descriptors(sense) : build_fixed(sense);
}

std::optional<Sense> parse_sense(bytes::View octets) {
  if (octets.empty()) return std::nullopt;
  const int response_code = octets[0] & 0x7f;
  if (response_code == kFixedCurrent || response_code == kFixedDeferred) return parse_fixed(octets);
  if (response_code == kDescriptorCurrent || response_code == kDescriptorDeferred) {
    return parse_descriptors(octets);
  }
  return std::nullopt;
}

std::span<const SenseRow> sense_table() {
  return kSenseTable;
}

const SenseRow* find_sense(std::string_view name) {
  const auto* row = std::ranges::find(kSenseTable, name, &SenseRow::name);
  return row == std::end(kSenseTable) ? nullptr : row;
}

const SenseRow* find_sense(SenseCode code) {
  const auto* row = std::ranges::find(kSenseTable, code, &SenseRow::code);
  return row == std::end(kSenseTable) ? nullptr : row;
}

}  // namespace faultlun::scsi
