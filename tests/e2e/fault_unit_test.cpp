// ua.* and lu.* faults as initiators see them: sense codes, progress, who is told, who is silent.
#include "tests/e2e/fault_lab.hpp"

#include <algorithm>

namespace fault_unit_test {

using namespace faultlun::e2e;

namespace {

const std::string kAtLun0 = R"({"lun":0,"op":"any"})";

/// SENSE KEY SPECIFIC as progress in 65536ths; nothing when SKSV is 0.
std::optional<std::uint16_t> progress_of(const Octets& sense) {
  if (sense.size() < 18 || (sense[15] & 0x80) == 0) return std::nullopt;
  return get16(sense.data() + 16);
}

std::uint8_t qualifier(RawInitiator& session, std::uint16_t lun) {
  const auto outcome = session.execute_read(inquiry(36), 36, at_lun(lun));
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
  return static_cast<std::uint8_t>(outcome.data.at(0) >> 5);
}

std::vector<int> listed(RawInitiator& session, std::uint16_t by_lun = 0) {
  const auto outcome = session.execute_read(report_luns(256), 256, at_lun(by_lun));
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
  std::vector<int> luns;
  for (std::size_t at = 8; at + 8 <= outcome.data.size(); at += 8)
    luns.push_back(outcome.data[at + 1]);
  return luns;
}

/// What REQUEST SENSE tells, 0xKKAAQQ.
Outcome asked(RawInitiator& session, std::uint16_t lun = 0) {
  auto outcome = session.execute_read(request_sense(), 252, at_lun(lun));
  REQUIRE_MESSAGE(outcome.good(), outcome.describe());
  outcome.sense = outcome.data;
  return outcome;
}

}  // namespace

TEST_CASE("ua.queue reports any condition, by number, by name in the sense table and by preset") {
  FaultLab lab;
  const std::vector<std::pair<std::string, std::uint32_t>> cases = {
      {R"("asc":"29/00")", 0x062900},
      {R"("asc":"06/2A/09")", 0x062a09},
      {R"("asc":"3F/0E")", 0x063f0e},
      {R"("asc":"38/07")", 0x063807},
      {R"("preset":"bus_reset")", 0x062902},
      {R"("preset":"mode_changed")", 0x062a01},
      {R"("preset":"reservations_preempted")", 0x062a03},
      {R"("preset":"access_state_changed")", 0x062a06},
      {R"("preset":"microcode_changed")", 0x063f01},
      {R"("preset":"failure_predicted")", 0x065d00},
  };
  for (const auto& [given, code] : cases) {
    CAPTURE(given);
    lab.strike(R"({"ua.queue":{)" + given + "}}");
    CHECK(ready(lab.one) == code);
    CHECK(ready(lab.two) == code);
    CHECK(ready(lab.one) == 0);
    CHECK(ready(lab.two) == 0);
    CHECK(ready(lab.one, 1) == 0);  // the other units have nothing to tell
  }
}

TEST_CASE("ua.queue concerns the sessions that `nexus` names") {
  struct Case {
    std::string nexus;
    Codes one, two;
    bool newcomer;
  };
  const std::vector<Case> cases = {{"own", {0x062a01}, {}, false},
                                   {"others", {}, {0x062a01}, false},
                                   {"all", {0x062a01}, {0x062a01}, false},
                                   {"next_login", {}, {}, true}};
  for (const auto& each : cases) {
    CAPTURE(each.nexus);
    FaultLab lab;
    lab.strike(R"({"ua.queue":{"asc":"2A/01","nexus":")" + each.nexus + R"("}})");
    CHECK(lab.one.drain_attentions() == each.one);
    CHECK(lab.two.drain_attentions() == each.two);
    auto options = second_initiator();
    options.isid[5] = 0x33;
    RawInitiator newcomer(lab.target.portal());
    REQUIRE(newcomer.login(options).ok());
    const auto told = newcomer.drain_attentions();
    CHECK((std::ranges::count(told, 0x062a01U) == 1) == each.newcomer);
    options.isid[5] = 0x34;
    RawInitiator later(lab.target.portal());  // the next one only
    REQUIRE(later.login(options).ok());
    CHECK(later.drain_attentions() == Codes{0x062900});
  }
}

TEST_CASE("ua.queue counts, and INQUIRY, REPORT LUNS and REQUEST SENSE treat it as SAM-5 says") {
  FaultLab lab;
  lab.strike(R"({"ua.queue":{"asc":"29/00","count":3,"nexus":"own"}})");
  CHECK(lab.one.drain_attentions() == Codes(3, 0x062900));
  lab.strike(R"({"ua.queue":{"asc":"2A/09","nexus":"own"}})");
  CHECK(qualifier(lab.one, 0) == 0);
  CHECK(listed(lab.one) == std::vector<int>{0, 1, 2});
  CHECK(asked(lab.one).sense_code() == 0x062a09);
  CHECK(ready(lab.one) == 0);
  lab.strike(R"({"ua.queue":{"asc":"3F/0E","nexus":"own"}})");
  CHECK(listed(lab.one) == std::vector<int>{0, 1, 2});
  CHECK(ready(lab.one) == 0);
}

TEST_CASE("ua.storm reports one condition after the other, the reset class first") {
  FaultLab lab;
  lab.strike(R"({"ua.storm":{}})");
  CHECK(lab.one.drain_attentions() == Codes{0x062900, 0x062a01, 0x062a09, 0x063f03, 0x063f0e});
  CHECK(lab.two.drain_attentions().empty());
  lab.strike(R"({"ua.storm":{"codes":["2A/09","29/00"],"count":2,"nexus":"all"}})");
  for (auto* session : {&lab.one, &lab.two}) {
    auto told = session->drain_attentions();
    REQUIRE(told.size() == 4);
    CHECK(told[0] == 0x062900);
    std::ranges::sort(told);
    CHECK(told == Codes{0x062900, 0x062900, 0x062a09, 0x062a09});
  }
}

TEST_CASE("ua.storm with a gate hits the commands that the gate lets pass") {
  FaultLab lab;
  lab.control.put_rule(rule("storm", R"j({"lun":0,"op":"READ(10)"})j",
                            R"({"ua.storm":{"codes":["29/00"]}})", R"(,"gate":{"every":2})"));
  for (int i = 1; i <= 6; ++i) {
    const auto outcome = lab.one.execute_read(read_10(0, 1), 512);
    CHECK(outcome.sense_code() == (i % 2 == 0 ? 0x062900u : 0u));
  }
  lab.control.remove_rule("storm");
  CHECK(lab.one.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("ua.missing: what pends is never reported, and other conditions are") {
  FaultLab lab;
  lab.control.put_rule(
      rule("missing", R"({"lun":0,"op":"any","initiator":"*second*"})", R"({"ua.missing":{}})"));
  CHECK(lab.one.manage(5) == 0);
  CHECK((ready(lab.one) >> 8) == 0x0629);
  CHECK(lab.two.execute(test_unit_ready()).good());
  CHECK(asked(lab.two).sense_code() == 0);
  lab.control.put_rule(rule("missing", R"({"lun":0,"op":"any","initiator":"*second*"})",
                            R"({"ua.missing":{"codes":["2A/09","3F/0E"]}})"));
  lab.strike(R"({"ua.storm":{"codes":["2A/09","2A/01","3F/0E"],"nexus":"others"}})");
  CHECK(lab.two.drain_attentions() == Codes{0x062a01});
  lab.control.remove_rule("missing");
  CHECK(lab.one.manage(5) == 0);
  CHECK((ready(lab.two) >> 8) == 0x0629);
}

TEST_CASE("ua.wrong_nexus: another session hears of what concerns the one that matched") {
  FaultLab lab;
  CHECK(lab.two.manage(5) == 0);
  CHECK((ready(lab.two) >> 8) == 0x0629);
  lab.strike(R"({"ua.wrong_nexus":{}})");
  CHECK(ready(lab.one) == 0);
  CHECK((ready(lab.two) >> 8) == 0x0629);
  lab.strike(R"({"ua.wrong_nexus":{"asc":"2A/09"}})");
  CHECK(lab.one.drain_attentions().empty());
  CHECK(lab.two.drain_attentions() == Codes{0x062a09});
  lab.strike(R"({"ua.wrong_nexus":{"preset":"luns_changed"}})");
  CHECK(lab.two.drain_attentions() == Codes{0x063f0e});
}

TEST_CASE("ua.wrong_nexus leaves the attention with a session that is alone") {
  TargetProcess target;
  ControlClient control(target);
  auto session = connect_session(target);
  control.put_rule(rule("wrong", kAtLun0, R"({"ua.wrong_nexus":{}})"));
  CHECK(session.manage(5) == 0);
  CHECK((ready(session) >> 8) == 0x0629);
}

TEST_CASE("lu.offline: not ready for everybody until lu.online, which another unit may trigger") {
  FaultLab lab;
  lab.strike(R"({"lu.offline":{}})");
  for (auto* session : {&lab.one, &lab.two}) {
    CHECK(ready(*session) == 0x020412);
    CHECK(session->execute_read(read_10(0, 1), 512).sense_code() == 0x020412);
    CHECK(session->execute_write(write_10(0, 1), noise(512, 1)).sense_code() == 0x020412);
    CHECK(session->execute_read(mode_sense_6(8), 252).sense_code() == 0x020412);
    CHECK(qualifier(*session, 0) == 0);
    CHECK(listed(*session) == std::vector<int>{0, 1, 2});
    CHECK(asked(*session).sense_code() == 0x020412);
    CHECK(ready(*session, 1) == 0);
  }
  lab.strike(R"({"lu.online":{"lun":0}})", 1);
  CHECK(lab.one.drain_attentions() == Codes{0x062800});
  CHECK(lab.two.drain_attentions() == Codes{0x062800});
  CHECK(lab.one.read_blocks(0, 1) == Octets(512));  // the writes came to nothing
}

TEST_CASE("lu.offline for a while ends by itself, silently when told so, and by a reset") {
  FaultLab lab;
  lab.strike(R"({"lu.offline":{"for":"300ms"}})");
  CHECK(ready(lab.one) == 0x020412);
  CHECK(wait_while(lab.one, 0x020412).sense_code() == 0x062800);
  CHECK(lab.two.drain_attentions() == Codes{0x062800});
  lab.strike(R"({"lu.offline":{"for":"300ms","silent":true}})");
  CHECK(ready(lab.one) == 0x020412);
  CHECK(wait_while(lab.one, 0x020412).good());
  CHECK(lab.two.drain_attentions().empty());
  lab.strike(R"({"lu.offline":{}})");
  CHECK(ready(lab.two) == 0x020412);
  lab.heal();
  CHECK(lab.one.drain_attentions().empty());
  CHECK(lab.one.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("lu.remove: the unit is gone, its tasks with it, and the other units say so") {
  FaultLab lab;
  HeldWrite own(lab.one, 0, 1), others(lab.two, 16, 1), elsewhere(lab.two, 32, 2);
  lab.one.check.tolerate_unknown_tags = lab.two.check.tolerate_unknown_tags = true;
  const auto remove = rule("remove", R"({"op":"INQUIRY","initiator":"*:raw","lun":0})",
                           R"({"lu.remove":{"lun":1}})", R"(,"gate":{"times":1})");
  lab.control.put_rule(remove);
  CHECK(qualifier(lab.one, 0) == 0);
  CHECK(lab.control.counter("remove", "fired") == 1);
  for (auto* session : {&lab.one, &lab.two}) {
    CHECK(qualifier(*session, 1) == 3);
    CHECK(ready(*session, 1) == 0x052500);
    CHECK(session->execute_read(read_10(0, 1), 512, at_lun(1)).sense_code() == 0x052500);
    CHECK(session->drain_attentions(0) == Codes{0x063f0e});
    CHECK(session->drain_attentions(2) == Codes{0x063f0e});
    CHECK(listed(*session) == std::vector<int>{0, 2});
  }
  own.check_gone();
  others.check_gone();
  CHECK(elsewhere.complete().good());
  CHECK(lab.one.manage(5, 1) == 2);  // LUN does not exist
  lab.strike(R"({"lu.add":{"lun":1}})");
  for (auto* session : {&lab.one, &lab.two}) {
    CHECK(session->drain_attentions(1) == Codes{0x062901});
    CHECK(session->drain_attentions(0) == Codes{0x063f0e});
    CHECK(listed(*session) == std::vector<int>{0, 1, 2});
    CHECK(session->execute_read(read_10(0, 32), 32 * 512, at_lun(1)).data == Octets(32 * 512));
  }
}

TEST_CASE("lu.remove by the command that matched: it finds no unit, and lu.add may count to come") {
  FaultLab lab;
  lab.control.put_rule(rule("unplug", R"j({"lun":1,"op":"READ(10)"})j", R"({"lu.remove":{}})",
                            R"(,"gate":{"times":1})"));
  CHECK(lab.one.execute_read(read_10(0, 1), 512, at_lun(1)).sense_code() == 0x052500);
  lab.control.put_rule(rule("plug", R"({"lun":1,"op":"TEST UNIT READY"})", R"({"lu.add":{}})",
                            R"(,"gate":{"nth":3})"));
  CHECK(ready(lab.one, 1) == 0x052500);
  CHECK(ready(lab.one, 1) == 0x052500);
  CHECK(ready(lab.one, 1) == 0x062901);
  CHECK(ready(lab.one, 1) == 0);
}

TEST_CASE("lu.remove silent tells nobody, and a reset plugs the unit in again") {
  FaultLab lab;
  lab.strike(R"({"lu.remove":{"silent":true,"lun":2}})");
  CHECK(lab.one.drain_attentions(0).empty());
  CHECK(lab.two.drain_attentions(1).empty());
  CHECK(listed(lab.two) == std::vector<int>{0, 1});
  CHECK(ready(lab.two, 2) == 0x052500);
  lab.heal();
  CHECK(listed(lab.two) == std::vector<int>{0, 1, 2});
  CHECK(ready(lab.two, 2) == 0);
}

TEST_CASE("lu.hang: four grades of a unit that says nothing") {
  struct Case {
    int grade;
    bool answers_ready, answers_function;
  };
  for (const auto& each :
       {Case{1, false, true}, Case{2, false, false}, Case{3, true, true}, Case{4, true, false}}) {
    CAPTURE(each.grade);
    FaultLab lab;
    lab.control.put_rule(rule("hang", R"({"lun":0,"op":"any","initiator":"*:raw"})",
                              R"({"lu.hang":{"grade":)" + std::to_string(each.grade) + "}}"));
    CHECK(lab.one.manage(9, 0, 0x4242) == 5);  // nothing has been swallowed yet
    const auto read = lab.one.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
    lab.one.expect_silence(100);
    lab.one.expect_alive();
    CHECK(lab.one.check.exp_cmd_sn() == lab.one.cmd_sn);  // CmdSN is acknowledged
    if (each.answers_ready)
      CHECK(lab.one.execute(test_unit_ready()).good());
    else
      expect_no_answer(lab.one);
    CHECK(lab.two.execute_read(read_10(0, 1), 512).good());
    CHECK(lab.one.execute_read(read_10(0, 1), 512, at_lun(1)).good());
    if (each.answers_function) {
      CHECK(lab.one.manage(1, 0, read, lab.one.cmd_sn - 1) == 0);
    } else {
      const auto function = lab.one.send(task_management(1, 0, read, lab.one.cmd_sn - 1));
      lab.one.expect_silence(100);
      lab.one.check.forget(function);
    }
    lab.one.check.forget(read);
    lab.control.remove_rule("hang");
    CHECK(lab.one.manage(5) == 0);
    CHECK((ready(lab.one) >> 8) == 0x0629);
    CHECK(lab.one.execute_read(read_10(0, 1), 512).good());
  }
}

TEST_CASE(
    "lu.slow_start, lu.sanitize and lu.format count their progress up and end by themselves") {
  struct Case {
    std::string id;
    std::uint32_t code;
    bool strict;
  };
  for (const auto& each :
       {Case{"lu.slow_start", 0x020401, false}, Case{"lu.sanitize", 0x02041b, true},
        Case{"lu.format", 0x020404, true}}) {
    CAPTURE(each.id);
    FaultLab lab;
    const auto data = noise(512, 3);
    lab.two.write_blocks(7, data);
    lab.strike("{\"" + each.id + R"(":{"for":"800ms"}})");
    const auto first = lab.one.execute(test_unit_ready());
    CHECK(first.sense_code() == each.code);
    REQUIRE(progress_of(first.sense));
    CHECK(lab.two.execute_read(read_10(0, 1), 512).sense_code() == each.code);
    CHECK(qualifier(lab.two, 0) == 0);
    CHECK(lab.two.execute_read(mode_sense_6(8), 252).sense_code() == (each.strict ? each.code : 0));
    pause(200);
    const auto told = asked(lab.one);
    CHECK(told.sense_code() == each.code);
    REQUIRE(progress_of(told.sense));
    CHECK(*progress_of(told.sense) >= *progress_of(first.sense) + 65536 / 8);
    const auto end = wait_while(lab.one, each.code);
    CHECK_MESSAGE(end.good(), end.describe());
    CHECK(lab.two.read_blocks(7, 1) == data);  // the medium keeps its data
  }
}

TEST_CASE("lu.power_cycle: silence, then power on, then the start") {
  FaultLab lab;
  const auto data = noise(512, 5);
  lab.one.write_blocks(7, data);
  HeldWrite own(lab.one, 0), others(lab.two, 16), elsewhere(lab.two, 16, 1);
  lab.one.check.tolerate_unknown_tags = lab.two.check.tolerate_unknown_tags = true;
  CHECK(lab.one.execute(reserve_6()).good());
  lab.strike(R"({"lu.power_cycle":{"off":"500ms","for":"500ms"}})");
  expect_no_answer(lab.two);
  own.check_gone();
  others.check_gone();
  CHECK(elsewhere.complete().good());
  pause(300);
  for (auto* session : {&lab.one, &lab.two}) {
    const auto told = session->execute(test_unit_ready());
    CHECK(told.sense_code() == 0x062901);
    CHECK(ready(*session) == 0x020401);  // no reservation is left, either
  }
  CHECK(wait_while(lab.one, 0x020401).good());
  CHECK(lab.two.read_blocks(7, 1) == data);
  CHECK(lab.two.read_blocks(0, 7) == Octets(7 * 512));
  lab.strike(R"({"lu.power_cycle":{"off":"10min","silent":true}})");
  expect_no_answer(lab.one);
  lab.strike(R"({"lu.online":{"lun":0,"silent":true}})", 1);
  CHECK(lab.one.execute(test_unit_ready()).good());
  lab.strike(R"({"lu.power_cycle":{"off":"10min"}})");
  expect_no_answer(lab.two);
  lab.heal();
  CHECK(lab.two.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("lu.microcode: 06/3F/01 to every session, and INQUIRY tells the new revision") {
  FaultLab lab;
  const auto revision = [&] {
    const auto outcome = lab.two.execute_read(inquiry(36), 36);
    return std::string(outcome.data.begin() + 32, outcome.data.begin() + 36);
  };
  const auto before = revision();
  lab.strike(R"({"lu.microcode":{"revision":"0002"}})");
  CHECK(lab.one.drain_attentions() == Codes{0x063f01});
  CHECK(lab.two.drain_attentions() == Codes{0x063f01});
  CHECK(revision() == "0002");
  lab.strike(R"({"lu.microcode":{"revision":"3","silent":true}})");
  CHECK(lab.two.drain_attentions().empty());
  CHECK(revision() == "3   ");
  lab.heal();
  CHECK(revision() == before);
}

TEST_CASE("lu.medium_eject: no medium until it is loaded again") {
  FaultLab lab;
  lab.strike(R"({"lu.medium_eject":{}})");
  for (auto* session : {&lab.one, &lab.two}) {
    CHECK(ready(*session) == 0x023a02);
    CHECK(session->execute_read(read_10(0, 1), 512).sense_code() == 0x023a02);
    CHECK(qualifier(*session, 0) == 0);
  }
  lab.strike(R"({"lu.medium_eject":{"action":"load"}})");
  CHECK(lab.one.drain_attentions() == Codes{0x062800});
  CHECK(lab.two.drain_attentions() == Codes{0x062800});
  lab.strike(R"({"lu.medium_eject":{}})");
  lab.strike(R"({"lu.medium_eject":{"action":"load","silent":true}})");
  CHECK(lab.two.drain_attentions().empty());
  lab.strike(R"({"lu.medium_eject":{}})");
  CHECK(ready(lab.two) == 0x023a02);
  lab.heal();
  CHECK(lab.two.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("lu.medium_eject: START STOP UNIT loads the medium of a removable unit") {
  LabConfig config;
  config.targets[0].luns = {memory_lun(R"("0-2")", "16MiB", R"(, "removable": true)")};
  FaultLab lab(config);
  lab.strike(R"({"lu.medium_eject":{}})");
  CHECK(ready(lab.one) == 0x023a02);
  CHECK(lab.one.execute({0x1b, 0, 0, 0, 0x03, 0}).good());
  CHECK(lab.two.drain_attentions() == Codes{0x062800});
  lab.one.drain_attentions();
  CHECK(lab.one.execute_read(read_10(0, 1), 512).good());
}

}  // namespace fault_unit_test
