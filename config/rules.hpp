// Fault rules as JSON and back: rules_match.cpp, rules_gate.cpp and rules_effect.cpp read the parts
// of a rule, rules_check.cpp refuses what cannot be meant, rules_dump.cpp prints the effective
// rule.  docs/rules.md is the language.
//
// Problems go to the value's collector, every one of them with its path, reason and remedy.
#pragma once

#include "config/json.hpp"
#include "config/object.hpp"
#include "faults/rule.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

inline constexpr std::size_t kMaxNotDepth = 4;          ///< `not` within `not`
inline constexpr std::size_t kMaxMatchElements = 1024;  ///< of an array in a match
inline constexpr std::size_t kMaxPatternBytes = 300;    ///< an iSCSI name, an ISID and commas
inline constexpr std::size_t kMaxPayloadOctets = 4096;
inline constexpr std::size_t kMaxNameBytes =
    64;  ///< of owners, leases, tags, marks, states, events
inline constexpr std::size_t kMaxTags = 16;
inline constexpr std::size_t kMaxNoteBytes = 1024;
inline constexpr std::size_t kMaxLunsOfRules = 1'000'000;  ///< that all rules of a set name

/// Nothing when anything was wrong with it.  With `id_from_path` (PUT /v1/rules/ID) the rule may
/// leave its ID out, and may not have another one.
std::optional<faults::Rule> read_rule(
    const Value& value, std::optional<std::string_view> id_from_path = {},
    std::span<const faults::FaultRow> table = faults::fault_table());

/// A whole set, in order of installation: IDs differ, and rules that others name are there.  What
/// could be read is returned, for whoever goes on in spite of problems.
std::vector<faults::Rule> read_rules(
    const Value& array, std::span<const faults::FaultRow> table = faults::fault_table());

/// The effective rule: what differs from the defaults, durations as strings.  read_rule() reads it
/// back equal.
Json rule_to_json(const faults::Rule& rule);
Json rules_to_json(std::span<const faults::Rule> rules);

/// A rule in one line, to see whether two are alike: their effects compare by their arguments.
std::string rule_text(const faults::Rule& rule);

struct LoadRules {
  std::optional<std::vector<faults::Rule>> rules;  ///< exactly when there are no errors
  std::vector<Problem> errors;                     ///< in the order of their lines
  std::size_t errors_left_out = 0;
};
/// `{"rules": […]}` or the array alone.
LoadRules load_rules(std::string_view text);
/// Reads the file, too; that it cannot be read is an error like the others.
LoadRules load_rules_file(const std::string& path);

/// 1 to 64 letters, digits, dots, underscores and dashes; otherwise the reason and the remedy.
std::string check_rule_id(std::string_view id);

}  // namespace faultlun::config
