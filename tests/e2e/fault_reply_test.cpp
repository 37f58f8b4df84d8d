// Replies that rules change: what is cut to the ALLOCATION LENGTH, what the residual says, and
// which units REPORT LUNS lists.
#include "tests/e2e/fault_lab.hpp"

namespace fault_reply_test {

using namespace faultlun::e2e;

namespace {

/// LUNs of a REPORT LUNS, asked at `lun`.
std::vector<int> listed(RawInitiator& session, std::uint16_t lun = 0) {
  const auto outcome = session.execute_read(report_luns(256), 256, at_lun(lun));
  CHECK_MESSAGE(outcome.good(), outcome.describe());
  REQUIRE(outcome.data.size() >= 8);
  CHECK(get32(outcome.data.data()) == outcome.data.size() - 8);
  std::vector<int> luns;
  for (std::size_t at = 8; at + 8 <= outcome.data.size(); at += 8)
    luns.push_back(outcome.data[at] << 8 | outcome.data[at + 1]);
  return luns;
}

/// A command to the REPORT LUNS well known logical unit.
Outcome at_well_known(RawInitiator& session, const Cdb& cdb, std::uint32_t length) {
  auto pdu = scsi_command(cdb, length, kFinal | kRead | kSimple);
  pdu.set32(8, 0xc1010000);
  return session.finish(session.send(pdu));
}

std::vector<int> listed_by_well_known(RawInitiator& session) {
  const auto outcome = at_well_known(session, report_luns(256), 256);
  CHECK_MESSAGE(outcome.good(), outcome.describe());
  std::vector<int> luns;
  for (std::size_t at = 8; at + 8 <= outcome.data.size(); at += 8)
    luns.push_back(outcome.data[at] << 8 | outcome.data[at + 1]);
  return luns;
}

}  // namespace

TEST_CASE("a list of units is changed whole and then cut to the ALLOCATION LENGTH") {
  FaultLab lab;
  lab.control.put_rule(
      rule("hide", R"({"op":"REPORT LUNS"})", R"({"scsi.rlun":{"hide":[0],"add":[7]}})"));
  CHECK(listed(lab.one) == std::vector<int>{1, 2, 7});
  const auto cut = lab.one.execute_read(report_luns(16), 256);
  REQUIRE(cut.data.size() == 16);
  CHECK(get32(cut.data.data()) == 24);  // of all that there is
  CHECK(cut.data[9] == 1);
  CHECK(cut.underflow);
  CHECK(cut.residual == 240);
  const auto exact = lab.one.execute_read(report_luns(32), 32);
  CHECK(exact.data.size() == 32);
  CHECK(!exact.underflow);
  CHECK(!exact.overflow);
  const auto over = lab.one.execute_read(report_luns(32), 16);
  CHECK(over.data.size() == 16);
  CHECK(over.overflow);
  CHECK(over.residual == 16);
  // Less than the standard allows is refused as it would be without the rule.
  CHECK(lab.one.execute_read(report_luns(8), 8).sense_code() == 0x052400);
}

TEST_CASE("a page that grows is not longer than asked for, and its length tells of all") {
  FaultLab lab;
  const std::string serial = "A-LONGER-SERIAL-NUMBER-THAN-BEFORE";
  lab.control.put_rule(rule("serial", R"({"op":"INQUIRY"})",
                            R"({"scsi.vpd":{"page":128,"serial":")" + serial + R"("}})"));
  const auto asking_for = [&](std::uint8_t length) {
    return lab.one.execute_read({0x12, 0x01, 0x80, 0, length, 0}, 255);
  };
  const auto whole = asking_for(255);
  CHECK(std::string(whole.data.begin() + 4, whole.data.end()) == serial);
  for (const std::uint8_t length : {std::uint8_t{4}, std::uint8_t{10}}) {
    const auto cut = asking_for(length);
    CHECK(cut.data == Octets(whole.data.begin(), whole.data.begin() + length));
    CHECK(cut.data[3] == serial.size());
    CHECK(cut.residual == 255U - length);
  }
  CHECK(asking_for(0).data.empty());
}

TEST_CASE("an answer cut short by a rule leaves a residual, an error after it cuts all the same") {
  FaultLab lab;
  const auto whole = lab.one.execute_read(mode_sense_6(0x3f), 255);
  lab.control.put_rule(
      rule("short", R"j({"op":"MODE SENSE(6)"})j", R"({"scsi.mode":{"truncate":6}})"));
  const auto cut = lab.one.execute_read(mode_sense_6(0x3f), 255);
  CHECK(cut.data == Octets(whole.data.begin(), whole.data.begin() + 6));
  CHECK(cut.residual == 249);
  lab.control.put_rule(
      rule("late", R"({"op":"INQUIRY"})",
           R"([{"scsi.inquiry":{"vendor":"ACME"}},)"
           R"({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"47/03","when":"after"}}])"));
  const auto late = lab.one.execute_read(inquiry(16), 255);
  CHECK(late.sense_code() == 0x0b4703);
  REQUIRE(late.data.size() == 16);
  CHECK(std::string(late.data.begin() + 8, late.data.end()) == "ACME    ");
}

TEST_CASE("a unit that is absent for a session is on none of its lists, unless the rule lists it") {
  FaultLab lab;
  const std::string match = R"({"lun":1,"initiator":"*:raw"})";
  for (const bool hides : {true, false}) {
    CAPTURE(hides);
    lab.control.put_rule(
        rule("gone", match,
             hides ? R"({"scsi.selection_timeout":{"variant":"lun_absent"}})"
                   : R"({"scsi.selection_timeout":{"variant":"lun_absent","listed":true}})"));
    const auto expected = hides ? std::vector<int>{0, 2} : std::vector<int>{0, 1, 2};
    CHECK(listed(lab.one) == expected);
    CHECK(listed(lab.one, 1) == expected);  // the absent unit answers this, too
    CHECK(listed(lab.one, 2) == expected);
    CHECK(listed(lab.one, 9) == expected);  // there never was one
    CHECK(listed_by_well_known(lab.one) == expected);
    CHECK(lab.one.execute_read(inquiry(36), 36, at_lun(1)).data.at(0) == 0x7f);
    CHECK(ready(lab.one, 1) == 0x052500);
    CHECK(listed(lab.two) == std::vector<int>{0, 1, 2});
    CHECK(listed_by_well_known(lab.two) == std::vector<int>{0, 1, 2});
    CHECK(lab.two.execute(test_unit_ready(), at_lun(1)).good());
  }
  lab.control.remove_rule("gone");
  CHECK(listed(lab.one) == std::vector<int>{0, 1, 2});
  CHECK(lab.one.execute(test_unit_ready(), at_lun(1)).good());
}

TEST_CASE("a unit that goes after some commands is listed until then") {
  FaultLab lab;
  lab.control.put_rule(rule("gone", R"({"lun":2})",
                            R"({"scsi.selection_timeout":{"variant":"lun_absent"}})",
                            R"(,"gate":{"skip":2,"times":2})"));
  CHECK(lab.one.execute(test_unit_ready(), at_lun(2)).good());
  CHECK(listed(lab.one) == std::vector<int>{0, 1, 2});
  CHECK(lab.one.execute(test_unit_ready(), at_lun(2)).good());
  CHECK(ready(lab.one, 2) == 0x052500);
  CHECK(listed(lab.one) == std::vector<int>{0, 1});
  CHECK(listed(lab.one, 2) == std::vector<int>{0, 1});  // the last one that the rule strikes
  CHECK(listed(lab.one) == std::vector<int>{0, 1, 2});
  CHECK(lab.one.execute(test_unit_ready(), at_lun(2)).good());
}

TEST_CASE("the well known logical unit is patched like any other, and goes on to be there") {
  FaultLab lab;
  lab.control.put_rule(rule("ghost", R"({"op":"REPORT LUNS"})", R"({"scsi.rlun":{"add":[9]}})"));
  CHECK(listed_by_well_known(lab.one) == std::vector<int>{0, 1, 2, 9});
  lab.control.put_rule(
      rule("name", R"({"op":"INQUIRY"})", R"({"scsi.inquiry":{"vendor":"ACME"}})"));
  const auto inquired = at_well_known(lab.one, inquiry(36), 36);
  REQUIRE(inquired.data.size() == 36);
  CHECK(inquired.data[0] == 0x1e);
  CHECK(std::string(inquired.data.begin() + 8, inquired.data.begin() + 16) == "ACME    ");
}

TEST_CASE(
    "scsi.selection_timeout report_luns_hides: a unit is left out that answers all the same") {
  FaultLab lab;
  lab.control.put_rule(
      rule("hides", R"({"op":"REPORT LUNS"})",
           R"({"scsi.selection_timeout":{"variant":"report_luns_hides","luns":[1]}})"));
  CHECK(listed(lab.one) == std::vector<int>{0, 2});
  CHECK(lab.one.execute(test_unit_ready(), at_lun(1)).good());
}

}  // namespace fault_reply_test
