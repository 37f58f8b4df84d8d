// Peers that flood, stall, lie and vanish.  Each costs the target a bounded amount, and after each
// it serves a well-behaved newcomer at once.
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace hostile_test {

using namespace faultlun::e2e;

namespace {

constexpr std::size_t kMiB = 1 << 20;

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16384);
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Serves a newcomer, and has not grown by more than `most` over `before`.
void check_unharmed(const TargetProcess& target, std::size_t before, std::size_t most) {
  const auto start = now_ms();
  check_serves(target);
  CHECK(now_ms() - start < 2000);
  const auto now = target.resident_bytes();
  CHECK_MESSAGE((now < before + most || !kPlainBuild),
                "resident memory grew from " << before / 1024 << " to " << now / 1024 << " KiB");
}

/// Closed connections are let go of within a little while (the target lingers for peers that do not
/// close).
void check_files_fall_to(const TargetProcess& target, std::size_t most) {
  const auto deadline = now_ms() + 4000;
  while (target.open_files() > most && now_ms() < deadline)
    pause_ms(20);
  CHECK(target.open_files() <= most);
}

Pdu random_pdu(Dice& dice) {
  Pdu pdu;
  for (auto& octet : pdu.header)
    octet = static_cast<std::uint8_t>(dice.next());
  // Often something that gets far: an opcode of an initiator, small lengths.
  if (dice.below(4) != 0)
    pdu.set(0, static_cast<std::uint8_t>(dice.below(7) | (dice.below(2) * 0x40)));
  if (dice.below(8) != 0) pdu.set(4, static_cast<std::uint8_t>(dice.below(4)));
  pdu.ahs = noise(pdu.header[4] * 4u, dice.next());
  pdu.data = noise(dice.below(3) == 0 ? dice.below(9000) : 0, dice.next());
  pdu.own_tag = pdu.own_exp_stat_sn = true;
  pdu.own_cmd_sn = dice.below(2) == 0;  // otherwise in the window
  return pdu;
}

}  // namespace

TEST_CASE("random octets on fresh connections harm nobody") {
  TargetProcess target;
  check_serves(target);
  const auto before = target.resident_bytes();
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Connection connection(target.portal());
    Dice dice(seed);
    connection.write_some(noise(1 + dice.below(20000), seed), 500);
    if (dice.below(2) == 0) connection.reset();
  }
  check_unharmed(target, before, 16 * kMiB);
}

TEST_CASE("random PDUs in the full-feature phase harm nobody") {
  TargetProcess target;
  check_serves(target);
  const auto before = target.resident_bytes();
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    auto session = connect_session(target);
    session.check.tolerate_unknown_tags = true;
    for (int i = 0; i < 30; ++i) {
      Pdu pdu = random_pdu(dice);
      put24(pdu.header.data() + 5, static_cast<std::uint32_t>(pdu.data.size()));
      if (!pdu.own_cmd_sn) put32(pdu.header.data() + 24, session.cmd_sn++);
      const auto octets = session.wire_octets(pdu);
      if (session.connection.write_some(octets, 500) != octets.size()) break;
    }
    session.connection.closed_within(5);  // read what came, without judging answers to nonsense
    if (dice.below(2) == 0) session.connection.reset();
    if (seed % 50 == 0) check_serves(target);
  }
  check_unharmed(target, before, 32 * kMiB);
}

TEST_CASE("random Login text harms nobody") {
  TargetProcess target;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    Keys keys = joined(identity_keys(), default_keys());
    for (int i = 0; i < 3; ++i) {
      auto& victim = keys[dice.below(static_cast<std::uint32_t>(keys.size()))];
      switch (dice.below(4)) {
        case 0:
          victim.second = text_of(noise(dice.below(300), dice.next()));
          break;
        case 1:
          victim.first = text_of(noise(dice.below(80), dice.next()));
          break;
        case 2:
          victim.second = std::string(dice.below(5000), '9');
          break;
        default:
          victim.second += ",,,~=\x01";
          break;
      }
    }
    RawInitiator session(target.portal());
    Pdu pdu = login_request(static_cast<std::uint8_t>(dice.below(16)), dice.below(2) == 0,
                            dice.below(8) == 0, build_text(keys), kIsid);
    if (pdu.data.size() > 8192) pdu.data.resize(8192);
    session.connection.write_some(session.wire_octets(pdu), 500);
    session.connection.closed_within(5);
  }
  check_serves(target);
}

TEST_CASE("giant lengths are refused before any memory is spent on them") {
  TargetProcess target;
  check_serves(target);
  const auto before = target.resident_bytes();
  for (int i = 0; i < 50; ++i) {
    Connection fresh(target.portal());
    Octets login(48);
    login[0] = 0x43;
    login[1] = 0x87;
    login[4] = 0xff;
    put24(login.data() + 5, 0xffffff);
    fresh.write(login);
    CHECK(fresh.closed_within(kPatience));
  }
  for (const Op op : {Op::scsi_command, Op::data_out, Op::text, Op::nop_out}) {
    auto session = connect_session(target);
    Pdu pdu;
    pdu.set(0, static_cast<std::uint8_t>(op)).set(1, 0x80).with_lengths(255, 0xffffff);
    session.send(pdu);
    session.expect_closed();
  }
  check_unharmed(target, before, 16 * kMiB);
}

TEST_CASE("a thousand half-open connections leave room for a session and are dropped in time") {
  allow_many_files();
  LabConfig config;
  config.top_level = R"("limits": {"login_timeout": "1500ms"})";
  TargetProcess target(config);
  check_serves(target);
  const auto before = target.resident_bytes();
  const auto files = target.open_files();
  std::vector<Connection> silent;
  for (int i = 0; i < 1000; ++i)
    silent.emplace_back(target.portal());
  check_unharmed(target, before, 32 * kMiB);
  const auto deadline = now_ms() + 6000;
  for (auto& connection : silent)
    CHECK(
        connection.closed_within(static_cast<int>(std::max<std::int64_t>(deadline - now_ms(), 1))));
  check_files_fall_to(target, files + 8);
  check_serves(target);
}

TEST_CASE("connections over the portal's limit are closed, those within it are served") {
  allow_many_files();
  LabConfig config;
  config.top_level = R"("limits": {"max_connections_per_portal": 20, "login_timeout": "30s"})";
  TargetProcess target(config);
  auto session = connect_session(target);
  std::vector<Connection> more;
  for (int i = 0; i < 40; ++i)
    more.emplace_back(target.portal());
  const auto closed =
      std::count_if(more.begin(), more.end(), [](Connection& c) { return c.closed_within(50); });
  CHECK(closed >= 20);
  CHECK(closed <= 22);
  session.expect_alive();
}

TEST_CASE("a peer that never reads costs a bounded amount of memory, and others read on") {
  LabConfig config;
  config.targets[0].luns = {
      R"({"lun": 0, "type": "disk", "backend": {"kind": "pattern", "size": "1TiB"}})"};
  TargetProcess target(config);
  auto witness = connect_session(target, second_initiator());
  CHECK(witness.read_blocks(0, 2048).size() == kMiB);
  const auto before = target.resident_bytes();
  std::vector<RawInitiator> deaf;
  for (std::uint8_t i = 0; i < 8; ++i) {
    deaf.emplace_back(target.portal(), 4096);
    LoginOptions options;
    options.isid[5] = static_cast<std::uint8_t>(0x40 + i);
    REQUIRE(deaf.back().login(options).ok());
    deaf.back().drain_attentions();
    Octets flood;  // a thousand reads of 1 MiB, and pings on top
    for (std::uint32_t n = 0; n < 1000; ++n) {
      Pdu read = scsi_command(read_10(n * 2048, 2048), kMiB, kFinal | kRead | kSimple);
      read.with_tag(0x10000 + n)
          .with_cmd_sn(deaf.back().cmd_sn++)
          .with_exp_stat_sn(deaf.back().exp_stat_sn);
      const auto octets = deaf.back().wire_octets(read);
      flood.insert(flood.end(), octets.begin(), octets.end());
    }
    deaf.back().connection.write_some(flood, 300);
  }
  pause_ms(300);
  const auto grown = target.resident_bytes() - std::min(before, target.resident_bytes());
  CHECK_MESSAGE((grown < 96 * kMiB || !kPlainBuild),
                "eight deaf peers cost " << grown / kMiB << " MiB");
  const auto start = now_ms();
  CHECK(witness.read_blocks(4096, 2048).size() == kMiB);
  witness.expect_alive();
  CHECK(now_ms() - start < 2000);
  for (auto& session : deaf)
    session.connection.reset();
  auto newcomer = connect_session(target);
  CHECK(newcomer.read_blocks(0, 8) == witness.read_blocks(0, 8));
}

TEST_CASE("a peer that reads slowly gets everything, in order") {
  TargetProcess target;
  const auto data = noise(4 * kMiB, 77);
  {
    auto writer = connect_session(target);
    writer.execute_write(write_16(0, 8192), data);
  }
  RawInitiator slow(target.portal(), 4096);
  REQUIRE(slow.login().ok());
  slow.drain_attentions();
  const auto tag = slow.send(scsi_command(read_16(0, 8192), 4 * kMiB, kFinal | kRead | kSimple));
  pause_ms(300);
  const auto outcome = slow.finish(tag, {}, 30000);
  CHECK(outcome.good());
  CHECK(outcome.data == data);
}

TEST_CASE(
    "floods of pings, task management and text are answered or stop the flooder, nobody else") {
  TargetProcess target;
  auto witness = connect_session(target, second_initiator());
  check_serves(target);
  const auto before = target.resident_bytes();
  const Pdu kinds[] = {nop_out(noise(4096, 1)), task_management(2),
                       text_request({{"SendTargets", ""}}), Pdu{}.set(0, 0x5e).set(1, 0x80)};
  for (const auto& kind : kinds) {
    auto session = connect_session(target);
    Octets flood;
    for (std::uint32_t i = 0; i < 2000; ++i) {
      Pdu pdu = kind;
      pdu.with_tag(0x20000 + i).with_cmd_sn(session.cmd_sn).with_exp_stat_sn(session.exp_stat_sn);
      const auto octets = session.wire_octets(pdu);
      flood.insert(flood.end(), octets.begin(), octets.end());
    }
    session.connection.write_some(flood, 300);  // and never read
    const auto start = now_ms();
    witness.expect_alive();
    CHECK(now_ms() - start < 1000);
    session.connection.reset();
  }
  check_unharmed(target, before, 64 * kMiB);
}

TEST_CASE("writes that never send their data hold no memory for it") {
  TargetProcess target;
  check_serves(target);
  const auto before = target.resident_bytes();
  std::vector<RawInitiator> stalled;
  for (std::uint8_t i = 0; i < 4; ++i) {
    auto options = only_r2t();
    options.isid[5] = static_cast<std::uint8_t>(0x60 + i);
    stalled.push_back(connect_session(target, options));
    auto& session = stalled.back();
    Octets flood;
    for (std::uint32_t n = 0; n < 4000; ++n) {
      Pdu write = scsi_command(write_16(0, 65535), 65535 * 512u, kFinal | kWrite | kSimple);
      write.with_tag(0x30000 + n)
          .with_cmd_sn(session.cmd_sn++)
          .with_exp_stat_sn(session.exp_stat_sn);
      const auto octets = session.wire_octets(write);
      flood.insert(flood.end(), octets.begin(), octets.end());
    }
    session.connection.write_some(flood, 500);
  }
  check_unharmed(target, before, 64 * kMiB);  // 16,000 writes of 32 MiB
}

TEST_CASE("half-closed connections are ended and their tasks with them") {
  TargetProcess target;
  check_serves(target);
  pause_ms(50);
  const auto before = target.open_files();
  for (int i = 0; i < 20; ++i) {
    auto session = connect_session(target, only_r2t());
    if (i % 2 == 0) session.start_held_write(0, 16);
    session.connection.half_close();
    CHECK(session.connection.closed_within(kPatience));
  }
  Connection unborn(target.portal());
  unborn.half_close();
  CHECK(unborn.closed_within(kPatience));
  check_files_fall_to(target, before + 2);
  check_serves(target);
}

TEST_CASE("PDUs that arrive an octet at a time are PDUs") {
  TargetProcess target;
  auto session =
      connect_session(target, with_keys({{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C"}}));
  Pdu ping = nop_out(octets_of("slowly does it"));
  ping.with_tag(0x5150).with_cmd_sn(session.cmd_sn).with_exp_stat_sn(session.exp_stat_sn);
  session.check.note_sent(ping);
  for (const auto octet : session.wire_octets(ping)) {
    session.send_octets({octet});
    pause_ms(1);
  }
  CHECK(text_of(session.receive_for(0x5150).data) == "slowly does it");
}

TEST_CASE("a second of connections that come and go leaves nothing behind") {
  TargetProcess target;
  check_serves(target);
  pause_ms(50);
  const auto files = target.open_files();
  const auto before = target.resident_bytes();
  const auto deadline = now_ms() + 1000;
  int count = 0;
  for (; now_ms() < deadline; ++count) {
    Connection connection(target.portal());
    if (count % 3 == 0) connection.reset();
  }
  CHECK(count > 100);
  check_files_fall_to(target, files + 2);
  check_unharmed(target, before, 32 * kMiB);
}

}  // namespace hostile_test
