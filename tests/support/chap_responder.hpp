// The initiator's side of CHAP, RFC 7143 §12.1.3.  Digests by OpenSSL's EVP.
#pragma once

#include "tests/support/pdu.hpp"

#include <cstdint>
#include <string>

namespace faultlun::support {

struct ChapSecrets {
  std::string user, secret;                ///< what we prove
  std::string mutual_user, mutual_secret;  ///< what the target must prove; empty: one-way
  std::string algorithms = "5";            ///< CHAP_A as offered
  bool base64 = false;                     ///< encode our binary values as 0b…
};

/// hash(identifier ‖ secret ‖ challenge); algorithm 5 MD5, 6 SHA-1, 7 SHA-256, 8 SHA3-256.
Octets chap_response(int algorithm, std::uint8_t identifier, const std::string& secret,
                     const Octets& challenge);

/// A binary value of a text key: 0x… or 0b….  `ok` is false when it is neither.
Octets decode_binary(std::string_view value, bool* ok = nullptr);
std::string encode_hex(const Octets& octets);
std::string encode_base64(const Octets& octets);

}  // namespace faultlun::support
