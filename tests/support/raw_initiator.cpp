#include "tests/support/raw_initiator.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace faultlun::support {

RawInitiator::RawInitiator(const Endpoint& endpoint, int receive_buffer_bytes)
    : connection(endpoint, receive_buffer_bytes) {}

Octets RawInitiator::wire_octets(const Pdu& pdu) const {
  Pdu whole = pdu;
  if (!pdu.own_lengths) {
    whole.header[4] = static_cast<std::uint8_t>(pdu.ahs.size() / 4);
    put24(whole.header.data() + 5, static_cast<std::uint32_t>(pdu.data.size()));
  }
  Octets out(whole.header.begin(), whole.header.end());
  out.insert(out.end(), pdu.ahs.begin(), pdu.ahs.end());
  const auto digest = [&](std::size_t from, bool spoil) {
    std::uint32_t crc = crc32c(out.data() + from, out.size() - from);
    if (spoil) crc ^= 0x00010000;
    for (int shift = 0; shift < 32; shift += 8)
      out.push_back(static_cast<std::uint8_t>(crc >> shift));
  };
  if (full_feature_ && settled.header_digest) digest(0, pdu.spoil_header_digest);
  if (pdu.data.empty()) return out;
  const std::size_t start = out.size();
  out.insert(out.end(), pdu.data.begin(), pdu.data.end());
  while ((out.size() - start) % 4 != 0)
    out.push_back(pdu.padding);
  if (full_feature_ && settled.data_digest) digest(start, pdu.spoil_data_digest);
  return out;
}

std::uint32_t RawInitiator::send(Pdu pdu) {
  if (!pdu.own_tag) pdu.set32(16, next_tag_++);
  if (!pdu.own_cmd_sn) {
    pdu.set32(24, cmd_sn);
    if (!pdu.immediate()) ++cmd_sn;
  }
  if (!pdu.own_exp_stat_sn) pdu.set32(28, exp_stat_sn);
  check.note_sent(pdu);
  const Octets octets = wire_octets(pdu);
  connection.write(octets);
  std::copy(octets.begin(), octets.begin() + 48, pdu.header.begin());
  last_sent = std::move(pdu);
  return last_sent.tag();
}

std::optional<Pdu> RawInitiator::read_pdu(int ms) {
  Pdu pdu;
  if (!connection.read(pdu.header.data(), pdu.header.size(), ms)) return std::nullopt;
  const auto take = [&](Octets& to, std::size_t length) {
    to.resize(length);
    if (length > 0 && !connection.read(to.data(), length, kPatience))
      throw WireError("the connection ended inside a PDU");
  };
  const auto check_digest = [&](std::uint32_t crc, const char* what) {
    Octets sent;
    take(sent, 4);
    const std::uint32_t wanted = std::uint32_t{sent[0]} | std::uint32_t{sent[1]} << 8 |
                                 std::uint32_t{sent[2]} << 16 | std::uint32_t{sent[3]} << 24;
    if (wanted != crc) FAIL_CHECK("A9.01: wrong " << what << " digest on " << pdu.describe());
  };
  take(pdu.ahs, std::size_t{pdu.header[4]} * 4);
  if (full_feature_ && settled.header_digest)
    check_digest(crc32c(pdu.ahs.data(), pdu.ahs.size(), crc32c(pdu.header.data(), 48)), "header");
  const std::size_t length = get24(pdu.header.data() + 5);
  Octets padded;
  take(padded, (length + 3) & ~std::size_t{3});
  if (full_feature_ && settled.data_digest && length > 0)
    check_digest(crc32c(padded.data(), padded.size()), "data");
  if (std::any_of(padded.begin() + static_cast<std::ptrdiff_t>(length), padded.end(),
                  [](auto v) { return v != 0; }))
    FAIL_CHECK("A2.05: padding is not zero in " << pdu.describe());
  padded.resize(length);
  pdu.data = std::move(padded);
  return pdu;
}

void RawInitiator::judge(const Pdu& pdu) {
  for (const auto& finding : check.check(pdu)) {
    if (findings_++ < kMostFindings) FAIL_CHECK(finding << "; " << pdu.describe());
  }
  if (check.next_stat_sn()) exp_stat_sn = *check.next_stat_sn();
}

std::optional<Pdu> RawInitiator::try_receive(int ms) {
  if (!waiting_.empty()) {
    Pdu pdu = std::move(waiting_.front());
    waiting_.pop_front();
    return pdu;
  }
  const std::int64_t deadline = now_ms() + ms;
  for (;;) {
    const auto left = static_cast<int>(std::max<std::int64_t>(deadline - now_ms(), 0));
    if (!connection.readable(left)) return std::nullopt;
    auto pdu = read_pdu(kPatience);
    if (!pdu) return std::nullopt;
    judge(*pdu);
    if (pdu->opcode() != Op::nop_in || pdu->tag() != kNoTag || !answer_pings) return pdu;
    pings.push_back(*pdu);
    if (pdu->transfer_tag() != kNoTag) send(nop_out_answer(*pdu));
  }
}

Pdu RawInitiator::receive(int ms) {
  auto pdu = try_receive(ms);
  if (!pdu)
    throw WireError(connection.readable(0) ? "the target closed the connection"
                                           : "the target stays silent");
  return *pdu;
}

Pdu RawInitiator::receive_for(std::uint32_t tag, int ms) {
  const std::int64_t deadline = now_ms() + ms;
  std::deque<Pdu> others;
  for (;;) {
    Pdu pdu = receive(static_cast<int>(std::max<std::int64_t>(deadline - now_ms(), 1)));
    const bool mine = pdu.tag() == tag;
    if (!mine) others.push_back(std::move(pdu));
    if (!mine) continue;
    for (auto it = others.rbegin(); it != others.rend(); ++it)
      waiting_.push_front(std::move(*it));
    return pdu;
  }
}

Pdu RawInitiator::expect_reject(std::uint8_t reason, const Pdu* rejected) {
  Pdu pdu = receive();
  INFO(pdu.describe());
  CHECK(pdu.opcode() == Op::reject);
  CHECK(static_cast<int>(pdu.at(2)) == static_cast<int>(reason));
  if (rejected != nullptr && pdu.data.size() >= 48) {
    CHECK(std::equal(rejected->header.begin() + 8, rejected->header.begin() + 16,
                     pdu.data.begin() + 8));
    CHECK(pdu.data[0] == rejected->header[0]);
  }
  return pdu;
}

void RawInitiator::expect_closed(int ms) {
  const std::int64_t deadline = now_ms() + ms;
  try {
    for (;;) {
      const auto left = static_cast<int>(std::max<std::int64_t>(deadline - now_ms(), 0));
      const auto pdu = try_receive(left);
      if (!pdu) break;
      MESSAGE("before the end came " << pdu->describe());
    }
  } catch (const WireError&) {
    // a connection that ends inside a PDU has ended too
  }
  CHECK_MESSAGE(
      connection.closed_within(static_cast<int>(std::max<std::int64_t>(deadline - now_ms(), 1))),
      "the target keeps the connection open");
}

void RawInitiator::expect_silence(int ms) {
  const auto pdu = try_receive(ms);
  CHECK_MESSAGE(!pdu.has_value(), "expected silence, came " << (pdu ? pdu->describe() : ""));
  CHECK_MESSAGE(!connection.readable(0), "expected silence, the connection ended");
}

void RawInitiator::expect_alive() {
  const Octets ping = octets_of("are you there?");
  const Pdu pong = exchange(nop_out(ping));
  CHECK(pong.opcode() == Op::nop_in);
  CHECK(pong.data == ping);
}

std::uint32_t Outcome::sense_code() const {
  if (sense.size() < 4) return 0;
  const bool descriptor = (sense[0] & 0x7f) >= 0x72;
  if (descriptor)
    return (std::uint32_t{sense[1]} & 0x0f) << 16 | std::uint32_t{sense[2]} << 8 | sense[3];
  if (sense.size() < 14) return 0;
  return (std::uint32_t{sense[2]} & 0x0f) << 16 | std::uint32_t{sense[12]} << 8 | sense[13];
}

std::string Outcome::describe() const {
  return "response " + std::to_string(response) + " status " + std::to_string(status) + " sense " +
         hex(sense.data(), sense.size()) + " data " + std::to_string(data.size()) + " octets; " +
         last.describe();
}

void RawInitiator::answer_r2t(const Pdu& r2t, const Octets& data) {
  const std::uint32_t begin = r2t.u32(40);
  const std::uint32_t end = begin + r2t.u32(44);
  std::uint32_t data_sn = 0;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t length = std::min(settled.target_max_recv, end - at);
    Octets piece(length);
    for (std::uint32_t i = 0; i < length; ++i)
      piece[i] = at + i < data.size() ? data[at + i] : std::uint8_t{0};
    Pdu pdu = data_out(r2t.tag(), r2t.transfer_tag(), data_sn++, at, at + length == end,
                       std::move(piece));
    std::copy(r2t.header.begin() + 8, r2t.header.begin() + 16, pdu.header.begin() + 8);
    send(std::move(pdu));
    at += length;
  }
}

Outcome RawInitiator::finish(std::uint32_t tag, const Octets& data, int ms) {
  Outcome outcome;
  for (;;) {
    Pdu pdu = receive_for(tag, ms);
    const bool data_in = pdu.opcode() == Op::data_in;
    if (pdu.opcode() == Op::r2t) {
      answer_r2t(pdu, data);
      outcome.r2ts.push_back(std::move(pdu));
      continue;
    }
    if (data_in) {
      ++outcome.data_in_pdus;
      outcome.data.insert(outcome.data.end(), pdu.data.begin(), pdu.data.end());
      if ((pdu.flags() & 0x01) == 0) continue;
    } else if (pdu.opcode() != Op::scsi_response) {
      throw WireError("an answer of the wrong kind: " + pdu.describe());
    } else if (pdu.data.size() >= 2) {
      const std::size_t length = std::min<std::size_t>(get16(pdu.data.data()), pdu.data.size() - 2);
      outcome.sense.assign(pdu.data.begin() + 2,
                           pdu.data.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    }
    outcome.response = data_in ? std::uint8_t{0} : pdu.at(2);
    outcome.status = pdu.at(3);
    outcome.overflow = (pdu.flags() & 0x04) != 0;
    outcome.underflow = (pdu.flags() & 0x02) != 0;
    outcome.residual = pdu.u32(44);
    outcome.last = std::move(pdu);
    return outcome;
  }
}

Outcome RawInitiator::execute(const Cdb& cdb, const ExecuteOptions& options) {
  Pdu pdu = scsi_command(cdb, options.expected_length.value_or(0),
                         static_cast<std::uint8_t>(kFinal | options.attribute));
  pdu.with_lun(options.lun).with_immediate(options.immediate_delivery);
  return finish(send(std::move(pdu)), {}, options.patience_ms);
}

Outcome RawInitiator::execute_read(const Cdb& cdb, std::uint32_t length,
                                   const ExecuteOptions& options) {
  Pdu pdu = scsi_command(cdb, options.expected_length.value_or(length),
                         static_cast<std::uint8_t>(kFinal | kRead | options.attribute));
  pdu.with_lun(options.lun).with_immediate(options.immediate_delivery);
  return finish(send(std::move(pdu)), {}, options.patience_ms);
}

Outcome RawInitiator::execute_write(const Cdb& cdb, const Octets& data,
                                    const ExecuteOptions& options) {
  const auto length = options.expected_length.value_or(static_cast<std::uint32_t>(data.size()));
  const std::uint32_t burst = std::min(length, settled.first_burst);
  const std::uint32_t immediate =
      settled.immediate_data ? std::min(burst, settled.target_max_recv) : 0;
  const bool unsolicited = !settled.initial_r2t && burst > immediate;
  const auto piece = [&](std::uint32_t from, std::uint32_t count) {
    Octets out(count);
    for (std::uint32_t i = 0; i < count; ++i)
      out[i] = from + i < data.size() ? data[from + i] : std::uint8_t{0};
    return out;
  };
  Pdu pdu = scsi_command(
      cdb, length,
      static_cast<std::uint8_t>((unsolicited ? 0 : kFinal) | kWrite | options.attribute),
      piece(0, immediate));
  pdu.with_lun(options.lun).with_immediate(options.immediate_delivery);
  const std::uint32_t tag = send(std::move(pdu));
  std::uint32_t data_sn = 0;
  for (std::uint32_t at = immediate; unsolicited && at < burst;) {
    const std::uint32_t count = std::min(settled.target_max_recv, burst - at);
    send(data_out(tag, kNoTag, data_sn++, at, at + count == burst, piece(at, count)));
    at += count;
  }
  return finish(tag, data, options.patience_ms);
}

Octets RawInitiator::read_blocks(std::uint32_t lba, std::uint16_t blocks) {
  auto outcome = execute_read(read_10(lba, blocks), blocks * 512u);
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
  return std::move(outcome.data);
}

void RawInitiator::write_blocks(std::uint32_t lba, const Octets& data) {
  const auto outcome =
      execute_write(write_10(lba, static_cast<std::uint16_t>(data.size() / 512)), data);
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
}

std::uint32_t RawInitiator::start_held_write(std::uint32_t lba, std::uint16_t blocks,
                                             std::uint16_t lun) {
  Pdu pdu = scsi_command(write_10(lba, blocks), blocks * 512u, kFinal | kWrite | kSimple);
  pdu.with_lun(lun);
  const auto tag = send(std::move(pdu));
  const Pdu r2t = receive_for(tag);
  REQUIRE_MESSAGE(r2t.opcode() == Op::r2t, r2t.describe());
  waiting_.push_front(r2t);
  return tag;
}

std::uint8_t RawInitiator::manage(std::uint8_t function, std::uint16_t lun,
                                  std::uint32_t referenced, std::uint32_t ref_cmd_sn) {
  const Pdu answer = exchange(task_management(function, lun, referenced, ref_cmd_sn));
  REQUIRE_MESSAGE(answer.opcode() == Op::task_management_response, answer.describe());
  return answer.at(2);
}

std::vector<std::uint32_t> RawInitiator::drain_attentions(std::uint16_t lun) {
  std::vector<std::uint32_t> codes;
  for (int i = 0; i < 10; ++i) {
    ExecuteOptions options;
    options.lun = lun;
    const auto outcome = execute(test_unit_ready(), options);
    if (outcome.status != 0x02) break;
    codes.push_back(outcome.sense_code());
  }
  return codes;
}

}  // namespace faultlun::support
