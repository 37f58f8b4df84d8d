#include "faults/table/scsi_build.hpp"
#include "tests/unit/faults/table/build_bench.hpp"

#include <algorithm>

namespace faultlun::faults::scsi_faults_test {
namespace {

using namespace testing;

TEST_CASE("the scsi family has every fault of the model, explained") {
  check_rows(scsi_faults());
  for (const std::string_view id :
       {"scsi.sense", "scsi.status", "scsi.sense_missing", "scsi.parity", "scsi.selection_timeout",
        "scsi.medium", "scsi.hardware", "scsi.not_ready", "scsi.abort", "scsi.protect",
        "scsi.illegal", "scsi.predict", "data.pi"}) {
    CAPTURE(id);
    CHECK(std::ranges::find(scsi_faults(), id, &FaultRow::id) != scsi_faults().end());
  }
}

TEST_CASE("the choices of scsi.parity are the variants, in order") {
  const auto* row = find_fault("scsi.parity");
  REQUIRE(row != nullptr);
  const auto choices = row->parameters[0].choices;
  REQUIRE(choices.size() == parity_variants().size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    CHECK(choices[i] == parity_variants()[i].name);
    const auto ref = std::get<SenseRef>(code(choices[i]));
    CHECK(parity_variants()[i].code.asc == ref.asc);
    CHECK(parity_variants()[i].code.ascq == ref.ascq);
  }
}

TEST_CASE("only faults that break a protocol are marked illegal") {
  for (const auto& row : scsi_faults())
    CHECK(row.illegal == (row.id == "scsi.sense_missing"));
}

TEST_CASE("selection timeout has its six variants") {
  const auto variant = [](std::string_view word) { return Given{"variant", text(word)}; };
  CHECK(built<Absent>("scsi.selection_timeout", {variant("lun_absent")}) == Absent{false});
  CHECK(built<Absent>("scsi.selection_timeout", {variant("lun_absent"), {"listed", true}}) ==
        Absent{true});
  const auto hides =
      built<Patch>("scsi.selection_timeout",
                   {variant("report_luns_hides"), {"luns", std::vector<std::uint64_t>{1, 300}}});
  CHECK(hides.page == Patch::Page::luns);
  CHECK(hides.hide_luns == std::vector<std::uint16_t>{1, 300});
  CHECK(built<Drop>("scsi.selection_timeout", {variant("connect_timeout")}) ==
        Drop{true, Drop::Then::silent});
  CHECK(built<Drop>("scsi.selection_timeout", {variant("login_not_found")}) ==
        Drop{true, Drop::Then::not_found});
  CHECK(built<Answer>("scsi.selection_timeout", {variant("sense_0B4500")}).sense->code ==
        scsi::SenseCode{0x0b, 0x45, 0x00});
  CHECK(built<Silence>("scsi.selection_timeout", {variant("silent")}) == Silence{});
}

TEST_CASE("selection timeout refuses arguments of another variant, and LUNs left out") {
  const Given luns{"luns", std::vector<std::uint64_t>{1}};
  CHECK(refused("scsi.selection_timeout", {{"variant", text("report_luns_hides")}}) == "luns");
  CHECK(refused("scsi.selection_timeout", {{"variant", text("silent")}, luns}) == "luns");
  CHECK(refused("scsi.selection_timeout", {{"variant", text("silent")}, {"listed", true}}) ==
        "listed");
}

TEST_CASE("a medium error says of which commands, whether data is good, and how it heals") {
  const auto read = built<MediumError>("scsi.medium", {});
  CHECK(read.code == scsi::SenseCode{0x03, 0x11, 0x00});
  CHECK(read.information);
  CHECK_FALSE(read.of_writes);
  CHECK_FALSE(read.partial);
  CHECK(read.heal == MediumError::Heal::never);
  for (const std::string_view asc : {"0C/02", "03/00"}) {
    const auto write = built<MediumError>("scsi.medium", {{"asc", code(asc)}});
    CHECK(write.of_writes);
    CHECK(write.code.key == 0x03);
  }
  for (const std::string_view asc : {"17/01", "18/02"}) {
    const auto recovered = built<MediumError>("scsi.medium", {{"asc", code(asc)}});
    CHECK(recovered.code.key == 0x01);
    CHECK(recovered.data_good);
    CHECK_FALSE(recovered.of_writes);
  }
  const auto weak = built<MediumError>("scsi.medium", {{"asc", code("11/00")},
                                                       {"information", text("none")},
                                                       {"partial", true},
                                                       {"heal", text("on_write")}});
  CHECK_FALSE(weak.information);
  CHECK(weak.partial);
  CHECK(weak.heal == MediumError::Heal::on_write);
  const auto worn =
      built<MediumError>("scsi.medium", {{"heal", text("after_n")}, {"heal_after", number(3)}});
  CHECK(worn.heal == MediumError::Heal::after);
  CHECK(worn.heal_after == 3);
}

TEST_CASE("a medium error refuses what does not go together") {
  CHECK(refused("scsi.medium", {{"heal", text("after_n")}}) == "heal_after");
  CHECK(refused("scsi.medium", {{"heal_after", number(3)}}) == "heal_after");
  CHECK(refused("scsi.medium", {{"asc", code("17/01")}, {"partial", true}}) == "partial");
  CHECK(refused("scsi.medium", {{"asc", code("0B/47/00")}}) == "asc");
  CHECK(refused("scsi.medium", {{"key", number(5)}}) == "asc");
}

TEST_CASE("a sticky hardware error is a change of the unit") {
  const auto change =
      built<UnitChange>("scsi.hardware", {{"asc", code("3E/01")}, {"sticky", true}});
  CHECK(change.kind == UnitChange::Kind::offline);
  CHECK(change.code == scsi::SenseCode{0x04, 0x3e, 0x01});
  CHECK(change.silent);
  CHECK(refused("scsi.hardware", {{"sticky", true}, {"partial", number(1)}}) == "sticky");
  CHECK(refused("scsi.hardware", {{"asc", code("0B/44/00")}}) == "asc");
}

TEST_CASE("not ready for a time is a change of the unit, with progress where the code has one") {
  using Change = UnitChange::Kind;
  struct Case {
    std::string_view asc;
    Change kind;
  };
  for (const auto& each : {Case{"04/01", Change::slow_start}, Case{"04/04", Change::format},
                           Case{"04/1B", Change::sanitize}, Case{"04/00", Change::offline},
                           Case{"04/02", Change::offline}, Case{"04/0A", Change::offline},
                           Case{"3A/02", Change::offline}}) {
    CAPTURE(each.asc);
    const auto change = built<UnitChange>(
        "scsi.not_ready", {{"asc", code(each.asc)}, {"for", Time(std::chrono::seconds(15))}});
    CHECK(change.kind == each.kind);
    CHECK(change.duration == std::chrono::seconds(15));
    CHECK(change.code.key == 0x02);
    CHECK(change.silent);
  }
  CHECK(refused("scsi.not_ready", {{"for", Time(1)}, {"progress", number(1)}}) == "for");
  CHECK(refused("scsi.not_ready", {{"for", Time(0)}}) == "for");
  CHECK(refused("scsi.not_ready", {{"for", kMaxDelay + Time(1)}}) == "for");
}

TEST_CASE("a prediction is on request, a unit attention, or a recovered error after the data") {
  const auto asked = built<UnitChange>("scsi.predict", {});
  CHECK(asked.kind == UnitChange::Kind::predict);
  CHECK(asked.code == scsi::SenseCode{0x00, 0x5d, 0x10});
  const auto attention = built<Attention>(
      "scsi.predict", {{"report", text("unit_attention")}, {"asc", code("5D/00")}});
  CHECK(attention.codes == std::vector<scsi::SenseCode>{{0x06, 0x5d, 0x00}});
  CHECK(attention.nexus == Attention::Nexus::all);
  const auto recovered = built<Answer>("scsi.predict", {{"report", text("recovered")}});
  CHECK(recovered.sense->code == scsi::SenseCode{0x01, 0x5d, 0x10});
  CHECK(recovered.when == When::after);
  CHECK(refused("scsi.predict", {{"asc", code("11/00")}}) == "asc");
  CHECK(refused("scsi.predict", {{"asc", code("01/5D/10")}}) == "asc");
}

TEST_CASE("data.pi refuses to pass protection information through") {
  CHECK(refused("data.pi", {{"mode", text("pass_through")}}) == "mode");
  CHECK(refused("data.pi", {{"mode", text("check")}}) == "accepted");
}

}  // namespace
}  // namespace faultlun::faults::scsi_faults_test
