#include "daemon/data_patches.hpp"

#include "faults/fault_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <numeric>

namespace faultlun::daemon::data_patches_test {
namespace {

using faults::DataFault;
using Kind = DataFault::Kind;
using Lasting = DataFault::Lasting;

DataFault fault(Kind kind, Lasting lasting = Lasting::until_rewrite) {
  DataFault made;
  made.kind = kind;
  made.lasting = lasting;
  return made;
}

/// What `octets` at 0 become.
bytes::Buffer after(const DataFault& fault, const std::vector<ByteRange>& area,
                    bytes::Buffer octets, const Chance& chance = {1, 2}) {
  const auto patches = patches_in_place(fault, chance, area, 0, octets);
  apply(patches, 0, octets);
  return octets;
}

std::size_t bits_set(const bytes::Buffer& octets) {
  return std::accumulate(octets.begin(), octets.end(), std::size_t{0}, [](auto sum, auto octet) {
    return sum + static_cast<std::size_t>(std::popcount(octet));
  });
}

struct Bench {
  Bench() {
    session.initiator = "iqn.t:a";
    session.isid = "400000000001";
    session.ordinal = 1;
    installed.rule.id = "r";
    installed.rule.effects.resize(2);
    facts.session = &session;
    facts.cdb = &cdb;
    facts.lba = 100;
    facts.blocks = 10;
    facts.block_size = 512;
    strike.rule = &installed;
    strike.effect = &installed.rule.effects[0];
  }
  faults::SessionFacts session;
  faults::InstalledRule installed{{}, {}, faults::Drawer(1, "r", "*"), {}, {}};
  scsi::Cdb cdb;
  faults::Facts facts;
  faults::Verdict verdict;
  faults::Strike strike;
};

TEST_CASE("as many bits are inverted as were asked for, the same ones for the same draws") {
  for (const std::uint32_t bits : {1U, 2U, 17U, 4000U, 8191U, 8192U, 9000U}) {
    CAPTURE(bits);
    auto flip = fault(Kind::flip);
    flip.bits = bits;
    const auto once = after(flip, {{0, 1024}}, bytes::Buffer(1024));
    CHECK(bits_set(once) == std::min(bits, 8192U));
    CHECK(after(flip, {{0, 1024}}, bytes::Buffer(1024)) == once);
    if (bits == 17) CHECK(after(flip, {{0, 1024}}, bytes::Buffer(1024), {1, 3}) != once);
  }
}

TEST_CASE("bits are inverted in the area alone, all ranges of it") {
  auto flip = fault(Kind::flip);
  flip.bits = 64;
  const auto out = after(flip, {{10, 4}, {20, 4}}, bytes::Buffer(30));
  for (std::size_t i = 0; i < out.size(); ++i) {
    CAPTURE(i);
    CHECK(out[i] == ((i >= 10 && i < 14) || (i >= 20 && i < 24) ? 0xff : 0));
  }
}

TEST_CASE("bits of a probability are as many as it says, and at most the limit") {
  auto flip = fault(Kind::flip);
  const auto count = [&](faults::Ratio p, std::size_t size) {
    flip.per_bit = p;
    return bits_set(after(flip, {{0, size}}, bytes::Buffer(size)));
  };
  CHECK(count({0, 1}, 4096) == 0);
  CHECK(count({1, 1}, 4096) == 32768);
  // 2^20 bits: six standard deviations around the mean.
  const auto thousandth = count({1, 1000}, 131072);
  CHECK(thousandth > 854);
  CHECK(thousandth < 1244);
  const auto third = count({1, 3}, 4096);
  CHECK(third > 10410);
  CHECK(third < 11440);
  CHECK(count({1, 1ULL << 60}, 131072) == 0);
  CHECK(count({1, UINT64_MAX}, 131072) == 0);
  CHECK(count({1, 1}, 131072) == kMaxFlippedBits);
}

TEST_CASE("gaps of a probability have the right distribution") {
  // The first byte alone, for many draws: each of its bits is wrong a quarter of the time.
  auto flip = fault(Kind::flip);
  flip.per_bit = faults::Ratio{1, 4};
  std::size_t counts[8] = {};
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const auto octet = after(flip, {{0, 1}}, {0}, {seed, seed * 77}).front();
    for (unsigned bit = 0; bit < 8; ++bit)
      counts[bit] += octet >> bit & 1;
  }
  for (const auto each : counts) {
    CHECK(each > 835);
    CHECK(each < 1165);
  }
}

TEST_CASE("a stuck bit is stuck at what it is not now") {
  auto flip = fault(Kind::flip, Lasting::stuck);
  flip.bits = 3;
  const auto patches = patches_in_place(flip, {5, 6}, {{0, 8}}, 0, bytes::Buffer(8, 0xf0));
  bytes::Buffer same(8, 0xf0), zeros(8), ones(8, 0xff);
  apply(patches, 0, same);
  apply(patches, 0, zeros);
  apply(patches, 0, ones);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto mask = static_cast<std::uint8_t>(same[i] ^ 0xf0);
    differing += static_cast<std::size_t>(std::popcount(mask));
    CHECK(zeros[i] == (mask & 0x0f));
    CHECK(ones[i] == static_cast<std::uint8_t>(~(mask & 0xf0)));
  }
  CHECK(differing == 3);
}

TEST_CASE("octets are set from the first byte of the area on, over the edge of a range") {
  auto set = fault(Kind::set_bytes);
  set.offset = 2;
  set.octets = {1, 2, 3};
  CHECK(after(set, {{1, 4}, {8, 4}}, bytes::Buffer(12)) ==
        bytes::Buffer{0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0});
  set.exclusive_or = true;
  CHECK(after(set, {{1, 4}, {8, 4}}, bytes::Buffer(12, 0xff)) ==
        bytes::Buffer{0xff, 0xff, 0xff, 0xfe, 0xfd, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xff});
  set.offset = 7;
  set.octets = {0x80, 0x80};
  CHECK(after(set, {{1, 4}, {8, 4}}, bytes::Buffer(12)).back() == 0x80);
  set.offset = 8;
  CHECK(patches_in_place(set, {1, 2}, {{1, 4}, {8, 4}}, 0, {}).empty());
}

TEST_CASE("a pattern goes on from range to range, zeros need none") {
  auto pattern = fault(Kind::pattern);
  pattern.octets = {1, 2, 3};
  CHECK(after(pattern, {{0, 4}, {6, 3}}, bytes::Buffer(9, 9)) ==
        bytes::Buffer{1, 2, 3, 1, 9, 9, 2, 3, 1});
  CHECK(after(fault(Kind::zero), {{1, 2}}, bytes::Buffer(4, 9)) == bytes::Buffer{9, 0, 0, 9});
}

TEST_CASE("the area is what the command shares with the rule's blocks, or the block drawn") {
  Bench bench;
  const auto area = [&] { return area_of(bench.strike, bench.verdict, bench.facts); };
  REQUIRE(area().size() == 1);
  CHECK(area()[0].offset_bytes == 100 * 512);
  CHECK(area()[0].length_bytes == 10 * 512);
  bench.installed.rule.match.lbas = {{90, 12}, {108, 50}};
  REQUIRE(area().size() == 2);
  CHECK(area()[0].length_bytes == 2 * 512);
  CHECK(area()[1].offset_bytes == 108 * 512);
  CHECK(area()[1].length_bytes == 2 * 512);
  bench.verdict.key = faults::Key::lba;
  bench.verdict.key_number = 109;
  REQUIRE(area().size() == 1);
  CHECK(area()[0].offset_bytes == 109 * 512);
  CHECK(area()[0].length_bytes == 512);
}

TEST_CASE("what lies within a range is cut at both ends") {
  const auto cut = within({{0, 10}, {20, 10}, {40, 10}}, {5, 20});
  REQUIRE(cut.size() == 2);
  CHECK(cut[0].offset_bytes == 5);
  CHECK(cut[0].length_bytes == 5);
  CHECK(cut[1].offset_bytes == 20);
  CHECK(cut[1].length_bytes == 5);
  CHECK(within({{0, 10}}, {10, 5}).empty());
}

TEST_CASE("ids differ by whatever made the damage, and are the same in every run") {
  Bench bench;
  const auto id = [&] { return overlay_id(bench.strike, bench.verdict, bench.facts); };
  const auto first = id();
  CHECK(first == id());
  CHECK(first != 0);
  CHECK((first >> 48) == 0);
  bench.verdict.index = 1;
  const auto second = id();
  CHECK(second != first);
  bench.strike.effect = &bench.installed.rule.effects[1];
  const auto third = id();
  CHECK(third != second);
  bench.session.ordinal = 2;
  const auto fourth = id();
  CHECK(fourth != third);
  bench.facts.lun = 1;
  CHECK(id() != fourth);
  CHECK(wrap_id("r", 0) == wrap_id("r", 0));
  CHECK(wrap_id("r", 0) != wrap_id("r", 1));
}

TEST_CASE("the other place is where it was told, or drawn elsewhere, and never outside") {
  auto misdirect = fault(Kind::misdirect);
  const Chance chance(7, 8);
  misdirect.lba = 90;
  CHECK(other_end(misdirect, chance, 5, 10, 100, true) == 90);
  CHECK_FALSE(other_end(misdirect, chance, 5, 11, 100, true).has_value());
  misdirect.lba.reset();
  misdirect.delta_blocks = 8;
  CHECK(other_end(misdirect, chance, 5, 10, 100, true) == 13);
  CHECK_FALSE(other_end(misdirect, chance, 83, 10, 100, true).has_value());
  misdirect.delta_blocks = -8;
  CHECK(other_end(misdirect, chance, 8, 10, 100, true) == 0);
  CHECK_FALSE(other_end(misdirect, chance, 7, 10, 100, true).has_value());
  misdirect.delta_blocks = INT64_MIN;
  CHECK_FALSE(other_end(misdirect, chance, 7, 10, 100, true).has_value());
  misdirect.delta_blocks = INT64_MAX;
  CHECK_FALSE(other_end(misdirect, chance, 7, 10, 100, true).has_value());
  misdirect.delta_blocks = 0;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const auto drawn = other_end(misdirect, Chance(seed << 58, 0), 1, 1, 3, true);
    REQUIRE(drawn.has_value());
    CHECK(*drawn != 1);
    CHECK(*drawn < 3);
  }
  CHECK_FALSE(other_end(misdirect, chance, 0, 100, 100, true).has_value());
  misdirect.lun = 1;
  CHECK(other_end(misdirect, chance, 5, 10, 100, false) == 5);
  CHECK_FALSE(other_end(misdirect, chance, 95, 10, 100, false).has_value());
}

TEST_CASE("a torn write keeps a prefix, a fraction, parts, or what is drawn") {
  auto torn = fault(Kind::torn);
  const auto lost = [&](const Chance& chance = {1, 2}) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
    for (const auto& each : torn_away(torn, chance, {1000, 80}, 10))
      out.emplace_back(each.offset_bytes, each.length_bytes);
    return out;
  };
  using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  torn.blocks = 3;
  CHECK(lost() == Ranges{{1030, 50}});
  torn.blocks = 0;
  CHECK(lost() == Ranges{{1000, 80}});
  torn.blocks = 8;
  CHECK(lost().empty());
  torn.blocks.reset();
  torn.fraction = faults::Ratio{1, 3};
  CHECK(lost() == Ranges{{1020, 60}});
  torn.fraction.reset();
  torn.parts = {1, 2, 6, 20};
  CHECK(lost() == Ranges{{1000, 10}, {1030, 30}, {1070, 10}});
  torn.parts.clear();
  CHECK(lost({0, 0}) == Ranges{{1000, 80}});
  CHECK(lost({UINT64_MAX, 0}) == Ranges{{1070, 10}});
}

TEST_CASE("random octets are drawn, and the same for the same draws") {
  CHECK(random_octets({1, 2}) == random_octets({1, 2}));
  CHECK(random_octets({1, 2}) != random_octets({1, 3}));
  CHECK(random_octets({1, 2}).size() == 4096);
}

TEST_CASE("patches are applied in order, to what there is of them") {
  bytes::Buffer octets(4, 1);
  apply({lun_backends::patch_filling(8, 4), lun_backends::patch_showing(11, {7, 7, 7})}, 10,
        octets);
  CHECK(octets == bytes::Buffer{0, 7, 7, 7});
}

}  // namespace
}  // namespace faultlun::daemon::data_patches_test
