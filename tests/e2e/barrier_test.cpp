// The barrier of a change: the reply says which command of each session is the first under the new
// rules, and it is.  FAULTLUN_BARRIER_FLIPS=<n> sets how often a rule is flipped.
#include "tests/e2e/pipeline.hpp"
#include "tests/support/control_client.hpp"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace barrier_test {

using namespace faultlun::e2e;

namespace {

constexpr std::size_t kDepth = 32;

/// From this CmdSN on commands end with this status.
struct Era {
  std::uint32_t cmd_sn = 0;
  std::uint8_t status = 0;
};

/// One change; tried again while there are too many requests a second.
ControlAnswer change(const ControlClient& control, const std::string& method,
                     const std::string& path, const std::string& body) {
  for (;;) {
    auto answer = control.call(method, path, body);
    if (answer.status != 429) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// The rule becomes BUSY, then TASK SET FULL, then goes, and again.
std::vector<Era> flip(const ControlClient& control, std::size_t flips) {
  std::vector<Era> eras = {{0, 0x00}};
  for (std::size_t i = 0; i < flips; ++i) {
    const auto phase = i % 3;
    const std::string status = phase == 0 ? "BUSY" : "TASK SET FULL";
    const auto answer =
        phase == 2 ? change(control, "DELETE", "/v1/rules/flip", "")
                   : change(control, "PUT", "/v1/rules/flip",
                            R"j({"match":{"op":"READ(10)"},"effect":{"scsi.status":{"status":")j" +
                                status + R"j("}}})j");
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    const auto sessions = json.value("/barrier/sessions"_json_pointer, nlohmann::json::array());
    if (!answer.ok() || sessions.size() != 1) {
      FAIL_CHECK("change " << i << ": " << answer.body);
      break;
    }
    eras.push_back({sessions[0]["cmd_sn"].get<std::uint32_t>(),
                    static_cast<std::uint8_t>(phase == 0   ? 0x08
                                              : phase == 1 ? 0x28
                                                           : 0x00)});
  }
  return eras;
}

}  // namespace

TEST_CASE("a rule flipped under full load: every command is decided by the announced set") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  Pipeline pipeline(session, kDepth);
  auto flipping = std::async(std::launch::async,
                             [&] { return flip(control, runs_of("FAULTLUN_BARRIER_FLIPS", 500)); });
  while (flipping.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    for (std::size_t i = 0; i < kDepth; ++i)
      pipeline.read(0, 1);
  for (std::size_t i = 0; i < kDepth; ++i)
    pipeline.read(0, 1);  // under the last set
  pipeline.finish();
  const auto eras = flipping.get();
  std::size_t at = 0, wrong = 0, eras_seen = 0;
  for (const auto& [cmd_sn, status] : pipeline.answers()) {
    const auto before = at;
    while (at + 1 < eras.size() && eras[at + 1].cmd_sn <= cmd_sn)
      ++at;
    eras_seen += at != before ? 1 : 0;
    if (status == eras[at].status) continue;
    if (wrong++ == 0)
      FAIL_CHECK("CmdSN " << cmd_sn << " ended with " << int(status) << ", and the set from CmdSN "
                          << eras[at].cmd_sn << " on says " << int(eras[at].status));
  }
  CHECK(wrong == 0);
  CHECK(eras_seen > eras.size() / 4);  // it was under load
  for (std::size_t i = 1; i < eras.size(); ++i)
    CHECK(eras[i - 1].cmd_sn <= eras[i].cmd_sn);
  MESSAGE(pipeline.answers().size()
          << " commands, " << eras.size() - 1 << " flips, " << eras_seen << " of them seen");
}

TEST_CASE("a change with drain=1 is answered when nothing decided before is in progress") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(
      R"j({"id":"silent","match":{"op":"READ(10)"},"effect":{"scsi.selection_timeout":{"variant":"silent"}}})j");
  const auto tag = session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
  const auto cmd_sn = session.last_sent.cmd_sn();
  session.expect_silence(100);  // it has been decided
  // Without drain the answer does not wait.
  control.put_rule(
      R"j({"id":"other","match":{"op":"WRITE(10)"},"effect":{"scsi.status":{"status":"BUSY"}}})j");
  auto draining = std::async(std::launch::async,
                             [&] { return control.call("DELETE", "/v1/rules/silent?drain=1"); });
  CHECK(draining.wait_for(std::chrono::milliseconds(300)) == std::future_status::timeout);
  // New commands go their way meanwhile, and do not keep the answer back.
  CHECK(session.execute_read(read_10(8, 1), 512).good());
  CHECK(draining.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
  CHECK(session.manage(1, 0, tag, cmd_sn) == 0);
  session.check.forget(tag);
  REQUIRE(draining.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  const auto answer = draining.get();
  CHECK(answer.ok());
  CHECK(answer.json()["drained"] == true);
}

}  // namespace barrier_test
