#include "daemon/cli/commands.hpp"
#include "daemon/cli/plans.hpp"
#include "daemon/cli/views.hpp"

namespace faultlun::daemon::cli {
namespace {

using Goes = Option::Goes;
using Kind = Argument::Kind;
using Offer = Argument::Offer;
using Takes = Option::Takes;

Argument scenario_id() {
  return {.name = "ID", .meaning = "ID of the scenario", .offer = Offer::scenarios};
}

Option junit_option(std::string_view meaning, bool waits) {
  return {.name = "--junit",
          .takes = Takes::text,
          .value_name = "FILE",
          .goes = Goes::nowhere,
          .meaning = meaning,
          .waits = waits};
}

Option follow_option() {
  return {.name = "--follow",
          .letter = "-f",
          .goes = Goes::nowhere,
          .meaning = "stay until the verdict, and say on standard error which states it enters",
          .waits = true};
}

Option wait_option() {
  return {
      .name = "--wait",
      .goes = Goes::nowhere,
      .meaning = "stay until the verdict, without a word unless --follow or --junit is there, too",
      .waits = true};
}

constexpr std::string_view kJunitImplies = "write the verdict as JUnit XML, too; implies --follow";

Argument scenario_file() {
  return {.name = "SCENARIO",
          .meaning = "the scenario as JSON, a file, or - for standard input",
          .kind = Kind::document,
          .offer = Offer::files};
}

}  // namespace

// clang-format off
std::vector<Command> record_commands() {
  return {
    {.words = "journal", .method = "GET", .path = "/v1/journal",
     .summary = "what happened: commands, decisions of rules, task management, logins, changes",
     .options = {{.name = "--follow", .letter = "-f", .key = "follow", .meaning = "go on as things happen, until interrupted"},
                 {.name = "--since", .takes = Takes::text, .value_name = "CURSOR", .key = "since",
                  .meaning = "begin behind this cursor, or \"now\"; without it: with the oldest entry there is"},
                 {.name = "--since-mark", .takes = Takes::text, .value_name = "NAME", .key = "since_mark",
                  .meaning = "begin when this mark was set last"},
                 {.name = "--limit", .letter = "-n", .takes = Takes::number, .value_name = "COUNT", .key = "limit", .meaning = "entries at most"},
                 {.name = "--rule", .takes = Takes::text, .value_name = "ID", .key = "rule", .meaning = "only what this rule did"},
                 {.name = "--session", .takes = Takes::text, .value_name = "ALIAS", .key = "session",
                  .meaning = "only of this session; * and ? stand for anything"},
                 {.name = "--kind", .takes = Takes::text, .value_name = "KINDS", .key = "kind",
                  .meaning = "only entries of these kinds, with commas between: command,decision"},
                 {.name = "--decisions", .key = "decisions", .meaning = "only decisions and what they did"},
                 {.name = "--lun", .takes = Takes::number, .value_name = "LUN", .key = "lun", .meaning = "only of this logical unit"},
                 {.name = "--export", .takes = Takes::text, .value_name = "FILE", .goes = Goes::nowhere,
                  .meaning = "write what `faultlun replay` takes into the file (- for standard output)"}},
     .text = "Times are seconds since the start of the daemon. With --json: one object a line (NDJSON).",
     .examples = {{"faultlun journal --rule busy", "which commands the rule busy decided"},
                  {"faultlun journal -f --since now", "watch"},
                  {"faultlun journal --limit 20 --json", "for programs"},
                  {"faultlun journal --export run.ndjson", "a run to replay"}},
     .view = {.text = journal_line}, .plan = plan_journal, .flow = Flow::lines},

    {.words = "journal hash", .method = "GET", .path = "/v1/journal/hash",
     .summary = "one number for all decisions: equal runs have equal numbers",
     .examples = {{"faultlun journal hash", ""}}},

    {.words = "replay", .method = "POST", .path = "/v1/replay",
     .summary = "do again what a journal recorded, instead of deciding by rules",
     .arguments = {{.name = "FILE", .meaning = "what journal --export wrote, or -", .kind = Kind::file, .offer = Offer::files}},
     .examples = {{"faultlun replay run.ndjson", "then run the same commands again"}}},

    {.words = "replay status", .method = "GET", .path = "/v1/replay",
     .summary = "how far the replay is, and where a host did something else",
     .examples = {{"faultlun replay status", ""}}},

    {.words = "replay stop", .method = "DELETE", .path = "/v1/replay",
     .summary = "end the replay; rules decide again",
     .examples = {{"faultlun replay stop", ""}}},

    {.words = "scenario put", .method = "PUT", .path = "/v1/scenarios/{id}",
     .summary = "add a scenario, or replace the one with its ID",
     .arguments = {scenario_file()}, .options = {dry_run_option()},
     .examples = {{"faultlun scenario put flaky.json", ""}},
     .view = {.text = scenario_put_text}, .plan = plan_scenario_put},

    {.words = "scenario ls", .method = "GET", .path = "/v1/scenarios",
     .summary = "list the scenarios and the state of each",
     .examples = {{"faultlun scenario ls", ""}},
     .view = {.list = "/scenarios",
              .columns = {{"ID", "/id"}, {"RUNNING", "/running"}, {"STATE", "/state"}, {"VERDICT", "/verdict"}},
              .none = "no scenarios"}},

    {.words = "scenario get", .method = "GET", .path = "/v1/scenarios/{id}",
     .summary = "show a scenario and its current state",
     .arguments = {scenario_id()},
     .examples = {{"faultlun scenario get flaky", ""}},
     .view = {.text = scenario_text}},

    {.words = "scenario rm", .method = "DELETE", .path = "/v1/scenarios/{id}",
     .summary = "remove a scenario",
     .arguments = {scenario_id()},
     .examples = {{"faultlun scenario rm flaky", ""}}},

    {.words = "scenario start", .method = "POST", .path = "/v1/scenarios/{id}/start",
     .summary = "start a scenario in its first state; exit status 1 when its verdict is failed",
     .arguments = {scenario_id()},
     .options = {follow_option(), wait_option(), junit_option(kJunitImplies, true)},
     .examples = {{"faultlun scenario start flaky", "start and go on"},
                  {"faultlun scenario start flaky --follow", "see what happens"}},
     .view = {.text = verdict_text}, .flow = Flow::scenario_run,
     .more_calls = "GET /v1/scenarios/{id}/follow,GET /v1/scenarios/{id}/result"},

    {.words = "scenario stop", .method = "POST", .path = "/v1/scenarios/{id}/stop",
     .summary = "stop a scenario; its rules go, and it is judged; exit status 1 when its verdict is failed",
     .arguments = {scenario_id()},
     .options = {{.name = "--discard", .key = "discard", .meaning = "break it off, without a judgement"}},
     .examples = {{"faultlun scenario stop flaky", ""}},
     .view = {.text = verdict_text}, .flow = Flow::verdict},

    {.words = "scenario goto", .method = "POST", .path = "/v1/scenarios/{id}/goto",
     .summary = "make a running scenario enter a state now",
     .arguments = {scenario_id(), {.name = "STATE", .meaning = "name of the state"}},
     .examples = {{"faultlun scenario goto flaky hung", ""}},
     .view = {.text = verdict_text},
     .plan = plan_scenario_goto},

    {.words = "scenario result", .method = "GET", .path = "/v1/scenarios/{id}/result",
     .summary = "the verdict; exit status 1 when it is failed",
     .arguments = {scenario_id()},
     .options = {{.name = "--wait", .key = "wait", .meaning = "wait for the end of the scenario", .waits = true},
                 {.name = "--format", .takes = Takes::text, .value_name = "FORMAT", .key = "format", .meaning = "junit: as JUnit XML"},
                 junit_option("write it as JUnit XML, too", false)},
     .examples = {{"faultlun scenario result flaky", ""},
                  {"faultlun scenario result flaky --format junit", "for a build server"},
                  {"faultlun scenario result flaky --wait --junit out.xml", ""}},
     .view = {.text = verdict_text}, .flow = Flow::verdict},

    {.words = "scenario run", .method = "PUT", .path = "/v1/scenarios/{id}",
     .summary = "put and start a scenario; with --follow or --wait exit status 1 when its verdict is failed",
     .arguments = {scenario_file()},
     .options = {follow_option(), wait_option(), junit_option(kJunitImplies, true)},
     .examples = {{"faultlun scenario run flaky.json", "start and go on"},
                  {"faultlun scenario run flaky.json --wait --junit out.xml", "a test with an exit status"}},
     .view = {.text = verdict_text}, .plan = plan_scenario_put, .flow = Flow::scenario_run,
     .more_calls = "POST /v1/scenarios/{id}/start,GET /v1/scenarios/{id}/follow,GET /v1/scenarios/{id}/result"},

    {.words = "event", .method = "POST", .path = "/v1/events/{name}",
     .summary = "raise an event that scenarios may wait for",
     .arguments = {{.name = "NAME", .meaning = "name of the event"}},
     .examples = {{"faultlun event operator.reset", ""}}},

    {.words = "mark", .method = "POST", .path = "/v1/marks/{name}",
     .summary = "set a mark in the journal",
     .arguments = {{.name = "NAME", .meaning = "name of the mark"}},
     .examples = {{"faultlun mark before-upgrade", "then: faultlun journal --since-mark before-upgrade"}}},
  };
}
// clang-format on

}  // namespace faultlun::daemon::cli
