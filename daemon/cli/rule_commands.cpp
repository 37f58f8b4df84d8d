#include "daemon/cli/commands.hpp"
#include "daemon/cli/plans.hpp"
#include "daemon/cli/views.hpp"

namespace faultlun::daemon::cli {
namespace {

using Kind = Argument::Kind;
using Offer = Argument::Offer;
using Takes = Option::Takes;

Argument fault_id(bool is_required) {
  return {.name = "ID",
          .meaning = "ID of the fault, like scsi.status",
          .is_required = is_required,
          .offer = Offer::faults};
}

Argument document(std::string_view name, std::string_view meaning) {
  return {.name = name, .meaning = meaning, .kind = Kind::document, .offer = Offer::files};
}

Command life(std::string_view words, std::string_view path, std::string_view summary,
             std::string_view line, std::string_view meaning) {
  return {.words = words,
          .method = "POST",
          .path = path,
          .summary = summary,
          .arguments = {rule_id()},
          .options = {drain_option(), if_match_option()},
          .examples = {{line, meaning}},
          .view = {.text = change_text}};
}

}  // namespace

// clang-format off
std::vector<Command> rule_commands() {
  return {
    {.words = "rule ls", .method = "GET", .path = "/v1/rules",
     .summary = "list the rules in order of evaluation, with their counters",
     .options = {{.name = "--owner", .takes = Takes::text, .value_name = "NAME", .key = "owner", .meaning = "only of this owner"},
                 {.name = "--tag", .takes = Takes::text, .value_name = "TAG", .key = "tag", .meaning = "only with this tag"},
                 {.name = "--source", .takes = Takes::text, .value_name = "SOURCE", .key = "source",
                  .meaning = "only from config, api or scenario:ID"}},
     .examples = {{"faultlun rule ls", "all of them"},
                  {"faultlun rule ls --source config", "those that the configuration brought"},
                  {"faultlun rule ls --json", "with everything that is known of them, for programs"}},
     .view = {.text = rules_text}},

    {.words = "rule get", .method = "GET", .path = "/v1/rules/{id}",
     .summary = "show one rule with its counters",
     .arguments = {rule_id()},
     .examples = {{"faultlun rule get busy", ""}},
     .view = {.text = rule_text}},

    {.words = "rule put", .method = "PUT", .path = "/v1/rules/{id}",
     .summary = "add a rule, or replace the one with its ID",
     .arguments = {document("RULE", "the rule as JSON, a file, or - for standard input; {\"rules\": [...]} puts several, all or none")},
     .options = {dry_run_option(), drain_option(), if_match_option()},
     .text = "The rule is in force in every session when the command returns; the barrier names the first command (CmdSN) of "
             "each session that is decided with it. The same rule again changes nothing.",
     .examples = {{R"~(faultlun rule put '{"id":"busy","match":{"op":"READ(10)"},"gate":{"every":3},"effect":{"scsi.status":{"status":"BUSY"}}}')~",
                   "every third READ(10) is answered BUSY"},
                  {"faultlun rule put busy.json", "from a file"},
                  {"faultlun rule put rules.json --drain", "several at once, and wait for the commands that were decided before"},
                  {"faultlun rule put - < busy.json", "from standard input"}},
     .view = {.text = change_text}, .plan = plan_rule_put, .more_calls = "POST /v1/rules,POST /v1/populate"},

    {.words = "rule patch", .method = "PATCH", .path = "/v1/rules/{id}",
     .summary = "change parts of a rule (JSON Merge Patch); it starts anew",
     .arguments = {rule_id(), document("CHANGES", "what is to be different, as JSON, a file or -; null takes a member away")},
     .options = {dry_run_option(), drain_option(), if_match_option()},
     .examples = {{R"(faultlun rule patch busy '{"gate":{"every":5}}')", "every fifth instead of every third"}},
     .view = {.text = change_text}},

    {.words = "rule rm", .method = "DELETE", .path = "/v1/rules/{id}",
     .summary = "remove a rule",
     .arguments = {rule_id()},
     .options = {drain_option(), if_match_option()},
     .examples = {{"faultlun rule rm busy", ""},
                  {"faultlun rule rm busy --drain", "and wait until nothing is under way that it decided"}},
     .view = {.text = change_text}},

    life("rule arm", "/v1/rules/{id}/arm", "arm a rule; its window and cycle start again", "faultlun rule arm busy", ""),
    life("rule disarm", "/v1/rules/{id}/disarm", "disarm a rule; it stays, with its counters", "faultlun rule disarm busy",
         "perfect again, for a while"),
    life("rule reset", "/v1/rules/{id}/reset", "set a rule's counters to zero; what healed is bad again",
         "faultlun rule reset busy", "the next run counts from 0"),

    {.words = "rule predict", .method = "GET", .path = "/v1/rules/{id}/predict",
     .summary = "which matches will fire, computed without running",
     .arguments = {rule_id()},
     .options = {{.name = "--key", .takes = Takes::text, .value_name = "KEY", .key = "key",
                  .meaning = "key string: * (without it), immediate, lba:N, content:N or attempt:N"},
                 {.name = "--from", .takes = Takes::number, .value_name = "INDEX", .key = "from", .meaning = "first index; without it: 0"},
                 {.name = "--n", .letter = "-n", .takes = Takes::number, .value_name = "COUNT", .key = "n",
                  .meaning = "how many indexes to look at; without it: 1000"}},
     .examples = {{"faultlun rule predict busy -n 30", "of the first 30 commands that match"}},
     .view = {.text = prediction_text}},

    {.words = "rule check", .method = "PUT", .path = "/v1/rules/{id}",
     .summary = "say what is wrong with a rule, or how it reads with every default; changes nothing",
     .arguments = {document("RULE", "the rule as JSON, a file or -; {\"rules\": [...]} for several")},
     .examples = {{"faultlun rule check busy.json", ""}},
     .plan = plan_rule_check, .more_calls = "POST /v1/rules,POST /v1/populate"},

    {.words = "rules replace", .method = "PUT", .path = "/v1/rules",
     .summary = "replace the whole set of rules, all or nothing",
     .arguments = {document("RULES", "{\"rules\": [...]} as JSON, a file or -")},
     .options = {dry_run_option(), drain_option()},
     .text = "No command sees a mixture of the old and the new set.",
     .examples = {{"faultlun rules replace rules.json", "exactly these rules"},
                  {"faultlun rules replace '[]'", "no rules at all"}},
     .view = {.text = change_text}},

    {.words = "reset", .method = "POST", .path = "/v1/reset",
     .summary = "back to the loaded configuration: other rules gone, units healed, held commands let go",
     .options = {{.name = "--data", .key = "data", .meaning = "empty memory disks, too"}, drain_option()},
     .examples = {{"faultlun reset", "after a test, whatever it did"},
                  {"faultlun reset --data", "and with blank disks"}},
     .view = {.text = change_text}},

    {.words = "lease keep", .method = "PUT", .path = "/v1/leases/{owner}",
     .summary = "start a lease or keep it up; rules with its name go when nobody does",
     .arguments = {{.name = "OWNER", .meaning = "name of the lease: life.lease of rules"}},
     .options = {{.name = "--ttl", .takes = Takes::duration, .value_name = "DURATION", .key = "ttl_ms", .meaning = "how long it lasts; without it: 30s"}},
     .examples = {{"faultlun lease keep nightly --ttl 2min", "to be said again within two minutes"}}},

    {.words = "lease drop", .method = "DELETE", .path = "/v1/leases/{owner}",
     .summary = "end a lease; its rules go",
     .arguments = {{.name = "OWNER", .meaning = "name of the lease"}},
     .options = {drain_option()},
     .examples = {{"faultlun lease drop nightly", ""}},
     .view = {.text = change_text}},

    {.words = "lease ls", .method = "GET", .path = "/v1/leases",
     .summary = "list the leases that are kept up",
     .examples = {{"faultlun lease ls", ""}},
     .view = {.list = "/leases",
              .columns = {{"LEASE", "/lease"}, {"EXPIRES IN MS", "/expires_in_ms"}, {"RULES", "/rules"}},
              .none = "no leases"}},

    {.words = "fault ls", .method = "GET", .path = "/v1/capabilities",
     .summary = "list every fault that this version can do",
     .examples = {{"faultlun fault ls", ""}},
     .view = {.list = "/faults", .columns = {{"FAULT", "/id"}, {"SITE", "/site"}, {"WHAT IT DOES", "/summary"}}}},

    {.words = "fault show", .method = "GET", .path = "/v1/capabilities",
     .summary = "one fault: parameters, bytes on the wire, how a host sees it, a rule to copy",
     .arguments = {fault_id(true)},
     .examples = {{"faultlun fault show scsi.status", ""}},
     .view = {.text = fault_text}, .pick = pick_fault},

    {.words = "capabilities", .method = "GET", .path = "/v1/capabilities",
     .summary = "the rule language of this version: faults, sites, match, gate, life, commands",
     .arguments = {fault_id(false)},
     .examples = {{"faultlun capabilities", "names and meanings"},
                  {"faultlun capabilities --json", "with a JSON Schema for each fault"},
                  {"faultlun capabilities scsi.status --json", "of one fault"}},
     .view = {.text = capabilities_text}, .pick = pick_fault},

    {.words = "explain", .method = "POST", .path = "/v1/explain",
     .summary = "which rules would match a command, which nearly, and why not",
     .arguments = {document("EVENT", "the command as JSON, a file or -")},
     .examples = {{R"~(faultlun explain '{"op":"READ(10)","lun":0,"lba":4096,"blocks":8}')~", "would a rule strike here?"}}},
  };
}
// clang-format on

}  // namespace faultlun::daemon::cli
