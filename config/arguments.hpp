// The arguments of a fault as JSON, by the rows of the fault table (faults/parameter.hpp): one
// reader for every fault there is and will be.
#pragma once

#include "config/json.hpp"
#include "config/object.hpp"
#include "faults/parameter.hpp"

#include <chrono>
#include <span>
#include <string_view>

namespace faultlun::config {

/// The longest time that a rule or a scenario may say.
inline constexpr std::chrono::microseconds kMostTime =
    std::chrono::duration_cast<std::chrono::microseconds>(faults::kMaxDelay);
inline constexpr std::size_t kMaxArgumentElements = 1024;     ///< of an array, if its row allows it
inline constexpr std::size_t kMaxArgumentTextBytes = 1024;    ///< of a text, if its row allows it
inline constexpr std::size_t kMaxArgumentOctets = 64 * 1024;  ///< of octets, if their row allows it

/// Problems go to the value's collector; what could not be read is left out.  A value that is no
/// object stands for the only required parameter, where there is one.
/// `besides`: keys of the object that somebody else reads.
faults::Arguments read_arguments(const Value& value, std::span<const faults::Parameter> parameters,
                                 std::span<const std::string_view> besides = {});

/// What was given, in the order of the rows.  read_arguments() reads it back equal.
Json arguments_to_json(const faults::Arguments& arguments);

/// A Ratio as a JSON number where there is one that reads back equal, else as a string.
Json ratio_to_json(const faults::Ratio& ratio);
/// "4649 4c45" without the space.
std::string octets_text(bytes::View octets);
/// A time of the fault engine, whole microseconds.
std::string time_text(std::chrono::nanoseconds time);

/// What a parameter of this kind looks like, in words: "duration", "array of sense codes".
std::string_view kind_text(faults::Kind kind);

}  // namespace faultlun::config
