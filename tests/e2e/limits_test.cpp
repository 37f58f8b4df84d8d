// What one peer may take, at the limit and one past it, in a running daemon.  The numbers are those
// of DataBudget, SocketTransport and ConnectionSet.
#include "tests/e2e/lab.hpp"

#include <poll.h>
#include <sys/resource.h>

namespace faultlun::e2e::limits_test {
namespace {

constexpr std::size_t kMiB = 1 << 20;

/// LUN 0 is a file of 64 MiB: a device that does not answer at once.
LabConfig slow_lab(const TemporaryDirectory& directory) {
  LabConfig config;
  config.targets[0].luns = {R"({"lun": 0, "backend": {"kind": "file", "path": ")" +
                            directory.path() + R"(/disk.img", "size": "64MiB"}})"};
  return config;
}

bool was_reset(const Connection& connection, int ms) {
  pollfd state{connection.fd(), 0, 0};  // POLLERR and POLLHUP come unasked
  return ::poll(&state, 1, ms) > 0;
}

/// Logs out and reads the target's end of the stream, but does not close.
Connection logged_out(const TargetProcess& target) {
  auto session = connect_session(target);
  session.exchange(logout(0));
  CHECK(session.connection.closed_within(kPatience));
  return std::move(session.connection);
}

TEST_CASE("a session has 256 MiB for data of slow media, then TASK SET FULL, and others go on") {
  constexpr std::uint32_t kLongest = 65536;  // blocks: 32 MiB, MAXIMUM TRANSFER LENGTH
  const TemporaryDirectory directory;
  TargetProcess target(slow_lab(directory));
  auto session = connect_session(target, only_r2t());
  std::vector<std::uint32_t> held;
  for (int n = 0; n < 8; ++n) {
    held.push_back(session.send(
        scsi_command(write_16(0, kLongest), kLongest * 512, kFinal | kWrite | kSimple)));
    CHECK(session.receive_for(held.back()).opcode() == Op::r2t);
  }
  CHECK(session.execute_write(write_10(0, 1), Octets(512, 0x11)).status == 0x28);
  CHECK(session.execute_read(read_10(0, 1), 512).status == 0x28);
  CHECK(session.execute(test_unit_ready()).good());  // a command without data has room
  auto other = connect_session(target, second_initiator());
  other.write_blocks(0, Octets(512, 0x22));
  CHECK(other.read_blocks(0, 1) == Octets(512, 0x22));

  CHECK(session.manage(1, 0, held[0], session.cmd_sn - 1) == 0);  // ABORT TASK
  CHECK(session.execute_write(write_10(0, 1), Octets(512, 0x33)).good());
  CHECK(session.read_blocks(0, 1) == Octets(512, 0x33));
}

TEST_CASE("a peer that goes on sending after the end is read for 4 MiB, then cut off") {
  TargetProcess target;
  const Octets most(4 * kMiB, 0x5a);
  bool in_time = false;
  for (int attempt = 0; attempt < 5 && !in_time; ++attempt) {
    auto peer = logged_out(target);
    const auto start = now_ms();
    CHECK(peer.write_some(most, 900) == most.size());
    peer.write_some({0}, 100);
    const bool cut_before = was_reset(peer, 50);
    peer.write_some({0}, 100);
    const bool cut_after = was_reset(peer, 200);
    in_time = now_ms() - start < 900;  // later, it is the time that ends the connection
    if (!in_time) continue;
    CHECK_FALSE(cut_before);
    CHECK(cut_after);
  }
  CHECK(in_time);
  check_serves(target);
}

TEST_CASE("a peer that does not close after the end is let go of within about a second") {
  TargetProcess target;
  check_serves(target);
  pause_ms(100);
  const auto files = target.open_files();
  const auto start = now_ms();
  auto peer = logged_out(target);
  pause_ms(300);
  const auto kept = target.open_files();
  if (now_ms() - start < 900) CHECK(kept == files + 1);  // its last words may still be on the way
  while (target.open_files() > files && now_ms() - start < 4000)
    pause_ms(20);
  CHECK(target.open_files() == files);
}

TEST_CASE("a thread keeps 1024 connections that have not logged in, the oldest gives way") {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16384);
  setrlimit(RLIMIT_NOFILE, &limit);
  const TemporaryDirectory directory;
  LabConfig config;
  config.top_level = R"("limits": {"login_timeout": "60s"})";
  TargetProcess target(std::vector<std::string>{
      "--config", directory.write("config.json", config.json(directory)), "--threads", "1"});
  std::vector<Connection> silent;
  for (int i = 0; i < 1024; ++i)
    silent.emplace_back(target.portal());
  CHECK_FALSE(silent[0].readable(300));
  silent.emplace_back(target.portal());
  CHECK(silent[0].closed_within(kPatience));
  CHECK_FALSE(silent[1].readable(100));
  auto session = connect_session(target);
  CHECK(silent[1].closed_within(kPatience));
  CHECK_FALSE(silent[2].readable(100));
  session.expect_alive();
}

TEST_CASE("COMPARE AND WRITEs of many sessions count a block up without losing one") {
  constexpr std::uint32_t kSteps = 256;
  const TemporaryDirectory directory;
  TargetProcess target(slow_lab(directory));
  const auto counter = [](std::uint32_t value) {
    Octets block(512);
    put32(block.data(), value);
    return block;
  };
  std::vector<RawInitiator> sessions;
  for (std::uint8_t n = 0; n < 4; ++n) {
    LoginOptions options;
    options.isid[5] = static_cast<std::uint8_t>(0x70 + n);
    sessions.push_back(connect_session(target, options));
  }
  sessions[0].write_blocks(7, counter(0));
  std::vector<std::vector<std::uint32_t>> tags(sessions.size());
  for (std::uint32_t step = 0; step < kSteps; ++step) {
    auto data = counter(step);
    const auto next = counter(step + 1);
    data.insert(data.end(), next.begin(), next.end());
    for (std::size_t n = 0; n < sessions.size(); ++n)
      tags[n].push_back(
          sessions[n].send(scsi_command({0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0}, 1024,
                                        kFinal | kWrite | kSimple, data)));
  }
  // A peer that leaves with all of its commands waiting holds up nobody.
  auto deserter = connect_session(target, second_initiator());
  for (std::uint32_t i = 0; i < 64; ++i)
    deserter.send(scsi_command({0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0}, 1024,
                               kFinal | kWrite | kSimple, Octets(1024, 0xee)));
  deserter.connection.reset();
  std::uint32_t counted = 0;
  for (std::size_t n = 0; n < sessions.size(); ++n)
    for (const auto tag : tags[n]) {
      const auto outcome = sessions[n].finish(tag);
      CHECK((outcome.good() || outcome.sense_code() == 0x0e1d00));
      counted += outcome.good();
    }
  CHECK(counted == kSteps);
  CHECK(sessions[0].read_blocks(7, 1) == counter(kSteps));
}

}  // namespace
}  // namespace faultlun::e2e::limits_test
