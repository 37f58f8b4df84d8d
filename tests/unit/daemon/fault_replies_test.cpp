#include "daemon/fault_replies.hpp"

#include "tests/unit/faults/table/build_bench.hpp"
#include "tests/unit/protocol/scsi/unit_bench.hpp"

#include <string>
#include <vector>

namespace faultlun::daemon::fault_replies_test {
namespace {

using namespace faults::testing;
using scsi::cdb_of;
using scsi::UnitBench;

/// READ(10) or WRITE(10) of eight blocks from 01020304h.
struct Bench {
  explicit Bench(std::uint8_t opcode = 0x28) : cdb(cdb_of({opcode, 0, 1, 2, 3, 4, 0, 0, 8, 0})) {
    facts.session = &session;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    facts.lba = 0x01020304;
    facts.blocks = 8;
    facts.expected_data_transfer_length = 8 * 512;
  }
  scsi::Reply answer(std::string_view id, std::initializer_list<Given> given,
                     bool descriptor = false) const {
    return as_reply(built<faults::Answer>(id, given), facts, descriptor);
  }

  scsi::Cdb cdb;
  faults::SessionFacts session;
  faults::Facts facts;
};

/// What goes out as sense data.
std::string octets_of(const scsi::Reply& reply) {
  if (reply.raw_sense) return bytes::to_hex(*reply.raw_sense);
  REQUIRE(reply.sense.has_value());
  return bytes::to_hex(scsi::build_sense(*reply.sense, reply.descriptor_sense).view());
}

struct Golden {
  std::string_view id;
  std::vector<Given> given;
  std::string_view fixed, descriptor;
};

void check(const Golden& golden) {
  const Bench bench;
  const auto* row = faults::find_fault(golden.id);
  REQUIRE(row != nullptr);
  faults::Arguments arguments(row->parameters);
  std::string said(golden.id);
  for (const auto& [name, value] : golden.given) {
    arguments.set(name, value);
    said += " " + std::string(name);
  }
  CAPTURE(said);
  CAPTURE(golden.fixed);
  const auto made = row->build(arguments);
  REQUIRE(std::holds_alternative<faults::Action>(made));
  const auto* answer = std::get_if<faults::Answer>(&std::get<faults::Action>(made));
  REQUIRE(answer != nullptr);
  for (const bool descriptor : {false, true}) {
    const auto reply = as_reply(*answer, bench.facts, descriptor);
    CHECK(reply.status == scsi::Status::check_condition);
    CHECK(octets_of(reply) == (descriptor ? golden.descriptor : golden.fixed));
  }
}

// One golden a line.
// clang-format off
TEST_CASE("golden: every parity variant, octet for octet") {
  const auto variant = [](std::string_view word) { return Given{"variant", text(word)}; };
  for (const auto& golden : {
           Golden{"scsi.parity", {}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 00 00 00 00 00", "72 0b 47 00 00 00 00 00"},
           Golden{"scsi.parity", {variant("47/00")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 00 00 00 00 00", "72 0b 47 00 00 00 00 00"},
           Golden{"scsi.parity", {variant("47/01")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 01 00 00 00 00", "72 0b 47 01 00 00 00 00"},
           Golden{"scsi.parity", {variant("47/02")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 02 00 00 00 00", "72 0b 47 02 00 00 00 00"},
           Golden{"scsi.parity", {variant("47/03")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 03 00 00 00 00", "72 0b 47 03 00 00 00 00"},
           Golden{"scsi.parity", {variant("47/05")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 47 05 00 00 00 00", "72 0b 47 05 00 00 00 00"},
           Golden{"scsi.parity", {variant("4B/00")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 4b 00 00 00 00 00", "72 0b 4b 00 00 00 00 00"},
           Golden{"scsi.parity", {variant("4B/03")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 4b 03 00 00 00 00", "72 0b 4b 03 00 00 00 00"},
           Golden{"scsi.parity", {variant("08/02")}, "70 00 04 00 00 00 00 0a 00 00 00 00 08 02 00 00 00 00", "72 04 08 02 00 00 00 00"},
           Golden{"scsi.parity", {variant("08/03")}, "70 00 04 00 00 00 00 0a 00 00 00 00 08 03 00 00 00 00", "72 04 08 03 00 00 00 00"},
           Golden{"scsi.parity", {variant("48/00")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 48 00 00 00 00 00", "72 0b 48 00 00 00 00 00"},
           Golden{"scsi.parity", {variant("43/00")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 43 00 00 00 00 00", "72 0b 43 00 00 00 00 00"},
           Golden{"scsi.selection_timeout", {variant("sense_0B4500")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 45 00 00 00 00 00", "72 0b 45 00 00 00 00 00"},
       })
    check(golden);
}

TEST_CASE("golden: the codes of one sense key") {
  const auto asc = [](std::string_view word) { return Given{"asc", code(word)}; };
  for (const auto& golden : {
           Golden{"scsi.hardware", {}, "70 00 04 00 00 00 00 0a 00 00 00 00 44 00 00 00 00 00", "72 04 44 00 00 00 00 00"},
           Golden{"scsi.hardware", {asc("40/81")}, "70 00 04 00 00 00 00 0a 00 00 00 00 40 81 00 00 00 00", "72 04 40 81 00 00 00 00"},
           Golden{"scsi.hardware", {asc("15/01")}, "70 00 04 00 00 00 00 0a 00 00 00 00 15 01 00 00 00 00", "72 04 15 01 00 00 00 00"},
           Golden{"scsi.not_ready", {}, "70 00 02 00 00 00 00 0a 00 00 00 00 04 00 00 00 00 00", "72 02 04 00 00 00 00 00"},
           Golden{"scsi.not_ready", {asc("04/0B")}, "70 00 02 00 00 00 00 0a 00 00 00 00 04 0b 00 00 00 00", "72 02 04 0b 00 00 00 00"},
           Golden{"scsi.not_ready", {asc("3A/02")}, "70 00 02 00 00 00 00 0a 00 00 00 00 3a 02 00 00 00 00", "72 02 3a 02 00 00 00 00"},
           Golden{"scsi.not_ready", {asc("04/04"), {"progress", number(0x8000)}}, "70 00 02 00 00 00 00 0a 00 00 00 00 04 04 00 80 80 00", "72 02 04 04 00 00 00 08 02 06 00 00 80 80 00 00"},
           Golden{"scsi.not_ready", {asc("04/01"), {"time_left", faults::Time(std::chrono::milliseconds(1500))}}, "f0 00 02 00 00 05 dc 0a 00 00 00 00 04 01 00 00 00 00", "72 02 04 01 00 00 00 0c 00 0a 80 00 00 00 00 00 00 00 05 dc"},
           Golden{"scsi.abort", {}, "70 00 0b 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00", "72 0b 00 00 00 00 00 00"},
           Golden{"scsi.abort", {asc("4E/00")}, "70 00 0b 00 00 00 00 0a 00 00 00 00 4e 00 00 00 00 00", "72 0b 4e 00 00 00 00 00"},
           Golden{"scsi.protect", {}, "70 00 07 00 00 00 00 0a 00 00 00 00 27 00 00 00 00 00", "72 07 27 00 00 00 00 00"},
           Golden{"scsi.protect", {asc("27/07")}, "70 00 07 00 00 00 00 0a 00 00 00 00 27 07 00 00 00 00", "72 07 27 07 00 00 00 00"},
           Golden{"scsi.illegal", {}, "70 00 05 00 00 00 00 0a 00 00 00 00 20 00 00 00 00 00", "72 05 20 00 00 00 00 00"},
           Golden{"scsi.illegal", {asc("21/00")}, "f0 00 05 01 02 03 04 0a 00 00 00 00 21 00 00 00 00 00", "72 05 21 00 00 00 00 0c 00 0a 80 00 00 00 00 00 01 02 03 04"},
           Golden{"scsi.illegal", {asc("24/00"), {"field", std::vector<faults::Arguments>{members( "scsi.illegal", "field", {{"byte", number(1)}, {"bit", number(3)}})}}}, "70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 cb 00 01", "72 05 24 00 00 00 00 08 02 06 00 00 cb 00 01 00"},
           Golden{"scsi.illegal", {asc("26/00"), {"field", std::vector<faults::Arguments>{members( "scsi.illegal", "field", {{"in", text("data")}, {"byte", number(4)}})}}}, "70 00 05 00 00 00 00 0a 00 00 00 00 26 00 00 80 00 04", "72 05 26 00 00 00 00 08 02 06 00 00 80 00 04 00"},
           Golden{"scsi.predict", {{"report", text("recovered")}}, "70 00 01 00 00 00 00 0a 00 00 00 00 5d 10 00 00 00 00", "72 01 5d 10 00 00 00 00"},
           Golden{"data.pi", {}, "f0 00 0b 01 02 03 04 0a 00 00 00 00 10 01 00 00 00 00", "72 0b 10 01 00 00 00 0c 00 0a 80 00 00 00 00 00 01 02 03 04"},
           Golden{"data.pi", {{"check", text("app")}}, "f0 00 0b 01 02 03 04 0a 00 00 00 00 10 02 00 00 00 00", "72 0b 10 02 00 00 00 0c 00 0a 80 00 00 00 00 00 01 02 03 04"},
           Golden{"data.pi", {{"check", text("ref")}, {"detected", text("medium")}}, "f0 00 03 01 02 03 04 0a 00 00 00 00 10 03 00 00 00 00", "72 03 10 03 00 00 00 0c 00 0a 80 00 00 00 00 00 01 02 03 04"},
       })
    check(golden);
}

TEST_CASE("golden: scsi.sense with everything that sense data can hold") {
  const Given asc{"asc", code("11/00")};
  for (const auto& golden : {
           Golden{"scsi.sense", {asc}, "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00", "72 03 11 00 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"deferred", true}}, "71 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00", "73 03 11 00 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"format", text("fixed")}}, "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00", "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"format", text("descriptor")}}, "72 03 11 00 00 00 00 00", "72 03 11 00 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"information", text("lba")}, {"command_specific", number(0x11223344)}}, "f0 00 03 01 02 03 04 0a 11 22 33 44 11 00 00 00 00 00", "72 03 11 00 00 00 00 18 00 0a 80 00 00 00 00 00 01 02 03 04 01 0a 00 00 00 00 " "00 00 11 22 33 44"},
           Golden{"scsi.sense", {asc, {"information_value", number(0x1000000000)}}, "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00", "72 03 11 00 00 00 00 0c 00 0a 80 00 00 00 00 10 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"retry_count", number(0x0102)}}, "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 80 01 02", "72 03 11 00 00 00 00 08 02 06 00 00 80 01 02 00"},
           Golden{"scsi.sense", {{"key", number(0)}, {"ili", true}, {"information_value", number(512)}}, "f0 00 20 00 00 02 00 0a 00 00 00 00 00 00 00 00 00 00", "72 00 00 00 00 00 00 10 00 0a 80 00 00 00 00 00 00 00 02 00 05 02 00 20"},
           Golden{"scsi.sense", {{"key", number(0)}, {"filemark", true}, {"eom", true}}, "70 00 c0 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00", "72 00 00 00 00 00 00 04 04 02 00 c0"},
           Golden{"scsi.sense", {{"key", number(0)}, {"eom", true}, {"ili", true}}, "70 00 60 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00", "72 00 00 00 00 00 00 04 04 02 00 60"},
           Golden{"scsi.sense", {asc, {"truncate", number(8)}}, "70 00 03 00 00 00 00 0a", "72 03 11 00 00 00 00 00"},
           Golden{"scsi.sense", {asc, {"truncate", number(20)}}, "70 00 03 00 00 00 00 0c 00 00 00 00 11 00 00 00 00 00 00 00", "72 03 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
           Golden{"scsi.sense", {{"raw", octets("7f 00 ff 12")}}, "7f 00 ff 12", "7f 00 ff 12"},
       })
    check(golden);
}

TEST_CASE("golden: sense data that is missing, too short, too long, or of an unknown form") {
  const auto variant = [](std::string_view word) { return Given{"variant", text(word)}; };
  for (const auto& golden : {
           Golden{"scsi.sense_missing", {}, "", ""},
           Golden{"scsi.sense_missing", {variant("short")}, "70 00 0b 00", "72 0b 00 00"},
           Golden{"scsi.sense_missing", {variant("short"), {"asc", code("11/00")}, {"length", number(1)}}, "70", "72"},
           Golden{"scsi.sense_missing", {variant("response_code")}, "7f 00 0b 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00", "7f 0b 00 00 00 00 00 00"},
           Golden{"scsi.sense_missing", {variant("response_code"), {"response_code", number(0)}}, "00 00 0b 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00", "00 0b 00 00 00 00 00 00"},
       })
    check(golden);
  const Bench bench;
  const auto longer = bench.answer("scsi.sense_missing", {variant("long")});
  REQUIRE(longer.raw_sense.has_value());
  CHECK(longer.raw_sense->size() == 252);
  CHECK((*longer.raw_sense)[7] == 244);
  const auto longest = bench.answer("scsi.sense_missing",
                                    {variant("long"), {"length", number(scsi::kMaxRawSenseBytes)}});
  CHECK(longest.raw_sense->size() == 510);
  CHECK((*longest.raw_sense)[7] == 255);
}

// clang-format on
TEST_CASE("INFORMATION of a command without a range stays out") {
  Bench bench;
  bench.facts.blocks = 0;
  const auto reply = bench.answer("scsi.illegal", {{"asc", code("21/00")}});
  CHECK(octets_of(reply) == "70 00 05 00 00 00 00 0a 00 00 00 00 21 00 00 00 00 00");
}

TEST_CASE("a status goes out with its qualifier and without sense") {
  const Bench bench;
  const auto reply =
      bench.answer("scsi.status", {{"status", text("0x14")}, {"qualifier", number(0x4032)}});
  CHECK(reply.status == static_cast<scsi::Status>(0x14));
  CHECK(reply.status_qualifier == 0x4032);
  CHECK_FALSE(reply.sense.has_value());
  CHECK_FALSE(reply.raw_sense.has_value());
}

TEST_CASE("what was moved before the answer counts for the residual") {
  const Given busy{"status", text("BUSY")}, after{"when", text("after")};
  const auto partial = [](std::uint64_t blocks) { return Given{"partial", number(blocks)}; };
  const Bench read(0x28), write(0x2a);
  CHECK(read.answer("scsi.status", {busy}).data_in_length == 0);
  CHECK(read.answer("scsi.status", {busy, partial(3)}).data_in_length == 3 * 512);
  CHECK(read.answer("scsi.status", {busy, after}).data_in_length == 8 * 512);
  CHECK(read.answer("scsi.status", {busy, partial(99)}).data_in_length == 8 * 512);
  CHECK(read.answer("scsi.status", {busy, after}).data_out_length == 0);
  CHECK(write.answer("scsi.status", {busy, after}).data_out_length == 8 * 512);
  CHECK(write.answer("scsi.status", {busy, partial(3)}).data_out_length == 3 * 512);
  CHECK(write.answer("scsi.status", {busy, partial(3)}).data_in_length == 0);
}

TEST_CASE("golden: medium errors tell the first bad block") {
  const auto error = built<faults::MediumError>("scsi.medium", {});
  const auto fixed = as_reply(error, 0x01020306, false);
  CHECK(fixed.status == scsi::Status::check_condition);
  CHECK(octets_of(fixed) == "f0 00 03 01 02 03 06 0a 00 00 00 00 11 00 00 00 00 00");
  CHECK(octets_of(as_reply(error, 0x0102030405, true)) ==
        "72 03 11 00 00 00 00 0c 00 0a 80 00 00 00 00 01 02 03 04 05");
  const auto silent = built<faults::MediumError>(
      "scsi.medium", {{"asc", code("0C/02")}, {"information", text("none")}});
  CHECK(octets_of(as_reply(silent, 7, false)) ==
        "70 00 03 00 00 00 00 0a 00 00 00 00 0c 02 00 00 00 00");
  const auto recovered = built<faults::MediumError>("scsi.medium", {{"asc", code("17/01")}});
  CHECK(octets_of(as_reply(recovered, 7, false)) ==
        "f0 00 01 00 00 00 07 0a 00 00 00 00 17 01 00 00 00 00");
}

TEST_CASE("blocks before the first bad one move only when the rule says so") {
  const Bench bench;
  const auto lba = bench.facts.lba;
  CHECK(blocks_before(built<faults::MediumError>("scsi.medium", {}), bench.facts, lba + 3) == 0);
  const auto partial = built<faults::MediumError>("scsi.medium", {{"partial", true}});
  CHECK(blocks_before(partial, bench.facts, lba + 3) == 3);
  CHECK(blocks_before(partial, bench.facts, lba) == 0);
  CHECK(blocks_before(partial, bench.facts, lba + 99) == 8);
  CHECK(blocks_before(partial, bench.facts, lba - 1) == 0);
  const auto recovered = built<faults::MediumError>("scsi.medium", {{"asc", code("18/02")}});
  CHECK(blocks_before(recovered, bench.facts, lba + 3) == 8);
}

TEST_CASE("an absent unit answers INQUIRY with qualifier 011b and all else with 5 25 00") {
  UnitBench unit;
  const scsi::Command inquiry{cdb_of({0x12, 0, 0, 0, 0xff, 0})}, ready{cdb_of({0, 0, 0, 0, 0, 0})};
  CHECK(as_reply(faults::Absent{}, inquiry, unit.around()).data_in[0] == 0x7f);
  CHECK(say(as_reply(faults::Absent{}, ready, unit.around())) == "5/25/00");
}

}  // namespace
}  // namespace faultlun::daemon::fault_replies_test
