// Headers of the Login and Text PDUs as they lie on the wire.  RFC 7143 §11.10, §11.12, §11.13.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <boost/endian/buffers.hpp>

#include <cstddef>
#include <cstdint>

namespace faultlun::iscsi {

inline constexpr std::uint8_t kTextRequestOpcode = 0x04;
inline constexpr std::uint8_t kLoginRequestOpcode = 0x03;
inline constexpr std::uint8_t kLoginResponseOpcode = 0x23;

// Flags of byte 1.
inline constexpr std::uint8_t kLoginTransit = 0x80;  // T
inline constexpr std::uint8_t kTextFinal = 0x80;     // F
inline constexpr std::uint8_t kTextContinue = 0x40;  // C, in Login and Text PDUs

/// Login Request header.  RFC 7143 §11.12.
struct LoginRequestBhs {
  std::uint8_t opcode;  // bit 6: immediate (always 1), bits 5..0: 03h
  std::uint8_t flags;   // T C 0 0 CSG NSG
  std::uint8_t version_max;
  std::uint8_t version_min;
  std::uint8_t total_ahs_length;                        // 4-byte words
  boost::endian::big_uint24_buf_t data_segment_length;  // bytes, padding excluded
  std::uint8_t isid[6];
  boost::endian::big_uint16_buf_t tsih;
  boost::endian::big_uint32_buf_t initiator_task_tag;
  boost::endian::big_uint16_buf_t cid;
  std::uint8_t reserved1[2];
  boost::endian::big_uint32_buf_t cmd_sn;
  boost::endian::big_uint32_buf_t exp_stat_sn;
  std::uint8_t reserved2[16];
};
static_assert(bytes::WireStruct<LoginRequestBhs>);
static_assert(sizeof(LoginRequestBhs) == 48 && offsetof(LoginRequestBhs, cmd_sn) == 24);

/// Login Response header.  RFC 7143 §11.13.
struct LoginResponseBhs {
  std::uint8_t opcode;  // 23h
  std::uint8_t flags;   // T C 0 0 CSG NSG
  std::uint8_t version_max;
  std::uint8_t version_active;
  std::uint8_t total_ahs_length;
  boost::endian::big_uint24_buf_t data_segment_length;
  std::uint8_t isid[6];
  boost::endian::big_uint16_buf_t tsih;
  boost::endian::big_uint32_buf_t initiator_task_tag;
  std::uint8_t reserved1[4];
  boost::endian::big_uint32_buf_t stat_sn;
  boost::endian::big_uint32_buf_t exp_cmd_sn;
  boost::endian::big_uint32_buf_t max_cmd_sn;
  std::uint8_t status_class;
  std::uint8_t status_detail;
  std::uint8_t reserved2[10];
};
static_assert(bytes::WireStruct<LoginResponseBhs>);
static_assert(sizeof(LoginResponseBhs) == 48 && offsetof(LoginResponseBhs, status_class) == 36);

/// Text Request header.  RFC 7143 §11.10.
struct TextRequestBhs {
  std::uint8_t opcode;  // bit 6: immediate, bits 5..0: 04h
  std::uint8_t flags;   // F C 0 0 0 0 0 0
  std::uint8_t reserved1[2];
  std::uint8_t total_ahs_length;
  boost::endian::big_uint24_buf_t data_segment_length;
  std::uint8_t lun[8];
  boost::endian::big_uint32_buf_t initiator_task_tag;
  boost::endian::big_uint32_buf_t target_transfer_tag;
  boost::endian::big_uint32_buf_t cmd_sn;
  boost::endian::big_uint32_buf_t exp_stat_sn;
  std::uint8_t reserved2[16];
};
static_assert(bytes::WireStruct<TextRequestBhs>);
static_assert(sizeof(TextRequestBhs) == 48 && offsetof(TextRequestBhs, target_transfer_tag) == 20);

}  // namespace faultlun::iscsi
