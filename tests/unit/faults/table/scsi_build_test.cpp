#include "faults/table/scsi_build.hpp"

#include "tests/unit/faults/table/build_bench.hpp"

namespace faultlun::faults::scsi_build_test {
namespace {

using namespace testing;

scsi::SenseCode sense_with(std::initializer_list<Given> given) {
  return built<Answer>("scsi.sense", given).sense->code;
}

TEST_CASE("the sense key is found in the sense table when it is left out") {
  CHECK(sense_with({{"asc", code("11/00")}}) == scsi::SenseCode{0x03, 0x11, 0x00});
  CHECK(sense_with({{"asc", code("2E/02")}}) == scsi::SenseCode{0x0b, 0x2e, 0x02});
  CHECK(sense_with({{"asc", code("29/07")}}) == scsi::SenseCode{0x06, 0x29, 0x07});
  CHECK(sense_with({{"asc", code("27/07")}}) == scsi::SenseCode{0x07, 0x27, 0x07});
}

TEST_CASE("a code that the table does not know is taken with a key, and refused without") {
  CHECK(sense_with({{"asc", code("E1/E2")}, {"key", number(9)}}) ==
        scsi::SenseCode{0x09, 0xe1, 0xe2});
  CHECK(sense_with({{"asc", code("09/E1/E2")}}) == scsi::SenseCode{0x09, 0xe1, 0xe2});
  CHECK(sense_with({{"key", number(0x0b)}}) == scsi::SenseCode{0x0b, 0x00, 0x00});
  CHECK(refused("scsi.sense", {{"asc", code("E1/E2")}}) == "key");
}

TEST_CASE("a code of several keys wants one") {
  CHECK(refused("scsi.sense", {{"asc", code("44/00")}}) == "key");
  CHECK(sense_with({{"asc", code("44/00")}, {"key", number(4)}}) ==
        scsi::SenseCode{0x04, 0x44, 0x00});
  CHECK(refused("scsi.sense", {{"asc", code("04/44/00")}, {"key", number(0x0b)}}) == "key");
  CHECK(refused("scsi.sense", {}) == "asc");
}

TEST_CASE("families take their own key for codes that the table does not know") {
  CHECK(built<Answer>("scsi.hardware", {{"asc", code("40/85")}}).sense->code ==
        scsi::SenseCode{0x04, 0x40, 0x85});
  CHECK(built<Answer>("scsi.abort", {{"asc", code("44/00")}}).sense->code ==
        scsi::SenseCode{0x0b, 0x44, 0x00});
  CHECK(built<MediumError>("scsi.medium", {{"asc", code("12/34")}}).code.key == 0x03);
  CHECK(built<MediumError>("scsi.medium", {{"asc", code("32/00")}}).code.key == 0x04);
}

TEST_CASE("one field of the sense data is filled once") {
  const Given progress{"progress", number(1)}, retries{"retry_count", number(2)};
  const Given asc{"asc", code("11/00")};
  const Given field{"field",
                    std::vector<Arguments>{members("scsi.sense", "field", {{"byte", number(2)}})}};
  CHECK(refused("scsi.sense", {asc, progress, retries}).empty());
  CHECK(refused("scsi.sense", {asc, progress, field}).empty());
  CHECK(refused("scsi.sense", {asc, retries}) == "accepted");
  CHECK(refused("scsi.sense",
                {asc, {"information", text("lba")}, {"information_value", number(1)}}) ==
        "information_value");
}

TEST_CASE("raw sense data stands alone") {
  const Given raw{"raw", octets("70 00 05")};
  const auto answer =
      built<Answer>("scsi.sense", {raw, {"when", text("after")}, {"partial", number(4)}});
  CHECK(answer.sense->raw == bytes::Buffer{0x70, 0x00, 0x05});
  CHECK(answer.when == When::after);
  CHECK(answer.blocks == 4);
  CHECK(refused("scsi.sense", {raw, {"asc", code("11/00")}}) == "asc");
  CHECK(refused("scsi.sense", {raw, {"truncate", number(2)}}) == "truncate");
}

TEST_CASE("a status is a name with spaces or underscores, or an octet") {
  using scsi::Status;
  CHECK(parse_status("BUSY") == Status::busy);
  CHECK(parse_status("TASK SET FULL") == Status::task_set_full);
  CHECK(parse_status("TASK_SET_FULL") == Status::task_set_full);
  CHECK(parse_status("reservation_conflict") == Status::reservation_conflict);
  CHECK(parse_status("ACA ACTIVE") == Status::aca_active);
  CHECK(parse_status("TASK ABORTED") == Status::task_aborted);
  CHECK(parse_status("CONDITION MET") == Status::condition_met);
  CHECK(parse_status("GOOD") == Status::good);
  CHECK(parse_status("0x14") == static_cast<Status>(0x14));
  CHECK(parse_status("0xff") == static_cast<Status>(0xff));
  CHECK(parse_status("40") == Status::task_set_full);
  for (const std::string_view wrong : {"", "reserved", "BUZY", "0x", "0x100", "256", "-1", "8 "})
    CHECK_FALSE(parse_status(wrong).has_value());
}

TEST_CASE("scsi.status carries qualifier, when and partial, and leaves CHECK CONDITION to others") {
  const auto answer = built<Answer>("scsi.status", {{"status", text("TASK_SET_FULL")},
                                                    {"qualifier", number(0x4032)},
                                                    {"when", text("after")},
                                                    {"partial", number(2)}});
  CHECK(answer.status == scsi::Status::task_set_full);
  CHECK(answer.status_qualifier == 0x4032);
  CHECK(answer.when == When::after);
  CHECK(answer.blocks == 2);
  CHECK_FALSE(answer.sense.has_value());
  CHECK(refused("scsi.status", {{"status", text("CHECK CONDITION")}}) == "status");
  CHECK(refused("scsi.status", {{"status", text("0x02")}}) == "status");
  CHECK(refused("scsi.status", {{"status", text("BUSYY")}}) == "status");
}

TEST_CASE("scsi.sense_missing refuses arguments of another variant") {
  CHECK(refused("scsi.sense_missing", {{"length", number(4)}}) == "length");
  CHECK(refused("scsi.sense_missing", {{"response_code", number(0)}}) == "response_code");
  CHECK(refused("scsi.sense_missing", {{"asc", code("11/00")}}) == "asc");
  CHECK(refused("scsi.sense_missing", {{"variant", text("short")}, {"length", number(4)}}) ==
        "accepted");
}

}  // namespace
}  // namespace faultlun::faults::scsi_build_test
