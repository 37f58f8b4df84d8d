#include "config/identity.hpp"

#include <doctest/doctest.h>

#include <set>

namespace identity_test {

using namespace faultlun::config;

TEST_CASE("the identity of a unit never changes: hosts remember it") {
  const Identity lab = identity_of("iqn.2026-11.example.faultlun:lab", 0);
  CHECK(lab.serial == "9ac9e8d190b034e9");
  CHECK(lab.naa == "602fa171c82dccc19ac9e8d190b034e9");
}

TEST_CASE("a derived NAA identifier is of format 6 with the locally administered company id") {
  for (const std::uint16_t lun : std::initializer_list<std::uint16_t>{0, 1, 255, 256, 16383}) {
    const Identity identity = identity_of("iqn.2026-11.example.faultlun:lab", lun);
    CHECK(identity.naa.size() == 32);
    CHECK(identity.naa.starts_with("602fa17"));
    CHECK(identity.serial.size() == 16);
  }
}

TEST_CASE("every unit of every target has an identity of its own (B6.06)") {
  std::set<std::string> seen;
  for (const char* target : {"iqn.2026-11.example.faultlun:a", "iqn.2026-11.example.faultlun:b",
                             "iqn.2026-11.example.faultlun:a1"}) {
    for (std::uint16_t lun = 0; lun <= kMaxLun; ++lun) {
      const Identity identity = identity_of(target, lun);
      CHECK(seen.insert(identity.serial).second);
      CHECK(seen.insert(identity.naa).second);
    }
  }
}

TEST_CASE("what is given is kept and only what is missing is derived") {
  Config config;
  config.portals = {{.listen = {"127.0.0.1", 1}, .advertise = {}, .group = 7},
                    {.listen = {"127.0.0.1", 2}, .advertise = {}, .group = 2},
                    {.listen = {"127.0.0.1", 3}, .advertise = {}, .group = 7}};
  config.targets.resize(2);
  config.targets[0].name = "iqn.2026-11.example:a";
  config.targets[0].luns.resize(1);
  config.targets[0].luns[0].serial = "mine";
  config.targets[1].portal_groups = {2};
  fill_derived(config);
  CHECK(config.targets[0].portal_groups == std::vector<std::uint16_t>{2, 7});
  CHECK(config.targets[1].portal_groups == std::vector<std::uint16_t>{2});
  CHECK(config.targets[0].luns[0].serial == "mine");
  CHECK(config.targets[0].luns[0].naa == identity_of("iqn.2026-11.example:a", 0).naa);
}

TEST_CASE("NAA digits become big-endian words") {
  CHECK(naa_words("600508b1001c0123456789abcdef0011") ==
        std::array<std::uint64_t, 2>{0x600508b1001c0123, 0x456789abcdef0011});
  CHECK(naa_words("") == std::array<std::uint64_t, 2>{0, 0});
}

TEST_CASE("the physical block exponent counts logical blocks") {
  Lun lun;
  CHECK(physical_block_exponent(lun) == 3);
  lun.block_size = 4096;
  CHECK(physical_block_exponent(lun) == 0);
  lun.physical_block_size = 65536;
  CHECK(physical_block_exponent(lun) == 4);
}

}  // namespace identity_test
