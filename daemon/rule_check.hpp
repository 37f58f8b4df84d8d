// Whether a rule can stand by itself: what its reader cannot know, or does not ask.
#pragma once

#include "faults/rule.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::daemon {

inline constexpr std::size_t kMaxTagsPerRule = 16;
inline constexpr std::size_t kMaxNameBytes = 128;  ///< of owners, tags, leases, sources

struct RuleError {
  enum class Kind : std::uint8_t { not_found, precondition_failed, conflict, limit, invalid };
  Kind kind = Kind::invalid;
  std::string path;     ///< "match.after_fault.rule"; of a set "rules[3].id"; "" the whole
  std::string message;  ///< the reason and the remedy
  friend bool operator==(const RuleError&, const RuleError&) = default;
};

/// `path` goes before the paths of what is wrong: "rules[3].".
std::optional<RuleError> check_rule(const faults::Rule& rule, std::string_view path);

/// A name of at most kMaxNameBytes octets, without control characters.
std::optional<RuleError> check_name(std::string_view name, std::string_view path);

}  // namespace faultlun::daemon
