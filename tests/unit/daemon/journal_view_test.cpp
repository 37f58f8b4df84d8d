#include "daemon/journal_view.hpp"

#include "lun_backends/overlay.hpp"
#include "tests/unit/daemon/journal_bench.hpp"

#include <doctest/doctest.h>

namespace journal_view_test {

using namespace faultlun;
using namespace faultlun::daemon;
using config::Json;
using faults::Time;

namespace {

Json told(JournalBench& bench, const JournalEntry& entry) {
  JournalNames names(bench.sources());
  return to_json(entry, names);
}

std::vector<std::uint64_t> times(JournalReader& reader) {
  std::vector<std::uint64_t> out;
  while (const auto item = reader.next())
    out.push_back(item->lost != 0 ? UINT64_MAX : item->entry.at_ns);
  return out;
}

using Times = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("rings are merged by time, entries of one ring keep their order") {
  JournalBench bench;
  for (const std::uint64_t at : {10, 40, 20, 50})  // 20 was received before the end at 40
    bench.first.add(JournalBench::read_10(1, 0, at));
  for (const std::uint64_t at : {5, 40, 45})
    bench.second.add(JournalBench::read_10(2, 0, at));
  JournalReader reader(bench.sources().rings, {0, 0, 0});
  CHECK(times(reader) == Times{5, 10, 40, 20, 40, 45, 50});
  CHECK(cursor_text(reader.cursor()) == "4.3.0");
}

TEST_CASE("a reader goes up to what was there, and on when it looks again") {
  JournalBench bench;
  bench.first.add(JournalBench::read_10(1, 0, 1));
  JournalReader reader(bench.sources().rings, {0, 0, 0});
  bench.first.add(JournalBench::read_10(1, 1, 2));
  CHECK(times(reader) == Times{1});
  CHECK(reader.look_again());
  CHECK(times(reader) == Times{2});
  CHECK_FALSE(reader.look_again());
}

TEST_CASE("a stream taken up at any cursor goes on as if it had not stopped") {
  JournalBench bench;
  for (std::uint64_t i = 0; i < 600; ++i) {
    bench.first.add(JournalBench::read_10(1, 0, 3 * i));
    if (i % 2 == 0) bench.second.add(JournalBench::read_10(2, 0, 4 * i + 1));
  }
  JournalReader whole(bench.sources().rings, {0, 0, 0});
  const auto all = times(whole);
  for (const std::size_t stop : {0, 1, 7, 255, 256, 257, 899, 900}) {
    JournalReader begin(bench.sources().rings, {0, 0, 0});
    Times seen;
    for (std::size_t i = 0; i < stop; ++i)
      seen.push_back(begin.next()->entry.at_ns);
    const auto cursor = parse_cursor(cursor_text(begin.cursor()), bench.sources());
    REQUIRE(cursor);
    JournalReader rest(bench.sources().rings, *cursor);
    for (const auto at : times(rest))
      seen.push_back(at);
    CHECK(seen == all);
  }
}

TEST_CASE("what was overwritten is counted where it is missing, and the cursor is behind it") {
  JournalBench bench;
  for (std::uint64_t i = 0; i < 1030; ++i)
    bench.first.add(JournalBench::read_10(1, 0, i));
  JournalReader reader(bench.sources().rings, {0, 0, 0});
  const auto first = reader.next();
  REQUIRE(first);
  CHECK(first->lost == 7);
  CHECK(first->ring == 0);
  CHECK(cursor_text(reader.cursor()) == "7.0.0");
  CHECK(reader.next()->entry.at_ns == 7);
}

TEST_CASE("a cursor is refused when it is not one of this journal") {
  JournalBench bench;
  bench.first.add(JournalBench::read_10(1, 0, 1));
  const auto sources = bench.sources();
  CHECK(parse_cursor("1.0.0", sources) == JournalCursor{1, 0, 0});
  for (const char* wrong : {"", "1", "1.0", "1.0.0.0", "1.0.", ".1.0.0", "2.0.0", "1.x.0", "-1.0.0",
                            "1.0.99999999999999999999"})
    CHECK_MESSAGE(!parse_cursor(wrong, sources), wrong);
  CHECK(newest_cursor(sources) == JournalCursor{1, 0, 0});
}

TEST_CASE("a command is told with the names of session and operation") {
  JournalBench bench;
  const auto session = bench.login("iqn.a");
  const auto entry = JournalBench::read_10(session, 9, 123456, 7);
  CHECK(told(bench, entry) == Json::parse(R"x({"at_ns": 123456, "kind": "command",
    "session": "iqn.a,400001370000,1", "cmd_sn": 9, "lun": 2, "op": "READ(10)", "lba": 7,
    "blocks": 8, "cdb": "28 00 00 00 00 07 00 00 08 00", "edtl": 4096,
    "task_tag": "0x00000010"})x"));
  const auto over = told(bench, entry.ended_at_once(2, {3, 0x11, 0}));
  CHECK(over.at("status") == "CHECK CONDITION");
  CHECK(over.at("sense") == "03/11/00");
  CHECK(over.at("sense_name") == "unrecovered_read_error");
}

TEST_CASE("the end of a command says how long it took, or that it was aborted or never answered") {
  JournalBench bench;
  const auto entry = JournalBench::read_10(1, 9, 1000);
  const auto good = told(bench, entry.completion(0, {}, Time(3500)));
  CHECK(good.at("took_ns") == 2500);
  CHECK(good.at("status") == "GOOD");
  CHECK(good.at("op") == "READ(10)");
  CHECK_FALSE(good.contains("sense"));
  CHECK(told(bench, entry.completion(0x77, {}, Time(1))).at("status") == "0x77");
  const auto aborted = told(bench, entry.completion(0, {}, Time(1), JournalEntry::aborted));
  CHECK(aborted.at("aborted") == true);
  CHECK_FALSE(aborted.contains("status"));
  CHECK(told(bench, entry.completion(0, {}, Time(1), JournalEntry::silent)).at("silent") == true);
}

TEST_CASE("a decision and its strike are told with the rule") {
  JournalBench bench;
  bench.publish({"busy"});
  const auto decision = JournalBench::decision(JournalBench::read_10(9, 4, 5), 1);
  CHECK(told(bench, decision) == Json::parse(R"x({"at_ns": 5, "kind": "decision", "session": "#9",
    "rule": "busy", "rule_serial": 1, "cmd_sn": 4, "lun": 2, "outcome": "fired", "key": "counter",
    "index": 3, "draw": "0x0000000000001234"})x"));
  const auto strike = told(bench, JournalBench::strike(decision, 1, 250));
  CHECK(strike.at("effect") == 1);
  CHECK(strike.at("resolved") == Json::array({250, 0}));
  auto by_block = decision;
  by_block.status = static_cast<std::uint8_t>(faults::Key::lba);
  by_block.b = 77;
  by_block.flags = JournalEntry::timed | JournalEntry::order_dependent;
  const auto block = told(bench, by_block);
  CHECK(block.at("key_lba") == 77);
  CHECK(block.at("timed") == true);
  CHECK(block.at("order_dependent") == true);
  CHECK_FALSE(block.contains("draw"));
  auto unknown = decision;
  unknown.d = 99;
  CHECK(told(bench, unknown).at("rule_serial") == 99);
  CHECK_FALSE(told(bench, unknown).contains("rule"));
}

TEST_CASE("an effect that could not be carried out says so and why") {
  JournalBench bench;
  bench.publish({"lie"});
  auto strike =
      JournalBench::strike(JournalBench::decision(JournalBench::read_10(9, 4, 5), 1), 0, 7);
  strike.flags = JournalEntry::unmet;
  strike.code = static_cast<std::uint8_t>(lun_backends::Refusal::too_many_overlays);
  const auto out = told(bench, strike);
  CHECK(out.at("kind") == "strike");
  CHECK(out.at("rule") == "lie");
  CHECK(out.at("unmet") == lun_backends::describe(lun_backends::Refusal::too_many_overlays));
  CHECK_FALSE(out.contains("effect"));
}

TEST_CASE("functions, logins, sets, units and marks are told in words") {
  JournalBench bench;
  bench.publish({"busy"});
  JournalEntry::Command about;
  about.session = bench.login("iqn.a");
  about.lun = 0;
  const auto function = JournalEntry::function(about, 1, 0x55, Time(10));
  CHECK(told(bench, function).at("function") == "ABORT TASK");
  CHECK(told(bench, function).at("referenced_task_tag") == "0x00000055");
  CHECK(told(bench, function.response(0, Time(12))).at("response") == "function complete");
  CHECK(told(bench, function.response(255, Time(12))).at("response") == "function rejected");
  CHECK(told(bench, function.response(99, Time(12))).at("response") == "99");
  CHECK(told(bench, function.response(0, Time(12), JournalEntry::silent)).contains("silent"));
  CHECK(told(bench, JournalEntry::session_up(about.session, Time(1))).at("target") == "iqn.t");
  const auto refused =
      told(bench, JournalEntry::login_refused(bench.logins.add("iqn.b"), 0x0203, 1, Time(1)));
  CHECK(refused.at("initiator") == "iqn.b");
  CHECK(refused.at("status") == "0x0203");
  CHECK(refused.at("rule") == "busy");
  const auto ignored = told(bench, JournalEntry::login_refused(bench.logins.add("iqn.b"), 0, 1,
                                                               Time(1), JournalEntry::silent));
  CHECK(ignored.at("silent") == true);
  CHECK_FALSE(ignored.contains("status"));
  CHECK(told(bench, JournalEntry::rules_published(7, Time(1))).at("epoch") == 7);
  CHECK(told(bench, JournalEntry::rules_adopted(1, 12, 7, Time(1))).at("cmd_sn") == 12);
  const auto unit =
      told(bench, JournalEntry::unit_change(1, 2, faults::UnitChange::Kind::eject, 0, Time(1)));
  CHECK(unit.at("change") == "eject");
  CHECK_FALSE(unit.contains("rule_serial"));
  CHECK(told(bench, JournalEntry::unit_healed(1, 2, Time(1))).at("change") == "heal");
  CHECK(told(bench, JournalEntry::mark(bench.marks.add("go"), Time(1))).at("name") == "go");
  CHECK(told(bench, JournalEntry::mark(999, Time(1))).at("name") == "#999");
  CHECK(told(bench, JournalEntry::replay(true, Time(1))).at("kind") == "replay_on");
  const auto adopted = told(bench, JournalEntry::replay_adopted(false, 1, 12, Time(1)));
  CHECK(adopted.at("kind") == "replay_off");
  CHECK(adopted.at("cmd_sn") == 12);
}

TEST_CASE("events, states of scenarios and orderly ends of sessions are told in words") {
  JournalBench bench;
  const auto event = told(bench, JournalEntry::event(bench.lab.add("go"), Time(1)));
  CHECK(event.at("kind") == "event");
  CHECK(event.at("name") == "go");
  const auto scenario = bench.lab.add("flaky"), hung = bench.lab.add("hung");
  const auto state = told(bench, JournalEntry::scenario_state(scenario, hung, Time(1)));
  CHECK(state.at("kind") == "state");
  CHECK(state.at("scenario") == "flaky");
  CHECK(state.at("state") == "hung");
  const auto session = bench.login("iqn.a");
  CHECK(told(bench, JournalEntry::session_down(session, Time(1), true)).at("orderly") == true);
  CHECK_FALSE(told(bench, JournalEntry::session_down(session, Time(1))).contains("orderly"));
}

TEST_CASE("every kind has a name that is found again") {
  for (std::size_t i = 0; i < JournalEntry::kKinds; ++i) {
    const auto kind = static_cast<JournalEntry::Kind>(i);
    CHECK(find_journal_kind(name_of(kind)) == kind);
  }
  CHECK_FALSE(find_journal_kind("comand"));
}

TEST_CASE("each part of a filter must hold") {
  JournalBench bench;
  bench.publish({"busy"});
  JournalNames names(bench.sources());
  const auto session = bench.login("iqn.a");
  const auto command = JournalBench::read_10(session, 1, 100);
  const auto decision = JournalBench::decision(command, 1);
  const auto mark = JournalEntry::mark(1, Time(100));
  const auto holds = [&](const JournalFilter& filter, const JournalEntry& entry) {
    return filter.holds(entry, names);
  };
  CHECK(holds({}, command));
  CHECK(holds({.session = "iqn.a,*"}, command));
  CHECK_FALSE(holds({.session = "iqn.b,*"}, command));
  CHECK_FALSE(holds({.session = "*"}, mark));
  CHECK(holds({.rule = "busy"}, decision));
  CHECK_FALSE(holds({.rule = "busy"}, command));
  CHECK_FALSE(holds({.rule = "slow"}, decision));
  CHECK(holds({.kinds = {JournalEntry::Kind::decision}}, decision));
  CHECK_FALSE(holds({.kinds = {JournalEntry::Kind::decision}}, command));
  CHECK(holds({.lun = 2}, command));
  CHECK_FALSE(holds({.lun = 3}, command));
  CHECK(holds({.not_before_ns = 100}, command));
  CHECK_FALSE(holds({.not_before_ns = 101}, command));
  CHECK_FALSE(holds({.session = "iqn.a,*", .lun = 3}, command));
}

TEST_CASE("of a mark set twice the last time counts") {
  JournalBench bench;
  CHECK_FALSE(mark_set_at(bench.sources(), "go"));
  for (const std::uint64_t at : {100, 200})
    bench.shared.add(JournalEntry::mark(bench.marks.add("go"), Time(at)));
  bench.shared.add(JournalEntry::mark(bench.marks.add("stop"), Time(300)));
  CHECK(mark_set_at(bench.sources(), "go") == 200);
}

}  // namespace journal_view_test
