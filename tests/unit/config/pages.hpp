// Pages and schemas that are made from the tables: docs/faults/, the tables in docs/rules.md and
// docs/scenarios.md, config/rule_schema.json, config/scenario_schema.json and the rule's part of
// config/schema.json.
#pragma once

#include "config/arguments.hpp"
#include "config/fault_schema.hpp"
#include "config/keys.hpp"
#include "faults/scenario.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::config::test {

inline std::string code(std::string_view text) {
  return "`" + std::string(text) + "`";
}

/// A cell of a Markdown table.
inline std::string cell(std::string_view text) {
  std::string out(text);
  for (std::size_t at = out.find('|'); at != std::string::npos; at = out.find('|', at + 2))
    out.replace(at, 1, "\\|");
  return out;
}

inline std::string fallback_text(bool required, std::string_view fallback) {
  if (required) return "**required**";
  if (fallback.starts_with("(")) return std::string(fallback.substr(1, fallback.size() - 2));
  return fallback.empty() ? "" : code(fallback);
}

/// A section for each shape, with a table of its keys.
inline std::string reference(std::span<const Shape> shapes) {
  std::string out;
  for (const Shape& in : shapes) {
    out += "### " + std::string(in.name) + "\n\nAt " + std::string(in.where) +
           ".\n\n| key | value | left out | meaning |\n|---|---|---|---|\n";
    for (const Key& key : in.keys)
      out += "| " + code(key.name) + " | " + cell(key.type) + " | " +
             cell(fallback_text(key.required, key.fallback)) + " | " + cell(key.meaning) + " |\n";
    out += "\n";
  }
  return out;
}

template <typename Terms>
std::string terms_table(const Terms& terms) {
  std::string out = "| word | meaning |\n|---|---|\n";
  for (const Term& term : terms)
    out += "| " + code(term.name) + " | " + cell(term.meaning) + " |\n";
  return out + "\n";
}

inline std::string sites_table() {
  std::string out = "| point | when | decided at |\n|---|---|---|\n";
  for (const auto& row : faults::site_table())
    out += "| " + code(row.name) + " | " + cell(row.meaning) + " | " +
           code(faults::name_of(row.decided_at)) + " |\n";
  return out + "\n";
}

/// What may be expected, with its keys; those in brackets may be left out.
inline std::string expectations_table() {
  constexpr struct {
    faults::ExpectKey flag;
    std::string_view name;
  } kKeys[] = {{faults::kWithin, "within"}, {faults::kValue, "value"}, {faults::kAfter, "after"},
               {faults::kState, "state"},   {faults::kOrder, "order"}, {faults::kTmf, "tmf"},
               {faults::kCount, "count"},   {faults::kRule, "rule"},   {faults::kMin, "min"},
               {faults::kMax, "max"}};
  std::string out = "| that | keys | holds when |\n|---|---|---|\n";
  for (const auto& row : faults::expect_table()) {
    std::string keys;
    for (const auto& key : kKeys) {
      if ((row.takes & key.flag) == 0) continue;
      const bool needed = (row.needs & key.flag) != 0;
      keys += (keys.empty() ? "" : ", ") + (needed ? code(key.name) : "[" + code(key.name) + "]");
    }
    out += "| " + code(row.name) + " | " + keys + " | " + cell(row.meaning) + " |\n";
  }
  return out + "\n";
}

/// What a value looks like: "\"red\" or \"green\"", "number 1 to 100".
inline std::string value_text(const faults::Parameter& parameter) {
  using faults::Kind;
  std::string out(kind_text(parameter.kind));
  if (parameter.kind == Kind::choice) {
    out.clear();
    for (const auto word : parameter.choices)
      out += (out.empty() ? "" : ", ") + code("\"" + std::string(word) + "\"");
    return out;
  }
  const bool least = parameter.least != 0, most = parameter.most != UINT64_MAX;
  if (least || most) out += ",";
  if (least) out += " from " + std::to_string(parameter.least);
  if (most) out += " to " + std::to_string(parameter.most);
  constexpr Kind kCounted[] = {Kind::numbers, Kind::decimals, Kind::durations, Kind::codes,
                               Kind::objects};
  if ((least || most) && std::ranges::find(kCounted, parameter.kind) != std::end(kCounted))
    out += " elements";
  if ((least || most) && (parameter.kind == Kind::text || parameter.kind == Kind::octets))
    out += " octets";
  return out;
}

inline void add_parameters(std::string& out, std::span<const faults::Parameter> parameters,
                           const std::string& prefix) {
  for (const auto& each : parameters) {
    const std::string name = prefix + std::string(each.name);
    out += "| " + code(name) + " | " + cell(value_text(each)) + " | " +
           cell(fallback_text(each.required, each.fallback)) + " | " + cell(each.meaning) + " |\n";
    add_parameters(out, each.members, name + (each.kind == faults::Kind::objects ? "[]." : "."));
  }
}

/// docs/faults/ID.md
inline std::string fault_page(const faults::FaultRow& row) {
  const auto& sites = faults::site_table();
  const auto& site = sites[static_cast<std::size_t>(row.site)];
  std::string out = "# " + std::string(row.id) + "\n\n" + std::string(row.summary) + "\n\n";
  if (row.illegal)
    out += "**Violates a protocol on purpose**: a conformance run leaves it out.\n\n";
  out += "Strikes at " + code(site.name) + " (" + std::string(site.meaning) + "), decided at " +
         code(faults::name_of(site.decided_at)) + ".\n\n## Parameters\n\n";
  if (row.parameters.empty()) {
    out += "None: " + code("\"" + std::string(row.id) + "\": {}") + ".\n";
  } else {
    out += "| parameter | value | left out | meaning |\n|---|---|---|---|\n";
    add_parameters(out, row.parameters, "");
  }
  out += "\n## What the initiator sees\n\n" + std::string(row.wire) +
         "\n\n## What hosts make of it\n\n" + std::string(row.host) +
         "\n\n## A rule to copy\n\n```json\n" + std::string(row.example) +
         "\n```\n\nThe rest of a rule: [rules](../rules.md). All faults: [index](README.md).\n";
  return out;
}

/// docs/faults/README.md
inline std::string fault_index(std::span<const faults::FaultRow> table) {
  std::string out =
      "# Faults\n\nEvery fault that this version knows, by family. How a rule chooses when one "
      "strikes: [rules](../rules.md). These pages are made from the fault table; a running daemon "
      "has the same in `GET /v1/capabilities`.\n";
  std::string family;
  for (const auto& row : table) {
    const std::string own(row.id.substr(0, row.id.find('.')));
    if (own != family) out += "\n## " + own + "\n\n| fault | what it does |\n|---|---|\n";
    family = own;
    out += "| [" + std::string(row.id) + "](" + std::string(row.id) + ".md) | " +
           cell(row.summary) + (row.illegal ? " *Violates a protocol.*" : "") + " |\n";
  }
  return out;
}

/// The part of a page behind "<!-- NAME: … -->" up to "<!-- end of NAME -->".
inline std::string with_part(std::string page, const std::string& name, const std::string& part) {
  const std::size_t begin = page.find("<!-- " + name + ": ");
  const std::size_t from = begin == std::string::npos ? begin : page.find("-->\n\n", begin);
  const std::size_t to = page.find("<!-- end of " + name + " -->");
  if (from == std::string::npos || to == std::string::npos || to < from) return "no part " + name;
  return page.replace(from + 5, to - from - 5, part);
}

}  // namespace faultlun::config::test
