#include "config/validate.hpp"

#include "tests/unit/config/bench.hpp"

namespace validate_test {

using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

/// full() with another portal, target or unit behind those it has.
Tree adding(const char* array, const char* json) {
  Tree tree = full();
  tree[Tree::json_pointer(array)].push_back(Tree::parse(json));
  return tree;
}

Tree adding_unit(const char* json) {
  return adding("/targets/0/luns", json);
}

}  // namespace

TEST_CASE("portals that cannot both listen are refused") {
  check_refused(adding("/portals", R"({"listen": "127.0.0.1:3260"})"), "portals[2].listen",
                "clashes with 127.0.0.1:3260 of portals[0]");
  check_refused(adding("/portals", R"({"listen": "0.0.0.0:3260"})"), "portals[2].listen",
                "clashes");
  check_refused(adding("/portals", R"({"listen": "[::]:3260"})"), "portals[2].listen",
                "clashes with [::1]:3260 of portals[1]");
  check_accepted(adding("/portals", R"({"listen": "127.0.0.2:3260"})"));
  check_accepted(adding("/portals", R"({"listen": "127.0.0.1:0"})"));
}

TEST_CASE("the control API and a portal cannot listen on the same port") {
  check_refused(with("/control/listen", R"("127.0.0.1:3260")"), "control.listen",
                "clashes with portals[0].listen");
}

TEST_CASE("a wildcard portal needs no advertised address") {
  check_accepted(with("/portals/0", R"({"listen": "0.0.0.0:3260", "group": 1})"));
}

TEST_CASE("two portals that advertise the same address are a warning") {
  const LoadResult result = test::load(with("/portals/1/advertise", R"("192.0.2.10:3260")"));
  REQUIRE(result.config);
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].path == "portals[1].advertise");
}

TEST_CASE("a control API open to the network needs a token") {
  Tree tree = with("/control", R"({"listen": "0.0.0.0:8326"})");
  check_refused(tree, "control.listen", "token_file");
  tree["control"]["listen"] = "192.0.2.1:8326";
  check_refused(tree, "control.listen", "token_file");
  tree["control"]["token_file"] = "token";
  check_accepted(tree);
  check_accepted(with("/control", R"({"listen": "[::1]:8326"})"));
  check_accepted(with("/control", R"({"listen": "127.1.2.3:8326"})"));
  check_accepted(with("/control", R"({"listen": "unix:/run/x"})"));
}

TEST_CASE("the token is not a CHAP secret") {
  check_refused(with("/control/token_file", "\"chap\""), "control.token_file", "CHAP");
  check_refused(with("/control/token_file", "\"discovery2\""), "control.token_file", "CHAP");
}

TEST_CASE("one file cannot hold the secrets of both directions (A6.08)") {
  check_refused(with("/targets/0/auth/mutual/secret_file", "\"chap\""),
                "targets[0].auth.mutual.secret_file", "must differ");
  check_refused(with("/discovery_auth/mutual/secret_file", "\"discovery\""),
                "discovery_auth.mutual.secret_file", "must differ");
}

TEST_CASE("target names are iSCSI names in lower case, at most 223 bytes (A1.02)") {
  const auto name = [](const std::string& text) {
    return with("/targets/0/name", "\"" + text + "\"");
  };
  check_accepted(name("iqn.2026-11.example.faultlun:" + std::string(194, 'x')));
  check_accepted(name("eui.0123456789abcdef"));
  check_accepted(name("naa.602fa17000000000"));
  check_accepted(name("naa.602fa17000000000acce000000000001"));
  check_refused(name("iqn.2026-11.example.faultlun:" + std::string(195, 'x')), "targets[0].name",
                "224 bytes");
  check_refused(name("lab"), "targets[0].name", "begin with iqn., eui. or naa.");
  check_refused(name("iqn.2026.example:x"), "targets[0].name", "year and month");
  check_refused(name("iqn.2026-13.example:x"), "targets[0].name", "year and month");
  check_refused(name("iqn.2026-11.example:a b"), "targets[0].name", "is no iSCSI name");
  check_refused(name("iqn.2026-11.example:a/b"), "targets[0].name", "is no iSCSI name");
  check_refused(name("eui.0123"), "targets[0].name", "16 hexadecimal digits");
  check_refused(name("naa.xyz"), "targets[0].name", "16 or 32 hexadecimal digits");
  check_refused(name("iqn.2026-11.Example:Lab"), "targets[0].name",
                "write \"iqn.2026-11.example:lab\"");
}

TEST_CASE("two targets cannot have one name, however it is spelled") {
  check_refused(
      adding(
          "/targets",
          R"({"name": "iqn.2026-11.example.faultlun:a", "luns": [{"lun": 0, "backend": {"kind": "null", "size": 512}, "serial": "other", "naa": "602fa17000000000acce00000000000b"}]})"),
      "targets[1].name", "is the name of targets[0] too");
}

TEST_CASE("an alias has at most 255 bytes") {
  check_accepted(with("/targets/0/alias", "\"" + std::string(255, 'a') + "\""));
  check_refused(with("/targets/0/alias", "\"" + std::string(256, 'a') + "\""), "targets[0].alias",
                "the most is 255");
}

TEST_CASE("a portal group without a portal or named twice is refused") {
  check_refused(with("/targets/0/portal_groups", "[1, 3]"), "targets[0].portal_groups[1]",
                "no portal is in group 3");
  check_refused(with("/targets/0/portal_groups", "[1, 1]"), "targets[0].portal_groups[1]",
                "second time");
}

TEST_CASE("an initiator pattern that nobody can match is refused") {
  const auto pattern = [](const std::string& text) {
    return with("/targets/0/initiators/0", "\"" + text + "\"");
  };
  for (const char* good : {"*", "i*", "iqn.*", "IQN.1991-05.com.microsoft:*", "???.*",
                           "eui.02004567a425678d", "naa.5*", "iqn.1993-08.org.debian:01:abc"})
    check_accepted(pattern(good));
  check_refused(pattern(""), "targets[0].initiators[0]", "matches nobody");
  check_refused(pattern("host1"), "targets[0].initiators[0]", "matches nobody");
  check_refused(pattern("host*"), "targets[0].initiators[0]", "matches nobody");
  check_refused(pattern("iqm.*"), "targets[0].initiators[0]", "matches nobody");
  check_refused(pattern("iqn." + std::string(220, '*')), "targets[0].initiators[0]", "at most 223");
}

TEST_CASE("a LUN can be defined once in a target") {
  check_refused(adding_unit(R"({"lun": 0, "backend": {"kind": "null", "size": 512}})"),
                "targets[0].luns[3].lun", "LUN 0 is defined by targets[0].luns[0] too");
  check_refused(
      adding_unit(
          R"({"lun": 3, "backend": {"kind": "null", "size": 512}, "serial": "x", "naa": "602fa17000000000acce0000000000aa"})"),
      "targets[0].luns[3].lun", "LUN 3 is defined by targets[0].luns[2] too");
}

TEST_CASE("a size is a whole number of blocks") {
  check_refused(with("/targets/0/luns/0/backend/size", "1000"), "targets[0].luns[0].backend.size",
                "no whole number of blocks of 4096");
  check_refused(with("/targets/0/luns/1/backend/size", "\"1kB\""),
                "targets[0].luns[1].backend.size", "no whole number of blocks of 512; use 512");
  check_refused(with("/targets/0/luns/0/backend/size", "512"), "targets[0].luns[0].backend.size",
                "use 4096");
  check_accepted(with("/targets/0/luns/2/backend/size", "18446744073709551104"));
}

TEST_CASE("a file is at most as large as files can be, and may tell its size itself") {
  check_refused(with("/targets/0/luns/1/backend/size", "\"8EiB\""),
                "targets[0].luns[1].backend.size", "no file can be as large");
  check_accepted(with("/targets/0/luns/1/backend/size", "9223372036854775296"));
  check_accepted(without("/targets/0/luns/1/backend", "size"));
}

TEST_CASE("a physical block is a power of two, no smaller than a logical one, and not too large") {
  const auto size = [](const char* text) {
    return with("/targets/0/luns/1/physical_block_size", text);
  };
  check_accepted(size("512"));
  check_accepted(size("16777216"));
  check_refused(size("33554432"), "targets[0].luns[1].physical_block_size",
                "the most is 32768 logical blocks");
  check_refused(size("256"), "targets[0].luns[1].physical_block_size", "power of two");
  check_refused(size("1000"), "targets[0].luns[1].physical_block_size", "power of two");
  check_refused(with("/targets/0/luns/0/physical_block_size", "512"),
                "targets[0].luns[0].physical_block_size", "at least block_size (4096)");
}

TEST_CASE("INQUIRY texts have their lengths and are printable ASCII (B6.06)") {
  const auto text = [](const char* key, const std::string& value) {
    return with(std::string("/targets/0/luns/0/") + key, "\"" + value + "\"");
  };
  check_accepted(text("vendor", "12345678"));
  check_refused(text("vendor", "123456789"), "targets[0].luns[0].vendor", "has 9 bytes");
  check_accepted(text("product", "1234567890123456"));
  check_refused(text("product", "12345678901234567"), "targets[0].luns[0].product", "has 17 bytes");
  check_refused(text("revision", "12345"), "targets[0].luns[0].revision", "has 5 bytes");
  check_accepted(text("serial", std::string(36, 's')));
  check_refused(text("serial", std::string(37, 's')), "targets[0].luns[0].serial", "has 37 bytes");
  check_refused(text("vendor", "é"), "targets[0].luns[0].vendor", "printable ASCII");
}

TEST_CASE("an NAA identifier is 32 hexadecimal digits of format 6") {
  for (const char* naa : {"6", "5000c50012345678", "502fa17000000000acce000000000001",
                          "602fa17000000000acce00000000000g", "0x2fa17000000000acce000000000001"})
    check_refused(with("/targets/0/luns/0/naa", std::string("\"") + naa + "\""),
                  "targets[0].luns[0].naa", "format 6");
}

TEST_CASE("two units with one serial number or NAA identifier would be one disk to a host") {
  check_refused(
      adding_unit(R"({"lun": 9, "backend": {"kind": "null", "size": 512}, "serial": "S"})"),
      "targets[0].luns[3].serial", "belongs to targets[0].luns[0] too");
  check_refused(
      adding_unit(
          R"({"lun": 9, "backend": {"kind": "null", "size": 512}, "naa": "602FA17000000000ACCE000000000001"})"),
      "targets[0].luns[3].naa", "belongs to targets[0].luns[0] too");
}

TEST_CASE("two units that write to one file destroy it, two that read may share it") {
  const char* other =
      R"({"lun": 9, "backend": {"kind": "file", "path": "./x/../disk1.img", "size": 512}})";
  check_refused(adding_unit(other), "targets[0].luns[3].backend.path",
                "is the file of targets[0].luns[1] too");
  Tree tree = adding_unit(other);
  tree["targets"][0]["luns"][3]["read_only"] = true;
  check_refused(tree, "targets[0].luns[3].backend.path", "read_only");
  tree["targets"][0]["luns"][1]["read_only"] = true;
  check_accepted(tree);
}

TEST_CASE("a pattern cannot be thin") {
  check_refused(with("/targets/0/luns/2/thin", "true"), "targets[0].luns[2].thin", "cannot forget");
}

TEST_CASE("nothing to log in to, or no disk behind a target, is a warning") {
  LoadResult result = test::load(with("/targets", "[]"));
  REQUIRE(result.config);
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].path == "targets");
  result = test::load(with("/targets", R"([{"name": "iqn.2026-11.example:a", "luns": []}])"));
  REQUIRE(result.config);
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].path == "targets[0].luns");
  CHECK(result.warnings[0].line > 0);
}

TEST_CASE("a configuration made by hand is checked like one that was read") {
  Config config = default_config();
  CHECK(validate(config).errors.empty());
  config.portals[0].listen.host = "nowhere";
  config.portals[0].group = 0;
  config.targets[0].luns[0].lun = 16384;
  config.targets[0].luns[0].backend.size_bytes = 0;
  config.targets[0].luns[0].serial.clear();
  config.targets[0].luns.push_back(config.targets[0].luns[0]);
  config.targets[0].luns[1].backend = {.kind = faultlun::lun_backends::BackendSpec::Kind::file,
                                       .size_bytes = 0,
                                       .path = "",
                                       .read_only = false,
                                       .writes = {},
                                       .block_size = 512};
  config.targets[0].auth.emplace();
  config.targets[0].auth->mutual.emplace();
  const Problems problems = validate(config).errors;
  const std::string text = all(problems.list());
  for (const char* path :
       {"portals[0].listen:", "portals[0].group:", "targets[0].luns[0].lun:",
        "targets[0].luns[0].backend.size:", "targets[0].luns[0].serial:",
        "targets[0].luns[1].backend.path:", "targets[0].auth.user:", "targets[0].auth.secret_file:",
        "targets[0].auth.mutual.user:", "targets[0].portal_groups[0]:"}) {
    CAPTURE(path);
    CAPTURE(text);
    CHECK(text.find(path) != std::string::npos);
  }
}

}  // namespace validate_test
