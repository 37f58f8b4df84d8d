#include "daemon/control/journal_routes.hpp"

#include "tests/unit/daemon/journal_bench.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace journal_routes_test {

using namespace faultlun;
using namespace faultlun::daemon;
using namespace faultlun::daemon::control;
using config::Json;
using Lines = std::vector<std::string>;

namespace {

struct Bench : JournalBench {
  JournalContext::Records alive;

  Router router() {
    JournalContext context;
    context.sources = sources();
    context.seed = 0x2a;
    context.ask_sessions = [this](auto done) { done(alive); };
    context.rule_to_json = [](const faults::Rule& rule) { return Json{{"id", rule.id}}; };
    return Router(journal_routes(std::move(context)));
  }
  Answer get(const std::string& path, std::map<std::string, std::string> query,
             const std::string& last_event_id = "") {
    Request request;
    request.method = "GET";
    request.path = path;
    request.query = std::move(query);
    if (!last_event_id.empty()) request.headers["last-event-id"] = last_event_id;
    return router().dispatch(std::move(request));
  }
  std::vector<Json> journal(std::map<std::string, std::string> query,
                            const std::string& last_event_id = "") {
    auto answer = get("/v1/journal", std::move(query), last_event_id);
    auto& stream = std::get<Stream>(answer);
    std::vector<Json> out;
    for (;;) {
      Record record;
      if (stream.next(record) != Pull::record) return out;
      if (record.data.empty()) continue;
      out.push_back(Json::parse(record.data));
      if (out.back().contains("cursor")) CHECK(out.back().at("cursor") == record.id);
    }
  }
  std::string problem(std::map<std::string, std::string> query, unsigned status = 400) {
    const auto answer = get("/v1/journal", std::move(query));
    const auto& response = std::get<Response>(answer);
    CHECK(response.status == status);
    return response.body;
  }
};

AliasTable::Record record(std::string alias, std::uint64_t commands, std::uint64_t word) {
  AliasTable::Record made{std::move(alias), "iqn.t", commands, {}};
  made.hash.add(word);
  made.hash.count = 1;
  return made;
}

}  // namespace

TEST_CASE("the journal is everything there is, and ends") {
  Bench bench;
  const auto session = bench.login("iqn.a");
  bench.first.add(JournalBench::read_10(session, 1, 10));
  bench.second.add(JournalBench::read_10(session, 2, 5));
  const auto lines = bench.journal({});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at("cmd_sn") == 2);
  CHECK(lines[0].at("cursor") == "0.1.0");
  CHECK(lines[1].at("cursor") == "1.1.0");
}

TEST_CASE("a reader goes on behind its cursor, given as since or as the ID of the last event") {
  Bench bench;
  for (std::uint32_t i = 0; i < 5; ++i)
    bench.first.add(JournalBench::read_10(1, i, i));
  CHECK(bench.journal({{"since", "3.0.0"}}).size() == 2);
  CHECK(bench.journal({}, "4.0.0").size() == 1);
  CHECK(bench.journal({{"since", "now"}}).empty());
}

TEST_CASE("filters and the limit count what is given, not what is looked at") {
  Bench bench;
  bench.publish({"busy", "slow"});
  const auto a = bench.login("iqn.a"), b = bench.login("iqn.b");
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto command = JournalBench::read_10(i % 2 == 0 ? a : b, i, i);
    bench.first.add(command);
    bench.first.add(JournalBench::decision(command, 1 + i % 4 / 3));
  }
  bench.shared.add(JournalEntry::mark(bench.marks.add("late"), faults::Time(90)));
  CHECK(bench.journal({{"decisions", ""}}).size() == 100);
  CHECK(bench.journal({{"rule", "slow"}}).size() == 25);
  CHECK(bench.journal({{"session", "iqn.a,*"}, {"kind", "command,completion"}}).size() == 50);
  CHECK(bench.journal({{"rule", "slow"}, {"limit", "3"}}).size() == 3);
  CHECK(bench.journal({{"limit", "0"}}).empty());
  CHECK(bench.journal({{"lun", "5"}}).empty());
  CHECK(bench.journal({{"since_mark", "late"}, {"kind", "command"}}).size() == 10);
}

TEST_CASE("a loss is a record of its own and does not count") {
  Bench bench;
  for (std::uint32_t i = 0; i < 1030; ++i)
    bench.first.add(JournalBench::read_10(1, i, i));
  const auto lines = bench.journal({{"limit", "1"}});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == Json{{"lost", 7}, {"cursor", "7.0.0"}});
  CHECK(lines[1].at("cmd_sn") == 7);
}

TEST_CASE("who follows waits for more and gets it") {
  Bench bench;
  bench.first.add(JournalBench::read_10(1, 1, 1));
  auto answer = bench.get("/v1/journal", {{"follow", "1"}});
  auto& stream = std::get<Stream>(answer);
  Record first, none, second;
  CHECK(stream.next(first) == Pull::record);
  CHECK(stream.next(none) == Pull::wait);
  bench.second.add(JournalBench::read_10(1, 2, 2));
  CHECK(stream.next(second) == Pull::record);
  CHECK(second.id == "1.1.0");
}

TEST_CASE("a stream that filters looks at so many entries and then lets others go on") {
  Bench bench;
  for (std::uint32_t i = 0; i < 1000; ++i)
    bench.first.add(JournalBench::read_10(1, i, i));
  auto answer = bench.get("/v1/journal", {{"kind", "mark"}});
  auto& stream = std::get<Stream>(answer);
  int pauses = 0;
  for (Record record; stream.next(record) == Pull::record; ++pauses)
    CHECK(record.data.empty());
  CHECK(pauses > 20);
}

TEST_CASE("what is wrong with the query is said with its reason and remedy") {
  Bench bench;
  CHECK(bench.problem({{"since", "9.9"}}).find("no cursor of this run") != std::string::npos);
  CHECK(bench.problem({{"since_mark", "go"}}, 404).find("no mark") != std::string::npos);
  CHECK(bench.problem({{"kind", "comand"}}).find("did you mean") != std::string::npos);
  CHECK(bench.problem({{"kind", "command"}, {"decisions", ""}}).find("exclude each other") !=
        std::string::npos);
  CHECK(bench.problem({{"lun", "16384"}}).find("too large") != std::string::npos);
  CHECK(bench.problem({{"export", ""}, {"rule", "busy"}}).find("every command") !=
        std::string::npos);
  CHECK(bench.problem({{"sinse", "1"}}).find("unknown") != std::string::npos);
}

TEST_CASE("an export begins with its head") {
  Bench bench;
  const auto session = bench.login("iqn.a");
  bench.first.add(JournalBench::read_10(session, 1, 10));
  const auto lines = bench.journal({{"export", ""}});
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].at("faultlun_journal") == 1);
  CHECK(lines[2].at("cdb") == "280000000000000008");
}

TEST_CASE("the hash tells of every session once, in the order of their names") {
  Bench bench;
  faults::SessionFacts gone;
  gone.initiator = "iqn.b";
  gone.isid = "0";
  gone.ordinal = 1;
  gone.target = "iqn.t";
  faults::RuleState state;
  state.commands = 4;
  bench.aliases.leave(gone, state);
  bench.alive = {record("iqn.c,0,1", 3, 1), record("iqn.a,0,1", 2, 2), record("iqn.b,0,1", 3, 9)};
  const auto answer = bench.get("/v1/journal/hash", {});
  const auto response = std::get<std::shared_ptr<Deferred>>(answer)->take();
  REQUIRE(response);
  const auto body = Json::parse(response->body);
  CHECK(body.at("seed") == "0x2a");
  CHECK(body.at("decisions") == 2);
  REQUIRE(body.at("sessions").size() == 3);
  CHECK(body.at("sessions")[0].at("alias") == "iqn.a,0,1");
  CHECK(body.at("sessions")[1].at("commands") == 4);
  CHECK(body.at("sessions")[2].at("alias") == "iqn.c,0,1");
  CHECK(std::string(body.at("hash")).size() == 18);
}

TEST_CASE("equal runs have equal hashes whatever the order of their sessions") {
  const auto a = record("a", 1, 1), b = record("b", 2, 2);
  CHECK(hash_report(1, joined({a, b}, {})) == hash_report(1, joined({}, {b, a})));
  CHECK(hash_report(1, joined({a}, {b})).at("hash") !=
        hash_report(1, joined({a}, {record("b", 2, 3)})).at("hash"));
}

TEST_CASE("rows without what they need are refused at the start") {
  CHECK_THROWS_AS(journal_routes({}), std::logic_error);
}

}  // namespace journal_routes_test
