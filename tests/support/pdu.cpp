#include "tests/support/pdu.hpp"

#include <algorithm>

namespace faultlun::support {

Octets build_text(const Keys& keys) {
  Octets out;
  for (const auto& [key, value] : keys) {
    out.insert(out.end(), key.begin(), key.end());
    out.push_back('=');
    out.insert(out.end(), value.begin(), value.end());
    out.push_back(0);
  }
  return out;
}

Keys parse_text(const Octets& text, std::string* error) {
  const auto fail = [&](const char* why) {
    if (error) *error = why;
  };
  Keys keys;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::find(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), 0);
    if (end == text.end()) {
      fail("the last pair has no NUL");
      return keys;
    }
    const std::string pair(text.begin() + static_cast<std::ptrdiff_t>(at), end);
    at += pair.size() + 1;
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals > 63) {
      fail("a pair has no key or no =");
      continue;
    }
    keys.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return keys;
}

std::string value_of(const Keys& keys, std::string_view key) {
  for (const auto& [name, value] : keys)
    if (name == key) return value;
  return {};
}

bool has_key(const Keys& keys, std::string_view key) {
  return std::any_of(keys.begin(), keys.end(), [&](const auto& pair) { return pair.first == key; });
}

Keys without(Keys keys, const std::string& key) {
  std::erase_if(keys, [&](const auto& pair) { return pair.first == key; });
  return keys;
}

Keys with(Keys keys, const std::string& key, const std::string& value) {
  for (auto& pair : keys) {
    if (pair.first != key) continue;
    pair.second = value;
    return keys;
  }
  keys.emplace_back(key, value);
  return keys;
}

std::string Pdu::describe() const {
  return "PDU " + hex(header.data(), 48) + " data " + std::to_string(data.size()) + " octets " +
         hex(data.data(), std::min<std::size_t>(data.size(), 64));
}

Pdu& Pdu::set(std::size_t offset, std::uint8_t value) {
  header[offset] = value;
  return *this;
}
Pdu& Pdu::set16(std::size_t offset, std::uint16_t value) {
  put16(header.data() + offset, value);
  return *this;
}
Pdu& Pdu::set32(std::size_t offset, std::uint32_t value) {
  put32(header.data() + offset, value);
  return *this;
}
Pdu& Pdu::with_tag(std::uint32_t value) {
  own_tag = true;
  return set32(16, value);
}
Pdu& Pdu::with_cmd_sn(std::uint32_t value) {
  own_cmd_sn = true;
  return set32(24, value);
}
Pdu& Pdu::with_exp_stat_sn(std::uint32_t value) {
  own_exp_stat_sn = true;
  return set32(28, value);
}
Pdu& Pdu::with_lun(std::uint16_t lun) {
  const auto field = lun_octets(lun);
  std::copy(field.begin(), field.end(), header.begin() + 8);
  return *this;
}
Pdu& Pdu::with_immediate(bool on) {
  header[0] = static_cast<std::uint8_t>((header[0] & 0xbf) | (on ? 0x40 : 0));
  return *this;
}
Pdu& Pdu::with_lengths(std::uint8_t total_ahs_words, std::uint32_t data_segment_length) {
  own_lengths = true;
  header[4] = total_ahs_words;
  put24(header.data() + 5, data_segment_length);
  return *this;
}

namespace {
Pdu make(Op op, std::uint8_t flags) {
  Pdu pdu;
  pdu.header[0] = static_cast<std::uint8_t>(op);
  pdu.header[1] = flags;
  return pdu;
}
}  // namespace

std::array<std::uint8_t, 8> lun_octets(std::uint16_t lun) {
  std::array<std::uint8_t, 8> field{};
  put16(field.data(), lun < 256 ? lun : static_cast<std::uint16_t>(0x4000 | lun));
  return field;
}

Pdu scsi_command(const Cdb& cdb, std::uint32_t expected_length, std::uint8_t flags,
                 const Octets& immediate_data) {
  Pdu pdu = make(Op::scsi_command, flags);
  pdu.set32(20, expected_length);
  std::copy(cdb.begin(),
            cdb.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(cdb.size(), 16)),
            pdu.header.begin() + 32);
  if (cdb.size() > 16) {  // RFC 7143 §11.2.2.3: AHSLength counts the octet after the type
    const auto rest = static_cast<std::uint16_t>(cdb.size() - 16);
    pdu.ahs.resize(4);
    put16(pdu.ahs.data(), static_cast<std::uint16_t>(rest + 1));
    pdu.ahs[2] = 1;
    pdu.ahs.insert(pdu.ahs.end(), cdb.begin() + 16, cdb.end());
    pdu.ahs.resize((pdu.ahs.size() + 3) & ~std::size_t{3});
  }
  pdu.data = immediate_data;
  return pdu;
}

Pdu data_out(std::uint32_t tag, std::uint32_t transfer_tag, std::uint32_t data_sn,
             std::uint32_t offset, bool final, Octets data, std::uint16_t lun) {
  Pdu pdu = make(Op::data_out, final ? kFinal : 0);
  pdu.with_tag(tag).set32(20, transfer_tag).set32(36, data_sn).set32(40, offset);
  if (transfer_tag != kNoTag) pdu.with_lun(lun);
  pdu.own_cmd_sn = true;  // the field is reserved in Data-Out
  pdu.data = std::move(data);
  return pdu;
}

Pdu nop_out(const Octets& ping) {
  Pdu pdu = make(Op::nop_out, kFinal);
  pdu.with_immediate().set32(20, kNoTag);
  pdu.data = ping;
  return pdu;
}

Pdu nop_out_answer(const Pdu& nop_in) {
  Pdu pdu = nop_out();
  pdu.with_tag(kNoTag).set32(20, nop_in.transfer_tag());
  std::copy(nop_in.header.begin() + 8, nop_in.header.begin() + 16, pdu.header.begin() + 8);
  return pdu;
}

Pdu task_management(std::uint8_t function, std::uint16_t lun, std::uint32_t referenced_tag,
                    std::uint32_t ref_cmd_sn) {
  Pdu pdu = make(Op::task_management, static_cast<std::uint8_t>(kFinal | function));
  pdu.with_immediate().with_lun(lun).set32(20, referenced_tag).set32(32, ref_cmd_sn);
  return pdu;
}

Pdu logout(std::uint8_t reason, std::uint16_t cid) {
  Pdu pdu = make(Op::logout, static_cast<std::uint8_t>(kFinal | reason));
  pdu.with_immediate().set16(20, cid);
  return pdu;
}

Pdu text_request(const Keys& keys, bool final, bool more, std::uint32_t transfer_tag) {
  Pdu pdu = make(Op::text, static_cast<std::uint8_t>((final ? 0x80 : 0) | (more ? 0x40 : 0)));
  pdu.with_immediate().set32(20, transfer_tag);
  pdu.data = build_text(keys);
  return pdu;
}

Pdu snack(std::uint8_t type, std::uint32_t tag, std::uint32_t begin, std::uint32_t run) {
  Pdu pdu = make(Op::snack, static_cast<std::uint8_t>(kFinal | type));
  pdu.with_tag(tag).set32(20, kNoTag).set32(40, begin).set32(44, run);
  pdu.own_cmd_sn = true;  // the field is reserved in SNACK
  return pdu;
}

Pdu login_request(std::uint8_t stages, bool transit, bool more, const Octets& text,
                  const std::array<std::uint8_t, 6>& isid, std::uint16_t tsih, std::uint16_t cid) {
  Pdu pdu =
      make(Op::login, static_cast<std::uint8_t>((transit ? 0x80 : 0) | (more ? 0x40 : 0) | stages));
  pdu.with_immediate();
  std::copy(isid.begin(), isid.end(), pdu.header.begin() + 8);
  pdu.set16(14, tsih).set16(20, cid);
  pdu.data = text;
  return pdu;
}

namespace {
Cdb ten(std::uint8_t opcode, std::uint32_t lba, std::uint16_t blocks) {
  Cdb cdb(10);
  cdb[0] = opcode;
  put32(cdb.data() + 2, lba);
  put16(cdb.data() + 7, blocks);
  return cdb;
}
Cdb sixteen(std::uint8_t opcode, std::uint64_t lba, std::uint32_t blocks) {
  Cdb cdb(16);
  cdb[0] = opcode;
  put64(cdb.data() + 2, lba);
  put32(cdb.data() + 10, blocks);
  return cdb;
}
}  // namespace

Cdb read_10(std::uint32_t lba, std::uint16_t blocks) {
  return ten(0x28, lba, blocks);
}
Cdb write_10(std::uint32_t lba, std::uint16_t blocks) {
  return ten(0x2a, lba, blocks);
}
Cdb read_16(std::uint64_t lba, std::uint32_t blocks) {
  return sixteen(0x88, lba, blocks);
}
Cdb write_16(std::uint64_t lba, std::uint32_t blocks) {
  return sixteen(0x8a, lba, blocks);
}
Cdb inquiry(std::uint8_t allocation, int vpd_page) {
  const bool vpd = vpd_page >= 0;
  return {0x12,
          static_cast<std::uint8_t>(vpd),
          static_cast<std::uint8_t>(vpd ? vpd_page : 0),
          0,
          allocation,
          0};
}
Cdb test_unit_ready() {
  return Cdb(6);
}
Cdb request_sense(std::uint8_t allocation) {
  return {0x03, 0, 0, 0, allocation, 0};
}
Cdb report_luns(std::uint32_t allocation, std::uint8_t select) {
  Cdb cdb(12);
  cdb[0] = 0xa0;
  cdb[2] = select;
  put32(cdb.data() + 6, allocation);
  return cdb;
}
Cdb reserve_6() {
  return {0x16, 0, 0, 0, 0, 0};
}
Cdb release_6() {
  return {0x17, 0, 0, 0, 0, 0};
}
Cdb mode_sense_6(std::uint8_t page, std::uint8_t allocation) {
  return {0x1a, 0x08, page, 0, allocation, 0};
}
Cdb mode_select_6(std::uint8_t length) {
  return {0x15, 0x10, 0, 0, length, 0};
}

}  // namespace faultlun::support
