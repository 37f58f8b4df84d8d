#include "daemon/cli/commands.hpp"
#include "daemon/cli/completion.hpp"
#include "daemon/cli/help.hpp"
#include "daemon/cli/plans.hpp"
#include "daemon/cli/views.hpp"

namespace faultlun::daemon::cli {
namespace {

using Goes = Option::Goes;
using Kind = Argument::Kind;
using Offer = Argument::Offer;
using Takes = Option::Takes;

Argument lun(std::string_view meaning = "number of the logical unit") {
  return {.name = "LUN", .meaning = meaning};
}

Option target_option() {
  return {.name = "--target",
          .takes = Takes::text,
          .value_name = "NAME",
          .key = "target",
          .meaning = "iSCSI name of its target, where there are several"};
}

}  // namespace

// clang-format off
std::vector<Command> lab_commands() {
  return {
    {.words = "lun ls", .method = "GET", .path = "/v1/luns",
     .summary = "list the logical units, their size and their overlays",
     .examples = {{"faultlun lun ls", ""}}},

    {.words = "lun overlays", .method = "GET", .path = "/v1/luns/{lun}/overlays",
     .summary = "list what faults have laid over the pristine data of a unit",
     .arguments = {lun()}, .options = {target_option()},
     .examples = {{"faultlun lun overlays 0", ""}}},

    {.words = "lun heal", .method = "DELETE", .path = "/v1/luns/{lun}/overlays/{id}",
     .summary = "take overlays away: the pristine data is there again",
     .arguments = {lun(), {.name = "ID", .meaning = "of one overlay; without it: all of the unit", .is_required = false}},
     .options = {target_option()},
     .examples = {{"faultlun lun heal 0", ""}}},

    {.words = "lun change", .method = "POST", .path = "/v1/luns/{lun}/change",
     .summary = "change a unit now, as a rule with this effect would",
     .arguments = {lun(),
                   {.name = "WHAT", .meaning = "ID of a fault of the families lu and ua"},
                   {.name = "ARGUMENTS", .meaning = "of the fault, as JSON, a file or -", .kind = Kind::document, .is_required = false, .offer = Offer::files}},
     .options = {target_option()},
     .examples = {{"faultlun lun change 0 lu.offline", "gone, for every initiator"},
                  {"faultlun lun change 0 lu.online", "and back"},
                  {R"(faultlun lun change 0 ua.queue '{"asc":"29/01","nexus":"all"}')", "a unit attention for everybody"}},
     .plan = plan_unit_change},

    {.words = "unit ls", .method = "GET", .path = "/v1/units",
     .summary = "list the units and the state that each is in, since when and whose doing",
     .examples = {{"faultlun unit ls", ""}},
     .view = {.list = "/units", .columns = {{"TARGET", "/target"}, {"LUN", "/lun"}, {"STATE", "/state"}, {"FOR US", "/state_for_us"},
                                            {"BY", "/by"}, {"MEDIUM", "/medium"}, {"OVERLAYS", "/overlays"},
                                            {"COMMANDS", "/commands"}, {"HELD", "/held"}},
              .none = "no units"}},

    {.words = "connection ls", .method = "GET", .path = "/v1/connections",
     .summary = "list the connections, logged in or not",
     .examples = {{"faultlun connection ls", ""}},
     .view = {.list = "/connections", .columns = {{"PEER", "/peer"}, {"LOCAL", "/local"}, {"PHASE", "/phase"}, {"TSIH", "/tsih"}, {"CID", "/cid"},
                                                  {"ALIAS", "/alias"}, {"CMDSN", "/cmd_sn"}, {"WINDOW", "/window"}, {"TASKS", "/tasks"},
                                                  {"PDUS", "/pdus_received"}, {"OCTETS", "/octets_received"}},
              .none = "no connections"}},

    {.words = "session ls", .method = "GET", .path = "/v1/sessions",
     .summary = "list the sessions that are logged in",
     .examples = {{"faultlun session ls", ""}},
     .view = {.list = "", .columns = {{"TSIH", "/tsih"}, {"CID", "/cid"}, {"INITIATOR", "/initiator"}, {"TARGET", "/target"},
                                      {"TYPE", "/type"}, {"PEER", "/peer"}, {"ALIAS", "/alias"}, {"CMDSN", "/cmd_sn"},
                                      {"RULES EPOCH", "/rules_epoch"}},
              .none = "no sessions"}},

    {.words = "session logout", .method = "POST", .path = "/v1/sessions/{tsih}/logout",
     .summary = "ask an initiator to log out (asynchronous message)",
     .arguments = {{.name = "TSIH", .meaning = "number of the session, as session ls shows it"}},
     .examples = {{"faultlun session logout 1", ""}}},

    {.words = "task ls", .method = "GET", .path = "/v1/tasks",
     .summary = "list the commands in progress: held, delayed, waiting for data",
     .examples = {{"faultlun task ls", ""}}},

    {.words = "held release", .method = "POST", .path = "/v1/held/release",
     .summary = "let commands go that time.hold or time.reorder keeps; without options: all of them",
     .options = {{.name = "--tag", .takes = Takes::text, .value_name = "TAG", .goes = Goes::nowhere, .meaning = "only those held under this tag"},
                 {.name = "--rule", .takes = Takes::text, .value_name = "ID", .goes = Goes::nowhere, .meaning = "only those held by this rule"},
                 {.name = "--lun", .takes = Takes::number, .value_name = "LUN", .goes = Goes::nowhere, .meaning = "only those at this unit"},
                 {.name = "--order", .takes = Takes::text, .value_name = "ORDER", .goes = Goes::nowhere, .meaning = "fifo (without it), lifo or seeded"},
                 {.name = "--seed", .takes = Takes::text, .value_name = "N", .goes = Goes::nowhere, .meaning = "seed of the seeded order"}},
     .examples = {{"faultlun held release", "all of them"},
                  {"faultlun held release --lun 0 --order seeded --seed 7", "those of a unit, shuffled, the same way every time"}},
     .plan = plan_held_release},

    {.words = "target ls", .method = "GET", .path = "/v1/targets",
     .summary = "list the targets and their logical units",
     .examples = {{"faultlun target ls", ""}},
     .view = {.text = targets_text}},

    {.words = "config", .method = "GET", .path = "/v1/config",
     .summary = "the configuration in force, with every default written out (JSON)",
     .examples = {{"faultlun config > effective.json", ""}},
     .view = {.text = json_text}},

    {.words = "status", .method = "GET", .path = "/v1/version /v1/targets /v1/sessions /v1/rules",
     .summary = "what the daemon is doing",
     .examples = {{"faultlun status", ""},
                  {"faultlun status --control 192.0.2.10:8326 --token-file token", "of another machine"}},
     .view = {.text = status_text}, .flow = Flow::overview},

    {.words = "healthcheck", .method = "GET", .path = "/v1/healthz",
     .summary = "exit status 0 when the daemon answers",
     .examples = {{"faultlun healthcheck", "for containers and service managers"}}},

    {.words = "metrics", .method = "GET", .path = "/metrics",
     .summary = "counters in the Prometheus text format",
     .examples = {{"faultlun metrics", ""}}},

    {.words = "api", .method = "{method}", .path = "{path}",
     .summary = "any call of the control API, as it is",
     .arguments = {{.name = "METHOD", .meaning = "GET, PUT, POST, PATCH or DELETE"},
                   {.name = "PATH", .meaning = "with its query, percent-encoded: /v1/rules?source=config"},
                   {.name = "BODY", .meaning = "JSON in place, a file or -", .kind = Kind::document, .is_required = false, .offer = Offer::files}},
     .text = "`faultlun api GET /v1/routes` lists the calls, /v1/openapi.json describes them.",
     .examples = {{"faultlun api GET /v1/routes", ""},
                  {"faultlun api PUT /v1/rules/busy busy.json", ""}},
     .view = {.text = json_text}, .plan = plan_api},

    {.words = "completion bash", .summary = "print the completion for bash",
     .examples = {{"source <(faultlun completion bash)", "in this shell"}},
     .offline = bash_completion, .flow = Flow::offline},

    {.words = "help", .summary = "how to use a command",
     .arguments = {{.name = "COMMAND", .meaning = "its words in quotes, or nothing", .is_required = false}},
     .options = {{.name = "--page", .takes = Takes::text, .value_name = "FORMAT", .goes = Goes::nowhere,
                  .meaning = "every command as a page: md (docs/cli.md) or man (a section of the manual page)"}},
     .examples = {{"faultlun help 'rule put'", ""}},
     .offline = help_text, .flow = Flow::offline},

    {.words = "serve", .summary = "run the target",
     .text = "`faultlun serve --help` tells of its options.",
     .examples = {{"faultlun serve", "a lab target with one RAM disk of 1 GiB on 127.0.0.1:3260"}},
     .flow = Flow::serve},
  };
}
// clang-format on

}  // namespace faultlun::daemon::cli
