// Octets as hexadecimal text and back, for golden files and trace logs.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <optional>
#include <string>

namespace faultlun::bytes {

/// "00 1f a0" style, lower case, a space between octets.
std::string to_hex(View octets);

/// Reads pairs of hexadecimal digits; white space separates, `#` comments to the end of the line.
/// Nothing on an odd digit or any other character.
std::optional<Buffer> from_hex(std::string_view text);

}  // namespace faultlun::bytes
