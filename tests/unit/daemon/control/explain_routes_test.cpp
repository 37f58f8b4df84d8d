#include "daemon/control/explain_routes.hpp"

#include "tests/unit/faults/command_bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace explain_routes_test {

using namespace faultlun;
using namespace faultlun::daemon::control;
using Json = nlohmann::ordered_json;

namespace {

struct Bench {
  std::shared_ptr<const faults::RuleSet> rules;
  std::string asked_for;
  faults::RuleState state;
  bool has_session = false;

  Answer post(const std::string& body) {
    ExplainContext context;
    context.seed = 42;
    context.now = [] { return faults::Time(0); };
    context.rules = [this] { return rules; };
    context.with_session = [this](const std::string& alias, ExplainContext::Look look) {
      asked_for = alias;
      look(has_session ? &state : nullptr);
    };
    Request request;
    request.method = "POST";
    request.path = "/v1/explain";
    request.body = body;
    return Router(explain_routes(std::move(context))).dispatch(std::move(request));
  }
  Json explained(const std::string& body) {
    const auto answer = post(body);
    const auto* now = std::get_if<Response>(&answer);
    const auto response =
        now != nullptr ? *now : std::get<std::shared_ptr<Deferred>>(answer)->take().value();
    CHECK(response.status == 200);
    return Json::parse(response.body);
  }
};

faults::Rule on_lun(std::string id, std::uint16_t lun) {
  auto rule = faults::busy_rule(std::move(id));
  rule.match.luns = {lun};
  return rule;
}

}  // namespace

TEST_CASE("an event is told what matches it, what nearly does, and the rest") {
  Bench bench;
  auto rest = on_lun("rest", 5);
  rest.match.initiators = {"iqn.z"};
  auto third = on_lun("hit", 0);
  third.gate.every = 3;
  bench.rules = faults::rule_set({rest, on_lun("near", 1), third});
  const auto out = bench.explained(R"({"op": "read", "lun": 0})");
  CHECK(out == Json::parse(R"({"counters": "new",
    "matches": [{"rule": "hit", "next": {"outcome": "gated", "index": 0}}],
    "near_misses": [{"rule": "near", "because": ["match.lun"]}],
    "others": [{"rule": "rest", "because": ["match.initiator", "match.lun"]}]})"));
  CHECK(bench.asked_for.empty());
}

TEST_CASE("the counters of a live session are asked, those of another are new") {
  Bench bench;
  auto rule = faults::busy_rule("once");
  rule.gate.nth = 2;
  bench.rules = faults::rule_set({rule});
  faults::CommandBench commands;
  faults::Decision decision;
  decide(*bench.rules, bench.state, 42, commands.command(1, 1), {}, decision);
  const std::string event = R"({"op": "read", "session": "iqn.a,400001370000,1"})";
  CHECK(bench.explained(event).at("counters") == "new");
  CHECK(bench.asked_for == "iqn.a,400001370000,1");
  bench.has_session = true;
  const auto out = bench.explained(event);
  CHECK(out.at("counters") == "session");
  CHECK(out.at("matches")[0].at("next").at("index") == 1);
  CHECK(out.at("matches")[0].at("next").at("outcome") == "fired");
}

TEST_CASE("a list of rules that is too long is cut and what is left out is counted") {
  Bench bench;
  std::vector<faults::Rule> rules;
  for (std::size_t i = 0; i <= kMaxExplained; ++i)
    rules.push_back(on_lun("r" + std::to_string(i), 1));
  bench.rules = faults::rule_set(std::move(rules));
  const auto out = bench.explained(R"({"op": "read", "lun": 0})");
  CHECK(out.at("near_misses").size() == kMaxExplained);
  CHECK(out.at("left_out") == 1);
}

TEST_CASE("an event that cannot be read is refused with every reason") {
  Bench bench;
  bench.rules = faults::rule_set({});
  const auto answer = bench.post(R"({"op": "raed", "lun": 99999})");
  const auto& response = std::get<Response>(answer);
  CHECK(response.status == 400);
  CHECK(response.body.find("unknown operation") != std::string::npos);
  CHECK(response.body.find("lun") != std::string::npos);
  CHECK(std::get<Response>(bench.post("{")).status == 400);
  CHECK_THROWS_AS(explain_routes({}), std::logic_error);
}

}  // namespace explain_routes_test
