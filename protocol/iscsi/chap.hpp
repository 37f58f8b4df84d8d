// CHAP's arithmetic: algorithms and responses.  RFC 7143 §12.1.3, RFC 1994; algorithm numbers from
// IANA. The order of the steps is login_security.cpp's; randomness is the caller's.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace faultlun::iscsi {

enum class ChapAlgorithm : std::uint8_t { md5 = 5, sha1 = 6, sha256 = 7, sha3_256 = 8 };

/// The first algorithm of a CHAP_A list that we have (A6.02); unknown entries are skipped.
std::optional<ChapAlgorithm> choose_chap_algorithm(std::string_view offer);

/// Octets of a response; our challenges have as many.
std::size_t chap_digest_bytes(ChapAlgorithm algorithm);

/// H(identifier, secret, challenge); empty when the crypto library refuses the algorithm.
bytes::Buffer chap_response(ChapAlgorithm algorithm, std::uint8_t identifier,
                            std::string_view secret, bytes::View challenge);

/// Compares in a time that depends on the lengths alone.
bool same_octets(bytes::View a, bytes::View b);

}  // namespace faultlun::iscsi
