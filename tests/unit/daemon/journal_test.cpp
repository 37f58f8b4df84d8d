#include "daemon/journal.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace journal_test {

using namespace faultlun;
using daemon::Journal;
using daemon::JournalEntry;
using faults::Time;

namespace {

/// Every word of it says `number`: a torn one shows.
JournalEntry numbered(std::uint64_t number) {
  JournalEntry entry;
  entry.cmd_sn = static_cast<std::uint32_t>(number);
  entry.session = static_cast<std::uint32_t>(number);
  entry.at_ns = entry.a = entry.b = entry.c = entry.d = number;
  return entry;
}

bool is_whole(const JournalEntry& entry, std::uint64_t number) {
  return entry == numbered(number);
}

}  // namespace

TEST_CASE("what was added is read in order, from where one wants, at most so many") {
  Journal journal(16);
  for (std::uint64_t i = 0; i < 10; ++i)
    journal.add(numbered(i));
  std::vector<JournalEntry> out;
  auto reading = journal.read(3, 4, out);
  CHECK(reading.lost == 0);
  CHECK(reading.next == 7);
  REQUIRE(out.size() == 4);
  CHECK(is_whole(out[0], 3));
  reading = journal.read(reading.next, 100, out);
  CHECK(reading.next == 10);
  REQUIRE(out.size() == 7);
  CHECK(is_whole(out[6], 9));
  CHECK(journal.head() == 10);
}

TEST_CASE("nothing is read of an empty ring, nor from beyond its head") {
  Journal journal(16);
  std::vector<JournalEntry> out;
  CHECK(journal.read(0, 100, out).next == 0);
  journal.add(numbered(0));
  const auto reading = journal.read(5, 100, out);
  CHECK(reading.next == 1);
  CHECK(reading.lost == 0);
  CHECK(out.empty());
}

TEST_CASE("the oldest entries are overwritten and counted, and one slot is always in the making") {
  Journal journal(16);
  std::vector<JournalEntry> out;
  for (std::uint64_t i = 0; i < 15; ++i)
    journal.add(numbered(i));
  CHECK(journal.read(0, 100, out).lost == 0);
  CHECK(out.size() == 15);
  out.clear();
  for (std::uint64_t i = 15; i < 40; ++i)
    journal.add(numbered(i));
  const auto reading = journal.read(4, 100, out);
  CHECK(reading.lost == 40 - 15 - 4);
  CHECK(reading.next == 40);
  REQUIRE(out.size() == 15);
  CHECK(is_whole(out.front(), 25));
  CHECK(is_whole(out.back(), 39));
}

TEST_CASE(
    "a reader beside the writer sees whole entries, in order, and counts every one it missed") {
  constexpr std::uint64_t kAll = 300'000;
  Journal journal(64);
  std::atomic<bool> go{false};
  std::thread writer([&] {
    while (!go.load()) {
    }
    for (std::uint64_t i = 0; i < kAll; ++i)
      journal.add(numbered(i));
  });
  go = true;
  std::uint64_t next = 0, seen = 0, lost = 0, torn = 0;
  std::vector<JournalEntry> out;
  while (next < kAll) {
    out.clear();
    const auto from = next;
    const auto reading = journal.read(from, 7, out);
    const auto first = from + reading.lost;
    for (std::size_t i = 0; i < out.size(); ++i)
      torn += is_whole(out[i], first + i) ? 0 : 1;
    CHECK_EQ(reading.next, first + out.size());
    seen += out.size();
    lost += reading.lost;
    next = reading.next;
  }
  writer.join();
  CHECK(torn == 0);
  CHECK(seen + lost == kAll);
  CHECK(seen > 0);
}

TEST_CASE("several threads may add to the shared ring") {
  daemon::SharedJournal shared(1024);
  std::thread other([&] {
    for (std::uint64_t i = 0; i < 300; ++i)
      shared.add(numbered(i));
  });
  for (std::uint64_t i = 0; i < 300; ++i)
    shared.add(numbered(i));
  other.join();
  std::vector<JournalEntry> out;
  CHECK(shared.ring().read(0, 1024, out).next == 600);
}

TEST_CASE("a command is told with its CDB and its end with the time that it took") {
  scsi::Cdb cdb;
  for (std::size_t i = 0; i < 16; ++i)
    cdb.raw[i] = static_cast<std::uint8_t>(0x28 + i);
  JournalEntry::Command about;
  about.session = 7;
  about.lun = 3;
  about.cmd_sn = 99;
  about.immediate = true;
  about.task_tag = 0xdeadbeef;
  about.expected_data_transfer_length = 0xcafe0123;
  const auto begun = JournalEntry::command(about, cdb, Time(1000));
  CHECK(begun.kind == JournalEntry::Kind::command);
  CHECK(begun.flags == JournalEntry::immediate);
  CHECK(begun.session == 7);
  CHECK(begun.lun == 3);
  CHECK(begun.cmd_sn == 99);
  CHECK(begun.at_ns == 1000);
  CHECK(begun.task_tag() == 0xdeadbeef);
  CHECK(begun.expected_data_transfer_length() == 0xcafe0123);
  CHECK(begun.cdb().raw == cdb.raw);

  const auto ended = begun.completion(2, {5, 0x20, 1}, Time(4500), JournalEntry::aborted);
  CHECK(ended.kind == JournalEntry::Kind::completion);
  CHECK(ended.at_ns == 4500);
  CHECK(ended.a == 3500);
  CHECK(ended.status == 2);
  CHECK(ended.sense() == scsi::SenseCode{5, 0x20, 1});
  CHECK(ended.flags == (JournalEntry::immediate | JournalEntry::aborted));
  CHECK(ended.task_tag() == 0xdeadbeef);

  const auto at_once = begun.ended_at_once(0, {});
  CHECK(at_once.kind == JournalEntry::Kind::command);
  CHECK((at_once.flags & JournalEntry::completed) != 0);
  CHECK(at_once.cdb().raw == cdb.raw);
}

TEST_CASE("a command without a unit of ours has none in the journal") {
  const auto entry = JournalEntry::command({}, scsi::Cdb(), Time(0));
  CHECK(entry.lun == JournalEntry::kNone);
  CHECK(entry.flags == 0);
}

TEST_CASE("a function is told with the task it is about, its answer with the time it took") {
  JournalEntry::Command about;
  about.session = 2;
  about.lun = 0;
  about.cmd_sn = 5;
  about.task_tag = 8;
  const auto begun = JournalEntry::function(about, 1, 0x1234, Time(10));
  CHECK(begun.kind == JournalEntry::Kind::function);
  CHECK(begun.code == 1);
  CHECK(begun.a == 0x1234);
  CHECK(begun.task_tag() == 8);
  const auto answered = begun.response(255, Time(30));
  CHECK(answered.kind == JournalEntry::Kind::response);
  CHECK(answered.status == 255);
  CHECK(answered.code == 1);
  CHECK(answered.a == 20);
}

TEST_CASE("other kinds put their numbers where readers look for them") {
  CHECK(JournalEntry::session_up(4, Time(1)).session == 4);
  CHECK(JournalEntry::session_down(4, Time(1)).kind == JournalEntry::Kind::session_down);
  const auto refused = JournalEntry::login_refused(6, 0x0203, 9, Time(1));
  CHECK(refused.a == 6);
  CHECK(refused.b == 0x0203);
  CHECK(refused.d == 9);
  CHECK(JournalEntry::rules_published(12, Time(1)).a == 12);
  CHECK(JournalEntry::rules_published(12, Time(1)).session == 0);
  CHECK(JournalEntry::rules_adopted(4, 77, 12, Time(1)).cmd_sn == 77);
  const auto unit = JournalEntry::unit_change(1, 2, faults::UnitChange::Kind::eject, 9, Time(1));
  CHECK(unit.fault == 1);
  CHECK(unit.lun == 2);
  CHECK(unit.d == 9);
  CHECK(JournalEntry::mark(3, Time(8)).at_ns == 8);
  CHECK(JournalEntry::replay(true, Time(1)).kind == JournalEntry::Kind::replay_on);
  CHECK(JournalEntry::replay(false, Time(1)).kind == JournalEntry::Kind::replay_off);
}

TEST_CASE("a decision is one entry for each verdict and one for each of its strikes") {
  faults::InstalledRule first{.rule = {},
                              .lifetime = std::make_shared<faults::RuleLifetime>(),
                              .counter_drawer = faults::Drawer(0, "r", "*"),
                              .clauses = {},
                              .session_clauses = {}};
  first.lifetime->serial = 41;
  first.timed = true;
  first.rule.effects.resize(2);
  faults::InstalledRule second = first;
  second.lifetime = std::make_shared<faults::RuleLifetime>();
  second.lifetime->serial = 42;
  second.timed = false;
  faults::Decision decision;
  faults::Verdict verdict;
  verdict.rule = &first;
  verdict.index = 5;
  verdict.draw = 77;
  verdict.drawn = true;
  decision.verdicts.push_back(verdict);
  decision.verdicts.push_back({&second, faults::Outcome::gated, faults::Key::lba, 8, 1, 0, false});
  decision.strikes.push_back({&first, &first.rule.effects[1], 0, {123, 456}});

  Journal journal(16);
  JournalEntry::Command about;
  about.session = 3;
  about.cmd_sn = 10;
  add_decision(journal, decision, JournalEntry::command(about, scsi::Cdb(), Time(6)));
  std::vector<JournalEntry> out;
  journal.read(0, 100, out);
  REQUIRE(out.size() == 3);
  CHECK(out[0].kind == JournalEntry::Kind::decision);
  CHECK(out[0].d == 41);
  CHECK(out[0].a == 5);
  CHECK(out[0].c == 77);
  CHECK(out[0].flags == (JournalEntry::drawn | JournalEntry::timed));
  CHECK(out[1].kind == JournalEntry::Kind::strike);
  CHECK(out[1].code == 1);
  CHECK(out[1].a == 123);
  CHECK(out[1].b == 456);
  CHECK(out[2].d == 42);
  CHECK(out[2].code == static_cast<std::uint8_t>(faults::Outcome::gated));
  CHECK(out[2].b == 8);
  for (const auto& entry : out) {
    CHECK(entry.session == 3);
    CHECK(entry.cmd_sn == 10);
    CHECK(entry.at_ns == 6);
  }
}

}  // namespace journal_test
