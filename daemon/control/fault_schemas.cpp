#include "daemon/control/fault_schemas.hpp"

#include "config/fault_schema.hpp"
#include "faults/fault_table.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::daemon::control {
namespace {

/// The answers, as text: easier to read than to build.
constexpr const char* kAnswers = R"({
  "Rule": {"$ref": "#/components/schemas/rule"},
  "RuleSet": {"description": "rules in order of installation", "oneOf": [
    {"type": "array", "items": {"$ref": "#/components/schemas/rule"}},
    {"type": "object", "required": ["rules"], "properties": {
      "rules": {"type": "array", "items": {"$ref": "#/components/schemas/rule"}}}}]},
  "RuleState": {"type": "object", "properties": {
    "armed": {"type": "boolean"}, "exhausted": {"type": "boolean"},
    "revision": {"type": "integer"}, "source": {"type": "string"},
    "matched": {"type": "integer"}, "fired": {"type": "integer"},
    "suppressed": {"type": "integer", "description": "fired without effect: masked, crowded, observed or not carried out"},
    "observed": {"type": "integer", "description": "of the suppressed: by a rule that only observes"},
    "latency_error": {"$ref": "#/components/schemas/LatencyError"},
    "active": {"type": "integer"}, "installed_for": {"type": "string"},
    "armed_for": {"type": "string"}, "expires_in": {"type": "string"}}},
  "LatencyError": {"type": "object", "description": "achieved minus asked latency, of one rule that delays; early counts as 0",
    "required": ["count", "early", "sum_ns", "p50_ns", "p99_ns", "p999_ns", "max_ns", "buckets"], "properties": {
    "count": {"type": "integer"}, "early": {"type": "integer"}, "sum_ns": {"type": "integer"},
    "p50_ns": {"type": "integer"}, "p99_ns": {"type": "integer"}, "p999_ns": {"type": "integer"}, "max_ns": {"type": "integer"},
    "buckets": {"type": "array", "items": {"type": "object", "properties": {
      "below_ns": {"type": "integer"}, "count": {"type": "integer"}}}}}},
  "RuleStatus": {"type": "object", "required": ["rule", "state"], "properties": {
    "rule": {"$ref": "#/components/schemas/rule"},
    "state": {"$ref": "#/components/schemas/RuleState"}}},
  "RuleList": {"type": "object", "properties": {
    "epoch": {"type": "integer"},
    "rules": {"type": "array", "items": {"$ref": "#/components/schemas/RuleStatus"}}}},
  "Barrier": {"type": "object", "description": "the first command of each session that is evaluated under the new set",
    "properties": {"epoch": {"type": "integer"}, "sessions": {"type": "array", "items": {
      "type": "object", "properties": {"alias": {"type": "string"}, "tsih": {"type": "integer"},
        "cmd_sn": {"type": "integer"}, "stat_sn": {"type": "integer"}}}}}},
  "Change": {"type": "object", "properties": {
    "epoch": {"type": "integer"}, "revision": {"type": "integer"},
    "created": {"type": "array", "items": {"type": "string"}},
    "replaced": {"type": "array", "items": {"type": "string"}},
    "changed": {"type": "array", "items": {"type": "string"}},
    "removed": {"type": "array", "items": {"type": "string"}},
    "rule": {"$ref": "#/components/schemas/rule"},
    "drained": {"type": "boolean"},
    "barrier": {"$ref": "#/components/schemas/Barrier"}}},
  "Prediction": {"type": "object", "properties": {
    "rule": {"type": "string"}, "seed": {"type": "string"}, "key": {"type": "string"},
    "from": {"type": "integer"}, "end": {"type": "integer"},
    "fires": {"type": "array", "items": {"type": "integer"}},
    "off": {"type": "boolean"}, "timed": {"type": "boolean"}, "order_dependent": {"type": "boolean"},
    "needs_data": {"type": "boolean"}, "shares_limit": {"type": "boolean"}}},
  "TaskList": {"type": "object", "properties": {"tasks": {"type": "array", "items": {
    "type": "object", "properties": {"session": {"type": "string"}, "cmd_sn": {"type": "integer"},
      "tag": {"type": "integer"}, "lun": {"type": "integer"}, "opcode": {"type": "integer"}, "op": {"type": "string"},
      "stage": {"enum": ["held", "delayed", "silent", "data", "medium"]}, "age": {"type": "string"},
      "due_in": {"type": "string"}, "rules": {"type": "array", "items": {"type": "string"}}}}}}},
  "Release": {"type": "object", "additionalProperties": false, "properties": {
    "tag": {"type": "string"}, "rule": {"type": "string"}, "lun": {"type": "integer", "minimum": 0, "maximum": 16383},
    "order": {"enum": ["fifo", "lifo", "seeded"]}, "seed": {}}},
  "Lun": {"type": "object", "properties": {
    "target": {"type": "string"}, "lun": {"type": "integer"}, "backend": {"type": "string"},
    "blocks": {"type": "integer"}, "block_size": {"type": "integer"}, "serial": {"type": "string"},
    "overlays": {"type": "integer", "description": "how many corruptions lie over its medium"}}},
  "LunList": {"type": "object", "properties": {
    "luns": {"type": "array", "items": {"$ref": "#/components/schemas/Lun"}}}},
  "Overlay": {"type": "object", "description": "one corruption over the pristine medium", "properties": {
    "id": {"type": "string"}, "rule": {"type": "string"}, "fault": {"type": "string"},
    "lba": {"type": "integer", "description": "first block that it changes"},
    "offset_bytes": {"type": "integer"},
    "length_bytes": {"type": "integer", "description": "bytes of its patches that are left"},
    "sticky": {"type": "boolean", "description": "survives writes, and goes with its rule"},
    "poison": {"type": "string"}}},
  "OverlayList": {"type": "object", "properties": {
    "lun": {"type": "integer"},
    "overlays": {"type": "array", "items": {"$ref": "#/components/schemas/Overlay"}}}},
  "Removed": {"type": "object", "properties": {"removed": {"type": "integer"}}},
  "Unit": {"type": "object", "required": ["target", "lun", "state", "medium", "revision", "overlays"], "properties": {
    "target": {"type": "string"}, "lun": {"type": "integer"},
    "state": {"enum": ["ready", "offline", "removed", "powered_off", "starting", "sanitizing", "formatting"]},
    "state_for_us": {"type": "integer", "description": "how long it has been in a state that is not ready"},
    "by": {"type": "string", "description": "who changed it last: a rule, or the control API; nobody when left out"},
    "remaining_us": {"type": "integer", "description": "until the state ends by itself"},
    "progress_percent": {"type": "integer"}, "busy_us": {"type": "integer"}, "predicted": {"type": "string"},
    "medium": {"enum": ["loaded", "ejected"]}, "revision": {"type": "string"}, "overlays": {"type": "integer"},
    "commands": {"type": "integer", "description": "in progress that take time"},
    "held": {"type": "integer", "description": "of these, held by time.hold or time.reorder"}}},
  "UnitList": {"type": "object", "required": ["units"], "properties": {
    "units": {"type": "array", "items": {"$ref": "#/components/schemas/Unit"}}}},
  "UnitChange": {"type": "object", "required": ["do"], "description": "a fault of the families lu and ua, with its parameters beside it",
    "properties": {"do": {"type": "string"}}},
  "Connection": {"type": "object", "required": ["peer", "local", "portal", "phase"], "properties": {
    "peer": {"type": "string"}, "local": {"type": "string"}, "portal": {"type": "integer"}, "portal_group": {"type": "integer"},
    "phase": {"enum": ["login", "reinstating", "full_feature", "closing"]}, "open_for": {"type": "string"},
    "pdus_received": {"type": "integer"}, "octets_received": {"type": "integer"}, "octets_unsent": {"type": "integer"},
    "octets_buffered": {"type": "integer", "description": "held for commands in progress"},
    "initiator": {"type": "string"}, "target": {"type": "string"}, "type": {"enum": ["normal", "discovery"]},
    "tsih": {"type": "integer"}, "cid": {"type": "integer"}, "alias": {"type": "string"},
    "cmd_sn": {"type": "integer"}, "max_cmd_sn": {"type": "integer"}, "window": {"type": "integer"},
    "stat_sn": {"type": "integer"}, "tasks": {"type": "integer"}}},
  "ConnectionList": {"type": "object", "required": ["connections"], "properties": {
    "connections": {"type": "array", "items": {"$ref": "#/components/schemas/Connection"}}}},
  "LogoutAsked": {"type": "object", "required": ["tsih", "seconds"], "properties": {
    "tsih": {"type": "integer"}, "seconds": {"type": "integer"}}},
  "Released": {"type": "object", "required": ["released"], "properties": {"released": {"type": "integer"}}},
  "Lease": {"type": "object", "required": ["lease"], "properties": {
    "lease": {"type": "string"}, "ttl_ms": {"type": "integer"}, "expires_in_ms": {"type": "integer"},
    "rules": {"type": "integer", "description": "that go with it"}}},
  "LeaseList": {"type": "object", "required": ["leases"], "properties": {
    "leases": {"type": "array", "items": {"$ref": "#/components/schemas/Lease"}}}},
  "Event": {"type": "object", "description": "a command or a function, as the clauses of a match see it; docs/rules.md has the keys"},
  "Misses": {"type": "array", "items": {"type": "object", "required": ["rule", "because"], "properties": {
    "rule": {"type": "string"}, "because": {"type": "array", "items": {"type": "string"}}}}},
  "Explanation": {"type": "object", "required": ["counters", "matches", "near_misses", "others"], "properties": {
    "counters": {"enum": ["session", "new"], "description": "those of the live session, or of one that begins"},
    "matches": {"type": "array", "items": {"type": "object", "required": ["rule", "next"], "properties": {
      "rule": {"type": "string"}, "next": {"type": "object", "required": ["outcome", "index"], "properties": {
        "outcome": {"type": "string"}, "index": {"type": "integer"}, "draw": {"type": "string"},
        "certain": {"type": "boolean"}}}}}},
    "near_misses": {"$ref": "#/components/schemas/Misses"}, "others": {"$ref": "#/components/schemas/Misses"},
    "left_out": {"type": "integer"}}},
  "JournalEntry": {"type": "object", "required": ["kind", "at_ns"], "properties": {
    "kind": {"type": "string"}, "at_ns": {"type": "integer"}, "cursor": {"type": "string"}, "session": {"type": "string"}}},
  "JournalHash": {"type": "object", "properties": {
    "seed": {"type": "string"}, "decisions": {"type": "integer"},
    "hash": {"type": "string", "description": "of all sessions; equal runs have equal ones"},
    "sessions": {"type": "array", "items": {"type": "object", "properties": {
      "alias": {"type": "string"}, "target": {"type": "string"}, "commands": {"type": "integer"},
      "decisions": {"type": "integer"}, "hash": {"type": "string"}}}}}},
  "ReplayEvent": {"type": "object", "description": "a command, or a function with `tmf`", "properties": {
    "cmd_sn": {"type": "integer"}, "lun": {"type": "integer"}, "tmf": {"type": "integer"}, "op": {"type": "string"},
    "lba": {"type": "integer"}, "blocks": {"type": "integer"}, "cdb": {"type": "string"}}},
  "Replay": {"type": "object", "properties": {
    "seed": {"type": "string", "description": "of the run that was recorded"}, "rules": {"type": "integer"},
    "divergences": {"type": "integer", "description": "sessions that did something else than recorded"},
    "commands_of_other_sessions": {"type": "integer"},
    "sessions": {"type": "array", "items": {"type": "object", "properties": {
      "alias": {"type": "string"}, "target": {"type": "string"},
      "whole": {"type": "boolean", "description": "recorded from its login on"},
      "recorded": {"type": "integer"}, "came": {"type": "integer"},
      "by_content": {"type": "integer", "description": "took the place of a recorded one with the same content"},
      "by_cmd_sn": {"type": "integer"}, "unknown": {"type": "integer"},
      "with_effects": {"type": "integer"}, "struck": {"type": "integer"},
      "divergence": {"type": "object", "properties": {
        "lane": {"enum": ["command", "immediate", "function"]},
        "place": {"type": "integer", "description": "among those of its lane, from 0"},
        "cmd_sn": {"type": "integer"},
        "expected": {"$ref": "#/components/schemas/ReplayEvent"},
        "got": {"$ref": "#/components/schemas/ReplayEvent"}}}}}}}},
  "Capabilities": {"type": "object", "description": "the tables of this version"},
  "Object": {"type": "object"}
})";

}  // namespace

config::Json fault_schemas() {
  auto schemas = config::Json::parse(kAnswers);
  const auto rules = config::rule_definitions("#/components/schemas/", faults::fault_table());
  for (const auto& [name, schema] : rules.items())
    schemas[name] = schema;
  return schemas;
}

}  // namespace faultlun::daemon::control
