#include "tests/unit/config/rule_bench.hpp"

namespace rules_gate_test {

using namespace faultlun;
using namespace faultlun::config;
using namespace faultlun::config::test;
using faults::Ratio;
using faults::Time;
using faults::Window;
using namespace std::chrono_literals;

namespace {

faults::Gate gate_of(std::string_view members) {
  return good_with("\"gate\": {" + std::string(members) + "}").gate;
}
faults::Life life_of(std::string_view members) {
  return good_with("\"gate\": {\"times\": 1}, \"life\": {" + std::string(members) + "}").life;
}

}  // namespace

TEST_CASE("every key of a gate arrives") {
  const auto gate =
      gate_of(R"("key": "content", "skip": 10, "every": "0x32", "burst": 3, "repeat": 5, "times": 7,
    "p": 0.02, "run_gate": "1/3", "budget_bytes": "1MiB", "window": {"since": "mark", "mark": "m", "after_ms": 5, "for": "2s"},
    "cycle": {"up_s": 1, "down": "250ms"}, "max_active": 4)");
  CHECK(gate.key == faults::Key::content);
  CHECK(gate.skip == 10);
  CHECK(gate.every == 50);
  CHECK(gate.burst == 3);
  CHECK(gate.repeat == 5);
  CHECK(gate.times == 7);
  CHECK(gate.probability == Ratio{1, 50});
  CHECK(gate.run_gate == Ratio{1, 3});
  CHECK(gate.budget_bytes == 1u << 20);
  CHECK(gate.window == Window{Window::Since::mark, "m", 5ms, Time(2s)});
  CHECK(gate.cycle == faults::Cycle{1s, 250ms});
  CHECK(gate.max_active == 4);
  CHECK(gate_of(R"("nth": 7, "times": 1)").nth == 7);
}

TEST_CASE("a duration is a string, or a whole number under a key with its unit") {
  const Window wanted{Window::Since::arm, "", {}, Time(4900ms)};
  for (const char* text : {R"("for": "4900ms")", R"("for_ms": 4900)", R"("for_us": 4900000)",
                           R"("for_us": "0x4ac4a0")"})
    CHECK(gate_of("\"window\": {" + std::string(text) + "}").window == wanted);
  CHECK(gate_of(R"("window": {"for_s": 5})").window->length == Time(5s));
}

TEST_CASE("every key of a life arrives") {
  const auto life =
      life_of(R"("armed": false, "priority": -3, "ttl_ms": 60000, "lease": "l", "owner": "me",
    "tags": ["a", "b"], "on_exhaust": {"goto": "next"}, "once_per": "lba", "scope": "global", "must_fire": true)");
  CHECK_FALSE(life.armed);
  CHECK(life.priority == -3);
  CHECK(life.ttl == Time(60s));
  CHECK(life.lease == "l");
  CHECK(life.owner == "me");
  CHECK(life.tags == std::vector<std::string>{"a", "b"});
  CHECK(life.on_exhaust == faults::OnExhaust::go_to);
  CHECK(life.on_exhaust_name == "next");
  CHECK(life.once_per == faults::OncePer::lba);
  CHECK(life.global);
  CHECK(life.must_fire);
  CHECK(life_of(R"("on_exhaust": "disarm")").on_exhaust == faults::OnExhaust::disarm);
  CHECK(life_of(R"("on_exhaust": "remove")").on_exhaust == faults::OnExhaust::remove);
  CHECK(life_of(R"("on_exhaust": {"emit": "e"})").on_exhaust == faults::OnExhaust::emit);
  CHECK(life_of(R"("once_per": "session")").once_per == faults::OncePer::session);
  CHECK(life_of(R"("once_per": "run")").once_per == faults::OncePer::run);
}

TEST_CASE("what a gate does not take is refused at its path") {
  constexpr Bad rows[] = {
      {R"("gate": 5)", "gate", "object"},
      {R"("gate": {"evry": 3})", "gate.evry", "did you mean \"every\""},
      {R"("gate": {"key": "lbaa"})", "gate.key", "did you mean \"lba\""},
      {R"("gate": {"skip": -1})", "gate.skip", "whole number"},
      {R"("gate": {"every": 0})", "gate.every", "from 1"},
      {R"("gate": {"burst": 0})", "gate.burst", "from 1"},
      {R"("gate": {"repeat": 0, "burst": 1})", "gate.repeat", "from 1"},
      {R"("gate": {"times": 0})", "gate.times", "from 1"},
      {R"("gate": {"nth": 0})", "gate.nth", "from 1"},
      {R"("gate": {"nth": 1.5})", "gate.nth", "whole number"},
      {R"("gate": {"p": 1.1})", "gate.p", "from 0 to 1"},
      {R"("gate": {"p": -0.1})", "gate.p", "negative"},
      {R"("gate": {"p": "half"})", "gate.p", "no number"},
      {R"("gate": {"p": null})", "gate.p", "0.25"},
      {R"("gate": {"run_gate": 2})", "gate.run_gate", "from 0 to 1"},
      {R"("gate": {"budget_bytes": 0})", "gate.budget_bytes", "waits for nothing"},
      {R"("gate": {"budget_bytes": "1G"})", "gate.budget_bytes", "unknown unit"},
      {R"("gate": {"window": []})", "gate.window", "object"},
      {R"("gate": {"window": {"for": 5}})", "gate.window.for", "250ms"},
      {R"("gate": {"window": {"for": "0s"}})", "gate.window.for", "from 1us"},
      {R"("gate": {"window": {"for_ms": 0}})", "gate.window.for_ms", "from 1"},
      {R"("gate": {"window": {"for_ms": "5ms"}})", "gate.window.for_ms", "whole number"},
      {R"("gate": {"window": {"for": "5s", "for_ms": 5}})", "gate.window.for_ms", "keep one"},
      {R"("gate": {"window": {"after_s": 1, "after_ms": 5, "for_s": 1}})", "gate.window.after_s",
       "keep one"},
      {R"("gate": {"window": {"for_min": 5}})", "gate.window.for_min", "did you mean \"for\""},
      {R"("gate": {"window": {"since": "start", "for_s": 1}})", "gate.window.since",
       "arm, mark and state"},
      {R"("gate": {"cycle": {"up": "1s"}})", "gate.cycle.down", "missing"},
      {R"("gate": {"cycle": {"up": "0s", "down": "0s"}})", "gate.cycle.up", "from 1us"},
      {R"("gate": {"cycle": {"up_ms": 0, "down_ms": 0}})", "gate.cycle.up_ms", "from 1"},
      {R"("gate": {"max_active": 0})", "gate.max_active", "from 1"},
      {R"("gate": {"scope": "global"})", "gate.scope", "unknown key"},
  };
  check_all_bad(rows);
}

TEST_CASE("what a life does not take is refused at its path") {
  const std::string long_name(65, 'x');
  constexpr Bad rows[] = {
      {R"("life": [])", "life", "object"},
      {R"("life": {"ttl": 60000})", "life.ttl", "250ms"},
      {R"("life": {"ttl": "0s"})", "life.ttl", "from 1us"},
      {R"("life": {"ttl": "10001h"})", "life.ttl", "too long"},
      {R"("life": {"armed": "yes"})", "life.armed", "true or false"},
      {R"("life": {"priority": 1000001})", "life.priority", "-1000000 to 1000000"},
      {R"("life": {"priority": 1.5})", "life.priority", "whole number"},
      {R"("life": {"lease": ""})", "life.lease", "empty"},
      {R"("life": {"owner": 5})", "life.owner", "string"},
      {R"("life": {"tags": "a"})", "life.tags", "array"},
      {R"("life": {"tags": [""]})", "life.tags[0]", "empty"},
      {R"("life": {"on_exhaust": "explode"}, "gate": {"times": 1})", "life.on_exhaust",
       "disarm and remove"},
      {R"("life": {"on_exhaust": "goto"}, "gate": {"times": 1})", "life.on_exhaust",
       "{\"goto\": \"NAME\"}"},
      {R"("life": {"on_exhaust": {"goto": ""}}, "gate": {"times": 1})", "life.on_exhaust.goto",
       "empty"},
      {R"("life": {"on_exhaust": {}}, "gate": {"times": 1})", "life.on_exhaust", "empty"},
      {R"("life": {"on_exhaust": {"goto": "a", "emit": "b"}}, "gate": {"times": 1})",
       "life.on_exhaust", "keep one"},
      {R"("life": {"once_per": "day"})", "life.once_per", "session, lba and run"},
      {R"("life": {"scope": "everywhere"})", "life.scope", "session and global"},
      {R"("life": {"must_fire": 1})", "life.must_fire", "true or false"},
  };
  check_all_bad(rows);
  check_bad(rule_with("\"life\": {\"owner\": \"" + long_name + "\"}"), "life.owner",
            "the most is 64");
  check_bad(
      rule_with(
          R"("life": {"tags": ["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]})"),
      "life.tags", "the most is 16");
}

}  // namespace rules_gate_test
