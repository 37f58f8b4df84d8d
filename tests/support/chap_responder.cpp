#include "tests/support/chap_responder.hpp"

#include <memory>
#include <openssl/evp.h>

namespace faultlun::support {

Octets chap_response(int algorithm, std::uint8_t identifier, const std::string& secret,
                     const Octets& challenge) {
  const EVP_MD* digest = algorithm == 5   ? EVP_md5()
                         : algorithm == 6 ? EVP_sha1()
                         : algorithm == 7 ? EVP_sha256()
                                          : EVP_sha3_256();
  Octets message{identifier};
  message.insert(message.end(), secret.begin(), secret.end());
  message.insert(message.end(), challenge.begin(), challenge.end());
  Octets out(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (EVP_Digest(message.data(), message.size(), out.data(), &length, digest, nullptr) != 1)
    return {};
  out.resize(length);
  return out;
}

namespace {
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

Octets decode_binary(std::string_view value, bool* ok) {
  if (ok) *ok = true;
  if (value.starts_with("0x") || value.starts_with("0X")) return from_hex(value.substr(2));
  if (!value.starts_with("0b") && !value.starts_with("0B")) {
    if (ok) *ok = false;
    return {};
  }
  Octets out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : value.substr(2)) {
    const auto digit = kBase64.find(c);
    if (digit == std::string_view::npos) break;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> held));
  }
  return out;
}

std::string encode_hex(const Octets& octets) {
  return "0x" + hex(octets.data(), octets.size());
}

std::string encode_base64(const Octets& octets) {
  std::string out = "0b";
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (i + k < octets.size() ? octets[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= octets.size() ? kBase64[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

}  // namespace faultlun::support
