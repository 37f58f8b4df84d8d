// A thousand sessions at once: what they cost, and whether anybody notices.
#include "tests/e2e/lab.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace scale_test {

using namespace faultlun::e2e;

namespace {
constexpr std::size_t kSessions = 1000;

LoginOptions numbered(std::size_t number) {
  LoginOptions options;
  options.initiator = "iqn.2026-11.example.test:host" + std::to_string(number);
  return options;
}
}  // namespace

TEST_CASE("a thousand idle sessions cost less than 32 MiB and do not starve running I/O") {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16384);
  setrlimit(RLIMIT_NOFILE, &limit);
  TargetProcess target;
  auto worker = connect_session(target, second_initiator());
  const auto data = noise(65536, 1);
  worker.write_blocks(0, data);
  CHECK(worker.read_blocks(0, 128) == data);
  const auto before = target.resident_bytes();
  std::vector<RawInitiator> sessions;
  sessions.reserve(kSessions);
  std::int64_t slowest = 0;
  for (std::size_t i = 0; i < kSessions; ++i) {
    sessions.emplace_back(target.portal());
    REQUIRE(sessions.back().login(numbered(i)).ok());
    if (i % 10 != 0) continue;
    const auto start = now_ms();  // running I/O in between
    CHECK(worker.read_blocks(0, 128) == data);
    slowest = std::max(slowest, now_ms() - start);
  }
  const auto grown = target.resident_bytes() - std::min(before, target.resident_bytes());
  MESSAGE("grown by " << grown / 1024 << " KiB, slowest read " << slowest << " ms");
  if (kPlainBuild) CHECK(grown < 32u << 20);
  CHECK(slowest < 1000);
  for (std::size_t i = 0; i < kSessions; i += 97) {
    sessions[i].drain_attentions();
    CHECK(sessions[i].read_blocks(0, 128) == data);
  }
  worker.expect_alive();
}

TEST_CASE("a storm of logins does not starve a session that works") {
  TargetProcess target;
  auto worker = connect_session(target, second_initiator());
  std::vector<RawInitiator> storm;
  std::int64_t slowest = 0;
  for (int round = 0; round < 30; ++round) {
    storm.clear();
    for (std::size_t i = 0; i < 30; ++i) {  // thirty logins under way, none finished
      storm.emplace_back(target.portal());
      const Octets text =
          build_text({{"InitiatorName", numbered(i).initiator}, {"TargetName", kTargetName}});
      storm.back().send(login_request(kOperationalToFull, true, false, text, kIsid));
    }
    const auto start = now_ms();
    worker.read_blocks(0, 128);
    slowest = std::max(slowest, now_ms() - start);
    for (auto& login : storm)
      CHECK(login.receive().login_status() == 0);
  }
  CHECK(slowest < 500);
}

}  // namespace scale_test
