#include "daemon/world.hpp"

#include "daemon/connection.hpp"
#include "lun_backends/open.hpp"
#include "tests/sim/sim_world.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::daemon::world_test {
namespace {

struct SilentTransport final : Transport {
  void output_ready() override {}
  void input_wanted() override {}
};

struct Fixture {
  sim::SimWorld sim{1};
  SilentTransport transport;
  std::shared_ptr<Connection> connection() {
    Arrival arrival;
    arrival.directory = sim.world.directory();
    return std::make_shared<Connection>(sim.loop, sim.world, arrival, transport);
  }
  SessionTable& sessions() { return sim.world.sessions; }
};

SessionKey key_of(std::string initiator) {
  return {std::move(initiator), {0x80, 0, 0, 0, 0, 1}, "iqn.t", 1};
}

TEST_CASE(
    "A1.05 a second session with the same names, ISID and portal group takes the place of the "
    "first") {
  Fixture fixture;
  const auto first = fixture.connection(), second = fixture.connection();
  CHECK(fixture.sessions().enter(key_of("iqn.a"), 1, {}, first) == nullptr);
  CHECK(fixture.sessions().enter(key_of("iqn.a"), 2, {}, second) == first);
  CHECK(fixture.sessions().size() == 1);
  fixture.sessions().leave(key_of("iqn.a"), first.get());
  CHECK(fixture.sessions().size() == 1);  // the first no longer holds the key
  fixture.sessions().leave(key_of("iqn.a"), second.get());
  CHECK(fixture.sessions().size() == 0);
}

TEST_CASE("A1.06 a TSIH is never zero and not given out while a session has it") {
  Fixture fixture;
  const auto connection = fixture.connection();
  fixture.sessions().enter(key_of("iqn.a"), 5, {}, connection);
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 0x10005; ++i)
    seen.insert(fixture.sessions().new_tsih());
  CHECK_FALSE(seen.contains(0));
  CHECK_FALSE(seen.contains(5));
  CHECK(seen.size() == 0xfffe);
  fixture.sessions().leave(key_of("iqn.a"), connection.get());
}

TEST_CASE("a session is found by all of its names or not at all") {
  Fixture fixture;
  const auto connection = fixture.connection();
  const auto key = key_of("iqn.a");
  fixture.sessions().enter(key, 9, {}, connection);
  CHECK(fixture.sessions().exists("iqn.a", key.isid, 9, "iqn.t", 1));
  CHECK_FALSE(fixture.sessions().exists("iqn.b", key.isid, 9, "iqn.t", 1));
  CHECK_FALSE(fixture.sessions().exists("iqn.a", key.isid, 8, "iqn.t", 1));
  CHECK_FALSE(fixture.sessions().exists("iqn.a", key.isid, 9, "iqn.u", 1));
  CHECK_FALSE(fixture.sessions().exists("iqn.a", key.isid, 9, "iqn.t", 2));
  fixture.sessions().leave(key, connection.get());
}

TEST_CASE("there is room for as many sessions as configured and no more") {
  Fixture fixture;
  const auto connection = fixture.connection();
  fixture.sessions().set_limit(2);
  fixture.sessions().enter(key_of("iqn.a"), 1, {}, connection);
  CHECK(fixture.sessions().room());
  fixture.sessions().enter(key_of("iqn.b"), 2, {}, connection);
  CHECK_FALSE(fixture.sessions().room());
  fixture.sessions().leave(key_of("iqn.a"), connection.get());
  fixture.sessions().leave(key_of("iqn.b"), connection.get());
}

TEST_CASE("B3.10 an initiator port starts with 29/00 the first time and with 29/07 afterwards") {
  TargetHost target("iqn.t", 0, true, LunMap::of({}));
  CHECK(target.first_attention("a") == scsi::SenseCode{0x06, 0x29, 0x00});
  CHECK(target.first_attention("a") == scsi::SenseCode{0x06, 0x29, 0x07});
  CHECK(target.first_attention("b") == scsi::SenseCode{0x06, 0x29, 0x00});
  target.forget_ports();
  CHECK(target.first_attention("a") == scsi::SenseCode{0x06, 0x29, 0x00});
}

TEST_CASE("a target remembers as many initiator ports as it may, then begins afresh") {
  constexpr auto kNew = scsi::SenseCode{0x06, 0x29, 0x00};
  constexpr auto kKnown = scsi::SenseCode{0x06, 0x29, 0x07};
  TargetHost target("iqn.t", 0, true, LunMap::of({}));
  std::size_t fresh = 0;
  for (std::size_t port = 0; port < TargetHost::kMaxKnownPorts - 1; ++port)
    fresh += target.first_attention(std::to_string(port)) == kNew;
  CHECK(fresh == TargetHost::kMaxKnownPorts - 1);
  CHECK(target.first_attention("0") == kKnown);
  CHECK(target.first_attention("the last that fits") == kNew);
  CHECK(target.first_attention("0") == kKnown);
  CHECK(target.first_attention("the last that fits") == kKnown);
  CHECK(target.first_attention("one more") == kNew);
  CHECK(target.first_attention("one more") == kKnown);
  CHECK(target.first_attention("0") == kNew);  // forgotten with all others
}

TEST_CASE("B3.10 the first unit attention can be switched off") {
  TargetHost target("iqn.t", 0, false, LunMap::of({}));
  CHECK_FALSE(target.first_attention("a").has_value());
}

TEST_CASE("a LUN map lists its units in order and finds nothing else") {
  const auto unit = [](std::uint16_t number) {
    lun_backends::BackendSpec spec;
    spec.kind = lun_backends::BackendSpec::Kind::null;
    spec.size_bytes = 1 << 20;
    scsi::LogicalUnitProfile profile;
    profile.blocks = 2048;
    return std::make_shared<LunHost>(number, profile, lun_backends::open(spec));
  };
  const auto map = LunMap::of({unit(300), unit(0), unit(7)});
  CHECK(map->numbers == std::vector<std::uint16_t>{0, 7, 300});
  CHECK(map->find(7)->number() == 7);
  CHECK(map->find(1) == nullptr);
  CHECK(map->find(16383) == nullptr);
}

}  // namespace
}  // namespace faultlun::daemon::world_test
