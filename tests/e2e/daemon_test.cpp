// The daemon as a program: exit statuses, SIGHUP and SIGTERM, and the backends behind a whole
// target.
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <signal.h>
#include <sys/stat.h>

namespace faultlun::e2e::daemon_test {
namespace {

constexpr std::uint32_t kReportedLunsChanged = 0x063f0e;

Octets repeated(std::size_t count, std::uint8_t octet) {
  return Octets(count, octet);
}

/// A configuration whose LUN 0 is `disk.img` of 64 MiB in `directory`.
LabConfig file_lab(const TemporaryDirectory& directory, const std::string& members = "") {
  LabConfig config;
  config.targets[0].luns = {R"({"lun": 0, "backend": {"kind": "file", "path": ")" +
                            directory.path() + R"(/disk.img", "size": "64MiB"})" + members + "}"};
  return config;
}

struct stat state_of(const std::string& path) {
  struct stat state {};
  REQUIRE(::stat(path.c_str(), &state) == 0);
  return state;
}

std::vector<std::uint16_t> luns_of(RawInitiator& session) {
  const auto outcome = session.execute_read(report_luns(4096), 4096);
  REQUIRE(outcome.good());
  std::vector<std::uint16_t> luns;
  for (std::size_t at = 8; at + 8 <= outcome.data.size(); at += 8)
    luns.push_back(outcome.data[at + 1]);
  return luns;
}

TEST_CASE("a file is created sparse at its size and keeps what is written over a restart") {
  const TemporaryDirectory directory;
  const auto data = noise(700 * 512, 1);
  {
    TargetProcess target(file_lab(directory));
    const auto created = state_of(directory.path() + "/disk.img");
    CHECK(created.st_size == 64 << 20);
    CHECK(created.st_blocks * 512 < 1 << 20);
    auto session = connect_session(target);
    session.write_blocks(1000, data);
    session.write_blocks(3, repeated(512, 0x5a));
    CHECK(session.read_blocks(1000, 700) == data);
  }
  TargetProcess target(file_lab(directory));
  auto session = connect_session(target);
  CHECK(session.read_blocks(1000, 700) == data);
  CHECK(session.read_blocks(3, 1) == repeated(512, 0x5a));
  CHECK(session.read_blocks(4, 1) == repeated(512, 0));
}

TEST_CASE("commands of several steps do on a file what they do in memory") {
  const TemporaryDirectory directory;
  for (const auto& config : {file_lab(directory), LabConfig{}}) {
    TargetProcess target(config);
    auto session = connect_session(target);
    session.write_blocks(8, repeated(2 * 512, 0x11));

    const auto compare_and_write = [&](std::uint8_t expected, std::uint8_t replacement) {
      auto data = repeated(512, expected);
      const auto more = repeated(512, replacement);
      data.insert(data.end(), more.begin(), more.end());
      return session.execute_write({0x89, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0}, data);
    };
    CHECK(compare_and_write(0x11, 0x22).good());
    CHECK(compare_and_write(0x11, 0x33).sense_code() == 0x0e1d00);
    CHECK(session.read_blocks(8, 1) == repeated(512, 0x22));

    CHECK(session.execute_write({0x41, 0, 0, 0, 0, 16, 0, 0x10, 0, 0}, repeated(512, 0x44))
              .good());  // WRITE SAME
    CHECK(session.read_blocks(16, 3000) == repeated(3000 * 512, 0x44));
    CHECK(session.execute_write({0x2f, 0x02, 0, 0, 0, 16, 0, 0, 2, 0}, repeated(1024, 0x44))
              .good());  // VERIFY
    CHECK(session.execute_write({0x2f, 0x02, 0, 0, 0, 16, 0, 0, 2, 0}, repeated(1024, 0x45))
              .sense_code() == 0x0e1d00);
    CHECK(session.execute_write({0x2e, 0x02, 0, 0, 0, 20, 0, 0, 2, 0}, repeated(1024, 0x55))
              .good());                                                // WRITE AND VERIFY
    CHECK(session.execute({0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}).good());  // SYNCHRONIZE CACHE

    const Octets list = {0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 8, 0, 0, 0, 0};
    CHECK(session.execute_write({0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}, list).good());  // UNMAP 16..23
    CHECK(session.read_blocks(16, 8) == repeated(8 * 512, 0));
    CHECK(session.read_blocks(24, 1) == repeated(512, 0x44));
  }
}

TEST_CASE(
    "a transfer with less data than the command asks for writes whole blocks only, on every "
    "backend") {
  const TemporaryDirectory directory;
  for (const auto& config : {file_lab(directory), LabConfig{}}) {
    TargetProcess target(config);
    auto session = connect_session(target);
    session.write_blocks(40, repeated(4 * 512, 0x11));
    const auto outcome = session.execute_write(write_10(40, 4), repeated(512 + 100, 0x22));
    CHECK(outcome.good());
    CHECK(session.read_blocks(40, 1) == repeated(512, 0x22));
    CHECK(session.read_blocks(41, 3) == repeated(3 * 512, 0x11));
  }
}

TEST_CASE(
    "an image that another daemon writes to is refused with its name, the reason and the remedy") {
  const TemporaryDirectory directory;
  TargetProcess target(file_lab(directory));
  const auto second = directory.write("second.json", file_lab(directory).json(directory));
  const auto ran =
      run_program({target_binary(), "serve", "--config", second, "--control", "127.0.0.1:0"});
  CHECK(ran.status == 1);
  CHECK_MESSAGE(ran.output.find(directory.path() + "/disk.img") != std::string::npos, ran.output);
}

TEST_CASE("GET LBA STATUS of a 4096-byte unit tells what is written and what is not") {
  LabConfig config;
  config.targets[0].luns = {memory_lun("0", "64MiB", R"(, "block_size": 4096)")};
  TargetProcess target(config);
  auto session = connect_session(target);
  CHECK(session.execute_write(write_10(10, 5), repeated(5 * 4096, 0x66)).good());
  const auto outcome =
      session.execute_read({0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 56, 0, 0}, 56);
  REQUIRE(outcome.good());
  const Octets expected = {0, 0, 0, 52, 0, 0, 0, 0,                                 //
                           0, 0, 0, 0,  0, 0, 0, 2,  0, 0, 0,    8,    1, 0, 0, 0,  //
                           0, 0, 0, 0,  0, 0, 0, 10, 0, 0, 0,    5,    0, 0, 0, 0,  //
                           0, 0, 0, 0,  0, 0, 0, 15, 0, 0, 0x3f, 0xf1, 1, 0, 0, 0};
  CHECK(outcome.data == expected);
}

TEST_CASE("a pattern of an exabyte answers at both ends, and checks what is written to it") {
  LabConfig config;
  config.targets[0].luns = {
      R"({"lun": 0, "backend": {"kind": "pattern", "size": "1EiB", "writes": "check"}})"};
  TargetProcess target(config);
  auto session = connect_session(target);
  const std::uint64_t last = (std::uint64_t{1} << 60) / 512 - 1;
  const auto outcome = session.execute_read(read_16(last, 1), 512);
  REQUIRE(outcome.good());
  std::uint64_t lba = 0;
  for (int i = 0; i < 8; ++i)
    lba = lba << 8 | outcome.data[static_cast<std::size_t>(i)];
  CHECK(lba == last);
  CHECK(session.execute_write(write_16(last, 1), outcome.data).good());
  CHECK_FALSE(session.execute_write(write_16(last, 1), repeated(512, 1)).good());
}

TEST_CASE("SIGHUP adds a unit and removes one, and every session is told") {
  LabConfig config = lab_with_luns(R"("0-1")");
  TargetProcess target(config);
  auto session = connect_session(target);
  session.drain_attentions(1);
  session.write_blocks(5, repeated(512, 0x77));
  config.targets[0].luns = {memory_lun("0", "16MiB"), memory_lun("7", "16MiB")};
  target.replace_config(config.json(target.directory()));
  const auto until = now_ms() + kPatience;
  while (luns_of(session) != std::vector<std::uint16_t>{0, 7})
    REQUIRE(now_ms() < until);
  const auto told = session.drain_attentions(0);
  CHECK(std::ranges::find(told, kReportedLunsChanged) ==
        told.end());                                        // REPORT LUNS has cleared it (B3.03)
  CHECK(session.read_blocks(5, 1) == repeated(512, 0x77));  // LUN 0 is the same as before
  CHECK(session.execute(test_unit_ready(), at_lun(1)).sense_code() == 0x052500);
  session.drain_attentions(7);
  CHECK(session.execute(test_unit_ready(), at_lun(7)).good());
}

TEST_CASE("a reload with an error, or with what needs a restart, changes nothing") {
  LabConfig config = lab_with_luns("0");
  TargetProcess target(config);
  auto session = connect_session(target);
  const auto refused = [&](const std::string& json, std::size_t times) {
    target.replace_config(json);
    const auto until = now_ms() + kPatience;
    for (std::size_t found = 0; found < times;) {
      REQUIRE_MESSAGE(now_ms() < until, target.log());
      found = 0;
      const auto log = target.log();
      for (auto at = log.find("reload refused"); at != std::string::npos;
           at = log.find("reload refused", at + 1))
        ++found;
    }
  };
  refused("{\"targest\": []}", 1);
  config.targets[0].luns = {memory_lun("0", "32MiB"), memory_lun("1", "16MiB")};
  refused(config.json(target.directory()), 2);
  CHECK(luns_of(session) == std::vector<std::uint16_t>{0});
  session.expect_alive();
}

TEST_CASE("a port in use ends with status 1 and a line that names it") {
  TargetProcess target;
  const auto address = "127.0.0.1:" + std::to_string(target.portal().port);
  const auto ran =
      run_program({target_binary(), "serve", "--portal", address, "--control", "127.0.0.1:0"});
  CHECK(ran.status == 1);
  CHECK_MESSAGE(ran.output.find(address) != std::string::npos, ran.output);
  CHECK(ran.output.find("in use") != std::string::npos);
}

TEST_CASE("a bad configuration or command line ends with status 2 and names every error") {
  const TemporaryDirectory directory;
  const auto file = directory.write(
      "bad.json", R"({"portalls": [], "targets": [{"name": "nobody", "luns": [{"lun": 99999}]}]})");
  const auto ran = run_program({target_binary(), "serve", "--config", file});
  CHECK(ran.status == 2);
  for (const char* word :
       {"portalls", "did you mean \"portals\"", "targets[0].name", "targets[0].luns[0].lun"})
    CHECK_MESSAGE(ran.output.find(word) != std::string::npos, word << " in " << ran.output);
  CHECK(run_program({target_binary(), "serve", "--portals", "x"}).status == 2);
  const auto missing =
      run_program({target_binary(), "serve", "--config", directory.path() + "/none.json"});
  CHECK(missing.status == 2);
  CHECK(missing.output.find("none.json") != std::string::npos);
}

TEST_CASE("SIGTERM announces the end (A11.03) and ends in time while writes wait for ever") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  for (std::uint16_t i = 0; i < 20; ++i)
    session.start_held_write(i * 8U, 8);
  const auto start = now_ms();
  REQUIRE(::kill(target.pid(), SIGTERM) == 0);
  bool announced = false;
  while (const auto pdu = session.try_receive(kPatience))
    announced |= pdu->opcode() == Op::async_message && pdu->at(36) == 3;
  CHECK(announced);
  target.stop();
  CHECK(now_ms() - start < 5000);
}

TEST_CASE(
    "a unit that is written to while another session resets it loses nothing it acknowledged") {
  TargetProcess target;
  auto writer = connect_session(target);
  auto resetter = connect_session(target, second_initiator());
  for (std::uint32_t round = 0; round < 50; ++round) {
    const auto data = noise(16 * 512, round);
    writer.write_blocks(round * 16, data);
    resetter.exchange(task_management(5, 0));
    const auto told = writer.drain_attentions();
    CHECK(std::ranges::find(told, 0x062903U) != told.end());
    CHECK(writer.read_blocks(round * 16, 16) == data);
    resetter.drain_attentions();
  }
}

}  // namespace
}  // namespace faultlun::e2e::daemon_test
