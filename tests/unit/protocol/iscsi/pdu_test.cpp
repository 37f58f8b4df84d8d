#include "protocol/iscsi/pdu.hpp"

#include "pdu_builders.hpp"
#include "protocol/bytes/hex.hpp"

namespace faultlun::iscsi::pdu_test {
namespace {

using namespace testing;

constexpr Framing kPlain{false, false, 8192};
constexpr Framing kDigests{true, true, 8192};

TEST_CASE("an empty buffer needs a basic header segment") {
  const auto frame = next_frame({}, kPlain);
  CHECK(frame.state == FrameState::incomplete);
  CHECK(frame.length == kBhsBytes);
}

TEST_CASE("every cut of a PDU with digests is incomplete and the whole of it is found") {
  auto pdu = nop_out(1).with(pattern(13));
  pdu.ahs = pattern(8);
  const auto octets = pdu.octets(true, true);
  CHECK(octets.size() == 48 + 8 + 4 + 16 + 4);
  for (std::size_t cut = 0; cut < octets.size(); ++cut) {
    const Buffer part(
        octets.begin(),
        octets.begin() + static_cast<std::ptrdiff_t>(cut));  // exact: ASan sees one octet more
    const auto frame = next_frame(part, kDigests);
    REQUIRE(frame.state == FrameState::incomplete);
    REQUIRE(frame.length > cut);
    REQUIRE(frame.length <= octets.size());
  }
  const auto frame = next_frame(octets, kDigests);
  CHECK(frame.state == FrameState::pdu);
  CHECK(frame.length == octets.size());
  CHECK(frame.pdu.data_digest_ok);
  CHECK(Buffer(frame.pdu.ahs.begin(), frame.pdu.ahs.end()) == pdu.ahs);
  CHECK(Buffer(frame.pdu.data.begin(), frame.pdu.data.end()) == pdu.data);
}

TEST_CASE("with the header there, the full length needed is known") {
  auto octets = nop_out(1).with(pattern(1001)).octets(false, false);
  octets.resize(kBhsBytes);
  const auto frame = next_frame(octets, kPlain);
  CHECK(frame.state == FrameState::incomplete);
  CHECK(frame.length == 48 + 1004);
}

TEST_CASE("what follows a PDU is not looked at") {
  auto octets = nop_out(1).octets(false, false);
  octets.push_back(0xff);
  CHECK(next_frame(octets, kPlain).length == kBhsBytes);
}

TEST_CASE(
    "a data segment of exactly the limit is taken and one octet more is a format error (A2.09)") {
  CHECK(next_frame(nop_out(1).with(pattern(8192)).octets(false, false), kPlain).state ==
        FrameState::pdu);
  CHECK(next_frame(nop_out(1).with(pattern(8193)).octets(false, false), kPlain).state ==
        FrameState::too_long);
}

TEST_CASE("a longest possible DataSegmentLength is refused from the header alone") {
  auto octets = nop_out(1).octets(false, false);
  bytes::put_be24(&octets[5], 0xffffff);
  CHECK(next_frame(octets, kPlain).state == FrameState::too_long);
}

TEST_CASE("every corrupted bit of a header is found by its digest (A9.02)") {
  const auto good = nop_out(7).octets(true, true);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    if (bit / 8 == 4) continue;  // TotalAHSLength moves the place of the digest: see the next case
    auto octets = good;
    octets[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    REQUIRE(next_frame(octets, kDigests).state == FrameState::bad_header_digest);
  }
}

TEST_CASE("a corrupted TotalAHSLength is found once the octets it promises are there") {
  auto octets = nop_out(7).octets(true, true);
  octets[4] = 1;
  CHECK(next_frame(octets, kDigests).state == FrameState::incomplete);
  octets.resize(octets.size() + 4);
  CHECK(next_frame(octets, kDigests).state == FrameState::bad_header_digest);
}

TEST_CASE("a corrupted header is not believed about its data length") {
  auto octets = nop_out(7).octets(true, true);
  bytes::put_be24(&octets[5], 0xffffff);
  CHECK(next_frame(octets, kDigests).state == FrameState::bad_header_digest);
}

TEST_CASE("corrupted data, padding or data digest leaves a PDU with a bad digest mark (A9.03)") {
  const auto good = nop_out(7).with(pattern(5)).octets(true, true);
  for (std::size_t at = 52; at < good.size(); ++at) {
    auto octets = good;
    octets[at] ^= 0x10;
    const auto frame = next_frame(octets, kDigests);
    REQUIRE(frame.state == FrameState::pdu);
    REQUIRE(!frame.pdu.data_digest_ok);
    REQUIRE(frame.length == good.size());
  }
}

TEST_CASE("a PDU without data has no data digest") {
  const auto frame = next_frame(nop_out(7).octets(false, true), {false, true, 8192});
  CHECK(frame.state == FrameState::pdu);
  CHECK(frame.length == kBhsBytes);
}

TEST_CASE("the READ(10) of RFC 7143 Appendix A.4 has the digest printed there (A9.01)") {
  const auto header = bytes::from_hex(
      "01 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
      "14 00 00 00 00 00 04 00 00 00 00 14 00 00 00 18"
      "28 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00");
  REQUIRE(header.has_value());
  auto octets = *header;
  octets.insert(octets.end(), {0x56, 0x3a, 0x96, 0xd9});
  const auto frame = next_frame(octets, {true, false, 8192});
  CHECK(frame.state == FrameState::pdu);
  CHECK(frame.pdu.opcode() == 0x01);
  CHECK(frame.pdu.cmd_sn() == 0x14);
}

}  // namespace
}  // namespace faultlun::iscsi::pdu_test
