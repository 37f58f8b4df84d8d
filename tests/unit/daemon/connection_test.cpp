#include "daemon/connection.hpp"

#include "config/rules.hpp"
#include "daemon/rule_host.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/unit/faults/made_rules.hpp"
#include "tests/unit/protocol/iscsi/pdu_builders.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <utility>
#include <vector>

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
  pdus::Buffer function(std::uint32_t itt, std::uint8_t code) const {
    return pdus::task_management(itt, code).immediate().cmd_sn(cmd_sn).octets(false, false);
  }
  std::size_t give(const pdus::Buffer& octets) { return connection->receive(octets); }
  /// These are the rules from the next command on.
  void rule(std::string_view text) {
    auto loaded = config::load_rules(text);
    REQUIRE(loaded.errors.empty());
    world.book.replace_all(std::move(*loaded.rules), world.loop.now(), {});
    while (world.loop.run_some()) {
    }
  }

  sim::SimWorld world{1};
  SilentTransport transport;
  std::shared_ptr<Connection> connection;
  std::uint32_t cmd_sn = 0;
};

TEST_CASE("commands that rules match are taken in turns, so that others are not kept waiting") {
  constexpr std::size_t kCommands = Connection::kMatchedPerTurn + 10;
  Lab lab;
  pdus::Buffer burst;
  for (std::uint32_t n = 0; n < kCommands; ++n) {
    const auto octets = lab.number(
        pdus::scsi_command(n + 2, iscsi::wire::kRead | 1, 512, {0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}));
    burst.insert(burst.end(), octets.begin(), octets.end());
  }
  CHECK_FALSE(lab.connection->keeps_time());

  SUBCASE("without rules the whole burst is taken at once") {
    CHECK(lab.give(burst) == burst.size());
    CHECK_FALSE(lab.connection->gives_way());
  }
  SUBCASE("delayed commands end the turn; the next one goes on where it stopped") {
    faults::made::Epochs epochs;
    const auto rule = faults::made::rule("slow", {faults::made::delay(1'000'000)});
    lab.connection->adopt(epochs.set({rule}));
    epochs.lifetime("slow").host = make_rule_host(rule);
    CHECK(lab.connection->keeps_time());
    const auto used = lab.give(burst);
    CHECK(used == Connection::kMatchedPerTurn * iscsi::kBhsBytes);
    CHECK(lab.connection->gives_way());
    CHECK(lab.give({burst.begin() + static_cast<std::ptrdiff_t>(used), burst.end()}) ==
          burst.size() - used);
    CHECK_FALSE(lab.connection->gives_way());
    lab.connection->adopt(epochs.set({}));
    CHECK(lab.connection->keeps_time());  // for those that still wait
  }
}

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

TEST_CASE("a function that others have still to take part in is not answered after the session") {
  constexpr std::uint8_t kLogicalUnitReset = 5;
  for (const bool ended : {false, true}) {
    CAPTURE(ended);
    Lab lab;
    lab.give(lab.function(2, kLogicalUnitReset));
    CHECK(lab.connection->out().empty());
    if (ended) lab.connection->end_session("a rule drops the connection");
    while (lab.world.loop.run_some()) {
    }
    CHECK(lab.connection->out().empty() == ended);
  }
}

TEST_CASE("a command that takes its connection with it no longer counts against max_active") {
  Lab lab;
  lab.rule(R"([{"id":"gone","match":{"op":"write"},"gate":{"max_active":1},
                "effect":{"scsi.selection_timeout":{"variant":"connect_timeout"}}}])");
  lab.give(lab.number(pdus::write_command(9, 512)));
  CHECK(lab.connection->closing());
  CHECK(lab.world.book.get("gone")->fired == 1);
  CHECK(lab.world.book.get("gone")->active == 0);
}

TEST_CASE("the journal tells of a function before it tells what the rules made of it") {
  constexpr std::uint8_t kLogicalUnitReset = 5;
  Lab lab;
  lab.rule(R"([{"id":"no","match":{"tmf":"LOGICAL_UNIT_RESET"},
                "effect":{"tmf.response":{"response":5}}}])");
  const auto before = lab.world.loop.journal().head();
  lab.give(lab.function(7, kLogicalUnitReset));
  std::vector<JournalEntry> entries;
  lab.world.loop.journal().read(before, 2, entries);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].kind == JournalEntry::Kind::function);
  CHECK(entries[0].task_tag() == 7);
  CHECK(entries[1].kind == JournalEntry::Kind::decision);
}

}  // namespace
}  // namespace faultlun::daemon::connection_test
