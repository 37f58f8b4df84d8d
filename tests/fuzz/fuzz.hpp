// What the fuzz targets share: a check that stays on in every build, a cursor over the fuzzer's
// octets, and a reader of what a target sends back.
#pragma once

#include "protocol/bytes/bytes.hpp"
#include "protocol/iscsi/outbox.hpp"
#include "protocol/iscsi/pdu.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace faultlun::fuzz {

/// A broken promise ends the run; the fuzzer keeps the input.
inline void expect(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// The fuzzer's octets from front to back; zeros when they have run out.
class Input {
 public:
  explicit Input(bytes::View octets) : rest_(octets) {}
  std::uint8_t u8() {
    const auto taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  bytes::View take(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  bytes::View rest() const { return rest_; }

 private:
  bytes::View rest_;
};

/// Reads whole PDUs out of an outbox as the initiator would and checks what holds for every one of
/// them.
class Peer {
 public:
  explicit Peer(iscsi::Framing framing) : framing_(framing) {}

  void drain(iscsi::Outbox& out) {
    bytes::Buffer received;
    while (!out.empty()) {
      bytes::View pieces[8];
      const auto count = out.gather(pieces);
      expect(count > 0, "an outbox that is not empty has pieces");
      std::size_t length = 0;
      for (const auto piece : std::span(pieces).first(count)) {
        received.insert(received.end(), piece.begin(), piece.end());
        length += piece.size();
      }
      out.consume(length);
    }
    bytes::View rest(received);
    while (!rest.empty()) {
      const auto frame = iscsi::next_frame(rest, framing_);
      expect(frame.state == iscsi::FrameState::pdu,
             "whole PDUs with right digests, none longer than declared");
      check(frame.pdu);
      rest = rest.subspan(frame.length);
    }
  }

 private:
  static constexpr std::uint8_t kR2t = 0x31, kDataIn = 0x25, kNopIn = 0x20;

  void check(const iscsi::PduView& pdu) {
    expect(pdu.opcode() >= 0x20, "a target sends target opcodes");
    expect(pdu.data_digest_ok, "right data digests");
    const auto exp_cmd_sn = bytes::be32(pdu.header.data() + 28);
    const auto max_cmd_sn = bytes::be32(pdu.header.data() + 32);
    expect(static_cast<std::int32_t>(max_cmd_sn - exp_cmd_sn) >= -1,
           "MaxCmdSN is at least ExpCmdSN - 1");
    if (last_max_cmd_sn_)
      expect(static_cast<std::int32_t>(max_cmd_sn - *last_max_cmd_sn_) >= 0,
             "MaxCmdSN never moves back");
    last_max_cmd_sn_ = max_cmd_sn;
    const bool status = pdu.opcode() == kDataIn  ? (pdu.header[1] & 0x01) != 0
                        : pdu.opcode() == kNopIn ? pdu.initiator_task_tag() != iscsi::kReservedTag
                                                 : pdu.opcode() != kR2t;
    if (!status) return;
    const auto stat_sn = bytes::be32(pdu.header.data() + 24);
    if (next_stat_sn_)
      expect(stat_sn == *next_stat_sn_, "StatSN counts the PDUs that carry status");
    next_stat_sn_ = stat_sn + 1;
  }

  iscsi::Framing framing_;
  std::optional<std::uint32_t> next_stat_sn_, last_max_cmd_sn_;
};

}  // namespace faultlun::fuzz
