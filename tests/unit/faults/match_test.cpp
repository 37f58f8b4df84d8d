#include "faults/match.hpp"

#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace faultlun::faults::match_test {
namespace {

struct Fixture {
  Fixture() {
    cdb.raw[0] = 0x28;
    cdb.raw[1] = 0x08;  // FUA
    cdb.raw[6] = 0x05;  // GROUP NUMBER
    cdb.raw[9] = 0x80;  // CONTROL
    session.initiator = "iqn.a:host";
    session.isid = "400000000000";
    session.ordinal = 2;
    session.target = "iqn.t";
    session.source = "10.0.0.7";
    session.portal = 1;
    session.portal_group_tag = 3;
    facts.session = &session;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    facts.has_lun = true;
    facts.lun = 4;
    facts.lba = 100;
    facts.blocks = 10;
    facts.outstanding = 6;
  }
  bool holds(const Match& match) const { return matches(match, facts, past); }
  SessionFacts session;
  scsi::Cdb cdb;
  Facts facts;
  Past past;
};

TEST_CASE("globs: stars, question marks and nothing else") {
  CHECK(glob("", ""));
  CHECK(glob("*", ""));
  CHECK(glob("a*c?e", "abbcde"));
  CHECK(glob("*.com*:x", "iqn.com.com:x"));
  CHECK(glob("**a**", "a"));
  CHECK_FALSE(glob("", "a"));
  CHECK_FALSE(glob("a?", "a"));
  CHECK_FALSE(glob("A", "a"));
  CHECK_FALSE(glob("*b", "abc"));
  CHECK(glob("*a*a*a*a*b", std::string(3000, 'a') + "b"));
  CHECK_FALSE(glob("*a*a*a*a*b", std::string(3000, 'a')));
}

TEST_CASE("each clause holds and fails by itself, and why_not names it") {
  struct Row {
    std::string_view name;
    std::function<void(Match&)> holds, fails;
  };
  const Row rows[] = {
      {"initiator",
       [](Match& m) {
         m.initiators = {"x", "iqn.a:*"};
       },
       [](Match& m) { m.initiators = {"iqn.b*"}; }},
      {"session", [](Match& m) { m.sessions = {"*,400000000000,2"}; },
       [](Match& m) { m.sessions = {"*,1"}; }},
      {"target", [](Match& m) { m.targets = {"iqn.?"}; }, [](Match& m) { m.targets = {"iqn"}; }},
      {"source", [](Match& m) { m.sources = {"10.0.*"}; },
       [](Match& m) { m.sources = {"10.1.*"}; }},
      {"portal", [](Match& m) { m.portals = {1}; },
       [](Match& m) {
         m.portals = {0, 2};
       }},
      {"tpg", [](Match& m) { m.portal_groups = {3}; }, [](Match& m) { m.portal_groups = {1}; }},
      {"lun",
       [](Match& m) {
         m.luns = {1, 4};
       },
       [](Match& m) { m.luns = {1}; }},
      {"op", [](Match& m) { m.operations = {made::opcode(0x28)}; },
       [](Match& m) { m.operations = {made::operation(OperationClass::write)}; }},
      {"sa", [](Match& m) { m.service_actions = {8}; }, [](Match& m) { m.service_actions = {9}; }},
      {"cdb",
       [](Match& m) {
         m.cdbs = {{0, {0x2f}, {0xf8}}};
       },
       [](Match& m) {
         m.cdbs = {{15, {0, 0}, {}}};
       }},
      {"lba",
       [](Match& m) {
         m.lbas = {{0, 1}, {109, 5}};
       },
       [](Match& m) {
         m.lbas = {{110, 5}, {0, 100}, {100, 0}};
       }},
      {"blocks",
       [](Match& m) {
         m.blocks = NumberRange{10, 10};
       },
       [](Match& m) {
         m.blocks = NumberRange{11, UINT64_MAX};
       }},
      {"fua", [](Match& m) { m.fua = true; }, [](Match& m) { m.fua = false; }},
      {"dpo", [](Match& m) { m.dpo = false; }, [](Match& m) { m.dpo = true; }},
      {"group", [](Match& m) { m.groups = {5}; }, [](Match& m) { m.groups = {0}; }},
      {"control", [](Match& m) { m.control = std::uint8_t{2}; },
       [](Match& m) { m.control = std::uint8_t{1}; }},
      {"task_attr", [](Match& m) { m.attributes = {scsi::TaskAttribute::simple}; },
       [](Match& m) { m.attributes = {scsi::TaskAttribute::ordered}; }},
      {"outstanding",
       [](Match& m) {
         m.outstanding = NumberRange{6, 6};
       },
       [](Match& m) {
         m.outstanding = NumberRange{7, 9};
       }},
      {"immediate", [](Match& m) { m.immediate = false; }, [](Match& m) { m.immediate = true; }},
      {"attempt",
       [](Match& m) {
         m.attempt = NumberRange{1, 1};
       },
       [](Match& m) {
         m.attempt = NumberRange{2, 3};
       }},
      {"first_touch", [](Match& m) { m.first_touch = true; },
       [](Match& m) { m.first_touch = false; }},
      {"rewrites",
       [](Match& m) {
         m.rewrites = NumberRange{0, 0};
       },
       [](Match& m) {
         m.rewrites = NumberRange{1, 9};
       }},
  };
  const Fixture fixture;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Match good, bad;
    row.holds(good);
    row.fails(bad);
    CHECK(fixture.holds(good));
    CHECK_FALSE(fixture.holds(bad));
    CHECK(why_not(good, fixture.facts, fixture.past).empty());
    CHECK(why_not(bad, fixture.facts, fixture.past) == std::vector<std::string_view>{row.name});
    Match inverted;
    inverted.none_of = {std::make_shared<Match>(good)};
    CHECK_FALSE(fixture.holds(inverted));
    CHECK_FALSE((good == bad));
    CHECK((good == Match(good)));
  }
}

TEST_CASE("LBA modes: overlap, contains, within, starts, up to the end of 64 bits") {
  Fixture fixture;
  using Mode = LbaMatch::Mode;
  const auto holds = [&](std::uint64_t start, std::uint64_t length, Mode mode) {
    Match match;
    match.lbas = {{start, length, mode}};
    return fixture.holds(match);
  };
  CHECK(holds(90, 11, Mode::overlap));
  CHECK_FALSE(holds(90, 10, Mode::overlap));
  CHECK(holds(101, 9, Mode::contains));
  CHECK_FALSE(holds(101, 10, Mode::contains));
  CHECK(holds(100, 10, Mode::within));
  CHECK_FALSE(holds(100, 9, Mode::within));
  CHECK(holds(95, 6, Mode::starts));
  CHECK_FALSE(holds(101, 6, Mode::starts));
  CHECK(holds(50, UINT64_MAX, Mode::within));
  fixture.facts.lba = UINT64_MAX;
  CHECK(holds(50, UINT64_MAX, Mode::overlap));
  fixture.facts.blocks = 0;
  CHECK_FALSE(holds(0, UINT64_MAX, Mode::overlap));
}

TEST_CASE("VPD and mode pages are those of INQUIRY with EVPD and of MODE SENSE") {
  Fixture fixture;
  fixture.cdb = scsi::Cdb();
  fixture.cdb.raw[0] = 0x12;
  fixture.cdb.raw[2] = 0x83;
  Match vpd, mode;
  vpd.vpd_pages = {0x83};
  mode.mode_pages = {0x08};
  CHECK_FALSE(fixture.holds(vpd));
  fixture.cdb.raw[1] = 1;
  CHECK(fixture.holds(vpd));
  fixture.cdb.raw[0] = 0x5a;
  fixture.cdb.raw[2] = 0xc8;
  CHECK(fixture.holds(mode));
  CHECK_FALSE(fixture.holds(vpd));
}

TEST_CASE("after_fault and payload hold only when there is something to look at") {
  Fixture fixture;
  Match after, payload;
  after.after_fault = AfterFault{"x", Time(10), 3};
  payload.payloads = {{1, {0xaa}, {0xf0}}};
  CHECK_FALSE(fixture.holds(after));
  CHECK_FALSE(fixture.holds(payload));
  fixture.past.since_fault = Time(10);
  fixture.past.commands_since_fault = 3;
  CHECK(fixture.holds(after));
  fixture.past.commands_since_fault = 4;
  CHECK_FALSE(fixture.holds(after));
  const std::uint8_t data[] = {0, 0xa5};
  fixture.facts.payload = data;
  fixture.facts.payload_known = true;
  CHECK(fixture.holds(payload));
  fixture.facts.payload = {data, 1};
  CHECK_FALSE(fixture.holds(payload));
}

TEST_CASE("a task management function matches by its code, and no clause about commands") {
  Fixture fixture;
  fixture.facts.site = Site::tmf_rx;
  fixture.facts.cdb = nullptr;
  fixture.facts.row = nullptr;
  fixture.facts.function = 5;
  Match match;
  match.functions = {5};
  CHECK(fixture.holds(match));
  match.operations = {made::opcode(0x28)};
  CHECK_FALSE(fixture.holds(match));
  for (const auto& clause : clause_table()) {
    CAPTURE(clause.name);
    Match all;
    all.fua = all.dpo = true;
    all.cdbs = {{}};
    all.groups = {0};
    all.control = std::uint8_t{0};
    all.vpd_pages = all.mode_pages = all.service_actions = {0};
    all.blocks = NumberRange{};
    all.attributes = {scsi::TaskAttribute::simple};
    all.attempt = NumberRange{};
    all.lbas = {{0, UINT64_MAX}};
    fixture.facts.blocks = 0;
    if (clause.given(all)) CHECK_FALSE(clause.holds(all, fixture.facts, fixture.past));
  }
}

TEST_CASE("any_part and after_fault_of look into what a match excludes") {
  Match match;
  CHECK(after_fault_of(match) == nullptr);
  auto inner = std::make_shared<Match>(), innermost = std::make_shared<Match>();
  innermost->after_fault = AfterFault{"deep", {}, {}};
  inner->none_of = {innermost};
  match.none_of = {inner};
  REQUIRE(after_fault_of(match) != nullptr);
  CHECK(after_fault_of(match)->rule == "deep");
  CHECK(any_part(match, [](const Match& each) { return each.after_fault.has_value(); }));
  CHECK_FALSE(any_part(match, [](const Match& each) { return each.fua.has_value(); }));
}

}  // namespace
}  // namespace faultlun::faults::match_test
