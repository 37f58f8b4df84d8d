#include "tests/unit/config/rule_bench.hpp"

namespace rules_match_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using faults::LbaMatch;
using faults::MaskedOctets;
using faults::NumberRange;
using namespace std::chrono_literals;

namespace {

faults::Match match_of(std::string_view members) {
  return good_with("\"match\": {" + std::string(members) + "}").match;
}

}  // namespace

TEST_CASE("every clause of a match arrives") {
  const auto m = match_of(
      R"x("initiator": "iqn.*", "session": ["a,*", "b"], "target": "t", "source": "192.0.2.*",
    "portal": 1, "tpg": ["0x2"], "op": ["READ(10)", "write", "0xc1"], "sa": 16,
    "cdb": {"value": "28 00", "mask": "ff00"}, "lba": {"start": "0x1000", "len": 64, "mode": "within"},
    "blocks": {"min": 8}, "fua": true, "dpo": false, "group": [1, 2], "control": 3,
    "task_attr": ["simple", "head_of_queue"], "outstanding": {"min": 2, "max": 3}, "immediate": false,
    "payload": {"offset": 4, "hex": "4649 4c45"}, "attempt": {"max": 2},
    "after_fault": {"rule": "other", "within_ms": 50, "commands": 7}, "first_touch": true, "rewrites": 0,
    "not": {"lun": 3})x");
  CHECK(m.initiators == std::vector<std::string>{"iqn.*"});
  CHECK(m.sessions == std::vector<std::string>{"a,*", "b"});
  CHECK(m.targets == std::vector<std::string>{"t"});
  CHECK(m.sources == std::vector<std::string>{"192.0.2.*"});
  CHECK(m.portals == std::vector<std::uint64_t>{1});
  CHECK(m.portal_groups == std::vector<std::uint64_t>{2});
  REQUIRE(m.operations.size() == 3);
  CHECK(m.operations[0].row->name == "READ(10)");
  CHECK(m.operations[1].operation == faults::OperationClass::write);
  CHECK(m.operations[2].opcode == 0xc1);
  CHECK(m.service_actions == std::vector<std::uint64_t>{16});
  CHECK(m.cdbs == std::vector<MaskedOctets>{{0, {0x28, 0}, {0xff, 0}}});
  CHECK(m.lbas == std::vector<LbaMatch>{{4096, 64, LbaMatch::Mode::within}});
  CHECK(m.blocks == NumberRange{8, UINT64_MAX});
  CHECK(m.fua == true);
  CHECK(m.dpo == false);
  CHECK(m.groups == std::vector<std::uint64_t>{1, 2});
  CHECK(m.control == 3);
  CHECK(m.attributes ==
        std::vector{scsi::TaskAttribute::simple, scsi::TaskAttribute::head_of_queue});
  CHECK(m.outstanding == NumberRange{2, 3});
  CHECK(m.immediate == false);
  CHECK(m.payloads == std::vector<MaskedOctets>{{4, {0x46, 0x49, 0x4c, 0x45}, {}}});
  CHECK(m.attempt == NumberRange{0, 2});
  REQUIRE(m.after_fault);
  CHECK(m.after_fault->rule == "other");
  CHECK(m.after_fault->within == faults::Time(50ms));
  CHECK(m.after_fault->commands == 7);
  CHECK(m.first_touch == true);
  CHECK(m.rewrites == NumberRange{0, 0});
  REQUIRE(m.none_of.size() == 1);
  CHECK(m.none_of[0]->luns == std::vector<std::uint16_t>{3});
}

TEST_CASE("pages and functions arrive, too") {
  CHECK(match_of(R"("vpd": ["0x83", 0])").vpd_pages == std::vector<std::uint64_t>{0x83, 0});
  CHECK(match_of(R"("mode_page": "0x08")").mode_pages == std::vector<std::uint64_t>{8});
  const auto rule = good(
      rule_with(R"("match": {"tmf": ["ABORT_TASK", 7], "op": "tmf"})", R"({"other.tmf": {}})"));
  CHECK(rule.match.functions == std::vector<std::uint64_t>{1, 7});
}

TEST_CASE("LUNs are numbers and ranges, each once and in order") {
  CHECK(match_of(R"("lun": 3)").luns == std::vector<std::uint16_t>{3});
  CHECK(match_of(R"("lun": ["2-4", 9, "3", 0])").luns == std::vector<std::uint16_t>{0, 2, 3, 4, 9});
}

TEST_CASE("a number stands for one block, and for a range with one end") {
  CHECK(match_of(R"("lba": 7)").lbas == std::vector<LbaMatch>{{7, 1, LbaMatch::Mode::overlap}});
  CHECK(match_of(R"("lba": [1, {"start": 5}])").lbas.size() == 2);
  CHECK(match_of(R"("attempt": 3)").attempt == NumberRange{3, 3});
  CHECK(match_of(R"("lba": {"start": 18446744073709551615})").lbas[0].start == UINT64_MAX);
}

TEST_CASE("len of a CDB cuts value and mask") {
  CHECK(match_of(R"("cdb": {"value": "28 00 01", "mask": "ffffff", "len": 2})").cdbs ==
        std::vector<MaskedOctets>{{0, {0x28, 0}, {0xff, 0xff}}});
}

TEST_CASE("what a clause does not take is refused at its path") {
  constexpr Bad rows[] = {
      {R"("match": [])", "match", "object"},
      {R"("match": {"lunn": 1})", "match.lunn", "did you mean \"lun\""},
      {R"("match": {"pdu": "data-in"})", "match.pdu", "unknown key"},
      {R"("match": {"initiator": 5})", "match.initiator", "string"},
      {R"("match": {"initiator": ""})", "match.initiator", "empty"},
      {R"("match": {"initiator": []})", "match.initiator", "nothing would match"},
      {R"("match": {"initiator": ["a", 1]})", "match.initiator[1]", "string"},
      {R"("match": {"session": {"isid": 1}})", "match.session", "string"},
      {R"("match": {"target": null})", "match.target", "string"},
      {R"("match": {"source": true})", "match.source", "string"},
      {R"("match": {"portal": 256})", "match.portal", "255"},
      {R"("match": {"tpg": 0})", "match.tpg", "from 1"},
      {R"("match": {"lun": 16384})", "match.lun", "16383"},
      {R"("match": {"lun": "5-4"})", "match.lun", "backwards"},
      {R"("match": {"lun": []})", "match.lun", "nothing would match"},
      {R"("match": {"op": "raed"})", "match.op", "did you mean \"read\""},
      {R"x("match": {"op": "READ(11)"})x", "match.op", "did you mean"},
      {R"("match": {"op": ["read", "0x1ff"]})", "match.op[1]", "opcode"},
      {R"("match": {"op": 40})", "match.op", "string"},
      {R"("match": {"sa": 32})", "match.sa", "31"},
      {R"("match": {"cdb": "28"})", "match.cdb", "object"},
      {R"("match": {"cdb": {"mask": "ff"}})", "match.cdb.value", "missing"},
      {R"("match": {"cdb": {"value": "2"}})", "match.cdb.value", "hexadecimal"},
      {R"("match": {"cdb": {"value": "28", "mask": "ffff"}})", "match.cdb.mask", "masks 1"},
      {R"("match": {"cdb": {"value": "28", "len": 2}})", "match.cdb.len", "more than"},
      {R"("match": {"cdb": {"value": "28", "len": 33}})", "match.cdb.len", "32"},
      {R"("match": {"lba": -1})", "match.lba", "whole number"},
      {R"("match": {"lba": {}})", "match.lba.start", "missing"},
      {R"("match": {"lba": {"start": 0, "len": 0}})", "match.lba.len", "from 1"},
      {R"("match": {"lba": {"start": 0, "lenght": 5}})", "match.lba.lenght",
       "did you mean \"len\""},
      {R"("match": {"lba": {"start": 0, "mode": "in"}})", "match.lba.mode", "overlap"},
      {R"("match": {"lba": {"start": "0xffffffffffffffff", "len": 2}})", "match.lba.len",
       "at most 1"},
      {R"("match": {"lba": []})", "match.lba", "nothing would match"},
      {R"("match": {"blocks": {}})", "match.blocks", "empty"},
      {R"("match": {"blocks": {"min": 3, "max": 2}})", "match.blocks.min", "more than max"},
      {R"("match": {"blocks": {"mim": 3}})", "match.blocks.mim", "did you mean \"min\""},
      {R"("match": {"blocks": "8"})", "match.blocks", "whole number"},
      {R"("match": {"fua": 1})", "match.fua", "true or false"},
      {R"("match": {"dpo": "yes"})", "match.dpo", "true or false"},
      {R"("match": {"group": 32})", "match.group", "31"},
      {R"("match": {"control": 4})", "match.control", "3"},
      {R"("match": {"task_attr": "simpel"})", "match.task_attr", "did you mean \"simple\""},
      {R"("match": {"vpd": 256})", "match.vpd", "255"},
      {R"("match": {"mode_page": 64})", "match.mode_page", "63"},
      {R"("match": {"outstanding": {"min": 0}})", "match.outstanding.min", "from 1"},
      {R"("match": {"immediate": 0})", "match.immediate", "true or false"},
      {R"("match": {"payload": {"offset": 0}})", "match.payload.hex", "missing"},
      {R"("match": {"payload": {"hex": ""}})", "match.payload.hex", "write 1"},
      {R"("match": {"payload": {"hex": "46", "mask": "f"}})", "match.payload.mask", "hexadecimal"},
      {R"("match": {"payload": {"hex": "46", "offset": 4294967296}})", "match.payload.offset",
       "4294967295"},
      {R"("match": {"attempt": {"min": 0}})", "match.attempt.min", "from 1"},
      {R"("match": {"attempt": 0})", "match.attempt", "from 1"},
      {R"("match": {"after_fault": {}})", "match.after_fault.rule", "missing"},
      {R"("match": {"after_fault": {"rule": "a b"}})", "match.after_fault.rule",
       "no name of a rule"},
      {R"("match": {"after_fault": {"rule": "a", "within": 5}})", "match.after_fault.within",
       "250ms"},
      {R"("match": {"after_fault": {"rule": "a", "within": "5s", "within_ms": 5}})",
       "match.after_fault.within_ms", "keep one"},
      {R"("match": {"after_fault": {"rule": "a", "commands": 0}})", "match.after_fault.commands",
       "from 1"},
      {R"("match": {"first_touch": null})", "match.first_touch", "true or false"},
      {R"("match": {"rewrites": -1})", "match.rewrites", "whole number"},
      {R"("match": {"not": []})", "match.not", "nothing would match"},
      {R"("match": {"not": {}})", "match.not", "matches everything"},
      {R"("match": {"not": [{"lun": 1}, {"lun": "x"}]})", "match.not[1].lun", "no LUN"},
      {R"("match": {"not": 5})", "match.not", "object"},
      {R"("match": {"not": {"attempt": 1}})", "match.not.attempt", "turned around"},
      {R"("match": {"not": {"payload": {"hex": "00"}}})", "match.not.payload", "turned around"},
      {R"("match": {"not": {"after_fault": {"rule": "a"}}})", "match.not.after_fault", "turned"},
      {R"("match": {"not": {"first_touch": true}})", "match.not.first_touch", "turned around"},
      {R"("match": {"not": {"rewrites": 1}})", "match.not.rewrites", "turned around"},
  };
  check_all_bad(rows);
}

TEST_CASE("a match has not within not four times and no more") {
  const auto nested = [](int depth) {
    std::string out = R"({"lun": 1})";
    for (int i = 0; i < depth; ++i)
      out = R"({"not": )" + out + "}";
    return rule_with("\"match\": " + out);
  };
  good(nested(4));
  check_bad(nested(5), "match.not.not.not.not.not", "four are the most");
}

TEST_CASE("an array in a match has at most 1024 elements") {
  const auto many = [](std::size_t count) {
    std::string out = "1";
    for (std::size_t i = 1; i < count; ++i)
      out += ",1";
    return rule_with("\"match\": {\"lba\": [" + out + "]}");
  };
  good(many(kMaxMatchElements));
  check_bad(many(kMaxMatchElements + 1), "match.lba", "the most is 1024");
}

}  // namespace rules_match_test
