#include "config/event.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace event_test {

using namespace faultlun;
using namespace faultlun::config;

namespace {

std::unique_ptr<Event> event(const char* text) {
  const auto json = Json::parse(text);
  Problems problems;
  auto read = read_event(Value(&json, "", problems));
  if (!problems.empty()) FAIL(to_text(problems.list().front()));
  return read;
}

std::string problem_of(const char* text) {
  const auto json = Json::parse(text);
  Problems problems;
  CHECK(read_event(Value(&json, "", problems)) == nullptr);
  REQUIRE_FALSE(problems.empty());
  return to_text(problems.list().front());
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an operation with LBA and length becomes its CDB") {
  const auto read = event(R"x({"lun": 3, "op": "READ(10)", "lba": 4096, "blocks": 8})x");
  CHECK(read->facts.lun == 3);
  CHECK(read->facts.has_lun);
  CHECK(read->facts.cdb == &read->cdb);
  CHECK(read->facts.row->name == "READ(10)");
  CHECK(read->facts.lba == 4096);
  CHECK(read->facts.blocks == 8);
  CHECK(read->facts.site == faults::Site::cmd_enqueue);
}

TEST_CASE("each length of CDB holds its range, and no more") {
  struct Row {
    const char* op;
    std::uint64_t lba, blocks;
  };
  for (const Row& row :
       {Row{"READ(6)", 0x1fffff, 255}, Row{"READ(10)", UINT32_MAX, 65535},
        Row{"READ(12)", UINT32_MAX, UINT32_MAX}, Row{"READ(16)", UINT64_MAX, UINT32_MAX}}) {
    const auto text = R"({"op": ")" + std::string(row.op) + R"(", "lba": )" +
                      std::to_string(row.lba) + R"(, "blocks": )" + std::to_string(row.blocks) +
                      "}";
    const auto read = event(text.c_str());
    CHECK(read->facts.lba == row.lba);
    CHECK(read->facts.blocks == row.blocks);
  }
  CHECK(says(problem_of(R"x({"op": "READ(10)", "lba": 4294967296})x"), "READ(16)"));
  CHECK(says(problem_of(R"x({"op": "READ(10)", "blocks": 65536})x"), "blocks: does not fit"));
}

TEST_CASE("an operation may be a class, an opcode, or a name in any case") {
  CHECK(event(R"({"op": "write"})")->facts.row->name == "WRITE(10)");
  CHECK(event(R"({"op": "0x28"})")->facts.row->name == "READ(10)");
  CHECK(event(R"x({"op": "read capacity(16)"})x")->facts.row->name == "READ CAPACITY(16)");
  CHECK(event(R"({"op": "0xc1"})")->facts.row == nullptr);
  CHECK(says(problem_of(R"x({"op": "RAED(10)"})x"), "did you mean"));
}

TEST_CASE("details of a command go where the CDB has them") {
  const auto read = event(R"({"op": "read", "fua": true, "dpo": true, "group": 17, "control": 2})");
  CHECK(read->cdb[1] == 0x18);
  CHECK(read->cdb[6] == 17);
  CHECK(read->cdb[9] == 0x80);
  CHECK(event(R"({"op": "INQUIRY", "vpd": 128})")->cdb[2] == 0x80);
  CHECK(event(R"x({"op": "MODE SENSE(6)", "mode_page": 8})x")->cdb[2] == 8);
  CHECK(says(problem_of(R"({"op": "read", "vpd": 1})"), "goes with INQUIRY"));
  CHECK(says(problem_of(R"({"op": "read", "mode_page": 1})"), "goes with MODE SENSE"));
  CHECK(says(problem_of(R"({"op": "INQUIRY", "lba": 1})"), "no range"));
  CHECK(says(problem_of(R"({"op": "INQUIRY", "group": 1})"), "no GROUP NUMBER"));
}

TEST_CASE("a command may be given by its CDB alone") {
  const auto read = event(R"({"cdb": "28 00 00 00 10 00 00 00 08 00"})");
  CHECK(read->facts.lba == 4096);
  CHECK(read->facts.blocks == 8);
  CHECK(read->cdb.length == 16);
  CHECK(says(problem_of(R"({"cdb": "28", "lba": 1})"), "goes with op"));
}

TEST_CASE("a task management function has a name or a number") {
  const auto read = event(R"({"tmf": "abort task", "lun": 1})");
  CHECK(read->facts.site == faults::Site::tmf_rx);
  CHECK(read->facts.function == 1);
  CHECK(read->facts.cdb == nullptr);
  CHECK(event(R"({"tmf": 5})")->facts.function == 5);
  CHECK(says(problem_of(R"({"tmf": "abort tisk"})"), "did you mean"));
}

TEST_CASE("an event is one thing that happens") {
  CHECK(says(problem_of("{}"), "names nothing"));
  CHECK(says(problem_of(R"({"op": "read", "tmf": 1})"), "exclude each other"));
  CHECK(says(problem_of(R"({"op": "read", "lbaa": 1})"), "did you mean"));
  CHECK(says(problem_of(R"([1])"), "object"));
}

TEST_CASE("the session is given in parts or by its alias") {
  const auto read = event(
      R"({"op": "read", "session": "iqn.a,400001370000,3", "target": "iqn.t", "source": "10.0.0.1",
          "portal": 1, "tpg": 2})");
  CHECK(read->facts.session == &read->session);
  CHECK(read->session.initiator == "iqn.a");
  CHECK(read->session.alias() == "iqn.a,400001370000,3");
  CHECK(read->session.target == "iqn.t");
  CHECK(read->session.source == "10.0.0.1");
  CHECK(read->session.portal == 1);
  CHECK(read->session.portal_group_tag == 2);
  const auto parts =
      event(R"({"op": "read", "initiator": "iqn.b", "isid": "00023d000001", "login": 2})");
  CHECK(parts->session.alias() == "iqn.b,00023d000001,2");
  for (const char* wrong : {"iqn.a", "iqn.a,1", "iqn.a,1,x", ",1,1,", ",", "a,1,99999999999"})
    CHECK(says(problem_of((R"({"op": "read", "session": ")" + std::string(wrong) + "\"}").c_str()),
               "is no alias"));
}

TEST_CASE("payload, attributes and the past are taken as they are said") {
  const auto read = event(
      R"({"op": "write", "payload": "4649", "task_attr": "ordered", "immediate": true,
          "outstanding": 9, "attempt": 3, "rewrites": 2})");
  CHECK(read->facts.payload_known);
  CHECK(read->facts.payload.size() == 2);
  CHECK(read->facts.attribute == scsi::TaskAttribute::ordered);
  CHECK(read->facts.immediate);
  CHECK(read->facts.outstanding == 9);
  CHECK(read->past.attempt == 3);
  CHECK(read->past.rewrites == 2);
  CHECK(read->past.touched);
  CHECK_FALSE(event(R"({"op": "write"})")->facts.payload_known);
}

}  // namespace event_test
