// Scenarios as JSON and back: scenario_when.cpp reads transitions and expectations,
// scenario_dump.cpp prints the effective scenario.  docs/scenarios.md is the language.
//
// Problems go to the value's collector, every one of them with its path, reason and remedy.
#pragma once

#include "config/json.hpp"
#include "config/object.hpp"
#include "faults/scenario.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

/// What a scenario needs to be one; `warnings`: what it can do without.
std::optional<faults::Scenario> read_scenario(
    const Value& value, Problems& warnings, std::optional<std::string_view> id_from_path = {},
    std::span<const faults::FaultRow> table = faults::fault_table());

/// The effective scenario: what differs from the defaults, durations as strings.  read_scenario()
/// reads it back equal.
Json scenario_to_json(const faults::Scenario& scenario);

Json expectation_to_json(const faults::Scenario& scenario, const faults::Expect& expect);

struct LoadScenario {
  std::optional<faults::Scenario> scenario;  ///< exactly when there are no errors
  std::vector<Problem> errors, warnings;     ///< in the order of their lines
  std::size_t errors_left_out = 0;
};
LoadScenario load_scenario(std::string_view text, std::optional<std::string_view> id_from_path = {},
                           std::span<const faults::FaultRow> table = faults::fault_table());
/// Reads the file, too; that it cannot be read is an error like the others.
LoadScenario load_scenario_file(const std::string& path);

/// 1 to 32 letters, digits, dots, underscores and dashes; otherwise the reason and the remedy.
std::string check_scenario_id(std::string_view id);

/// Of one scenario: config/scenario_schema.json, beside that of a rule.  2020-12.
Json scenario_schema();
/// Schemas of a scenario and its parts by name, references within `prefix`; those of rules
/// (rule_definitions()) are not repeated.
Json scenario_definitions(std::string_view prefix);

}  // namespace faultlun::config
