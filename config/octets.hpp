// Octets as hexadecimal digits in JSON: "28 00", "2800".
#pragma once

#include "config/object.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace faultlun::config {

/// Two digits for an octet, spaces between octets as you like; nothing when it is anything else.
std::optional<std::vector<std::uint8_t>> parse_octets(std::string_view text);
/// The same of a value, `least` to `most` octets.
std::optional<std::vector<std::uint8_t>> read_octets(const Value& value, std::size_t least,
                                                     std::size_t most);

}  // namespace faultlun::config
