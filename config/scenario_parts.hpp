// The parts of a scenario between the files that read it.  Nobody else includes this.
#pragma once

#include "config/scenario.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::config::parts {

/// The names of the states, in their order.
using StateNames = std::vector<std::string_view>;

/// Index of the state that the value names.
std::optional<std::size_t> read_state_name(const Value& value, const StateNames& states);
std::optional<std::string> read_id(const Value& value);
/// One or several, by name or number.
std::vector<std::uint8_t> read_functions(const Value& value);

std::vector<faults::Transition> read_transitions(const Value& array, const StateNames& states,
                                                 std::string_view scenario);
std::vector<faults::Expect> read_expectations(const Value& array, const StateNames& states);

inline constexpr std::string_view kEmitNames[] = {"mark", "event"};
inline constexpr std::string_view kRuleDoNames[] = {"rule.arm", "rule.disarm", "rule.reset"};
inline constexpr std::string_view kRelease = "held.release";
inline constexpr std::string_view kAnyState = "*";

}  // namespace faultlun::config::parts
