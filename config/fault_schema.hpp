// What this version can do wrong, for programs and editors: JSON Schema of a rule and of each
// fault's parameters, and the capabilities document, all made from the tables.
//
// The schemas use only what draft-07 and 2020-12 have in common.
#pragma once

#include "config/json.hpp"
#include "faults/fault_table.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace faultlun::config {

/// A word of the rule language and what it means.
struct Term {
  std::string_view name, meaning;
};
std::span<const Term> key_terms();  ///< gate.key
std::vector<Term> outcome_terms();  ///< of a rule that matched: faults::Outcome

/// Schema of a fault's arguments.
Json parameters_schema(std::span<const faults::Parameter> parameters);
Json arguments_schema(const faults::FaultRow& row);  ///< with the short form, where there is one

/// "rule", "match", … by name; references to each other begin with `prefix` ("#/$defs/").  With an
/// empty table an effect may be any object.
Json rule_definitions(std::string_view prefix, std::span<const faults::FaultRow> table);
/// Of one rule: config/rule_schema.json.  2020-12.
Json rule_schema(std::span<const faults::FaultRow> table = faults::fault_table());

/// The body of GET /v1/capabilities: version, sites, faults, match, gate, life, operations, keys,
/// outcomes.
Json capabilities(std::string_view version,
                  std::span<const faults::FaultRow> table = faults::fault_table());

}  // namespace faultlun::config
