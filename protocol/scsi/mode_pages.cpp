#include "protocol/scsi/mode_pages.hpp"

#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kDSense = 0x04, kSwp = 0x08, kTas = 0x40, kWce = 0x04;
constexpr std::uint8_t kDexcpt = 0x08, kTest = 0x04, kMrie = 0x0f;

// clang-format off
constexpr ModePageRow kModePages[] = {
  // Read-Write Error Recovery: AWRE, ARRE; 8 retries each way; no recovery time limit.
  {0x01, 0x00, 12, {0x01, 0x0a, 0xc0, 8, 0, 0, 0, 0, 8},
                   {0x01, 0x0a}},
  // Verify Error Recovery: 8 retries.
  {0x07, 0x00, 12, {0x07, 0x0a, 0, 8},
                   {0x07, 0x0a}},
  // Caching: DISC, WCE by the profile.  WCE, RCD and DRA may change (reads are never served from a cache of ours).
  {0x08, 0x00, 20, {0x08, 0x12, 0x10},
                   {0x08, 0x12, kWce | 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20}},
  // Control: TST=000b, GLTSD=1 (there are no logs to save), unrestricted reordering, QERR=00b, BUSY TIMEOUT PERIOD 30 s.
  {0x0a, 0x00, 12, {0x0a, 0x0a, 0x02, 0x10, 0, 0, 0, 0, 0x01, 0x2c},
                   {0x0a, 0x0a, kDSense, 0, kSwp, kTas}},
  // Control Extension.
  {0x0a, 0x01, 32, {0x4a, 0x01, 0, 0x1c},
                   {0x4a, 0x01, 0, 0x1c}},
  // Informational Exceptions Control: reported on request (MRIE 6), once.
  {0x1c, 0x00, 12, {0x1c, 0x0a, 0, 0x06, 0, 0, 0, 0, 0, 0, 0, 1},
                   {0x1c, 0x0a, kDexcpt | kTest, kMrie}},
};
// clang-format on

consteval bool page_table_is_sound() {
  for (std::size_t i = 0; i < std::size(kModePages); ++i) {
    const ModePageRow& row = kModePages[i];
    if ((row.defaults[0] & 0x3f) != row.page || row.defaults[0] != row.changeable[0]) return false;
    const bool long_header = (row.defaults[0] & 0x40) != 0;
    const int length = long_header ? row.defaults[2] << 8 | row.defaults[3] : row.defaults[1];
    if (row.size > kMaxModePageBytes || row.size != length + (long_header ? 4 : 2)) return false;
    if (long_header ? row.defaults[1] != row.subpage : row.subpage != 0) return false;
    if (i > 0 && (kModePages[i - 1].page << 8 | kModePages[i - 1].subpage) >=
                     (row.page << 8 | row.subpage)) {
      return false;
    }
  }
  return true;
}
static_assert(page_table_is_sound(), "ascending, lengths right, headers equal");
static_assert(std::size(kModePages) == kModePageCount);

consteval std::size_t index_of(std::uint8_t page) {
  for (std::size_t i = 0; i < std::size(kModePages); ++i) {
    if (kModePages[i].page == page) return i;
  }
  throw "no such mode page";
}

}  // namespace

std::span<const ModePageRow> mode_page_table() {
  return kModePages;
}

std::optional<std::size_t> find_mode_page(std::uint8_t page, std::uint8_t subpage) {
  for (std::size_t i = 0; i < std::size(kModePages); ++i) {
    if (kModePages[i].page == page && kModePages[i].subpage == subpage) return i;
  }
  return std::nullopt;
}

ModePages::ModePages(const LogicalUnitProfile& profile) : current_{} {
  for (std::size_t i = 0; i < kModePageCount; ++i)
    current_[i] = kModePages[i].defaults;
  if (profile.write_cache) current_[index_of(0x08)][2] |= kWce;
}

bytes::View ModePages::current(std::size_t index) const {
  return bytes::View(current_.at(index)).first(kModePages[index].size);
}

void ModePages::assign(std::size_t index, bytes::View octets) {
  std::ranges::copy(octets.first(std::min(octets.size(), kMaxModePageBytes)),
                    current_.at(index).begin());
}

bool ModePages::descriptor_sense() const {
  return (current_[index_of(0x0a)][2] & kDSense) != 0;
}
bool ModePages::software_write_protect() const {
  return (current_[index_of(0x0a)][4] & kSwp) != 0;
}
bool ModePages::task_aborted_status() const {
  return (current_[index_of(0x0a)][5] & kTas) != 0;
}
std::uint8_t ModePages::task_set_type() const {
  return current_[index_of(0x0a)][2] >> 5;
}
bool ModePages::write_cache_enabled() const {
  return (current_[index_of(0x08)][2] & kWce) != 0;
}
bool ModePages::exceptions_disabled() const {
  return (current_[index_of(0x1c)][2] & kDexcpt) != 0;
}
bool ModePages::exception_test() const {
  return (current_[index_of(0x1c)][2] & kTest) != 0;
}
std::uint8_t ModePages::exception_method() const {
  return current_[index_of(0x1c)][3] & kMrie;
}

}  // namespace faultlun::scsi
