#include "config/fault_schema.hpp"

#include "config/arguments.hpp"
#include "config/keys.hpp"
#include "config/model.hpp"
#include "config/rules.hpp"
#include "config/scsi_names.hpp"
#include "faults/gate.hpp"
#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cassert>
#include <iterator>

namespace faultlun::config {

namespace {

using faults::FaultRow;
using faults::Kind;
using faults::Parameter;

constexpr const char* kDuration = "^[0-9]+(us|ms|s|min|h)$";
constexpr const char* kSize = "^[0-9]+(B|[KMGTPE]iB|[kMGTPE]B)?$";
constexpr const char* kHexadecimal = "^-?0[xX][0-9A-Fa-f]{1,16}$";
constexpr const char* kOctets = "^(0[xX])?([0-9A-Fa-f]{2} *)+$";
constexpr const char* kRuleId = "^[A-Za-z0-9._-]{1,64}$";
constexpr const char* kLunRange = "^[0-9]{1,5}(-[0-9]{1,5})?$";

// clang-format off
constexpr Term kKeyTerms[] = {  // in the order of the enumeration
  {"counter", "The n-th match of the rule in a session, in CmdSN order. Immediate commands count apart."},
  {"lba",     "Each block of the command, by how often it was written: a block is bad or not, whatever the order of access."},
  {"content", "What the command does (operation, LBA, length), by how often it was issued afresh: a retry shares the verdict of its first try."},
  {"attempt", "Like content, and every retry draws anew."},
  {"event",   "PDUs or octets of a connection. No fault of this version is decided there."},
};
constexpr std::string_view kOutcomeMeanings[] = {  // in the order of the enumeration
  "The effects strike.",
  "It would have fired, but the rule only observes.",
  "Not this one: skip, every, burst or nth.",
  "p said no.",
  "budget_bytes have not passed yet.",
  "Outside of the window, or in the down part of the cycle.",
  "No block of the command is bad any more.",
  "run_gate switched the rule off for this run.",
  "times, nth, repeat or once_per is used up.",
  "An earlier rule ended the command already. Counts as fired.",
  "max_active commands are under its effects already. Counts as fired.",
  "The effect cannot be applied to this command.",
};
// clang-format on
static_assert(std::size(kKeyTerms) == std::size(faults::kKeyNames));
static_assert(std::size(kOutcomeMeanings) ==
              static_cast<std::size_t>(faults::Outcome::impossible) + 1);

Json text_like(const char* pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}
Json integer(std::uint64_t least, std::uint64_t most) {
  Json out = {{"type", "integer"}, {"minimum", least}};
  if (most != UINT64_MAX) out["maximum"] = most;
  return out;
}
Json either(Json a, Json b) {
  Json out;
  out["anyOf"] = Json::array({std::move(a), std::move(b)});
  return out;
}
Json number(std::uint64_t least, std::uint64_t most) {
  return either(integer(least, most), text_like(kHexadecimal));
}
Json text(std::size_t least, std::uint64_t most) {
  return {{"type", "string"}, {"minLength", least}, {"maxLength", most}};
}
Json decimal(Json most) {
  Json out = {{"type", "number"}, {"minimum", 0}};
  if (!most.is_null()) out["maximum"] = std::move(most);
  return either(std::move(out), text_like("^[0-9.]+([eE][-+]?[0-9]+)?(/[0-9]+)?$"));
}
Json size() {
  return either(integer(0, UINT64_MAX), text_like(kSize));
}
Json one_of(std::span<const std::string_view> words) {
  return {{"enum", std::vector<std::string>(words.begin(), words.end())}};
}
Json list_of(Json items, std::uint64_t least, std::uint64_t most) {
  Json out = {{"type", "array"}, {"items", std::move(items)}};
  if (least != 0) out["minItems"] = least;
  if (most != UINT64_MAX) out["maxItems"] = most;
  return out;
}
Json one_or_many(Json one) {
  Json many = list_of(one, 1, kMaxMatchElements);
  return either(std::move(one), std::move(many));
}
Json flag() {
  return {{"type", "boolean"}};
}
Json ref(std::string_view name) {
  return {{"$ref", name}};
}

/// An object to which keys are added one by one.
class ObjectSchema {
 public:
  void add(std::string_view key, bool required, std::string_view meaning, std::string_view fallback,
           Json value) {
    Json& property = properties_[std::string(key)] = Json::object();
    property["description"] = meaning;
    const Json initial = Json::parse(fallback, nullptr, false);
    if (!initial.is_discarded() && !initial.is_null()) property["default"] = initial;
    property.update(value);
    if (required) required_.push_back(key);
  }
  /// Under the key itself, or with _us, _ms or _s behind it: JSON Schema cannot say that one of
  /// them must be there.
  void add_duration(std::string_view key, std::string_view meaning, std::string_view fallback) {
    add(key, false, meaning, fallback, text_like(kDuration));
    patterns_["^" + std::string(key) + "_(us|ms|s)$"] = {{"type", "integer"}, {"minimum", 0}};
  }
  Json finish() {
    Json out = {{"type", "object"}, {"additionalProperties", false}};
    if (!required_.empty()) out["required"] = std::move(required_);
    out["properties"] = std::move(properties_);
    if (!patterns_.empty()) out["patternProperties"] = std::move(patterns_);
    return out;
  }

 private:
  Json properties_ = Json::object(), patterns_ = Json::object(), required_ = Json::array();
};

// ---- a fault's parameters ----------------------------------------------------------------------

Json sense_key() {
  return either(text(1, 20), number(0, 15));
}

Json kind_schema(const Parameter& p) {
  const auto many = [&](Json items) {
    return list_of(std::move(items), p.least,
                   std::min<std::uint64_t>(p.most, kMaxArgumentElements));
  };
  switch (p.kind) {
    case Kind::flag:
      return flag();
    case Kind::number:
      return number(p.least, p.most);
    case Kind::difference:
      return either({{"type", "integer"}}, text_like(kHexadecimal));
    case Kind::decimal:
      return decimal(p.most == UINT64_MAX ? Json() : Json(p.most));
    case Kind::choice:
      return one_of(p.choices);
    case Kind::text:
      return text(p.least, std::min<std::uint64_t>(p.most, kMaxArgumentTextBytes));
    case Kind::octets:
      return p.least == 0 ? text_like("^(0[xX])?([0-9A-Fa-f]{2} *)*$") : text_like(kOctets);
    case Kind::duration:
      return text_like(kDuration);
    case Kind::size:
      return size();
    case Kind::sense_key:
      return sense_key();
    case Kind::sense_code:
      return text(1, 100);
    case Kind::lun:
      return number(0, kMaxLun);
    case Kind::numbers:
      return many(number(0, UINT64_MAX));
    case Kind::decimals:
      return many(decimal(Json()));
    case Kind::durations:
      return many(either(text_like(kDuration), integer(0, UINT64_MAX)));
    case Kind::codes:
      return many(text(1, 100));
    case Kind::objects:
      return many(parameters_schema(p.members));
    case Kind::object:
      return parameters_schema(p.members);
  }
  return Json::object();
}

// ---- the shapes of a rule ----------------------------------------------------------------------

struct Fragment {
  std::string_view shape, key;
  Json (*schema)();  ///< null: a duration
};

// clang-format off
constexpr Fragment kFragments[] = {
  {"rule", "id",           [] { return text_like(kRuleId); }},
  {"rule", "where",        [] { std::vector<std::string_view> names; for (const auto& row : faults::site_table()) names.push_back(row.name); return one_of(names); }},
  {"rule", "match",        [] { return ref("match"); }},
  {"rule", "gate",         [] { return ref("gate"); }},
  {"rule", "effect",       [] { return either(ref("effect"), list_of(ref("effect"), 0, faults::kMaxEffectsPerRule)); }},
  {"rule", "seed",         [] { return either(integer(0, UINT64_MAX), text_like(kHexadecimal)); }},
  {"rule", "life",         [] { return ref("life"); }},
  {"rule", "observe",      flag},
  {"rule", "note",         [] { return text(0, kMaxNoteBytes); }},
  {"match", "initiator",   [] { return one_or_many(text(1, kMaxPatternBytes)); }},
  {"match", "session",     [] { return one_or_many(text(1, kMaxPatternBytes)); }},
  {"match", "target",      [] { return one_or_many(text(1, kMaxPatternBytes)); }},
  {"match", "source",      [] { return one_or_many(text(1, kMaxPatternBytes)); }},
  {"match", "portal",      [] { return one_or_many(number(0, 255)); }},
  {"match", "tpg",         [] { return one_or_many(number(1, 65535)); }},
  {"match", "lun",         [] { return one_or_many(either(integer(0, kMaxLun), text_like(kLunRange))); }},
  {"match", "op",          [] { return one_or_many(text(1, 100)); }},
  {"match", "sa",          [] { return one_or_many(number(0, 31)); }},
  {"match", "cdb",         [] { return one_or_many(ref("cdb")); }},
  {"match", "lba",         [] { return one_or_many(either(ref("lba"), number(0, UINT64_MAX))); }},
  {"match", "blocks",      [] { return either(ref("range"), number(0, UINT64_MAX)); }},
  {"match", "fua",         flag},
  {"match", "dpo",         flag},
  {"match", "group",       [] { return one_or_many(number(0, 31)); }},
  {"match", "control",     [] { return number(0, 3); }},
  {"match", "task_attr",   [] { return one_or_many(one_of(kTaskAttributeNames)); }},
  {"match", "vpd",         [] { return one_or_many(number(0, 255)); }},
  {"match", "mode_page",   [] { return one_or_many(number(0, 63)); }},
  {"match", "outstanding", [] { return either(ref("range"), number(1, UINT64_MAX)); }},
  {"match", "immediate",   flag},
  {"match", "payload",     [] { return one_or_many(ref("payload")); }},
  {"match", "tmf",         [] { return one_or_many(either(text(1, 100), integer(1, 127))); }},
  {"match", "attempt",     [] { return either(ref("range"), number(1, UINT64_MAX)); }},
  {"match", "after_fault", [] { return ref("after_fault"); }},
  {"match", "first_touch", flag},
  {"match", "rewrites",    [] { return either(ref("range"), number(0, UINT64_MAX)); }},
  {"match", "not",         [] { return one_or_many(ref("match")); }},
  {"gate", "key",          [] { return one_of(faults::kKeyNames); }},
  {"gate", "skip",         [] { return number(0, UINT64_MAX); }},
  {"gate", "every",        [] { return number(1, UINT64_MAX); }},
  {"gate", "burst",        [] { return number(1, UINT64_MAX); }},
  {"gate", "repeat",       [] { return number(1, UINT64_MAX); }},
  {"gate", "times",        [] { return number(1, UINT64_MAX); }},
  {"gate", "nth",          [] { return number(1, UINT64_MAX); }},
  {"gate", "p",            [] { return decimal(1); }},
  {"gate", "run_gate",     [] { return decimal(1); }},
  {"gate", "budget_bytes", size},
  {"gate", "window",       [] { return ref("window"); }},
  {"gate", "cycle",        [] { return ref("cycle"); }},
  {"gate", "max_active",   [] { return number(1, UINT32_MAX); }},
  {"window", "since",      [] { return Json{{"enum", {"arm", "mark", "state"}}}; }},
  {"window", "mark",       [] { return text(1, kMaxNameBytes); }},
  {"window", "after",      nullptr},
  {"window", "for",        nullptr},
  {"cycle", "up",          nullptr},
  {"cycle", "down",        nullptr},
  {"life", "armed",        flag},
  {"life", "priority",     [] { return Json{{"type", "integer"}, {"minimum", -1000000}, {"maximum", 1000000}}; }},
  {"life", "ttl",          nullptr},
  {"life", "lease",        [] { return text(1, kMaxNameBytes); }},
  {"life", "owner",        [] { return text(0, kMaxNameBytes); }},
  {"life", "tags",         [] { return list_of(text(1, kMaxNameBytes), 0, kMaxTags); }},
  {"life", "on_exhaust",   [] { return either(Json{{"enum", {"disarm", "remove"}}}, ref("on_exhaust")); }},
  {"life", "once_per",     [] { return Json{{"enum", {"session", "lba", "run"}}}; }},
  {"life", "scope",        [] { return Json{{"enum", {"session", "global"}}}; }},
  {"life", "must_fire",    flag},
  {"on_exhaust", "goto",   [] { return text(1, kMaxNameBytes); }},
  {"on_exhaust", "emit",   [] { return text(1, kMaxNameBytes); }},
  {"lba", "start",         [] { return number(0, UINT64_MAX); }},
  {"lba", "len",           [] { return number(1, UINT64_MAX); }},
  {"lba", "mode",          [] { return Json{{"enum", {"overlap", "contains", "within", "starts"}}}; }},
  {"cdb", "value",         [] { return text_like(kOctets); }},
  {"cdb", "mask",          [] { return text_like(kOctets); }},
  {"cdb", "len",           [] { return number(1, scsi::kCdbBytes); }},
  {"payload", "offset",    [] { return number(0, UINT32_MAX); }},
  {"payload", "hex",       [] { return text_like(kOctets); }},
  {"payload", "mask",      [] { return text_like(kOctets); }},
  {"range", "min",         [] { return number(0, UINT64_MAX); }},
  {"range", "max",         [] { return number(0, UINT64_MAX); }},
  {"after_fault", "rule",     [] { return text_like(kRuleId); }},
  {"after_fault", "within",   nullptr},
  {"after_fault", "commands", [] { return number(1, UINT64_MAX); }},
};
// clang-format on

Json shape_schema(const Shape& shape) {
  ObjectSchema out;
  for (const Key& key : shape.keys) {
    const auto* row = std::find_if(
        std::begin(kFragments), std::end(kFragments),
        [&](const Fragment& each) { return each.shape == shape.name && each.key == key.name; });
    assert(row != std::end(kFragments) && "every key of a rule has a schema");
    if (row->schema == nullptr)
      out.add_duration(key.name, key.meaning, "");
    else
      out.add(key.name, key.required, key.meaning, "", row->schema());
  }
  return out.finish();
}

/// Puts `prefix` in front of the names that "$ref" points to.
void resolve(Json& schema, std::string_view prefix) {
  if (schema.is_object() && schema.contains("$ref"))
    schema["$ref"] = std::string(prefix) + *schema["$ref"].get_ptr<const std::string*>();
  if (schema.is_structured())
    for (Json& each : schema)
      if (each.is_structured()) resolve(each, prefix);
}

Json effect_schema(std::span<const FaultRow> table) {
  Json out = {{"type", "object"}, {"minProperties", 1}};
  if (table.empty()) return out;
  out["additionalProperties"] = false;
  Json& properties = out["properties"] = Json::object();
  for (const FaultRow& row : table) {
    Json& fault = properties[std::string(row.id)] = {{"description", row.summary}};
    fault.update(arguments_schema(row));
  }
  return out;
}

// ---- the capabilities document -----------------------------------------------------------------

Json keys_json(const Shape& shape) {
  Json out = Json::array();
  for (const Key& key : shape.keys)
    out.push_back({{"name", key.name}, {"value", key.type}, {"meaning", key.meaning}});
  return out;
}

Json clauses_json() {
  Json out = keys_json(shape("match"));
  const auto clauses = faults::clause_table();
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    out[i]["of_session"] = clauses[i].of_session;
    out[i]["of_past"] = clauses[i].of_past;
  }
  return out;
}

Json operations_json() {
  Json classes = Json::array(), commands = Json::array(), functions = Json::array();
  for (const auto name : kOperationClassNames)
    classes.push_back(name);
  for (const auto& row : scsi::command_table())
    commands.push_back(row.name);
  for (const auto& row : scsi::task_management_table())
    functions.push_back(row.name);
  return {{"classes", classes}, {"commands", commands}, {"task_management", functions}};
}

template <typename Terms>
Json terms_json(const Terms& terms) {
  Json out = Json::array();
  for (const Term& term : terms)
    out.push_back({{"name", term.name}, {"meaning", term.meaning}});
  return out;
}

Json fault_json(const FaultRow& row) {
  const auto& sites = faults::site_table();
  const auto decided = sites[static_cast<std::size_t>(row.site)].decided_at;
  return {{"id", row.id},
          {"site", faults::name_of(row.site)},
          {"decided_at", faults::name_of(decided)},
          {"summary", row.summary},
          {"wire", row.wire},
          {"host", row.host},
          {"illegal", row.illegal},
          {"parameters", arguments_schema(row)},
          {"example", Json::parse(row.example, nullptr, false)}};
}

}  // namespace

std::span<const Term> key_terms() {
  return kKeyTerms;
}

std::vector<Term> outcome_terms() {
  std::vector<Term> out;
  for (std::size_t i = 0; i < std::size(kOutcomeMeanings); ++i)
    out.push_back({faults::name_of(static_cast<faults::Outcome>(i)), kOutcomeMeanings[i]});
  return out;
}

Json parameters_schema(std::span<const Parameter> parameters) {
  ObjectSchema out;
  for (const Parameter& each : parameters) {
    if (each.kind == Kind::duration)
      out.add_duration(each.name, each.meaning, each.fallback);
    else
      out.add(each.name, each.required, each.meaning, each.fallback, kind_schema(each));
  }
  return out.finish();
}

Json arguments_schema(const FaultRow& row) {
  Json object = parameters_schema(row.parameters);
  const auto required = [](const Parameter& each) { return each.required; };
  if (std::ranges::count_if(row.parameters, required) != 1) return object;
  const auto only = std::ranges::find_if(row.parameters, required);
  return either(std::move(object), kind_schema(*only));
}

Json rule_definitions(std::string_view prefix, std::span<const FaultRow> table) {
  Json out = Json::object();
  for (const Shape& each : rule_shapes())
    if (each.name != "rules") out[std::string(each.name)] = shape_schema(each);
  out["effect"] = effect_schema(table);
  resolve(out, prefix);
  return out;
}

Json rule_schema(std::span<const FaultRow> table) {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "faultlun rule"},
          {"description", "One fault rule. docs/rules.md explains it."},
          {"$ref", "#/$defs/rule"},
          {"$defs", rule_definitions("#/$defs/", table)}};
}

Json capabilities(std::string_view version, std::span<const FaultRow> table) {
  Json sites = Json::array(), all = Json::array();
  for (const auto& row : faults::site_table())
    sites.push_back({{"name", row.name},
                     {"decided_at", faults::name_of(row.decided_at)},
                     {"meaning", row.meaning}});
  for (const FaultRow& row : table)
    all.push_back(fault_json(row));
  return {{"version", version},
          {"sites", std::move(sites)},
          {"faults", std::move(all)},
          {"match", clauses_json()},
          {"gate", keys_json(shape("gate"))},
          {"life", keys_json(shape("life"))},
          {"operations", operations_json()},
          {"keys", terms_json(key_terms())},
          {"outcomes", terms_json(outcome_terms())}};
}

}  // namespace faultlun::config
