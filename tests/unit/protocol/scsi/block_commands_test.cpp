#include "protocol/bytes/writer.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace block_commands_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

/// An UNMAP parameter list.
bytes::Buffer unmap_list(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& ranges) {
  bytes::Writer out;
  out.be16(static_cast<std::uint16_t>(6 + 16 * ranges.size()));
  out.be16(static_cast<std::uint16_t>(16 * ranges.size())).be32(0);
  for (const auto& [lba, blocks] : ranges)
    out.be64(lba).be32(blocks).be32(0);
  return std::move(out).take();
}

std::string unmap(UnitBench& bench, const bytes::Buffer& list) {
  Cdb cdb = cdb_of({0x42});
  bytes::put_be16(&cdb.raw[7], static_cast<std::uint16_t>(list.size()));
  return say(bench.ask(cdb, 1, list));
}

Plan with_data(UnitBench& bench, Octets cdb, const bytes::Buffer& list) {
  return bench.unit.plan_with_data(1, {cdb_of(cdb)}, bench.around(), list);
}

Plan offering(UnitBench& bench, Octets cdb, std::uint64_t offered) {
  Command command{cdb_of(cdb)};
  command.data_out_offered = offered;
  return bench.unit.plan(1, command, bench.around());
}

std::string say_plan(const Plan& plan) {
  const auto* reply = std::get_if<Reply>(&plan);
  return reply != nullptr ? say(*reply) : "a plan";
}

}  // namespace

TEST_CASE("B8.01 reads and writes of 6, 10, 12 and 16 bytes ask for their range of the medium") {
  UnitBench bench;
  CHECK(bench.planned<ReadMedium>({0x08, 0, 0, 5, 2, 0}).offset_bytes == 5 * 512);
  CHECK(bench.planned<ReadMedium>({0x08, 0, 0, 5, 0, 0}).length_bytes == 256 * 512);
  CHECK(bench.planned<ReadMedium>({0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0}).length_bytes == 1024);
  CHECK(bench.planned<ReadMedium>({0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0}).offset_bytes == 5 * 512);
  CHECK(
      bench.planned<ReadMedium>({0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0}).length_bytes ==
      1024);
  CHECK(bench.planned<WriteMedium>({0x0a, 0, 0, 5, 2, 0}).length_bytes == 1024);
  CHECK(bench.planned<WriteMedium>({0x2a, 0, 0, 0, 0, 5, 0, 0, 2, 0}).offset_bytes == 5 * 512);
  CHECK(bench.planned<WriteMedium>({0xaa, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0}).length_bytes == 1024);
  CHECK(bench.planned<WriteMedium>({0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0})
            .offset_bytes == 5 * 512);
}

TEST_CASE("B8.01 no blocks is GOOD up to the end of the medium and out of range past it") {
  UnitBench bench;
  for (const std::uint8_t opcode : Octets{0x28, 0x2a, 0x2e, 0x2f, 0x34}) {
    CHECK(bench.said({opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == "GOOD");
    CHECK(bench.said({opcode, 0, 0, 0, 8, 0, 0, 0, 0, 0}) == "GOOD");
    CHECK(bench.said({opcode, 0, 0, 0, 8, 1, 0, 0, 0, 0}) == "5/21/00 info 2049");
  }
}

TEST_CASE("B5.09 the first address that is not there is in INFORMATION") {
  UnitBench bench;
  CHECK(bench.said({0x28, 0, 0, 0, 7, 0xff, 0, 0, 2, 0}) == "5/21/00 info 2048");
  CHECK(bench.said({0x28, 0, 0, 0, 9, 0, 0, 0, 2, 0}) == "5/21/00 info 2304");
  CHECK(bench.said({0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0}) ==
        "5/21/00 info 18446744073709551615");
}

TEST_CASE(
    "B8.01 B6.09 a transfer over MAXIMUM TRANSFER LENGTH is refused after the range, with a "
    "pointer") {
  auto profile = small_disk();
  profile.blocks = 0x20000;
  UnitBench bench(profile);
  CHECK(bench.planned<ReadMedium>({0xa8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}).length_bytes ==
        32U << 20);
  CHECK(bench.said({0xa8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0}) == "5/24/00 cdb 6");
  CHECK(bench.said({0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0}) == "5/24/00 cdb 10");
  CHECK(bench.said({0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}) == "5/24/00 cdb 10");
  CHECK(bench.said({0xaa, 0, 0, 2, 0, 1, 0, 1, 0, 1, 0, 0}) == "5/21/00 info 131073");
}

TEST_CASE("B8.02 protection fields are refused on every command that has one") {
  UnitBench bench;
  for (const std::uint8_t opcode : Octets{0x28, 0x2a, 0x2e, 0x2f, 0x41}) {
    CHECK(bench.said({opcode, 0x20, 0, 0, 0, 0, 0, 0, 1, 0}) == "5/24/00 cdb 1.7");
  }
  for (const std::uint8_t opcode : Octets{0x88, 0x89, 0x8a, 0x8e, 0x8f, 0x93}) {
    CHECK(bench.said({opcode, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) ==
          "5/24/00 cdb 1.7");
  }
}

TEST_CASE("B8.03 B8.04 DPO and FUA are taken, FUA_NV and reserved bits are not, GROUP NUMBER is") {
  UnitBench bench;
  CHECK_FALSE(bench.planned<ReadMedium>({0x28, 0x10, 0, 0, 0, 0, 0, 0, 1, 0}).fua);
  CHECK(bench.planned<ReadMedium>({0x28, 0x18, 0, 0, 0, 0, 0, 0, 1, 0}).fua);
  CHECK(bench.planned<WriteMedium>({0x2a, 0x08, 0, 0, 0, 0, 0x1f, 0, 1, 0}).fua);
  CHECK_FALSE(bench.planned<WriteMedium>({0x2a, 0x10, 0, 0, 0, 0, 0, 0, 1, 0}).fua);
  CHECK(bench.said({0x28, 0x02, 0, 0, 0, 0, 0, 0, 1, 0}) == "5/24/00 cdb 1.1");
  CHECK(bench.said({0x28, 0, 0, 0, 0, 0, 0x20, 0, 1, 0}) == "5/24/00 cdb 6.5");
}

TEST_CASE("what is FUA in longer CDBs is a bit of the LBA in 6-byte ones") {
  auto profile = small_disk();
  profile.blocks = 0x100000;
  UnitBench bench(profile);
  const auto plan = bench.planned<WriteMedium>({0x0a, 0x08, 0, 0, 1, 0});
  CHECK_FALSE(plan.fua);
  CHECK(plan.offset_bytes == 0x80000 * 512);
}

TEST_CASE("B8.07 VERIFY: no data, all the data, or one block for the whole range") {
  UnitBench bench;
  const auto none = bench.planned<VerifyMedium>({0x2f, 0x00, 0, 0, 0, 4, 0, 0, 3, 0});
  CHECK_FALSE(none.compare);
  CHECK(none.data_out_length == 0);
  CHECK(none.length_bytes == 3 * 512);
  const auto all = bench.planned<VerifyMedium>({0x2f, 0x02, 0, 0, 0, 4, 0, 0, 3, 0});
  CHECK(all.compare);
  CHECK_FALSE(all.one_block);
  CHECK(all.data_out_length == 3 * 512);
  const auto one =
      bench.planned<VerifyMedium>({0x8f, 0x16, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0});
  CHECK(one.one_block);
  CHECK(one.data_out_length == 512);
  CHECK(bench.said({0x2f, 0x04, 0, 0, 0, 4, 0, 0, 3, 0}) == "5/24/00 cdb 1.2");
}

TEST_CASE("B8.08 WRITE AND VERIFY writes through, verifies, and compares with BYTCHK") {
  UnitBench bench;
  const auto plain = bench.planned<WriteMedium>({0x2e, 0x10, 0, 0, 0, 1, 0, 0, 1, 0});
  CHECK(plain.verify);
  CHECK(plain.fua);
  CHECK_FALSE(plain.compare);
  CHECK(bench.planned<WriteMedium>({0xae, 0x02, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0}).compare);
  CHECK(bench.said({0x8e, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) == "5/24/00 cdb 1.2");
}

TEST_CASE(
    "B8.09 SYNCHRONIZE CACHE flushes its range, all of it for 0/0, and with IMMED behind the "
    "answer") {
  UnitBench bench;
  CHECK(bench.planned<FlushMedium>({0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}).length_bytes == 0);
  const auto part = bench.planned<FlushMedium>({0x35, 0x06, 0, 0, 0, 8, 0, 0, 4, 0});
  CHECK(part.offset_bytes == 8 * 512);
  CHECK(part.length_bytes == 4 * 512);
  CHECK(part.immediate);
  const auto rest = bench.planned<FlushMedium>({0x91, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0});
  CHECK(rest.length_bytes == 256 * 512);
  CHECK(bench.said({0x35, 0, 0, 0, 8, 0, 0, 0, 0, 0}) == "GOOD");
  CHECK(bench.said({0x35, 0, 0, 0, 8, 0, 0, 0, 1, 0}) == "5/21/00 info 2048");
}

TEST_CASE("B8.10 PRE-FETCH checks its range and answers GOOD") {
  UnitBench bench;
  CHECK(bench.said({0x34, 0x02, 0, 0, 0, 0, 3, 0, 1, 0}) == "GOOD");
  CHECK(bench.said({0x90, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0, 0}) == "5/21/00 info 2048");
}

TEST_CASE("B8.11 WRITE SAME repeats its block over the range") {
  UnitBench bench;
  CHECK(bench.planned<NeedData>({0x41, 0, 0, 0, 0, 1, 0, 0, 4, 0}).bytes == 512);
  const bytes::Buffer block(512, 0xa6);
  const Plan plan = with_data(bench, {0x41, 0, 0, 0, 0, 1, 0, 0, 4, 0}, block);
  REQUIRE(std::holds_alternative<WriteSame>(plan));
  const auto& same = std::get<WriteSame>(plan);
  CHECK(same.offset_bytes == 512);
  CHECK(same.length_bytes == 4 * 512);
  CHECK(same.block == block);
  CHECK(bench.send({0x41, 0, 0, 0, 0, 1, 0, 0, 4, 0}, block).data_out_length == 512);
}

TEST_CASE("B8.11 WRITE SAME of no blocks goes to the end, within MAXIMUM WRITE SAME LENGTH") {
  UnitBench bench;
  const bytes::Buffer block(512, 1);
  const Plan plan = with_data(bench, {0x93, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}, block);
  REQUIRE(std::holds_alternative<WriteSame>(plan));
  CHECK(std::get<WriteSame>(plan).length_bytes == 256 * 512);
  CHECK(bench.said({0x41, 0, 0, 0, 8, 1, 0, 0, 0, 0}) == "5/21/00 info 2049");
  CHECK(bench.said({0x41, 0, 0, 0, 8, 0, 0, 0, 0, 0}) == "5/21/00 info 2048");
  auto profile = small_disk();
  profile.blocks = 0x40001;
  UnitBench large(profile);
  CHECK(large.said({0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == "5/24/00 cdb 7");
  CHECK(large.said({0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0, 1, 0, 0}) == "5/24/00 cdb 10");
  CHECK(large.planned<NeedData>({0x41, 0, 0, 0, 0, 1, 0, 0, 0, 0}).bytes == 512);
}

TEST_CASE("B8.11 WRITE SAME with UNMAP deallocates whatever the block holds") {
  UnitBench bench;
  const Plan zeros = with_data(bench, {0x41, 0x08, 0, 0, 0, 1, 0, 0, 4, 0}, bytes::Buffer(512, 0));
  REQUIRE(std::holds_alternative<UnmapMedium>(zeros));
  CHECK(std::get<UnmapMedium>(zeros).extents == std::vector{Extent{512, 4 * 512}});
  CHECK(std::holds_alternative<UnmapMedium>(
      with_data(bench, {0x41, 0x08, 0, 0, 0, 1, 0, 0, 4, 0}, bytes::Buffer(512, 1))));
}

TEST_CASE("B8.11 NDOB wants no data: zeros, unmapped or written") {
  UnitBench bench;
  const auto unmapped =
      bench.planned<UnmapMedium>({0x93, 0x09, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0});
  CHECK(unmapped.extents == std::vector{Extent{512, 7 * 512}});
  const auto written =
      bench.planned<WriteSame>({0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0});
  CHECK(written.block == bytes::Buffer(512, 0));
  CHECK(bench.ask({0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0}).data_out_length == 0);
  CHECK(bench.said({0x41, 0x01, 0, 0, 0, 1, 0, 0, 4, 0}) == "5/24/00 cdb 1.0");
}

TEST_CASE("B8.11 ANCHOR is refused, and UNMAP where there is nothing to unmap") {
  UnitBench bench, thick(thick_disk());
  CHECK(bench.said({0x41, 0x10, 0, 0, 0, 0, 0, 0, 1, 0}) == "5/24/00 cdb 1.4");
  CHECK(bench.said({0x93, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}) == "5/24/00 cdb 1.4");
  CHECK(thick.said({0x41, 0x08, 0, 0, 0, 0, 0, 0, 1, 0}) == "5/24/00 cdb 1.3");
  CHECK(thick.planned<NeedData>({0x41, 0x00, 0, 0, 0, 0, 0, 0, 1, 0}).bytes == 512);
}

TEST_CASE("WRITE SAME refuses data that is not one block: offered, or come too short") {
  UnitBench bench;
  const Octets cdb = {0x41, 0x08, 0, 0, 0, 0, 0, 0, 1, 0};
  CHECK(say_plan(offering(bench, cdb, 256)) == "5/0E/03");
  CHECK(say_plan(offering(bench, cdb, 1024)) == "5/0E/03");
  CHECK(say_plan(offering(bench, cdb, 512)) == "a plan");
  CHECK(say_plan(with_data(bench, cdb, bytes::Buffer(256))) == "5/0E/03");
}

TEST_CASE("B8.12 UNMAP collects its list, then deallocates every range of it") {
  UnitBench bench;
  const auto list = unmap_list({{0, 8}, {100, 0}, {2047, 1}});
  Cdb cdb = cdb_of({0x42, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(list.size()), 0});
  const Plan first = bench.plan(cdb);
  REQUIRE(std::holds_alternative<NeedData>(first));
  CHECK(std::get<NeedData>(first).bytes == list.size());
  const Plan second = bench.unit.plan_with_data(1, {cdb}, bench.around(), list);
  REQUIRE(std::holds_alternative<UnmapMedium>(second));
  CHECK(std::get<UnmapMedium>(second).extents ==
        std::vector{Extent{0, 4096}, Extent{2047 * 512, 512}});
  CHECK(bench.unit.finish(1, {cdb}, second, {}).data_out_length == list.size());
}

TEST_CASE("B8.12 an UNMAP of nothing is GOOD") {
  UnitBench bench;
  CHECK(bench.said({0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == "GOOD");
  CHECK(unmap(bench, unmap_list({})) == "GOOD");
  CHECK(unmap(bench, unmap_list({{2048, 0}})) == "GOOD");
}

TEST_CASE("B8.12 an UNMAP list that is too short is a PARAMETER LIST LENGTH ERROR") {
  UnitBench bench;
  CHECK(bench.said({0x42, 0, 0, 0, 0, 0, 0, 0, 7, 0}) == "5/1A/00");
  auto list = unmap_list({{0, 8}});
  list.pop_back();
  CHECK(unmap(bench, list) == "5/1A/00");
  CHECK(bench.said_to({0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}, bytes::Buffer(5)) == "5/1A/00");
}

TEST_CASE("B8.12 a last descriptor that is not whole is passed over") {
  UnitBench bench;
  auto list = unmap_list({{0, 8}, {99999, 8}});
  list.resize(8 + 16 + 15);
  bytes::put_be16(&list[2], 31);
  CHECK(unmap(bench, list) == "GOOD");
}

TEST_CASE("B8.12 B6.09 UNMAP enforces MAXIMUM UNMAP LBA COUNT and BLOCK DESCRIPTOR COUNT") {
  auto profile = small_disk();
  profile.blocks = 0x300000;
  UnitBench bench(profile);
  CHECK(unmap(bench, unmap_list({{0, 0x100000}})) == "GOOD");
  CHECK(unmap(bench, unmap_list({{0, 0x100001}})) == "5/26/00 list 16");
  CHECK(unmap(bench, unmap_list({{0, 0x80000}, {0x100000, 0x80001}})) == "5/26/00 list 32");
  std::vector<std::pair<std::uint64_t, std::uint32_t>> many(256, {0, 1});
  CHECK(unmap(bench, unmap_list(many)) == "GOOD");
  many.emplace_back(0, 1);
  CHECK(unmap(bench, unmap_list(many)) == "5/26/00 list 2");
}

TEST_CASE("B8.12 UNMAP beyond the end is out of range, ANCHOR refused, and unknown without LBPU") {
  UnitBench bench, thick(thick_disk());
  CHECK(unmap(bench, unmap_list({{0, 8}, {2047, 2}})) == "5/21/00 info 2048");
  CHECK(bench.said({0x42, 0x01, 0, 0, 0, 0, 0, 0, 24, 0}) == "5/24/00 cdb 1.0");
  CHECK(thick.said({0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}) == "5/20/00");
}

TEST_CASE("B8.14 COMPARE AND WRITE is one atomic plan over its range") {
  UnitBench bench;
  const auto plan =
      bench.planned<CompareAndWrite>({0x89, 0x08, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 255, 0, 0});
  CHECK(plan.offset_bytes == 4 * 512);
  CHECK(plan.length_bytes == 255 * 512);
  CHECK(plan.fua);
  CHECK(data_out_length(plan) == 2 * 255 * 512);
  CHECK(bench.said({0x89, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0}) == "GOOD");
  CHECK(bench.said({0x89, 0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0, 0, 0, 2, 0, 0}) == "5/21/00 info 2048");
}

TEST_CASE(
    "B8.14 COMPARE AND WRITE refuses data that is not twice its length, also 256 blocks cut to 0") {
  UnitBench bench;
  const Octets one = {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0};
  const Octets none = {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(say_plan(offering(bench, one, 1024)) == "a plan");
  CHECK(say_plan(offering(bench, one, 2048)) == "5/24/00 cdb 13");
  CHECK(say_plan(offering(bench, one, 512)) == "5/24/00 cdb 13");
  CHECK(say_plan(offering(bench, none, 512 * 512)) == "5/24/00 cdb 13");
  CHECK(say_plan(offering(bench, none, 0)) == "GOOD");
}

TEST_CASE("B5.22 B5.23 B5.18 B5.28 a medium that fails is reported with LBA or offset") {
  UnitBench bench;
  const Command read{cdb_of({0x28, 0, 0, 0, 0, 4, 0, 0, 4, 0})},
      write{cdb_of({0x2a, 0, 0, 0, 0, 4, 0, 0, 4, 0})};
  const Plan reading = bench.unit.plan(1, read, bench.around()),
             writing = bench.unit.plan(1, write, bench.around());
  using Outcome = MediumResult::Outcome;
  const Reply bad_read = bench.unit.finish(1, read, reading, {Outcome::read_error, 6 * 512 + 100});
  CHECK(say(bad_read) == "3/11/00 info 6");
  CHECK(bad_read.data_in_length == 0);
  const Reply bad_write = bench.unit.finish(1, write, writing, {Outcome::write_error, 5 * 512});
  CHECK(say(bad_write) == "3/0C/00 info 5");
  CHECK(bad_write.data_out_length == 4 * 512);
  CHECK(say(bench.unit.finish(1, write, writing, {Outcome::no_space, 4 * 512})) ==
        "7/27/07 info 4");
  CHECK(say(bench.unit.finish(1, write, writing, {Outcome::miscompare, 37})) == "E/1D/00 info 37");
  const Command flush{cdb_of({0x35})};
  CHECK(say(bench.unit.finish(1, flush, FlushMedium{}, {Outcome::flush_error, 0})) == "3/0C/00");
}

TEST_CASE("a command that went well tells how much it moved each way") {
  UnitBench bench;
  const Reply read = bench.ask({0x28, 0, 0, 0, 0, 4, 0, 0, 4, 0});
  CHECK(say(read) == "GOOD");
  CHECK(read.data_in_length == 4 * 512);
  CHECK(read.data_out_length == 0);
  const Reply verify = bench.ask({0x2f, 0x06, 0, 0, 0, 4, 0, 0, 4, 0});
  CHECK(verify.data_out_length == 512);
  CHECK(verify.data_in_length == 0);
}

}  // namespace block_commands_test
