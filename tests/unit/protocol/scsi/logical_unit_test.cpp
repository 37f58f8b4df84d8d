#include "protocol/scsi/logical_unit.hpp"

#include "protocol/scsi/sense_codes.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

#include <random>

namespace logical_unit_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

constexpr auto kModes = sense("mode_parameters_changed");
constexpr auto kCapacity = sense("capacity_data_has_changed");
const Octets kRead = {0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, kWrite = {0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0};

}  // namespace

TEST_CASE("B3.10 B3.09 a nexus begins with the attention it is given, or with none") {
  UnitBench bench;
  bench.unit.attach(7, sense("power_on_or_reset_occurred"));
  CHECK(bench.ready(7) == "6/29/00");
  CHECK(bench.ready(7) == "GOOD");
  bench.unit.raise_for(7, kModes);
  bench.unit.detach(7);
  bench.unit.attach(7, sense("i_t_nexus_loss_occurred"));
  CHECK(bench.ready(7) == "6/29/07");
  CHECK(bench.ready(7) == "GOOD");
}

TEST_CASE("B3.01 an event concerns every nexus but the one that caused it") {
  UnitBench bench;
  bench.unit.raise(kCapacity, 2);
  CHECK(bench.unit.pending_attention(1) == kCapacity);
  CHECK_FALSE(bench.unit.pending_attention(2).has_value());
  CHECK(bench.ready(1) == "6/2A/09");
  CHECK(bench.ready(2) == "GOOD");
}

TEST_CASE("B3.02 INQUIRY is executed and keeps the attention") {
  UnitBench bench;
  bench.unit.raise(kCapacity);
  CHECK(bench.said({0x12, 0, 0, 0, 0xff, 0}) == "GOOD");
  CHECK(bench.ready() == "6/2A/09");
}

TEST_CASE("B3.05 B3.08 any other command reports the attention instead of being executed") {
  UnitBench bench;
  const auto refused_by_attention = [&](Octets cdb) {
    bench.unit.raise_for(1, kCapacity);
    CHECK(bench.said(cdb) == "6/2A/09");
    CHECK_FALSE(bench.unit.pending_attention(1).has_value());
  };
  refused_by_attention(kRead);
  refused_by_attention(kWrite);
  refused_by_attention({0x00});
  refused_by_attention({0x25});
  refused_by_attention({0x1a, 0, 0x3f, 0, 0xff, 0});
  refused_by_attention({0xff});
}

TEST_CASE("B2.10 pending_attention looks and does not clear") {
  UnitBench bench;
  bench.unit.raise(kModes);
  bench.unit.raise(sense("bus_device_reset_function_occurred"));
  CHECK(bench.unit.pending_attention(1) == sense("bus_device_reset_function_occurred"));
  CHECK(bench.unit.pending_attention(1) == sense("bus_device_reset_function_occurred"));
  CHECK_FALSE(bench.unit.pending_attention(99).has_value());
}

TEST_CASE("B1.02 a reset is reported before a reservation conflict, other attentions after it") {
  UnitBench bench;
  REQUIRE(bench.said({0x16, 0, 0, 0, 0, 0}, 2) == "GOOD");
  bench.unit.raise_for(1, sense("power_on_or_reset_occurred"));
  bench.unit.raise_for(1, kModes);
  CHECK(bench.ready(1) == "6/29/00");
  CHECK(bench.ready(1) == "RESERVATION CONFLICT");
  CHECK(bench.unit.pending_attention(1) == kModes);
  REQUIRE(bench.said({0x17, 0, 0, 0, 0, 0}, 2) == "GOOD");
  CHECK(bench.ready(1) == "6/2A/01");
}

TEST_CASE("B1.05 of several things wrong with a command the first in order is told") {
  UnitBench bench(removable_disk());
  const auto wrong = [&](Octets cdb) { return bench.said(cdb, 1); };
  const Octets bad_field = {0x2a, 0x20, 0xff, 0, 0, 0, 0, 0, 1, 0};  // WRPROTECT, and out of range
  const Octets bad_range = {0x2a, 0x00, 0xff, 0, 0, 0, 0, 0, 1, 0};
  REQUIRE(bench.said({0x1b, 0, 0, 0, 2, 0}) == "GOOD");  // no medium
  auto list = bytes::from_hex("00 00 00 00 0a 0a 02 10 08 00 00 00 01 2c 00 00");
  REQUIRE(bench.said_to({0x15, 0x10, 0, 0, 16, 0}, *list) == "GOOD");  // and write protected
  REQUIRE(bench.said({0x16, 0, 0, 0, 0, 0}, 2) == "6/2A/01");
  REQUIRE(bench.said({0x16, 0, 0, 0, 0, 0}, 2) == "GOOD");  // and reserved
  bench.unit.raise_for(1, sense("power_on_occurred"));

  CHECK(wrong(bad_field) == "6/29/01");
  CHECK(wrong(bad_field) == "RESERVATION CONFLICT");
  REQUIRE(bench.said({0x17, 0, 0, 0, 0, 0}, 2) == "GOOD");
  CHECK(wrong({0xff}) == "5/20/00");
  CHECK(wrong(bad_field) == "5/24/00 cdb 1.7");
  CHECK(wrong(bad_range) == "2/3A/02");
  REQUIRE(bench.said({0x1b, 0, 0, 0, 3, 0}) == "GOOD");
  CHECK(wrong(bad_range) == "7/27/02");
  list->at(8) = 0;
  REQUIRE(bench.said_to({0x15, 0x10, 0, 0, 16, 0}, *list) == "GOOD");
  CHECK(wrong(bad_range) == "5/21/00 info 4278190080");
}

TEST_CASE("B5.01 B5.02 unknown opcodes are 5/20/00, unknown service actions point to their field") {
  UnitBench bench;
  CHECK(bench.said({0x7f, 0, 0, 0, 0, 0, 0, 0x18, 0, 0x09}) == "5/20/00");
  CHECK(bench.said({0xc0}) == "5/20/00");
  CHECK(bench.said({0x5e, 0}) == "5/20/00");
  CHECK(bench.said({0x9e, 0x12}) == "5/24/00 cdb 1.4");
  CHECK(bench.said({0xa3, 0x0a}) == "5/24/00 cdb 1.4");
}

TEST_CASE("B5.17 B8.30 every writing command is refused while the unit is write-protected") {
  UnitBench bench(protected_disk());
  for (const std::uint8_t opcode : Octets{0x2a, 0x2e, 0x41, 0x42}) {
    CHECK(bench.said({opcode, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0}) == "7/27/00");
  }
  for (const std::uint8_t opcode : Octets{0x89, 0x8a, 0x8e, 0x93}) {
    CHECK(bench.said({opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) == "7/27/00");
  }
  CHECK(bench.said({0x0a, 0, 0, 0, 1, 0}) == "7/27/00");
  CHECK(bench.said({0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) == "7/27/00");
  CHECK(bench.said(kRead) == "GOOD");
  CHECK(bench.said({0x35}) == "GOOD");
  CHECK(bench.unit.straight_read(1));
  CHECK_FALSE(bench.unit.straight_write(1));
}

TEST_CASE("write protection comes before the check of UNMAP on a thick unit, as suites expect") {
  auto profile = thick_disk();
  profile.read_only = true;
  UnitBench bench(profile);
  CHECK(bench.said({0x41, 0x08, 0, 0, 0, 0, 0, 0, 1, 0}) == "7/27/00");
}

TEST_CASE("B2.05 B2.06 B2.07 resets raise 29/03, 29/00 and 29/01 on every nexus") {
  const std::pair<ResetKind, std::string> expected[] = {{ResetKind::logical_unit, "6/29/03"},
                                                        {ResetKind::target_warm, "6/29/00"},
                                                        {ResetKind::target_cold, "6/29/01"},
                                                        {ResetKind::power_on, "6/29/01"}};
  for (const auto& [kind, attention] : expected) {
    UnitBench bench;
    bench.unit.reset(kind);
    for (const NexusId nexus : {UnitBench::kFirst, UnitBench::kSecond}) {
      CHECK(bench.ready(nexus) == attention);
      CHECK(bench.ready(nexus) == "GOOD");
    }
  }
}

TEST_CASE(
    "nothing is straight while an attention is pending, nor for a nexus that is not attached") {
  UnitBench bench;
  CHECK(bench.unit.straight_read(1));
  CHECK(bench.unit.straight_write(1));
  bench.unit.raise_for(1, kModes);
  CHECK_FALSE(bench.unit.straight_read(1));
  CHECK_FALSE(bench.unit.straight_write(1));
  CHECK(bench.unit.straight_read(2));
  CHECK_FALSE(bench.unit.straight_read(99));
  CHECK(bench.said(kRead, 99) == "5/25/00");
}

TEST_CASE("the host learns of caching and task set type") {
  UnitBench bench;
  CHECK(bench.unit.write_cache_enabled());
  CHECK_FALSE(bench.unit.one_task_set_per_nexus());
  CHECK(bench.unit.profile().blocks == 2048);
}

TEST_CASE("a moved unit keeps its state") {
  UnitBench bench;
  bench.unit.raise(kModes);
  LogicalUnit other(std::move(bench.unit));
  CHECK(other.pending_attention(2) == kModes);
}

TEST_CASE(
    "B1.10 all opcodes and service actions with random CDBs and lists get an answer or a plan "
    "within bounds") {
  for (const auto& profile : {small_disk(), removable_disk(), thick_disk(), protected_disk()}) {
    UnitBench bench(profile);
    std::mt19937_64 random(42);
    const std::uint64_t end = profile.blocks * profile.block_size;
    const auto inside = [&](std::uint64_t offset, std::uint64_t length) {
      return offset <= end && length <= end - offset;
    };
    for (int i = 0; i < 25'600; ++i) {
      Cdb cdb;
      for (auto& octet : cdb.raw)
        octet = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
      cdb.raw[0] = static_cast<std::uint8_t>(i);
      if (i % 2 == 0) cdb.raw[1] = static_cast<std::uint8_t>(i >> 8 & 0x1f);
      bytes::Buffer list(random() % 600);
      for (auto& octet : list)
        octet = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
      const NexusId nexus = 1 + i % 2;
      Plan plan = bench.plan(cdb, nexus);
      if (const auto* need = std::get_if<NeedData>(&plan)) {
        REQUIRE(need->bytes > 0);
        REQUIRE(need->bytes <= 0xffff);
        plan = bench.unit.plan_with_data(nexus, {cdb}, bench.around(), list);
        REQUIRE_FALSE(std::holds_alternative<NeedData>(plan));
      }
      if (const auto* read = std::get_if<ReadMedium>(&plan))
        REQUIRE(inside(read->offset_bytes, read->length_bytes));
      if (const auto* write = std::get_if<WriteMedium>(&plan)) {
        REQUIRE(inside(write->offset_bytes, write->length_bytes));
        REQUIRE_FALSE(profile.read_only);
      }
      if (const auto* same = std::get_if<WriteSame>(&plan)) {
        REQUIRE(inside(same->offset_bytes, same->length_bytes));
        REQUIRE(same->block.size() == profile.block_size);
      }
      if (const auto* unmap = std::get_if<UnmapMedium>(&plan)) {
        for (const Extent& extent : unmap->extents)
          REQUIRE(inside(extent.offset_bytes, extent.length_bytes));
      }
      const Reply reply = bench.unit.finish(nexus, {cdb}, plan, {});
      REQUIRE((reply.status == Status::check_condition) == reply.sense.has_value());
      // Whatever the list of a plan function is called with directly must be safe too.
      bench.unit.plan_with_data(nexus, {cdb}, bench.around(), list);
    }
  }
}

}  // namespace logical_unit_test
