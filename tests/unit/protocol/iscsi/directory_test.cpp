#include "protocol/iscsi/directory.hpp"

#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/text.hpp"

#include <doctest/doctest.h>

namespace directory_test {

using namespace faultlun::iscsi;

namespace {

constexpr const char* kHost = "iqn.1991-05.com.microsoft:host";

TargetEntry target(std::string name, std::vector<std::uint16_t> groups) {
  TargetEntry entry;
  entry.name = std::move(name);
  entry.portal_groups = std::move(groups);
  return entry;
}

/// Two targets, two groups, three portals.
Directory two_targets() {
  Directory directory;
  directory.targets = {target("iqn.2026-11.example:a", {1}),
                       target("iqn.2026-11.example:b", {1, 2})};
  directory.portals = {{"192.0.2.10:3260", 1}, {"[2001:db8::1]:3260", 1}, {"192.0.2.11:3261", 2}};
  return directory;
}

/// Pairs, one per line.
std::string lines(std::string text) {
  CHECK(parse_text(text).problem == nullptr);
  for (auto& c : text)
    c = c == '\0' ? '\n' : c;
  return text;
}

}  // namespace

TEST_CASE("iqn, eui and naa names are valid, in any case (A1.02, A1.03)") {
  for (const std::string name :
       {"iqn.2026-11.example.faultlun:lab", "IQN.1991-05.COM.MICROSOFT:HOST",
        "eui.02004567A425678D", "naa.52004567BA64678D", "naa.62004567BA64678D0123456789ABCDEF",
        "iqn.2001-04.com.example:disk_1", "iqn.2001-04.jp.example:\xe3\x83\x87"}) {
    CAPTURE(name);
    CHECK(valid_name(name));
  }
}

TEST_CASE("what is not an iSCSI name is refused") {
  for (const std::string name :
       {"", "iqn.", "iqn.2026-11.", "iqn.2026-13.x", "iqn.2026-00.x", "iqn.26-11.x", "lab",
        "eui.0200", "eui.02004567A425678G", "naa.52004567BA64678D0", "iqn.2026-11.a b",
        "iqn.2026-11.a,b", "iqn.2026-11.a/b", "iqn.2026-11.a\x7f", "iqn.2026-11.a\xc0\x80",
        "iqn.2026-11.a\xff", "iqn.2026-11.a\xe3\x83", "iqn.2026-11.a\xed\xa0\x80",
        "xyz.2026-11.example:a"}) {
    CAPTURE(name);
    CHECK_FALSE(valid_name(name));
  }
}

TEST_CASE("A1.02: a name of 223 bytes is valid, one of 224 is not") {
  const std::string start = "iqn.2026-11.example:";
  CHECK(valid_name(start + std::string(kMaxNameBytes - start.size(), 'n')));
  CHECK_FALSE(valid_name(start + std::string(kMaxNameBytes + 1 - start.size(), 'n')));
}

TEST_CASE("patterns match with * and ?, without regard to case") {
  CHECK(name_matches("*", ""));
  CHECK(name_matches("iqn.1991-05.com.microsoft:*", kHost));
  CHECK(name_matches("IQN.*:HOS?", kHost));
  CHECK(name_matches("*a*b*c", "xxaxxbxxbxc"));
  CHECK_FALSE(name_matches("", "a"));
  CHECK_FALSE(name_matches("a?", "a"));
  CHECK_FALSE(name_matches("iqn.2001-04.*", kHost));
  CHECK_FALSE(name_matches("*a*b*c", "xxaxxbxxbx"));
}

TEST_CASE("a pattern of many stars ends in bounded time on a long name") {
  std::string pattern;
  for (int i = 0; i < 100; ++i)
    pattern += "*a";
  CHECK_FALSE(name_matches(pattern + "b", std::string(100'000, 'a')));
}

TEST_CASE("A1.03: a target is found without regard to case") {
  const auto directory = two_targets();
  REQUIRE(directory.find("IQN.2026-11.Example:A") != nullptr);
  CHECK(directory.find("IQN.2026-11.Example:A")->name == "iqn.2026-11.example:a");
  CHECK(directory.find("iqn.2026-11.example:") == nullptr);
  CHECK(directory.find("") == nullptr);
}

TEST_CASE("a target is seen by who its access list names, through its portal groups") {
  auto entry = target("iqn.2026-11.example:a", {2});
  CHECK(may_see(entry, kHost, 2));
  CHECK_FALSE(may_see(entry, kHost, 1));
  entry.initiators = {"iqn.2001-04.*", "iqn.1991-05.com.microsoft:*"};
  CHECK(may_see(entry, kHost, 2));
  CHECK_FALSE(may_see(entry, "iqn.2016-04.com.open-iscsi:x", 2));
}

TEST_CASE("A12.02: SendTargets lists every target with all its portals and tags") {
  CHECK(lines(send_targets(two_targets(), kHost, std::nullopt)) ==
        "TargetName=iqn.2026-11.example:a\n"
        "TargetAddress=192.0.2.10:3260,1\n"
        "TargetAddress=[2001:db8::1]:3260,1\n"
        "TargetName=iqn.2026-11.example:b\n"
        "TargetAddress=192.0.2.10:3260,1\n"
        "TargetAddress=[2001:db8::1]:3260,1\n"
        "TargetAddress=192.0.2.11:3261,2\n");
}

TEST_CASE("A12.03: SendTargets of one name lists that target only, an unknown name gives nothing") {
  const auto one = lines(send_targets(two_targets(), kHost, "IQN.2026-11.example:b"));
  CHECK(one.find("example:b\n") != one.npos);
  CHECK(one.find("example:a\n") == one.npos);
  CHECK(send_targets(two_targets(), kHost, "iqn.2026-11.example:c").empty());
}

TEST_CASE("A12.07: a forbidden target is not listed, not even by name") {
  auto directory = two_targets();
  directory.targets[0].initiators = {"iqn.2001-04.com.example:*"};
  CHECK(lines(send_targets(directory, kHost, std::nullopt)).find("example:a\n") ==
        std::string::npos);
  CHECK(send_targets(directory, kHost, "iqn.2026-11.example:a").empty());
}

TEST_CASE(
    "A12.09: with nothing permitted the answer is empty, a target without portals is not named") {
  auto directory = two_targets();
  directory.targets[0].portal_groups = {9};
  directory.targets[1].service = TargetEntry::Service::removed;
  CHECK(send_targets(directory, kHost, std::nullopt).empty());
}

TEST_CASE(
    "A12.06: a wildcard portal is announced with the host of the asking connection, or not at "
    "all") {
  auto directory = two_targets();
  directory.targets.resize(1);
  directory.portals = {{"0.0.0.0:3261", 1}, {"[::]:3262", 1}};
  CHECK(send_targets(directory, kHost, std::nullopt).empty());
  CHECK(lines(send_targets(directory, kHost, std::nullopt, "[2001:db8::7]:3260")) ==
        "TargetName=iqn.2026-11.example:a\n"
        "TargetAddress=[2001:db8::7]:3261,1\n"
        "TargetAddress=[2001:db8::7]:3262,1\n");
}

TEST_CASE("A12.06: a link-local portal is announced only to who came through it") {
  auto directory = two_targets();
  directory.targets.resize(1);
  directory.portals = {{"169.254.3.4:3260", 1}, {"[fe80::1]:3260", 1}, {"192.0.2.10:3260", 1}};
  const auto to_others = lines(send_targets(directory, kHost, std::nullopt, "192.0.2.10:3260"));
  CHECK(to_others == "TargetName=iqn.2026-11.example:a\nTargetAddress=192.0.2.10:3260,1\n");
  const auto to_neighbour = lines(send_targets(directory, kHost, std::nullopt, "169.254.3.4:3260"));
  CHECK(to_neighbour.find("TargetAddress=169.254.3.4:3260,1\n") != to_neighbour.npos);
  CHECK(to_neighbour.find("fe80") == to_neighbour.npos);
}

}  // namespace directory_test
