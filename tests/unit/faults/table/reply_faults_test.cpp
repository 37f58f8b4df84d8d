#include "tests/unit/faults/table/build_bench.hpp"

#include <algorithm>

namespace faultlun::faults::reply_faults_test {
namespace {

using namespace testing;
using How = Patch::Edit::How;

std::vector<Arguments> one_edit(std::string_view id, std::uint64_t offset, std::string_view hex,
                                std::string_view how) {
  return {
      members(id, "edits", {{"offset", number(offset)}, {"hex", octets(hex)}, {"how", text(how)}})};
}

TEST_CASE("the reply family has every fault of the model, explained") {
  check_rows(reply_faults());
  for (const std::string_view id :
       {"scsi.inquiry", "scsi.vpd", "scsi.mode", "scsi.readcap", "scsi.rlun"}) {
    CAPTURE(id);
    CHECK(std::ranges::find(reply_faults(), id, &FaultRow::id) != reply_faults().end());
  }
}

TEST_CASE("a patch that changes nothing is refused") {
  for (const auto& row : reply_faults()) {
    CAPTURE(row.id);
    CHECK(refused(row.id, {}).empty());
  }
  CHECK(refused("scsi.vpd", {{"page", number(0x80)}}).empty());
  CHECK(refused("scsi.readcap", {{"only", text("10")}}).empty());
}

TEST_CASE("edits come in order, each with its way") {
  for (const auto& [word, how] :
       {std::pair{"set", How::set}, std::pair{"xor", How::exclusive_or},
        std::pair{"or", How::set_bits}, std::pair{"clear", How::clear_bits}}) {
    const auto patch =
        built<Patch>("scsi.inquiry", {{"edits", one_edit("scsi.inquiry", 7, "02 ff", word)}});
    REQUIRE(patch.edits.size() == 1);
    CHECK(patch.edits[0] == Patch::Edit{7, {0x02, 0xff}, how});
  }
}

TEST_CASE("scsi.inquiry: identity, RMB and truncation") {
  const auto patch = built<Patch>("scsi.inquiry", {{"vendor", text("ACME")},
                                                   {"product", text("TURBO")},
                                                   {"revision", text("9999")},
                                                   {"removable", true},
                                                   {"truncate", number(5)}});
  CHECK(patch.page == Patch::Page::inquiry);
  CHECK(patch.identity.vendor == "ACME");
  CHECK(patch.identity.product == "TURBO");
  CHECK(patch.identity.revision == "9999");
  CHECK(patch.edits == std::vector<Patch::Edit>{{1, {0x80}, How::set_bits}});
  CHECK(patch.truncate == 5);
}

TEST_CASE("scsi.vpd: what is changed must be in the page that is named") {
  const Given serial{"serial", text("X1")}, naa{"naa", octets("6001020304050607")};
  const auto patch = built<Patch>("scsi.vpd", {serial, naa});
  CHECK_FALSE(patch.code.has_value());
  CHECK(patch.identity.serial == "X1");
  CHECK(patch.identity.naa.size() == 8);
  CHECK(built<Patch>("scsi.vpd", {serial, {"page", number(0x80)}}).code == 0x80);
  CHECK(refused("scsi.vpd", {serial, {"page", number(0xb0)}}) == "page");
  CHECK(refused("scsi.vpd", {naa, {"page", number(0x80)}}) == "page");
  CHECK(refused("scsi.vpd", {{"truncate", number(3)}}) == "page");
  CHECK(refused("scsi.vpd", {{"edits", one_edit("scsi.vpd", 1, "00", "set")}}) == "page");
  CHECK(refused("scsi.vpd", {{"naa", octets("600102030405060708")}}) == "naa");
}

TEST_CASE("scsi.mode: WCE is a bit of page 8, WP is of the header, edits want a page") {
  const auto lie = built<Patch>("scsi.mode", {{"wce", false}, {"write_protected", true}});
  CHECK(lie.code == 0x08);
  CHECK(lie.edits == std::vector<Patch::Edit>{{2, {0x04}, How::clear_bits}});
  CHECK(lie.write_protected == true);
  CHECK(built<Patch>("scsi.mode", {{"wce", true}}).edits[0].how == How::set_bits);
  CHECK(refused("scsi.mode", {{"wce", true}, {"page", number(0x0a)}}) == "wce");
  CHECK(refused("scsi.mode", {{"edits", one_edit("scsi.mode", 2, "ff", "xor")}}) == "page");
  CHECK(refused("scsi.mode", {{"page", number(0x0a)},
                              {"edits", one_edit("scsi.mode", 2, "ff", "xor")}}) == "accepted");
}

TEST_CASE("scsi.readcap: of both commands or one") {
  const auto patch =
      built<Patch>("scsi.readcap", {{"last_lba", number(99)}, {"block_size", number(4096)}});
  CHECK(patch.page == Patch::Page::capacity);
  CHECK(patch.last_lba == 99);
  CHECK(patch.block_size == 4096U);
  CHECK_FALSE(patch.only_10);
  CHECK_FALSE(patch.only_16);
  CHECK(built<Patch>("scsi.readcap", {{"last_lba", number(9)}, {"only", text("10")}}).only_10);
  CHECK(built<Patch>("scsi.readcap", {{"last_lba", number(9)}, {"only", text("16")}}).only_16);
}

TEST_CASE("scsi.rlun: LUNs added and left out") {
  using Numbers = std::vector<std::uint64_t>;
  const auto patch = built<Patch>("scsi.rlun", {{"add", Numbers{7}}, {"hide", Numbers{1, 300}}});
  CHECK(patch.page == Patch::Page::luns);
  CHECK(patch.add_luns == std::vector<std::uint16_t>{7});
  CHECK(patch.hide_luns == std::vector<std::uint16_t>{1, 300});
}

}  // namespace
}  // namespace faultlun::faults::reply_faults_test
