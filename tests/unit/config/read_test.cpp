#include "config/read.hpp"

#include "tests/unit/config/bench.hpp"

namespace read_test {

using namespace faultlun::config;
using namespace faultlun::config::test;
using namespace std::chrono_literals;
using faultlun::lun_backends::BackendSpec;

namespace {

Config read_full() {
  const LoadResult result = test::load(full());
  CAPTURE(all(result.errors));
  REQUIRE(result.config);
  return *result.config;
}

struct Wrong {
  const char* pointer;
  const char* json;
  const char* path;
  const char* reason;
};

void check_all_refused(std::span<const Wrong> rows) {
  for (const Wrong& row : rows)
    check_refused(with(row.pointer, row.json), row.path, row.reason);
}

}  // namespace

TEST_CASE("every key arrives in the model") {
  const Config config = read_full();
  CHECK(config.seed == 0x5eed);
  REQUIRE(config.portals.size() == 2);
  CHECK(config.portals[0] == Portal{{"127.0.0.1", 3260}, Endpoint{"192.0.2.10", 3260}, 1});
  CHECK(config.portals[1] == Portal{{"::1", 3260}, {}, 2});
  CHECK(config.control.listen == Endpoint{"127.0.0.1", 8326});
  CHECK(config.control.token_file == "token");
  REQUIRE(config.discovery_auth);
  CHECK(config.discovery_auth->user == "finder");
  CHECK(config.discovery_auth->mutual->secret_file == "discovery2");
  CHECK(config.send_targets_all_in_normal_session);
  CHECK(config.limits == Limits{10, 20, 30, 1s, 10s, 2s});
  REQUIRE(config.targets.size() == 1);
  const Target& target = config.targets[0];
  CHECK(target.name == "iqn.2026-11.example.faultlun:a");
  CHECK(target.alias == "A");
  CHECK(target.portal_groups == std::vector<std::uint16_t>{2, 1});
  CHECK(target.auth->user == "u");
  CHECK(target.auth->secret_file == "chap");
  CHECK(target.auth->mutual->user == "t");
  CHECK(target.auth->mutual->secret_file == "mutual");
  CHECK(target.initiators == std::vector<std::string>{"iqn.1991-05.com.microsoft:*"});
  CHECK(target.redirect == Redirect{{"disks.example", 3260}, true});
  CHECK_FALSE(target.power_on_unit_attention);
}

TEST_CASE(
    "every key of a unit arrives in the model, and its backend knows block size and write "
    "protection") {
  const Config config = read_full();
  const Lun& lun = config.targets[0].luns[0];
  CHECK(lun.backend == BackendSpec{.kind = BackendSpec::Kind::memory,
                                   .size_bytes = 1 << 30,
                                   .path = "",
                                   .read_only = true,
                                   .writes = BackendSpec::Writes::drop,
                                   .block_size = 4096});
  CHECK(lun.lun == 0);
  CHECK(lun.block_size == 4096);
  CHECK(lun.physical_block_size == 8192);
  CHECK(lun.read_only);
  CHECK(lun.removable);
  CHECK_FALSE(lun.thin);
  CHECK_FALSE(lun.write_cache);
  CHECK(lun.rotational);
  CHECK(lun.vendor == "V");
  CHECK(lun.product == "P");
  CHECK(lun.revision == "R");
  CHECK(lun.serial == "S");
  CHECK(lun.naa == "602fa17000000000acce000000000001");
}

TEST_CASE("a range of LUNs becomes one unit for each number, each with a file of its own") {
  const Config config = read_full();
  REQUIRE(config.targets[0].luns.size() == 6);
  CHECK(config.targets[0].luns[1].backend.path == "disk1.img");
  CHECK(config.targets[0].luns[2].lun == 2);
  CHECK(config.targets[0].luns[5].lun == 5);
  CHECK(config.targets[0].luns[5].backend.writes == BackendSpec::Writes::check);
  const LoadResult files = test::load(
      with("/targets/0/luns/2",
           R"({"lun": "7-8", "backend": {"kind": "file", "path": "{lun}/d{lun}", "size": 512}})"));
  REQUIRE(files.config);
  CHECK(files.config->targets[0].luns[2].backend.path == "7/d7");
  CHECK(files.config->targets[0].luns[3].backend.path == "8/d8");
}

TEST_CASE("a LUN may be a number, a number in quotes or a range of one") {
  for (const char* lun : {"16383", "\"16383\"", "\"16383-16383\""}) {
    const LoadResult result = test::load(with("/targets/0/luns/1/lun", lun));
    REQUIRE(result.config);
    CHECK(result.config->targets[0].luns[1].lun == 16383);
  }
}

TEST_CASE("memory and file are thin unless told otherwise, pattern and null are not") {
  const auto thin = [](const char* backend) {
    return test::load(with("/targets/0/luns/1/backend", backend)).config->targets[0].luns[1].thin;
  };
  CHECK(thin(R"({"kind": "memory", "size": 512})"));
  CHECK(thin(R"({"kind": "file", "path": "x"})"));
  CHECK_FALSE(thin(R"({"kind": "pattern", "size": 512})"));
  CHECK_FALSE(thin(R"({"kind": "null", "size": 512})"));
}

TEST_CASE("an NAA identifier is kept in lower case") {
  const LoadResult result =
      test::load(with("/targets/0/luns/0/naa", R"("602FA17000000000ACCE00000000000F")"));
  REQUIRE(result.config);
  CHECK(result.config->targets[0].luns[0].naa == "602fa17000000000acce00000000000f");
}

TEST_CASE("a target without portal groups is reached through all of them") {
  const LoadResult result = test::load(without("/targets/0", "portal_groups"));
  REQUIRE(result.config);
  CHECK(result.config->targets[0].portal_groups == std::vector<std::uint16_t>{1, 2});
}

TEST_CASE("the control API may be a Unix socket") {
  const LoadResult result = test::load(with("/control/listen", R"("unix:/run/faultlun.sock")"));
  REQUIRE(result.config);
  CHECK(result.config->control.unix_path == "/run/faultlun.sock");
  CHECK(control_address_text(result.config->control) == "unix:/run/faultlun.sock");
}

TEST_CASE("wrong values at the top are refused") {
  const Wrong rows[] = {
      {"/seed", "-1", "seed", "0x5eed"},
      {"/seed", "\"0xg\"", "seed", "is not a seed"},
      {"/seed", "18446744073709551616", "seed", "0x5eed"},
      {"/portals", "{}", "portals", "array"},
      {"/portals", "[]", "portals", "nobody can connect"},
      {"/portals/1", "7", "portals[1]", "object"},
      {"/portals/1/listen", "\"[::1]\"", "portals[1].listen", "no port"},
      {"/portals/1/listen", "3260", "portals[1].listen", "string"},
      {"/portals/1/lisen", "\"[::1]:1\"", "portals[1].lisen", "did you mean \"listen\""},
      {"/portals/0/advertise", "\"0.0.0.0:3260\"", "portals[0].advertise",
       "no address to connect to"},
      {"/portals/0/advertise", "\"192.0.2.1:0\"", "portals[0].advertise", "port 0"},
      {"/portals/1/group", "0", "portals[1].group", "from 1 to 65535"},
      {"/portals/1/group", "65536", "portals[1].group", "from 1 to 65535"},
      {"/control", "\"127.0.0.1:8326\"", "control", "object"},
      {"/control/listen", "\"unix:\"", "control.listen", "no path"},
      {"/control/listen", "\"localhost:8326\"", "control.listen", "unix:PATH"},
      {"/control/token_file", "\"\"", "control.token_file", "empty"},
      {"/control/tokenfile", "\"x\"", "control.tokenfile", "did you mean \"token_file\""},
      {"/discovery_auth/user", "5", "discovery_auth.user", "string"},
      {"/discovery_auth/mutual/secret", "\"x\"", "discovery_auth.mutual.secret",
       "did you mean \"secret_file\""},
      {"/send_targets_all_in_normal_session", "1", "send_targets_all_in_normal_session",
       "true or false"},
      {"/targets", "{}", "targets", "array"},
      {"/targets/0", "null", "targets[0]", "object"},
      {"/rules", R"([{"id": "busy"}])", "rules[0].effect", "missing"},
      {"/rules", R"([{"id": "busy", "observe": true, "gate": {"every": 0}}])",
       "rules[0].gate.every", "from 1"},
      {"/rules", "{}", "rules", "array"},
      {"/colour", "1", "colour", "unknown key"},
  };
  check_all_refused(rows);
  check_accepted(with("/control/listen", "\"unix:" + std::string(107, 'p') + "\""));
  check_refused(with("/control/listen", "\"unix:" + std::string(108, 'p') + "\""), "control.listen",
                "at most 107");
}

TEST_CASE("wrong limits are refused") {
  const Wrong rows[] = {
      {"/limits", "[]", "limits", "object"},
      {"/limits/max_sessions", "0", "limits.max_sessions", "from 1 to 65535"},
      {"/limits/max_sessions", "65536", "limits.max_sessions", "from 1 to 65535"},
      {"/limits/max_sesions", "5", "limits.max_sesions", "did you mean \"max_sessions\""},
      {"/limits/max_connections_per_portal", "1.5", "limits.max_connections_per_portal",
       "whole number"},
      {"/limits/command_window", "0", "limits.command_window", "from 1 to 65535"},
      {"/limits/command_window", "65536", "limits.command_window", "from 1 to 65535"},
      {"/limits/login_timeout", "\"99ms\"", "limits.login_timeout", "from 100ms to 1h"},
      {"/limits/login_timeout", "\"61min\"", "limits.login_timeout", "from 100ms to 1h"},
      {"/limits/login_timeout", "15", "limits.login_timeout", "duration"},
      {"/limits/nop_interval", "\"25h\"", "limits.nop_interval", "from 0s to 24h"},
      {"/limits/nop_timeout", "\"0s\"", "limits.nop_timeout", "from 100ms to 1h"},
  };
  check_all_refused(rows);
}

TEST_CASE("wrong values of a target are refused") {
  const Wrong rows[] = {
      {"/targets/0/name", "5", "targets[0].name", "string"},
      {"/targets/0/name", "\"iqn.2026-11.a\\n\"", "targets[0].name", "control character"},
      {"/targets/0/alias", "null", "targets[0].alias", "string"},
      {"/targets/0/portal_groups", "1", "targets[0].portal_groups", "array"},
      {"/targets/0/portal_groups", "[]", "targets[0].portal_groups", "nobody reaches"},
      {"/targets/0/portal_groups", "[1, -2]", "targets[0].portal_groups[1]", "from 1 to 65535"},
      {"/targets/0/auth", "\"lab\"", "targets[0].auth", "object"},
      {"/targets/0/auth/user", "\"\"", "targets[0].auth.user", "empty"},
      {"/targets/0/auth/secret", "\"hunter2\"", "targets[0].auth.secret",
       "did you mean \"secret_file\""},
      {"/targets/0/auth/secret_file", "[]", "targets[0].auth.secret_file", "string"},
      {"/targets/0/auth/mutual", "true", "targets[0].auth.mutual", "object"},
      {"/targets/0/auth/mutual/user", "1", "targets[0].auth.mutual.user", "string"},
      {"/targets/0/auth/mutual/colour", "1", "targets[0].auth.mutual.colour", "unknown key"},
      {"/targets/0/initiators", "\"*\"", "targets[0].initiators", "array"},
      {"/targets/0/initiators/0", "7", "targets[0].initiators[0]", "string"},
      {"/targets/0/luns", "{}", "targets[0].luns", "array"},
      {"/targets/0/luns/1", "\"x\"", "targets[0].luns[1]", "object"},
      {"/targets/0/redirect", "\"192.0.2.1:3260\"", "targets[0].redirect", "object"},
      {"/targets/0/redirect/address", "\"[::]:3260\"", "targets[0].redirect.address",
       "no address to connect to"},
      {"/targets/0/redirect/permanent", "\"yes\"", "targets[0].redirect.permanent",
       "true or false"},
      {"/targets/0/redirect/to", "1", "targets[0].redirect.to", "unknown key"},
      {"/targets/0/power_on_unit_attention", "0", "targets[0].power_on_unit_attention",
       "true or false"},
      {"/targets/0/lun", "[]", "targets[0].lun", "did you mean \"luns\""},
  };
  check_all_refused(rows);
  check_accepted(with("/targets/0/auth/user", "\"" + std::string(255, 'u') + "\""));
  check_refused(with("/targets/0/auth/user", "\"" + std::string(256, 'u') + "\""),
                "targets[0].auth.user", "the most is 255");
  check_accepted(with("/targets/0/auth/secret_file", "\"" + std::string(4096, 'f') + "\""));
  check_refused(with("/targets/0/auth/secret_file", "\"" + std::string(4097, 'f') + "\""),
                "targets[0].auth.secret_file", "the most is 4096");
}

TEST_CASE("wrong values of a unit are refused") {
  const Wrong rows[] = {
      {"/targets/0/luns/1/lun", "-1", "targets[0].luns[1].lun", "from 0 to 16383"},
      {"/targets/0/luns/1/lun", "16384", "targets[0].luns[1].lun", "from 0 to 16383"},
      {"/targets/0/luns/1/lun", "\"16384\"", "targets[0].luns[1].lun", "from 0 to 16383"},
      {"/targets/0/luns/1/lun", "\"7-\"", "targets[0].luns[1].lun", "range"},
      {"/targets/0/luns/1/lun", "\"-7\"", "targets[0].luns[1].lun", "range"},
      {"/targets/0/luns/1/lun", "\"7-8-9\"", "targets[0].luns[1].lun", "range"},
      {"/targets/0/luns/1/lun", "\"7 - 8\"", "targets[0].luns[1].lun", "range"},
      {"/targets/0/luns/1/lun", "\"9-8\"", "targets[0].luns[1].lun", "backwards"},
      {"/targets/0/luns/1/lun", "\"\"", "targets[0].luns[1].lun", "empty"},
      {"/targets/0/luns/1/type", "\"tape\"", "targets[0].luns[1].type", "known: disk"},
      {"/targets/0/luns/1/backend", "\"memory\"", "targets[0].luns[1].backend", "object"},
      {"/targets/0/luns/1/block_size", "\"512\"", "targets[0].luns[1].block_size", "whole number"},
      {"/targets/0/luns/1/block_size", "520", "targets[0].luns[1].block_size", "512 or 4096"},
      {"/targets/0/luns/1/block_size", "0", "targets[0].luns[1].block_size", "whole number"},
      {"/targets/0/luns/1/physical_block_size", "-4096", "targets[0].luns[1].physical_block_size",
       "whole number"},
      {"/targets/0/luns/1/read_only", "0", "targets[0].luns[1].read_only", "true or false"},
      {"/targets/0/luns/1/removable", "\"\"", "targets[0].luns[1].removable", "true or false"},
      {"/targets/0/luns/1/thin", "null", "targets[0].luns[1].thin", "true or false"},
      {"/targets/0/luns/1/write_cache", "[]", "targets[0].luns[1].write_cache", "true or false"},
      {"/targets/0/luns/1/rotational", "7200", "targets[0].luns[1].rotational", "true or false"},
      {"/targets/0/luns/1/vendor", "1", "targets[0].luns[1].vendor", "string"},
      {"/targets/0/luns/1/serial", "\"\"", "targets[0].luns[1].serial", "empty"},
      {"/targets/0/luns/1/serial", "12", "targets[0].luns[1].serial", "string"},
      {"/targets/0/luns/1/naa", "6", "targets[0].luns[1].naa", "string"},
      {"/targets/0/luns/1/readonly", "true", "targets[0].luns[1].readonly",
       "did you mean \"read_only\""},
      {"/targets/0/luns/2/serial", "\"X\"", "targets[0].luns[2].serial", "every LUN of a range"},
      {"/targets/0/luns/2/naa", "\"602fa17000000000acce000000000002\"", "targets[0].luns[2].naa",
       "every LUN of a range"},
      {"/targets/0/luns/2/backend", R"({"kind": "file", "path": "disk.img", "size": 512})",
       "targets[0].luns[2].backend.path", "{lun}"},
  };
  check_all_refused(rows);
}

TEST_CASE("wrong values of a backend are refused") {
  const Wrong rows[] = {
      {"/targets/0/luns/0/backend/kind", "\"ram\"", "targets[0].luns[0].backend.kind",
       "known: memory, file, pattern and null"},
      {"/targets/0/luns/0/backend/kind", "0", "targets[0].luns[0].backend.kind", "one of"},
      {"/targets/0/luns/0/backend/size", "\"1G\"", "targets[0].luns[0].backend.size", "unit"},
      {"/targets/0/luns/0/backend/size", "0", "targets[0].luns[0].backend.size", "is 0"},
      {"/targets/0/luns/0/backend/size", "\"0MiB\"", "targets[0].luns[0].backend.size", "is 0"},
      {"/targets/0/luns/1/backend/size", "0", "targets[0].luns[1].backend.size", "is 0"},
      {"/targets/0/luns/0/backend/size", "-1", "targets[0].luns[0].backend.size", "512MiB"},
      {"/targets/0/luns/0/backend/path", "\"disk.img\"", "targets[0].luns[0].backend.path",
       "\"file\""},
      {"/targets/0/luns/0/backend/writes", "\"drop\"", "targets[0].luns[0].backend.writes",
       "\"pattern\""},
      {"/targets/0/luns/2/backend/writes", "\"keep\"", "targets[0].luns[2].backend.writes",
       "known: drop and check"},
      {"/targets/0/luns/1/backend/path", "\"\"", "targets[0].luns[1].backend.path", "empty"},
      {"/targets/0/luns/1/backend/paht", "\"x\"", "targets[0].luns[1].backend.paht",
       "did you mean \"path\""},
      {"/targets/0/luns/1/backend", R"({"kind": "memory"})", "targets[0].luns[1].backend.size",
       "missing"},
      {"/targets/0/luns/1/backend", R"({"kind": "null"})", "targets[0].luns[1].backend.size",
       "missing"},
      {"/targets/0/luns/1/backend", R"({"kind": "file"})", "targets[0].luns[1].backend.path",
       "missing"},
      {"/targets/0/luns/1/backend", "{}", "targets[0].luns[1].backend.kind", "missing"},
  };
  check_all_refused(rows);
}

TEST_CASE("more units than the limit are refused, and the limit itself is not") {
  Tree tree = full();
  const Tree pattern =
      Tree::parse(R"({"lun": "0-16383", "backend": {"kind": "pattern", "size": "1TiB"}})");
  Tree target = Tree::parse(R"({"name": "", "luns": []})");
  target["luns"].push_back(pattern);
  tree["targets"] = Tree::array();
  for (const char* name : {"iqn.2026-11.example:a", "iqn.2026-11.example:b",
                           "iqn.2026-11.example:c", "iqn.2026-11.example:d"}) {
    target["name"] = name;
    tree["targets"].push_back(target);
  }
  check_accepted(tree);
  target["name"] = "iqn.2026-11.example:e";
  tree["targets"].push_back(target);
  check_refused(tree, "targets[4].luns[0]", "65536");
  target["name"] = "iqn.2026-11.example:f";
  tree["targets"].push_back(target);
  Problems problems;
  const Reading reading = read_config(Value(&tree, "", problems));
  CHECK(problems.list().size() == 2);
  CHECK(reading.config.targets[4].luns.empty());
  CHECK(reading.config.targets[5].luns.empty());
}

TEST_CASE("more portals, targets or initiators than the limit are refused") {
  Tree tree = full();
  for (std::size_t i = 0; i <= kMaxInitiators; ++i)
    tree["targets"][0]["initiators"].push_back("iqn.*");
  check_refused(tree, "targets[0].initiators", "the most is 4096");
  tree = full();
  for (std::size_t i = 0; i < kMaxTargets; ++i)
    tree["targets"].push_back(nullptr);
  check_refused(tree, "targets", "the most is 4096");
}

}  // namespace read_test
