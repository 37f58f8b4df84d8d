#include "faults/reach.hpp"
#include "tests/unit/faults/table/build_bench.hpp"

#include <algorithm>
#include <array>

namespace faultlun::faults::data_faults_test {
namespace {

using namespace testing;
using DataKind = DataFault::Kind;
using Lasting = DataFault::Lasting;

DataFault fault(std::string_view id, std::initializer_list<Given> given = {}) {
  return built<DataFault>(id, given);
}
Ratio ratio(std::uint64_t numerator, std::uint64_t denominator) {
  return {numerator, denominator};
}

TEST_CASE("the data family has every fault of the model, explained") {
  check_rows(data_faults());
  for (const std::string_view id :
       {"data.flip", "data.byte", "data.swap", "data.zero", "data.stale", "data.pattern",
        "data.lost_write", "data.misdirect", "data.torn", "data.dup_write", "data.flush_lie",
        "data.fua_lie", "data.caw_not_atomic", "data.unmap_lie", "data.wrap", "data.wire_flip",
        "data.pi"}) {
    CAPTURE(id);
    CHECK(find_fault(id) != nullptr);
  }
}

TEST_CASE("data.flip inverts a number of bits, or each bit with a probability") {
  const auto plain = fault("data.flip");
  CHECK(plain.kind == DataKind::flip);
  CHECK(plain.bits == 1);
  CHECK(plain.lasting == Lasting::until_rewrite);
  CHECK(fault("data.flip", {{"bits", number(9)}}).bits == 9);
  CHECK(fault("data.flip", {{"lasting", text("transient")}}).lasting == Lasting::transient);
  CHECK(fault("data.flip", {{"lasting", text("stuck")}}).lasting == Lasting::stuck);
  CHECK(fault("data.flip", {{"p", ratio(1, 100)}}).per_bit == ratio(1, 100));
  CHECK(fault("data.flip", {{"poison", text("p7")}}).poison == "p7");
  CHECK(refused("data.flip", {{"p", ratio(1, 100)}, {"bits", number(1)}}) == "p");
  CHECK(refused("data.flip", {{"p", ratio(3, 2)}}) == "p");
}

TEST_CASE("data.byte sets octets or inverts bits of them, one of the two") {
  const auto set = fault("data.byte", {{"offset", number(7)}, {"set", octets("ab cd")}});
  CHECK(set.kind == DataKind::set_bytes);
  CHECK(set.offset == 7);
  CHECK(set.octets == bytes::Buffer{0xab, 0xcd});
  CHECK_FALSE(set.exclusive_or);
  const auto inverted = fault("data.byte", {{"xor", octets("01")}});
  CHECK(inverted.exclusive_or);
  CHECK(inverted.octets == bytes::Buffer{0x01});
  CHECK(refused("data.byte", {}) != "accepted");
  CHECK(refused("data.byte", {{"set", octets("00")}, {"xor", octets("01")}}) != "accepted");
  CHECK(refused("data.byte", {{"xor", octets("00 00")}}) == "xor");
}

TEST_CASE(
    "data.swap, data.misdirect and data.dup_write name the other place, or leave it to chance") {
  for (const auto& [id, kind] :
       {std::pair{"data.swap", DataKind::swap}, std::pair{"data.misdirect", DataKind::misdirect},
        std::pair{"data.dup_write", DataKind::dup_write}}) {
    CAPTURE(id);
    const auto drawn = fault(id);
    CHECK(drawn.kind == kind);
    CHECK_FALSE(drawn.lba.has_value());
    CHECK(drawn.delta_blocks == 0);
    CHECK(fault(id, {{"lba", number(64)}}).lba == 64);
    CHECK(fault(id, {{"delta", Argument(std::int64_t{-8})}}).delta_blocks == -8);
    CHECK(refused(id, {{"delta", Argument(std::int64_t{0})}}) == "delta");
    CHECK(refused(id, {{"delta", Argument(std::int64_t{1})}, {"lba", number(1)}}) == "delta");
  }
  CHECK(fault("data.misdirect", {{"lun", number(3)}}).lun == 3);
}

TEST_CASE("data.zero and data.pattern fill") {
  CHECK(fault("data.zero").kind == DataKind::zero);
  CHECK(fault("data.zero").octets.empty());
  const auto pattern = fault("data.pattern", {{"hex", octets("de ad")}});
  CHECK(pattern.kind == DataKind::pattern);
  CHECK(pattern.octets == bytes::Buffer{0xde, 0xad});
}

TEST_CASE("data.stale looks back, once or for good, and is never stuck") {
  CHECK(fault("data.stale").versions == 1);
  CHECK(fault("data.stale").lasting == Lasting::until_rewrite);
  CHECK(fault("data.stale", {{"versions", number(3)}, {"lasting", text("transient")}}) == [] {
    DataFault expected;
    expected.kind = DataKind::stale;
    expected.versions = 3;
    expected.lasting = Lasting::transient;
    return expected;
  }());
}

TEST_CASE("data.lost_write is acknowledged unless it is told to be honest") {
  CHECK(fault("data.lost_write").acknowledged);
  CHECK(fault("data.lost_write", {{"ack", text("good")}, {"poison", text("p1")}}).poison == "p1");
  CHECK_FALSE(fault("data.lost_write", {{"ack", text("write_error")}}).acknowledged);
}

TEST_CASE("data.torn persists a prefix, a fraction or parts, or what is drawn") {
  const auto drawn = fault("data.torn");
  CHECK_FALSE(drawn.blocks.has_value());
  CHECK_FALSE(drawn.fraction.has_value());
  CHECK(drawn.parts.empty());
  CHECK(fault("data.torn", {{"blocks", number(3)}}).blocks == 3);
  CHECK(fault("data.torn", {{"fraction", ratio(1, 2)}}).fraction == ratio(1, 2));
  const auto parts =
      fault("data.torn", {{"parts", Argument(std::vector<std::uint64_t>{5, 0, 2})}}).parts;
  CHECK(parts == std::vector<std::uint32_t>{0, 2, 5});
  const auto nothing = fault("data.torn", {{"parts", Argument(std::vector<std::uint64_t>{})}});
  CHECK(nothing.blocks == 0);
  CHECK(refused("data.torn", {{"blocks", number(1)}, {"fraction", ratio(1, 2)}}) != "accepted");
  CHECK(refused("data.torn", {{"fraction", ratio(1, 1)}}) == "fraction");
  CHECK(refused("data.torn", {{"parts", Argument(std::vector<std::uint64_t>{1ULL << 32})}}) ==
        "parts");
}

TEST_CASE("data.flush_lie, data.fua_lie and data.unmap_lie") {
  CHECK(fault("data.flush_lie").kind == DataKind::flush_lie);
  CHECK(fault("data.fua_lie").kind == DataKind::fua_lie);
  CHECK(fault("data.unmap_lie").shown == DataFault::Shown::old);
  CHECK(fault("data.unmap_lie", {{"shows", text("zero")}}).shown == DataFault::Shown::zero);
  CHECK(fault("data.unmap_lie", {{"shows", text("random")}}).shown == DataFault::Shown::random);
}

TEST_CASE("data.caw_not_atomic leaves a gap of at most a minute") {
  using std::chrono::milliseconds;
  CHECK(fault("data.caw_not_atomic").gap == milliseconds(10));
  CHECK(fault("data.caw_not_atomic", {{"gap", Argument(Time(milliseconds(50)))}}).gap ==
        milliseconds(50));
  CHECK(fault("data.caw_not_atomic", {{"gap", Argument(Time(milliseconds(60000)))}}).gap ==
        milliseconds(60000));
  CHECK(refused("data.caw_not_atomic", {{"gap", Argument(Time(milliseconds(60001)))}}) == "gap");
}

TEST_CASE("data.wrap has a capacity of whole blocks and lives with its rule") {
  const auto wrap = fault("data.wrap", {{"capacity", number(1 << 20)}});
  CHECK(wrap.kind == DataKind::wrap);
  CHECK(wrap.capacity_bytes == 1 << 20);
  CHECK(wrap.lasting == Lasting::stuck);
  CHECK(refused("data.wrap", {{"capacity", number(1000)}}) == "capacity");
}

TEST_CASE("data.wire_flip is always of one answer") {
  const auto flip = fault("data.wire_flip", {{"bits", number(2)}});
  CHECK(flip.kind == DataKind::wire_flip);
  CHECK(flip.bits == 2);
  CHECK(flip.lasting == Lasting::transient);
}

/// Whether the fault concerns a command with this CDB.
bool concerns(std::string_view id, const std::array<std::uint8_t, 16>& octets,
              std::initializer_list<Given> given = {}) {
  scsi::Cdb cdb;
  std::ranges::copy(octets, cdb.raw.begin());
  SessionFacts session;
  Facts facts;
  facts.session = &session;
  facts.cdb = &cdb;
  facts.row = scsi::find_command(cdb);
  const auto range = scsi::range_of(cdb);
  facts.lba = range.lba;
  facts.blocks = range.blocks;
  Effect effect;
  effect.fault = find_fault(id);
  effect.action = built<DataFault>(id, given);
  return applies(Rule{}, effect, facts);
}

TEST_CASE("each data fault is about the commands that it can strike") {
  const std::array<std::uint8_t, 16> read{0x28, 0, 0, 0, 0, 0, 0, 0, 8},
      write{0x2a, 0, 0, 0, 0, 0, 0, 0, 8}, through{0x2a, 0x08, 0, 0, 0, 0, 0, 0, 8}, empty{0x28},
      verify{0x2f, 0, 0, 0, 0, 0, 0, 0, 8}, unmap{0x42, 0, 0, 0, 0, 0, 0, 0, 24},
      same{0x41, 0, 0, 0, 0, 0, 0, 0, 8}, same_unmap{0x41, 0x08, 0, 0, 0, 0, 0, 0, 8}, flush{0x35},
      exchange{0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, inquiry{0x12};
  for (const auto* id : {"data.flip", "data.zero", "data.swap", "data.misdirect"}) {
    CAPTURE(id);
    CHECK(concerns(id, read));
    CHECK(concerns(id, write));
    CHECK(concerns(id, exchange));
    CHECK(concerns(id, same));
    CHECK_FALSE(concerns(id, empty));
    CHECK_FALSE(concerns(id, verify));
    CHECK_FALSE(concerns(id, inquiry));
    CHECK_FALSE(concerns(id, flush));
  }
  for (const auto* id : {"data.lost_write", "data.torn", "data.dup_write"}) {
    CAPTURE(id);
    CHECK(concerns(id, write));
    CHECK_FALSE(concerns(id, read));
  }
  for (const auto* id : {"data.stale", "data.wire_flip"}) {
    CAPTURE(id);
    CHECK(concerns(id, read));
    CHECK_FALSE(concerns(id, write));
    CHECK_FALSE(concerns(id, exchange));
  }
  CHECK(concerns("data.fua_lie", through));
  CHECK_FALSE(concerns("data.fua_lie", write));
  CHECK_FALSE(concerns("data.fua_lie", same_unmap));
  CHECK(concerns("data.flush_lie", flush));
  CHECK_FALSE(concerns("data.flush_lie", write));
  CHECK(concerns("data.caw_not_atomic", exchange));
  CHECK_FALSE(concerns("data.caw_not_atomic", write));
  CHECK(concerns("data.unmap_lie", unmap));
  CHECK(concerns("data.unmap_lie", same_unmap));
  CHECK_FALSE(concerns("data.unmap_lie", same));
  CHECK(concerns("data.wrap", verify, {{"capacity", number(512)}}));
  CHECK(concerns("data.wrap", write, {{"capacity", number(512)}}));
}

}  // namespace
}  // namespace faultlun::faults::data_faults_test
