// Text of Login and Text PDUs: `key=value` pairs that each end with a NUL, and the forms a value
// may have. RFC 7143 §6.1.  Pure functions over octets; collecting the pieces of a split text is
// the caller's `+=`, because a key may be cut anywhere and only the whole text can be parsed.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::iscsi {

inline constexpr std::size_t kMaxKeyBytes = 63;       // §6.1, key-name
inline constexpr std::size_t kMaxValueBytes = 255;    // §6.1, a simple value without its delimiter
inline constexpr std::size_t kMaxBinaryBytes = 1024;  // §6.1, large-binary-value, decoded

struct Pair {
  std::string_view key, value;
};

/// The pairs of a whole text; they point into it.
struct ParsedText {
  std::vector<Pair> pairs;
  const char* problem = nullptr;  ///< in words when the text is malformed; then `pairs` is empty
};

/// Splits a whole text.  NULs after the last pair are tolerated (some initiators pad inside
/// DataSegmentLength); everything else that §6.1 does not allow is a problem.
ParsedText parse_text(std::string_view text);

void append_pair(std::string& out, std::string_view key, std::string_view value);

/// A numerical value: decimal without leading zeros, or 0x and hexadecimal digits, below 2^64.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// A binary value: 0x and hexadecimal digits (an odd count means a leading zero digit), or 0b and
/// base64.  Nothing when malformed, empty or longer than kMaxBinaryBytes decoded.
std::optional<bytes::Buffer> decode_binary(std::string_view text);
std::string encode_binary(bytes::View octets);  ///< as 0x…, lower case

/// Calls `visit(item)` for each comma-separated item until it returns true; tells whether it did.
template <typename Visit>
bool any_item(std::string_view list, Visit visit) {
  while (true) {
    const auto comma = list.find(',');
    if (visit(list.substr(0, comma))) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

/// The Target Transfer Tag after `tag`; never the reserved FFFFFFFFh.
constexpr std::uint32_t next_transfer_tag(std::uint32_t tag) {
  return tag >= 0xfffffffe ? 0 : tag + 1;
}

}  // namespace faultlun::iscsi
