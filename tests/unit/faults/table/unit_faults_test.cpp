#include "faults/fault_table.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <doctest/doctest.h>

#include <set>

namespace faultlun::faults::unit_faults_test {
namespace {

using namespace std::chrono_literals;
using Kind = UnitChange::Kind;

const FaultRow& row(std::string_view id) {
  const auto* found = find_fault(id);
  REQUIRE(found != nullptr);
  return *found;
}

struct Given {
  explicit Given(std::string_view id) : fault(row(id)), arguments(fault.parameters) {}
  Given& with(std::string_view name, Argument value) {
    arguments.set(name, std::move(value));
    return *this;
  }
  Built built() const { return fault.build(arguments); }
  template <typename T>
  T made() const {
    const auto result = built();
    REQUIRE(std::holds_alternative<Action>(result));
    REQUIRE(std::holds_alternative<T>(std::get<Action>(result)));
    return std::get<T>(std::get<Action>(result));
  }
  std::string refused() const {
    const auto result = built();
    REQUIRE(std::holds_alternative<Complaint>(result));
    return std::get<Complaint>(result).field;
  }
  const FaultRow& fault;
  Arguments arguments;
};

TEST_CASE("every unit fault of the fault model is in the table, once, with all its texts") {
  std::set<std::string_view> ids;
  for (const auto& each : unit_faults()) {
    CAPTURE(each.id);
    CHECK(ids.insert(each.id).second);
    for (const auto text : {each.summary, each.wire, each.host, each.example})
      CHECK_FALSE(text.empty());
    CHECK(each.example.find(each.id) != std::string_view::npos);
    for (const auto& parameter : each.parameters) {
      CAPTURE(parameter.name);
      CHECK_FALSE(parameter.meaning.empty());
      CHECK(parameter.required == parameter.fallback.empty());
    }
  }
  for (const auto id :
       {"ua.queue", "ua.storm", "ua.missing", "ua.wrong_nexus", "lu.offline", "lu.online",
        "lu.remove", "lu.add", "lu.hang", "lu.slow_start", "lu.power_cycle", "lu.microcode",
        "lu.sanitize", "lu.format", "lu.medium_eject"})
    CHECK(ids.contains(id));
}

TEST_CASE("ua.queue takes a condition by number, with or without its key") {
  const auto attention = Given("ua.queue").with("asc", SenseRef{{}, 0x29, 0x00}).made<Attention>();
  CHECK(attention.codes == std::vector{scsi::sense("power_on_or_reset_occurred")});
  CHECK(attention.nexus == Attention::Nexus::all);
  CHECK(attention.count == 1);
  CHECK_FALSE(attention.wrong_nexus);
  const auto keyed = Given("ua.queue")
                         .with("asc", SenseRef{0x06, 0x2a, 0x09})
                         .with("nexus", std::string("next_login"))
                         .with("count", std::uint64_t{7})
                         .made<Attention>();
  CHECK(keyed.codes == std::vector{scsi::sense("capacity_data_has_changed")});
  CHECK(keyed.nexus == Attention::Nexus::next_login);
  CHECK(keyed.count == 7);
}

TEST_CASE("ua.queue has a preset for every unit attention that hosts tell apart") {
  const auto& parameters = row("ua.queue").parameters;
  const auto preset = std::ranges::find(parameters, std::string_view("preset"), &Parameter::name);
  REQUIRE(preset != parameters.end());
  std::set<std::pair<int, int>> codes;
  for (const auto name : preset->choices) {
    CAPTURE(name);
    const auto made = Given("ua.queue").with("preset", std::string(name)).made<Attention>();
    REQUIRE(made.codes.size() == 1);
    CHECK(made.codes[0].key == 0x06);
    CHECK(codes.insert({made.codes[0].asc, made.codes[0].ascq}).second);
  }
  for (int q = 0; q <= 7; ++q)
    CHECK(codes.contains({0x29, q}));
  for (const auto& code : {std::pair{0x28, 0},
                           {0x2a, 1},
                           {0x2a, 3},
                           {0x2a, 4},
                           {0x2a, 5},
                           {0x2a, 6},
                           {0x2a, 7},
                           {0x2a, 9},
                           {0x2f, 0},
                           {0x38, 7},
                           {0x3f, 1},
                           {0x3f, 3},
                           {0x3f, 5},
                           {0x3f, 0x0e}})
    CHECK(codes.contains(code));
}

TEST_CASE("ua.queue refuses no condition, two, another key, and a condition without a code") {
  CHECK(Given("ua.queue").refused() == "asc");
  CHECK(Given("ua.queue")
            .with("asc", SenseRef{{}, 0x29, 0})
            .with("preset", std::string("power_on"))
            .refused() == "preset");
  CHECK(Given("ua.queue").with("asc", SenseRef{0x02, 0x04, 0x01}).refused() == "asc");
  CHECK(Given("ua.queue").with("asc", SenseRef{{}, 0, 0}).refused() == "asc");
}

TEST_CASE("ua.storm is many conditions for the session that asked, unless said otherwise") {
  const auto usual = Given("ua.storm").made<Attention>();
  CHECK(usual.codes.size() == 5);
  CHECK(usual.nexus == Attention::Nexus::own);
  const auto own = Given("ua.storm")
                       .with("codes", std::vector<SenseRef>{{{}, 0x29, 0}, {{}, 0x2a, 1}})
                       .with("count", std::uint64_t{5})
                       .with("nexus", std::string("all"))
                       .made<Attention>();
  CHECK(own.codes.size() == 2);
  CHECK(own.count == 5);
  CHECK(own.nexus == Attention::Nexus::all);
  CHECK(Given("ua.storm")
            .with("codes", std::vector<SenseRef>{{{}, 0x29, 0}, {0x0b, 0x47, 0}})
            .refused() == "codes[1]");
}

TEST_CASE("ua.missing is about every condition, or about those it names") {
  CHECK(Given("ua.missing").made<NoAttention>().codes.empty());
  const auto some = Given("ua.missing").with("codes", std::vector<SenseRef>{{{}, 0x3f, 0x0e}});
  CHECK(some.made<NoAttention>().codes ==
        std::vector{scsi::sense("reported_luns_data_has_changed")});
  CHECK(Given("ua.missing").with("codes", std::vector<SenseRef>{{0x03, 0x11, 0}}).refused() ==
        "codes[0]");
}

TEST_CASE("ua.wrong_nexus misdirects what pends, or a condition of its own") {
  const auto pending = Given("ua.wrong_nexus").made<Attention>();
  CHECK(pending.wrong_nexus);
  CHECK(pending.codes.empty());
  const auto own = Given("ua.wrong_nexus").with("preset", std::string("device_reset"));
  CHECK(own.made<Attention>().codes ==
        std::vector{scsi::sense("bus_device_reset_function_occurred")});
  CHECK(Given("ua.wrong_nexus").with("asc", SenseRef{0x01, 0x17, 1}).refused() == "asc");
}

TEST_CASE("the changes of a unit's state are made with their durations, silence and unit") {
  const auto offline = Given("lu.offline")
                           .with("for", Time(45s))
                           .with("silent", true)
                           .with("lun", std::uint64_t{3})
                           .made<UnitChange>();
  CHECK(offline.kind == Kind::offline);
  CHECK(offline.duration == 45s);
  CHECK(offline.silent);
  CHECK(offline.lun == 3);
  CHECK(Given("lu.offline").made<UnitChange>().duration == 0s);
  CHECK_FALSE(Given("lu.offline").made<UnitChange>().lun);
  CHECK(Given("lu.online").made<UnitChange>().kind == Kind::online);
  CHECK(Given("lu.remove").made<UnitChange>().kind == Kind::remove);
  CHECK(Given("lu.add").made<UnitChange>().kind == Kind::add);
}

TEST_CASE("lu.slow_start, lu.sanitize and lu.format take longer than nothing") {
  for (const auto& [id, kind] : {std::pair{"lu.slow_start", Kind::slow_start},
                                 {"lu.sanitize", Kind::sanitize},
                                 {"lu.format", Kind::format}}) {
    CAPTURE(id);
    const auto change = Given(id).with("for", Time(30s)).made<UnitChange>();
    CHECK(change.kind == kind);
    CHECK(change.duration == 30s);
    CHECK(Given(id).with("for", Time(0s)).refused() == "for");
  }
}

TEST_CASE("lu.power_cycle is off, then starts") {
  const auto change =
      Given("lu.power_cycle").with("off", Time(5s)).with("for", Time(10s)).made<UnitChange>();
  CHECK(change.kind == Kind::power_cycle);
  CHECK(change.off == 5s);
  CHECK(change.duration == 10s);
}

TEST_CASE("lu.microcode has a revision that INQUIRY can tell") {
  const auto change =
      Given("lu.microcode").with("revision", std::string("0002")).made<UnitChange>();
  CHECK(change.kind == Kind::microcode);
  CHECK(change.text == "0002");
  CHECK(Given("lu.microcode").made<UnitChange>().text.empty());
  CHECK(Given("lu.microcode").with("revision", std::string("\x01")).refused() == "revision");
}

TEST_CASE("lu.medium_eject takes the medium out, or loads it") {
  CHECK(Given("lu.medium_eject").made<UnitChange>().kind == Kind::eject);
  CHECK(Given("lu.medium_eject").with("action", std::string("load")).made<UnitChange>().kind ==
        Kind::load);
}

TEST_CASE("lu.hang has the four grades of SCST") {
  const auto grade = [](std::uint64_t number) {
    return Given("lu.hang").with("grade", number).made<Silence>();
  };
  CHECK(Given("lu.hang").made<Silence>() == Silence{});
  CHECK(grade(1) == Silence{.data_only = false, .task_management = false});
  CHECK(grade(2) == Silence{.data_only = false, .task_management = true});
  CHECK(grade(3) == Silence{.data_only = true, .task_management = false});
  CHECK(grade(4) == Silence{.data_only = true, .task_management = true});
}

}  // namespace
}  // namespace faultlun::faults::unit_faults_test
