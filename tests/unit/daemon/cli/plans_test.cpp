#include "daemon/cli/plans.hpp"

#include "daemon/cli/parse.hpp"
#include "tests/unit/daemon/cli/shell_words.hpp"

#include <doctest/doctest.h>

#include <string>

namespace plans_test {

using namespace faultlun::daemon::cli;

namespace {

Planned planned(std::string_view line) {
  const auto parsed = parse(shell_words(line));
  CHECK(parsed.errors == "");
  REQUIRE(parsed.invocation);
  return plan_request(parsed.invocation->call);
}

std::string call_of(std::string_view line) {
  const auto out = planned(line);
  CHECK(out.error == "");
  return out.plan.method + " " + out.plan.path + (out.plan.body.empty() ? "" : " " + out.plan.body);
}

}  // namespace

TEST_CASE("arguments fill the path, percent-encoded") {
  CHECK(call_of("faultlun rule get busy") == "GET /v1/rules/busy");
  CHECK(call_of("faultlun rule get 'a b/c?d'") == "GET /v1/rules/a%20b%2Fc%3Fd");
  CHECK(call_of("faultlun rule arm busy") == "POST /v1/rules/busy/arm");
  CHECK(call_of("faultlun session logout 7") == "POST /v1/sessions/7/logout");
  CHECK(call_of("faultlun event operator.reset") == "POST /v1/events/operator.reset");
}

TEST_CASE("a last part of the path without its argument is left out") {
  CHECK(call_of("faultlun lun heal 0 17") == "DELETE /v1/luns/0/overlays/17");
  CHECK(call_of("faultlun lun heal 0") == "DELETE /v1/luns/0/overlays");
}

TEST_CASE("options become the query: flags as 1, durations in milliseconds, text encoded") {
  CHECK(call_of("faultlun rule rm busy --drain") == "DELETE /v1/rules/busy?drain=1");
  CHECK(call_of("faultlun rule ls --owner 'a&b' --tag t") == "GET /v1/rules?owner=a%26b&tag=t");
  CHECK(call_of("faultlun rule predict busy --key lba:8 --from 5 -n 30") ==
        "GET /v1/rules/busy/predict?key=lba%3A8&from=5&n=30");
  CHECK(call_of("faultlun lease keep ci --ttl 2min") == "PUT /v1/leases/ci?ttl_ms=120000");
  CHECK(call_of("faultlun lease keep ci --ttl=1500us") == "PUT /v1/leases/ci?ttl_ms=2");
  CHECK(call_of("faultlun journal -f --since now --json") == "GET /v1/journal?follow=1&since=now");
  CHECK(call_of("faultlun journal --export run.ndjson --session a") ==
        "GET /v1/journal?session=a&export=1");
}

TEST_CASE("an entity tag gets its quotes") {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  CHECK(planned("faultlun rule rm busy --if-match r17").plan.headers ==
        Headers{{"If-Match", "\"r17\""}});
  CHECK(planned("faultlun rule rm busy --if-match '\"r17\"'").plan.headers ==
        Headers{{"If-Match", "\"r17\""}});
  CHECK(planned("faultlun rule rm busy --if-match '*'").plan.headers == Headers{{"If-Match", "*"}});
}

TEST_CASE("one rule goes to its own path, a set is populated, all else is for the API to refuse") {
  CHECK(call_of(R"(faultlun rule put '{"id":"busy"}')") == R"(PUT /v1/rules/busy {"id":"busy"})");
  CHECK(call_of(R"(faultlun rule put '{"id":"busy"}' --dry-run --drain)") ==
        R"(PUT /v1/rules/busy?dry_run=1&drain=1 {"id":"busy"})");
  CHECK(call_of(R"(faultlun rule put '{"rules":[]}' --drain)") ==
        R"(POST /v1/populate?drain=1 {"rules":[]})");
  CHECK(call_of(R"(faultlun rule put '[]')") == "POST /v1/populate []");
  CHECK(call_of(R"(faultlun rule put '{"effect":{}}')") == R"(POST /v1/rules {"effect":{}})");
  CHECK(call_of(R"(faultlun rule put '{"id":7}')") == R"(POST /v1/rules {"id":7})");
  CHECK(call_of(R"(faultlun rule put '{oops')") == "POST /v1/rules {oops");
  CHECK(call_of(R"(faultlun rule check '{"id":"busy"}')") ==
        R"(PUT /v1/rules/busy?dry_run=1 {"id":"busy"})");
  CHECK(planned(R"(faultlun rule put '[]' --if-match r1)").error.starts_with("--if-match: "));
}

TEST_CASE("bodies are made where the command line has words instead") {
  CHECK(call_of("faultlun lun change 0 lu.offline") ==
        R"(POST /v1/luns/0/change {"do":"lu.offline"})");
  CHECK(call_of(R"(faultlun lun change 0 ua.queue '{"asc":"29/01"}')") ==
        R"(POST /v1/luns/0/change {"do":"ua.queue","asc":"29/01"})");
  CHECK(call_of("faultlun scenario goto flaky hung") ==
        R"(POST /v1/scenarios/flaky/goto {"state":"hung"})");
  CHECK(call_of("faultlun held release") == "POST /v1/held/release {}");
  CHECK(call_of("faultlun held release --tag a --lun 0 --order seeded --seed 0x7") ==
        R"(POST /v1/held/release {"tag":"a","lun":0,"order":"seeded","seed":"0x7"})");
  CHECK(planned("faultlun lun change 0 lu.offline '[1]'").error.find("no JSON object") !=
        std::string::npos);
}

TEST_CASE("a scenario goes to the path of its ID and needs one") {
  CHECK(call_of(R"(faultlun scenario put '{"id":"flaky"}')") ==
        R"(PUT /v1/scenarios/flaky {"id":"flaky"})");
  CHECK(planned(R"(faultlun scenario run '{"states":{}}')").error.find("\"id\"") !=
        std::string::npos);
}

TEST_CASE("any call can be made as it is, and nothing that is none") {
  CHECK(call_of("faultlun api get /v1/rules?source=config") == "GET /v1/rules?source=config");
  CHECK(call_of("faultlun api PUT /v1/rules/a '{}'") == "PUT /v1/rules/a {}");
  CHECK(planned("faultlun api 'GET /' /v1/rules").error.starts_with("METHOD: "));
  CHECK(planned("faultlun api GET v1/rules").error.starts_with("PATH: "));
  CHECK(planned("faultlun api GET '/v1/a b'").error.starts_with("PATH: "));
}

}  // namespace plans_test
