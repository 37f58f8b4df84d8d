#include "daemon/connection.hpp"

#include "tests/sim/sim_world.hpp"
#include "tests/unit/protocol/iscsi/pdu_builders.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace faultlun::daemon::connection_test {
namespace {

namespace pdus = iscsi::testing;
using namespace std::literals;

struct SilentTransport final : Transport {
  void output_ready() override {}
  void input_wanted() override {}
};

/// A connection of the simulated target, logged in with its first unit attention read.
struct Lab {
  Lab() {
    Arrival arrival;
    arrival.directory = world.world.directory();
    connection = std::make_shared<Connection>(world.loop, world.world, arrival, transport);
    const auto keys = bytes::of(
        "InitiatorName=iqn.2026-11.example:host\0"
        "TargetName=iqn.2026-11.example.faultlun:sim\0"
        "SessionType=Normal\0"sv);
    auto login = pdus::basic(iscsi::wire::opcode::kLoginRequest)
                     .u8(1, 0x87)  // T, operational negotiation to full feature phase
                     .u8(8, 0x80)
                     .with({keys.begin(), keys.end()});
    give(login.immediate().octets(false, false));
    REQUIRE(connection->logged_in());
    give(number(pdus::test_unit_ready(1)));
    connection->out().clear();
  }
  ~Lab() { connection->transport_closed(); }

  pdus::Buffer number(pdus::Pdu pdu) { return pdu.cmd_sn(cmd_sn++).octets(false, false); }
  std::size_t give(const pdus::Buffer& octets) { return connection->receive(octets); }

  sim::SimWorld world{1};
  SilentTransport transport;
  std::shared_ptr<Connection> connection;
  std::uint32_t cmd_sn = 0;
};

TEST_CASE("above the high-water mark of unsent octets no command is taken, below it goes on") {
  constexpr std::uint32_t kRead = 128 * 512;
  constexpr std::size_t kCommands = 200;
  Lab lab;
  pdus::Buffer flood;
  for (std::uint32_t n = 0; n < kCommands; ++n) {
    const auto octets = lab.number(pdus::scsi_command(n + 2, iscsi::wire::kRead | 1, kRead,
                                                      {0x28, 0, 0, 0, 0, 0, 0, 0, 128, 0}));
    flood.insert(flood.end(), octets.begin(), octets.end());
  }
  std::size_t used = lab.give(flood);
  CHECK(used < flood.size());
  CHECK(used % iscsi::kBhsBytes == 0);
  CHECK_FALSE(lab.connection->accepts_input());
  auto& out = lab.connection->out();
  CHECK(out.size() >= Connection::kOutboxHighWater);
  CHECK(out.size() < Connection::kOutboxHighWater + kRead + 16 * 64);  // the read that crossed it
  CHECK(lab.give(flood) == 0);

  out.consume(out.size() - Connection::kOutboxHighWater);
  CHECK_FALSE(lab.connection->accepts_input());
  out.consume(1);
  CHECK(lab.connection->accepts_input());
  while (used < flood.size()) {
    out.consume(out.size());
    used += lab.give({flood.begin() + static_cast<std::ptrdiff_t>(used), flood.end()});
  }
  CHECK(used == flood.size());
  CHECK_FALSE(lab.connection->closing());
}

}  // namespace
}  // namespace faultlun::daemon::connection_test
