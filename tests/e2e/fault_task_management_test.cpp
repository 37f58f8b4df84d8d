// tmf.* faults as initiators see them: response codes, silence, late answers, who loses tasks, and
// who is told.
#include "tests/e2e/fault_lab.hpp"

namespace fault_task_management_test {

using namespace faultlun::e2e;

namespace {

constexpr std::uint8_t kAbortTask = 1, kAbortTaskSet = 2, kClearTaskSet = 4, kLunReset = 5,
                       kWarmReset = 6, kColdReset = 7, kQueryTask = 9, kQueryTaskSet = 10,
                       kNexusReset = 11;
constexpr std::uint32_t kClearedByAnother = 0x062f00;

/// A rule about the functions of the first initiator at LUN 0, `function` by name.
std::string about(const std::string& function, const std::string& effect,
                  const std::string& more = "") {
  const auto which =
      function == "ANY" ? std::string(R"("op":"tmf")") : R"("tmf":")" + function + "\"";
  return rule("tmf", R"({"initiator":"*:raw",)" + which + "}", effect, more);
}

std::uint32_t send_function(RawInitiator& session, std::uint8_t function,
                            std::uint32_t tag = kNoTag) {
  return session.send(task_management(function, 0, tag, session.cmd_sn - 1));
}

std::uint8_t abort(const HeldWrite& held) {
  return held.session.manage(kAbortTask, 0, held.tag, held.session.cmd_sn - 1);
}

/// Whether every answer of the sessions is 29/xx once, and then GOOD.
bool told_of_reset(RawInitiator& session) {
  const auto told = session.drain_attentions();
  return told.size() == 1 && (told[0] >> 8) == 0x0629;
}

/// The session lets go of tasks that a function has ended.
void tolerate(FaultLab& lab) {
  lab.one.check.tolerate_unknown_tags = lab.two.check.tolerate_unknown_tags = true;
}

}  // namespace

TEST_CASE("tmf.never: no answer and nothing is aborted, or all is with `perform`") {
  FaultLab lab;
  HeldWrite held(lab.one, 0);
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.never":{}})"));
  const auto function = send_function(lab.one, kAbortTask, held.tag);
  lab.one.expect_silence(150);
  lab.one.expect_alive();
  CHECK(held.complete().good());
  CHECK(lab.one.read_blocks(0, 16) == held.data());
  CHECK(lab.one.manage(kLunReset) == 0);  // another function goes its way
  lab.one.check.forget(function);
  lab.drain();
  HeldWrite second(lab.one, 16);
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.never":{"perform":true}})"));
  lab.one.check.forget(send_function(lab.one, kAbortTask, second.tag));
  tolerate(lab);
  second.check_gone();
  lab.control.remove_rule("tmf");
  CHECK(lab.one.read_blocks(16, 16) == Octets(8192));
}

TEST_CASE("tmf.never a thousand times leaves room for functions that are answered") {
  FaultLab lab;
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.never":{}})"));
  for (int i = 0; i < 1000; ++i)
    lab.one.check.forget(send_function(lab.one, kAbortTask, 0x4242));
  lab.one.expect_alive();
  lab.one.expect_silence(50);
  CHECK(lab.control.counter("tmf", "fired") == 1000);
  CHECK(lab.one.manage(kQueryTask, 0, 0x4242) == 5);
  lab.heal();
  CHECK(lab.one.manage(kAbortTask, 0, 0x4242, lab.one.cmd_sn - 1) <= 1);
}

TEST_CASE("tmf.delay: the function acts at once and its answer is late") {
  FaultLab lab;
  lab.control.put_rule(about("LOGICAL_UNIT_RESET", R"({"tmf.delay":{"delay":"400ms"}})"));
  HeldWrite own(lab.one, 0), others(lab.two, 16);
  tolerate(lab);
  const auto start = now_ms();
  const auto function = send_function(lab.one, kLunReset);
  own.check_gone();
  others.check_gone();
  CHECK(told_of_reset(lab.two));
  const auto answer = lab.one.receive_for(function);
  CHECK(now_ms() - start >= 400);
  CHECK(answer.at(2) == 0);
  CHECK(told_of_reset(lab.one));
}

TEST_CASE("tmf.delay before: tasks go on and may complete until the function acts") {
  FaultLab lab;
  lab.control.put_rule(
      about("LOGICAL_UNIT_RESET", R"({"tmf.delay":{"delay":"400ms","before":true}})"));
  HeldWrite first(lab.one, 0), second(lab.one, 16), others(lab.two, 32);
  const auto start = now_ms();
  const auto function = send_function(lab.one, kLunReset);
  CHECK(first.complete().good());
  CHECK(lab.one.read_blocks(0, 16) == first.data());  // a command that came after it
  CHECK(lab.two.execute(test_unit_ready()).good());
  CHECK(now_ms() - start < 400);
  lab.one.expect_silence(200);
  pause(static_cast<int>(start + 450 - now_ms()));
  // Now it has acted.  It is answered when the data that was asked for has come (RFC 7143
  // §4.2.3.3).
  tolerate(lab);
  others.check_gone();
  lab.one.answer_r2t(second.r2t, second.data());
  const auto answer = lab.one.receive_for(function);
  CHECK(answer.at(2) == 0);
  lab.one.expect_alive();
  lab.one.expect_silence(100);
  lab.one.check.forget(second.tag);
  CHECK(told_of_reset(lab.one));
  CHECK(told_of_reset(lab.two));
  CHECK(lab.one.read_blocks(0, 16) == first.data());
  CHECK(lab.one.read_blocks(16, 32) == Octets(32 * 512));
}

TEST_CASE("tmf.delay of a cold reset: the reset waits, is answered, and every connection goes") {
  FaultLab lab;
  lab.control.put_rule(about("TARGET_COLD_RESET", R"({"tmf.delay":{"delay":"300ms"}})"));
  const auto start = now_ms();
  const auto function = send_function(lab.one, kColdReset);
  CHECK(lab.two.execute(test_unit_ready()).good());
  CHECK(lab.one.receive_for(function).at(2) == 0);
  CHECK(now_ms() - start >= 300);
  lab.one.expect_closed();
  lab.two.expect_closed();
  check_serves(lab.target);
}

TEST_CASE("tmf.response: every response code arrives and nothing is aborted") {
  FaultLab lab;
  HeldWrite held(lab.one, 0);
  for (const int response : {0, 1, 2, 3, 4, 5, 6, 7, 255}) {
    CAPTURE(response);
    lab.control.put_rule(
        about("ANY", R"({"tmf.response":{"response":)" + std::to_string(response) + "}}"));
    CHECK(abort(held) == response);
    CHECK(lab.one.manage(kLunReset) == response);
    CHECK(lab.one.manage(kAbortTaskSet) == response);
  }
  CHECK(lab.control.post("/v1/rules", about("ANY", R"({"tmf.response":{"response":8}})")).status ==
        400);
  CHECK(lab.two.execute(test_unit_ready()).good());
  CHECK(held.complete().good());
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.response":{"response":5,"perform":true}})"));
  HeldWrite second(lab.one, 16);
  CHECK(abort(second) == 5);
  tolerate(lab);
  second.check_gone();
}

TEST_CASE("tmf.lie: response 0, and the aborted command completes afterwards all the same") {
  FaultLab lab;
  for (const auto& [name, function] : {std::pair{std::string("ABORT_TASK"), kAbortTask},
                                       std::pair{std::string("ABORT_TASK_SET"), kAbortTaskSet},
                                       std::pair{std::string("CLEAR_TASK_SET"), kClearTaskSet},
                                       std::pair{std::string("LOGICAL_UNIT_RESET"), kLunReset},
                                       std::pair{std::string("TARGET_WARM_RESET"), kWarmReset},
                                       std::pair{std::string("TARGET_COLD_RESET"), kColdReset},
                                       std::pair{std::string("I_T_NEXUS_RESET"), kNexusReset}}) {
    CAPTURE(name);
    lab.control.put_rule(about(name, R"({"tmf.lie":{}})"));
    HeldWrite own(lab.one, 0), others(lab.two, 16);
    CHECK(lab.one.manage(function, 0, own.tag, lab.one.cmd_sn - 1) == 0);
    CHECK(own.complete().good());
    CHECK(others.complete().good());
    CHECK(lab.one.read_blocks(0, 16) == own.data());
    CHECK(lab.two.drain_attentions().empty());
  }
  lab.heal();
  HeldWrite held(lab.one, 0);
  CHECK(abort(held) == 0);
  tolerate(lab);
  held.check_gone();
}

TEST_CASE("tmf.partial: the youngest tasks of the session survive") {
  struct Case {
    std::string name;
    std::uint8_t function;
    bool waits_for_data, reset;
  };
  for (const auto& each : {Case{"ABORT_TASK_SET", kAbortTaskSet, true, false},
                           Case{"CLEAR_TASK_SET", kClearTaskSet, true, false},
                           Case{"LOGICAL_UNIT_RESET", kLunReset, false, true},
                           Case{"TARGET_WARM_RESET", kWarmReset, false, true}}) {
    CAPTURE(each.name);
    FaultLab lab;
    lab.control.put_rule(about(each.name, R"({"tmf.partial":{"survivors":2}})"));
    HeldWrite oldest(lab.one, 0), older(lab.one, 16), younger(lab.one, 32), youngest(lab.one, 48);
    HeldWrite others(lab.two, 64);
    const auto function = send_function(lab.one, each.function);
    tolerate(lab);
    lab.one.answer_r2t(oldest.r2t, oldest.data());
    lab.one.answer_r2t(older.r2t, older.data());
    CHECK(lab.one.receive_for(function).at(2) == 0);
    CHECK(younger.complete().good());
    CHECK(youngest.complete().good());
    lab.one.expect_silence(100);
    lab.one.drain_attentions();
    CHECK(lab.one.read_blocks(0, 32) == Octets(32 * 512));
    CHECK(lab.one.read_blocks(32, 16) == younger.data());
    CHECK(lab.one.read_blocks(48, 16) == youngest.data());
    if (each.function == kAbortTaskSet)
      CHECK(others.complete().good());
    else
      others.check_gone();
    CHECK(told_of_reset(lab.two) == each.reset);
  }
}

TEST_CASE("tmf.partial of ABORT TASK spares the task, more survivors than tasks spare them all") {
  FaultLab lab;
  lab.control.put_rule(about("ANY", R"({"tmf.partial":{"survivors":9}})"));
  HeldWrite first(lab.one, 0), second(lab.one, 16);
  CHECK(abort(first) == 0);
  CHECK(lab.one.manage(kAbortTaskSet) == 0);
  CHECK(first.complete().good());
  CHECK(second.complete().good());
}

TEST_CASE("tmf.collateral: tasks of the other session at that unit vanish without a word") {
  FaultLab lab;
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.collateral":{}})"));
  HeldWrite own(lab.one, 0), spared(lab.one, 16), others(lab.two, 32), elsewhere(lab.two, 0, 1);
  CHECK(abort(own) == 0);
  tolerate(lab);
  own.check_gone();
  CHECK(spared.complete().good());
  others.check_gone();
  CHECK(elsewhere.complete().good());
  CHECK(lab.one.drain_attentions().empty());
  CHECK(lab.two.drain_attentions().empty());
  CHECK(lab.two.read_blocks(32, 16) == Octets(8192));
}

TEST_CASE("tmf.collateral with status and attention tells the others what they have lost") {
  FaultLab lab;
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.collateral":{"status":true}})"));
  HeldWrite own(lab.one, 0), others(lab.two, 32);
  CHECK(abort(own) == 0);
  lab.two.check.tolerate_unknown_tags = true;
  lab.two.answer_r2t(others.r2t, others.data());
  CHECK(lab.two.finish(others.tag).status == 0x40);
  CHECK(lab.two.drain_attentions().empty());
  lab.control.put_rule(about("ABORT_TASK", R"({"tmf.collateral":{"attention":true}})"));
  HeldWrite more(lab.one, 0), silent(lab.two, 32);
  CHECK(abort(more) == 0);
  tolerate(lab);
  silent.check_gone();
  CHECK(lab.two.drain_attentions() == Codes{kClearedByAnother});
  CHECK(lab.one.drain_attentions().empty());
  HeldWrite third(lab.one, 0);
  CHECK(abort(third) == 0);
  CHECK(lab.two.drain_attentions().empty());  // only those who lost tasks
}

TEST_CASE("tmf.collateral of a target reset reaches tasks at every unit") {
  FaultLab lab;
  lab.control.put_rule(about("TARGET_WARM_RESET", R"({"tmf.collateral":{"status":true}})"));
  HeldWrite others(lab.two, 0), elsewhere(lab.two, 0, 2);
  CHECK(lab.one.manage(kWarmReset) == 0);
  tolerate(lab);
  for (auto* held : {&others, &elsewhere}) {
    lab.two.answer_r2t(held->r2t, held->data());
    CHECK(lab.two.finish(held->tag).status == 0x40);
  }
}

TEST_CASE("tmf.reset_ms: BUSY for everybody after the reset, then the unit attention") {
  FaultLab lab;
  lab.control.put_rule(about("LOGICAL_UNIT_RESET", R"({"tmf.reset_ms":{"for":"400ms"}})"));
  const auto start = now_ms();
  CHECK(lab.one.manage(kLunReset) == 0);
  for (auto* session : {&lab.one, &lab.two}) {
    CHECK(session->execute(test_unit_ready()).status == 0x08);
    CHECK(session->execute_read(read_10(0, 1), 512).status == 0x08);
    CHECK(session->execute_read(read_10(0, 1), 512, at_lun(1)).good());
  }
  Outcome outcome;
  while ((outcome = lab.one.execute(test_unit_ready())).status == 0x08 && now_ms() < start + 5000)
    pause(10);
  CHECK(now_ms() - start >= 395);
  CHECK((outcome.sense_code() >> 8) == 0x0629);
  CHECK(told_of_reset(lab.two));
  CHECK(lab.one.execute_read(read_10(0, 1), 512).good());
  lab.control.put_rule(about("TARGET_WARM_RESET", R"({"tmf.reset_ms":{"for":"10min"}})"));
  CHECK(lab.one.manage(kWarmReset) == 0);
  for (std::uint16_t lun = 0; lun < 3; ++lun)
    CHECK(lab.two.execute(test_unit_ready(), at_lun(lun)).status == 0x08);
  lab.heal();
  lab.drain();
  CHECK(lab.two.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("tmf.no_ua: the reset is carried out, and nobody is told") {
  FaultLab lab;
  for (const auto& [name, function] : {std::pair{std::string("LOGICAL_UNIT_RESET"), kLunReset},
                                       std::pair{std::string("TARGET_WARM_RESET"), kWarmReset}}) {
    CAPTURE(name);
    lab.control.put_rule(about(name, R"({"tmf.no_ua":{}})"));
    CHECK(lab.two.execute(reserve_6()).good());
    HeldWrite others(lab.two, 0);
    CHECK(lab.one.manage(function) == 0);
    tolerate(lab);
    others.check_gone();
    CHECK(lab.one.drain_attentions().empty());  // and the reservation is gone
    CHECK(lab.two.drain_attentions().empty());
    CHECK(lab.one.read_blocks(0, 16) == Octets(8192));
  }
  lab.control.remove_rule("tmf");
  CHECK(lab.one.manage(kLunReset) == 0);
  CHECK(told_of_reset(lab.one));
  CHECK(told_of_reset(lab.two));
}

TEST_CASE("tmf.ladder: each function takes the next step that is about it") {
  FaultLab lab;
  lab.control.put_rule(about("ANY", R"({"tmf.ladder":[
      {"tmf":"ABORT_TASK","do":"fail"},
      {"tmf":"ABORT_TASK","do":"not_supported","times":2},
      {"tmf":"ABORT_TASK","do":"lie"},
      {"tmf":"ABORT_TASK","do":"ok","response":1},
      {"tmf":"LOGICAL_UNIT_RESET","do":"never"},
      {"tmf":"TARGET_WARM_RESET","do":"ok","delay":"200ms"},
      {"tmf":"TARGET_COLD_RESET","do":"drop"}]})"));
  HeldWrite held(lab.one, 0);
  CHECK(abort(held) == 255);
  CHECK(abort(held) == 5);
  CHECK(abort(held) == 5);
  CHECK(abort(held) == 0);
  HeldWrite second(lab.one, 16);
  CHECK(abort(second) == 1);  // carried out, whatever it says
  tolerate(lab);
  second.check_gone();
  const auto reset = send_function(lab.one, kLunReset);
  lab.one.expect_silence(100);
  lab.one.check.forget(reset);
  CHECK(held.complete().good());
  CHECK(lab.one.manage(kQueryTaskSet) <= 5);  // no step is about it
  HeldWrite third(lab.one, 16);
  CHECK(abort(third) == 0);  // its steps are used up
  third.check_gone();
  const auto start = now_ms();
  CHECK(lab.one.manage(kWarmReset) == 0);
  CHECK(now_ms() - start >= 200);
  CHECK(told_of_reset(lab.one));
  CHECK(told_of_reset(lab.two));
  send_function(lab.one, kColdReset);
  CHECK(lab.one.connection.closed_within(kPatience));
  CHECK(lab.two.execute(test_unit_ready()).good());  // the reset itself did not happen
  check_serves(lab.target);
}

TEST_CASE("two rules about one function add up: late, BUSY afterwards, and nobody is told") {
  FaultLab lab;
  lab.control.put_rule(rule("late", R"({"tmf":"LOGICAL_UNIT_RESET"})",
                            R"({"tmf.delay":{"delay":"200ms","before":true}})"));
  lab.control.put_rule(
      rule("busy", R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.reset_ms":{"for":"300ms"}})"));
  lab.control.put_rule(rule("quiet", R"({"tmf":"LOGICAL_UNIT_RESET"})", R"({"tmf.no_ua":{}})"));
  const auto start = now_ms();
  CHECK(lab.one.manage(kLunReset) == 0);
  CHECK(now_ms() - start >= 200);
  CHECK(lab.two.execute(test_unit_ready()).status == 0x08);
  Outcome outcome;
  while ((outcome = lab.two.execute(test_unit_ready())).status == 0x08 && now_ms() < start + 5000)
    pause(10);
  CHECK(outcome.good());
  CHECK(now_ms() - start >= 495);
}

}  // namespace fault_task_management_test
