// SipHash-2-4: the rounds as in the paper, figure 2.1; words are little-endian whatever the
// machine.
#include "faults/siphash.hpp"

#include <bit>
#include <cstddef>

namespace faultlun::faults {
namespace {

constexpr std::size_t kWord = 8;

std::uint64_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t little_endian_word(std::string_view bytes, std::size_t at) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kWord; ++i)
    word |= byte_at(bytes, at + i) << (8 * i);
  return word;
}

}  // namespace

SipHash::SipHash(std::uint64_t k0, std::uint64_t k1)
    : v0_(k0 ^ 0x736f6d6570736575),
      v1_(k1 ^ 0x646f72616e646f6d),
      v2_(k0 ^ 0x6c7967656e657261),
      v3_(k1 ^ 0x7465646279746573) {}

void SipHash::round() {
  v0_ += v1_;
  v2_ += v3_;
  v1_ = std::rotl(v1_, 13) ^ v0_;
  v3_ = std::rotl(v3_, 16) ^ v2_;
  v0_ = std::rotl(v0_, 32);
  v2_ += v1_;
  v0_ += v3_;
  v1_ = std::rotl(v1_, 17) ^ v2_;
  v3_ = std::rotl(v3_, 21) ^ v0_;
  v2_ = std::rotl(v2_, 32);
}

void SipHash::take(std::uint64_t word) {
  v3_ ^= word;
  round();
  round();
  v0_ ^= word;
}

void SipHash::update(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t filled = length_ % kWord;
    if (filled == 0 && bytes.size() - at >= kWord) {
      take(little_endian_word(bytes, at));
      at += kWord;
      length_ += kWord;
      continue;
    }
    tail_ |= byte_at(bytes, at) << (8 * filled);
    ++at;
    ++length_;
    if (filled + 1 == kWord) {
      take(tail_);
      tail_ = 0;
    }
  }
}

std::uint64_t SipHash::finish() const {
  SipHash last = *this;
  last.take(tail_ | length_ << 56);
  last.v2_ ^= 0xff;
  for (int i = 0; i < 4; ++i)
    last.round();
  return last.v0_ ^ last.v1_ ^ last.v2_ ^ last.v3_;
}

std::uint64_t siphash_2_4(std::uint64_t k0, std::uint64_t k1, std::string_view bytes) {
  SipHash hash(k0, k1);
  hash.update(bytes);
  return hash.finish();
}

}  // namespace faultlun::faults
