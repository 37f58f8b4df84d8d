#include "protocol/scsi/mode_pages.hpp"

#include "tests/unit/protocol/scsi/unit_bench.hpp"

namespace mode_pages_test {

using namespace faultlun;
using namespace faultlun::scsi;

TEST_CASE("every page is found by its code and subpage, others are not") {
  const auto table = mode_page_table();
  REQUIRE(table.size() == kModePageCount);
  for (std::size_t i = 0; i < table.size(); ++i)
    CHECK(find_mode_page(table[i].page, table[i].subpage) == i);
  CHECK_FALSE(find_mode_page(0x08, 0x01).has_value());
  CHECK_FALSE(find_mode_page(0x19, 0x00).has_value());
}

TEST_CASE("WCE begins as the profile says") {
  auto profile = small_disk();
  CHECK(ModePages(profile).write_cache_enabled());
  profile.write_cache = false;
  CHECK_FALSE(ModePages(profile).write_cache_enabled());
}

TEST_CASE("QERR, TST and UA_INTLCK_CTRL are zero and BUSY TIMEOUT PERIOD is not") {
  const ModePages modes(small_disk());
  const auto control = modes.current(*find_mode_page(0x0a, 0));
  CHECK(control.size() == 12);
  CHECK(modes.task_set_type() == 0);
  CHECK((control[3] & 0x06) == 0);
  CHECK((control[4] & 0x30) == 0);
  CHECK(bytes::be16(&control[8]) != 0);
}

TEST_CASE("assigned values are the current ones and make two sets differ") {
  const ModePages before(small_disk());
  ModePages after = before;
  const auto index = *find_mode_page(0x0a, 0);
  bytes::Buffer control(after.current(index).begin(), after.current(index).end());
  control[2] = static_cast<std::uint8_t>(control[2] | 0x04);
  after.assign(index, control);
  CHECK(after.descriptor_sense());
  CHECK_FALSE(after == before);
}

}  // namespace mode_pages_test
