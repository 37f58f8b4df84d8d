#include "protocol/scsi/sense_codes.hpp"
#include "unit_bench.hpp"

namespace faultlun::scsi::injected_conditions_test {
namespace {

constexpr auto kFirst = UnitBench::kFirst, kSecond = UnitBench::kSecond;
constexpr auto kPowerOn = sense("power_on_occurred");
constexpr auto kReset = sense("bus_device_reset_function_occurred");
constexpr auto kModes = sense("mode_parameters_changed");
constexpr SenseCode kOne[] = {kModes};
constexpr SenseCode kTwo[] = {kReset, kPowerOn};
using To = LogicalUnit::To;

constexpr Octets kRequestSense = {0x03, 0, 0, 0, 18, 0};

/// Key, ASC and ASCQ that REQUEST SENSE tells.
std::string polled(UnitBench& bench, NexusId nexus = kFirst) {
  const auto reply = bench.ask(kRequestSense, nexus);
  CHECK(reply.status == Status::good);
  const auto told = parse_sense(reply.data_in);
  return told ? say(*told) : "nothing";
}

TEST_CASE("a unit attention established by a rule is reported as often as the rule says") {
  UnitBench bench;
  bench.unit.establish(kOne, 3, To::own, kFirst);
  for (int i = 0; i < 3; ++i)
    CHECK(bench.ready() == "6/2A/01");
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.ready(kSecond) == "GOOD");
}

TEST_CASE("conditions of the reset class that a rule establishes do not cover each other") {
  UnitBench bench;
  bench.unit.establish(kTwo, 1, To::own, kFirst);
  CHECK(bench.ready() == "6/29/01");
  CHECK(bench.ready() == "6/29/03");
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE("a unit attention goes to the others, to all, or to the nexus that is attached next") {
  UnitBench bench;
  bench.unit.establish(kOne, 1, To::others, kFirst);
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.ready(kSecond) == "6/2A/01");
  bench.unit.establish(kOne, 1, To::all, kFirst);
  CHECK(bench.ready() == "6/2A/01");
  CHECK(bench.ready(kSecond) == "6/2A/01");
  bench.unit.establish(kOne, 1, To::next, kFirst);
  CHECK(bench.ready() == "GOOD");
  bench.unit.attach(7, kPowerOn);
  bench.unit.attach(8, std::nullopt);
  CHECK(bench.ready(7) == "6/29/01");
  CHECK(bench.ready(7) == "6/2A/01");
  CHECK(bench.ready(8) == "GOOD");
}

TEST_CASE("a unit attention that is lost is never reported") {
  UnitBench bench;
  bench.unit.reset(ResetKind::logical_unit);
  bench.unit.raise(kModes);
  bench.unit.lose_attentions(kFirst, kOne);
  CHECK(bench.ready() == "6/29/03");
  CHECK(bench.ready() == "GOOD");
  bench.unit.lose_attentions(kSecond, {});
  CHECK(bench.ready(kSecond) == "GOOD");
}

TEST_CASE("a misdirected unit attention is reported by the nexus next to the one it concerns") {
  UnitBench bench;
  bench.unit.raise_for(kFirst, kModes);
  bench.unit.misdirect_attentions(kFirst, {}, 1);
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.ready(kSecond) == "6/2A/01");
  bench.unit.misdirect_attentions(kSecond, kOne, 2);
  CHECK(bench.ready() == "6/2A/01");
  CHECK(bench.ready() == "6/2A/01");
  CHECK(bench.ready(kSecond) == "GOOD");
  bench.unit.detach(kSecond);
  bench.unit.raise_for(kFirst, kModes);
  bench.unit.misdirect_attentions(kFirst, {}, 1);
  CHECK(bench.ready() == "6/2A/01");  // alone, it keeps what concerns it
}

TEST_CASE("a unit that is not ready refuses what needs the medium and tells progress when asked") {
  UnitBench bench;
  Unready why;
  why.sense.code = sense("becoming_ready");
  why.sense.progress = 0x4000;
  bench.unit.set_unready(why);
  CHECK(bench.ready() == "2/04/01");
  CHECK(bench.said({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}) == "2/04/01");
  CHECK(bench.said({0x12, 0, 0, 0, 36, 0}) == "GOOD");
  CHECK(bench.said({0x1a, 0, 0x3f, 0, 255, 0}) == "GOOD");  // MODE SENSE needs no medium
  CHECK(polled(bench) == "2/04/01");
  CHECK(parse_sense(bench.ask(kRequestSense).data_in)->progress == 0x4000);
  CHECK_FALSE(bench.unit.straight_read(kFirst));
  bench.unit.set_unready(std::nullopt);
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.unit.straight_read(kFirst));
}

TEST_CASE("SBC-3 4.11.2 while a sanitize runs nothing but INQUIRY, REPORT LUNS and REQUEST SENSE") {
  UnitBench bench;
  Unready why;
  why.sense.code = sense("sanitize_in_progress");
  why.strict = true;
  bench.unit.set_unready(why);
  CHECK(bench.said({0x1a, 0, 0x3f, 0, 255, 0}) == "2/04/1B");
  CHECK(bench.said({0x12, 0, 0, 0, 36, 0}) == "GOOD");
  CHECK(bench.said({0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0}) == "GOOD");
  CHECK(polled(bench) == "2/04/1B");
}

TEST_CASE("a pending unit attention is reported before the unit is found not ready") {
  UnitBench bench;
  Unready why;
  why.sense.code = sense("not_ready_offline");
  bench.unit.set_unready(why);
  bench.unit.raise(kModes);
  CHECK(bench.ready() == "6/2A/01");
  CHECK(bench.ready() == "2/04/12");
}

TEST_CASE("an ejected medium is not present until it is loaded, which every nexus hears of") {
  UnitBench bench;
  bench.unit.eject();
  CHECK_FALSE(bench.unit.loaded());
  CHECK(bench.ready() == "2/3A/02");
  bench.unit.load(false);
  CHECK(bench.ready() == "6/28/00");
  CHECK(bench.ready(kSecond) == "6/28/00");
  bench.unit.load(false);  // it is in already
  CHECK(bench.ready() == "GOOD");
  bench.unit.eject();
  bench.unit.load(true);
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE("INQUIRY tells the revision that a new microcode has") {
  UnitBench bench;
  bench.unit.set_revision("0002");
  const auto data = bench.ask({0x12, 0, 0, 0, 36, 0}).data_in;
  CHECK(std::string(data.begin() + 32, data.begin() + 36) == "0002");
}

TEST_CASE("a predicted failure is reported as the Informational Exceptions page asks") {
  UnitBench bench;
  constexpr auto kFailing = sense("failure_prediction_threshold_exceeded");
  bench.unit.predict(kFailing);  // MRIE 6: on request
  CHECK(bench.ready() == "GOOD");
  CHECK(polled(bench) == "0/5D/00");
  CHECK(polled(bench) == "0/5D/00");
  bench.unit.predict(std::nullopt);
  CHECK(polled(bench) == "0/00/00");

  const bytes::Buffer method_2 = {0, 0, 0, 0, 0x1c, 0x0a, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
  CHECK(bench.said_to({0x15, 0x10, 0, 0, 16, 0}, method_2) == "GOOD");
  bench.ready(kSecond);  // 2A/01
  bench.unit.predict(kFailing);
  CHECK(bench.ready() == "6/5D/00");
  CHECK(bench.ready(kSecond) == "6/5D/00");
  CHECK(polled(bench) == "0/00/00");

  const bytes::Buffer disabled = {0, 0, 0, 0, 0x1c, 0x0a, 8, 2, 0, 0, 0, 0, 0, 0, 0, 1};
  CHECK(bench.said_to({0x15, 0x10, 0, 0, 16, 0}, disabled) == "GOOD");
  bench.ready(kSecond);
  bench.unit.predict(kFailing);
  CHECK(bench.ready() == "GOOD");
}

TEST_CASE("a reset without its unit attention is a reset all the same") {
  UnitBench bench;
  CHECK(bench.said({0x16, 0, 0, 0, 0, 0}) == "GOOD");  // RESERVE(6)
  bench.unit.reset(ResetKind::logical_unit, false);
  CHECK(bench.ready() == "GOOD");
  CHECK(bench.ready(kSecond) == "GOOD");
}

}  // namespace
}  // namespace faultlun::scsi::injected_conditions_test
