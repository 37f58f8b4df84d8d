#include "protocol/iscsi/text.hpp"

#include <algorithm>
#include <limits>

namespace faultlun::iscsi {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Letters, digits, dot, minus, plus, at, underscore; `#` for the X# keys of §13.22.
bool is_key_character(char c) {
  const bool digit = c >= '0' && c <= '9';
  return is_letter(c) || digit || std::string_view(".-+@_#").find(c) != std::string_view::npos;
}

const char* key_problem(std::string_view key) {
  if (key.empty()) return "a pair without a key";
  if (key.size() > kMaxKeyBytes) return "a key longer than 63 bytes";
  // §6.1 asks for a capital, and §13.24 defines iSCSIProtocolLevel: any letter will do.
  if (!is_letter(key.front())) return "a key that does not begin with a letter";
  if (!std::all_of(key.begin(), key.end(), is_key_character)) return "a key with a bad character";
  return nullptr;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

bool has_prefix(std::string_view text, char letter) {
  return text.size() > 2 && text[0] == '0' && (text[1] == letter || text[1] == letter - 'a' + 'A');
}

std::optional<std::uint64_t> parse_digits(std::string_view digits, unsigned base) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const int digit = hex_digit(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    const auto addend = static_cast<std::uint64_t>(digit);
    if (value > (std::numeric_limits<std::uint64_t>::max() - addend) / base) return std::nullopt;
    value = value * base + addend;
  }
  return value;
}

/// A digit stream of `bits` per digit; `pending` bits are already there as leading zeros.
std::optional<bytes::Buffer> pack_digits(std::string_view digits, int (*value_of)(char), int bits,
                                         int pending) {
  bytes::Buffer out;
  std::uint32_t window = 0;
  for (const char c : digits) {
    const int digit = value_of(c);
    if (digit < 0) return std::nullopt;
    window = window << bits | static_cast<std::uint32_t>(digit);
    pending += bits;
    if (pending < 8) continue;
    pending -= 8;
    if (out.size() == kMaxBinaryBytes) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(window >> pending));
  }
  return out;
}

}  // namespace

ParsedText parse_text(std::string_view text) {
  ParsedText parsed;
  while (!text.empty()) {
    const auto end = text.find('\0');
    const auto segment = text.substr(0, end);
    const bool only_padding =
        segment.empty() && text.find_first_not_of('\0') == std::string_view::npos;
    if (only_padding) return parsed;
    const auto equals = segment.find('=');
    if (end == std::string_view::npos) return {{}, "the last pair does not end with NUL"};
    if (equals == std::string_view::npos) return {{}, "a pair without '='"};
    const auto key = segment.substr(0, equals);
    if (const char* problem = key_problem(key)) return {{}, problem};
    parsed.pairs.push_back({key, segment.substr(equals + 1)});
    text.remove_prefix(end + 1);
  }
  return parsed;
}

void append_pair(std::string& out, std::string_view key, std::string_view value) {
  out.append(key).append(1, '=').append(value).append(1, '\0');
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (has_prefix(text, 'x')) return parse_digits(text.substr(2), 16);
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return parse_digits(text, 10);
}

std::optional<bytes::Buffer> decode_binary(std::string_view text) {
  if (has_prefix(text, 'x')) {
    const auto digits = text.substr(2);
    return pack_digits(digits, hex_digit, 4, digits.size() % 2 != 0 ? 4 : 0);
  }
  if (!has_prefix(text, 'b')) return std::nullopt;
  auto digits = text.substr(2);
  for (int pads = 0; pads < 2 && digits.ends_with('='); ++pads)
    digits.remove_suffix(1);
  if (digits.empty() || digits.size() % 4 == 1) return std::nullopt;
  return pack_digits(digits, base64_digit, 6, 0);
}

std::string encode_binary(bytes::View octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "0x";
  out.reserve(2 + octets.size() * 2);
  for (const auto octet : octets) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 0x0f];
  }
  return out;
}

}  // namespace faultlun::iscsi
