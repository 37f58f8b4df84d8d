#include "config/keys.hpp"

#include "config/dump.hpp"
#include "tests/unit/config/bench.hpp"
#include "tests/unit/config/pages.hpp"
#include "tests/unit/config/random_config.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace keys_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;

namespace {

Tree schema_tree() {
  return Tree::parse(contents(FAULTLUN_SOURCE_DIR "/config/schema.json"));
}

/// The schema as an editor uses it.
class Editor {
 public:
  Editor() {
    const auto document =
        nlohmann::json::parse(contents(FAULTLUN_SOURCE_DIR "/config/schema.json"));
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document), schema_);
  }

  /// "" when the schema accepts the text, otherwise why not.
  std::string complaint(const std::string& text) const {
    const auto document = nlohmann::json::parse(text);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), &results))
      return {};
    valijson::ValidationResults::Error error;
    std::string out;
    while (results.popError(error)) {
      for (const std::string& part : error.context)
        out += part;
      out += ": " + error.description + "\n";
    }
    return out;
  }
  bool accepts(const Tree& tree) const { return complaint(tree.dump()).empty(); }

 private:
  valijson::Schema schema_;
};

/// Where full() has an object of each shape.
std::string pointer_of(std::string_view shape_name) {
  if (shape_name == "config") return "";
  if (shape_name == "portal") return "/portals/0";
  if (shape_name == "target") return "/targets/0";
  if (shape_name == "auth") return "/targets/0/auth";
  if (shape_name == "mutual") return "/targets/0/auth/mutual";
  if (shape_name == "redirect") return "/targets/0/redirect";
  if (shape_name == "lun") return "/targets/0/luns/0";
  if (shape_name == "backend") return "/targets/0/luns/0/backend";
  return "/" + std::string(shape_name);
}

/// full() has `path` in a file and `writes` in a pattern.
std::string pointer_of(const Shape& in, const Key& key) {
  if (in.name == "backend" && key.name == "path") return "/targets/0/luns/1/backend";
  if (in.name == "backend" && key.name == "writes") return "/targets/0/luns/2/backend";
  return pointer_of(in.name);
}

template <typename Visit>
void for_each_key(Visit visit) {
  for (const Shape& in : shapes())
    for (const Key& key : in.keys)
      visit(in, key);
}

}  // namespace

TEST_CASE("schema.json has exactly the keys that the reader has, with the same words") {
  const Tree schema = schema_tree();
  CHECK(schema["definitions"].size() == shapes().size() - 1 + rule_definitions("", {}).size());
  for (const Shape& in : shapes()) {
    CAPTURE(in.name);
    const Tree& object = in.name == "config" ? schema : schema["definitions"][std::string(in.name)];
    CHECK(object["additionalProperties"] == false);
    CHECK(object["properties"].size() == in.keys.size());
    std::set<std::string> required;
    for (const Key& key : in.keys) {
      CAPTURE(key.name);
      const std::string name(key.name);
      REQUIRE(object["properties"].contains(name));
      CHECK(object["properties"][name]["description"] == key.meaning);
      if (key.required) required.insert(name);
    }
    std::set<std::string> in_schema;
    if (object.contains("required"))
      for (const auto& name : object["required"])
        in_schema.insert(*name.get_ptr<const std::string*>());
    CHECK(in_schema == required);
  }
}

TEST_CASE("the defaults of schema.json are those of the reader") {
  const Tree schema = schema_tree();
  for_each_key([&](const Shape& in, const Key& key) {
    CAPTURE(in.name);
    CAPTURE(key.name);
    const Tree& object = in.name == "config" ? schema : schema["definitions"][std::string(in.name)];
    const Tree& property = object["properties"][std::string(key.name)];
    if (property.contains("default")) CHECK(property["default"] == Tree::parse(key.fallback));
  });
}

TEST_CASE("a key that is left out means what its row says") {
  for_each_key([&](const Shape& in, const Key& key) {
    if (key.required || key.fallback.starts_with("(")) return;
    CAPTURE(in.name);
    CAPTURE(key.name);
    const std::string pointer = pointer_of(in, key);
    Tree left_out = without(pointer, std::string(key.name));
    Tree written = with(pointer + "/" + std::string(key.name), std::string(key.fallback));
    for (Tree* tree : {&left_out, &written}) {
      if (key.name == "portals") (*tree)["targets"][0].erase("portal_groups");
      if (key.name == "vendor") (*tree)["targets"][0]["luns"][0]["block_size"] = 512;
    }
    const LoadResult a = test::load(left_out);
    const LoadResult b = test::load(written);
    CAPTURE(all(a.errors));
    CAPTURE(all(b.errors));
    REQUIRE(a.config);
    REQUIRE(b.config);
    CHECK(*a.config == *b.config);
  });
}

TEST_CASE("a key that is required is missed by the reader and by the schema") {
  const Editor editor;
  for_each_key([&](const Shape& in, const Key& key) {
    if (!key.required) return;
    CAPTURE(in.name);
    CAPTURE(key.name);
    const Tree tree = without(pointer_of(in, key), std::string(key.name));
    const LoadResult result = test::load(tree);
    CAPTURE(all(result.errors));
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].path.ends_with(key.name));
    CHECK(result.errors[0].message.starts_with("missing; add"));
    CHECK_FALSE(editor.accepts(tree));
  });
}

TEST_CASE("a value of the wrong type is refused by the reader and by the schema, for every key") {
  const Editor editor;
  for_each_key([&](const Shape& in, const Key& key) {
    for (const char* wrong : {"null", "1.5", "-1", "{\"x\": 1}"}) {
      CAPTURE(in.name);
      CAPTURE(key.name);
      CAPTURE(wrong);
      const Tree tree = with(pointer_of(in, key) + "/" + std::string(key.name), wrong);
      CHECK_FALSE(test::load(tree).config);
      CHECK_FALSE(editor.accepts(tree));
    }
  });
}

TEST_CASE("a key that nobody knows is refused by the reader and by the schema, in every object") {
  const Editor editor;
  for (const Shape& in : shapes()) {
    CAPTURE(in.name);
    const Tree tree = with(pointer_of(in.name) + "/xyzzy", "1");
    const LoadResult result = test::load(tree);
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].path.ends_with("xyzzy"));
    CHECK(result.errors[0].message.starts_with("unknown key; known here: "));
    CHECK_FALSE(editor.accepts(tree));
  }
}

TEST_CASE("the schema accepts what the reader accepts") {
  const Editor editor;
  CHECK(editor.complaint(full().dump()) == "");
  CHECK(editor.complaint("{}") == "");
  CHECK(editor.complaint(dump_text(default_config())) == "");
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    CHECK(editor.complaint(dump_text(RandomConfig(seed).draw())) == "");
  }
}

TEST_CASE("the schema refuses common slips that it can see") {
  const Editor editor;
  const std::pair<const char*, const char*> slips[] = {
      {"/portals/0/listen", "\"127.0.0.1\""},
      {"/portals/0/group", "0"},
      {"/targets/0/name", "\"lab\""},
      {"/targets/0/luns/0/lun", "16384"},
      {"/targets/0/luns/0/block_size", "520"},
      {"/targets/0/luns/0/backend/kind", "\"ram\""},
      {"/targets/0/luns/0/backend/size", "\"1G\""},
      {"/limits/login_timeout", "\"15\""},
      {"/targets/0/luns/0/vendor", "\"ninechars\""},
      {"/rules", "[{}]"},
      {"/targets/0/luns/0/naa", "\"5000c50012345678\""},
      {"/portals", "[]"},
  };
  for (const auto& [pointer, json] : slips) {
    CAPTURE(pointer);
    const Tree tree = with(pointer, json);
    CHECK_FALSE(editor.accepts(tree));
    CHECK_FALSE(test::load(tree).config);
  }
}

TEST_CASE("every example loads without a warning, fits the schema and survives a dump") {
  const Editor editor;
  std::size_t examples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(FAULTLUN_SOURCE_DIR "/config/examples")) {
    const std::string file = entry.path().string();
    CAPTURE(file);
    const LoadResult result = load_file(file);
    CAPTURE(all(result.errors));
    REQUIRE(result.config);
    CHECK(result.warnings.empty());
    CHECK(editor.complaint(contents(file)) == "");
    CHECK(config::load(dump_text(*result.config)).config == result.config);
    ++examples;
  }
  CHECK(examples >= 7);
}

TEST_CASE("docs/config.md has the reference that these keys make") {
  const std::string page = contents(FAULTLUN_SOURCE_DIR "/docs/config.md");
  const std::string begin = "<!-- reference: made from config/keys.cpp -->\n\n";
  const std::string end = "<!-- end of reference -->";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::string made = reference(shapes());
  const std::string written = page.substr(from + begin.size(), to - from - begin.size());
  if (written != made) MESSAGE("put this between the markers:\n" << made);
  CHECK(written == made);
}

TEST_CASE("docs/config.md tells of every example") {
  const std::string page = contents(FAULTLUN_SOURCE_DIR "/docs/config.md");
  for (const auto& entry :
       std::filesystem::directory_iterator(FAULTLUN_SOURCE_DIR "/config/examples")) {
    CAPTURE(entry.path().string());
    CHECK(page.find(entry.path().filename().string()) != std::string::npos);
  }
}

}  // namespace keys_test
