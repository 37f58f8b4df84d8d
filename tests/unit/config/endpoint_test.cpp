#include "config/endpoint.hpp"

#include <doctest/doctest.h>

namespace endpoint_test {

using namespace faultlun::config;

TEST_CASE("an address to listen on is an IP address with a port, IPv6 in brackets") {
  CHECK(parse_listen("127.0.0.1:3260").value == Endpoint{"127.0.0.1", 3260});
  CHECK(parse_listen("0.0.0.0:0").value == Endpoint{"0.0.0.0", 0});
  CHECK(parse_listen("[::]:3260").value == Endpoint{"::", 3260});
  CHECK(parse_listen("[2001:db8::1]:65535").value == Endpoint{"2001:db8::1", 65535});
  CHECK(parse_listen("[fe80::1%eth0]:860").value == Endpoint{"fe80::1%eth0", 860});
}

TEST_CASE("what is no address to listen on says why and what to write") {
  struct Row {
    const char* text;
    const char* reason;
  };
  const Row rows[] = {
      {"", "empty"},
      {"127.0.0.1", "no port"},
      {":3260", "no address"},
      {"[::1]", "no port"},
      {"[::1]3260", "no port"},
      {"[::1:3260", "closing bracket"},
      {"::1:3260", "without brackets"},
      {"[127.0.0.1]:3260", "no IPv6 address"},
      {"[::g]:3260", "no IPv6 address"},
      {"localhost:3260", "no IP address"},
      {"256.0.0.1:3260", "no IP address"},
      {"1.2.3:3260", "no IP address"},
      {"1.2.3.4.5:3260", "no IP address"},
      {"01.2.3.4:3260", "no IP address"},
      {"127.0.0.1:", "port"},
      {"127.0.0.1:65536", "port"},
      {"127.0.0.1:-1", "port"},
      {"127.0.0.1:3260x", "port"},
      {"127.0.0.1:003260", "port"},
      {"[::ffff:192.0.2.1]:3260", "IPv4 address"},
      {"[fe80::1%]:3260", "no IPv6 address"},
      {"[fe80::1%a/b]:3260", "no IPv6 address"},
      {"http://127.0.0.1:3260", "without brackets"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_listen(row.text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("an address to advertise may be a host name, and must be one that can be reached") {
  CHECK(parse_reachable("disks.example:3260").value == Endpoint{"disks.example", 3260});
  CHECK(parse_reachable("lab_1:3260").value == Endpoint{"lab_1", 3260});
  CHECK(parse_reachable("192.0.2.10:3260").value == Endpoint{"192.0.2.10", 3260});
  CHECK(parse_reachable("[2001:db8::1]:3260").value == Endpoint{"2001:db8::1", 3260});
  for (const char* text :
       {"0.0.0.0:3260", "[::]:3260", "[0:0:0:0:0:0:0:0]:3260", "192.0.2.10:0",
        "[fe80::1%eth0]:3260", "300.1.1.1:3260", "-a:3260", "a..b:3260", "a b:3260",
        "b\xc3\xbc"
        "cher:3260",
        ".:3260"}) {
    CAPTURE(text);
    const auto parsed = parse_reachable(text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find(';') != std::string::npos);
  }
}

TEST_CASE("a label has at most 63 bytes, a name 253, an IPv6 zone 15") {
  CHECK(parse_reachable(std::string(63, 'a') + ":3260").value);
  CHECK_FALSE(parse_reachable(std::string(64, 'a') + ":3260").value);
  std::string name;
  while (name.size() < 250)
    name += "abcdefghi.";
  CHECK(parse_reachable(name + "abc:3260").value);
  CHECK_FALSE(parse_reachable(name + "abcd:3260").value);
  CHECK(parse_listen("[fe80::1%" + std::string(15, 'z') + "]:3260").value);
  CHECK_FALSE(parse_listen("[fe80::1%" + std::string(16, 'z') + "]:3260").value);
}

TEST_CASE("IPv6 is read in all its forms") {
  const auto one = parse_ip("::1");
  REQUIRE(one);
  CHECK(parse_ip("0:0:0:0:0:0:0:1") == one);
  CHECK(parse_ip("0000::0001") == one);
  CHECK(parse_ip("1::") != one);
  CHECK(parse_ip("2001:DB8::A") == parse_ip("2001:db8:0:0:0:0:0:a"));
  CHECK(parse_ip("64:ff9b::192.0.2.33") == parse_ip("64:ff9b::c000:221"));
  CHECK(parse_ip("1:2:3:4:5:6:7::") == parse_ip("1:2:3:4:5:6:7:0"));
  CHECK(parse_ip("1:2:3:4:5:6:1.2.3.4") == parse_ip("1:2:3:4:5:6:102:304"));
}

TEST_CASE("malformed IPv6 is refused") {
  for (const char* text :
       {":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", ":1::", "1:2:3:4:5:6:7:", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4::5:6:7:8:9", "::-1", "::0x1", "1:2:3:4:5:6:7:8::"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("wildcards, loopback and mapped addresses are told apart") {
  CHECK(is_wildcard(*parse_ip("0.0.0.0")));
  CHECK(is_wildcard(*parse_ip("::")));
  CHECK_FALSE(is_wildcard(*parse_ip("::1")));
  CHECK(is_loopback(*parse_ip("127.9.9.9")));
  CHECK(is_loopback(*parse_ip("::1")));
  CHECK_FALSE(is_loopback(*parse_ip("::7f00:1")));
  CHECK_FALSE(is_loopback(*parse_ip("128.0.0.1")));
  CHECK(is_mapped_v4(*parse_ip("::ffff:1.2.3.4")));
  CHECK_FALSE(is_mapped_v4(*parse_ip("1.2.3.4")));
}

TEST_CASE("listeners clash on the same port of the same address or of a wildcard of the family") {
  const auto clash = [](const char* a, const char* b) {
    return listeners_clash(*parse_listen(a).value, *parse_listen(b).value);
  };
  CHECK(clash("127.0.0.1:3260", "127.0.0.1:3260"));
  CHECK(clash("0.0.0.0:3260", "192.0.2.1:3260"));
  CHECK(clash("[::1]:3260", "[0:0::1]:3260"));
  CHECK(clash("[::1]:3260", "[::]:3260"));
  CHECK_FALSE(clash("0.0.0.0:3260", "[::]:3260"));
  CHECK_FALSE(clash("127.0.0.1:3260", "127.0.0.1:3261"));
  CHECK_FALSE(clash("127.0.0.1:3260", "127.0.0.2:3260"));
  CHECK_FALSE(clash("127.0.0.1:0", "127.0.0.1:0"));
  CHECK_FALSE(clash("[fe80::1%eth0]:3260", "[fe80::1%eth1]:3260"));
}

TEST_CASE("an endpoint is written as it is read") {
  for (const char* text : {"127.0.0.1:3260", "[::1]:0", "[fe80::1%eth0]:1"})
    CHECK(to_text(*parse_listen(text).value) == text);
}

}  // namespace endpoint_test
