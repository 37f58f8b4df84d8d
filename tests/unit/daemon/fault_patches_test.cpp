// Parameter data changed on its way out: apply(), widened() and cut_to_allocation() of
// fault_replies.hpp, on what a real unit answers.
#include "daemon/fault_replies.hpp"
#include "tests/unit/faults/table/build_bench.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

#include <string>
#include <vector>

namespace faultlun::daemon::fault_patches_test {
namespace {

using namespace faults::testing;
using faults::Patch;
using scsi::cdb_of;
using scsi::UnitBench;

/// A command to a real unit, patched the way the header says.
bytes::Buffer patched(UnitBench& unit, const scsi::Cdb& cdb, const Patch& patch) {
  auto reply = unit.ask(widened(cdb));
  apply(patch, cdb, reply);
  cut_to_allocation(cdb, reply);
  CHECK(reply.data_in_length == reply.data_in.size());
  return reply.data_in;
}
std::string part(const bytes::Buffer& data, std::size_t at, std::size_t length) {
  REQUIRE(data.size() >= at + length);
  return std::string(bytes::text(bytes::View(data).subspan(at, length)));
}
std::vector<faults::Arguments> one_edit(std::string_view id, std::uint64_t offset,
                                        std::string_view hex, std::string_view how) {
  return {
      members(id, "edits", {{"offset", number(offset)}, {"hex", octets(hex)}, {"how", text(how)}})};
}

TEST_CASE("scsi.inquiry changes identity and bits, and leaves VPD pages alone") {
  UnitBench unit;
  const auto standard = cdb_of({0x12, 0, 0, 0, 0xff, 0});
  const auto vital = cdb_of({0x12, 1, 0x80, 0, 0xff, 0});
  const auto patch = built<Patch>("scsi.inquiry", {{"vendor", text("ACME")},
                                                   {"product", text("TURBO")},
                                                   {"revision", text("9999")},
                                                   {"removable", true}});
  const auto data = patched(unit, standard, patch);
  CHECK(data.size() == 96);
  CHECK(part(data, 8, 28) == "ACME    TURBO           9999");
  CHECK(data[1] == 0x80);
  CHECK(patched(unit, vital, patch) == unit.ask(vital).data_in);
}

TEST_CASE("edits set, turn, raise and clear bits, and end where the data ends") {
  UnitBench unit;
  const auto cdb = cdb_of({0x12, 0, 0, 0, 0xff, 0});
  const auto with = [&](std::uint64_t at, std::string_view hex, std::string_view how) {
    return patched(
        unit, cdb,
        built<Patch>("scsi.inquiry", {{"edits", one_edit("scsi.inquiry", at, hex, how)}}));
  };
  CHECK(with(2, "05", "set")[2] == 0x05);
  CHECK(with(3, "ff", "xor")[3] == (0x12 ^ 0xff));
  CHECK(with(3, "01", "or")[3] == 0x13);
  CHECK(with(3, "10", "clear")[3] == 0x02);
  const auto end = with(95, "aa bb cc", "set");
  CHECK(end.size() == 96);
  CHECK(end[95] == 0xaa);
  CHECK(with(200, "aa", "set") == unit.ask(cdb).data_in);
}

TEST_CASE("truncation leaves the lengths in the data as they were") {
  UnitBench unit;
  const auto cdb = cdb_of({0x12, 0, 0, 0, 0xff, 0});
  const auto data = patched(unit, cdb, built<Patch>("scsi.inquiry", {{"truncate", number(5)}}));
  CHECK(bytes::to_hex(data) == "00 00 06 12 5b");
  CHECK(patched(unit, cdb, built<Patch>("scsi.inquiry", {{"truncate", number(500)}})).size() == 96);
}

TEST_CASE("scsi.vpd: a serial number changes pages 80h and 83h, with their lengths") {
  UnitBench unit;
  const auto patch = built<Patch>("scsi.vpd", {{"serial", text("DUPLICATE")}});
  const auto serial = patched(unit, cdb_of({0x12, 1, 0x80, 0, 0xff, 0}), patch);
  CHECK(bytes::to_hex(bytes::View(serial).first(4)) == "00 80 00 09");
  CHECK(part(serial, 4, 9) == "DUPLICATE");
  const auto id = cdb_of({0x12, 1, 0x83, 4, 0, 0});
  const auto before = unit.ask(id).data_in;
  const auto after = patched(unit, id, patch);
  CHECK(after.size() == before.size() + 3);
  CHECK(bytes::be16(&after[2]) == after.size() - 4);
  CHECK(std::equal(before.begin() + 4, before.begin() + 24, after.begin() + 4));  // the NAA one
  CHECK(after[27] == 24 + 9);
  CHECK(part(after, 28, 33) == "FAULTLUNVIRTUAL DISK    DUPLICATE");
  CHECK(std::equal(before.begin() + 28 + 30, before.end(), after.begin() + 28 + 33));
  const auto other = cdb_of({0x12, 1, 0xb0, 0, 0xff, 0});
  CHECK(patched(unit, other, patch) == unit.ask(other).data_in);
}

TEST_CASE("scsi.vpd: another NAA designator and vendor in page 83h") {
  UnitBench unit;
  const auto id = cdb_of({0x12, 1, 0x83, 4, 0, 0});
  const auto before = unit.ask(id).data_in;
  const auto long_one =
      patched(unit, id,
              built<Patch>("scsi.vpd", {{"naa", octets("600140512345678900000000000000ff")},
                                        {"vendor", text("ACME")}}));
  CHECK(long_one.size() == before.size());
  CHECK(bytes::to_hex(bytes::View(long_one).subspan(4, 20)) ==
        "01 03 00 10 60 01 40 51 23 45 67 89 00 00 00 00 00 00 00 ff");
  CHECK(part(long_one, 28, 8) == "ACME    ");
  const auto short_one =
      patched(unit, id, built<Patch>("scsi.vpd", {{"naa", octets("5001405123456789")}}));
  CHECK(short_one.size() == before.size() - 8);
  CHECK(bytes::to_hex(bytes::View(short_one).first(16)) ==
        "00 83 00 " + bytes::to_hex(bytes::View(short_one).subspan(3, 1)) +
            " 01 03 00 08 50 01 40 51 23 45 67 89");
  CHECK(bytes::be16(&short_one[2]) == short_one.size() - 4);
}

TEST_CASE("a page is changed whole and then cut to the ALLOCATION LENGTH") {
  UnitBench unit;
  const auto patch = built<Patch>("scsi.vpd", {{"serial", text("LONGER-THAN-BEFORE")}});
  const auto cut = patched(unit, cdb_of({0x12, 1, 0x80, 0, 10, 0}), patch);
  CHECK(cut.size() == 10);
  CHECK(cut[3] == 18);  // the PAGE LENGTH tells of all
  CHECK(part(cut, 4, 6) == "LONGER");
  CHECK(patched(unit, cdb_of({0x12, 1, 0x80, 0, 0, 0}), patch).empty());
}

TEST_CASE("scsi.mode changes a page wherever it lies, and WP in the header") {
  UnitBench unit;
  const auto lie = built<Patch>("scsi.mode", {{"wce", false}, {"write_protected", true}});
  for (const auto& cdb :
       {cdb_of({0x1a, 0, 0x08, 0, 0xff, 0}), cdb_of({0x1a, 8, 0x08, 0, 0xff, 0}),
        cdb_of({0x1a, 0, 0x3f, 0, 0xff, 0}), cdb_of({0x1a, 0, 0x3f, 0xff, 0xff, 0}),
        cdb_of({0x5a, 0, 0x08, 0, 0, 0, 0, 0, 0xff, 0}),
        cdb_of({0x5a, 0x10, 0x3f, 0xff, 0, 0, 0, 0, 0xff, 0})}) {
    const auto before = unit.ask(cdb).data_in;
    const auto after = patched(unit, cdb, lie);
    REQUIRE(after.size() == before.size());
    std::vector<std::size_t> changed;
    for (std::size_t i = 0; i < after.size(); ++i)
      if (after[i] != before[i]) changed.push_back(i);
    const bool ten = cdb.opcode() == 0x5a;
    REQUIRE(changed.size() == 2);
    CHECK(changed[0] == (ten ? 3 : 2));
    CHECK(after[changed[0]] == (before[changed[0]] | 0x80));
    CHECK((after[changed[1] - 2] & 0x3f) == 0x08);
    CHECK(after[changed[1]] == (before[changed[1]] & ~0x04));
  }
  const auto other = cdb_of({0x1a, 0, 0x0a, 0, 0xff, 0});
  CHECK(patched(unit, other, built<Patch>("scsi.mode", {{"wce", false}})) ==
        unit.ask(other).data_in);
}

TEST_CASE("scsi.mode edits count from the page, not its subpages") {
  UnitBench unit;
  const auto cdb = cdb_of({0x1a, 8, 0x0a, 0xff, 0xff, 0});
  const auto before = unit.ask(cdb).data_in;
  const auto after = patched(
      unit, cdb,
      built<Patch>("scsi.mode",
                   {{"page", number(0x0a)}, {"edits", one_edit("scsi.mode", 11, "77 88", "set")}}));
  auto wanted = before;
  wanted[4 + 11] = 0x77;  // the octet behind it is of the subpage
  CHECK(after == wanted);
}

TEST_CASE("scsi.readcap tells another capacity, of both commands or of one") {
  UnitBench unit;
  const auto ten = cdb_of({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto sixteen = cdb_of({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0});
  const Given last{"last_lba", number(0x0102030405)}, size{"block_size", number(4096)};
  const auto both = built<Patch>("scsi.readcap", {last, size});
  CHECK(bytes::to_hex(patched(unit, ten, both)) == "ff ff ff ff 00 00 10 00");
  const auto long_form = patched(unit, sixteen, both);
  CHECK(bytes::to_hex(bytes::View(long_form).first(14)) ==
        "00 00 00 01 02 03 04 05 00 00 10 00 00 03");
  CHECK(patched(unit, sixteen, built<Patch>("scsi.readcap", {last, {"only", text("10")}})) ==
        unit.ask(sixteen).data_in);
  CHECK(patched(unit, ten, built<Patch>("scsi.readcap", {last, {"only", text("16")}})) ==
        unit.ask(ten).data_in);
  const auto small = built<Patch>("scsi.readcap", {{"last_lba", number(9)}});
  CHECK(bytes::to_hex(patched(unit, ten, small)) == "00 00 00 09 00 00 02 00");
}

TEST_CASE("GET LBA STATUS shares an opcode with READ CAPACITY and is left alone") {
  const auto cdb = cdb_of({0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0});
  CHECK(widened(cdb).raw == cdb.raw);
  scsi::Reply reply;
  reply.data_in = {1, 2, 3, 4};
  apply(built<Patch>("scsi.readcap", {{"last_lba", number(9)}}), cdb, reply);
  CHECK(reply.data_in == bytes::Buffer{1, 2, 3, 4});
}

TEST_CASE("scsi.rlun and report_luns_hides change the list and its length") {
  UnitBench unit;
  unit.luns = {0, 1, 300};
  const auto cdb = cdb_of({0xa0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0});
  using Numbers = std::vector<std::uint64_t>;
  const auto patch =
      built<Patch>("scsi.rlun", {{"hide", Numbers{1, 300}}, {"add", Numbers{7, 0, 500}}});
  CHECK(bytes::to_hex(patched(unit, cdb, patch)) ==
        "00 00 00 18 00 00 00 00 00 00 00 00 00 00 00 00 00 07 00 00 00 00 00 00 41 f4 00 00 00 00 "
        "00 00");
  const auto hides = built<Patch>(
      "scsi.selection_timeout", {{"variant", text("report_luns_hides")}, {"luns", Numbers{0, 1}}});
  CHECK(bytes::to_hex(patched(unit, cdb, hides)) ==
        "00 00 00 08 00 00 00 00 41 2c 00 00 00 00 00 00");
  const auto short_list = cdb_of({0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0});
  const auto cut = patched(unit, short_list, patch);
  CHECK(cut.size() == 16);
  CHECK(cut[3] == 0x18);
  const auto well_known = cdb_of({0xa0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0, 0});
  CHECK(patched(unit, well_known, patch) == unit.ask(well_known).data_in);
}

TEST_CASE("a length that the unit refuses is not widened") {
  UnitBench unit;
  const auto cdb = cdb_of({0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0});
  CHECK(widened(cdb).raw == cdb.raw);
  CHECK(say(unit.ask(widened(cdb))) == "5/24/00 cdb 6");
}

TEST_CASE("a reply that is not GOOD is never patched") {
  const auto cdb = cdb_of({0x12, 0, 0, 0, 0xff, 0});
  auto reply = scsi::check_condition({});
  apply(built<Patch>("scsi.inquiry", {{"vendor", text("ACME")}}), cdb, reply);
  cut_to_allocation(cdb, reply);
  CHECK(reply.data_in.empty());
  CHECK(reply.data_in_length == 0);
}

TEST_CASE("patches of data that ends early change what is there") {
  const auto inquiry = cdb_of({0x12, 1, 0x83, 0, 0xff, 0}), mode = cdb_of({0x5a, 0, 0x3f});
  const auto vpd =
      built<Patch>("scsi.vpd", {{"serial", text("S")}, {"naa", octets("5001405123456789")}});
  const auto wce = built<Patch>("scsi.mode", {{"wce", true}, {"write_protected", true}});
  UnitBench unit;
  const auto page = unit.ask(widened(inquiry)).data_in;
  const auto pages = unit.ask(widened(mode)).data_in;
  for (std::size_t length = 0; length <= 120; ++length) {
    scsi::Reply reply;
    reply.data_in.assign(page.begin(),
                         page.begin() + static_cast<std::ptrdiff_t>(std::min(length, page.size())));
    apply(vpd, inquiry, reply);
    CHECK(reply.data_in_length == reply.data_in.size());
    scsi::Reply second;
    second.data_in.assign(
        pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(std::min(length, pages.size())));
    apply(wce, mode, second);
    CHECK(second.data_in.size() == std::min(length, pages.size()));
  }
}

}  // namespace
}  // namespace faultlun::daemon::fault_patches_test
