// What the tests of faults about units and task management share: two initiators at one target, and
// short ways to bring a fault about.
#pragma once

#include "tests/e2e/lab.hpp"
#include "tests/support/control_client.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace faultlun::e2e {

using Codes = std::vector<std::uint32_t>;  ///< sense codes, 0xKKAAQQ

inline std::string rule(const std::string& id, const std::string& match, const std::string& effect,
                        const std::string& more = "") {
  return R"({"id":")" + id + R"(","match":)" + match + R"(,"effect":)" + effect + more + "}";
}

inline LoginOptions second_with_only_r2t() {
  auto options = second_initiator();
  options.keys = only_r2t().keys;
  return options;
}

/// Two nexuses that use every unit of one target; nothing pends for them.  A write of either waits
/// for its data when start_held_write() says so.
struct FaultLab {
  explicit FaultLab(const std::string& luns = R"("0-2")") : FaultLab(lab_with_luns(luns)) {}
  explicit FaultLab(const LabConfig& config)
      : target(config),
        control(target),
        one(connect_session(target, only_r2t())),
        two(connect_session(target, second_with_only_r2t())) {
    drain();
  }

  void drain() {
    for (auto* session : {&one, &two})
      for (std::uint16_t lun = 0; lun < 3; ++lun)
        session->drain_attentions(lun);
  }
  /// The effect strikes once, with an INQUIRY of the first initiator at `lun`, which may stay
  /// without an answer.
  void strike(const std::string& effect, std::uint16_t lun = 0) {
    const auto match = R"({"op":"INQUIRY","initiator":"*:raw","lun":)" + std::to_string(lun) + "}";
    control.put_rule(rule("strike", match, effect, R"(,"gate":{"times":1})"));
    const auto tag =
        one.send(scsi_command(inquiry(36), 36, kFinal | kRead | kSimple).with_lun(lun));
    one.expect_alive();
    if (one.check.open_tasks() == 0)
      one.finish(tag);
    else
      one.check.forget(tag);
    CHECK(control.counter("strike", "fired") == 1);
    control.remove_rule("strike");
  }
  void heal() { REQUIRE(control.post("/v1/reset").ok()); }

  TargetProcess target;
  ControlClient control;
  RawInitiator one, two;
};

inline std::uint32_t ready(RawInitiator& session, std::uint16_t lun = 0) {
  return session.execute(test_unit_ready(), at_lun(lun)).sense_code();
}

inline void pause(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/// TEST UNIT READY until it is answered otherwise than with `code`, and what came then.
inline Outcome wait_while(RawInitiator& session, std::uint32_t code, std::uint16_t lun = 0) {
  const auto deadline = now_ms() + kPatience;
  Outcome outcome;
  do {
    outcome = session.execute(test_unit_ready(), at_lun(lun));
    pause(10);
  } while (outcome.sense_code() == code && now_ms() < deadline);
  return outcome;
}

/// No answer to a TEST UNIT READY, though the connection is alive.
inline void expect_no_answer(RawInitiator& session, std::uint16_t lun = 0) {
  const auto tag = session.send(scsi_command(test_unit_ready(), 0, kFinal | kSimple).with_lun(lun));
  session.expect_alive();
  session.expect_silence(100);
  session.check.forget(tag);
}

/// A write in flight: asked for its data, which has not been sent.
struct HeldWrite {
  HeldWrite(RawInitiator& by, std::uint32_t lba, std::uint16_t lun = 0)
      : session(by), tag(by.start_held_write(lba, 16, lun)), r2t(by.receive_for(tag)) {}
  Octets data() const { return noise(16 * 512, tag); }
  Outcome complete() {
    session.answer_r2t(r2t, data());
    return session.finish(tag);
  }
  /// The task is gone: its data is swallowed and nothing is heard of it.
  void check_gone() {
    session.answer_r2t(r2t, data());
    session.expect_alive();
    session.expect_silence(100);
    session.check.forget(tag);
  }
  RawInitiator& session;
  std::uint32_t tag;
  Pdu r2t;
};

}  // namespace faultlun::e2e
