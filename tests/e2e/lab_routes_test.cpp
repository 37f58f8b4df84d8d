// The control API about the lab at work: units and their changes, connections, sessions, explain,
// and that the OpenAPI document tells of every answer.
#include "tests/e2e/fault_lab.hpp"

#include <string>

namespace lab_routes_test {

using namespace faultlun::e2e;
using Json = nlohmann::json;

namespace {

Json unit(const ControlClient& control, int lun) {
  const auto answer = control.get("/v1/units").json();
  for (const auto& each : answer["units"])
    if (each["lun"] == lun) return each;
  FAIL("no such unit: " << lun);
  return {};
}

ControlAnswer change(const ControlClient& control, const std::string& body, int lun = 0) {
  return control.post("/v1/luns/" + std::to_string(lun) + "/change", body);
}

std::string message_of(const ControlAnswer& answer) {
  return answer.json()["error"]["message"].get<std::string>();
}

}  // namespace

TEST_CASE("a unit goes offline and comes back by the control API, and tells who did it") {
  FaultLab lab;
  CHECK(unit(lab.control, 0)["state"] == "ready");
  CHECK_FALSE(unit(lab.control, 0).contains("by"));
  const auto answer = change(lab.control, R"({"do":"lu.offline","for":"60s"})");
  REQUIRE_MESSAGE(answer.ok(), answer.body);
  CHECK(answer.json()["state"] == "offline");
  CHECK(ready(lab.one) == 0x020412);
  CHECK(ready(lab.two) == 0x020412);
  CHECK(ready(lab.one, 1) == 0);
  const auto off = unit(lab.control, 0);
  CHECK(off["by"] == "control API");
  CHECK(off["remaining_us"].get<std::int64_t>() > 30'000'000);
  CHECK(off["state_for_us"].get<std::int64_t>() >= 0);
  REQUIRE(change(lab.control, R"({"do":"lu.online"})").ok());
  CHECK(wait_while(lab.one, 0x062800).sense_code() == 0);
  CHECK(unit(lab.control, 0)["state"] == "ready");
  CHECK(lab.control.get("/v1/journal?kind=unit").body.find("offline") != std::string::npos);
}

TEST_CASE("a unit is unplugged and plugged in, and attentions are raised, by the control API") {
  FaultLab lab;
  REQUIRE(change(lab.control, R"({"do":"lu.remove"})", 1).ok());
  CHECK(unit(lab.control, 1)["state"] == "removed");
  CHECK(lab.one.drain_attentions() == Codes{0x063f0e});
  REQUIRE(change(lab.control, R"({"do":"lu.add"})", 1).ok());
  CHECK(unit(lab.control, 1)["state"] == "ready");
  lab.drain();
  for (const std::string nexus : {"all", "others"}) {
    REQUIRE(
        change(lab.control, R"({"do":"ua.queue","asc":"29/01","nexus":")" + nexus + R"("})").ok());
    CHECK(ready(lab.one) == 0x062901);
    CHECK(ready(lab.two) == 0x062901);
  }
}

TEST_CASE("GET /v1/units tells which rule changed a unit, of its overlays and held commands") {
  FaultLab lab;
  lab.strike(R"({"lu.slow_start":{"for":"60s"}})");
  const auto starting = unit(lab.control, 0);
  CHECK(starting["state"] == "starting");
  CHECK(starting["by"] == "strike");
  lab.heal();
  CHECK_FALSE(unit(lab.control, 0).contains("by"));
  lab.control.put_rule(rule("hold", R"({"op":"0x28","lun":1})", R"({"time.hold":{}})"));
  const auto tag =
      lab.one.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple).with_lun(1));
  lab.one.expect_alive();
  CHECK(unit(lab.control, 1)["held"] == 1);
  CHECK(unit(lab.control, 1)["commands"] == 1);
  CHECK(unit(lab.control, 1)["overlays"] == 0);
  CHECK(unit(lab.control, 0)["held"] == 0);
  CHECK(lab.control.post("/v1/held/release").json()["released"] == 1);
  CHECK(lab.one.finish(tag).good());
}

TEST_CASE("a change that cannot be meant is refused with its path, reason and remedy") {
  FaultLab lab;
  struct Case {
    std::string body, start, remedy;
  };
  const std::vector<Case> cases = {
      {"[]", "is no object", "lu.offline"},
      {"{", "", ""},
      {"{}", "do: missing", "lu.offline"},
      {R"({"do":7})", "do: is no string", "lu.offline"},
      {R"({"do":"lu.ofline"})", "do: there is no fault \"lu.ofline\"",
       "did you mean \"lu.offline\"?"},
      {R"({"do":"scsi.status","status":"BUSY"})", "do: \"scsi.status\" strikes commands", "rule"},
      {R"({"do":"lu.hang","grade":1})", "do: \"lu.hang\" strikes commands", "rule"},
      {R"({"do":"ua.missing"})", "do: \"ua.missing\" strikes commands", "rule"},
      {R"({"do":"ua.wrong_nexus"})", "do: \"ua.wrong_nexus\" needs the nexus", "rule"},
      {R"({"do":"ua.queue","asc":"29/00","nexus":"own"})", "nexus: own", "next_login"},
      {R"({"do":"lu.offline","four":"3s"})", "four: ", "for"},
      {R"({"do":"lu.offline","for":"soon"})", "for: ", ""},
      {R"({"do":"lu.add","lun":77})", "lun: ", "/v1/units"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.body);
    const auto answer = change(lab.control, each.body);
    CHECK(answer.status == 400);
    const auto message = message_of(answer);
    CAPTURE(message);
    CHECK(message.starts_with(each.start));
    CHECK(message.find(each.remedy) != std::string::npos);
    CHECK(ready(lab.one) == 0);
  }
  CHECK(change(lab.control, R"({"do":"lu.offline"})", 9).status == 404);
  CHECK(lab.control.post("/v1/luns/0/change?target=iqn.none", R"({"do":"lu.offline"})").status ==
        404);
}

TEST_CASE(
    "connections and sessions tell peer, portal, alias, window and the epoch of their rules") {
  FaultLab lab;
  RawInitiator stranger(lab.target.portal());  // has not logged in
  lab.control.put_rule(rule("r", R"({"op":"0x28"})", R"({"scsi.status":{"status":"BUSY"}})"));
  const auto epoch = lab.control.get("/v1/rules").json()["epoch"];
  CHECK(ready(lab.one) == 0);
  const auto sessions = lab.control.get("/v1/sessions").json();
  REQUIRE(sessions.size() == 2);
  for (const auto& session : sessions) {
    CHECK(session["rules_epoch"] == epoch);
    CHECK(session["type"] == "normal");
    CHECK(session["window"].get<int>() > 0);
  }
  const auto& first = sessions[0]["initiator"] == kInitiatorName ? sessions[0] : sessions[1];
  CHECK(first["alias"].get<std::string>().starts_with(std::string(kInitiatorName) + ","));
  CHECK(first["cmd_sn"] == lab.one.last_sent.cmd_sn() + 1);
  const auto list = lab.control.get("/v1/connections").json()["connections"];
  REQUIRE(list.size() == 3);
  int logged_in = 0;
  for (const auto& each : list) {
    CHECK(each["peer"].get<std::string>().starts_with("127.0.0.1:"));
    CHECK(each["portal"] == 0);
    if (each["phase"] == "login") {
      CHECK_FALSE(each.contains("tsih"));
      CHECK(each["pdus_received"] == 0);
      continue;
    }
    ++logged_in;
    CHECK(each["phase"] == "full_feature");
    CHECK(each["cid"].is_number());
    CHECK(each["pdus_received"].get<int>() > 0);
    CHECK(each["octets_received"].get<int>() >= 48);
  }
  CHECK(logged_in == 2);
}

TEST_CASE("explain sees the counters of a live session, and those of another are new") {
  FaultLab lab;
  lab.control.put_rule(rule("third", R"({"op":"TEST UNIT READY"})",
                            R"({"scsi.status":{"status":"BUSY"}})", R"(,"gate":{"nth":3})"));
  ready(lab.one);
  ready(lab.one);
  const auto sessions = lab.control.get("/v1/sessions").json();
  const auto& first = sessions[0]["initiator"] == kInitiatorName ? sessions[0] : sessions[1];
  const auto ask = [&](const std::string& alias) {
    const Json event = {{"op", "TEST UNIT READY"}, {"session", alias}, {"target", first["target"]}};
    const auto answer = lab.control.post("/v1/explain", event.dump());
    REQUIRE_MESSAGE(answer.ok(), answer.body);
    return answer.json();
  };
  const auto live = ask(first["alias"]);
  CHECK(live["counters"] == "session");
  CHECK(live["matches"][0]["next"] == Json{{"outcome", "fired"}, {"index", 2}});
  const auto other = ask("iqn.2026-11.example.test:nobody,800000000001,1");
  CHECK(other["counters"] == "new");
  CHECK(other["matches"][0]["next"]["outcome"] == "gated");
}

TEST_CASE("the OpenAPI document has a schema for every JSON answer and every body") {
  const TargetProcess target;
  const ControlClient control(target);
  const auto document = control.get("/v1/openapi.json").json();
  const auto& schemas = document["components"]["schemas"];
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      CAPTURE(method + " " + path);
      for (const auto& [status, reply] : operation["responses"].items()) {
        if (!reply.contains("content") || !reply["content"].contains("application/json")) continue;
        CAPTURE(status);
        const auto& schema = reply["content"]["application/json"]["schema"];
        REQUIRE(schema.contains("$ref"));
        const auto name = schema["$ref"].get<std::string>();
        CHECK(name != "#/components/schemas/Object");
        CHECK(schemas.contains(name.substr(name.rfind('/') + 1)));
      }
    }
  }
}

}  // namespace lab_routes_test
