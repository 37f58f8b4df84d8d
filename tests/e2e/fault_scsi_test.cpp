// scsi.* faults as an initiator sees them: octets on the wire, and what must not have happened.
#include "tests/e2e/lab.hpp"
#include "tests/support/control_client.hpp"

#include <string>
#include <vector>

namespace fault_scsi_test {

using namespace faultlun::e2e;

namespace {

std::string rule(const std::string& id, const std::string& match, const std::string& effect,
                 const std::string& more = "") {
  return R"j({"id":")j" + id + R"j(","match":)j" + match + R"j(,"effect":)j" + effect + more + "}";
}

struct Lab {
  Lab() : control(target), session(connect_session(target)) {}
  TargetProcess target;
  ControlClient control;
  RawInitiator session;
};

constexpr char kReads[] = R"j({"op":"READ(10)", "lun" : 0
})j";

}  // namespace

TEST_CASE("every third READ(10) is answered BUSY, and the counters say which") {
  Lab lab;
  lab.control.put_rule(rule("busy", R"j({"op":"READ(10)"
})j",
                            R"j({"scsi.status":{"status":"BUSY"}})j", R"j(,"gate":{"every":3})j"));
  for (int i = 1; i <= 9; ++i) {
    CAPTURE(i);
    const auto outcome = lab.session.execute_read(read_10(0, 1), 512);
    CHECK(outcome.status == (i % 3 == 0 ? 0x08 : 0x00));
    if (i % 3 == 0) CHECK(outcome.data.empty());
  }
  CHECK(lab.control.counter("busy", "matched") == 9);
  CHECK(lab.control.counter("busy", "fired") == 3);
  lab.control.remove_rule("busy");
  CHECK(lab.session.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("an injected BUSY leaves unit attentions, reservations, medium and R2T alone") {
  Lab lab;
  auto options = second_initiator();
  options.keys = only_r2t().keys;
  RawInitiator other = connect_session(lab.target, options);
  // A unit attention is pending for `other`: the reset of somebody else.
  CHECK(lab.session.manage(5) == 0);
  lab.control.put_rule(
      rule("busy", R"j({"initiator":"*second*","op":["WRITE(10)","TEST UNIT READY","RESERVE(6)"]
})j",
           R"j({"scsi.status":{"status":"BUSY"}})j"));
  CHECK(other.execute(test_unit_ready()).status == 0x08);
  const auto written = other.execute_write(write_10(0, 8), noise(8 * 512, 1));
  CHECK(written.status == 0x08);
  CHECK(written.r2ts.empty());  // no R2T was sent
  CHECK(other.execute(reserve_6()).status == 0x08);
  lab.session.drain_attentions();
  CHECK(lab.session.execute(test_unit_ready()).good());     // nothing is reserved
  CHECK(lab.session.read_blocks(0, 8) == Octets(8 * 512));  // nothing was written
  lab.control.remove_rule("busy");
  const auto told = other.execute(test_unit_ready());  // the attention is still pending
  CHECK((told.sense_code() >> 8) == 0x0629);
}

TEST_CASE("every status a rule can name arrives as that octet") {
  Lab lab;
  const std::vector<std::pair<std::string, int>> statuses = {
      {"BUSY", 0x08},          {"TASK SET FULL", 0x28},
      {"TASK_SET_FULL", 0x28}, {"RESERVATION CONFLICT", 0x18},
      {"ACA ACTIVE", 0x30},    {"TASK ABORTED", 0x40},
      {"CONDITION MET", 0x04}, {"0x14", 0x14}};
  for (const auto& [name, octet] : statuses) {
    CAPTURE(name);
    lab.control.put_rule(
        rule("status", kReads, R"j({"scsi.status":{"status":")j" + name + R"j("}})j"));
    const auto outcome = lab.session.execute_read(read_10(8, 1), 512);
    CHECK(outcome.status == octet);
    CHECK(outcome.sense.empty());
  }
}

TEST_CASE("every family of sense arrives with its key, code and qualifier") {
  Lab lab;
  struct Case {
    std::string effect;
    std::uint32_t sense;
  };
  const std::vector<Case> cases = {
      {R"j({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}})j", 0x0b2e02},
      {R"j({"scsi.sense":{"asc":"11/00","key":"MEDIUM_ERROR","information":"lba"}})j", 0x031100},
      {R"j({"scsi.parity":{"variant":"47/00"}})j", 0x0b4700},
      {R"j({"scsi.parity":{"variant":"47/01"}})j", 0x0b4701},
      {R"j({"scsi.parity":{"variant":"47/03"}})j", 0x0b4703},
      {R"j({"scsi.parity":{"variant":"47/05"}})j", 0x0b4705},
      {R"j({"scsi.parity":{"variant":"4B/00"}})j", 0x0b4b00},
      {R"j({"scsi.parity":{"variant":"4B/03"}})j", 0x0b4b03},
      {R"j({"scsi.parity":{"variant":"08/02"}})j", 0x040802},
      {R"j({"scsi.parity":{"variant":"48/00"}})j", 0x0b4800},
      {R"j({"scsi.parity":{"variant":"43/00"}})j", 0x0b4300},
      {R"j({"scsi.hardware":{"asc":"15/01"}})j", 0x041501},
      {R"j({"scsi.not_ready":{"asc":"04/01"}})j", 0x020401},
      {R"j({"scsi.not_ready":{"asc":"3A/00"}})j", 0x023a00},
      {R"j({"scsi.abort":{"asc":"4E/00"}})j", 0x0b4e00},
      {R"j({"scsi.protect":{"asc":"27/00"}})j", 0x072700},
      {R"j({"scsi.illegal":{"asc":"20/00"}})j", 0x052000},
      {R"j({"scsi.illegal":{"asc":"24/00"}})j", 0x052400},
      {R"j({"scsi.selection_timeout":{"variant":"lun_absent"}})j", 0x052500},
      {R"j({"scsi.selection_timeout":{"variant":"sense_0B4500"}})j", 0x0b4500},
      {R"j({"data.pi":{"check":"guard"}})j", 0x0b1001},
  };
  for (const auto& each : cases) {
    CAPTURE(each.effect);
    lab.control.put_rule(rule("sense", kReads, each.effect));
    const auto outcome = lab.session.execute_read(read_10(8, 1), 512);
    CHECK(outcome.status == 0x02);
    CHECK(outcome.sense_code() == each.sense);
    CHECK(outcome.data.empty());
  }
  lab.control.remove_rule("sense");
  CHECK(lab.session.execute_read(read_10(8, 1), 512).good());
}

TEST_CASE("scsi.sense_missing is a CHECK CONDITION without sense data") {
  Lab lab;
  lab.session.check.tolerate_missing_sense = true;
  lab.control.put_rule(rule("missing", kReads, R"j({"scsi.sense_missing":{"variant":"absent"}})j"));
  const auto outcome = lab.session.execute_read(read_10(0, 1), 512);
  CHECK(outcome.status == 0x02);
  CHECK(outcome.last.data.empty());
}

TEST_CASE("scsi.medium delivers the blocks before the first bad one and heals on a rewrite") {
  Lab lab;
  const auto data = noise(16 * 512, 7);
  lab.session.write_blocks(96, data);
  lab.control.put_rule(rule(
      "weak", R"j({"lun":0,"op":"read","lba":{"start":100,"len":4}})j",
      R"j({"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}})j"));
  auto outcome = lab.session.execute_read(read_10(96, 16), 16 * 512);
  CHECK(outcome.sense_code() == 0x031100);
  REQUIRE(outcome.data.size() == 4 * 512);
  CHECK(std::equal(outcome.data.begin(), outcome.data.end(), data.begin()));
  REQUIRE(outcome.sense.size() >= 8);
  CHECK((outcome.sense[0] & 0x80) != 0);
  CHECK(get32(outcome.sense.data() + 3) == 100);
  // Blocks 100 and 101 are rewritten: the first bad one is now 102.
  lab.session.write_blocks(100, Octets(data.begin() + 4 * 512, data.begin() + 6 * 512));
  outcome = lab.session.execute_read(read_10(96, 16), 16 * 512);
  CHECK(outcome.sense_code() == 0x031100);
  CHECK(get32(outcome.sense.data() + 3) == 102);
  CHECK(outcome.data.size() == 6 * 512);
  lab.session.write_blocks(102, Octets(data.begin() + 6 * 512, data.begin() + 8 * 512));
  CHECK(lab.session.read_blocks(96, 16) == data);
  CHECK(lab.session.read_blocks(0, 1) == Octets(512));
}

TEST_CASE("scsi.medium fails writes, and nothing of them is stored") {
  Lab lab;
  lab.control.put_rule(rule("bad", R"j({"lun":0,"op":"write","lba":{"start":10,"len":1}})j",
                            R"j({"scsi.medium":{"asc":"0C/02","information":"first_bad"}})j"));
  const auto outcome = lab.session.execute_write(write_10(8, 4), noise(4 * 512, 3));
  CHECK(outcome.sense_code() == 0x030c02);
  CHECK(lab.session.read_blocks(8, 4) == Octets(4 * 512));
}

TEST_CASE("a recovered error delivers all data with its CHECK CONDITION") {
  Lab lab;
  const auto data = noise(512, 9);
  lab.session.write_blocks(5, data);
  lab.control.put_rule(rule("recovered", kReads, R"j({"scsi.medium":{"asc":"17/01"}})j"));
  const auto outcome = lab.session.execute_read(read_10(5, 1), 512);
  CHECK(outcome.sense_code() == 0x011701);
  CHECK(outcome.data == data);
}

TEST_CASE("sense after the data: the medium was written, the answer says otherwise") {
  Lab lab;
  lab.control.put_rule(
      rule("late", R"j({"op":"WRITE(10)"
})j",
           R"j({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"47/03","when":"after"}})j"));
  const auto data = noise(512, 11);
  CHECK(lab.session.execute_write(write_10(3, 1), data).sense_code() == 0x0b4703);
  lab.control.remove_rule("late");
  CHECK(lab.session.read_blocks(3, 1) == data);
}

TEST_CASE("scsi.selection_timeout silent: no answer, and an abort ends it") {
  Lab lab;
  lab.control.put_rule(
      rule("silent", kReads, R"j({"scsi.selection_timeout":{"variant":"silent"}})j"));
  const auto tag = lab.session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
  lab.session.expect_silence(200);
  CHECK(lab.session.manage(1, 0, tag, lab.session.last_sent.cmd_sn()) == 0);
  lab.session.check.forget(tag);
  lab.control.remove_rule("silent");
  CHECK(lab.session.execute_read(read_10(0, 1), 512).good());
}

TEST_CASE("scsi.selection_timeout login_not_found: the connection goes and logins find no target") {
  Lab lab;
  lab.control.put_rule(rule("gone", R"j({"initiator":"*:raw"})j",
                            R"j({"scsi.selection_timeout":{"variant":"login_not_found"}})j"));
  lab.session.send(scsi_command(test_unit_ready(), 0, kFinal | kSimple));
  CHECK(lab.session.connection.closed_within(kPatience));
  CHECK(status_of(lab.target, {}) == 0x0203);
  CHECK(status_of(lab.target, second_initiator()) == 0);
  lab.control.remove_rule("gone");
  CHECK(status_of(lab.target, {}) == 0);
}

TEST_CASE("scsi.selection_timeout connect_timeout: logins are not even answered") {
  Lab lab;
  lab.control.put_rule(rule("deaf", R"j({"initiator":"*:raw"})j",
                            R"j({"scsi.selection_timeout":{"variant":"connect_timeout"}})j"));
  lab.session.send(scsi_command(test_unit_ready(), 0, kFinal | kSimple));
  CHECK(lab.session.connection.closed_within(kPatience));
  RawInitiator again(lab.target.portal());
  again.send_octets(again.wire_octets(
      login_request(kOperationalToFull, true, false, build_text(identity_keys()), kIsid)));
  again.expect_silence(300);
  check_serves(lab.target);
}

TEST_CASE("scsi.inquiry changes what the disk says it is, and lets it be again") {
  Lab lab;
  const auto before = lab.session.execute_read(inquiry(96), 96);
  lab.control.put_rule(
      rule("identity", R"j({"op":"INQUIRY"})j",
           R"j({"scsi.inquiry":{"vendor":"ACME","product":"Rocket","revision":"9999"}})j"));
  const auto after = lab.session.execute_read(inquiry(96), 96);
  REQUIRE(after.data.size() == before.data.size());
  CHECK(std::string(after.data.begin() + 8, after.data.begin() + 36) ==
        "ACME    Rocket          9999");
  lab.control.remove_rule("identity");
  CHECK(lab.session.execute_read(inquiry(96), 96).data == before.data);
}

TEST_CASE("scsi.readcap makes the two capacity commands disagree") {
  Lab lab;
  lab.control.put_rule(rule("small", R"j({"op":["READ CAPACITY(10)","READ CAPACITY(16)"]
})j",
                            R"j({"scsi.readcap":{"last_lba":999,"only":"10"}})j"));
  const Cdb ten = {0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(get32(lab.session.execute_read(ten, 8).data.data()) == 999);
  const Cdb sixteen = {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0};
  CHECK(get64(lab.session.execute_read(sixteen, 32).data.data()) == 131071);
}

TEST_CASE("scsi.rlun lists a unit that is not there, scsi.mode lies about the write cache") {
  Lab lab;
  lab.control.put_rule(
      rule("ghost", R"j({"op":"REPORT LUNS"})j", R"j({"scsi.rlun":{"add":[7]}})j"));
  const auto luns = lab.session.execute_read(report_luns(256), 256);
  REQUIRE(luns.data.size() == 24);
  CHECK(luns.data[17] == 7);
  const auto before = lab.session.execute_read(mode_sense_6(0x08), 252);
  lab.control.put_rule(rule("cache", R"j({"op":"MODE SENSE(6)"
})j",
                            R"j({"scsi.mode":{"page":8,"wce":false}})j"));
  const auto after = lab.session.execute_read(mode_sense_6(0x08), 252);
  REQUIRE(after.data.size() == before.data.size());
  CHECK((before.data[4 + before.data[3] + 2] & 0x04) != 0);
  CHECK((after.data[4 + after.data[3] + 2] & 0x04) == 0);
}

TEST_CASE("a refused rule is named with path, reason and remedy, and changes nothing") {
  Lab lab;
  lab.control.put_rule(rule("busy", kReads, R"j({"scsi.status":{"status":"BUSY"}})j"));
  const auto refused = lab.control.post("/v1/populate",
                                        R"j([{"id":"ok","match":{"op":"READ(10)"
}
, "effect" : {
  "scsi.status" : {
    "status" : "BUSY"
  }
}
},
          {"id":"bad","match":{"op":"REED(10)"},"effect":{"scsi.statos":{"status":"BUSY"}},"gate":{"p":2}}])j");
  CHECK(refused.status == 400);
  const auto problems = refused.json()["error"]["problems"];
  CHECK(problems.size() == 3);
  CHECK(refused.body.find("did you mean") != std::string::npos);
  CHECK(lab.control.get("/v1/rules").json()["rules"].size() == 1);
  CHECK(lab.session.execute_read(read_10(0, 1), 512).status == 0x08);
}

}  // namespace fault_scsi_test
