// Every key of the configuration, one row each.  The reader refuses what is not here (and asserts
// that it has read all that is), schema.json and docs/config.md are compared with it by tests.
#pragma once

#include <span>
#include <string_view>

namespace faultlun::config {

inline constexpr bool kRequired = true, kOptional = false;

struct Key {
  std::string_view name;
  bool required;
  std::string_view type;      ///< in words
  std::string_view fallback;  ///< when the key is left out: JSON, or words in round brackets
  std::string_view meaning;
};

/// One kind of JSON object.
struct Shape {
  std::string_view name;   ///< of the definition in schema.json and the section in docs/config.md
  std::string_view where;  ///< path with [] for any element
  std::span<const Key> keys;
};

std::span<const Shape> shapes();
/// The objects of a fault rule (rule_keys.cpp); docs/rules.md has their sections.
std::span<const Shape> rule_shapes();
/// The objects of a scenario (scenario_keys.cpp); docs/scenarios.md has their sections.
std::span<const Shape> scenario_shapes();
/// A shape that is known to exist.
const Shape& shape(std::string_view name);

}  // namespace faultlun::config
