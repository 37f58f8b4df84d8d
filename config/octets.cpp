#include "config/octets.hpp"

#include <charconv>
#include <string>

namespace faultlun::config {
namespace {

constexpr std::size_t kTextBytesPerOctet = 4;  ///< so many spaces are enough

}  // namespace

std::optional<std::vector<std::uint8_t>> parse_octets(std::string_view text) {
  std::vector<std::uint8_t> out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    const auto digits = text.substr(at, 2);
    std::uint8_t octet = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
    if (error != std::errc() || end != digits.data() + 2) return std::nullopt;
    out.push_back(octet);
    at += 2;
  }
  return out;
}

std::optional<std::vector<std::uint8_t>> read_octets(const Value& value, std::size_t least,
                                                     std::size_t most) {
  const auto text = value.text(1, most * kTextBytesPerOctet);
  if (!text) return std::nullopt;
  auto octets = parse_octets(*text);
  if (!octets) {
    value.fail(in_quotes(*text) +
               " is no sequence of octets; write two hexadecimal digits for each, like \"28 00\"");
  } else if (octets->size() < least || octets->size() > most) {
    value.fail("has " + std::to_string(octets->size()) + " octets; write " + std::to_string(least) +
               " to " + std::to_string(most));
    return std::nullopt;
  }
  return octets;
}

}  // namespace faultlun::config
