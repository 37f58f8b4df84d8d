#include "daemon/control/scenario_routes.hpp"

#include "config/rules.hpp"
#include "daemon/control/fault_schemas.hpp"
#include "tests/unit/daemon/fake_scenario_host.hpp"

#include <nlohmann/json.hpp>

namespace scenario_routes_test {

using namespace faultlun;
using namespace faultlun::daemon;
using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using config::Json;

namespace {

struct Bench {
  FakeScenarioHost host;
  ScenarioRunner runner{host};
  faults::Time now = 1s;
  Router router{scenario_routes({&runner, [this] { return now; }})};

  /// Path, then a query without percent-encoding.
  Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
             std::map<std::string, std::string> headers = {}) {
    Request request;
    request.method = method;
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) {
      std::string_view rest(target);
      for (rest.remove_prefix(question + 1); !rest.empty();) {
        const auto part = rest.substr(0, rest.find('&'));
        const auto equals = part.find('=');
        request.query[std::string(part.substr(0, equals))] = part.substr(equals + 1);
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      }
    }
    request.body = body;
    request.headers = std::move(headers);
    return router.dispatch(std::move(request));
  }
  Response get(const std::string& method, const std::string& target, const std::string& body = "",
               std::map<std::string, std::string> headers = {}) {
    auto answer = ask(method, target, body, std::move(headers));
    REQUIRE(std::holds_alternative<Response>(answer));
    return std::get<Response>(answer);
  }
  Json json(const std::string& method, const std::string& target, unsigned status = 200,
            const std::string& body = "") {
    const auto response = get(method, target, body);
    CHECK_MESSAGE(response.status == status, response.body);
    return Json::parse(response.body);
  }
  std::string problem(const std::string& method, const std::string& target, unsigned status,
                      const std::string& body = "") {
    return json(method, target, status, body)["error"]["message"];
  }
  void put(const std::string& id = "s") { json("PUT", "/v1/scenarios/" + id, 201, walk(id)); }
  void start(const std::string& id = "s") { json("POST", "/v1/scenarios/" + id + "/start", 202); }
};

std::string etag(const Response& response) {
  for (const auto& [name, value] : response.headers)
    if (name == "ETag") return value;
  return {};
}

}  // namespace

TEST_CASE("a scenario is put, shown with its entity tag, listed and removed") {
  Bench b;
  CHECK(b.json("GET", "/v1/scenarios") == Json({{"scenarios", Json::array()}}));
  const auto put = b.get("PUT", "/v1/scenarios/s", walk("s"));
  CHECK(put.status == 201);
  CHECK(b.get("PUT", "/v1/scenarios/s", walk("s")).status == 200);
  const auto shown = b.get("GET", "/v1/scenarios/s");
  CHECK(etag(shown) == etag(put));
  CHECK_FALSE(etag(put).empty());
  CHECK(Json::parse(shown.body)["scenario"]["id"] == "s");
  CHECK(Json::parse(shown.body)["run"].is_null());
  CHECK(b.json("GET", "/v1/scenarios") ==
        Json({{"scenarios",
               {{{"id", "s"}, {"running", false}, {"state", nullptr}, {"verdict", nullptr}}}}}));
  b.start();
  CHECK(b.json("GET", "/v1/scenarios")["scenarios"][0] ==
        Json({{"id", "s"}, {"running", true}, {"state", "ok"}, {"verdict", "running"}}));
  CHECK(b.get("DELETE", "/v1/scenarios/s").status == 204);
  CHECK_FALSE(b.runner.is_running());
  CHECK(b.problem("GET", "/v1/scenarios/s", 404).find("no scenario \"s\"") != std::string::npos);
  CHECK(b.problem("DELETE", "/v1/scenarios/s", 404).find("GET /v1/scenarios") != std::string::npos);
}

TEST_CASE("a scenario that is wrong is refused with all that is wrong, and nothing is kept") {
  Bench b;
  const auto answer = b.json("PUT", "/v1/scenarios/s", 400, R"({"states":{"a":{"rulez":[]}},
   "transitions":[{"from":"a","to":"b","when":{"after_ms":1}}]})");
  CHECK(answer["error"]["problems"].size() == 2);
  CHECK(answer["error"]["problems"][0]["path"].get_ref<const std::string&>() == "states.a.rulez");
  CHECK(b.runner.list().empty());
  CHECK(b.problem("PUT", "/v1/scenarios/s", 400, "{").find("JSON") != std::string::npos);
  CHECK(b.problem("PUT", "/v1/scenarios/other", 400, walk("s")).find("other") != std::string::npos);
}

TEST_CASE("a dry run checks and keeps nothing, and conditions on the entity tag are minded") {
  Bench b;
  CHECK(b.json("PUT", "/v1/scenarios/s?dry_run=1", 200, walk("s"))["dry_run"] == true);
  CHECK(b.runner.list().empty());
  b.put();
  CHECK(b.get("PUT", "/v1/scenarios/s", walk("s", R"(,"note":"x")"), {{"if-match", "\"r99\""}})
            .status == 412);
  CHECK(b.get("DELETE", "/v1/scenarios/s", "", {{"if-match", "\"r99\""}}).status == 412);
  const auto tag = etag(b.get("GET", "/v1/scenarios/s"));
  CHECK(b.get("DELETE", "/v1/scenarios/s", "", {{"if-match", tag}}).status == 204);
}

TEST_CASE("the 65th scenario is refused with the limit") {
  Bench b;
  for (std::size_t i = 0; i < kMaxScenarios; ++i)
    b.put("s" + std::to_string(i));
  CHECK(b.problem("PUT", "/v1/scenarios/more", 409, walk("more")).find("64") != std::string::npos);
}

TEST_CASE("a run is started, led on by events and by hand, and stopped with its verdict") {
  Bench b;
  b.put();
  CHECK(b.problem("GET", "/v1/scenarios/s/result", 409).find("/start") != std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/s/stop", 409).find("not running") != std::string::npos);
  const auto started = b.json("POST", "/v1/scenarios/s/start", 202);
  CHECK(started["run"]["state"] == "ok");
  CHECK(started["run"]["number"] == 1);
  CHECK(b.problem("POST", "/v1/scenarios/s/start", 409).find("running already") !=
        std::string::npos);
  CHECK(b.json("POST", "/v1/events/go") == Json({{"event", "go"}}));
  b.now = 3s;
  const auto shown = b.json("GET", "/v1/scenarios/s");
  CHECK(shown["run"]["state"] == "hung");
  CHECK(shown["run"]["took_us"] == 2'000'000);
  CHECK(b.json("POST", "/v1/scenarios/s/goto", 200, R"({"state":"ok"})")["run"]["state"] == "ok");
  CHECK(b.json("GET", "/v1/scenarios/s/result")["verdict"] == "running");
  CHECK(b.json("POST", "/v1/scenarios/s/stop")["verdict"] == "passed");
  CHECK(b.json("GET", "/v1/scenarios/s/result")["verdict"] == "passed");
  b.start();
  CHECK(b.json("POST", "/v1/scenarios/s/stop?discard=1")["verdict"] == "stopped");
}

TEST_CASE("goto takes the state as its body, and says what is wrong with it") {
  Bench b;
  b.put();
  b.start();
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 400).find("state: missing") != std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 400, "{") != "");
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 400, "{}").find("state: missing") !=
        std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 400, R"({"state":1})").find("state: ") !=
        std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 400, R"({"state":"ok","x":1})").find("x: ") !=
        std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/s/goto", 404, R"({"state":"limbo"})").find("no state") !=
        std::string::npos);
  CHECK(b.problem("POST", "/v1/scenarios/x/goto", 404, R"({"state":"ok"})").find("no scenario") !=
        std::string::npos);
}

TEST_CASE("a client that waits is answered when the run is over, whatever it asked for") {
  Bench b;
  b.put();
  const auto started = b.ask("POST", "/v1/scenarios/s/start?wait=1");
  const auto junit = b.ask("GET", "/v1/scenarios/s/result?wait=1&format=junit&timeout_ms=5000");
  const auto first = std::get<std::shared_ptr<Deferred>>(started);
  const auto second = std::get<std::shared_ptr<Deferred>>(junit);
  CHECK(first->timeout() == Deferred::kMaxTimeout);
  CHECK(second->timeout() == 5s);
  CHECK_FALSE(first->take().has_value());
  b.json("POST", "/v1/scenarios/s/stop");
  CHECK(Json::parse(first->take()->body)["verdict"] == "passed");
  const auto xml = second->take();
  CHECK(xml->content_type == "application/xml");
  CHECK(xml->body.starts_with("<?xml"));
  const auto late = b.ask("GET", "/v1/scenarios/s/result?wait=1");
  CHECK(std::get<std::shared_ptr<Deferred>>(late)->take().has_value());
}

TEST_CASE("of those that wait, so many are taken, and those that have gone make room") {
  Bench b;
  b.put();
  b.start();
  std::vector<std::shared_ptr<Deferred>> waiting;
  for (std::size_t i = 0; i < kMaxScenarioWaiters; ++i)
    waiting.push_back(
        std::get<std::shared_ptr<Deferred>>(b.ask("GET", "/v1/scenarios/s/result?wait=1")));
  CHECK(b.problem("GET", "/v1/scenarios/s/result?wait=1", 409).find("without wait") !=
        std::string::npos);
  waiting.front()->abandon();
  CHECK(std::holds_alternative<std::shared_ptr<Deferred>>(
      b.ask("GET", "/v1/scenarios/s/result?wait=1")));
}

TEST_CASE("a result is JSON or JUnit XML and nothing else") {
  Bench b;
  b.put();
  b.start();
  CHECK(b.get("GET", "/v1/scenarios/s/result?format=junit").content_type == "application/xml");
  CHECK(b.json("GET", "/v1/scenarios/s/result?format=json")["verdict"] == "running");
  CHECK(b.problem("GET", "/v1/scenarios/s/result?format=tap", 400).find("json or junit") !=
        std::string::npos);
}

TEST_CASE("a follower has every state of the run, then its verdict, then the end") {
  Bench b;
  b.put();
  CHECK(b.problem("GET", "/v1/scenarios/s/follow", 409).find("has not run") != std::string::npos);
  CHECK(b.problem("GET", "/v1/scenarios/x/follow", 404).find("no scenario") != std::string::npos);
  b.start();
  auto answer = b.ask("GET", "/v1/scenarios/s/follow");
  auto& stream = std::get<Stream>(answer);
  const auto next = [&](Pull expected) {
    Record record;
    CHECK(stream.next(record) == expected);
    return record;
  };
  CHECK(Json::parse(next(Pull::record).data) ==
        Json({{"at_us", 0}, {"state", "ok"}, {"why", "the scenario began"}}));
  next(Pull::wait);
  b.now = 2s;
  b.json("POST", "/v1/events/go");
  const auto hung = next(Pull::record);
  CHECK(hung.event == "state");
  CHECK(Json::parse(hung.data)["at_us"] == 1'000'000);
  next(Pull::wait);
  b.json("POST", "/v1/events/end");
  CHECK(Json::parse(next(Pull::record).data)["state"] == "done");
  const auto result = next(Pull::record);
  CHECK(result.event == "result");
  CHECK(Json::parse(result.data)["verdict"] == "passed");
  CHECK_FALSE(Json::parse(result.data).contains("timeline"));
  next(Pull::end);
}

TEST_CASE("a run that is broken off and removed ends what follows it") {
  Bench b;
  b.put();
  b.start();
  auto answer = b.ask("GET", "/v1/scenarios/s/follow");
  auto& stream = std::get<Stream>(answer);
  CHECK(b.get("DELETE", "/v1/scenarios/s").status == 204);
  std::string last;
  for (Record record; stream.next(record) == Pull::record; record = {})
    last = record.data;
  CHECK(Json::parse(last)["verdict"] == "stopped");
}

TEST_CASE("marks and events are told by their names, which are names") {
  Bench b;
  CHECK(b.json("POST", "/v1/marks/here") == Json({{"mark", "here"}}));
  CHECK(b.host.take() == std::vector<std::string>{"mark here"});
  CHECK(b.problem("POST", "/v1/marks/" + std::string(config::kMaxNameBytes + 1, 'x'), 400)
            .find("write 1 to") != std::string::npos);
  CHECK(b.get("POST", "/v1/events/a%0ab").status == 400);
  CHECK(b.get("POST", "/v1/events/" + std::string(config::kMaxNameBytes, 'x')).status == 200);
}

TEST_CASE("every schema that a route names is there") {
  Bench b;
  auto schemas = fault_schemas();
  schemas.update(scenario_schemas());
  for (const auto& route : b.router.routes()) {
    if (!route.request_schema.empty())
      CHECK_MESSAGE(schemas.contains(route.request_schema), route.request_schema);
    for (const auto& reply : route.replies)
      if (!reply.schema.empty() && reply.schema != "Object")
        CHECK_MESSAGE(schemas.contains(reply.schema), reply.schema);
  }
}

}  // namespace scenario_routes_test
