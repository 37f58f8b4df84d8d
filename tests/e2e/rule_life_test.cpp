// How rules end, and what they tell meanwhile: on_exhaust, leases, metrics, drains at shutdown.
#include "tests/e2e/fault_lab.hpp"

#include <chrono>
#include <future>
#include <string>

namespace rule_life_test {

using namespace faultlun::e2e;
using std::chrono::milliseconds;

namespace {

constexpr std::uint8_t kBusy = 0x08;

std::string busy(const std::string& id, const std::string& more) {
  return rule(id, R"({"op":"TEST UNIT READY"})", R"({"scsi.status":{"status":"BUSY"}})", more);
}

/// Until `id` is listed so (or not listed: "gone"), 5 s at most.
std::string wait_for(const ControlClient& control, const std::string& id, const std::string& what) {
  const auto deadline = now_ms() + kPatience;
  std::string state;
  do {
    const auto answer = control.get("/v1/rules/" + id);
    if (answer.status == 404)
      state = "gone";
    else
      state = answer.json()["state"]["armed"] == true ? "armed" : "disarmed";
    if (state != what) pause(5);
  } while (state != what && now_ms() < deadline);
  return state;
}

std::uint8_t status(RawInitiator& session) {
  return session.execute(test_unit_ready()).status;
}

/// The number that a line of /metrics ends with; -1 when there is none.
double metric(const ControlClient& control, const std::string& series) {
  const auto text = control.get("/metrics").body;
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

/// Asks, and returns when the connection is closed, with an answer or without.
void ask_and_wait_for_the_end(const TargetProcess& target, const std::string& method,
                              const std::string& path) {
  const auto& url = target.control();
  const auto host = url.substr(url.find("//") + 2);
  const auto colon = host.rfind(':');
  Endpoint endpoint;
  endpoint.host = host.substr(0, colon);
  endpoint.port = static_cast<std::uint16_t>(std::stoi(host.substr(colon + 1)));
  Connection connection(endpoint);
  const auto request = method + " " + path + " HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
  connection.write(Octets(request.begin(), request.end()));
  for (std::uint8_t octet = 0; connection.read(&octet, 1, 20000);) {
  }
}

}  // namespace

TEST_CASE(
    "on_exhaust removes or disarms a rule that has used up its times, as a change like others") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  for (const auto& [what, becomes] :
       {std::pair<std::string, std::string>{"remove", "gone"}, {"disarm", "disarmed"}}) {
    CAPTURE(what);
    control.put_rule(busy("b", R"(,"gate":{"times":2},"life":{"on_exhaust":")" + what + R"("})"));
    const auto epoch = control.get("/v1/rules").json()["epoch"].get<int>();
    CHECK(status(session) == kBusy);
    CHECK(status(session) == kBusy);
    CHECK(status(session) == 0);
    CHECK(wait_for(control, "b", becomes) == becomes);
    CHECK(control.get("/v1/rules").json()["epoch"].get<int>() == epoch + 1);
    CHECK(status(session) == 0);
  }
  const auto state = control.get("/v1/rules/b").json()["state"];
  CHECK(state["exhausted"] == true);
  CHECK(state["matched"] == 2);  // used up, it took no part any more
  // With new counters it begins again.
  REQUIRE(control.post("/v1/rules/b/reset").ok());
  REQUIRE(control.post("/v1/rules/b/arm").ok());
  CHECK(status(session) == kBusy);
}

TEST_CASE("without on_exhaust a rule that is used up stays armed, and its matches are told of") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(busy("b", R"(,"gate":{"times":1})"));
  CHECK(status(session) == kBusy);
  CHECK(status(session) == 0);
  const auto deadline = now_ms() + kPatience;
  while (control.get("/v1/rules/b").json()["state"]["exhausted"] != true && now_ms() < deadline)
    pause(5);
  const auto state = control.get("/v1/rules/b").json()["state"];
  CHECK(state["exhausted"] == true);
  CHECK(state["armed"] == true);
  CHECK(state["matched"] == 2);
}

TEST_CASE("a rule goes when nobody keeps up its lease, and one with a ttl when that is over") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  REQUIRE(control.call("PUT", "/v1/leases/me?ttl_ms=400").ok());
  control.put_rule(busy("leased", R"(,"life":{"lease":"me"})"));
  const auto begun = now_ms();
  CHECK(status(session) == kBusy);
  CHECK(wait_for(control, "leased", "gone") == "gone");
  CHECK(now_ms() - begun < 3000);
  CHECK(status(session) == 0);
  control.put_rule(busy("short", R"(,"life":{"ttl_ms":200})"));
  CHECK(status(session) == kBusy);
  CHECK(wait_for(control, "short", "gone") == "gone");
  CHECK(status(session) == 0);
}

TEST_CASE("metrics name each rule: matched, fired, observed, injected answers, latency error") {
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(busy("busy.b", R"(,"gate":{"every":2})"));
  control.put_rule(
      rule("slow", R"({"op":"0x28"})", R"({"time.service":{"dist":"const","value":"5ms"}})"));
  control.put_rule(rule("eye", R"({"op":"0x28"})", R"({"scsi.status":{"status":"BUSY"}})",
                        R"(,"observe":true)"));
  for (int i = 0; i < 4; ++i)
    status(session);
  for (int i = 0; i < 3; ++i)
    CHECK(session.execute_read(read_10(0, 1), 512).good());
  const std::string label = R"({rule="busy.b")";
  CHECK(metric(control, "faultlun_rule_matched_total" + label + "}") == 4);
  CHECK(metric(control, "faultlun_rule_fired_total" + label + "}") == 2);
  CHECK(metric(control, "faultlun_injected_answers_total" + label + R"(,fault="scsi.status"})") ==
        2);
  CHECK(metric(control, R"(faultlun_rule_observed_total{rule="eye"})") == 3);
  CHECK(metric(control, R"(faultlun_rule_fired_total{rule="eye"})") == 0);
  CHECK(metric(control, R"(faultlun_injected_answers_total{rule="eye",fault="scsi.status"})") ==
        -1);
  const std::string error = "faultlun_rule_latency_error_seconds";
  CHECK(metric(control, error + R"(_count{rule="slow"})") == 3);
  CHECK(metric(control, error + R"(_bucket{rule="slow",le="+Inf"})") == 3);
  CHECK(metric(control, error + R"(_sum{rule="slow"})") >= 0);
  const auto shown = control.get("/v1/rules/slow").json()["state"]["latency_error"];
  CHECK(shown["count"] == 3);
  CHECK(shown["max_ns"].get<std::int64_t>() >= shown["p50_ns"].get<std::int64_t>());
  CHECK_FALSE(shown["buckets"].empty());
  CHECK_FALSE(control.get("/v1/rules/eye").json()["state"].contains("latency_error"));
}

TEST_CASE("the log of an injected answer names its rule, at the level debug") {
  const TargetProcess target(std::vector<std::string>{"--log-level", "debug", "--portal",
                                                      "127.0.0.1:0", "--control", "127.0.0.1:0"});
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(busy("b", R"(,"gate":{"times":1})"));
  CHECK(status(session) == kBusy);
  CHECK(target.log().find("injected rule=b fault=scsi.status session=") != std::string::npos);
  CHECK(target.log().find("status=0x08") != std::string::npos);
}

TEST_CASE("a drain that waits for a held command does not keep the daemon from its end") {
  TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(rule("hold", R"({"op":"0x28"})", R"({"time.hold":{}})"));
  const auto tag = session.send(scsi_command(read_10(0, 1), 512, kFinal | kRead | kSimple));
  session.expect_silence(100);
  auto draining = std::async(std::launch::async, [&] {
    // Answered or closed: either will do, as long as it ends.
    ask_and_wait_for_the_end(target, "DELETE", "/v1/rules/hold?drain=1");
  });
  CHECK(draining.wait_for(milliseconds(200)) == std::future_status::timeout);
  session.check.forget(tag);
  const auto begun = now_ms();
  target.stop();  // fails unless it exits with 0 within 5 s
  CHECK(now_ms() - begun < 5000);
  REQUIRE(draining.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
}

}  // namespace rule_life_test
