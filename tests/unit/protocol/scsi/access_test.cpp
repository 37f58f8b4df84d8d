#include "tests/unit/protocol/scsi/unit_bench.hpp"

#include <random>

namespace access_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

constexpr std::uint8_t kOpcodes[] = {0x08, 0x0a, 0x28, 0x2a, 0x88, 0x8a, 0xa8,
                                     0xaa, 0x2e, 0x2f, 0x12, 0x35, 0x7f};

/// A CDB that is often right, often just outside of something, and sometimes noise.
Cdb random_cdb(std::mt19937_64& random, std::uint64_t blocks) {
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  Cdb cdb;
  if (below(8) == 0) {
    for (auto& octet : cdb.raw)
      octet = static_cast<std::uint8_t>(random());
  }
  cdb.raw[0] = kOpcodes[below(std::size(kOpcodes))];
  const std::uint64_t lba = below(4) == 0 ? random() : blocks - 300 + below(304);
  const auto count =
      static_cast<std::uint32_t>(below(16) == 0 ? 0x10000 + below(3) - 1 : below(300));
  switch (cdb.opcode() >> 5) {
    case 0:
      bytes::put_be24(&cdb.raw[1], static_cast<std::uint32_t>(lba) & 0x1fffff);
      cdb.raw[4] = static_cast<std::uint8_t>(count);
      break;
    case 1:
      bytes::put_be32(&cdb.raw[2], static_cast<std::uint32_t>(lba));
      bytes::put_be16(&cdb.raw[7], static_cast<std::uint16_t>(count));
      break;
    case 4:
      bytes::put_be64(&cdb.raw[2], lba);
      bytes::put_be32(&cdb.raw[10], count);
      break;
    case 5:
      bytes::put_be32(&cdb.raw[2], static_cast<std::uint32_t>(lba));
      bytes::put_be32(&cdb.raw[6], count);
      break;
    default:
      break;
  }
  if (below(3) == 0) {
    const auto at = below(16);
    cdb.raw[at] = static_cast<std::uint8_t>(cdb.raw[at] ^ 1U << below(8));
  }
  return cdb;
}

/// What plan() makes of the CDB, as an Access.
std::optional<Access> by_plan(const Plan& plan) {
  if (const auto* read = std::get_if<ReadMedium>(&plan)) {
    return Access{false, read->fua, read->offset_bytes, read->length_bytes};
  }
  const auto* write = std::get_if<WriteMedium>(&plan);
  if (write == nullptr || write->verify) return std::nullopt;
  return Access{true, write->fua, write->offset_bytes, write->length_bytes};
}

bool same(const std::optional<Access>& a, const std::optional<Access>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->write == b->write && a->fua == b->fua && a->offset_bytes == b->offset_bytes &&
         a->length_bytes == b->length_bytes;
}

void compare_many(const LogicalUnitProfile& profile, std::uint64_t seed) {
  UnitBench bench(profile);
  std::mt19937_64 random(seed);
  std::size_t straight = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Command command{random_cdb(random, profile.blocks),
                          static_cast<TaskAttribute>(random() % 5)};
    const auto access = plan_access(command, bench.unit.profile());
    const auto planned = by_plan(bench.unit.plan(UnitBench::kFirst, command, bench.around()));
    straight += access.has_value();
    if (!same(access, planned)) {
      FAIL("seed " << seed << " round " << i << " cdb " << bytes::to_hex(command.cdb.raw));
    }
    if (bench.unit.pending_attention(1)) FAIL("a random read or write must not leave an attention");
  }
  CHECK(straight > 10'000);  // the comparison is about something
}

}  // namespace

TEST_CASE("plan_access agrees with plan() on random CDBs: 512-byte blocks") {
  auto profile = small_disk();
  profile.blocks = 0x30000;
  compare_many(profile, 1);
}

TEST_CASE(
    "plan_access agrees with plan() on random CDBs: 4096-byte blocks, a capacity beyond 32 bits") {
  auto profile = small_disk();
  profile.block_size = 4096;
  profile.blocks = 0x1'0000'1000;
  compare_many(profile, 2);
}

TEST_CASE("plan_access agrees with plan() on random CDBs: one block") {
  auto profile = small_disk();
  profile.blocks = 301;
  compare_many(profile, 3);
}

TEST_CASE("a plain READ(10) is straight, with its range in bytes") {
  const auto access = plan_access({cdb_of({0x28, 0x08, 0, 0, 0, 3, 0, 0, 2, 0})}, small_disk());
  REQUIRE(access.has_value());
  CHECK_FALSE(access->write);
  CHECK(access->fua);
  CHECK(access->offset_bytes == 3 * 512);
  CHECK(access->length_bytes == 2 * 512);
}

TEST_CASE(
    "0 blocks, a range beyond the end, too long a transfer and other commands are left to plan()") {
  const auto profile = small_disk();
  CHECK_FALSE(plan_access({cdb_of({0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0})}, profile).has_value());
  CHECK_FALSE(plan_access({cdb_of({0x28, 0, 0, 0, 0x08, 0, 0, 0, 1, 0})}, profile).has_value());
  CHECK_FALSE(plan_access({cdb_of({0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0})}, profile).has_value());
  auto large = profile;
  large.blocks = 1 << 20;
  CHECK(plan_access({cdb_of({0xa8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0})}, large).has_value());
  CHECK_FALSE(plan_access({cdb_of({0xa8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0})}, large).has_value());
}

TEST_CASE("a command with the ACA attribute is left to plan(), which refuses it") {
  const auto cdb = cdb_of({0x28, 0, 0, 0, 0, 3, 0, 0, 2, 0});
  for (const auto attribute : {TaskAttribute::untagged, TaskAttribute::simple,
                               TaskAttribute::ordered, TaskAttribute::head_of_queue})
    CHECK(plan_access({cdb, attribute}, small_disk()).has_value());
  CHECK_FALSE(plan_access({cdb, TaskAttribute::aca}, small_disk()).has_value());
}

}  // namespace access_test
