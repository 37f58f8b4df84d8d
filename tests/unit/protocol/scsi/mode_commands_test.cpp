#include "protocol/bytes/writer.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace mode_commands_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

constexpr std::uint8_t kCurrent = 0x00, kChangeable = 0x40, kDefault = 0x80, kSaved = 0xc0;

bytes::Buffer sense_6(UnitBench& bench, std::uint8_t page, std::uint8_t subpage = 0,
                      NexusId nexus = 1) {
  const Reply reply = bench.ask({0x1a, 0x08, page, subpage, 0xff, 0}, nexus);
  REQUIRE(say(reply) == "GOOD");
  return reply.data_in;
}

/// A MODE SELECT(6) list of one page: the current values with some octets exchanged.
struct Change {
  std::size_t at;
  std::uint8_t value;
};
bytes::Buffer list_of(UnitBench& bench, std::uint8_t page, std::initializer_list<Change> changes,
                      std::uint8_t subpage = 0) {
  auto list = sense_6(bench, page, subpage);
  std::fill_n(list.begin(), 4, std::uint8_t{0});
  for (const auto [at, value] : changes)
    list.at(4 + at) = value;
  return list;
}

std::string select(UnitBench& bench, const bytes::Buffer& list, NexusId nexus = 1) {
  return bench.said_to({0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0}, list, nexus);
}

std::string page_codes(const bytes::Buffer& data, std::size_t at) {
  std::string out;
  while (at < data.size()) {
    const bool subpage = (data[at] & 0x40) != 0;
    out += bytes::to_hex(bytes::View(data).subspan(at, 1)) + " ";
    at += subpage ? 4U + bytes::be16(&data[at + 2]) : 2U + data[at + 1];
  }
  CHECK(at == data.size());
  return out;
}

}  // namespace

TEST_CASE("B6.11 MODE SENSE(6) has header, block descriptor and page") {
  UnitBench bench;
  const auto data = bench.ask({0x1a, 0, 0x08, 0, 0xff, 0}).data_in;
  CHECK(bytes::to_hex(bytes::View(data).first(12)) == "1f 00 10 08 00 00 08 00 00 00 02 00");
  CHECK(data.size() == 32);
  CHECK(data[12] == 0x08);
  CHECK(data[13] == 0x12);
}

TEST_CASE("B6.11 DBD leaves the block descriptor out") {
  UnitBench bench;
  const auto data = sense_6(bench, 0x08);
  CHECK(bytes::to_hex(bytes::View(data).first(6)) == "17 00 10 00 08 12");
}

TEST_CASE("B6.11 MODE SENSE(10) has an 8-byte header, and LLBAA brings the long descriptor") {
  UnitBench bench;
  const auto data = bench.ask({0x5a, 0x10, 0x0a, 0, 0, 0, 0, 0, 0xff, 0}).data_in;
  CHECK(bytes::to_hex(bytes::View(data).first(24)) ==
        "00 22 00 10 01 00 00 10 00 00 00 00 00 00 08 00 00 00 00 00 00 00 02 00");
  const auto without = bench.ask({0x5a, 0x08, 0x0a, 0, 0, 0, 0, 0, 0xff, 0}).data_in;
  CHECK(bytes::to_hex(bytes::View(without).first(10)) == "00 12 00 10 00 00 00 00 0a 0a");
}

TEST_CASE("a capacity beyond 32 bits is FFFFFFFFh in the short block descriptor") {
  auto profile = small_disk();
  profile.blocks = 1ULL << 33;
  UnitBench bench(profile);
  const auto data = bench.ask({0x1a, 0, 0x08, 0, 0xff, 0}).data_in;
  CHECK(bytes::be32(&data[4]) == 0xffffffff);
}

TEST_CASE("B6.11 page 3Fh returns every page ascending, subpage FFh the subpages too") {
  UnitBench bench;
  CHECK(page_codes(sense_6(bench, 0x3f), 4) == "01 07 08 0a 1c ");
  CHECK(page_codes(sense_6(bench, 0x3f, 0xff), 4) == "01 07 08 0a 4a 1c ");
  CHECK(page_codes(sense_6(bench, 0x0a, 0xff), 4) == "0a 4a ");
  CHECK(page_codes(sense_6(bench, 0x0a, 0x01), 4) == "4a ");
}

TEST_CASE("B6.11 unknown pages and subpages are refused with a pointer to the one that is wrong") {
  UnitBench bench;
  CHECK(bench.said({0x1a, 0, 0x19, 0, 0xff, 0}) == "5/24/00 cdb 2.5");
  CHECK(bench.said({0x1a, 0, 0x08, 0x05, 0xff, 0}) == "5/24/00 cdb 3");
  CHECK(bench.said({0x1a, 0, 0x3f, 0x01, 0xff, 0}) == "GOOD");  // the pages that have subpage 01h
  CHECK(bench.said({0x1a, 0, 0x3f, 0x02, 0xff, 0}) == "5/24/00 cdb 3");
}

TEST_CASE("B5.11 saved values are refused: there are none") {
  UnitBench bench;
  CHECK(bench.said({0x1a, 0, kSaved | 0x08, 0, 0xff, 0}) == "5/39/00");
  CHECK(bench.said({0x5a, 0, kSaved | 0x3f, 0, 0, 0, 0, 0, 0xff, 0}) == "5/39/00");
}

TEST_CASE("B6.11 changeable and default values are told apart from the current ones") {
  UnitBench bench;
  REQUIRE(select(bench, list_of(bench, 0x0a, {{2, 0x06}})) == "GOOD");
  CHECK(sense_6(bench, kCurrent | 0x0a)[6] == 0x06);
  CHECK(sense_6(bench, kDefault | 0x0a)[6] == 0x02);
  CHECK(bytes::to_hex(bytes::View(sense_6(bench, kChangeable | 0x0a)).subspan(4)) ==
        "0a 0a 04 00 08 40 00 00 00 00 00 00");
  CHECK(bytes::to_hex(bytes::View(sense_6(bench, kChangeable | 0x08)).subspan(4, 3)) == "08 12 05");
}

TEST_CASE("B6.02 MODE SENSE is cut to the ALLOCATION LENGTH and its length field stays") {
  UnitBench bench;
  const Reply reply = bench.ask({0x1a, 0, 0x3f, 0, 4, 0});
  CHECK(say(reply) == "GOOD");
  REQUIRE(reply.data_in.size() == 4);
  CHECK(reply.data_in[0] == 79);
  CHECK(bench.ask({0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 0, 0}).data_in.empty());
}

TEST_CASE("B8.30 WP tells of a read-only unit and of SWP, DPOFUA is set") {
  UnitBench bench, read_only(protected_disk());
  CHECK(sense_6(bench, 0x08)[2] == 0x10);
  CHECK(sense_6(read_only, 0x08)[2] == 0x90);
  REQUIRE(select(bench, list_of(bench, 0x0a, {{4, 0x08}})) == "GOOD");
  CHECK(sense_6(bench, 0x08)[2] == 0x90);
}

TEST_CASE("B6.12 B3.01 a change takes effect and raises 6/2A/01 on the other nexus only") {
  UnitBench bench;
  CHECK_FALSE(bench.unit.task_aborted_status());
  CHECK(select(bench, list_of(bench, 0x0a, {{5, 0x40}})) == "GOOD");
  CHECK(bench.unit.task_aborted_status());
  CHECK(bench.ready(1) == "GOOD");
  CHECK(bench.ready(2) == "6/2A/01");
  CHECK(bench.ready(2) == "GOOD");
}

TEST_CASE("B6.12 a MODE SELECT that changes nothing raises nothing") {
  UnitBench bench;
  CHECK(select(bench, list_of(bench, 0x0a, {})) == "GOOD");
  CHECK(bench.ready(2) == "GOOD");
}

TEST_CASE("D_SENSE makes sense data come in descriptor format") {
  UnitBench bench;
  CHECK_FALSE(bench.ask({0xff}).descriptor_sense);
  REQUIRE(select(bench, list_of(bench, 0x0a, {{2, 0x06}})) == "GOOD");
  CHECK(bench.ask({0xff}).descriptor_sense);
}

TEST_CASE(
    "B8.23 clearing WCE flushes the cache before it is answered, then every write goes through") {
  UnitBench bench;
  const auto list = list_of(bench, 0x08, {{2, 0x10}});
  const Command command{cdb_of({0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0})};
  const Plan plan = bench.unit.plan_with_data(1, command, bench.around(), list);
  REQUIRE(std::holds_alternative<FlushMedium>(plan));
  CHECK_FALSE(std::get<FlushMedium>(plan).immediate);
  const Reply reply = bench.unit.finish(1, command, plan, {});
  CHECK(say(reply) == "GOOD");
  CHECK(reply.data_out_length == list.size());
  CHECK_FALSE(bench.unit.write_cache_enabled());
  CHECK(bench.planned<WriteMedium>({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}).fua);
  CHECK(bench.ready(2) == "6/2A/01");
}

TEST_CASE("B6.12 a fixed field that is changed is refused with byte and bit, and nothing changes") {
  UnitBench bench;
  CHECK(select(bench, list_of(bench, 0x0a, {{2, 0x22}})) == "5/26/00 list 6.5");  // TST
  CHECK(select(bench, list_of(bench, 0x0a, {{3, 0x12}})) == "5/26/00 list 7.1");  // QERR
  CHECK(select(bench, list_of(bench, 0x01, {{2, 0x80}})) == "5/26/00 list 6.6");  // ARRE
  auto both = list_of(bench, 0x0a, {{5, 0x40}});
  const auto bad = list_of(bench, 0x1c, {{2, 0x80}});
  both.insert(both.end(), bad.begin() + 4, bad.end());
  CHECK(select(bench, both) == "5/26/00 list 18.7");
  CHECK_FALSE(bench.unit.task_aborted_status());
  CHECK(bench.ready(2) == "GOOD");
}

TEST_CASE("B6.12 unknown pages, wrong lengths and wrong formats are refused") {
  UnitBench bench;
  CHECK(select(bench, {0, 0, 0, 0, 0x19, 0x02, 0, 0}) == "5/26/00 list 4.5");
  CHECK(select(bench, {0, 0, 0, 0, 0x4a, 0x07, 0, 0}) == "5/26/00 list 4.5");
  auto longer = list_of(bench, 0x0a, {{1, 0x0b}});
  longer.push_back(0);
  CHECK(select(bench, longer) == "5/26/00 list 5");
}

TEST_CASE("B5.06 B6.12 a list that is cut anywhere is a PARAMETER LIST LENGTH ERROR") {
  UnitBench bench;
  const auto whole = list_of(bench, 0x0a, {{5, 0x40}});
  for (std::size_t length = 1; length < whole.size(); ++length) {
    if (length == 4) continue;  // a header alone is whole
    const bytes::Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK_MESSAGE(select(bench, cut) == "5/1A/00", length);
  }
  CHECK_FALSE(bench.unit.task_aborted_status());
}

TEST_CASE("a list of which less arrives than announced is a PARAMETER LIST LENGTH ERROR") {
  UnitBench bench;
  auto list = list_of(bench, 0x0a, {});
  list.resize(9);
  CHECK(bench.said_to({0x15, 0x10, 0, 0, 16, 0}, list) == "5/1A/00");
}

TEST_CASE("B6.12 a zero-length list is GOOD, PF=0 and SP=1 are refused") {
  UnitBench bench;
  CHECK(bench.said({0x15, 0x00, 0, 0, 0, 0}) == "GOOD");
  CHECK(bench.said({0x15, 0x00, 0, 0, 16, 0}) == "5/24/00 cdb 1.4");
  CHECK(bench.said({0x15, 0x11, 0, 0, 16, 0}) == "5/24/00 cdb 1.0");
  CHECK(bench.said({0x55, 0x11, 0, 0, 0, 0, 0, 0, 16, 0}) == "5/24/00 cdb 1.0");
}

TEST_CASE("MODE SELECT takes a block descriptor that says what is so, and no other") {
  UnitBench bench;
  const bytes::Buffer page = list_of(bench, 0x0a, {{5, 0x40}});
  const auto with = [&](std::initializer_list<std::uint8_t> descriptor) {
    bytes::Writer list;
    list.be24(0).u8(static_cast<std::uint8_t>(descriptor.size()));
    list.octets(bytes::Buffer(descriptor)).octets(bytes::View(page).subspan(4));
    return std::move(list).take();
  };
  CHECK(select(bench, with({0, 0, 8, 0, 0, 0, 2, 0})) == "GOOD");
  CHECK(select(bench, with({0, 0, 0, 0, 0, 0, 2, 0})) == "GOOD");
  CHECK(select(bench, with({0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0})) == "GOOD");
  CHECK(select(bench, with({0, 0, 4, 0, 0, 0, 2, 0})) == "5/26/00 list 4");
  CHECK(select(bench, with({0, 0, 8, 0, 0, 0, 0x10, 0})) == "5/26/00 list 9");
  CHECK(select(bench, with({0, 0, 8, 0})) == "5/26/00 list 3");
  CHECK(select(bench, {0, 1, 0, 0}) == "5/26/00 list 1");
}

TEST_CASE("MODE SELECT(10) takes the long block descriptor") {
  UnitBench bench;
  bytes::Buffer list{0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0};
  const auto page = list_of(bench, 0x0a, {{5, 0x40}});
  list.insert(list.end(), page.begin() + 4, page.end());
  const auto length = static_cast<std::uint8_t>(list.size());
  CHECK(bench.said_to({0x55, 0x10, 0, 0, 0, 0, 0, 0, length, 0}, list) == "GOOD");
  CHECK(bench.unit.task_aborted_status());
  list[22] = 0x10;
  CHECK(bench.said_to({0x55, 0x10, 0, 0, 0, 0, 0, 0, length, 0}, list) == "5/26/00 list 20");
}

TEST_CASE("B5.26 TEST with MRIE 6 shows in REQUEST SENSE, with MRIE 2 as a unit attention") {
  UnitBench bench;
  REQUIRE(select(bench, list_of(bench, 0x1c, {{2, 0x04}})) == "GOOD");
  CHECK(bytes::to_hex(bytes::View(bench.ask({0x03, 0, 0, 0, 18, 0}).data_in).subspan(12, 2)) ==
        "5d ff");
  CHECK(bench.ready() == "GOOD");
  REQUIRE(select(bench, list_of(bench, 0x1c, {{2, 0x04}, {3, 0x02}})) == "GOOD");
  CHECK(bench.ready() == "6/5D/FF");
  CHECK(bench.ready(2) == "6/2A/01");
  CHECK(bench.ready(2) == "6/5D/FF");
}

TEST_CASE("exceptions that contradict each other or that we cannot report are refused") {
  UnitBench bench;
  CHECK(select(bench, list_of(bench, 0x1c, {{2, 0x0c}})) == "5/26/00");
  CHECK(select(bench, list_of(bench, 0x1c, {{3, 0x04}})) == "5/26/02");
  CHECK(select(bench, list_of(bench, 0x1c, {{2, 0x08}})) == "GOOD");
}

TEST_CASE("B2.05 a reset brings the mode pages back to their defaults") {
  UnitBench bench;
  REQUIRE(select(bench, list_of(bench, 0x0a, {{4, 0x08}, {5, 0x40}})) == "GOOD");
  bench.unit.reset(ResetKind::logical_unit);
  CHECK_FALSE(bench.unit.task_aborted_status());
  CHECK(bench.ready() == "6/29/03");
  CHECK(sense_6(bench, 0x0a)[8] == 0x00);
}

}  // namespace mode_commands_test
