#include "config/diff.hpp"

#include "tests/unit/config/bench.hpp"
#include "tests/unit/config/random_config.hpp"

#include <set>

namespace diff_test {

using namespace faultlun::config;
using namespace faultlun::config::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kTarget = "iqn.2026-11.example.faultlun:a";

/// Two configurations, alike until a test changes one.
struct Bench {
  Bench() : running(*test::load(full()).config), next(running) {}
  /// The only change.
  Change only() const {
    const auto changes = diff(running, next);
    REQUIRE(changes.size() == 1);
    return changes[0];
  }
  void check_only(ChangeKind kind, const std::string& path, const std::string& message,
                  bool live) const {
    const Change change = only();
    CHECK(to_text(change.kind) == to_text(kind));
    CHECK(change.path == path);
    CHECK(change.message == message);
    CHECK(can_apply_live(change.kind) == live);
    CHECK((change.message.find("restart") == std::string::npos) == live);
  }
  Config running, next;
};

std::string in_target(const std::string& key) {
  return "targets[" + std::string(kTarget) + "]" + key;
}

}  // namespace

TEST_CASE("a configuration does not differ from itself") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Config config = RandomConfig(seed).draw();
    CHECK(diff(config, config).empty());
  }
}

TEST_CASE(
    "property: configurations that are not equal differ by name, but for a seed or an address that "
    "is left out") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const Config a = RandomConfig(seed).draw();
    const Config b = RandomConfig(seed + 1).draw();
    CHECK_FALSE(diff(a, b).empty());
  }
}

TEST_CASE("targets are matched by name, wherever they stand") {
  Bench bench;
  Target other = default_config().targets[0];
  bench.running.targets.insert(bench.running.targets.begin(), other);
  bench.next.targets.push_back(other);
  CHECK(diff(bench.running, bench.next).empty());
}

TEST_CASE("a target that is added or removed is applied while running") {
  Bench bench;
  bench.next.targets.push_back(default_config().targets[0]);
  bench.check_only(ChangeKind::target_added, "targets[iqn.2026-11.example.faultlun:lab]",
                   "nothing → iqn.2026-11.example.faultlun:lab", true);
  CHECK(bench.only().target == "iqn.2026-11.example.faultlun:lab");
  std::swap(bench.running, bench.next);
  bench.check_only(ChangeKind::target_removed, "targets[iqn.2026-11.example.faultlun:lab]",
                   "iqn.2026-11.example.faultlun:lab → nothing", true);
}

TEST_CASE("what a target says of itself and of whom it lets in is applied while running") {
  {
    Bench bench;
    bench.next.targets[0].alias.clear();
    bench.check_only(ChangeKind::target_alias, in_target(".alias"), "A → nothing", true);
    CHECK(bench.only().target == kTarget);
    CHECK_FALSE(bench.only().lun);
  }
  {
    Bench bench;
    bench.next.targets[0].portal_groups = {1};
    bench.check_only(ChangeKind::target_portal_groups, in_target(".portal_groups"), "[2, 1] → [1]",
                     true);
  }
  {
    Bench bench;
    bench.next.targets[0].auth.reset();
    bench.check_only(ChangeKind::target_auth, in_target(".auth"),
                     "u with chap, mutual t with mutual → none", true);
  }
  {
    Bench bench;
    bench.next.targets[0].initiators.clear();
    bench.check_only(ChangeKind::target_initiators, in_target(".initiators"),
                     "[iqn.1991-05.com.microsoft:*] → []", true);
  }
  {
    Bench bench;
    bench.next.targets[0].redirect->permanent = false;
    bench.check_only(ChangeKind::target_redirect, in_target(".redirect"),
                     "disks.example:3260 permanently → disks.example:3260 temporarily", true);
  }
  {
    Bench bench;
    bench.next.targets[0].power_on_unit_attention = true;
    bench.check_only(ChangeKind::target_power_on_unit_attention,
                     in_target(".power_on_unit_attention"), "false → true", true);
  }
}

TEST_CASE("a unit that is added or removed is applied while running") {
  Bench bench;
  bench.next.targets[0].luns.erase(bench.next.targets[0].luns.begin() + 3);
  bench.check_only(ChangeKind::lun_removed, in_target(".luns[3]"), "LUN 3 → nothing", true);
  CHECK(bench.only().lun == 3);
  CHECK(bench.only().target == kTarget);
  std::swap(bench.running, bench.next);
  bench.check_only(ChangeKind::lun_added, in_target(".luns[3]"), "nothing → LUN 3", true);
}

TEST_CASE("the backend of a unit that exists needs a restart") {
  using Spec = faultlun::lun_backends::BackendSpec;
  {
    Bench bench;
    bench.next.targets[0].luns[0].backend.size_bytes *= 2;
    bench.check_only(ChangeKind::lun_backend, in_target(".luns[0].backend.size"),
                     "1GiB → 2GiB; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.targets[0].luns[0].backend.kind = Spec::Kind::null;
    bench.check_only(ChangeKind::lun_backend, in_target(".luns[0].backend.kind"),
                     "memory → null; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.targets[0].luns[1].backend.path = "other.img";
    bench.check_only(ChangeKind::lun_backend, in_target(".luns[1].backend.path"),
                     "disk1.img → other.img; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.targets[0].luns[2].backend.writes = Spec::Writes::drop;
    bench.check_only(ChangeKind::lun_backend, in_target(".luns[2].backend.writes"),
                     "check → drop; restart the daemon to change it", false);
  }
}

TEST_CASE("every property of a unit that exists needs a restart, and each is named") {
  Bench bench;
  Lun& lun = bench.next.targets[0].luns[0];
  lun.block_size = lun.backend.block_size = 512;
  lun.physical_block_size = 512;
  lun.read_only = lun.backend.read_only = !lun.read_only;
  lun.removable = !lun.removable;
  lun.thin = !lun.thin;
  lun.write_cache = !lun.write_cache;
  lun.rotational = !lun.rotational;
  lun.vendor = lun.product = lun.revision = lun.serial = lun.naa = "x";
  std::set<std::string> paths;
  for (const Change& change : diff(bench.running, bench.next)) {
    CHECK(change.kind == ChangeKind::lun_properties);
    CHECK_FALSE(can_apply_live(change.kind));
    CHECK(change.lun == 0);
    paths.insert(change.path.substr(in_target(".luns[0].").size()));
  }
  CHECK(paths == std::set<std::string>{"block_size", "physical_block_size", "read_only",
                                       "removable", "thin", "write_cache", "rotational", "vendor",
                                       "product", "revision", "serial", "naa"});
}

TEST_CASE("portals listen where they did until a restart, what they advertise changes at once") {
  {
    Bench bench;
    bench.next.portals[1].listen.port = 1;
    bench.check_only(ChangeKind::portal_listen, "portals[1].listen",
                     "[::1]:3260 → [::1]:1; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.portals.pop_back();
    bench.check_only(ChangeKind::portal_listen, "portals[1]",
                     "[::1]:3260 → nothing; restart the daemon to change it", false);
    std::swap(bench.running, bench.next);
    bench.check_only(ChangeKind::portal_listen, "portals[1]",
                     "nothing → [::1]:3260; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.portals[1].group = 7;
    bench.check_only(ChangeKind::portal_group, "portals[1].group",
                     "2 → 7; restart the daemon to change it", false);
  }
  {
    Bench bench;
    bench.next.portals[0].advertise.reset();
    bench.check_only(ChangeKind::portal_advertise, "portals[0].advertise",
                     "192.0.2.10:3260 → nothing", true);
  }
}

TEST_CASE("the control API moves with a restart, its token changes at once") {
  Bench bench;
  bench.next.control.unix_path = "/run/x";
  bench.check_only(ChangeKind::control_listen, "control.listen",
                   "127.0.0.1:8326 → unix:/run/x; restart the daemon to change it", false);
  bench.next = bench.running;
  bench.next.control.token_file = "other";
  bench.check_only(ChangeKind::control_token, "control.token_file", "token → other", true);
}

TEST_CASE("a seed changes with a restart, and a new configuration without one keeps it") {
  Bench bench;
  bench.next.seed = 7;
  bench.check_only(ChangeKind::seed, "seed", "0x5eed → 0x7; restart the daemon to change it",
                   false);
  bench.next.seed.reset();
  CHECK(diff(bench.running, bench.next).empty());
}

TEST_CASE("limits, discovery and SendTargets change at once") {
  Bench bench;
  bench.next.limits = Limits{};
  std::set<std::string> paths;
  for (const Change& change : diff(bench.running, bench.next)) {
    CHECK(change.kind == ChangeKind::limits);
    CHECK(can_apply_live(change.kind));
    paths.insert(change.path);
  }
  CHECK(paths == std::set<std::string>{"limits.max_sessions", "limits.max_connections_per_portal",
                                       "limits.command_window", "limits.login_timeout",
                                       "limits.nop_interval", "limits.nop_timeout"});
  bench.next = bench.running;
  bench.next.discovery_auth.reset();
  bench.check_only(ChangeKind::discovery_auth, "discovery_auth",
                   "finder with discovery, mutual t with discovery2 → none", true);
  bench.next = bench.running;
  bench.next.send_targets_all_in_normal_session = false;
  bench.check_only(ChangeKind::send_targets, "send_targets_all_in_normal_session", "true → false",
                   true);
}

TEST_CASE("rules are matched by ID, and what differs is named") {
  Bench bench;
  faultlun::faults::Rule a, b;
  a.id = "a";
  b.id = "b";
  a.observe = b.observe = true;
  bench.running.rules = {a};
  bench.next.rules = {a, b};
  bench.check_only(ChangeKind::rule_added, "rules[b]", "nothing → b", true);
  std::swap(bench.running, bench.next);
  bench.check_only(ChangeKind::rule_removed, "rules[b]", "b → nothing", true);
  bench.running.rules = {a, b};
  bench.next.rules = {b, a};
  bench.check_only(ChangeKind::rule_order, "rules", "their old order → another one", true);
  bench.next.rules = {a, b};
  bench.next.rules[1].gate.every = 3;
  bench.next.rules[1].note = "n";
  bench.check_only(ChangeKind::rule_changed, "rules[b]", "another gate and note", true);
}

TEST_CASE("every kind of change has a name of its own") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(ChangeKind::rule_order); ++i)
    CHECK(names.insert(to_text(static_cast<ChangeKind>(i))).second);
}

}  // namespace diff_test
