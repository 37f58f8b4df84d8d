#include "protocol/iscsi/chap.hpp"

#include "protocol/iscsi/text.hpp"

#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace faultlun::iscsi {
namespace {

struct AlgorithmRow {
  ChapAlgorithm algorithm;
  std::size_t digest_bytes;
  const EVP_MD* (*digest)();
};

constexpr AlgorithmRow kAlgorithms[] = {
    {ChapAlgorithm::md5, 16, EVP_md5},
    {ChapAlgorithm::sha1, 20, EVP_sha1},
    {ChapAlgorithm::sha256, 32, EVP_sha256},
    {ChapAlgorithm::sha3_256, 32, EVP_sha3_256},
};

const AlgorithmRow& row_of(ChapAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm) -
                     static_cast<std::size_t>(ChapAlgorithm::md5)];
}

}  // namespace

std::optional<ChapAlgorithm> choose_chap_algorithm(std::string_view offer) {
  std::optional<ChapAlgorithm> chosen;
  any_item(offer, [&](std::string_view item) {
    const auto number = parse_number(item);
    for (const auto& row : kAlgorithms) {
      if (number == static_cast<std::uint64_t>(row.algorithm)) chosen = row.algorithm;
    }
    // A library in FIPS mode has no MD5: then the next entry of the list is as good.
    if (chosen && chap_response(*chosen, 0, {}, {}).empty()) chosen.reset();
    return chosen.has_value();
  });
  return chosen;
}

std::size_t chap_digest_bytes(ChapAlgorithm algorithm) {
  return row_of(algorithm).digest_bytes;
}

bytes::Buffer chap_response(ChapAlgorithm algorithm, std::uint8_t identifier,
                            std::string_view secret, bytes::View challenge) {
  const auto& row = row_of(algorithm);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  bytes::Buffer out(row.digest_bytes);
  unsigned length = 0;
  const bool done = context && EVP_DigestInit_ex(context.get(), row.digest(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), &identifier, 1) == 1 &&
                    EVP_DigestUpdate(context.get(), secret.data(), secret.size()) == 1 &&
                    EVP_DigestUpdate(context.get(), challenge.data(), challenge.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), out.data(), &length) == 1;
  if (!done || length != out.size()) return {};
  return out;
}

bool same_octets(bytes::View a, bytes::View b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace faultlun::iscsi
