#include "daemon/control/replay_routes.hpp"

#include "daemon/journal_export.hpp"
#include "tests/unit/daemon/journal_bench.hpp"
#include "tests/unit/faults/command_bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace replay_routes_test {

using namespace faultlun;
using namespace faultlun::daemon::control;
using config::Json;

namespace {

struct Bench {
  std::shared_ptr<const faults::ReplaySet> installed;
  std::vector<std::function<void()>> jobs;
  Router router{replay_routes({
      [](const config::Value&) { return std::optional(faults::busy_rule("busy")); },
      [this](auto job) { jobs.push_back(std::move(job)); },
      [this] { return installed; },
      [this](auto replay, auto done) {
        installed = std::move(replay);
        done();
      },
  })};

  Answer send(const std::string& method, const std::string& body = "") {
    Request request;
    request.method = method;
    request.path = "/v1/replay";
    request.body = body;
    return router.dispatch(std::move(request));
  }
  Response answer(const Answer& given) {
    if (const auto* now = std::get_if<Response>(&given)) return *now;
    for (auto& job : std::exchange(jobs, {}))
      job();
    return std::get<std::shared_ptr<Deferred>>(given)->take().value();
  }
  Json replay() { return Json::parse(answer(send("GET")).body); }
};

/// What a target that was struck at its second command exports.
std::string exported() {
  daemon::JournalBench bench;
  bench.publish({"busy"});
  const auto session = bench.login("iqn.a");
  bench.first.add(daemon::JournalEntry::session_up(session, faults::Time(0)));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto command =
        daemon::JournalBench::read_10(session, 100 + i, i, static_cast<std::uint8_t>(i));
    bench.first.add(command);
    if (i != 1) continue;
    const auto decision = daemon::JournalBench::decision(command, 1);
    bench.first.add(decision);
    bench.first.add(daemon::JournalBench::strike(decision, 0, 250));
  }
  daemon::JournalExport lines(bench.sources(), oldest_cursor(bench.sources()), 42, "",
                              [](const faults::Rule& rule) {
                                return Json{{"id", rule.id}};
                              });
  std::string text;
  while (auto line = lines.next())
    if (!line->empty()) text += *line + "\n";
  return text;
}

}  // namespace

TEST_CASE("what a journal exported is replayed, and its progress told") {
  Bench bench;
  const auto response = bench.answer(bench.send("POST", exported()));
  CHECK_MESSAGE(response.status == 200, response.body);
  REQUIRE(bench.installed);
  CHECK(bench.replay().at("seed") == "0x2a");

  faults::CommandBench host;
  faults::ReplayState state(bench.installed, host.session);
  faults::RuleState rules;
  faults::Decision decision;
  const auto send = [&](std::uint32_t cmd_sn, std::uint8_t lba) {
    auto facts = host.command(cmd_sn, lba);
    host.cdb.raw[8] = 8;
    facts.blocks = 8;
    facts.lun = 2;
    state.decide(facts, rules, decision);
    return !decision.strikes.empty();
  };
  CHECK_FALSE(send(7, 0));
  CHECK(send(8, 1));
  CHECK(decision.strikes.front().resolved[0] == 250);
  auto session = bench.replay().at("sessions")[0];
  CHECK(session.at("alias") == "iqn.a,400001370000,1");
  CHECK(session.at("whole") == true);
  CHECK(session.at("recorded") == 3);
  CHECK(session.at("came") == 2);
  CHECK(session.at("by_content") == 2);
  CHECK(session.at("with_effects") == 1);
  CHECK(session.at("struck") == 1);
  CHECK_FALSE(session.contains("divergence"));

  CHECK_FALSE(send(9, 77));
  CHECK(bench.replay().at("divergences") == 1);
  session = bench.replay().at("sessions")[0];
  CHECK(session.at("divergence").at("place") == 2);
  CHECK(session.at("divergence").at("lane") == "command");
  CHECK(session.at("divergence").at("expected").at("lba") == 2);
  CHECK(session.at("divergence").at("expected").at("cmd_sn") == 102);
  CHECK(session.at("divergence").at("got").at("lba") == 77);
  CHECK(session.at("divergence").at("cmd_sn") == 9);
}

TEST_CASE("without a replay there is nothing to tell, and ending it twice is well") {
  Bench bench;
  CHECK(bench.answer(bench.send("GET")).status == 404);
  bench.answer(bench.send("POST", exported()));
  CHECK(bench.answer(bench.send("DELETE")).status == 204);
  CHECK(bench.installed == nullptr);
  CHECK(bench.answer(bench.send("DELETE")).status == 204);
}

TEST_CASE("a journal that cannot be read leaves what is in force") {
  Bench bench;
  bench.answer(bench.send("POST", exported()));
  const auto before = bench.installed;
  const auto response = bench.answer(bench.send("POST", "hello\n"));
  CHECK(response.status == 400);
  CHECK(response.body.find("line 1") != std::string::npos);
  CHECK(bench.installed == before);
}

TEST_CASE("one journal is read at a time, and then the next") {
  Bench bench;
  const auto first = bench.send("POST", exported());
  CHECK(bench.answer(bench.send("POST", exported())).status == 409);
  CHECK(bench.answer(first).status == 200);
  CHECK(bench.answer(bench.send("POST", exported())).status == 200);
}

TEST_CASE("replay without what it needs is refused at the start") {
  CHECK_THROWS_AS(replay_routes({}), std::logic_error);
}

}  // namespace replay_routes_test
