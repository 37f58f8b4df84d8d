// PDUs as the tests' own initiator builds and reads them.  RFC 7143 §11.  Nothing here keeps the
// sender from lying: every field can be overwritten, lengths included.
#pragma once

#include "tests/support/octets.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::support {

inline constexpr std::uint32_t kNoTag = 0xffffffff;

enum class Op : std::uint8_t {
  nop_out = 0x00,
  scsi_command = 0x01,
  task_management = 0x02,
  login = 0x03,
  text = 0x04,
  data_out = 0x05,
  logout = 0x06,
  snack = 0x10,
  nop_in = 0x20,
  scsi_response = 0x21,
  task_management_response = 0x22,
  login_response = 0x23,
  text_response = 0x24,
  data_in = 0x25,
  logout_response = 0x26,
  r2t = 0x31,
  async_message = 0x32,
  reject = 0x3f,
};

using Keys = std::vector<std::pair<std::string, std::string>>;
/// `key=value` NUL for each.
Octets build_text(const Keys& keys);
/// Strict: every pair ends in NUL, has a `=` and a key of 1 to 63 characters.  `error` says what is
/// wrong.
Keys parse_text(const Octets& text, std::string* error = nullptr);
/// The value of a key; "" also when it is absent (has_key tells).
std::string value_of(const Keys& keys, std::string_view key);
bool has_key(const Keys& keys, std::string_view key);
/// `keys` with one value replaced or added.
Keys with(Keys keys, const std::string& key, const std::string& value);
Keys without(Keys keys, const std::string& key);

struct Pdu {
  std::array<std::uint8_t, 48> header{};
  Octets ahs;   ///< additional header segments, a multiple of 4 octets unless a test lies
  Octets data;  ///< without padding

  // Sending: which fields the initiator must not fill in, and what to spoil.
  bool own_tag = false, own_cmd_sn = false, own_exp_stat_sn = false, own_lengths = false;
  bool spoil_header_digest = false, spoil_data_digest = false;
  std::uint8_t padding = 0;  ///< value of padding octets sent

  Op opcode() const { return static_cast<Op>(header[0] & 0x3f); }
  bool immediate() const { return (header[0] & 0x40) != 0; }
  std::uint8_t flags() const { return header[1]; }
  bool final() const { return (header[1] & 0x80) != 0; }
  std::uint8_t at(std::size_t offset) const { return header[offset]; }
  std::uint16_t u16(std::size_t offset) const { return get16(header.data() + offset); }
  std::uint32_t u32(std::size_t offset) const { return get32(header.data() + offset); }
  std::uint64_t u64(std::size_t offset) const { return get64(header.data() + offset); }
  std::uint32_t tag() const { return u32(16); }
  std::uint32_t transfer_tag() const { return u32(20); }
  std::uint32_t stat_sn() const { return u32(24); }       ///< target PDUs
  std::uint32_t exp_cmd_sn() const { return u32(28); }    ///< target PDUs
  std::uint32_t max_cmd_sn() const { return u32(32); }    ///< target PDUs
  std::uint32_t cmd_sn() const { return u32(24); }        ///< initiator PDUs
  std::uint16_t login_status() const { return u16(36); }  ///< class * 256 + detail
  Keys keys() const { return parse_text(data); }
  std::string describe() const;

  // Every one returns the PDU, so that a test can write what it means in one line.
  Pdu& set(std::size_t offset, std::uint8_t value);
  Pdu& set16(std::size_t offset, std::uint16_t value);
  Pdu& set32(std::size_t offset, std::uint32_t value);
  Pdu& with_tag(std::uint32_t value);
  Pdu& with_cmd_sn(std::uint32_t value);
  Pdu& with_exp_stat_sn(std::uint32_t value);
  Pdu& with_lun(std::uint16_t lun);
  Pdu& with_immediate(bool on = true);
  /// Header fields for lengths that need not be true.
  Pdu& with_lengths(std::uint8_t total_ahs_words, std::uint32_t data_segment_length);
};

// Attributes of a SCSI Command, RFC 7143 §11.3.1.
inline constexpr std::uint8_t kUntagged = 0, kSimple = 1, kOrdered = 2, kHeadOfQueue = 3, kAca = 4;
inline constexpr std::uint8_t kFinal = 0x80, kRead = 0x40, kWrite = 0x20;

using Cdb = std::vector<std::uint8_t>;

Pdu scsi_command(const Cdb& cdb, std::uint32_t expected_length, std::uint8_t flags,
                 const Octets& immediate_data = {});
Pdu data_out(std::uint32_t tag, std::uint32_t transfer_tag, std::uint32_t data_sn,
             std::uint32_t offset, bool final, Octets data, std::uint16_t lun = 0);
Pdu nop_out(const Octets& ping = {});   ///< I=1, wants an answer
Pdu nop_out_answer(const Pdu& nop_in);  ///< ITT FFFFFFFFh, the target's TTT and LUN
Pdu task_management(std::uint8_t function, std::uint16_t lun = 0,
                    std::uint32_t referenced_tag = kNoTag,
                    std::uint32_t ref_cmd_sn = 0);  ///< I=1
Pdu logout(std::uint8_t reason, std::uint16_t cid = 0);
Pdu text_request(const Keys& keys, bool final = true, bool more = false,
                 std::uint32_t transfer_tag = kNoTag);
Pdu snack(std::uint8_t type, std::uint32_t tag, std::uint32_t begin, std::uint32_t run);
/// A Login Request with the octets `text`; `stages` is CSG * 4 + NSG, T and C as given.
Pdu login_request(std::uint8_t stages, bool transit, bool more, const Octets& text,
                  const std::array<std::uint8_t, 6>& isid, std::uint16_t tsih = 0,
                  std::uint16_t cid = 0);

// CDBs.
Cdb read_10(std::uint32_t lba, std::uint16_t blocks);
Cdb write_10(std::uint32_t lba, std::uint16_t blocks);
Cdb read_16(std::uint64_t lba, std::uint32_t blocks);
Cdb write_16(std::uint64_t lba, std::uint32_t blocks);
Cdb inquiry(std::uint8_t allocation, int vpd_page = -1);
Cdb test_unit_ready();
Cdb request_sense(std::uint8_t allocation = 252);
Cdb report_luns(std::uint32_t allocation, std::uint8_t select = 0);
Cdb reserve_6();
Cdb release_6();
Cdb mode_sense_6(std::uint8_t page, std::uint8_t allocation = 252);
Cdb mode_select_6(std::uint8_t length);

/// 8 octets of the LUN field: peripheral below 256, flat above.
std::array<std::uint8_t, 8> lun_octets(std::uint16_t lun);

}  // namespace faultlun::support
