#include "config/dump.hpp"

#include "tests/unit/config/bench.hpp"
#include "tests/unit/config/random_config.hpp"

namespace dump_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

TEST_CASE("property: a dump loads and is the configuration it was made from") {
  constexpr std::uint64_t kRounds = 500;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    CAPTURE(seed);
    const Config config = RandomConfig(seed).draw();
    const LoadResult again = config::load(dump_text(config));
    CAPTURE(all(again.errors));
    REQUIRE(again.config);
    CHECK(*again.config == config);
  }
}

TEST_CASE("a dump of a dump is the same text") {
  const LoadResult first = test::load(full());
  REQUIRE(first.config);
  const std::string text = dump_text(*first.config);
  CHECK(dump_text(*config::load(text).config) == text);
}

TEST_CASE("a dump writes every default out") {
  const Tree tree = dump(default_config());
  CHECK(tree["portals"].dump() == R"([{"listen":"127.0.0.1:3260","group":1}])");
  CHECK(tree["control"].dump() == R"({"listen":"127.0.0.1:8326"})");
  CHECK(
      tree["limits"].dump() ==
      R"({"max_sessions":4096,"max_connections_per_portal":8192,"command_window":16384,"login_timeout":"15s","nop_interval":"0s","nop_timeout":"5s"})");
  CHECK(tree["rules"].dump() == "[]");
  CHECK(
      tree["targets"][0]["luns"][0].dump() ==
      R"({"lun":0,"type":"disk","backend":{"kind":"memory","size":"1GiB"},"block_size":512,"physical_block_size":4096,"read_only":false,"removable":false,)"
      R"("thin":true,"write_cache":true,"rotational":false,"vendor":"FAULTLUN","product":"VIRTUAL DISK","revision":"0001",)"
      R"("serial":"9ac9e8d190b034e9","naa":"602fa171c82dccc19ac9e8d190b034e9"})");
  CHECK_FALSE(tree.contains("seed"));
  CHECK_FALSE(tree.contains("discovery_auth"));
}

TEST_CASE("a seed is dumped as text: no editor rounds it") {
  Config config = default_config();
  config.seed = UINT64_MAX;
  CHECK(dump(config)["seed"] == "0xffffffffffffffff");
}

}  // namespace dump_test
