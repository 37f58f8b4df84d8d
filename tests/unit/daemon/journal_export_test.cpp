#include "daemon/journal_export.hpp"

#include "lun_backends/overlay.hpp"
#include "tests/unit/daemon/journal_bench.hpp"

#include <doctest/doctest.h>

namespace journal_export_test {

using namespace faultlun;
using namespace faultlun::daemon;
using faults::Time;
using Lines = std::vector<std::string>;

namespace {

Lines exported(JournalBench& bench, const std::string& session = "") {
  JournalExport lines(bench.sources(), oldest_cursor(bench.sources()), 0x2a, session,
                      [](const faults::Rule& rule) {
                        return config::Json{{"id", rule.id}};
                      });
  Lines out;
  while (auto line = lines.next())
    if (!line->empty()) out.push_back(*line);
  return out;
}

}  // namespace

TEST_CASE("an export of nothing is its first line") {
  JournalBench bench;
  CHECK(exported(bench) == Lines{R"({"faultlun_journal":1,"seed":"0x2a"})"});
}

TEST_CASE("an export tells of sessions and rules before they are referred to, each once") {
  JournalBench bench;
  bench.publish({"busy"});
  const auto session = bench.login("iqn.a");
  bench.first.add(JournalEntry::session_up(session, Time(1)));
  const auto command = JournalBench::read_10(session, 9, 2);
  for (int i = 0; i < 2; ++i) {
    bench.first.add(command);
    const auto decision = JournalBench::decision(command, 1);
    bench.first.add(decision);
    bench.first.add(JournalBench::strike(decision, 0, 250));
    bench.first.add(JournalBench::decision(command, 1, faults::Outcome::chance));
    bench.first.add(command.completion(0, {}, Time(3)));
  }
  const Lines once = {R"({"s":1,"sn":9,"lun":2,"cdb":"280000000000000008"})",
                      R"({"s":1,"sn":9,"fired":1,"key":"counter","of":0,"index":3,"draw":4660})",
                      R"({"s":1,"sn":9,"strike":1,"effect":0,"resolved":[250,0]})"};
  CHECK(exported(bench) ==
        Lines{R"({"faultlun_journal":1,"seed":"0x2a"})",
              R"({"session":1,"alias":"iqn.a,400001370000,1","target":"iqn.t","whole":true})",
              once[0], R"({"serial":1,"rule":{"id":"busy"}})", once[1], once[2], once[0], once[1],
              once[2]});
}

TEST_CASE("a session that was there before the journal begins is not whole") {
  JournalBench bench;
  const auto session = bench.login("iqn.a");
  bench.first.add(JournalBench::read_10(session, 9, 2));
  const auto lines = exported(bench);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == R"({"session":1,"alias":"iqn.a,400001370000,1","target":"iqn.t"})");
}

TEST_CASE("functions and immediate commands are told as such") {
  JournalBench bench;
  JournalEntry::Command about;
  about.session = bench.login("iqn.a");
  about.cmd_sn = 4;
  about.immediate = true;
  bench.first.add(JournalEntry::function(about, 5, 0, Time(1)));
  about.lun = 1;
  bench.first.add(JournalEntry::command(about, scsi::Cdb(), Time(1)));
  const auto lines = exported(bench);
  REQUIRE(lines.size() == 4);
  CHECK(lines[2] == R"({"s":1,"sn":4,"imm":true,"tmf":5})");
  CHECK(lines[3] == R"({"s":1,"sn":4,"imm":true,"lun":1,"cdb":"00"})");
}

TEST_CASE("an effect that could not be carried out is told as such, not as one that struck") {
  JournalBench bench;
  const auto command = JournalBench::read_10(bench.login("iqn.a"), 4, 1);
  auto strike = JournalBench::strike(JournalBench::decision(command, 1), 0, 7);
  strike.flags = JournalEntry::unmet;
  strike.code = static_cast<std::uint8_t>(lun_backends::Refusal::bad_range);
  bench.first.add(command);
  bench.first.add(strike);
  const auto lines = exported(bench);
  REQUIRE(lines.size() == 4);
  CHECK(lines[3].starts_with(R"({"s":1,"sn":4,"unmet":1,"why":"a range is)"));
}

TEST_CASE("an export tells of the sessions that were asked for alone") {
  JournalBench bench;
  const auto a = bench.login("iqn.a"), b = bench.login("iqn.b");
  bench.first.add(JournalBench::read_10(a, 1, 1));
  bench.second.add(JournalBench::read_10(b, 1, 2));
  bench.shared.add(JournalEntry::mark(1, Time(3)));
  const auto lines = exported(bench, "iqn.b,*");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].find("iqn.b") != std::string::npos);
}

TEST_CASE("a loss names the sessions of its ring that had been told of") {
  JournalBench bench;
  const auto a = bench.login("iqn.a"), b = bench.login("iqn.b"), ended = bench.login("iqn.c");
  bench.first.add(JournalEntry::session_up(a, Time(1)));
  bench.first.add(JournalEntry::session_up(ended, Time(1)));
  bench.first.add(JournalEntry::session_down(ended, Time(2)));
  bench.second.add(JournalEntry::session_up(b, Time(3)));
  JournalExport lines(bench.sources(), oldest_cursor(bench.sources()), 0, "",
                      [](const faults::Rule&) { return config::Json(); });
  std::string last;
  while (auto line = lines.next())
    if (!line->empty()) last = *line;
  CHECK(last.find("iqn.b") != std::string::npos);
  for (int i = 0; i < 2000; ++i)
    bench.first.add(JournalBench::read_10(a, 1, 5));
  CHECK(exported(bench).size() == 1023 + 3);  // all of `a` that is left, two sessions, the head
  for (const auto& line : exported(bench))
    CHECK(line.find("lost") == std::string::npos);  // `a` begins behind it
}

}  // namespace journal_export_test
