#include "tests/unit/config/rule_bench.hpp"

namespace rules_check_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

TEST_CASE("counts of a gate that exclude each other are refused") {
  constexpr Bad rows[] = {
      {R"("gate": {"nth": 3, "burst": 2})", "gate.burst", "with nth"},
      {R"("gate": {"nth": 3, "every": 2})", "gate.every", "with nth"},
      {R"("gate": {"nth": 3, "skip": 2})", "gate.skip", "with nth"},
      {R"("gate": {"nth": 3, "p": 0.5})", "gate.p", "with nth"},
      {R"("gate": {"every": 2, "burst": 3})", "gate.burst", "more than every"},
      {R"("gate": {"repeat": 2})", "gate.repeat", "there is no burst"},
      {R"("gate": {"key": "lba", "skip": 2})", "gate.key", "counts nothing"},
      {R"("gate": {"key": "lba", "every": 2})", "gate.key", "counts nothing"},
      {R"("gate": {"key": "attempt", "nth": 2})", "gate.key", "anew for each try"},
      {R"("gate": {"key": "event"})", "gate.key", "use counter"},
      {R"("gate": {"window": {}})", "gate.window", "always open"},
      {R"("gate": {"window": {"since": "mark"}})", "gate.window.mark", "name of the mark"},
      {R"("gate": {"window": {"mark": "m", "for_s": 1}})", "gate.window.mark", "since mark"},
      {R"("life": {"on_exhaust": "remove"})", "life.on_exhaust", "can never happen"},
      {R"("gate": {"every": 5, "burst": 2}, "life": {"on_exhaust": "remove"})", "life.on_exhaust",
       "can never happen"},
      {R"("match": {"after_fault": {"rule": "r"}})", "match.after_fault.rule", "the rule itself"},
  };
  check_all_bad(rows);
  good_with(R"("gate": {"every": 3, "burst": 3})");
  good_with(R"("gate": {"nth": 3, "times": 1})");
  good_with(R"("gate": {"key": "lba", "p": 0.5, "times": 3})");
  good_with(R"("gate": {"window": {"since": "state"}})");
  good_with(R"("gate": {"burst": 2}, "life": {"on_exhaust": "remove"})");
  good_with(R"("life": {"on_exhaust": "remove", "once_per": "run"})");
}

TEST_CASE("clauses that no command of op can meet are refused") {
  constexpr Bad rows[] = {
      {R"("match": {"op": "INQUIRY", "lba": 1})", "match.lba", "no command in op"},
      {R"("match": {"op": ["flush", "INQUIRY"], "payload": {"hex": "00"}})", "match.payload",
       "sends data"},
      {R"("match": {"op": "read", "payload": {"hex": "00"}})", "match.payload", "sends data"},
      {R"("match": {"op": "unmap", "first_touch": true})", "match.first_touch", "no command in op"},
      {R"("match": {"op": "identify", "rewrites": {"min": 1}})", "match.rewrites",
       "no command in op"},
      {R"("match": {"op": "INQUIRY", "blocks": {"min": 1}})", "match.blocks", "no command in op"},
      {R"x("match": {"op": "READ(6)", "fua": true})x", "match.fua", "has the bit"},
      {R"x("match": {"op": "READ(6)", "dpo": true})x", "match.dpo", "has the bit"},
      {R"("match": {"op": "read", "vpd": 131})", "match.vpd", "only INQUIRY"},
      {R"("match": {"op": "read", "mode_page": 8})", "match.mode_page", "only MODE SENSE"},
      {R"("match": {"op": "INQUIRY"}, "gate": {"key": "lba"})", "gate.key", "needs blocks"},
      {R"("match": {"op": "0x12"}, "life": {"once_per": "lba"})", "life.once_per", "needs blocks"},
  };
  check_all_bad(rows);
  check_bad(rule_with(R"("match": {"op": "INQUIRY"})", R"({"test.medium": {}})"), "effect",
            "medium error");
  good_with(R"("match": {"op": ["INQUIRY", "read"], "lba": 1})");
  good_with(R"("match": {"op": "0xc1", "lba": 1, "payload": {"hex": "00"}})");  // may be anything
  good_with(R"("match": {"op": "any", "vpd": 131})");
  good_with(R"("match": {"op": "identify", "vpd": 131, "blocks": {"max": 0}})");
  good_with(R"("match": {"op": "write", "payload": {"hex": "00"}, "fua": true})");
}

TEST_CASE("a rule about commands does not name task management functions") {
  constexpr Bad rows[] = {
      {R"("match": {"tmf": 1})", "match.tmf", "decided for commands"},
      {R"("match": {"op": "tmf"})", "match.op", "decided for commands"},
      {R"("match": {"op": ["read", "tmf"]})", "match.op", "decided for commands"},
  };
  check_all_bad(rows);
  constexpr auto kHang = R"({"test.hang": {}})";
  good(rule_with(R"("match": {"op": ["read", "tmf"]})", kHang));
  check_bad(rule_with(R"("match": {"op": "tmf"})", kHang), "match.op", "tmf alone");
}

TEST_CASE("a rule about task management functions does not look at commands") {
  constexpr auto kFunctions = R"({"other.tmf": {}})";
  constexpr Bad rows[] = {
      {R"("match": {"op": "read"})", "match.op", "names commands"},
      {R"("match": {"lba": 1})", "match.lba", "looks at commands"},
      {R"("match": {"cdb": {"value": "28"}})", "match.cdb", "looks at commands"},
      {R"("match": {"attempt": 2})", "match.attempt", "looks at commands"},
      {R"("match": {"payload": {"hex": "00"}})", "match.payload", "looks at commands"},
      {R"("match": {"task_attr": "simple"})", "match.task_attr", "looks at commands"},
      {R"("gate": {"key": "lba"})", "gate.key", "use counter"},
      {R"("gate": {"key": "content"})", "gate.key", "use counter"},
      {R"("gate": {"key": "attempt"})", "gate.key", "use counter"},
      {R"("gate": {"budget_bytes": 1})", "gate.budget_bytes", "data of commands"},
      {R"("gate": {"max_active": 1})", "gate.max_active", "counts commands"},
      {R"("life": {"once_per": "lba"})", "life.once_per", "looks at commands"},
  };
  check_all_bad(rows, kFunctions);
  good(rule_with(
      R"("match": {"op": ["tmf", "any"], "tmf": "ABORT TASK", "lun": 2, "initiator": "*"}, "gate": {"every": 2})",
      kFunctions));
}

TEST_CASE("the effects of one rule are decided at one place, and where is theirs") {
  check_bad(R"({"id": "r", "effect": [{"test.every": {}}, {"other.tmf": {}}]})", "effect",
            "other.tmf is decided at tmf.rx and test.every at cmd.enqueue");
  check_bad(rule_with(R"("where": "pdu.tx")"), "where", "strikes at cmd.status");
  check_bad(rule_with(R"("where": "cmd.enqeue")"), "where", "did you mean \"cmd.enqueue\"");
  check_bad(rule_with(R"("where": 5)"), "where", "one of");
  CHECK(good_with(R"("where": "cmd.status")").where == faults::Site::cmd_status);
  CHECK(good_with(R"("where": "cmd.enqueue")").where == faults::Site::cmd_enqueue);
  check_bad(R"({"id": "r", "observe": true, "where": "pdu.tx"})", "where", "nothing is decided");
  CHECK(faults::decided_at(good(R"({"id": "r", "observe": true, "where": "tmf.rx"})")) ==
        faults::Site::tmf_rx);
}

TEST_CASE("nothing stands behind an effect that ends the command") {
  check_bad(R"({"id": "r", "effect": [{"test.status": "red"}, {"test.every": {}}]})", "effect",
            "would never strike");
  check_bad(R"({"id": "r", "effect": [{"test.hang": {}}, {"test.every": {}}]})", "effect",
            "would never strike");
  good(R"({"id": "r", "effect": [{"test.medium": {}}, {"test.every": {}}]})");  // where no block is
                                                                                // bad
}

TEST_CASE("what depends on a part that could not be read is not complained of") {
  check_bad(rule_with(R"("gate": {"repeat": 2, "burst": "x"})"), "gate.burst", "whole number");
  check_bad(rule_with(R"("match": {"op": "raed"}, "gate": {"key": "lba"})"), "match.op",
            "did you mean");
}

}  // namespace rules_check_test
