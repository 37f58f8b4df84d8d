// The parts of a rule between the files that read, check and print it.  Scenarios read theirs
// with them.  Nobody else includes this.
#pragma once

#include "config/rules.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::config::parts {

/// Words in JSON, in the order of the enumerations.
inline constexpr std::string_view kSinceNames[] = {"arm", "mark", "state"};
inline constexpr std::string_view kLbaModeNames[] = {"overlap", "contains", "within", "starts"};
inline constexpr std::string_view kOncePerNames[] = {"session", "lba", "run"};  ///< from 1 on
inline constexpr std::string_view kScopeNames[] = {"session", "global"};

void read_match(const Value& value, faults::Match& match, std::size_t depth = 0);
Json match_to_json(const faults::Match& match);

void read_gate(const Value& value, faults::Gate& gate);
Json gate_to_json(const faults::Gate& gate);

void read_life(const Value& value, faults::Life& life);
Json life_to_json(const faults::Life& life);

void read_effects(const Value& value, std::span<const faults::FaultRow> table,
                  std::vector<faults::Effect>& effects);
Json effects_to_json(const std::vector<faults::Effect>& effects);

/// Which parts of a rule could be read; what depends on others is not checked.
struct Readable {
  bool match = true, gate = true, effects = true, life = true;
};
/// What each part allows and all of them together do not.
void check_rule(const Value& value, const faults::Rule& rule, const Readable& readable);

/// "" or the reason and the remedy.
using CheckId = std::string (*)(std::string_view);
/// The key `id` of a rule or a scenario.  With `from_path` it may be left out, and may not be
/// another one.
void read_own_id(Object& in, std::optional<std::string_view> from_path, CheckId check,
                 std::string& id);

/// 1 to kMaxNameBytes bytes.
inline std::optional<std::string> read_name(const Value& value) {
  return value.text(1, kMaxNameBytes);
}

}  // namespace faultlun::config::parts
