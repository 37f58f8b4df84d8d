// The words that a fault takes beside its usual ones, each on the wire.  That none is missing here
// or in the other files of this folder is checked by tests/unit/faults/provoked_test.cpp.
#include "tests/e2e/fault_lab.hpp"

#include <utility>

namespace fault_variants_test {

using namespace faultlun::e2e;

namespace {

constexpr char kReads[] = R"j({"lun":0,"op":"READ(10)"})j";

struct Lab {
  Outcome read_under(const std::string& effect) {
    control.put_rule(rule("variant", kReads, effect));
    auto outcome = session.execute_read(read_10(8, 4), 4 * 512);
    control.remove_rule("variant");
    return outcome;
  }
  TargetProcess target;
  ControlClient control{target};
  RawInitiator session = connect_session(target);
};

const Cdb kCapacity10 = {0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const Cdb kCapacity16 = {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0};

}  // namespace

TEST_CASE("scsi.sense in fixed and descriptor format, with a field pointer into CDB or data") {
  Lab lab;
  const std::string sense = R"({"scsi.sense":{"key":"ILLEGAL_REQUEST","asc":"24/00",)";
  const auto fixed =
      lab.read_under(sense + R"("format":"fixed","field":{"in":"cdb","byte":2,"bit":5}}})");
  CHECK(fixed.sense_code() == 0x052400);
  REQUIRE(fixed.sense.size() == 18);
  CHECK(fixed.sense[0] == 0x70);
  CHECK(fixed.sense[15] == 0xcd);  // SKSV, C/D, BPV, bit 5
  CHECK(get16(fixed.sense.data() + 16) == 2);
  const auto data = lab.read_under(sense + R"("field":{"in":"data","byte":300}}})");
  REQUIRE(data.sense.size() == 18);
  CHECK(data.sense[15] == 0x80);
  CHECK(get16(data.sense.data() + 16) == 300);
  const auto described = lab.read_under(
      sense + R"("format":"descriptor","information":"lba","field":{"in":"cdb","byte":2}}})");
  CHECK(described.sense_code() == 0x052400);
  REQUIRE(described.sense.size() == 8 + 12 + 8);
  CHECK(described.sense[0] == 0x72);
  CHECK(described.sense[8] == 0x00);  // information descriptor
  CHECK(get64(described.sense.data() + 12) == 8);
  CHECK(described.sense[20] == 0x02);  // sense key specific descriptor
  CHECK(described.sense[24] == 0xc0);
  const auto illegal =
      lab.read_under(R"({"scsi.illegal":{"asc":"26/00","field":{"in":"data","byte":4,"bit":0}}})");
  CHECK(illegal.sense_code() == 0x052600);
  CHECK(illegal.sense.at(15) == 0x88);
  CHECK(get16(illegal.sense.data() + 16) == 4);
}

TEST_CASE("scsi.sense_missing: too long, too short, and of a format that no standard has") {
  Lab lab;
  lab.session.check.tolerate_missing_sense = true;
  const auto longer = lab.read_under(R"({"scsi.sense_missing":{"variant":"long"}})");
  CHECK(longer.status == 0x02);
  CHECK(longer.sense.size() == 252);
  const auto shorter = lab.read_under(R"({"scsi.sense_missing":{"variant":"short"}})");
  CHECK(shorter.status == 0x02);
  CHECK(shorter.sense.size() == 4);
  const auto strange =
      lab.read_under(R"({"scsi.sense_missing":{"variant":"response_code","response_code":113}})");
  CHECK(strange.sense.at(0) == 0x71);
  CHECK(lab.read_under(R"({"scsi.sense_missing":{"variant":"response_code"}})").sense.at(0) ==
        0x7f);
}

TEST_CASE("the rest of the parity family and of data.pi, and what data.pi cannot be") {
  Lab lab;
  const std::pair<const char*, std::uint32_t> cases[] = {
      {R"({"scsi.parity":{"variant":"47/02"}})", 0x0b4702},
      {R"({"scsi.parity":{"variant":"08/03"}})", 0x040803},
      {R"({"data.pi":{"check":"app"}})", 0x0b1002},
      {R"({"data.pi":{"check":"ref","detected":"medium"}})", 0x031003},
  };
  for (const auto& [effect, code] : cases) {
    CAPTURE(effect);
    CHECK(lab.read_under(effect).sense_code() == code);
  }
  const auto refused = lab.control.call(
      "PUT", "/v1/rules/pi", rule("pi", kReads, R"({"data.pi":{"mode":"pass_through"}})"));
  CHECK(refused.status == 400);
  CHECK(refused.body.find("protection information") != std::string::npos);
}

TEST_CASE("scsi.medium heals by itself after n errors, and need not say where") {
  Lab lab;
  const auto data = noise(4 * 512, 3);
  lab.session.write_blocks(8, data);
  lab.control.put_rule(
      rule("weak", R"({"lun":0,"op":"read","lba":{"start":9,"len":1}})",
           R"({"scsi.medium":{"heal":"after_n","heal_after":2,"information":"none"}})"));
  for (int i = 0; i < 2; ++i) {
    const auto outcome = lab.session.execute_read(read_10(8, 4), 4 * 512);
    CHECK(outcome.sense_code() == 0x031100);
    CHECK((outcome.sense.at(0) & 0x80) == 0);  // INFORMATION is not valid
  }
  CHECK(lab.session.read_blocks(8, 4) == data);
}

TEST_CASE(
    "scsi.predict: REQUEST SENSE has it, everybody is told, or a command says it beside its data") {
  FaultLab lab;
  lab.strike(R"({"scsi.predict":{}})");
  CHECK(lab.one.execute(test_unit_ready()).good());
  const auto asked = lab.one.execute_read(request_sense(), 252);
  REQUIRE(asked.data.size() >= 14);
  CHECK((asked.data[2] & 0x0f) == 0);
  CHECK(asked.data[12] == 0x5d);
  CHECK(asked.data[13] == 0x10);
  lab.heal();
  CHECK(lab.one.execute_read(request_sense(), 252).data.at(12) == 0);
  lab.strike(R"({"scsi.predict":{"report":"unit_attention","asc":"0B/01"}})");
  CHECK(lab.one.drain_attentions() == Codes{0x060b01});
  CHECK(lab.two.drain_attentions() == Codes{0x060b01});
  const auto data = noise(512, 4);
  lab.one.write_blocks(8, data);
  lab.control.put_rule(
      rule("warns", kReads, R"({"scsi.predict":{"report":"recovered","asc":"5D/32"}})"));
  const auto outcome = lab.one.execute_read(read_10(8, 1), 512);
  CHECK(outcome.sense_code() == 0x015d32);
  CHECK(outcome.data == data);
}

TEST_CASE("scsi.readcap: the other of the two commands, and both") {
  Lab lab;
  const auto last_by = [&](const Cdb& cdb, std::uint32_t length) {
    const auto outcome = lab.session.execute_read(cdb, length);
    REQUIRE_MESSAGE(outcome.data.size() == length, outcome.describe());
    return length == 8 ? get32(outcome.data.data()) : get64(outcome.data.data());
  };
  const auto truth = last_by(kCapacity10, 8);
  for (const std::string only : {"16", "both"}) {
    CAPTURE(only);
    lab.control.put_rule(rule("small", R"({"lun":0,"op":"any"})",
                              R"({"scsi.readcap":{"last_lba":999,"only":")" + only + R"("}})"));
    CHECK(last_by(kCapacity10, 8) == (only == "16" ? truth : 999));
    CHECK(last_by(kCapacity16, 32) == 999);
  }
}

TEST_CASE("octets of every reply are set, inverted, and bits of them set or cleared") {
  Lab lab;
  struct Case {
    const char *fault, *page;  ///< `page`: what else its effect needs
    Cdb cdb;
    std::uint32_t length;
    std::size_t offset, header;  ///< of the octet: in the edit, and before that in the data
  };
  const Case cases[] = {
      {"scsi.inquiry", "", inquiry(96), 96, 20, 0},
      {"scsi.vpd", R"("page":128,)", inquiry(96, 0x80), 96, 4, 0},
      {"scsi.mode", R"("page":8,)", {0x1a, 0x08, 0x08, 0, 96, 0}, 96, 2, 4},
      {"scsi.readcap", "", kCapacity16, 32, 7, 0},
      {"scsi.rlun", "", report_luns(64), 64, 9, 0},
  };
  for (const auto& each : cases) {
    const auto before = lab.session.execute_read(each.cdb, each.length).data;
    const auto at = each.header + each.offset;
    REQUIRE(before.size() > at);
    const std::pair<const char*, int> hows[] = {{"set", 0x3c},
                                                {"xor", before[at] ^ 0x3c},
                                                {"or", before[at] | 0x3c},
                                                {"clear", before[at] & ~0x3c}};
    for (const auto& [how, octet] : hows) {
      CAPTURE(each.fault);
      CAPTURE(how);
      const auto effect = std::string(R"({")") + each.fault + R"(":{)" + each.page +
                          R"("edits":[{"offset":)" + std::to_string(each.offset) +
                          R"(,"hex":"3c","how":")" + how + R"("}]}})";
      lab.control.put_rule(rule("edit", R"({"lun":0,"op":"any"})", effect));
      auto expected = before;
      expected[at] = static_cast<std::uint8_t>(octet);
      CHECK(lab.session.execute_read(each.cdb, each.length).data == expected);
    }
    lab.control.remove_rule("edit");
  }
}

TEST_CASE("ua.queue and ua.wrong_nexus know every condition that has a name") {
  FaultLab lab;
  const std::pair<const char*, std::uint32_t> conditions[] = {
      {"power_on_or_reset", 0x062900},
      {"power_on", 0x062901},
      {"bus_reset", 0x062902},
      {"device_reset", 0x062903},
      {"internal_reset", 0x062904},
      {"single_ended", 0x062905},
      {"lvd", 0x062906},
      {"nexus_loss", 0x062907},
      {"medium_changed", 0x062800},
      {"mode_changed", 0x062a01},
      {"reservations_preempted", 0x062a03},
      {"reservations_released", 0x062a04},
      {"registrations_preempted", 0x062a05},
      {"access_state_changed", 0x062a06},
      {"access_state_failed", 0x062a07},
      {"capacity_changed", 0x062a09},
      {"commands_cleared", 0x062f00},
      {"soft_threshold", 0x063807},
      {"microcode_changed", 0x063f01},
      {"inquiry_changed", 0x063f03},
      {"identifier_changed", 0x063f05},
      {"luns_changed", 0x063f0e},
      {"removal_request", 0x065a01},
      {"failure_predicted", 0x065d00},
  };
  for (const auto& [name, code] : conditions) {
    CAPTURE(name);
    lab.strike(R"({"ua.queue":{"nexus":"own","preset":")" + std::string(name) + R"("}})");
    CHECK(lab.one.drain_attentions() == Codes{code});
    CHECK(lab.two.drain_attentions().empty());
    lab.strike(R"({"ua.wrong_nexus":{"preset":")" + std::string(name) + R"("}})");
    CHECK(lab.one.drain_attentions().empty());
    CHECK(lab.two.drain_attentions() == Codes{code});
  }
}

TEST_CASE("tmf.ladder: every function that there is takes its own step") {
  FaultLab lab;
  const std::pair<const char*, std::uint8_t> functions[] = {
      {"ABORT_TASK", 1},        {"ABORT_TASK_SET", 2},     {"CLEAR_ACA", 3},
      {"CLEAR_TASK_SET", 4},    {"LOGICAL_UNIT_RESET", 5}, {"TARGET_WARM_RESET", 6},
      {"TARGET_COLD_RESET", 7}, {"TASK_REASSIGN", 8},      {"QUERY_TASK", 9},
      {"QUERY_TASK_SET", 10},   {"I_T_NEXUS_RESET", 11},   {"QUERY_ASYNCHRONOUS_EVENT", 12}};
  for (const auto& [name, number] : functions) {
    CAPTURE(name);
    lab.control.put_rule(
        rule("ladder", R"({"initiator":"*:raw","op":"tmf"})",
             R"({"tmf.ladder":{"steps":[{"tmf":")" + std::string(name) + R"(","do":"fail"}]}})"));
    CHECK(lab.one.manage(number, 0, 0x4242) == 255);
    CHECK(lab.control.counter("ladder", "fired") == 1);
  }
}

}  // namespace fault_variants_test
