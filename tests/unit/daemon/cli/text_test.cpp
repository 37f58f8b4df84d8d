#include "daemon/cli/text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace text_test {

using namespace faultlun::daemon::cli;
using faultlun::config::Json;

TEST_CASE("a cell says a value in one line and lets nothing move the cursor") {
  CHECK(cell(Json(nullptr)) == "-");
  CHECK(cell(Json("")) == "-");
  CHECK(cell(Json("disk\x1b[2J\n")) == "disk\\x1b[2J\\x0a");
  CHECK(cell(Json("µs")) == "µs");
  CHECK(cell(Json(true)) == "yes");
  CHECK(cell(Json(false)) == "no");
  CHECK(cell(Json(4096)) == "4096");
  CHECK(cell(Json::parse(R"(["a", 1, []])")) == "a, 1, -");
  CHECK(cell(Json::parse(R"({"op": "read"})")) == R"({"op":"read"})");
}

TEST_CASE("a pointer that leads nowhere finds nothing") {
  const auto tree = Json::parse(R"({"a": {"b": 7}, "list": [1]})");
  CHECK(at(tree, "/a/b") == 7);
  CHECK(&at(tree, "") == &tree);
  CHECK(at(tree, "/a/c").is_null());
  CHECK(at(tree, "/a/b/c").is_null());
  CHECK(at(tree, "/list/0").is_null());
  CHECK(cell(tree, "/a/b") == "7");
}

TEST_CASE("columns are aligned, numbers to the right, without spaces at the ends of lines") {
  CHECK(table({"ID", "FIRED", "NOTE"}, {{"busy", "7", "é"}, {"x", "1024", "-"}}) ==
        "ID    FIRED  NOTE\n"
        "busy      7  é\n"
        "x      1024  -\n");
  CHECK(table({"", ""}, {{"a", "first"}, {"bb", ""}}) ==
        "a   first\n"
        "bb\n");
  CHECK(table({"ID"}, {}) == "ID\n");
}

TEST_CASE("anything can be described") {
  CHECK(description(Json::parse(R"({"seed": "0x5eed", "hash": {"value": 1, "of": "all"}})")) ==
        "seed        0x5eed\n"
        "hash.value  1\n"
        "hash.of     all\n");
  CHECK(description(Json::parse(R"({"n": 2, "sessions": [{"alias": "a", "commands": 12},
                                                          {"alias": "b", "left": true}]})")) ==
        "n  2\n"
        "\n"
        "sessions:\n"
        "ALIAS  COMMANDS  LEFT\n"
        "a            12  -\n"
        "b             -  yes\n");
  CHECK(description(Json::parse(R"([{"id": 1}])")) == "ID\n 1\n");
  CHECK(description(Json::array()) == "none\n");
  CHECK(description(Json("ok")) == "ok\n");
}

TEST_CASE("a view shows its columns, its words for nothing, or what else is there") {
  const View view{.list = "/leases",
                  .columns = {{"LEASE", "/lease"}, {"RULES", "/rules"}},
                  .none = "no leases"};
  CHECK(shown(view, Json::parse(R"({"leases": [{"lease": "a", "rules": ["x", "y"]}]})")) ==
        "LEASE  RULES\n"
        "a      x, y\n");
  CHECK(shown(view, Json::parse(R"({"leases": []})")) == "no leases\n");
  CHECK(shown(view, Json::parse(R"({"other": 1})")) == "other  1\n");
}

TEST_CASE("long words are wrapped where they have spaces") {
  CHECK(wrapped("one two three", 7, "  ") == "one two\n  three");
  CHECK(wrapped("unbreakable", 3, "  ") == "unbreakable");
  CHECK(wrapped("", 10, "  ") == "");
}

}  // namespace text_test
