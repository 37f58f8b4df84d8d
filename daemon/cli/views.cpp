#include "daemon/cli/views.hpp"

#include "config/problems.hpp"
#include "daemon/cli/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace faultlun::daemon::cli {
namespace {

using config::Json;

constexpr std::size_t kTextWidth = 92;

/// "scsi.status, time.stall" of an effect or a list of them.
std::string fault_ids(const Json& effect) {
  std::string out;
  const auto add = [&](const Json& one) {
    if (!one.is_object()) return;
    for (const auto& [id, arguments] : one.items())
      out += (out.empty() ? "" : ", ") + id;
  };
  if (effect.is_array())
    for (const auto& each : effect)
      add(each);
  else
    add(effect);
  return out.empty() ? "-" : out;
}

std::string life_of(const Json& state) {
  if (at(state, "/exhausted") == true) return "exhausted";
  return at(state, "/armed") == false ? "disarmed" : "armed";
}

std::string words_of(const Json& value) {  // a match, a gate: {"op":"read"} → op=read
  std::string out;
  if (!value.is_object()) return "-";
  for (const auto& [key, each] : value.items())
    out += (out.empty() ? "" : " ") + key + "=" + cell(each);
  return out.empty() ? "-" : out;
}

Row rule_row(const Json& each) {
  const auto& rule = at(each, "/rule");
  const auto& state = at(each, "/state");
  return {cell(rule, "/id"),
          life_of(state),
          cell(state, "/matched"),
          cell(state, "/fired"),
          cell(state, "/suppressed"),
          cell(state, "/source"),
          fault_ids(at(rule, "/effect")),
          words_of(at(rule, "/match")),
          words_of(at(rule, "/gate"))};
}

/// A heading of a list of named things and their meanings.
std::string terms(const std::string& heading, const Json& list, std::string_view name,
                  std::string_view meaning) {
  if (!list.is_array()) return {};
  std::vector<Row> rows;
  for (const auto& each : list)
    rows.push_back({"  " + cell(each, name), cell(each, meaning)});
  return heading + "\n" + table({"", ""}, rows) + "\n";
}

std::string paragraph(const std::string& heading, const Json& text) {
  if (!text.is_string() || text == "") return {};
  return heading + "\n  " + wrapped(text.get_ref<const std::string&>(), kTextWidth, "  ") + "\n\n";
}

/// Type of a parameter as its schema has it, in a word or two.
std::string type_of(const Json& schema) {
  const auto& values = at(schema, "/enum");
  if (values.is_array()) {
    std::string out;
    for (const auto& each : values)
      out += (out.empty() ? "" : "|") + cell(each);
    return out;
  }
  if (const auto& type = at(schema, "/type"); !type.is_null()) return cell(type);
  for (const char* several : {"/anyOf", "/oneOf"}) {
    const auto& list = at(schema, several);
    if (!list.is_array()) continue;
    std::string out;
    for (const auto& each : list) {
      const auto one = type_of(each);
      if (one != "any" && out.find(one) == std::string::npos) out += (out.empty() ? "" : "|") + one;
    }
    return out.empty() ? "any" : out;
  }
  return "any";
}

/// The schema of the arguments' object: itself, or the alternative that is one.
const Json& object_schema(const Json& schema) {
  for (const char* several : {"/anyOf", "/oneOf"})
    if (const auto& list = at(schema, several); list.is_array())
      for (const auto& each : list)
        if (at(each, "/properties").is_object()) return each;
  return schema;
}

std::string parameters_text(const Json& schema) {
  const auto& object = object_schema(schema);
  const auto& properties = at(object, "/properties");
  if (!properties.is_object() || properties.empty()) return "Parameters\n  none\n\n";
  const auto& required = at(object, "/required");
  std::string out = "Parameters\n";
  for (const auto& [name, each] : properties.items()) {
    out += "  " + name + ": " + type_of(each);
    if (required.is_array() && std::find(required.begin(), required.end(), name) != required.end())
      out += ", required";
    if (const auto& fallback = at(each, "/default"); !fallback.is_null())
      out += ", default " + cell(fallback);
    out += "\n      " + wrapped(cell(each, "/description"), kTextWidth, "      ") + "\n";
  }
  return out + "\n";
}

/// "3264889us", as the API has it exactly, in a way that is easily read: "3.3s".
std::string about(const std::string& duration) {
  const auto number = duration.find_first_not_of("0123456789");
  if (number == 0 || number > 15 || duration.substr(std::min(number, duration.size())) != "us")
    return duration;
  const double us = std::stod(duration);
  const bool is_long = us >= 1e6;
  char text[40];
  std::snprintf(text, sizeof text, is_long ? "%.1fs" : "%.1fms", us / (is_long ? 1e6 : 1e3));
  return text;
}

std::string seconds_of(const Json& nanoseconds) {
  if (!nanoseconds.is_number()) return "-";
  char text[40];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(nanoseconds) / 1e9);
  return text;
}

std::string units_of(const Json& targets) {
  std::vector<Row> rows;
  if (targets.is_array())
    for (const auto& target : targets)
      for (const auto& unit : at(target, "/luns"))
        rows.push_back({cell(target, "/name"), cell(unit, "/lun"), cell(unit, "/size_bytes"),
                        cell(unit, "/block_size"), cell(unit, "/read_only"),
                        cell(unit, "/backend")});
  return table({"TARGET", "LUN", "BYTES", "BLOCK", "READ ONLY", "BACKEND"}, rows);
}

// ---- the journal -------------------------------------------------------------------------------

struct Member {
  const char* before;
  const char* key;
};

/// What is said of an entry of each kind, in this order, where it is there.
const std::vector<Member>& members_of(const std::string& kind) {
  static const std::vector<std::pair<std::string, std::vector<Member>>> kinds = {
      {"command",
       {{"", "op"}, {"lba ", "lba"}, {"+", "blocks"}, {"", "status"}, {"", "sense_name"}}},
      {"completion", {{"", "op"}, {"", "status"}, {"", "sense_name"}, {"took ", "took_ns"}}},
      {"decision", {{"rule ", "rule"}, {"", "outcome"}, {"key ", "key"}, {"index ", "index"}}},
      {"strike", {{"rule ", "rule"}, {"", "fault"}}},
      {"function", {{"", "function"}, {"of task ", "referenced_task_tag"}}},
      {"response", {{"", "function"}, {"", "response"}, {"took ", "took_ns"}}},
      {"session_up", {{"", "target"}}},
      {"session_down", {{"", "target"}}},
      {"rules", {{"epoch ", "epoch"}}},
      {"mark", {{"", "name"}}},
      {"event", {{"", "name"}}},
      {"state", {{"scenario ", "scenario"}, {"entered ", "state"}}},
  };
  static const std::vector<Member> none;
  for (const auto& [name, members] : kinds)
    if (name == kind) return members;
  return none;
}

std::string told(const Json& entry) {
  std::string out;
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : "  ") + words; };
  const auto& members = members_of(cell(entry, "/kind"));
  for (const auto& [before, key] : members) {
    if (!entry.contains(key)) continue;
    const auto& value = entry[key];
    const std::string_view name = key;
    add(before + (name == "took_ns" ? seconds_of(value) + " s" : cell(value)));
  }
  if (members.empty())
    for (const auto& [key, value] : entry.items())
      if (key != "at_ns" && key != "kind" && key != "session" && key != "cursor" &&
          key != "cmd_sn" && key != "lun")
        add(key + "=" + cell(value));
  for (const char* word : {"aborted", "silent", "timed", "order_dependent", "immediate", "orderly"})
    if (at(entry, std::string("/") + word) == true) add(word);
  return out;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

std::string rules_text(const Json& answer) {
  const auto& rules = at(answer, "/rules");
  if (!rules.is_array() || rules.empty()) return "no rules: everything behaves perfectly\n";
  std::vector<Row> rows;
  for (const auto& each : rules)
    rows.push_back(rule_row(each));
  return table(
      {"ID", "STATE", "MATCHED", "FIRED", "SUPPRESSED", "SOURCE", "EFFECT", "MATCH", "GATE"}, rows);
}

std::string rule_text(const Json& answer) {
  Json state = at(answer, "/state");
  for (auto& value : state)
    if (value.is_string()) value = about(value.get_ref<const std::string&>());
  return description(state) + "\n" + json_text(at(answer, "/rule"));
}

std::string change_text(const Json& answer) {
  if (at(answer, "/dry_run") == true)
    return "good; nothing was changed\n" +
           json_text(answer.contains("rule") ? answer["rule"] : at(answer, "/rules"));
  std::string out;
  for (const char* what : {"created", "replaced", "changed", "removed"})
    if (const auto& list = at(answer, std::string("/") + what); list.is_array() && !list.empty())
      out += std::string(what) + " " + cell(list) + "\n";
  if (out.empty()) out = "nothing changed\n";
  if (at(answer, "/drained") == true) out += "drained: nothing decided before is in progress\n";
  const auto& sessions = at(answer, "/barrier/sessions");
  if (!sessions.is_array() || sessions.empty()) return out;
  std::vector<Row> rows;
  for (const auto& each : sessions)
    rows.push_back({cell(each, "/alias"), cell(each, "/tsih"), cell(each, "/cmd_sn")});
  return out + table({"IN FORCE FOR SESSION", "TSIH", "FROM CMDSN"}, rows);
}

std::string prediction_text(const Json& answer) {
  std::string out = "rule " + cell(answer, "/rule") + ", seed " + cell(answer, "/seed") + ", key " +
                    cell(answer, "/key") + ", indexes " + cell(answer, "/from") + " to " +
                    cell(answer, "/end") + " (not with it)\n";
  const auto fires = cell(answer, "/fires");
  out += "fires at " + wrapped(fires == "-" ? "none of them" : fires, kTextWidth, "  ") + "\n";
  constexpr std::pair<const char*, const char*> kNotes[] = {
      {"off", "the rule is off: it fires at none"},
      {"timed", "it depends on time, which is not foreseen"},
      {"order_dependent", "it depends on the order of commands of several sessions"},
      {"needs_data", "it depends on the data of commands, which is not known"},
      {"shares_limit", "a limit that sessions share may end it earlier"}};
  for (const auto& [key, words] : kNotes)
    if (at(answer, std::string("/") + key) == true) out += std::string("note: ") + words + "\n";
  return out;
}

std::string fault_text(const Json& answer) {
  auto out = cell(answer, "/id") + ": " + cell(answer, "/summary") + "\n\nSite\n  " +
             cell(answer, "/site") + ", decided at " + cell(answer, "/decided_at") + "\n\n";
  out += paragraph("On the wire", at(answer, "/wire"));
  out += paragraph("How a host sees it", at(answer, "/host"));
  out += paragraph("What no real device does", at(answer, "/illegal"));
  out += parameters_text(at(answer, "/parameters"));
  const auto& example = at(answer, "/example");
  if (!example.is_null())
    out += "Example\n  faultlun rule put '" +
           example.dump(-1, ' ', false, Json::error_handler_t::replace) + "'\n";
  return out;
}

std::string capabilities_text(const Json& answer) {
  if (answer.contains("id")) return fault_text(answer);
  return "faultlun " + cell(answer, "/version") + "\n\n" +
         terms("Faults (effect)", at(answer, "/faults"), "/id", "/summary") +
         terms("Sites (where)", at(answer, "/sites"), "/name", "/meaning") +
         terms("match", at(answer, "/match"), "/name", "/meaning") +
         terms("gate", at(answer, "/gate"), "/name", "/meaning") +
         terms("gate.key", at(answer, "/keys"), "/name", "/meaning") +
         terms("life", at(answer, "/life"), "/name", "/meaning") +
         terms("Outcomes of a rule that matched", at(answer, "/outcomes"), "/name", "/meaning") +
         "Commands (match.op)\n  " +
         wrapped(cell(answer, "/operations/commands"), kTextWidth, "  ") +
         "\n  classes: " + cell(answer, "/operations/classes") +
         "\n  task management (match.tmf): " +
         wrapped(cell(answer, "/operations/task_management"), kTextWidth - 28, "    ") + "\n";
}

std::string targets_text(const Json& answer) {
  return units_of(answer);
}

std::string status_text(const Json& answer) {
  std::string out = "faultlun " + cell(answer, "/version/version") + ", up " +
                    about(cell(answer, "/version/uptime")) + ", seed " +
                    cell(answer, "/version/seed") + "\n\n" + units_of(at(answer, "/targets")) +
                    "\n";
  const auto& sessions = at(answer, "/sessions");
  std::vector<Row> rows;
  if (sessions.is_array())
    for (const auto& each : sessions)
      rows.push_back({cell(each, "/tsih"), cell(each, "/initiator"), cell(each, "/target"),
                      cell(each, "/type"), cell(each, "/peer")});
  out +=
      rows.empty() ? "no sessions\n" : table({"TSIH", "INITIATOR", "TARGET", "TYPE", "PEER"}, rows);
  return out + "\n" + rules_text(at(answer, "/rules"));
}

std::string journal_line(const Json& entry) {
  if (entry.contains("lost"))
    return "--- " + cell(entry, "/lost") + " entries were overwritten before they were read ---\n";
  auto time = seconds_of(at(entry, "/at_ns"));
  time.insert(0, std::string(time.size() < 13 ? 13 - time.size() : 0, ' '));
  std::string where = cell(entry, "/session");
  if (entry.contains("cmd_sn")) where += " #" + cell(entry, "/cmd_sn");
  if (entry.contains("lun")) where += " lun " + cell(entry, "/lun");
  auto line = time + "  " + padded(cell(entry, "/kind"), 13) + "  " + padded(where, 40) + "  " +
              told(entry);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// ---- scenarios ---------------------------------------------------------------------------------

std::string scenario_step_text(const Json& step) {
  const auto& at_us = at(step, "/at_us");
  const auto ms = at_us.is_number_integer() ? static_cast<long long>(at_us) / 1000 : 0;
  char time[40];
  std::snprintf(time, sizeof time, "%6lld.%03lld s  ", ms / 1000, ms % 1000);
  return time + cell(step, "/state") + "  (" + cell(step, "/why") + ")\n";
}

std::string verdict_text(const Json& answer) {
  if (const auto& run = at(answer, "/run"); run.is_object())
    return cell(answer, "/scenario") + ": " + cell(run, "/verdict") + ", in state " +
           cell(run, "/state") + "\n";
  if (!at(answer, "/expectations").is_array()) return description(answer);
  std::string out = cell(answer, "/scenario") + ": " + cell(answer, "/verdict");
  if (answer.contains("why")) out += " (" + cell(answer, "/why") + ")";
  out += "\n";
  for (const auto& each : at(answer, "/expectations"))
    out += std::string(at(each, "/passed") == true ? "  ok    " : "  FAIL  ") +
           cell(each, "/expect/that") + ": " + cell(each, "/why") + "\n";
  for (const auto& step : at(answer, "/timeline"))
    out += scenario_step_text(step);
  if (const auto& more = at(answer, "/timeline_left_out"); more.is_number())
    out += "and " + cell(more) + " more\n";
  return out;
}

std::string scenario_text(const Json& answer) {
  const auto& run = at(answer, "/run");
  const std::string state = run.is_object()
                                ? "run " + cell(run, "/number") + ": " + cell(run, "/verdict") +
                                      ", in state " + cell(run, "/state") + "\n"
                                : "it has not run yet\n";
  return state + json_text(at(answer, "/scenario"));
}

std::string scenario_put_text(const Json& answer) {
  std::string out = at(answer, "/dry_run") == true ? "good; nothing was changed\n" : "";
  const auto& warnings = at(answer, "/warnings");
  if (warnings.is_array())
    for (const auto& each : warnings)
      out += "warning: " + cell(each, "/path") + ": " + cell(each, "/message") + "\n";
  return out + "scenario " + cell(answer, "/scenario/id") + "\n";
}

std::string json_text(const Json& answer) {
  return answer.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Picked pick_fault(const Json& capabilities, const Call& call) {
  const auto id = call.argument("ID");
  if (id.empty()) return {capabilities, {}};
  std::vector<std::string> ids;
  const auto& faults = at(capabilities, "/faults");
  if (faults.is_array())
    for (const auto& each : faults) {
      if (at(each, "/id") == id) return {each, {}};
      ids.push_back(cell(each, "/id"));
    }
  const std::vector<std::string_view> known(ids.begin(), ids.end());
  return {nullptr, "there is no fault " + config::in_quotes(id) + config::did_you_mean(id, known) +
                       "; faultlun fault ls lists them"};
}

std::string error_text(const Json& answer, const std::string& file) {
  const auto& problems = at(answer, "/error/problems");
  std::string out;
  if (problems.is_array())
    for (const auto& each : problems) {
      const auto& line = at(each, "/line");
      std::string place = file;
      if (!file.empty() && line.is_number()) place += ":" + cell(line);
      const auto& path = at(each, "/path");
      if (path.is_string() && path != "") place += (place.empty() ? "" : ": ") + cell(path);
      out += (place.empty() ? "" : place + ": ") + cell(each, "/message") + "\n";
    }
  if (const auto& more = at(answer, "/error/problems_left_out"); more.is_number())
    out += "and " + cell(more) + " more\n";
  if (!out.empty()) return out;
  const auto& message = at(answer, "/error/message");
  if (!message.is_string()) return cell(message) + "\n";
  std::istringstream lines(message.get_ref<const std::string&>());
  for (std::string line; std::getline(lines, line);)
    out += cell(Json(line)) + "\n";
  return out;
}

}  // namespace faultlun::daemon::cli
