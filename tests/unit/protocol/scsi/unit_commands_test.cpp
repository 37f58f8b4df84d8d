#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace unit_commands_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

// START STOP UNIT, PREVENT ALLOW and RESERVE, by what they do.
std::string start_stop(UnitBench& bench, std::uint8_t byte_4, NexusId nexus = 1) {
  return bench.said({0x1b, 0, 0, 0, byte_4, 0}, nexus);
}
constexpr std::uint8_t kStop = 0x00, kStart = 0x01, kEject = 0x02, kLoad = 0x03;

std::string prevent(UnitBench& bench, bool on, NexusId nexus = 1) {
  return bench.said({0x1e, 0, 0, 0, static_cast<std::uint8_t>(on), 0}, nexus);
}
std::string reserve(UnitBench& bench, NexusId nexus) {
  return bench.said({0x16, 0, 0, 0, 0, 0}, nexus);
}
std::string release(UnitBench& bench, NexusId nexus) {
  return bench.said({0x17, 0, 0, 0, 0, 0}, nexus);
}

}  // namespace

TEST_CASE("GET LBA STATUS asks from its LBA to the end, as many runs as there is room for") {
  const auto profile = whole_block_disk();
  UnitBench bench(profile);
  const auto blocks = profile.blocks;
  const auto plan =
      bench.planned<QueryAllocation>({0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 56, 0, 0});
  CHECK(plan.offset_bytes == 8 * 512);
  CHECK(plan.length_bytes == (blocks - 8) * 512);
  CHECK(plan.most_runs == 3);
  const auto last = static_cast<std::uint8_t>(blocks >> 8);
  CHECK(bench
            .said({0x9e, 0x12, 0, 0, 0, 0, 0, 0, last, static_cast<std::uint8_t>(blocks), 0, 0, 0,
                   24, 0, 0})
            .starts_with("5/21/00"));
  const LbaRun runs[] = {{4096, true}, {8192, false}};
  CHECK(bytes::to_hex(lba_status(plan, runs, profile).data_in) ==
        "00 00 00 24 00 00 00 00 "
        "00 00 00 00 00 00 00 08 00 00 00 08 00 00 00 00 "
        "00 00 00 00 00 00 00 10 00 00 00 10 01 00 00 00");
  auto cut = plan;
  cut.allocation_length = 4;
  CHECK(bytes::to_hex(lba_status(cut, runs, profile).data_in) == "00 00 00 24");
}

TEST_CASE("GET LBA STATUS answers at most 256 descriptors, whatever room there is") {
  UnitBench bench(whole_block_disk());
  const auto most_runs = [&](std::uint32_t allocation_length) {
    auto cdb = cdb_of({0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    bytes::put_be32(&cdb.raw[10], allocation_length);
    return std::get<QueryAllocation>(bench.plan(cdb)).most_runs;
  };
  CHECK(most_runs(0) == 1);
  CHECK(most_runs(8 + 255 * 16) == 255);
  CHECK(most_runs(8 + 256 * 16) == 256);
  CHECK(most_runs(8 + 257 * 16) == 256);
  CHECK(most_runs(0xffffffff) == 256);
}

TEST_CASE("B8.05 READ CAPACITY(10) tells the last LBA and the block size") {
  UnitBench bench;
  CHECK(bytes::to_hex(bench.ask({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in) ==
        "00 00 07 ff 00 00 02 00");
}

TEST_CASE("B8.05 READ CAPACITY(10) says FFFFFFFFh when the last LBA needs more than 32 bits") {
  auto profile = small_disk();
  profile.blocks = 0x100000000;
  UnitBench edge(profile);
  CHECK(bytes::be32(edge.ask({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in.data()) == 0xffffffff);
  profile.blocks = 0x100000001;
  UnitBench beyond(profile);
  CHECK(bytes::be32(beyond.ask({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in.data()) == 0xffffffff);
}

TEST_CASE("B8.05 an LBA without PMI is refused") {
  UnitBench bench;
  CHECK(bench.said({0x25, 0, 0, 0, 0, 1, 0, 0, 0, 0}) == "5/24/00 cdb 2");
  CHECK(bench.said({0x25, 0, 0, 0, 0, 1, 0, 0, 1, 0}) == "GOOD");
  CHECK(bench.said({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 32, 0, 0}) == "5/24/00 cdb 2");
}

TEST_CASE("B8.06 READ CAPACITY(16) tells physical blocks and provisioning") {
  UnitBench thin, thick(thick_disk());
  CHECK(bytes::to_hex(thin.ask({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0}).data_in) ==
        "00 00 00 00 00 00 07 ff 00 00 02 00 00 03 c0 00");
  const auto data = thick.ask({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}).data_in;
  CHECK(data.size() == 32);
  CHECK(data[14] == 0);
}

TEST_CASE("B8.06 READ CAPACITY(16) is cut to any ALLOCATION LENGTH") {
  UnitBench bench;
  for (std::uint8_t length = 0; length < 32; ++length) {
    const Reply reply = bench.ask({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, length, 0, 0});
    CHECK(say(reply) == "GOOD");
    CHECK(reply.data_in.size() == length);
  }
}

TEST_CASE("B8.16 a stopped fixed disk refuses media access until it is started") {
  UnitBench bench;
  CHECK(start_stop(bench, kStop) == "GOOD");
  CHECK(bench.ready() == "2/04/02");
  CHECK(bench.said({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 2) == "2/04/02");
  CHECK(bench.said({0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == "2/04/02");
  CHECK_FALSE(bench.unit.straight_read(1));
  CHECK(bench.said({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == "GOOD");
  CHECK(bench.said({0x1a, 0, 0x3f, 0, 0xff, 0}) == "GOOD");
  CHECK(start_stop(bench, kStart) == "GOOD");
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.unit.straight_read(1));
}

TEST_CASE("B8.16 stopping flushes the cache, unless NO_FLUSH says not to") {
  UnitBench bench;
  CHECK(bench.planned<FlushMedium>({0x1b, 0x01, 0, 0, kStop, 0}).immediate);
  CHECK_FALSE(bench.planned<FlushMedium>({0x1b, 0x00, 0, 0, kStop, 0}).immediate);
  CHECK(std::holds_alternative<Reply>(bench.plan(cdb_of({0x1b, 0, 0, 0, 0x04, 0}))));
}

TEST_CASE("B8.16 power conditions 1 to 3 are taken and start the unit, others are refused") {
  UnitBench bench;
  for (const std::uint8_t condition : Octets{0x10, 0x20, 0x30}) {
    REQUIRE(start_stop(bench, kStop) == "GOOD");
    CHECK(start_stop(bench, condition) == "GOOD");
    CHECK(bench.ready() == "GOOD");
  }
  CHECK(start_stop(bench, 0x40) == "5/24/00 cdb 4.7");
  CHECK(start_stop(bench, 0xf0) == "5/24/00 cdb 4.7");
  CHECK(bench.said({0x1b, 0, 0, 1, 0x20, 0}) == "5/24/00 cdb 3.0");
}

TEST_CASE("B8.16 LOEJ on a fixed disk is refused") {
  UnitBench bench;
  CHECK(start_stop(bench, kEject) == "5/24/00 cdb 4.1");
  CHECK(start_stop(bench, kLoad) == "5/24/00 cdb 4.1");
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE("B8.31 B5.20 an ejected medium is not there for any command that needs it") {
  UnitBench bench(removable_disk());
  CHECK(start_stop(bench, kEject) == "GOOD");
  CHECK(bench.ready() == "2/3A/02");
  for (const std::uint8_t opcode : Octets{0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41, 0x42}) {
    CHECK(bench.said({opcode, 0, 0, 0, 0, 0, 0, 0, 1, 0}) == "2/3A/02");
  }
  for (const std::uint8_t opcode : Octets{0x88, 0x89, 0x8a, 0x8e, 0x8f, 0x90, 0x91, 0x93}) {
    CHECK(bench.said({opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) == "2/3A/02");
  }
  CHECK(bench.said({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0}) == "2/3A/02");
  CHECK(bench.said({0x12, 0, 0, 0, 0xff, 0}) == "GOOD");
  CHECK_FALSE(bench.unit.straight_read(1));
}

TEST_CASE("B8.31 B5.21 loading makes it ready again and tells the other nexuses 6/28/00") {
  UnitBench bench(removable_disk());
  REQUIRE(start_stop(bench, kEject) == "GOOD");
  CHECK(start_stop(bench, kEject) == "GOOD");  // there is nothing left to eject
  CHECK(start_stop(bench, kLoad) == "GOOD");
  CHECK(bench.ready(1) == "GOOD");
  CHECK(bench.ready(2) == "6/28/00");
  CHECK(bench.ready(2) == "GOOD");
  CHECK(start_stop(bench, kLoad) == "GOOD");  // no change, nothing to tell
  CHECK(bench.ready(2) == "GOOD");
}

TEST_CASE("B5.14 B8.31 PREVENT of any nexus keeps the medium in, and an absent one out") {
  UnitBench bench(removable_disk());
  CHECK(prevent(bench, true, 2) == "GOOD");
  CHECK(start_stop(bench, kEject, 1) == "5/53/02");
  CHECK(bench.ready() == "GOOD");
  CHECK(prevent(bench, false, 1) == "GOOD");  // does not lift the other's
  CHECK(start_stop(bench, kEject, 1) == "5/53/02");
  CHECK(prevent(bench, false, 2) == "GOOD");
  CHECK(start_stop(bench, kEject, 1) == "GOOD");
  CHECK(prevent(bench, true, 1) == "GOOD");
  CHECK(start_stop(bench, kLoad, 1) == "5/53/02");
}

TEST_CASE("B2.05 B2.08 PREVENT ends with a reset and with its nexus") {
  UnitBench bench(removable_disk());
  REQUIRE(prevent(bench, true, 2) == "GOOD");
  bench.unit.detach(2);
  CHECK(start_stop(bench, kEject, 1) == "GOOD");
  REQUIRE(start_stop(bench, kLoad, 1) == "GOOD");
  REQUIRE(prevent(bench, true, 1) == "GOOD");
  bench.unit.reset(ResetKind::logical_unit);
  CHECK(bench.ready() == "6/29/03");
  CHECK(start_stop(bench, kEject, 1) == "GOOD");
}

TEST_CASE(
    "a removable unit has no power conditions: any value is GOOD and it stays ready, also after "
    "START=0") {
  UnitBench bench(removable_disk());
  for (unsigned condition = 1; condition < 16; ++condition) {
    CHECK(start_stop(bench, static_cast<std::uint8_t>(condition << 4 | kEject)) == "GOOD");
    CHECK(bench.ready() == "GOOD");
  }
  CHECK(start_stop(bench, kStop) == "GOOD");
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE(
    "B7 SCSI-2 RESERVE keeps other nexuses out, MODE SENSE too, and lets INQUIRY and the like "
    "pass") {
  UnitBench bench;
  CHECK(reserve(bench, 1) == "GOOD");
  CHECK(reserve(bench, 1) == "GOOD");
  CHECK(reserve(bench, 2) == "RESERVATION CONFLICT");
  CHECK(bench.said({0x1a, 0, 0x3f, 0, 0xff, 0}, 2) == "RESERVATION CONFLICT");
  CHECK(bench.said({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 2) == "RESERVATION CONFLICT");
  CHECK(bench.said({0xff}, 2) == "RESERVATION CONFLICT");
  CHECK(bench.said({0x12, 0, 0, 0, 0xff, 0}, 2) == "GOOD");
  CHECK(bench.said({0x03, 0, 0, 0, 0xff, 0}, 2) == "GOOD");
  CHECK(bench.said({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 2) == "GOOD");
  CHECK(prevent(bench, false, 2) == "GOOD");
  CHECK(prevent(bench, true, 2) == "RESERVATION CONFLICT");
  CHECK_FALSE(bench.unit.straight_read(2));
  CHECK(bench.unit.straight_read(1));
}

TEST_CASE("B7.22 RELEASE by another nexus is GOOD and does nothing, by the holder it releases") {
  UnitBench bench;
  REQUIRE(reserve(bench, 1) == "GOOD");
  CHECK(release(bench, 2) == "GOOD");
  CHECK(bench.ready(2) == "RESERVATION CONFLICT");
  CHECK(release(bench, 1) == "GOOD");
  CHECK(bench.ready(2) == "GOOD");
  CHECK(bench.said({0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 2) == "GOOD");
  CHECK(bench.said({0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 2) == "GOOD");
}

TEST_CASE("B7.24 B2.05 RESERVE ends with its nexus and with a reset") {
  UnitBench bench;
  REQUIRE(reserve(bench, 1) == "GOOD");
  bench.unit.detach(1);
  CHECK(bench.ready(2) == "GOOD");
  REQUIRE(reserve(bench, 2) == "GOOD");
  bench.unit.attach(1, std::nullopt);
  bench.unit.reset(ResetKind::target_warm);
  CHECK(bench.ready(1) == "6/29/00");
  CHECK(bench.ready(1) == "GOOD");
}

TEST_CASE("third-party and extent reservations are refused") {
  UnitBench bench;
  CHECK(bench.said({0x16, 0x10, 0, 0, 0, 0}) == "5/24/00 cdb 1.4");
  CHECK(bench.said({0x16, 0x01, 0, 0, 0, 0}) == "5/24/00 cdb 1.0");
}

}  // namespace unit_commands_test
