#include "daemon/cli/views.hpp"

#include <doctest/doctest.h>

namespace views_test {

using namespace faultlun::daemon::cli;
using faultlun::config::Json;

TEST_CASE("rules are a table with state, counters, effect, match and gate") {
  const auto answer = Json::parse(R"~({"epoch": 3, "rules": [
    {"rule": {"id": "busy", "match": {"op": "READ(10)", "lun": 0}, "gate": {"every": 3},
              "effect": {
  "scsi.status" : {
    "status" : "BUSY"
  }
}
}
, "state" : {
  "armed" : true,
            "exhausted" : false,
                          "matched" : 30,
                          "fired" : 10,
                          "suppressed" : 0,
                          "source" : "api"
}
},
    {"rule": {"id": "tail", "effect": [{"time.service": {}}, {"time.stall": {}}]},
     "state": {"armed": false, "exhausted": false, "matched": 0, "fired": 0, "suppressed": 0,
               "source": "config"}},
    {"rule": {"id": "once", "effect": {}},
     "state": {"armed": true, "exhausted": true, "matched": 1, "fired": 1, "suppressed": 0,
               "source": "scenario:flaky"}}]
})~");
  CHECK(rules_text(answer) ==
        "ID    STATE      MATCHED  FIRED  SUPPRESSED  SOURCE          EFFECT                    "
        "MATCH              GATE\n"
        "busy  armed           30     10           0  api             scsi.status               "
        "op=READ(10) lun=0  every=3\n"
        "tail  disarmed         0      0           0  config          time.service, time.stall  -  "
        "                -\n"
        "once  exhausted        1      1           0  scenario:flaky  -                         -  "
        "                -\n");
  CHECK(rules_text(Json::parse(R"({"epoch": 0, "rules": []})")) ==
        "no rules: everything behaves perfectly\n");
}

TEST_CASE("one rule is its state and the rule to copy") {
  CHECK(rule_text(Json::parse(R"({"rule": {"id": "busy", "match": {"op": "read"}},
                                  "state": {"armed": true, "fired": 10, "armed_for": "3264889us",
                                            "expires_in": "15s"}})")) ==
        "armed       yes\n"
        "fired       10\n"
        "armed_for   3.3s\n"
        "expires_in  15s\n"
        "\n"
        "{\n  \"id\": \"busy\",\n  \"match\": {\n    \"op\": \"read\"\n  }\n}\n");
}

TEST_CASE("a change says what it did and from which command on") {
  CHECK(change_text(Json::parse(R"({"epoch": 4, "created": ["busy"], "replaced": [], "changed": [],
          "removed": ["a", "b"], "drained": true, "barrier": {"epoch": 4, "sessions": [
            {"alias": "iqn.x:host,0x1#1", "tsih": 1, "cmd_sn": 41, "stat_sn": 40}]}})")) ==
        "created busy\n"
        "removed a, b\n"
        "drained: nothing decided before is in progress\n"
        "IN FORCE FOR SESSION  TSIH  FROM CMDSN\n"
        "iqn.x:host,0x1#1         1          41\n");
  CHECK(change_text(Json::parse(R"({"epoch": 4, "created": [], "barrier": {"sessions": []}})")) ==
        "nothing changed\n");
  CHECK(change_text(Json::parse(R"({"dry_run": true, "rule": {"id": "a"}})")) ==
        "good; nothing was changed\n{\n  \"id\": \"a\"\n}\n");
}

TEST_CASE("a prediction names the indexes and what it cannot foresee") {
  CHECK(prediction_text(Json::parse(R"({"rule": "busy", "seed": "0x5eed", "key": "*", "from": 0,
          "end": 9, "fires": [2, 5, 8], "off": false, "timed": true})")) ==
        "rule busy, seed 0x5eed, key *, indexes 0 to 9 (not with it)\n"
        "fires at 2, 5, 8\n"
        "note: it depends on time, which is not foreseen\n");
  CHECK(prediction_text(Json::parse(R"({"rule": "busy", "seed": "0x1", "key": "*", "from": 0,
          "end": 2, "fires": []})")) ==
        "rule busy, seed 0x1, key *, indexes 0 to 2 (not with it)\n"
        "fires at none of them\n");
}

TEST_CASE("a fault is explained with its parameters and a rule to copy") {
  CHECK(fault_text(Json::parse(R"({"id": "x.y", "site": "cmd.status", "decided_at": "enqueue",
          "summary": "answers so", "wire": "one byte", "host": "", "illegal": "",
          "parameters": {"anyOf": [{"type": "object", "required": ["status"], "properties": {
            "status": {"enum": ["BUSY", "GOOD"], "description": "which"},
            "after": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 3,
                      "description": "how late"}}}, {"type": "string"}]},
          "example": {"id": "a"}})")) ==
        "x.y: answers so\n\n"
        "Site\n  cmd.status, decided at enqueue\n\n"
        "On the wire\n  one byte\n\n"
        "Parameters\n"
        "  status: BUSY|GOOD, required\n      which\n"
        "  after: integer|string, default 3\n      how late\n\n"
        "Example\n  faultlun rule put '{\"id\":\"a\"}'\n");
}

TEST_CASE("a fault is picked by its ID, and one that is not there is said to be so") {
  const auto all = Json::parse(R"({"faults": [{"id": "scsi.status"}, {"id": "scsi.sense"}]})");
  Call call;
  CHECK(pick_fault(all, call).value == all);
  call.arguments["ID"] = "scsi.sense";
  CHECK(pick_fault(all, call).value == all["faults"][1]);
  call.arguments["ID"] = "scsi.statu";
  CHECK(pick_fault(all, call).error ==
        "there is no fault \"scsi.statu\" (did you mean \"scsi.status\"?); faultlun fault ls lists "
        "them");
}

TEST_CASE("an entry of the journal is a line") {
  CHECK(journal_line(Json::parse(R"~({"at_ns": 1234567890, "kind": "command", "session": "node#1",
          "cmd_sn": 12, "lun": 0, "op": "READ(10)", "lba": 8, "blocks": 1, "status": "BUSY",
          "cdb": "28", "cursor": "1.0"})~")) ==
        "     1.234568  command        node#1 #12 lun 0                          READ(10)  lba 8  "
        "+1  BUSY\n");
  CHECK(journal_line(Json::parse(R"({"at_ns": 0, "kind": "decision", "session": "node#1",
          "cmd_sn": 12, "rule": "busy", "outcome": "fired", "key": "counter", "index": 2,
          "order_dependent": true})")) ==
        "     0.000000  decision       node#1 #12                                rule busy  fired  "
        "key counter  index 2  order_dependent\n");
  CHECK(journal_line(Json::parse(R"({"at_ns": 5, "kind": "news", "what": "x"})")) ==
        "     0.000000  news           -                                         what=x\n");
  CHECK(journal_line(Json::parse(R"({"lost": 7})")) ==
        "--- 7 entries were overwritten before they were read ---\n");
}

TEST_CASE("the status is who, what, whom and which rules") {
  const auto text = status_text(Json::parse(R"({
    "version": {"version": "0.1.0", "uptime": "2999us", "seed": "0x5eed"},
    "targets": [{"name": "iqn.x:lab", "luns": [{"lun": 0, "backend": "memory", "blocks": 2,
                 "block_size": 512, "size_bytes": 1024, "read_only": false, "serial": "s"}]}],
    "sessions": [], "rules": {"rules": []}})"));
  CHECK(text ==
        "faultlun 0.1.0, up 3.0ms, seed 0x5eed\n"
        "\n"
        "TARGET     LUN  BYTES  BLOCK  READ ONLY  BACKEND\n"
        "iqn.x:lab    0   1024    512  no         memory\n"
        "\n"
        "no sessions\n"
        "\n"
        "no rules: everything behaves perfectly\n");
}

TEST_CASE("a refusal is its problems one a line, with the file they came from, or its message") {
  const auto answer = Json::parse(R"({"error": {"message": "gate.evry: unknown", "problems": [
      {"path": "gate.evry", "message": "unknown key; drop it", "line": 3},
      {"path": "", "message": "no effect; name one"}], "problems_left_out": 2}})");
  CHECK(error_text(answer, "") ==
        "gate.evry: unknown key; drop it\n"
        "no effect; name one\n"
        "and 2 more\n");
  CHECK(error_text(answer, "busy.json") ==
        "busy.json:3: gate.evry: unknown key; drop it\n"
        "busy.json: no effect; name one\n"
        "and 2 more\n");
  CHECK(error_text(Json::parse(R"({"error": {"message": "there is no rule \"x\""}})"), "f") ==
        "there is no rule \"x\"\n");
}

TEST_CASE("a verdict is a line for each expectation and each state, with its reason") {
  const auto answer =
      Json::parse(R"({"scenario":"flaky","verdict":"failed","why":"its time was over",
    "took_us":1500000,"expectations":[{"expect":{"that":"recovered"},"passed":true,"why":"in time"},
      {"expect":{"that":"must_fire"},"passed":false,"why":"never"}],
    "timeline":[{"at_us":0,"state":"ok","why":"the scenario began"},
                {"at_us":1500999,"state":"hung","why":"event go"}],"timeline_left_out":3})");
  CHECK(verdict_text(answer) ==
        "flaky: failed (its time was over)\n  ok    recovered: in time\n  FAIL  must_fire: never\n"
        "     0.000 s  ok  (the scenario began)\n     1.500 s  hung  (event go)\nand 3 more\n");
  CHECK(verdict_text(Json::parse(R"({"scenario":"s","run":{"verdict":"running","state":"ok"}})")) ==
        "s: running, in state ok\n");
}

TEST_CASE("a scenario is shown with its run, and one that was put with what is odd about it") {
  CHECK(scenario_text(Json::parse(R"({"scenario":{},"run":null})")) == "it has not run yet\n{}\n");
  CHECK(scenario_text(
            Json::parse(R"({"scenario":{},"run":{"number":2,"verdict":"passed","state":"b"}})")) ==
        "run 2: passed, in state b\n{}\n");
  CHECK(scenario_put_text(Json::parse(
            R"({"scenario":{"id":"s"},"warnings":[{"path":"states.x","message":"alone"}]})")) ==
        "warning: states.x: alone\nscenario s\n");
  CHECK(scenario_put_text(Json::parse(R"({"scenario":{"id":"s"},"dry_run":true})")) ==
        "good; nothing was changed\nscenario s\n");
}

}  // namespace views_test
