// PDUs of an initiator, octet by octet, and a session under test with everything it says.  No
// clock, no sockets.
#pragma once

#include "protocol/bytes/crc32c.hpp"
#include "protocol/iscsi/session.hpp"
#include "protocol/iscsi/transfer.hpp"
#include "protocol/iscsi/wire.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <initializer_list>
#include <optional>
#include <variant>
#include <vector>

namespace faultlun::iscsi::testing {

using bytes::Buffer;
using bytes::View;
namespace op = wire::opcode;

/// A PDU being built: the header as an overlay's octets, then AHS and data.
struct Pdu {
  Buffer header = Buffer(kBhsBytes);
  Buffer ahs;
  Buffer data;
  bool spoil_data_digest = false;

  Pdu& u8(std::size_t at, std::uint8_t value) {
    header[at] = value;
    return *this;
  }
  Pdu& be16(std::size_t at, std::uint16_t value) {
    bytes::put_be16(&header[at], value);
    return *this;
  }
  Pdu& be32(std::size_t at, std::uint32_t value) {
    bytes::put_be32(&header[at], value);
    return *this;
  }
  Pdu& lun(std::uint8_t number) { return u8(9, number); }
  Pdu& lun_octet(std::uint8_t value) { return u8(8, value); }  ///< first octet of the LUN field
  Pdu& itt(std::uint32_t tag) { return be32(16, tag); }
  Pdu& cmd_sn(std::uint32_t value) { return be32(24, value); }
  Pdu& immediate() { return u8(0, header[0] | wire::kImmediate); }
  Pdu& not_final() { return u8(1, header[1] & 0x7f); }
  Pdu& with(Buffer octets) {
    data = std::move(octets);
    return *this;
  }
  Pdu& bad_digest() {
    spoil_data_digest = true;
    return *this;
  }

  /// As it lies on the wire.
  Buffer octets(bool header_digest, bool data_digest) const {
    Buffer all = header;
    all[4] = static_cast<std::uint8_t>(ahs.size() / 4);
    bytes::put_be24(&all[5], static_cast<std::uint32_t>(data.size()));
    all.insert(all.end(), ahs.begin(), ahs.end());
    const auto digest = [&all](View of) {
      std::uint8_t wire[kDigestBytes];
      bytes::put_digest(wire, bytes::crc32c(of));
      all.insert(all.end(), wire, wire + kDigestBytes);
    };
    if (header_digest) digest(Buffer(all));
    if (data.empty()) return all;
    Buffer padded = data;
    padded.resize(bytes::padded4(data.size()));
    all.insert(all.end(), padded.begin(), padded.end());
    if (data_digest) digest(padded);
    if (data_digest && spoil_data_digest) all.back() ^= 0x55;
    return all;
  }
};

inline Pdu basic(std::uint8_t opcode) {
  return Pdu().u8(0, opcode).u8(1, wire::kFinal);
}

/// flags: R, W and attribute; F is set unless not_final() follows.
inline Pdu scsi_command(std::uint32_t itt, std::uint8_t flags, std::uint32_t edtl,
                        std::initializer_list<std::uint8_t> cdb) {
  auto pdu = basic(op::kScsiCommand).itt(itt).be32(20, edtl);
  pdu.u8(1, static_cast<std::uint8_t>(wire::kFinal | flags));
  std::copy(cdb.begin(), cdb.end(), pdu.header.begin() + 32);
  return pdu;
}
inline Pdu test_unit_ready(std::uint32_t itt) {
  return scsi_command(itt, 1, 0, {0});
}
inline Pdu read_command(std::uint32_t itt, std::uint32_t edtl) {
  return scsi_command(itt, wire::kRead | 1, edtl, {0x28});
}
inline Pdu write_command(std::uint32_t itt, std::uint32_t edtl) {
  return scsi_command(itt, wire::kWrite | 1, edtl, {0x2a});
}

inline Pdu data_out(std::uint32_t itt, std::uint32_t ttt, std::uint32_t data_sn,
                    std::uint32_t offset, Buffer data, bool final) {
  auto pdu = basic(op::kDataOut)
                 .itt(itt)
                 .be32(20, ttt)
                 .be32(36, data_sn)
                 .be32(40, offset)
                 .with(std::move(data));
  return final ? pdu : pdu.not_final();
}
inline Pdu nop_out(std::uint32_t itt, std::uint32_t ttt = kReservedTag) {
  return basic(op::kNopOut).itt(itt).be32(20, ttt);
}
inline Pdu task_management(std::uint32_t itt, std::uint8_t function,
                           std::uint32_t referenced = kReservedTag, std::uint32_t ref_cmd_sn = 0) {
  return basic(op::kTaskManagementRequest)
      .u8(1, static_cast<std::uint8_t>(wire::kFinal | function))
      .itt(itt)
      .be32(20, referenced)
      .be32(32, ref_cmd_sn)
      .immediate();
}
inline Pdu logout(std::uint32_t itt, std::uint8_t reason, std::uint16_t cid = 0) {
  return basic(op::kLogoutRequest)
      .u8(1, static_cast<std::uint8_t>(wire::kFinal | reason))
      .itt(itt)
      .be16(20, cid)
      .immediate();
}
inline Pdu text_request(std::uint32_t itt, std::string_view text) {
  const auto octets = bytes::of(text);
  return basic(op::kTextRequest)
      .itt(itt)
      .be32(20, kReservedTag)
      .with({octets.begin(), octets.end()});
}

inline Buffer pattern(std::size_t length, std::uint8_t seed = 1) {
  Buffer data(length);
  for (std::size_t i = 0; i < length; ++i)
    data[i] = static_cast<std::uint8_t>(seed + i * 7);
  return data;
}

/// A PDU of the target.
struct Answer {
  Buffer header, data;
  bool data_digest_ok = true;
  std::uint8_t opcode() const { return header[0] & wire::kOpcodeMask; }
  std::uint8_t flags() const { return header[1]; }
  std::uint8_t octet(std::size_t at) const { return header[at]; }
  std::uint32_t be32(std::size_t at) const { return bytes::be32(&header[at]); }
  std::uint32_t be16(std::size_t at) const { return bytes::be16(&header[at]); }
  std::uint32_t itt() const { return be32(16); }
  std::uint32_t ttt() const { return be32(20); }
  std::uint32_t stat_sn() const { return be32(24); }
  std::uint32_t exp_cmd_sn() const { return be32(28); }
  std::uint32_t max_cmd_sn() const { return be32(32); }
  std::uint32_t residual() const { return be32(44); }
  /// Data-In with S, or any other PDU but R2T and unsolicited NOP-In.
  bool carries_status() const {
    if (opcode() == op::kDataIn) return (flags() & wire::kStatus) != 0;
    if (opcode() == op::kNopIn) return itt() != kReservedTag;
    return opcode() != op::kR2t;
  }
  /// Key, ASC and ASCQ of fixed sense behind its two-octet length.
  scsi::SenseCode sense() const {
    if (data.size() < 16) return {};
    return {static_cast<std::uint8_t>(data[4] & 0x0f), data[14], data[15]};
  }
};

/// A session, its outbox, and an initiator's counters.
struct Bench {
  explicit Bench(std::uint32_t window = kCommandWindow, Parameters parameters = {},
                 std::uint32_t first_cmd_sn = 100, std::uint32_t first_stat_sn = 500,
                 SessionType type = SessionType::normal)
      : cmd_sn(first_cmd_sn) {
    parameters.our_max_recv_data_segment_length = kMaxRecvDataSegmentLength;
    LoginResult login;
    login.type = type;
    login.initiator_name = "iqn.2026-11.example:host";
    login.target_name = type == SessionType::normal ? "iqn.2026-11.example:disk" : "";
    login.tsih = 1;
    login.cid = 7;
    login.cmd_sn = first_cmd_sn;
    login.stat_sn = first_stat_sn;
    login.parameters = parameters;
    session.emplace(login, directory, window);
  }

  /// Sends it exactly as it is; a block of its own, so that reading past its end is seen.
  Bench& raw(const Pdu& pdu) {
    const auto& parameters = session->login().parameters;
    received = pdu.octets(parameters.header_digest, parameters.data_digest);
    const auto frame = next_frame(received, session->framing());
    REQUIRE(frame.state == FrameState::pdu);
    REQUIRE(frame.length == received.size());
    effects.clear();
    session->receive(frame.pdu, now, out, effects);
    return *this;
  }
  /// Numbers the PDU: immediate ones carry the current CmdSN, the others use it up.
  Bench& send(Pdu pdu) {
    const bool numbered = (pdu.header[0] & wire::kOpcodeMask) != op::kDataOut;
    if (numbered) pdu.cmd_sn(cmd_sn);
    if (numbered && (pdu.header[0] & wire::kImmediate) == 0) ++cmd_sn;
    return raw(pdu);
  }
  /// Sends a command that the daemon gets, and returns the task.
  Task& start(Pdu pdu) {
    send(std::move(pdu));
    auto* task = run();
    REQUIRE(task != nullptr);
    return *task;
  }

  template <typename E>
  E* effect(std::size_t nth = 0) {
    for (auto& each : effects)
      if (auto* found = std::get_if<E>(&each))
        if (nth-- == 0) return found;
    return nullptr;
  }
  template <typename E>
  std::size_t count() {
    return static_cast<std::size_t>(
        std::count_if(effects.begin(), effects.end(),
                      [](const auto& each) { return std::holds_alternative<E>(each); }));
  }
  Task* run(std::size_t nth = 0) {
    auto* found = effect<effect::RunTask>(nth);
    return found != nullptr ? found->task : nullptr;
  }

  void good(Task& task) { session->complete(task, scsi::Reply{}, out); }
  void finish(Task& task, scsi::Reply reply) { session->complete(task, std::move(reply), out); }
  void collect(Task& task, std::uint64_t wanted, std::size_t taken = 0) {
    effects.clear();
    session->collect(task, wanted, taken, out, effects);
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    effects.clear();
    const auto due = session->deadline();
    if (due && *due <= now) session->on_deadline(now, out, effects);
  }

  /// Everything in the outbox, as PDUs; it must end with a whole one.
  std::vector<Answer> answers() {
    Buffer all;
    View pieces[64];
    while (!out.empty()) {
      const auto filled = out.gather(pieces);
      std::size_t length = 0;
      for (std::size_t i = 0; i < filled; ++i) {
        all.insert(all.end(), pieces[i].begin(), pieces[i].end());
        length += pieces[i].size();
      }
      out.consume(length);
    }
    std::vector<Answer> list;
    Framing framing = session->framing();
    framing.max_data_segment = session->login().parameters.peer_max_recv_data_segment_length;
    for (View rest(all); !rest.empty();) {
      const auto frame = next_frame(rest, framing);
      REQUIRE(frame.state == FrameState::pdu);
      Answer answer;
      answer.header.assign(frame.pdu.header.begin(), frame.pdu.header.end());
      answer.data.assign(frame.pdu.data.begin(), frame.pdu.data.end());
      REQUIRE(frame.pdu.data_digest_ok);
      REQUIRE((answer.opcode() & 0x20) != 0);  // A2.04: never an initiator's opcode
      list.push_back(std::move(answer));
      rest = rest.subspan(frame.length);
    }
    return list;
  }
  /// The only PDU in the outbox.
  Answer answer() {
    auto list = answers();
    REQUIRE(list.size() == 1);
    return std::move(list.front());
  }
  bool silent() { return answers().empty(); }

  Directory directory;
  std::optional<Session> session;
  Outbox out;
  Effects effects;
  TimePoint now{std::chrono::hours(1)};
  std::uint32_t cmd_sn;
  Buffer received;
};

inline bool is_reject(const Answer& answer, std::uint8_t reason) {
  return answer.opcode() == op::kReject && answer.octet(2) == reason;
}
inline bool is_response(const Answer& answer, std::uint32_t itt, scsi::Status status) {
  return answer.opcode() == op::kScsiResponse && answer.itt() == itt && answer.octet(2) == 0 &&
         answer.octet(3) == static_cast<std::uint8_t>(status);
}
inline bool is_check(const Answer& answer, std::uint32_t itt, scsi::SenseCode code) {
  return is_response(answer, itt, scsi::Status::check_condition) && answer.sense() == code;
}
inline bool is_tmf(const Answer& answer, std::uint32_t itt, std::uint8_t response) {
  return answer.opcode() == op::kTaskManagementResponse && answer.itt() == itt &&
         answer.octet(2) == response;
}

inline Parameters with(void (*change)(Parameters&)) {
  Parameters parameters;
  change(parameters);
  return parameters;
}

}  // namespace faultlun::iscsi::testing
