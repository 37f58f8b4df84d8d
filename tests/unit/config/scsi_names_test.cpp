#include "config/scsi_names.hpp"

#include "protocol/scsi/commands.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace scsi_names_test {

using namespace faultlun;
using namespace faultlun::config;

namespace {

struct Bench {
  explicit Bench(const std::string& text) : tree(Json::parse(text)), value(&tree, "x", problems) {}
  std::string message() const {
    return problems.list().size() == 1 ? problems.list()[0].message : "";
  }
  Json tree;
  Problems problems;
  Value value;
};

std::string as_json(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

}  // namespace

TEST_CASE("every command of the table is an operation by its name, in any case") {
  using Kind = faults::OperationMatch::Kind;
  for (const auto& row : scsi::command_table()) {
    CAPTURE(row.name);
    std::string lower(row.name);
    for (char& c : lower)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const std::string& text : {std::string(row.name), lower}) {
      const auto operation = read_operation(Bench(as_json(text)).value);
      REQUIRE(operation);
      if (text == "unmap") continue;  // the class of the same name
      CHECK(operation->kind == Kind::command);
      CHECK(operation->row == &row);
      CHECK(operation->text == row.name);
    }
  }
}

TEST_CASE("classes and opcodes are operations") {
  using Kind = faults::OperationMatch::Kind;
  for (const auto name : kOperationClassNames)
    CHECK(read_operation(Bench(as_json(name)).value)->text == name);
  CHECK(read_operation(Bench("\"any\"").value)->kind == Kind::any);
  CHECK(read_operation(Bench("\"TMF\"").value)->kind == Kind::task_management);
  const auto opcode = read_operation(Bench("\"0xA3\"").value);
  REQUIRE(opcode);
  CHECK(opcode->kind == Kind::opcode);
  CHECK(opcode->opcode == 0xa3);
  CHECK(opcode->text == "0xa3");
}

TEST_CASE("an operation that nobody knows is refused with the one that was meant") {
  Bench bench("\"READ(11)\"");
  CHECK_FALSE(read_operation(bench.value));
  CHECK(bench.message().find("did you mean \"READ(1") != std::string::npos);
  CHECK(bench.message().find("read, write, flush") != std::string::npos);
  for (const char* text :
       {"40", "\"0x\"", "\"0x100\"", "\"0xzz\"", "\"\"", "null", "{}", "\"other\""}) {
    CAPTURE(text);
    Bench wrong(text);
    CHECK_FALSE(read_operation(wrong.value));
    CHECK(wrong.problems.list().size() == 1);
  }
}

TEST_CASE("a task management function has a name and a number") {
  CHECK(read_task_management_function(Bench("\"ABORT TASK\"").value) == 1);
  CHECK(read_task_management_function(Bench("\"abort_task\"").value) == 1);
  CHECK(read_task_management_function(Bench("\"LOGICAL_UNIT_RESET\"").value) == 5);
  CHECK(read_task_management_function(Bench("7").value) == 7);
  CHECK(read_task_management_function(Bench("\"0x0d\"").value) == 13);
  CHECK(task_management_text(1) == "ABORT TASK");
  CHECK(task_management_text(13) == "0x0d");
  Bench close("\"ABORT TUSK\"");
  CHECK_FALSE(read_task_management_function(close.value));
  CHECK(close.message().find("did you mean \"ABORT TASK\"") != std::string::npos);
  for (const char* text : {"0", "128", "\"0x80\"", "null", "\"\""}) {
    CAPTURE(text);
    CHECK_FALSE(read_task_management_function(Bench(text).value));
  }
}

TEST_CASE("a sense key has a name and a number") {
  CHECK(read_sense_key(Bench("\"ABORTED_COMMAND\"").value) == 0xb);
  CHECK(read_sense_key(Bench("\"aborted command\"").value) == 0xb);
  CHECK(read_sense_key(Bench("11").value) == 0xb);
  CHECK(read_sense_key(Bench("\"0x0b\"").value) == 0xb);
  for (const char* text : {"16", "-1", "\"0x10\"", "\"HARDWIRE_ERROR\"", "null"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(read_sense_key(bench.value));
    CHECK(bench.problems.list().size() == 1);
  }
  Bench close("\"HARDWIRE_ERROR\"");
  read_sense_key(close.value);
  CHECK(close.message().find("did you mean \"HARDWARE_ERROR\"") != std::string::npos);
}

TEST_CASE("a sense code is ASC and ASCQ, with a key or without, or a name") {
  using faults::SenseRef;
  CHECK(read_sense_code(Bench("\"11/00\"").value) == SenseRef{std::nullopt, 0x11, 0});
  CHECK(read_sense_code(Bench("\"03/11/01\"").value) == SenseRef{std::uint8_t{3}, 0x11, 1});
  CHECK(read_sense_code(Bench("\"b/2E/2\"").value) == SenseRef{std::uint8_t{11}, 0x2e, 2});
  CHECK(read_sense_code(Bench("\"unrecovered_read_error\"").value) ==
        SenseRef{std::uint8_t{3}, 0x11, 0});
  for (const char* text : {"\"11\"", "\"11/\"", "\"/00\"", "\"11/00/00/00\"", "\"10/11/00\"",
                           "\"111/00\"", "\"1g/00\"", "\"\"", "11", "null", "[]"}) {
    CAPTURE(text);
    Bench bench(text);
    CHECK_FALSE(read_sense_code(bench.value));
    CHECK(bench.problems.list().size() == 1);
  }
  Bench close("\"unrecoverd_read_error\"");
  CHECK_FALSE(read_sense_code(close.value));
  CHECK(close.message().find("did you mean \"unrecovered_read_error\"") != std::string::npos);
}

TEST_CASE("what is absent is no problem to any reader of names") {
  Problems problems;
  const Value absent(nullptr, "x", problems);
  CHECK_FALSE(read_operation(absent));
  CHECK_FALSE(read_task_management_function(absent));
  CHECK_FALSE(read_sense_key(absent));
  CHECK_FALSE(read_sense_code(absent));
  CHECK(problems.empty());
}

}  // namespace scsi_names_test
