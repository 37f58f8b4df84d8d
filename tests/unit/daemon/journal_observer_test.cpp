#include "daemon/journal_observer.hpp"

#include "tests/unit/daemon/journal_bench.hpp"

#include <doctest/doctest.h>

#include <type_traits>

namespace journal_observer_test {

using namespace faultlun;
using namespace faultlun::daemon;
using faults::Observation;

namespace {

struct Bench : JournalBench {
  std::set<std::string> laid;
  std::size_t overlays = 0;
  std::vector<std::pair<Observation, faults::Time>> seen;
  JournalObserver observer{sources(),
                           {.count = [this] { return overlays; }, .laid = [this] { return laid; }}};

  void read(bool commands = true) {
    seen.clear();
    observer.read(commands, faults::Time(999), [this](const Observation& what, faults::Time at) {
      seen.emplace_back(what, at);
    });
  }
  template <typename Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> out;
    for (const auto& [what, at] : seen)
      if (const auto* each = std::get_if<Kind>(&what)) out.push_back(*each);
    return out;
  }
  /// A rule "r" of serial 1 with this fault, and one that a command of it strikes.
  void publish_fault(faults::DataFault fault) {
    static const faults::FaultRow row{.id = "data.test",
                                      .site = faults::Site::media_write,
                                      .parameters = {},
                                      .build = nullptr,
                                      .summary = "",
                                      .wire = "",
                                      .host = "",
                                      .example = "",
                                      .illegal = false};
    faults::RuleSet::Entry entry;
    entry.rule.id = "r";
    faults::Effect effect;
    effect.fault = &row;
    effect.action = std::move(fault);
    entry.rule.effects.push_back(std::move(effect));
    entry.lifetime = std::make_shared<faults::RuleLifetime>();
    entry.lifetime->serial = 1;
    std::vector<faults::RuleSet::Entry> entries;
    entries.push_back(std::move(entry));
    rules.publish(faults::RuleSet(std::move(entries), 1, 0));
  }
  JournalEntry strike_a_read(std::uint32_t cmd_sn) {
    const auto command = read_10(1, cmd_sn, 10);
    first.add(command);
    const auto decided = decision(command, 1);
    first.add(decided);
    first.add(strike(decided, 0, 0));
    return command;
  }
};

scsi::SenseCode no_sense() {
  return {0, 0, 0};
}

}  // namespace

TEST_CASE("what happened before is skipped, and each thing afterwards is told once") {
  Bench b;
  const auto session = b.login("iqn.host");
  b.first.add(JournalEntry::session_up(session, faults::Time(1)));
  b.observer.skip();
  b.read();
  CHECK(b.seen.empty());
  b.first.add(JournalEntry::session_down(session, faults::Time(2)));
  b.read();
  REQUIRE(b.all<faults::SessionDown>().size() == 1);
  CHECK(b.seen.front().second == faults::Time(2));
  b.read();
  CHECK(b.seen.empty());
}

TEST_CASE("sessions are told with the initiator's name, and whether they ended in order") {
  Bench b;
  const auto session = b.login("iqn.with,comma");
  b.first.add(JournalEntry::session_up(session, faults::Time(1)));
  b.first.add(JournalEntry::session_down(session, faults::Time(2), true));
  b.second.add(JournalEntry::session_down(session, faults::Time(3), false));
  b.shared.add(
      JournalEntry::login_refused(b.logins.add("iqn.stranger"), 0x0203, 0, faults::Time(4)));
  b.read();
  CHECK(b.all<faults::SessionUp>().at(0).initiator == "iqn.with,comma");
  CHECK(b.all<faults::SessionUp>().at(0).session == session);
  CHECK(b.all<faults::SessionDown>().at(0).orderly);
  CHECK_FALSE(b.all<faults::SessionDown>().at(1).orderly);
  CHECK(b.all<faults::LoginRefused>().at(0).initiator == "iqn.stranger");
}

TEST_CASE("commands are told with range, class, status and time, if they are wanted") {
  Bench b;
  const auto read_10 = Bench::read_10(1, 7, 100, 9);
  b.first.add(read_10.ended_at_once(0, no_sense()));
  const auto slow = Bench::read_10(1, 8, 200);
  b.first.add(slow);
  b.first.add(slow.completion(8, no_sense(), faults::Time(250)));
  b.first.add(slow.completion(0, no_sense(), faults::Time(260), JournalEntry::aborted));
  b.first.add(slow.completion(0, no_sense(), faults::Time(270), JournalEntry::silent));
  b.read(false);
  CHECK(b.seen.empty());
  b.observer.skip();
  b.first.add(read_10.ended_at_once(0, no_sense()));
  b.first.add(slow);
  b.first.add(slow.completion(8, no_sense(), faults::Time(250)));
  b.first.add(slow.completion(0, no_sense(), faults::Time(260), JournalEntry::aborted));
  b.first.add(slow.completion(0, no_sense(), faults::Time(270), JournalEntry::silent));
  b.read();
  const auto began = b.all<faults::CommandBegan>();
  const auto ended = b.all<faults::CommandEnded>();
  REQUIRE(began.size() == 2);
  CHECK(began[0].lba == 9);
  CHECK(began[0].blocks == 8);
  CHECK(began[0].lun == 2);
  CHECK(began[0].operation == faults::OperationClass::read);
  REQUIRE(ended.size() == 4);
  using How = faults::CommandEnded::How;
  CHECK(ended[0].took == faults::Time(0));
  CHECK(ended[1].took == faults::Time(50));
  CHECK(ended[1].status == scsi::Status::busy);
  CHECK(ended[1].how == How::answered);
  CHECK(ended[2].how == How::aborted);
  CHECK(ended[3].how == How::silent);
}

TEST_CASE("functions and rules that fired or only observed are told, rules that did not are not") {
  Bench b;
  b.publish({"r"});
  const auto command = Bench::read_10(1, 7, 100);
  for (const auto outcome : {faults::Outcome::fired, faults::Outcome::observed,
                             faults::Outcome::gated, faults::Outcome::masked})
    b.first.add(Bench::decision(command, 1, outcome));
  JournalEntry::Command about;
  about.session = 1;
  b.first.add(JournalEntry::function(about, 5, 0, faults::Time(300)));
  b.read(false);
  REQUIRE(b.all<faults::RuleFired>().size() == 2);
  CHECK(b.all<faults::RuleFired>()[0].rule == "r");
  CHECK(b.all<faults::FunctionSent>().at(0).function == 5);
}

TEST_CASE("marks, events and states do not come back to the scenarios that made them") {
  Bench b;
  b.shared.add(JournalEntry::mark(1, faults::Time(1)));
  b.shared.add(JournalEntry::event(1, faults::Time(2)));
  b.shared.add(JournalEntry::scenario_state(1, 2, faults::Time(3)));
  b.read();
  CHECK(b.seen.empty());
}

TEST_CASE("entries that were overwritten unread are told of as lost, with their number") {
  Bench b;
  for (int i = 0; i < 1500; ++i)  // the ring holds 1024
    b.first.add(JournalEntry::session_down(1, faults::Time(i)));
  b.read();
  const auto lost = b.all<faults::EntriesLost>();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].count + b.all<faults::SessionDown>().size() == 1500);
}

TEST_CASE("data is healed when its command has ended and no overlay of its rule is left") {
  Bench b;
  b.publish_fault({});
  const auto command = b.strike_a_read(7);
  b.read(false);
  REQUIRE(b.all<faults::DataStruck>().size() == 1);
  CHECK(b.all<faults::DataStruck>()[0].fault == "data.test");
  CHECK(b.all<faults::DataStruck>()[0].poison == "r");
  CHECK(b.all<faults::DataHealed>().empty());  // not laid yet, the command is under way
  b.laid = {"r"};
  b.overlays = 1;
  b.first.add(command.completion(0, no_sense(), faults::Time(20)));
  b.read(false);
  CHECK(b.seen.empty());
  b.laid = {};
  b.overlays = 0;
  b.read(false);
  REQUIRE(b.all<faults::DataHealed>().size() == 1);
  CHECK(b.all<faults::DataHealed>()[0].poison == "r");
  CHECK(b.seen.front().second == faults::Time(999));
  b.read(false);
  CHECK(b.seen.empty());
}

TEST_CASE("the media are looked at only when something about their overlays has changed") {
  Bench b;
  std::size_t looks = 0;
  JournalObserver observer(b.sources(), {.count = [&] { return b.overlays; },
                                         .laid =
                                             [&] {
                                               ++looks;
                                               return b.laid;
                                             }});
  const auto read = [&] { observer.read(false, {}, [](const Observation&, faults::Time) {}); };
  b.publish_fault({});
  read();
  CHECK(looks == 0);
  const auto command = b.strike_a_read(7);
  b.first.add(command.completion(0, no_sense(), faults::Time(20)));
  b.laid = {"r"};
  b.overlays = 1;
  for (int i = 0; i < 5; ++i)
    read();
  CHECK(looks == 1);
  b.overlays = 2;
  read();
  CHECK(looks == 2);
}

TEST_CASE("a fault that leaves nothing behind that could heal is told without a poison") {
  using Kind = faults::DataFault::Kind;
  using Lasting = faults::DataFault::Lasting;
  struct Row {
    Kind kind;
    Lasting lasting;
    bool heals;
  };
  for (const auto& [kind, lasting, heals] :
       {Row{Kind::flip, Lasting::transient, false}, Row{Kind::flip, Lasting::stuck, true},
        Row{Kind::wire_flip, Lasting::until_rewrite, false},
        Row{Kind::misdirect, Lasting::until_rewrite, false},  // of a read
        Row{Kind::flush_lie, Lasting::until_rewrite, false},
        Row{Kind::wrap, Lasting::until_rewrite, true}}) {
    Bench b;
    faults::DataFault fault;
    fault.kind = kind;
    fault.lasting = lasting;
    b.publish_fault(fault);
    b.strike_a_read(7);
    b.read(false);
    REQUIRE(b.all<faults::DataStruck>().size() == 1);
    CHECK(b.all<faults::DataStruck>()[0].poison == (heals ? "r" : ""));
  }
}

TEST_CASE("the watch over damage has room for so many commands, and forgets those of a session") {
  DamageWatch watch;
  for (std::uint32_t i = 0; i < DamageWatch::kMaxUnderWay; ++i)
    REQUIRE(watch.struck("r", {1, i, false}));
  CHECK_FALSE(watch.struck("r", {1, 0, true}));
  CHECK_FALSE(watch.has_candidates());
  watch.ended({1, 0, false});
  CHECK(watch.struck("s", {2, 0, false}));
  CHECK_FALSE(watch.struck("s", {2, 1, false}));
  watch.session_ended(1);
  CHECK(watch.has_candidates());
  CHECK(watch.take_healed({"other"}) == std::vector<std::string>{"r"});
  CHECK(watch.take_healed({}).empty());  // "s" is under way
  watch.ended({2, 0, false});
  CHECK(watch.take_healed({"s"}).empty());
  CHECK(watch.take_healed({}) == std::vector<std::string>{"s"});
}

}  // namespace journal_observer_test
