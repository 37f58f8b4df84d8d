#include "daemon/scenario_report.hpp"

#include "tests/unit/daemon/fake_scenario_host.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace scenario_report_test {

using namespace faultlun;
using namespace faultlun::daemon;
using namespace std::chrono_literals;
using faults::ScenarioVerdict;
using Is = ScenarioVerdict::Is;

namespace {

/// Names of the open tags at the end, and what is not well-formed; a small reader of XML.
struct Xml {
  std::string error;
  std::set<std::string> tags;
  std::map<std::string, std::size_t> count;

  explicit Xml(std::string_view text) { read(text); }

 private:
  void read(std::string_view text) {
    std::vector<std::string> open;
    if (!text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")) error = "no declaration";
    text.remove_prefix(std::min(text.find("?>") + 2, text.size()));
    while (!text.empty() && error.empty()) {
      if (text.front() != '<') {
        const auto end = std::min(text.find('<'), text.size());
        check(text.substr(0, end));
        text.remove_prefix(end);
        continue;
      }
      const auto end = text.find('>');
      if (end == std::string_view::npos) return fail("a tag without end");
      auto tag = text.substr(1, end - 1);
      text.remove_prefix(end + 1);
      if (tag.starts_with('/')) {
        if (open.empty() || open.back() != tag.substr(1)) return fail("a tag is closed wrongly");
        open.pop_back();
        continue;
      }
      const bool is_empty = tag.ends_with('/');
      if (is_empty) tag.remove_suffix(1);
      const std::string name(tag.substr(0, tag.find(' ')));
      ++count[name];
      read_attributes(tag.substr(name.size()));
      if (!is_empty) open.push_back(name);
    }
    if (error.empty() && !open.empty()) fail("a tag is open at the end");
  }

  void fail(const std::string& why) { error = why; }
  void check(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '<' || text[i] == '"') fail("a bare sign");
      if (text[i] != '&') continue;
      const auto rest = text.substr(i);
      bool known = false;
      for (const auto* entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
        known = known || rest.starts_with(entity);
      if (!known) fail("a bare ampersand");
    }
  }
  void read_attributes(std::string_view text) {
    std::set<std::string> names;
    while (!text.empty()) {
      const auto equals = text.find("=\"");
      if (text.front() != ' ' || equals == std::string_view::npos) return fail("no attribute");
      if (!names.insert(std::string(text.substr(1, equals - 1))).second)
        return fail("an attribute twice");
      const auto end = text.find('"', equals + 2);
      if (end == std::string_view::npos) return fail("an attribute without end");
      check(text.substr(equals + 2, end - equals - 2));
      text.remove_prefix(end + 1);
    }
  }
};

const faults::Scenario& flaky() {
  static const auto scenario = scenario_of(R"({"id":"flaky","states":{"ok":{"rules":[]},"hung":{}},
    "transitions":[{"from":"ok","to":"hung","when":{"after_ms":5}}],
    "expect":[{"that":"recovered","within_ms":60000,"after":"ok"},{"that":"no_data_loss"}]})");
  return scenario;
}

ScenarioVerdict verdict(Is is, bool first_passes) {
  ScenarioVerdict out;
  out.is = is;
  out.why = "it reached its end in hung";
  out.started = 2s;
  out.ended = 3500ms;
  out.findings = {{faults::That::recovered, first_passes, "a < b & \"c\""},
                  {faults::That::no_data_loss, true, "fine"},
                  {faults::That::must_fire, true, "fine"}};
  out.timeline = {{2s, 0, "the scenario began"}, {2005ms, 1, "<5ms> had passed"}};
  return out;
}

std::string attribute(const std::string& xml, const std::string& name) {
  const auto at = xml.find(" " + name + "=\"");
  REQUIRE(at != std::string::npos);
  const auto from = at + name.size() + 3;
  return xml.substr(from, xml.find('"', from) - from);
}

}  // namespace

TEST_CASE("a verdict as JSON has every expectation with its reason, and the timeline from 0") {
  const auto json = verdict_to_json(flaky(), verdict(Is::failed, false));
  CHECK(json["scenario"] == "flaky");
  CHECK(json["verdict"] == "failed");
  CHECK(json["took_us"] == 1'500'000);
  REQUIRE(json["expectations"].size() == 3);
  CHECK(json["expectations"][0]["expect"]["that"] == "recovered");
  CHECK(json["expectations"][0]["expect"]["after"] == "ok");
  CHECK(json["expectations"][0]["passed"] == false);
  CHECK(json["expectations"][2]["expect"]["that"] == "must_fire");
  CHECK(json["timeline"][1] ==
        config::Json({{"at_us", 5000}, {"state", "hung"}, {"why", "<5ms> had passed"}}));
  CHECK_FALSE(json.contains("timeline_left_out"));
  auto longer = verdict(Is::passed, true);
  longer.steps_left_out = 7;
  CHECK(verdict_to_json(flaky(), longer)["timeline_left_out"] == 7);
}

TEST_CASE("JUnit XML is well-formed, counts its cases, and escapes what reasons say") {
  const auto xml = junit_xml(flaky(), verdict(Is::failed, false));
  const Xml read(xml);
  CHECK(read.error == "");
  CHECK(read.count.at("testcase") == 3);
  CHECK(read.count.at("failure") == 1);
  CHECK(attribute(xml, "tests") == "3");
  CHECK(attribute(xml, "failures") == "1");
  CHECK(attribute(xml, "errors") == "0");
  CHECK(attribute(xml, "skipped") == "0");
  CHECK(attribute(xml, "time") == "1.500");
  CHECK(xml.find("message=\"a &lt; b &amp; &quot;c&quot;\"") != std::string::npos);
  CHECK(xml.find("0.005 s  hung  (&lt;5ms&gt; had passed)") != std::string::npos);
}

TEST_CASE("a run that failed for another reason than an expectation is an error of its own") {
  auto impossible = verdict(Is::failed, true);
  impossible.why = "there is no unit 7";
  const auto xml = junit_xml(flaky(), impossible);
  CHECK(Xml(xml).error == "");
  CHECK(attribute(xml, "tests") == "4");
  CHECK(attribute(xml, "failures") == "0");
  CHECK(attribute(xml, "errors") == "1");
  CHECK(xml.find("<error message=\"there is no unit 7\"/>") != std::string::npos);
}

TEST_CASE("a run that was not judged has all of its cases skipped") {
  for (const auto is : {Is::running, Is::settling, Is::stopped}) {
    const auto xml = junit_xml(flaky(), verdict(is, false));
    const Xml read(xml);
    CHECK(read.error == "");
    CHECK(attribute(xml, "skipped") == "3");
    CHECK(attribute(xml, "failures") == "0");
    CHECK(read.count.at("skipped") == 3);
  }
}

TEST_CASE("text for XML is escaped, and what no XML may hold becomes a question mark") {
  CHECK(xml_text("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&apos;");
  CHECK(xml_text("line\nnext\ttab") == "line\nnext\ttab");
  CHECK(xml_text(std::string_view("\0\x01\x1f\r", 4)) == "????");
  CHECK(xml_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe");
  CHECK(xml_text("\xc0\xaf") == "??");            // not the shortest form
  CHECK(xml_text("\xed\xa0\x80") == "???");       // a surrogate
  CHECK(xml_text("\xef\xbf\xbf") == "???");       // U+FFFF
  CHECK(xml_text("\xf4\x90\x80\x80") == "????");  // beyond U+10FFFF
  CHECK(xml_text("\xe2\x82") == "??");            // cut off
  CHECK(xml_text("") == "");
}

}  // namespace scenario_report_test
