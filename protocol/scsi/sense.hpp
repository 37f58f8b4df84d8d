// THE sense table: name, key/ASC/ASCQ and text of every condition we can report, and the building
// of fixed and descriptor sense data.  SPC-4 §4.5.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace faultlun::scsi {

struct SenseCode {
  std::uint8_t key = 0, asc = 0, ascq = 0;
  friend bool operator==(const SenseCode&, const SenseCode&) = default;
};

/// One row of the sense table.
struct SenseRow {
  std::string_view name;  ///< identifier used in code and rules: "lba_out_of_range"
  SenseCode code;
  std::string_view text;  ///< the standard's words
};

/// SENSE KEY SPECIFIC as a field pointer: which octet (and bit) of the CDB or parameter list is
/// wrong.
struct FieldPointer {
  bool in_cdb = true;      ///< C/D: the CDB, otherwise the parameter list
  std::uint16_t byte = 0;  ///< offset in octets
  std::int8_t bit = -1;    ///< most significant bit of the field, or -1: BPV=0
  friend bool operator==(const FieldPointer&, const FieldPointer&) = default;
};

struct Sense {
  SenseCode code;
  std::optional<std::uint64_t> information;  ///< LBA or byte offset, as the code says
  std::optional<std::uint64_t> command_specific;
  std::optional<FieldPointer> field;
  std::optional<std::uint16_t> progress;     ///< 65536ths done
  bool deferred = false;                     ///< response code 71h/73h
  std::optional<std::uint16_t> retry_count;  ///< actual retry count (SPC-4 §4.5.2.4.3)
  bool filemark = false, end_of_medium = false, incorrect_length = false;
  friend bool operator==(const Sense&, const Sense&) = default;
};

inline constexpr std::size_t kMaxSenseBytes = 252;
/// Sense data as a fault rule dictates it may be longer, but with its SenseLength it fits the
/// smallest MaxRecvDataSegmentLength (512, RFC 7143 §13.12).
inline constexpr std::size_t kMaxRawSenseBytes = 510;

/// Sense data as bytes.  Fixed: 18 bytes, INFORMATION only when it fits 32 bits (VALID=0
/// otherwise).
struct SenseBytes {
  std::array<std::uint8_t, 64> octets{};
  std::uint8_t length = 0;
  bytes::View view() const { return bytes::View(octets).first(length); }
};

SenseBytes build_sense(const Sense& sense, bool descriptor_format);
/// Reads either format back; nothing when it is neither.  For tests and for replaying captures.
std::optional<Sense> parse_sense(bytes::View octets);

std::span<const SenseRow> sense_table();
/// Looks a row up by name or by code; null when unknown.
const SenseRow* find_sense(std::string_view name);
const SenseRow* find_sense(SenseCode code);

}  // namespace faultlun::scsi
