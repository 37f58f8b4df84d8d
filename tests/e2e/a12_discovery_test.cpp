// Checklist A12: SendTargets.  RFC 7143 Appendix C.
#include "tests/e2e/lab.hpp"

#include <algorithm>

namespace a12_discovery_test {

using namespace faultlun::e2e;

namespace {

/// Two targets behind two portal groups, the second in one of them only.
LabConfig two_groups() {
  LabConfig config;
  config.portals = {{"127.0.0.1:0", "", 1}, {"127.0.0.1:0", "", 2}};
  config.targets[0].portal_groups = {1, 2};
  TargetConfig second;
  second.name = "iqn.2026-11.example.faultlun:second";
  second.portal_groups = {2};
  config.targets.push_back(second);
  return config;
}

Keys discover_at(const TargetProcess& target, std::size_t portal, const std::string& value = "All",
                 const std::string& initiator = kInitiatorName) {
  RawInitiator session(target.portal(portal));
  auto options = discovery();
  options.initiator = initiator;
  REQUIRE(session.login(options).ok());
  return session.discover(value);
}

std::string address(const TargetProcess& target, std::size_t portal, int group) {
  const auto endpoint = target.portal(portal);
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port) +
         "," + std::to_string(group);
}

/// The addresses listed behind one name.
std::vector<std::string> addresses_of(const Keys& listing, const std::string& name) {
  std::vector<std::string> found;
  bool here = false;
  for (const auto& [key, value] : listing) {
    if (key == "TargetName") here = value == name;
    if (key == "TargetAddress" && here) found.push_back(value);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  return list;
}

}  // namespace

TEST_CASE("A12.01 discovery works on every portal") {
  TargetProcess target(two_groups());
  CHECK(has_key(discover_at(target, 0), "TargetName"));
  CHECK(has_key(discover_at(target, 1), "TargetName"));
}

TEST_CASE("A12.02 All lists every permitted target with all its portals and their tags") {
  TargetProcess target(two_groups());
  for (const std::size_t portal : {0u, 1u}) {
    const auto listing = discover_at(target, portal);
    CHECK(addresses_of(listing, kTargetName) ==
          sorted({address(target, 0, 1), address(target, 1, 2)}));
    CHECK(addresses_of(listing, "iqn.2026-11.example.faultlun:second") ==
          sorted({address(target, 1, 2)}));
  }
}

TEST_CASE("A12.03 a name lists that target alone, an unknown name nothing") {
  TargetProcess target(two_groups());
  const auto one = discover_at(target, 0, "iqn.2026-11.example.faultlun:second");
  CHECK(std::count_if(one.begin(), one.end(),
                      [](const auto& k) { return k.first == "TargetName"; }) == 1);
  CHECK(value_of(one, "TargetName") == "iqn.2026-11.example.faultlun:second");
  CHECK(discover_at(target, 0, "iqn.2026-11.example.faultlun:unknown").empty());
}

TEST_CASE("A12.04 in a normal session the empty value lists its own target and All is refused") {
  TargetProcess target(two_groups());
  auto session = connect_session(target);
  const auto own = session.discover("");
  CHECK(value_of(own, "TargetName") == kTargetName);
  CHECK(addresses_of(own, "iqn.2026-11.example.faultlun:second").empty());
  const Pdu all = session.exchange(text_request({{"SendTargets", "All"}}));
  const bool refused =
      all.opcode() == Op::text_response && value_of(all.keys(), "SendTargets") == "Reject";
  CHECK_MESSAGE(refused, all.describe());
  CHECK(!has_key(all.keys(), "TargetName"));
}

TEST_CASE("A12.04 All in a normal session is answered when the configuration says so") {
  auto config = two_groups();
  config.top_level = R"("send_targets_all_in_normal_session": true)";
  TargetProcess target(config);
  auto session = connect_session(target);
  CHECK(!addresses_of(session.discover("All"), "iqn.2026-11.example.faultlun:second").empty());
}

TEST_CASE("A12.05 IPv6 addresses stand in brackets, with port and tag") {
  LabConfig config;
  config.portals = {{"[::1]:0", "", 1}, {"127.0.0.1:0", "", 1}};
  TargetProcess target(config);
  const auto listing = discover_at(target, 0);
  CHECK(addresses_of(listing, kTargetName) ==
        sorted({address(target, 0, 1), address(target, 1, 1)}));
  auto session = connect_session(target, {}, 0);
  session.expect_alive();
}

TEST_CASE(
    "A12.06 a wildcard listener and an advertised address list only what an initiator can use") {
  LabConfig config;
  config.portals = {{"0.0.0.0:0", "", 1},
                    {"127.0.0.1:0", "192.0.2.10:3260", 2},
                    {"127.0.0.1:0", "lab.example:3261", 2}};
  config.targets[0].portal_groups = {1, 2};
  TargetProcess target(config);
  const auto found = addresses_of(discover_at(target, 0), kTargetName);
  for (const auto& listed : found)
    CHECK(listed.find("0.0.0.0") == std::string::npos);
  const auto has = [&](const std::string& wanted) {
    return std::find(found.begin(), found.end(), wanted) != found.end();
  };
  CHECK(
      has("127.0.0.1:" + std::to_string(target.portal(0).port) + ",1"));  // the address we came to
  CHECK(has("192.0.2.10:3260,2"));
  CHECK(has("lab.example:3261,2"));
}

TEST_CASE("A12.07 a target that an initiator may not use is not listed") {
  auto config = two_groups();
  config.targets[1].initiators = {"iqn.2026-11.example.friend:*"};
  TargetProcess target(config);
  CHECK(addresses_of(discover_at(target, 0), "iqn.2026-11.example.faultlun:second").empty());
  CHECK(discover_at(target, 0, "iqn.2026-11.example.faultlun:second").empty());
  CHECK(!addresses_of(discover_at(target, 0, "All", "iqn.2026-11.example.friend:one"),
                      "iqn.2026-11.example.faultlun:second")
             .empty());
}

TEST_CASE(
    "A12.09 the answer holds TargetName and TargetAddress keys only, nothing when nothing is "
    "permitted") {
  auto config = two_groups();
  TargetProcess target(config);
  const auto listing = discover_at(target, 0);
  for (const auto& [key, value] : listing)
    CHECK((key == "TargetName" || key == "TargetAddress"));
  REQUIRE(!listing.empty());
  CHECK(listing[0].first == "TargetName");
  config.targets[0].initiators = config.targets[1].initiators = {"iqn.2026-11.example.friend:*"};
  TargetProcess closed(config);
  CHECK(discover_at(closed, 0).empty());
}

}  // namespace a12_discovery_test
