// The mode pages of a direct-access unit: one table with default and changeable values, and the
// current values of one unit.  SPC-4 §7.5, SBC-3 §6.5.  Nothing is saved: a reset brings the
// defaults back. A bit is changeable only when changing it has its effect.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <array>
#include <optional>
#include <span>

namespace faultlun::scsi {

struct LogicalUnitProfile;

inline constexpr std::size_t kMaxModePageBytes = 32;
using ModePageBytes = std::array<std::uint8_t, kMaxModePageBytes>;

struct ModePageRow {
  std::uint8_t page, subpage;
  std::uint8_t size;                   ///< octets, header included
  ModePageBytes defaults, changeable;  ///< changeable: the header is as in the defaults

  bool has_subpage_format() const { return (defaults[0] & 0x40) != 0; }
};

/// Ascending by page and subpage.
std::span<const ModePageRow> mode_page_table();
inline constexpr std::size_t kModePageCount = 6;

class ModePages {
 public:
  explicit ModePages(const LogicalUnitProfile& profile);

  /// Current values of the n-th row of the table.
  bytes::View current(std::size_t index) const;
  /// New current values; `octets` has the row's size and differs only in changeable bits.
  void assign(std::size_t index, bytes::View octets);
  friend bool operator==(const ModePages& a, const ModePages& b) {
    return a.current_ == b.current_;
  }

  // Control page (0Ah).
  bool descriptor_sense() const;
  bool software_write_protect() const;
  bool task_aborted_status() const;
  std::uint8_t task_set_type() const;
  // Caching page (08h).
  bool write_cache_enabled() const;
  // Informational Exceptions Control page (1Ch).
  bool exceptions_disabled() const;
  bool exception_test() const;
  std::uint8_t exception_method() const;  ///< MRIE

 private:
  std::array<ModePageBytes, kModePageCount> current_;
};

/// The index of a page in the table.
std::optional<std::size_t> find_mode_page(std::uint8_t page, std::uint8_t subpage);

}  // namespace faultlun::scsi
