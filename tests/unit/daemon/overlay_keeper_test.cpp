#include "daemon/overlay_keeper.hpp"

#include "lun_backends/open.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

namespace faultlun::daemon::overlay_keeper_test {
namespace {

using faults::DataFault;
using Kind = DataFault::Kind;
using Lasting = DataFault::Lasting;
namespace made = faults::made;

std::shared_ptr<LunHost> unit(std::uint16_t number) {
  lun_backends::BackendSpec spec;
  spec.size_bytes = 1 << 20;
  scsi::LogicalUnitProfile profile;
  profile.blocks = 2048;
  return std::make_shared<LunHost>(number, profile, lun_backends::open(spec));
}

faults::Rule data_rule(std::string id, Kind kind, Lasting lasting = Lasting::until_rewrite) {
  DataFault fault;
  fault.kind = kind;
  fault.lasting = lasting;
  return made::rule(std::move(id), {made::effect(fault)});
}

struct Bench {
  std::shared_ptr<LunHost> first = unit(0), second = unit(1);
  TargetHosts targets{
      std::make_shared<TargetHost>("iqn.t", std::uint16_t{0}, false, LunMap::of({first, second}))};
  OverlayKeeper keeper;
  std::uint64_t epoch = 0;

  void adopt(std::vector<faults::Rule> rules, std::uint64_t serial = 1) {
    std::vector<faults::RuleSet::Entry> entries;
    for (auto& rule : rules) {
      auto lifetime = std::make_shared<faults::RuleLifetime>();
      lifetime->serial = serial++;
      entries.push_back({std::move(rule), std::move(lifetime)});
    }
    const faults::RuleSet set(std::move(entries), ++epoch, 1);
    keeper.prepare(set, targets);
    keeper.retire(set, targets);
  }
  static void lay(LunHost& host, std::uint64_t id, const std::string& rule, bool sticky) {
    lun_backends::Overlay overlay;
    overlay.id = id;
    overlay.rule = rule;
    overlay.sticky = sticky;
    REQUIRE(host.device().show(overlay, {lun_backends::patch_filling(id * 512, 512)}));
  }
  static void write(LunHost& host, std::uint64_t block, std::uint8_t octet) {
    const bytes::Buffer data(512, octet);
    lun_backends::Operation operation;
    operation.kind = lun_backends::Operation::Kind::write;
    operation.offset_bytes = block * 512;
    operation.from = data;
    host.device().start(operation);
  }
};

TEST_CASE("units are ready for lies while a rule may tell one") {
  Bench bench;
  bench.adopt({made::rule("slow")});
  CHECK_FALSE(bench.first->device().active());
  bench.adopt({data_rule("lie", Kind::flip)});
  CHECK(bench.first->device().active());
  CHECK(bench.second->device().active());
  auto disarmed = data_rule("lie", Kind::flip);
  disarmed.life.armed = false;
  bench.adopt({disarmed});
  CHECK_FALSE(bench.first->device().active());
}

TEST_CASE("views go with their rule, other damage stays") {
  Bench bench;
  bench.adopt({data_rule("stuck", Kind::flip, Lasting::stuck)});
  Bench::lay(*bench.first, 1, "stuck", true);
  Bench::lay(*bench.first, 2, "stuck", false);
  Bench::lay(*bench.second, 1, "stuck", true);
  Bench::lay(*bench.second, 3, "another", true);
  bench.adopt({data_rule("stuck", Kind::flip, Lasting::stuck), made::rule("slow")});
  CHECK(bench.first->device().count() == 2);
  SUBCASE("removed") {
    bench.adopt({});
  }
  SUBCASE("disarmed") {
    auto rule = data_rule("stuck", Kind::flip, Lasting::stuck);
    rule.life.armed = false;
    bench.adopt({rule});
  }
  SUBCASE("replaced") {
    bench.adopt({data_rule("stuck", Kind::flip, Lasting::stuck)}, 9);
  }
  CHECK(bench.first->device().count() == 1);
  CHECK(bench.first->device().list().front().id == 2);
  CHECK(bench.second->device().count() == 1);
  CHECK(bench.second->device().list().front().rule == "another");
}

TEST_CASE("history is kept for the units and blocks of a stale rule, while it lives") {
  Bench bench;
  auto rule = data_rule("stale", Kind::stale);
  rule.match.luns = {0};
  rule.match.lbas = {{4, 4}};
  bench.adopt({rule});
  for (const std::uint64_t block : {3, 4, 7, 8})
    for (const std::uint8_t octet : {std::uint8_t{1}, std::uint8_t{2}})
      for (auto* host : {bench.first.get(), bench.second.get()})
        Bench::write(*host, block, octet);
  const auto versions = [&](LunHost& host, std::uint64_t block) {
    return host.device().version(block * 512, 512, 1).size();
  };
  CHECK(versions(*bench.first, 3) == 0);
  CHECK(versions(*bench.first, 4) == 1);
  CHECK(versions(*bench.first, 7) == 1);
  CHECK(versions(*bench.first, 8) == 0);
  CHECK(versions(*bench.second, 4) == 0);
  bench.adopt({rule, made::rule("slow")});
  CHECK(versions(*bench.first, 4) == 1);
  bench.adopt({});
  CHECK(versions(*bench.first, 4) == 0);
  CHECK_FALSE(bench.first->device().active());
}

TEST_CASE("a stale rule for blocks or targets that are not there keeps nothing") {
  Bench bench;
  auto beyond = data_rule("beyond", Kind::stale), elsewhere = data_rule("elsewhere", Kind::stale);
  beyond.match.lbas = {{5000, 4}};
  elsewhere.match.targets = {"iqn.other"};
  bench.adopt({beyond, elsewhere});
  Bench::write(*bench.first, 0, 1);
  Bench::write(*bench.first, 0, 2);
  CHECK(bench.first->device().version(0, 512, 1).empty());
}

TEST_CASE("healing takes every overlay away, and with data empties memory") {
  for (const bool data : {false, true}) {
    CAPTURE(data);
    Bench bench;
    World world(1, 1);
    world.set_targets(bench.targets);
    Bench::write(*bench.first, 5, 0xaa);
    Bench::lay(*bench.first, 5, "r", true);
    heal_media(world, 7, data);
    CHECK(world.healed_epoch.load() == 7);
    CHECK(bench.first->device().count() == 0);
    bytes::Buffer block(512);
    lun_backends::Operation read;
    read.offset_bytes = 5 * 512;
    read.into = block;
    bench.first->device().start(read);
    CHECK(block.front() == (data ? 0 : 0xaa));
  }
}

}  // namespace
}  // namespace faultlun::daemon::overlay_keeper_test
