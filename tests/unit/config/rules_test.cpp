#include "tests/unit/config/rule_bench.hpp"

#include <algorithm>

namespace rules_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using namespace std::chrono_literals;

namespace {

/// The eight examples of the fault model, 9.1.
constexpr const char* kExamples[] = {
    R"({"id":"weak-sectors","match":{"lun":1,"op":"read","lba":{"start":4096,"len":64}},
 "effect":{"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}},
 "note":"LSE that a rewrite repairs; good blocks before the bad one are returned"})",
    R"({"id":"busy-4900ms","match":{"initiator":"iqn.1991-05.com.microsoft:*","lun":0,"op":"any"},
 "gate":{"window":{"since":"arm","for_ms":4900}},
 "effect":{"scsi.status":{"status":"BUSY"}},"life":{"ttl_ms":60000}})",
    R"({"id":"third-time-lucky","match":{"op":["read","write"],"attempt":{"max":2}},
 "gate":{"p":0.02,"key":"content"},
 "effect":{"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}},
 "note":"2 % of distinct commands fail twice, then work: does the host retry at least twice?"})",
    R"({"id":"tail","match":{"op":"write"},
 "gate":{"p":0.01},
 "effect":[{"time.service":{"dist":"lognormal","median_us":900,"sigma":0.6,"at_least":true,"lanes":8}},
           {"time.stall":{"every_ms":20000,"for_ms":1500,"jitter_ms":200}}]})",
    R"({"id":"parity-burst","match":{"lun":0,"op":"write","blocks":{"min":128}},
 "gate":{"skip":10,"burst":3,"repeat":5,"every":50},
 "effect":{"scsi.parity":{"variant":"47/01"}},"life":{"on_exhaust":"disarm"}})",
    R"({"id":"cut-mid-datain","where":"pdu.tx","match":{"pdu":"data-in","lun":0,"op":"read"},
 "gate":{"nth":7,"times":1},
 "effect":{"tcp.reset":{"mid_pdu":true,"at_byte":117}}})",
    R"({"id":"abort-ladder","match":{"lun":2},
 "effect":{"tmf.ladder":[{"tmf":"ABORT_TASK","do":"fail"},{"tmf":"LOGICAL_UNIT_RESET","do":"never"},
                         {"tmf":"TARGET_COLD_RESET","do":"ok","delay_ms":3000}]}})",
    R"({"id":"lost-write","match":{"lun":1,"op":"write","payload":{"offset":0,"hex":"4649 4c45"}},
 "gate":{"times":1},
 "effect":{"data.lost_write":{"ack":"good","poison":"p1"}},
 "note":"NTFS MFT record (FILE) silently dropped; oracle reports if the host ever notices"})",
};

/// The example as far as this version has its faults: without them it observes.
faults::Rule example(std::size_t number) {
  Json tree = Json::parse(kExamples[number]);
  bool known = true;
  Json effects = tree["effect"].is_array() ? tree["effect"] : Json::array({tree["effect"]});
  for (const Json& object : effects)
    for (const auto& [id, ignored] : object.items())
      known = known && faults::find_fault(id) != nullptr;
  if (!known) {
    tree.erase("effect");
    tree["observe"] = true;
  }
  Problems problems;
  auto rule = read_rule(Value(&tree, "", problems));
  std::string text;
  for (const Problem& problem : problems.list())
    text += to_text(problem) + "\n";
  CAPTURE(number);
  CAPTURE(text);
  REQUIRE(rule);
  CHECK(known == !rule->effects.empty());
  return *rule;
}

std::string errors_of(std::string_view text) {
  const LoadRules loaded = load_rules(text);
  CHECK(loaded.rules.has_value() == loaded.errors.empty());
  std::string out;
  for (const Problem& problem : loaded.errors)
    out += to_text(problem) + "\n";
  return out;
}

/// A set of observing rules.
std::string set_of(std::initializer_list<const char*> ids) {
  std::string out = "[";
  for (const char* id : ids)
    out += std::string(out.size() > 1 ? ",\n" : "") + R"({"observe": true, "id": ")" + id + "\"}";
  return out + "]";
}

}  // namespace

TEST_CASE("the examples of the fault model say what they seem to say") {
  const auto weak = example(0);
  CHECK(weak.match.luns == std::vector<std::uint16_t>{1});
  CHECK(weak.match.lbas ==
        std::vector<faults::LbaMatch>{{4096, 64, faults::LbaMatch::Mode::overlap}});
  const auto busy = example(1);
  CHECK(busy.gate.window->length == faults::Time(4900ms));
  CHECK(busy.life.ttl == faults::Time(60s));
  CHECK(busy.match.initiators == std::vector<std::string>{"iqn.1991-05.com.microsoft:*"});
  const auto third = example(2);
  CHECK(third.gate.probability == faults::Ratio{1, 50});
  CHECK(third.gate.key == faults::Key::content);
  CHECK(third.match.attempt == faults::NumberRange{0, 2});
  CHECK(third.match.operations.size() == 2);
  CHECK(example(3).gate.probability == faults::Ratio{1, 100});
  const auto parity = example(4);
  CHECK(parity.gate.skip == 10);
  CHECK(parity.gate.burst == 3);
  CHECK(parity.gate.repeat == 5);
  CHECK(parity.gate.every == 50);
  CHECK(parity.life.on_exhaust == faults::OnExhaust::disarm);
  CHECK(parity.match.blocks == faults::NumberRange{128, UINT64_MAX});
  CHECK(example(6).match.luns == std::vector<std::uint16_t>{2});
  const auto lost = example(7);
  CHECK(lost.gate.times == 1);
  CHECK(lost.match.payloads ==
        std::vector<faults::MaskedOctets>{{0, {0x46, 0x49, 0x4c, 0x45}, {}}});
}

TEST_CASE("the example about PDUs waits for a version that decides there, and says so") {
  const Json tree = Json::parse(kExamples[5]);
  Problems problems;
  CHECK_FALSE(read_rule(Value(&tree, "", problems)));
  std::vector<std::string> paths;
  for (const Problem& problem : problems.list())
    paths.push_back(problem.path);
  CHECK(std::ranges::find(paths, "match.pdu") != paths.end());
  if (faults::find_fault("tcp.reset") == nullptr)
    CHECK(std::ranges::find(paths, "effect.tcp.reset") != paths.end());
}

TEST_CASE("a rule has an ID of 1 to 64 letters, digits, dots, underscores and dashes") {
  CHECK(good(R"({"id": "a", "observe": true})").id == "a");
  CHECK(good(R"({"id": ")" + std::string(64, 'x') + R"(", "observe": true})").id.size() == 64);
  CHECK(good(R"({"id": "A-Z.a_z.09", "observe": true})").id == "A-Z.a_z.09");
  check_bad(R"({"observe": true})", "id", "missing");
  check_bad(R"({"id": "", "observe": true})", "id", "empty");
  check_bad(R"({"id": 5, "observe": true})", "id", "string");
  for (const char* id : {"a b", "a/b", "é", "*", "a,b", "a:b"})
    check_bad(R"({"observe": true, "id": ")" + std::string(id) + "\"}", "id", "no name of a rule");
  check_bad(R"({"observe": true, "id": ")" + std::string(65, 'x') + "\"}", "id",
            "no name of a rule");
}

TEST_CASE("a rule takes its ID from a path, and may repeat it") {
  CHECK(read(R"({"observe": true})", "busy").rule->id == "busy");
  CHECK(read(R"({"observe": true, "id": "busy"})", "busy").rule->id == "busy");
  const Read other = read(R"({"observe": true, "id": "bsy"})", "busy");
  CHECK_FALSE(other.rule);
  CHECK(other.text() == "id: is \"bsy\", and the path names \"busy\"; leave it out\n");
  CHECK_FALSE(read(R"({"observe": true})", "a b").rule);
}

TEST_CASE("a rule without an effect must say that it only observes") {
  check_bad(R"({"id": "r"})", "effect", "missing");
  check_bad(R"({"id": "r", "observe": false})", "effect", "missing");
  check_bad(R"({"id": "r", "observe": 1, "effect": {"test.every": {}}})", "observe",
            "true or false");
  CHECK(good(R"({"id": "r", "observe": true})").effects.empty());
  CHECK(good(R"({"id": "r", "observe": true, "effect": {"test.every": {}}})").observe);
}

TEST_CASE("every problem of a rule is found at once") {
  const Read result =
      read(R"({"id": "a b", "where": "x", "match": {"lun": "x", "op": "raed"}, "gate": {"every": 0},
    "effect": {"x": 1}, "life": {"ttl": 5}, "observe": 1, "note": 1, "effcet": {}})");
  CHECK(result.problems.size() == 10);
}

TEST_CASE("a note is limited") {
  CHECK(good(R"({"observe": true, "id": "r", "note": ")" + std::string(kMaxNoteBytes, 'x') + "\"}")
            .note.size() == 1024);
  check_bad(
      R"({"observe": true, "id": "r", "note": ")" + std::string(kMaxNoteBytes + 1, 'x') + "\"}",
      "note", "the most is 1024");
}

TEST_CASE("a set is an array, or an object with one") {
  CHECK(load_rules(set_of({"a", "b"})).rules->size() == 2);
  CHECK(load_rules(R"({"$schema": "x", "rules": )" + set_of({"a"}) + "}").rules->size() == 1);
  CHECK(load_rules("[]").rules->empty());
  CHECK(errors_of("{}").find("rules: missing") != std::string::npos);
  CHECK(errors_of(R"({"ruels": []})").find("did you mean \"rules\"") != std::string::npos);
  CHECK(errors_of("5").find("object") != std::string::npos);
  CHECK(errors_of("").find("empty") != std::string::npos);
  CHECK(errors_of("[,]").find("line 1") != std::string::npos);
  CHECK(errors_of("[5]").starts_with("line 1: [0]: "));
}

TEST_CASE("an error in a set has its line and its path") {
  CHECK(errors_of("[{\"id\": \"a\",\n\"observe\": true,\n\"gate\": {\"every\": 0}}]")
            .starts_with("line 3: [0].gate.every: is 0; write"));
  CHECK(errors_of(
            "{\"rules\": [{\"id\": \"a\",\n\"observe\": true,\n\"match\": {\n\"lun\": \"x\"}}]}")
            .starts_with("line 4: rules[0].match.lun: "));
}

TEST_CASE("no two rules of a set have the same ID") {
  CHECK(errors_of(set_of({"a", "b", "a"}))
            .starts_with("line 3: [2].id: \"a\" is also the ID of [0]; every rule"));
}

TEST_CASE("a rule that another one follows must be in the set") {
  const std::string set = R"([{"id": "first", "observe": true},
    {"id": "second", "observe": true, "match": {"after_fault": {"rule": "NAME"}}}])";
  const auto named = [&](const char* name) {
    std::string out = set;
    return out.replace(out.find("NAME"), 4, name);
  };
  CHECK(errors_of(named("first")).empty());
  CHECK(errors_of(named("frist")).find("did you mean \"first\"") != std::string::npos);
}

TEST_CASE("a set has at most 20000 rules") {
  const auto many = [](std::size_t count) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i)
      out += std::string(i == 0 ? "" : ",") + "{\"observe\":true,\"id\":\"r" + std::to_string(i) +
             "\"}";
    return out + "]";
  };
  CHECK(load_rules(many(faults::kMaxRules)).rules->size() == faults::kMaxRules);
  CHECK(errors_of(many(faults::kMaxRules + 1)).find("the most is 20000") != std::string::npos);
}

TEST_CASE("the rules of a set name at most a million LUNs") {
  const auto many = [](std::size_t count) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i)
      out += std::string(i == 0 ? "" : ",") +
             R"({"match":{"lun":"0-9999"},"observe":true,"id":"r)" + std::to_string(i) + "\"}";
    return out + "]";
  };
  CHECK(load_rules(many(100)).rules);
  CHECK(errors_of(many(103)).starts_with(
      "line 1: [100].match.lun: with this the rules name more than 1000000"));
}

TEST_CASE("a file of rules that cannot be read is an error like the others") {
  const LoadRules loaded = load_rules_file("no-such-file.json");
  CHECK_FALSE(loaded.rules);
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].message.find("cannot be opened") != std::string::npos);
}

}  // namespace rules_test
